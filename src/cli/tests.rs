//! Orders that follow from command lines.

mod changes;
mod jobs;

use clap::Parser as _;

use super::{Cli, CliCommand};
use crate::config::{ImportPlan, NamedDestination};

/// Returns the order of an import with `args`, or the text of the refusal.
fn import(args: &[&str]) -> Result<ImportPlan, String> {
    let words = ["consign", "import", "m.csv"].iter().chain(args);
    let cli = Cli::try_parse_from(words).map_err(|refusal| refusal.to_string())?;
    let CliCommand::Import(args) = cli.command else {
        panic!("another command");
    };
    args.into_plan().map_err(|conflict| conflict.to_string())
}

#[test]
fn half_a_tenant_names_the_other_half() {
    for (args, missing) in [
        (["--region", "eu"], "--environment production|sandbox"),
        (["--environment", "sandbox"], "--region us|eu|ca"),
    ] {
        let named = import(&args).unwrap().service.destination;
        assert_eq!(named, NamedDestination::HalfTenant { missing });
    }
}

#[test]
fn files_and_results_are_beside_the_manifest_unless_the_user_says_otherwise() {
    let order = |args: &[&str]| import(args).unwrap();
    let usual = order(&[]);
    assert_eq!(usual.input.root.to_str(), Some("."));
    assert_eq!(usual.results.to_str(), Some("m.results.csv"));
    let chosen = order(&["--root", "files", "--results", "r.csv"]);
    assert_eq!(chosen.input.root.to_str(), Some("files"));
    assert_eq!(chosen.results.to_str(), Some("r.csv"));
}
