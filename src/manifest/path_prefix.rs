//! Beginning of file paths that the user takes off, because the folder of the files has another
//! place here than on the system that wrote the paths.

use super::sought_path::is_path_separator;
use crate::platform::{PATH_SYNTAX, PathSyntax};
use crate::text::{fold_case_and_accents, is_unsafe_to_print};

/// Beginning of file paths that is taken off before a file is sought, as `--strip-prefix PREFIX`
/// names the beginning.
///
/// Guarantees: there are separators or parts, and no part is `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPrefix {
    spelling: String,
    start: PathStart,
    parts: Vec<String>,
}

/// Separators before the first part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathStart {
    /// None: a relative path, or a path that begins with a drive letter.
    Name,
    /// One: an absolute path.
    Separator,
    /// Two or more: a path to another computer.
    TwoSeparators,
}

/// Reason for which a text is no prefix of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPathPrefix {
    /// The text is blank.
    #[error("the beginning of the paths is expected, such as 'S:\\Legal\\Scans'")]
    Blank,
    /// A part is `..`.
    #[error("the part `..` leads to another folder than the one that it follows; leave it out")]
    ParentFolder,
    /// A character cannot stand in a path of a manifest.
    #[error("no path may contain a control character, or one for the direction of writing")]
    Unprintable,
    /// The text took in its closing quote on Windows, where a `\` before the quote does so.
    #[error(
        "a \\ before a closing quote makes the quote a part of the beginning; leave this \\ out"
    )]
    ClosingQuote,
}

impl PathPrefix {
    /// Parses a prefix, with `/` or `\` between its parts and with or without one at its end.
    pub fn parse(text: &str) -> Result<Self, InvalidPathPrefix> {
        Self::parse_on(PATH_SYNTAX, text)
    }

    fn parse_on(syntax: PathSyntax, text: &str) -> Result<Self, InvalidPathPrefix> {
        if text.trim().is_empty() {
            return Err(InvalidPathPrefix::Blank);
        }
        if text.chars().any(is_unsafe_to_print) {
            return Err(InvalidPathPrefix::Unprintable);
        }
        let has_closing_quote = text.ends_with('"') || text.contains("\" -");
        if has_closing_quote && syntax == PathSyntax::Windows {
            return Err(InvalidPathPrefix::ClosingQuote);
        }
        let parts = text.split(is_path_separator);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        if parts.contains(&"..") {
            return Err(InvalidPathPrefix::ParentFolder);
        }
        Ok(Self {
            spelling: text.to_owned(),
            start: PathStart::of(text),
            parts: parts.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Returns the prefix as typed.
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// Returns what follows the prefix and its separator in a path, or `None` for a path without
    /// the prefix. Case counts, except in a prefix that begins with a drive or a server.
    pub fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        if PathStart::of(path) != self.start {
            return None;
        }
        let mut rest = path.trim_start_matches(is_path_separator);
        for part in &self.parts {
            let (name, after) = rest.split_once(is_path_separator)?;
            if !self.is_part(part, name) {
                return None;
            }
            rest = after.trim_start_matches(is_path_separator);
        }
        Some(rest)
    }

    fn is_part(&self, part: &str, name: &str) -> bool {
        part == name
            || (self.comes_from_windows()
                && fold_case_and_accents(part) == fold_case_and_accents(name))
    }

    /// Returns `true` if the prefix begins with a drive or a server, for which Windows ignores case.
    fn comes_from_windows(&self) -> bool {
        let drive = self.parts.first().map(String::as_bytes);
        self.start == PathStart::TwoSeparators
            || matches!(drive, Some([letter, b':']) if letter.is_ascii_alphabetic())
    }

    /// Returns the folder parts of a path as prefixes, the longest first.
    pub fn candidates_for(path: &str) -> Vec<Self> {
        let mut ends: Vec<usize> = path
            .match_indices(is_path_separator)
            .map(|(at, separator)| at + separator.len())
            // Of several separators in a row, the last one ends the prefix.
            .filter(|end| !path[*end..].starts_with(is_path_separator))
            .collect();
        ends.reverse();
        ends.into_iter()
            .filter_map(|end| Self::parse(&path[..end]).ok())
            .collect()
    }
}

impl PathStart {
    fn of(path: &str) -> Self {
        let is_separator = |byte: Option<&u8>| matches!(byte, Some(b'/' | b'\\'));
        let mut bytes = path.as_bytes().iter();
        match (is_separator(bytes.next()), is_separator(bytes.next())) {
            (true, true) => Self::TwoSeparators,
            (true, false) => Self::Separator,
            (false, _) => Self::Name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_a_separator_and_takes_either_kind() {
        for (prefix, path, rest) in [
            (
                "S:\\Legal\\Scans\\",
                "S:\\Legal\\Scans\\a.pdf",
                Some("a.pdf"),
            ),
            ("S:\\Legal\\Scans", "S:\\Legal\\Scans\\a.pdf", Some("a.pdf")),
            (
                "S:/Legal/Scans",
                "S:\\Legal\\Scans\\x\\a.pdf",
                Some("x\\a.pdf"),
            ),
            ("S:\\Legal\\Sc", "S:\\Legal\\Scans\\a.pdf", None),
            ("S:\\Legal\\Scans", "S:\\Legal\\Scans", None),
            ("S:\\Legal\\Scans", "S:\\Legal\\Scans\\", Some("")),
            ("S:", "S:\\a.pdf", Some("a.pdf")),
            ("S:", "S:a.pdf", None),
            ("S:\\Legal", "S:\\\\Legal\\\\a.pdf", Some("a.pdf")),
            ("s:\\LEGAL", "S:\\Legal\\a.pdf", Some("a.pdf")),
            ("S:\\Verträge", "S:\\VERTRA\u{308}GE\\a.pdf", Some("a.pdf")),
            ("S:\\Legal", "T:\\Legal\\a.pdf", None),
            (
                "\\\\server\\share",
                "\\\\SERVER\\Share\\a.pdf",
                Some("a.pdf"),
            ),
            ("//server/share/", "\\\\server\\share\\a.pdf", Some("a.pdf")),
            ("\\\\server\\share", "\\server\\share\\a.pdf", None),
            ("\\server", "\\\\server\\a.pdf", None),
            ("/home/me", "/home/me/a.pdf", Some("a.pdf")),
            ("/home/me", "/home/ME/a.pdf", None),
            ("/", "/home/me/a.pdf", Some("home/me/a.pdf")),
            ("Legal\\Scans", "Legal/Scans/a.pdf", Some("a.pdf")),
            ("legal", "Legal/a.pdf", None),
            ("Legal", "a.pdf", None),
        ] {
            let parsed = PathPrefix::parse(prefix).unwrap();
            assert_eq!(parsed.strip(path), rest, "{prefix} {path}");
        }
    }

    #[test]
    fn a_prefix_that_no_path_can_begin_with_is_refused() {
        for (prefix, wrong) in [
            ("", InvalidPathPrefix::Blank),
            (" ", InvalidPathPrefix::Blank),
            ("S:\\Legal\\..", InvalidPathPrefix::ParentFolder),
            ("../Legal", InvalidPathPrefix::ParentFolder),
            ("a\u{202e}b", InvalidPathPrefix::Unprintable),
            ("a\nb", InvalidPathPrefix::Unprintable),
        ] {
            assert_eq!(PathPrefix::parse(prefix), Err(wrong), "{prefix:?}");
        }
    }

    #[test]
    fn a_prefix_that_took_in_its_closing_quote_is_refused_on_windows() {
        for prefix in ["S:\\Legal Files\"", "S:\\Legal Files\" --resume"] {
            let wrong = Err(InvalidPathPrefix::ClosingQuote);
            assert_eq!(PathPrefix::parse_on(PathSyntax::Windows, prefix), wrong);
            assert!(PathPrefix::parse_on(PathSyntax::Posix, prefix).is_ok());
        }
        assert!(PathPrefix::parse_on(PathSyntax::Windows, "The \"old\" files").is_ok());
    }

    #[test]
    fn the_folder_parts_of_a_path_are_prefixes_from_the_longest_on() {
        let candidates = |path: &str| -> Vec<String> {
            let candidates = PathPrefix::candidates_for(path).into_iter();
            candidates.map(|prefix| prefix.spelling).collect()
        };
        assert_eq!(candidates("S:\\Legal\\\\a.pdf"), ["S:\\Legal\\\\", "S:\\"]);
        assert_eq!(candidates("//server/a.pdf"), ["//server/", "//"]);
        assert_eq!(candidates("/a.pdf"), ["/"]);
        assert_eq!(candidates("a.pdf"), [""; 0]);
        assert_eq!(candidates("../a.pdf"), [""; 0]);
    }
}
