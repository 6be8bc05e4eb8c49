//! The `consign` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    consign::run(std::env::args_os()).into()
}
