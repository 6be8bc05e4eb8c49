//! Paths of files as other systems write them, and the paths below the root at which the files are
//! sought.
//!
//! Everything here follows from the manifest alone. The disk has the last word, in
//! [`prepare`](crate::prepare): about a `\` that is part of a name, and about a colon that follows a
//! single letter.

use std::borrow::Cow;

use crate::manifest::problem::ProblemKind;
use crate::model::NonFileKind;
use crate::platform::{PATH_SYNTAX, PathSyntax};

/// Returns `true` for the separators of path parts: `/`, and `\` as Windows writes paths.
pub(crate) fn is_path_separator(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// Returns the last part of a path with separators of either kind.
pub(crate) fn last_path_part(path: &str) -> &str {
    path.rsplit(is_path_separator).next().unwrap_or_default()
}

/// Returns `true` if two paths differ in the kind of their separators at most.
pub(crate) fn are_same_but_for_separators(one: &str, other: &str) -> bool {
    one == other
        || (one.len() == other.len()
            && one
                .split(is_path_separator)
                .eq(other.split(is_path_separator)))
}

/// Path at which the file of a row is sought, as the manifest spells the path: relative to the
/// root, and without a part `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SoughtPath<'r>(&'r str);

impl<'r> SoughtPath<'r> {
    /// Checks a path. Fails if the path leads out of the root or begins at another root.
    pub(crate) fn parse(path: &'r str) -> Result<Self, ProblemKind> {
        match path.as_bytes() {
            [] => return Err(ProblemKind::NotAFile(NonFileKind::Folder)),
            [b'\\' | b'/', b'\\' | b'/', rest @ ..] => return Err(double_root_problem(rest)),
            [b'\\' | b'/', ..] => return Err(ProblemKind::AbsolutePath),
            // `A: Anlage.pdf` may be the name of a file.
            [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic() => {
                return Err(ProblemKind::DriveLetter);
            }
            _ => {}
        }
        // The first test is cheap and rules out nearly all paths.
        if path.contains("..") && path.split(is_path_separator).any(|part| part == "..") {
            return Err(ProblemKind::ParentFolder);
        }
        Ok(Self(path))
    }

    /// Returns the path with `/` between its parts.
    pub(crate) fn with_slashes(self) -> Cow<'r, str> {
        if self.0.contains('\\') {
            Cow::Owned(self.0.replace('\\', "/"))
        } else {
            Cow::Borrowed(self.0)
        }
    }

    /// Returns the path in which each `\` is part of a name, as systems other than Windows allow.
    /// `None` for a path without a `\`, and on Windows.
    pub(crate) fn with_backslashes_in_names(self) -> Option<&'r str> {
        (PATH_SYNTAX == PathSyntax::Posix && self.0.contains('\\')).then_some(self.0)
    }

    /// Returns `true` if the path begins as a path on a drive of Windows does, such as `S:a.pdf`. A
    /// blank after the colon belongs to a name, such as `A: Anlage.pdf`.
    pub(crate) fn begins_like_drive(self) -> bool {
        match self.0.as_bytes() {
            [letter, b':', rest @ ..] => {
                letter.is_ascii_alphabetic() && rest.first() != Some(&b' ')
            }
            _ => false,
        }
    }
}

/// Returns the problem of a path with two separators in front, of which `rest` is what follows.
///
/// `\\?\` and `\\.\` begin the paths of Windows that no program interprets: with a drive, a device or,
/// after `UNC`, another computer.
fn double_root_problem(rest: &[u8]) -> ProblemKind {
    match rest {
        [b'?' | b'.', b'\\' | b'/', path @ ..] => {
            let share = path
                .get(..3)
                .is_some_and(|unc| unc.eq_ignore_ascii_case(b"UNC"));
            if share && matches!(path.get(3), Some(b'\\' | b'/')) {
                ProblemKind::NetworkPath
            } else {
                ProblemKind::AbsolutePath
            }
        }
        _ => ProblemKind::NetworkPath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_windows_is_sought_with_slashes() {
        for (path, sought, in_names) in [
            ("a.pdf", "a.pdf", None),
            ("Scans/a.pdf", "Scans/a.pdf", None),
            (
                "Scans\\2024\\a.pdf",
                "Scans/2024/a.pdf",
                Some("Scans\\2024\\a.pdf"),
            ),
            (
                "Scans/2024\\a.pdf",
                "Scans/2024/a.pdf",
                Some("Scans/2024\\a.pdf"),
            ),
            ("A: Anlage.pdf", "A: Anlage.pdf", None),
            ("a..b\\..c", "a..b/..c", Some("a..b\\..c")),
        ] {
            let parsed = SoughtPath::parse(path).unwrap();
            assert_eq!(parsed.with_slashes(), sought);
            assert_eq!(
                parsed.with_backslashes_in_names(),
                in_names.filter(|_| PATH_SYNTAX == PathSyntax::Posix)
            );
        }
    }

    #[test]
    fn a_path_that_begins_elsewhere_or_leads_upwards_is_refused_with_either_separator() {
        for (path, wrong) in [
            ("\\\\server\\share\\a.pdf", ProblemKind::NetworkPath),
            ("//server/share/a.pdf", ProblemKind::NetworkPath),
            ("\\/server\\a.pdf", ProblemKind::NetworkPath),
            ("\\\\?\\UNC\\server\\a.pdf", ProblemKind::NetworkPath),
            ("\\\\?\\S:\\a.pdf", ProblemKind::AbsolutePath),
            ("\\\\.\\PhysicalDrive0", ProblemKind::AbsolutePath),
            ("\\Scans\\a.pdf", ProblemKind::AbsolutePath),
            ("/Scans/a.pdf", ProblemKind::AbsolutePath),
            ("S:\\a.pdf", ProblemKind::DriveLetter),
            ("s:/a.pdf", ProblemKind::DriveLetter),
            ("Scans\\..\\a.pdf", ProblemKind::ParentFolder),
            ("Scans/..\\a.pdf", ProblemKind::ParentFolder),
            ("..\\a.pdf", ProblemKind::ParentFolder),
            ("a\\..", ProblemKind::ParentFolder),
        ] {
            assert_eq!(SoughtPath::parse(path), Err(wrong), "{path}");
        }
    }

    #[test]
    fn only_a_letter_and_a_colon_at_the_beginning_look_like_a_drive() {
        for (path, is_like_drive) in [
            ("S:a.pdf", true),
            ("A: Anlage.pdf", false),
            ("1: a.pdf", false),
            ("AB: a.pdf", false),
            ("Scans/A: a.pdf", false),
        ] {
            let parsed = SoughtPath::parse(path).unwrap();
            assert_eq!(parsed.begins_like_drive(), is_like_drive, "{path}");
        }
    }

    #[test]
    fn the_last_part_of_a_path_stands_behind_a_separator_of_either_kind() {
        for (path, last) in [
            ("a.pdf", "a.pdf"),
            ("Scans/a.pdf", "a.pdf"),
            ("S:\\Legal\\a.pdf", "a.pdf"),
            ("Scans/2024\\a.pdf", "a.pdf"),
            ("Scans\\2024/a.pdf", "a.pdf"),
        ] {
            assert_eq!(last_path_part(path), last);
        }
    }

    #[test]
    fn paths_are_compared_without_regard_to_the_kind_of_separator() {
        for (one, other, same) in [
            ("a/b.pdf", "a/b.pdf", true),
            ("a/b.pdf", "a\\b.pdf", true),
            ("a/b.pdf", "a/c.pdf", false),
            ("a/b.pdf", "a-b.pdf", false),
            ("a/b.pdf", "A/b.pdf", false),
        ] {
            assert_eq!(
                are_same_but_for_separators(one, other),
                same,
                "{one} {other}"
            );
        }
    }
}
