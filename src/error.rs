//! How the program ends: exit codes, and the errors that end a command before its work.

use std::io;
use std::process::ExitCode;

use crate::manifest::ManifestError;
use crate::root::RootError;

/// What the program tells the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(u8);

impl Exit {
    /// Every row is done; for `check`, nothing is wrong.
    pub const DONE: Self = Self(0);
    /// The run went through, and some row is not done.
    pub const NOT_ALL_DONE: Self = Self(1);
    /// Nothing was sent: wrong usage, configuration or manifest.
    pub const NOTHING_SENT: Self = Self(2);
    /// The run stopped early.
    pub const STOPPED: Self = Self(3);
    /// Interrupted from the keyboard (SIGINT).
    pub const INTERRUPTED: Self = Self(130);
    /// Asked to end by the system (SIGTERM).
    pub const TERMINATED: Self = Self(143);

    /// The number itself.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// What ends a command before or instead of its result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest cannot be read as one.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The folder of the files cannot be opened.
    #[error(transparent)]
    Root(#[from] RootError),
    /// Standard output or standard error does not take what is written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// How the program ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Manifest(_) | Self::Root(_) | Self::Output(_) => Exit::NOTHING_SENT,
        }
    }
}
