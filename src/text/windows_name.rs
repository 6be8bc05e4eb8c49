//! Names by which no program on Windows reaches a file.
//!
//! Source: Microsoft, "Naming Files, Paths, and Namespaces" (documented), and the names ending in 0,
//! which the library that opens files refuses as well.

use crate::platform::PathSyntax;

/// Names of devices, in upper case, besides the numbered ones.
const DEVICES: [&str; 6] = ["AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN"];

/// Names of devices, in upper case, to which a digit belongs.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// Reason for which no program on Windows reaches a file by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowsNameFault {
    /// The name up to its first dot is the name of a device, as in `CON` and `nul.pdf`.
    DeviceName,
    /// The name ends in a dot or a blank, which Windows drops.
    DotOrBlankAtEnd,
    /// Windows takes the character in no name.
    ForbiddenCharacter(char),
}

impl WindowsNameFault {
    /// Returns the first part of a path by which a system with this syntax of paths reaches no file,
    /// with the fault. The parts stand between `/` or `\`.
    pub fn in_path(path: &str, syntax: PathSyntax) -> Option<(&str, Self)> {
        match syntax {
            PathSyntax::Posix => None,
            PathSyntax::Windows => path
                .split(['/', '\\'])
                .find_map(|part| Some((part, Self::of_name(part)?))),
        }
    }

    /// Returns the fault of one part of a path, or `None` for a name that Windows takes. The parts
    /// `.` and `..` are no names and have no fault.
    pub fn of_name(name: &str) -> Option<Self> {
        if matches!(name, "" | "." | "..") {
            return None;
        }
        let is_forbidden = |c: &char| c.is_ascii_control() || "<>:\"|?*".contains(*c);
        if let Some(c) = name.chars().find(is_forbidden) {
            Some(Self::ForbiddenCharacter(c))
        } else if name.ends_with(['.', ' ']) {
            Some(Self::DotOrBlankAtEnd)
        } else {
            is_device_name(name).then_some(Self::DeviceName)
        }
    }
}

/// Returns `true` if a name, whatever its extension, is the name of a device on Windows.
pub fn is_device_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ');
    let is_known = DEVICES
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device));
    if is_known {
        return true;
    }
    let mut chars = stem.chars();
    // The superscript digits are digits to Windows, because ISO 8859-1 has no others.
    let is_numbered = matches!(chars.next_back(), Some('0'..='9' | '¹' | '²' | '³'));
    is_numbered
        && NUMBERED_DEVICES
            .iter()
            .any(|device| chars.as_str().eq_ignore_ascii_case(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_known_in_any_case_and_with_any_extension() {
        for name in [
            "CON",
            "con",
            "Nul.pdf",
            "aux.2024.pdf",
            "PRN .txt",
            "COM1",
            "com9.pdf",
            "lpt0",
            "LPT³",
            "COM¹.pdf",
            "conin$",
            "CONOUT$.txt",
        ] {
            let fault = WindowsNameFault::of_name(name);
            assert_eq!(fault, Some(WindowsNameFault::DeviceName), "{name}");
        }
        for name in [
            "CONTRACT",
            "con-1.pdf",
            "_CON.pdf",
            "COM",
            "COM10.pdf",
            "COM٣",
            "LPTX",
            ".con",
            "a.con",
            "COM⁴",
        ] {
            assert_eq!(WindowsNameFault::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_first_part_of_a_path_with_a_fault_is_found_on_windows_alone() {
        for (path, part) in [
            ("Scans/2024/a.pdf", None),
            ("./Scans//../a.pdf", None),
            ("Scans\\aux\\a?.pdf", Some("aux")),
            ("Scans/aux.d/a.pdf", Some("aux.d")),
            ("Scans /a.pdf", Some("Scans ")),
            ("a.pdf:stream", Some("a.pdf:stream")),
        ] {
            let found = |syntax| WindowsNameFault::in_path(path, syntax).map(|(part, _)| part);
            assert_eq!(found(PathSyntax::Windows), part, "{path}");
            assert_eq!(found(PathSyntax::Posix), None, "{path}");
        }
    }

    #[test]
    fn characters_and_ends_that_windows_takes_in_no_name_are_faults() {
        let forbidden = WindowsNameFault::ForbiddenCharacter;
        for (name, fault) in [
            ("a.pdf", None),
            (".hidden", None),
            ("a b.pdf", None),
            (" a.pdf", None),
            (".", None),
            ("..", None),
            ("", None),
            ("a.pdf.", Some(WindowsNameFault::DotOrBlankAtEnd)),
            ("a.pdf ", Some(WindowsNameFault::DotOrBlankAtEnd)),
            ("...", Some(WindowsNameFault::DotOrBlankAtEnd)),
            ("a.pdf:stream", Some(forbidden(':'))),
            ("A: Anlage.pdf", Some(forbidden(':'))),
            ("Wer? Was?.pdf", Some(forbidden('?'))),
            ("a*.pdf", Some(forbidden('*'))),
            ("\"a\".pdf", Some(forbidden('"'))),
            ("<a>|b", Some(forbidden('<'))),
            ("a\tb", Some(forbidden('\t'))),
            ("CON?", Some(forbidden('?'))),
        ] {
            assert_eq!(WindowsNameFault::of_name(name), fault, "{name}");
        }
    }
}
