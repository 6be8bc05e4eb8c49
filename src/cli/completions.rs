//! Arguments and scripts of `completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use crate::config::CompletionPlan;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// Shell to complete commands in
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionArgs {
    /// Resolves the arguments to the order of a script.
    pub fn into_plan(self) -> CompletionPlan {
        let mut program = Cli::command();
        let name = program.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        CompletionPlan { script }
    }
}
