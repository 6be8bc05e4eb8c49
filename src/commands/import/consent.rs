//! The question that is asked before files become visible to people outside of the company.
//!
//! Documents of a sourcing event in Keelvar are visible to all of its bidders by default, and nobody
//! can make a bidder forget what he has seen.

use std::io::{self, IsTerminal as _, Write as _};

use super::plan::Plan;
use crate::cli::ImportArgs;
use crate::config::Base;
use crate::error::Error;
use crate::http::target::ApiHost;
use crate::model::ObjectType;
use crate::text::{counted, tell};

/// Says once that bidders will see the files, and asks whether that is meant, where they would.
pub(super) fn ask(args: &ImportArgs, base: &Base, plan: &Plan<'_>) -> Result<(), Error> {
    let files = plan.to_send_to(ObjectType::SourcingEvent);
    if files == 0 {
        return Ok(());
    }
    // What is on this machine has no bidders.
    let is_agreed = args.consent.yes || base.host() == ApiHost::Loopback;
    // Nobody is asked without being told why.
    if !(is_agreed && args.output.quiet) {
        tell("files on a sourcing event are visible to all of its bidders by default\n");
    }
    if is_agreed {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Error::NobodyToAsk);
    }
    let question = format!("attach {} now? [y/N] ", counted(files, "file"));
    io::stderr().write_all(question.as_bytes())?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if is_yes(&answer) {
        Ok(())
    } else {
        Err(Error::NotAgreed)
    }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_yes_is_yes() {
        for yes in ["y\n", "Y\n", "yes\n", " YES \r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yess\n", "j\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
