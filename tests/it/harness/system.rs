//! Differences between operating systems, as far as tests meet them: rights, links, pipes, and
//! requests to end a process.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use consign::text::CommandShell;

use super::run::EXIT_CODE_KILLED;

/// Requests to end that a user or the system can send to a process, each with the exit code of the
/// tool. On Windows, only Ctrl-C can be sent to a single process.
pub(crate) const STOP_SIGNALS: &[(&str, i32)] = if cfg!(windows) {
    &[("INT", 130)]
} else {
    &[("INT", 130), ("TERM", 143)]
};

/// Request to end that arrives however the tests were started: a shell lets its background jobs
/// ignore SIGINT, these tests among them.
pub(crate) const STOP_SIGNAL: &str = if cfg!(windows) { "INT" } else { "TERM" };

/// Exit code of the tool after [`STOP_SIGNAL`].
pub(crate) const EXIT_CODE_STOPPED: i32 = if cfg!(windows) { 130 } else { 143 };

/// End of a process under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolEnd {
    /// The process ends by itself or by a signal.
    OwnOrSignal,
    /// The test has killed the process.
    Killed,
}

/// Returns the exit code of a process, as a shell reports exit codes.
pub(super) fn shell_exit_code(status: ExitStatus, end: ToolEnd) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(windows)]
    let signal: Option<i32> = None;
    match (status.code(), signal) {
        // Windows reports a killed process as one that ended with this code.
        (Some(1), None) if end == ToolEnd::Killed => EXIT_CODE_KILLED,
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => panic!("no exit code: {status}"),
    }
}

/// Returns `true` if the system dumped a core at the end of the process.
pub(super) fn has_dumped_core(status: ExitStatus) -> bool {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::core_dumped(&status);
    #[cfg(windows)]
    panic!("{status}: there are no cores on Windows");
}

/// Sends a signal, such as `INT`.
#[cfg(unix)]
pub(super) fn send_signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

/// Presses Ctrl-C in the console of the process, the only signal that can be sent to a process on
/// Windows.
#[cfg(windows)]
pub(super) fn send_signal(child: &Child, name: &str) {
    assert_eq!(name, "INT", "Windows has no other signal");
    let sent = Command::new(&*ctrl_c::PROGRAM)
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success(), "{sent}");
}

/// Prepares a process which may get signals: on Windows a console of its own, so that Ctrl-C reaches
/// no other process.
pub(super) fn prepare_for_signals(command: &mut Command) {
    #[cfg(unix)]
    let _ = command;
    #[cfg(windows)]
    {
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(command, CREATE_NO_WINDOW);
    }
}

/// Shell of the system, into which the tests paste printed commands.
pub(crate) const SHELL: CommandShell = if cfg!(windows) {
    CommandShell::Cmd
} else {
    CommandShell::Posix
};

/// Returns the shell of the system with a command to execute.
pub(super) fn shell(command: &str) -> Command {
    #[cfg(unix)]
    {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        shell
    }
    #[cfg(windows)]
    {
        let mut shell = Command::new("cmd");
        // cmd takes off the outer quotes, and reads the rest as if typed.
        let typed = format!("/d /s /c \"{command}\"");
        std::os::windows::process::CommandExt::raw_arg(&mut shell, typed);
        shell
    }
}

/// Returns the environment variables without which no process can work.
pub(super) fn basic_environment() -> Vec<(&'static str, OsString)> {
    let names: &[&str] = if cfg!(windows) {
        &["SystemRoot", "TEMP", "TMP"]
    } else {
        &[]
    };
    let value = |name: &&'static str| Some((*name, std::env::var_os(name)?));
    names.iter().filter_map(value).collect()
}

/// Replaces the texts of errors of this system by those of Linux with the same meaning, so that one
/// expected output serves all systems.
pub(super) fn with_error_texts_of_linux(text: &str) -> String {
    let mut text = text.to_owned();
    if cfg!(windows) {
        for (number, of_linux) in [
            (2, "No such file or directory (os error 2)"),
            (3, "No such file or directory (os error 2)"),
            (5, "Permission denied (os error 13)"),
            (80, "File exists (os error 17)"),
            (183, "File exists (os error 17)"),
            (267, "Not a directory (os error 20)"),
        ] {
            let of_windows = io::Error::from_raw_os_error(number).to_string();
            text = text.replace(&of_windows, of_linux);
        }
    }
    text
}

/// Returns `true` if a file or folder has the rights of a Unix mode. On Windows, where rights are
/// inherited from the folder above, every file has.
pub(crate) fn has_mode(path: &Path, mode: u32) -> bool {
    let permissions = fs::symlink_metadata(path).unwrap().permissions();
    #[cfg(unix)]
    return std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777 == mode;
    #[cfg(windows)]
    {
        let _ = (permissions, mode);
        true
    }
}

/// Gives a file or folder the rights of a mode, except on Windows.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(windows)]
    let _ = (path, mode);
}

/// Makes a symbolic link at `link`. On Windows this takes the right to do so, or the developer mode.
pub(crate) fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, link).unwrap();
    #[cfg(windows)]
    {
        let leads_to = link.as_ref().parent().unwrap().join(target.as_ref());
        if leads_to.is_dir() {
            std::os::windows::fs::symlink_dir(target, link).unwrap();
        } else {
            std::os::windows::fs::symlink_file(target, link).unwrap();
        }
    }
}

/// Returns a name that is no Unicode: these bytes, or on Windows UTF-16 with half of a pair in place
/// of each byte beyond ASCII.
pub(crate) fn name_from_bytes(bytes: &[u8]) -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec());
    #[cfg(windows)]
    {
        let unit = |byte: &u8| u16::from(*byte) + if byte.is_ascii() { 0 } else { 0xdc00 };
        let units: Vec<u16> = bytes.iter().map(unit).collect();
        std::os::windows::ffi::OsStringExt::from_wide(&units)
    }
}

/// Makes a named pipe without a writer.
pub(crate) fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Program that presses Ctrl-C in the console of another process.
#[cfg(windows)]
mod ctrl_c {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::LazyLock;

    use tempfile::NamedTempFile;

    /// Environment variable with the compiled program, for a system without a C compiler.
    const PROGRAM_VARIABLE: &str = "CONSIGN_CTRL_C_PROGRAM";

    /// Path of the program, compiled once for all tests of a process.
    pub(super) static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(program) = std::env::var_os(PROGRAM_VARIABLE) {
            return program.into();
        }
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/windows/ctrl_c.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // The complete file is renamed into place, since other processes may use the program, too.
        let unfinished = NamedTempFile::new_in(folder).unwrap().into_temp_path();
        let compiled = Command::new("gcc")
            .arg("-o")
            .args([unfinished.as_os_str(), source.as_ref()])
            .status()
            .expect("a C compiler, which the build needs, too");
        assert!(compiled.success());
        let program = folder.join("ctrl_c.exe");
        unfinished.persist(&program).unwrap();
        program
    });
}
