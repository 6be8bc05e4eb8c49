//! `consign completions`: prints a script with which a shell completes commands.

use std::io::{self, Write as _};

use crate::config::CompletionPlan;
use crate::error::{CommandError, ProgramExit};

/// Runs the command.
pub fn run(config: &CompletionPlan) -> Result<ProgramExit, CommandError> {
    io::stdout().write_all(&config.script)?;
    Ok(ProgramExit::DONE)
}
