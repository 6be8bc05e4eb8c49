//! Differences between operating systems: files, the clock, signals, the memory of a process.
//!
//! `unix` and `windows` have the same list of items, and only this module chooses between them. A
//! rule about text that differs between systems, such as the syntax of paths, is a pure function
//! elsewhere with a policy as its argument, and is tested on every system; this module tells the
//! policy of the present system.
//!
//! # One writer for a file
//!
//! Unix has advisory locks: a lock keeps out only programs that ask for the lock, and moves to a
//! new file together with its name. Windows has mandatory locks: a locked file cannot even be read
//! by a spreadsheet, by another command or by a second handle of the same process. Therefore a file
//! with one writer is opened there with a sharing mode instead, which admits readers and a change
//! of the name, and no other writer. Sharing modes also hold between the clients of an SMB server.
//!
//! Windows cannot replace a file held open, even by the same process. `WriterGuard` keeps other
//! runs out while the old file is closed and the new file takes its name.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub(crate) use system::{
    FileIdentity, FolderEntry, FolderNames, PATH_SYNTAX, REPLACEMENT_POLICY, SystemSignals,
    WriterGuard, are_locks_missing, count_hard_links, create_for_all_readers,
    create_for_one_writer, create_private_folder, end_at_unheard_signals, file_for_content,
    forbid_core_dumps, has_no_driver, identify_file, identify_path, identify_target,
    is_file_in_use, is_folder_sync_missing, is_marked_hidden, is_pipe, is_replacement_blocked,
    is_write_refused, list_folder, lock_against_writers, lock_for_one_writer, open_for_one_writer,
    persist, probe_folder_sync, raise_open_file_limit, remove_if_unlocked, sync_file, sync_folder,
    time_since_boot, without_blocking,
};

/// End of the name of the file that keeps a second run away from results on Windows.
pub(crate) const GUARD_SUFFIX: &str = ".lock";

/// Syntax of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathSyntax {
    /// `/` separates names, and every other character may be part of a name.
    Posix,
    /// `\` and `/` separate names; drives, streams and reserved names exist.
    Windows,
}

/// Treatment of the old file while another file takes its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacementPolicy {
    /// The old file may stay open.
    KeepOpen,
    /// The old file must be closed before.
    CloseBefore,
}

/// Treatment of an existing file with the final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExistingFilePolicy {
    /// The new file replaces the existing file.
    Replace,
    /// The existing file stays, and the new file does not get the name.
    Keep,
}

/// Request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// Ctrl-C, and Ctrl-Break on Windows.
    Interrupt,
    /// SIGTERM, as sent by a system at shutdown.
    Terminate,
    /// SIGHUP: the terminal was closed, or the connection to the machine was lost. Both the system
    /// and the shell may send the signal for one closed terminal.
    Hangup,
    /// On Windows, the window of the console was closed, the user logs off, or the system shuts
    /// down. The system ends the process after five seconds, whatever the process does (documented
    /// by Microsoft for `HandlerRoutine`).
    Close,
}
