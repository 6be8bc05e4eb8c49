//! Words of commands that users paste into a POSIX shell.

use std::path::Path;

use crate::text::escape;

/// Returns a path as a shell word that no command takes for an option.
pub(super) fn shell_path(path: &Path) -> String {
    let path = path.to_string_lossy();
    let is_like_an_option = path.starts_with('-');
    let word = if is_like_an_option {
        format!("./{path}")
    } else {
        path.into_owned()
    };
    shell_word(&word)
}

/// Returns a word for a POSIX shell, quoted where necessary.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let quoted = word.replace('\'', r"'\''");
    format!("'{}'", escape(&quoted))
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
        ] {
            assert_eq!(shell_word(word), typed);
        }
    }
}
