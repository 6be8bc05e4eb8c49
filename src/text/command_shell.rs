//! Quoting of printed commands, for pasting into a shell.
//!
//! Users paste a command into the shell of the command before. [`CommandShell`] tells the shell from
//! the environment and spells words for the shell: `posix` for the shells of Unix, `windows` for cmd
//! and PowerShell. Programs get the very same arguments again from the spelling.

mod posix;
mod windows;

use std::borrow::Cow;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::is_unsafe_to_print;
use crate::platform::{PATH_SYNTAX, PathSyntax};

/// Shell into which users paste commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandShell {
    /// `sh` and its relatives, Git Bash on Windows among them.
    Posix,
    /// `cmd.exe` of Windows.
    Cmd,
    /// Windows PowerShell 5.1 or PowerShell 7.
    PowerShell,
}

impl CommandShell {
    /// Returns the shell of this process, as far as the environment tells.
    pub fn of_this_process() -> Self {
        match PATH_SYNTAX {
            PathSyntax::Posix => Self::Posix,
            PathSyntax::Windows => Self::on_windows(|name| env::var_os(name)),
        }
    }

    /// Returns the shell of a process on Windows with the given environment variables.
    ///
    /// No variable names the shell, and a shell started from another shell inherits the variables
    /// of the other, so the answer is a good guess. The signs, the surest first:
    ///
    /// - Bash and zsh put the path of each program into the variable `_` of the program (documented).
    /// - PowerShell adds folders of its own to `PSModulePath` when PowerShell starts (documented in
    ///   `about_PSModulePath`). Without PowerShell, the variable has the folders for all programs.
    /// - cmd sets `PROMPT` (seen, and the variable is documented for the command `prompt`).
    /// - Git Bash and MSYS2 set `MSYSTEM`, Cygwin sets `SHELL` (both documented).
    ///
    /// The answer without any sign is PowerShell, the usual shell of a Windows terminal.
    pub fn on_windows(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_started_by_posix_shell = variable("_").is_some_and(|program| {
            let program = program.to_string_lossy();
            let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
            name.strip_suffix(".exe").unwrap_or(name) == env!("CARGO_PKG_NAME")
        });
        let has_powershell_folders = variable("PSModulePath").is_some_and(|folders| {
            let folders = folders.to_string_lossy();
            folders.split(';').any(is_added_by_powershell)
        });
        if is_started_by_posix_shell {
            Self::Posix
        } else if has_powershell_folders {
            Self::PowerShell
        } else if variable("PROMPT").is_some() {
            Self::Cmd
        } else if variable("MSYSTEM").is_some() || variable("SHELL").is_some() {
            Self::Posix
        } else {
            Self::PowerShell
        }
    }

    /// Returns a word of a command, quoted where necessary. The word looks the same for cmd and for
    /// PowerShell if both would read the same.
    ///
    /// Characters on which a terminal would act are written in ASCII. cmd alone has no spelling for
    /// the characters in a single word, and gets `\u{202e}` for people to read.
    ///
    /// Windows PowerShell 5.1 loses empty words, double quotes, and a `\` at the end of a word with
    /// blanks, in every spelling. [`CommandShell::script`] knows a way around.
    pub fn word(self, word: &OsStr) -> String {
        match self {
            Self::Posix => posix::word(word),
            Self::Cmd => windows::cmd_word(&word.to_string_lossy()),
            Self::PowerShell => windows::powershell_word(&word.to_string_lossy()),
        }
    }

    /// Returns a path as a word, in the form of [`path_argument`].
    pub fn path(self, path: &Path) -> String {
        self.word(path_argument(path).as_os_str())
    }

    /// Returns one line for running a program. The program is the first word.
    pub fn command(self, words: &[impl AsRef<OsStr>]) -> String {
        self.script(&[], words)
    }

    /// Returns one line for moving files, each from the first path to the second, and for running a
    /// program once all moves have succeeded. The program is the first word.
    pub fn script(self, moves: &[(PathBuf, PathBuf)], words: &[impl AsRef<OsStr>]) -> String {
        let moves = moves.iter().map(|(from, to)| [from, to]);
        let moves: Vec<[Cow<'_, Path>; 2]> = moves
            .map(|paths| paths.map(|path| path_argument(path)))
            .collect();
        let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
        match self {
            Self::Posix => posix::script(&moves, &words),
            Self::Cmd => windows::cmd_script(&moves, &words),
            Self::PowerShell => windows::powershell_script(&moves, &words),
        }
    }
}

/// Returns the same path without a `-` at the beginning, which a program would take for an option.
pub fn path_argument(path: &Path) -> Cow<'_, Path> {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return Cow::Owned(Path::new(".").join(path));
    }
    Cow::Borrowed(path)
}

/// Returns `true` for a folder of `PSModulePath` added by PowerShell at its start: the
/// folder of the user's modules, and PowerShell 7's folder of everybody's modules. Other products
/// have their folders in the variable of all programs, often in a folder with PowerShell's name.
fn is_added_by_powershell(folder: &str) -> bool {
    let folder = folder.replace('/', "\\").to_lowercase();
    let folder = folder.trim_end_matches('\\');
    let in_program_files = folder
        .get(1..)
        .is_some_and(|rest| rest.starts_with(":\\program files"));
    if in_program_files {
        return folder.ends_with(":\\program files\\powershell\\modules");
    }
    folder.ends_with("\\windowspowershell\\modules")
        || folder.ends_with("\\documents\\powershell\\modules")
}

#[cfg(test)]
mod tests;
