//! The command line: what was typed, and nothing about what it means.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use encoding_rs::Encoding;

use crate::manifest::encoding_named;

/// Attaches files to procurement records in bulk, from a spreadsheet, exactly once.
#[derive(Debug, Parser)]
#[command(name = "consign", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a manifest and all its files, without sending anything
    Check(CheckArgs),
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// What is shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The manifest, and how it is read.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// CSV with the columns `file_path`, `object_type`, `object_id` and `external_id`
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    /// Folder that file paths are relative to [default: the manifest's folder]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Encoding of the manifest, if it is neither UTF-8 nor UTF-16; for example windows-1252
    #[arg(long, value_name = "NAME", value_parser = encoding_named)]
    pub encoding: Option<&'static Encoding>,
    /// Accept ids that differ only in case or in the encoding of accents
    #[arg(long)]
    pub allow_similar_ids: bool,
}

/// How much is shown, and in which form.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Show nothing but errors
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about what is done; twice or three times for still more
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
    /// Form of the summary on standard output
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub output: Form,
}

/// The form of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Lines for people
    Human,
    /// One JSON object for scripts
    Json,
}
