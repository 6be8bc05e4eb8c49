//! How a command came to its end, and the exit code that follows from it.

use super::halt::words;
use crate::error::Exit;
use crate::model::Service;
use crate::pipeline::Halt;
use crate::signals::Stop;

/// How an import, a dry run or a verification came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunEnding {
    /// All rows were gone through, and nothing is left to be desired.
    Complete,
    /// All rows were gone through, and something is left to be desired.
    Incomplete,
    /// The user stopped it.
    Interrupted(Stop),
    /// It stopped early, for this reason.
    Stopped(String),
}

impl RunEnding {
    /// The ending of a run that stopped early, or else one that was gone through.
    pub(super) fn of(
        halt: Option<&Halt>,
        stop: Option<Stop>,
        service: Service,
        gone_through: impl FnOnce() -> Self,
    ) -> Self {
        match (halt, stop) {
            (Some(Halt::Interrupted), Some(stop)) => Self::Interrupted(stop),
            (Some(halt), _) => Self::Stopped(words(halt, service)),
            // A run that was wished to stop may have been at its end already.
            (None, _) => gone_through(),
        }
    }

    /// Whether there are rows that the run did not come to.
    pub(super) fn is_early(&self) -> bool {
        match self {
            Self::Complete | Self::Incomplete => false,
            Self::Interrupted(_) | Self::Stopped(_) => true,
        }
    }

    /// How the program ends.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Complete => Exit::DONE,
            Self::Incomplete => Exit::NOT_ALL_DONE,
            Self::Interrupted(stop) => stop.exit(),
            Self::Stopped(_) => Exit::STOPPED,
        }
    }
}
