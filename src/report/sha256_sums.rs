//! SHA-256 digests of the imported files, as `sha256sum -c` reads the digests from the root of the
//! file paths.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use crate::model::Sha256Digest;
use crate::results::ResultsEntry;

/// Text of the digest file: one line for each file of a row that is done and in the manifest, in
/// the order of the rows. A file of several rows has one line. A file has no line if other content
/// was kept in its place.
#[derive(Debug, Default)]
pub struct Sha256Sums {
    text: String,
    written: HashSet<(String, Sha256Digest)>,
}

impl Sha256Sums {
    /// Adds the file of a line of the results.
    pub fn take_line(&mut self, entry: &ResultsEntry) {
        let Some(content) = entry.known_content.content() else {
            return;
        };
        let is_stored = entry.status.is_done() && !entry.state().keeps_existing_content();
        let counts = entry.row.is_some() && is_stored;
        // No file with a `\` in its name is ever sent: each stands between two parts of the path.
        let path = entry.file_path.replace('\\', "/");
        if counts && self.written.insert((path.clone(), content.sha256)) {
            self.text.push_str(&sum_line(content.sha256, &path));
        }
    }

    /// Returns the whole file.
    pub fn render(self) -> String {
        self.text
    }
}

/// Returns one line. A name with a line break or a backslash is escaped as coreutils escape names,
/// with a backslash before the digest as the mark.
fn sum_line(digest: Sha256Digest, path: &str) -> String {
    // A lone hyphen means standard input.
    let path = if path == "-" { "./-" } else { path };
    let name = escaped_name(path);
    let mark = if name == path { "" } else { "\\" };
    let mut line = String::with_capacity(path.len() + 68);
    // Writing to a String never fails.
    let _ = writeln!(line, "{mark}{digest}  {name}");
    line
}

fn escaped_name(path: &str) -> Cow<'_, str> {
    if !path.contains(['\\', '\n', '\r']) {
        return Cow::Borrowed(path);
    }
    let escaped = path
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;

    #[test]
    fn a_name_that_would_break_its_line_is_escaped_and_the_line_says_so() {
        let digest = sha256(b"");
        for (path, expected) in [
            ("a b.pdf", format!("{digest}  a b.pdf\n")),
            ("a\\b\n", format!("\\{digest}  a\\\\b\\n\n")),
            ("\r", format!("\\{digest}  \\r\n")),
            ("-", format!("{digest}  ./-\n")),
        ] {
            assert_eq!(sum_line(digest, path), expected);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sha256sum_finds_every_file_whatever_its_name_and_notices_other_bytes() {
        use std::fs;
        use std::process::Command;

        let folder = tempfile::tempdir().unwrap();
        let names = [
            "plain.pdf",
            "-",
            "--help",
            " a",
            "*star",
            "a\\b",
            "two\nlines",
            "cr\r",
            "\u{1b}[2J",
            "é…\u{202e}",
            "sub/ deep\\er\n.pdf",
            "(brackets) = x",
        ];
        fs::create_dir(folder.path().join("sub")).unwrap();
        let mut sums = String::new();
        for name in names {
            fs::write(folder.path().join(name), name).unwrap();
            sums.push_str(&sum_line(sha256(name.as_bytes()), name));
        }
        fs::write(folder.path().join("SUMS"), sums).unwrap();
        let check = || {
            let mut command = Command::new("sha256sum");
            command.args(["--check", "--strict", "--quiet", "SUMS"]);
            command.current_dir(folder.path()).output().unwrap()
        };
        let found = check();
        assert!(
            found.status.success() && found.stdout.is_empty(),
            "{found:?}"
        );
        fs::write(folder.path().join("a\\b"), "other").unwrap();
        assert!(!check().status.success());
    }
}
