//! Ending of a run, and the exit code that follows from the ending.

use super::halt_message::halt_message;
use crate::error::ProgramExit;
use crate::model::ProcurementService;
use crate::pipeline::HaltReason;
use crate::signals::StopSignal;

/// Ending of an import, a dry run or a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunEnding {
    /// The run covered all rows, and every row is as it should be.
    Complete,
    /// The run covered all rows, and some row is not as it should be.
    Incomplete,
    /// The user stopped the run.
    Interrupted(StopSignal),
    /// The run stopped early. The text gives the reason.
    Stopped(String),
    /// The run covered all rows, but another program holds the results file, which therefore stays
    /// a journal.
    ResultsHeldOpen,
}

impl RunEnding {
    /// Returns the ending of a run stopped early, or else the ending from `gone_through` for a run
    /// over all rows.
    pub(super) fn new(
        halt: Option<&HaltReason>,
        stop: Option<StopSignal>,
        service: ProcurementService,
        gone_through: impl FnOnce() -> Self,
    ) -> Self {
        match (halt, stop) {
            (Some(HaltReason::Interrupted), Some(stop)) => Self::Interrupted(stop),
            (Some(halt), _) => Self::Stopped(halt_message(halt, service)),
            // The user's stop signal may come when the run is at its end already.
            (None, _) => gone_through(),
        }
    }

    /// Returns the ending of a run whose results could not be put in order, because another program
    /// holds the file. An early end stays the more important news.
    pub(super) fn with_held_results(self) -> Self {
        if self.is_early() {
            self
        } else {
            Self::ResultsHeldOpen
        }
    }

    /// True if the run may have left rows out.
    pub(super) fn is_early(&self) -> bool {
        match self {
            Self::Complete | Self::Incomplete | Self::ResultsHeldOpen => false,
            Self::Interrupted(_) | Self::Stopped(_) => true,
        }
    }

    /// Exit code of the program.
    pub(super) fn exit(&self) -> ProgramExit {
        match self {
            Self::Complete => ProgramExit::DONE,
            Self::Incomplete => ProgramExit::NOT_ALL_DONE,
            Self::Interrupted(stop) => stop.exit(),
            Self::Stopped(_) | Self::ResultsHeldOpen => ProgramExit::STOPPED,
        }
    }
}
