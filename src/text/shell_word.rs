//! Words of a command that a user pastes into a shell.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;

use super::is_unsafe_to_print;

/// Returns a word as a POSIX shell takes the word, quoted where necessary.
///
/// Characters on which a terminal would act are written as octal numbers for `printf`, so that the
/// word can be printed and still is the same word to the shell. On Unix, so are bytes that are not
/// UTF-8.
pub fn shell_word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let is_printable = matches!(text, Cow::Borrowed(_)) && !text.chars().any(is_unsafe_to_print);
    if !is_printable {
        return printf_word(word);
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a word that the shell has `printf` make. Line breaks at the end of the word are lost: a
/// shell cuts the line breaks at the end of a command's output.
fn printf_word(word: &OsStr) -> String {
    let mut format = String::new();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => format.push_str(r"\047"),
                '%' => format.push_str("%%"),
                '\\' => format.push_str(r"\\"),
                c if is_unsafe_to_print(c) => {
                    push_octal(&mut format, c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                c => format.push(c),
            }
        }
        push_octal(&mut format, chunk.invalid());
    }
    format!("\"$(printf '{format}')\"")
}

fn push_octal(format: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(format, "\\{byte:03o}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        for (word, typed) in [
            ("--rate", "--rate"),
            ("a b.csv", "'a b.csv'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
            ("Müller.csv", "Müller.csv"),
            (
                "file_path=Document \"link\"",
                "'file_path=Document \"link\"'",
            ),
            ("a\n'100%'\\", r#""$(printf 'a\012\047100%%\047\\')""#),
            ("\u{202e}x", r#""$(printf '\342\200\256x')""#),
        ] {
            assert_eq!(shell_word(OsStr::new(word)), typed);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_same_word() {
        use std::os::unix::ffi::OsStrExt as _;

        for word in [
            &b"plain"[..],
            b"Document \"link\" `x` $HOME ${a} !!",
            b"it's 100% \\ \\n",
            b"File\nPath\t\x1b[2J 'x' %s \\047",
            "\u{202e}Vertr\u{e4}ge\u{2028}1".as_bytes(),
            b"not \xff UTF-8",
            b"S:\\Legal\\Scans\\",
            b"~ * ? [a] # ; & | <>",
        ] {
            let word = OsStr::from_bytes(word);
            let script = format!("printf '%s' {}", shell_word(word));
            let read = std::process::Command::new("sh")
                .arg("-c")
                .arg(&script)
                .output();
            assert_eq!(OsStr::from_bytes(&read.unwrap().stdout), word, "{script}");
        }
    }
}
