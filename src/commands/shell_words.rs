//! Words of commands that users paste into a POSIX shell.

use std::path::Path;

use crate::text::shell_word;

/// Returns a path as a shell word that no command takes for an option.
pub(super) fn shell_path(path: &Path) -> String {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return shell_word(Path::new(".").join(path).as_os_str());
    }
    shell_word(path.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_takes_a_path_for_an_option() {
        for (path, word) in [("-m.csv", "./-m.csv"), ("a b", "'a b'"), ("a/-b", "a/-b")] {
            assert_eq!(shell_path(Path::new(path)), word);
        }
    }
}
