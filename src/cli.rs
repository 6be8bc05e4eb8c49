//! Command line: arguments as typed, and their resolution to the orders in `config`, from which the
//! commands are run. Help texts of arguments are the `///` comments of their fields. Open [`Cli`]
//! first; resolution is in `into_plan`.

mod completions;
mod emulator;
mod file_path;
mod folder_manifest;
mod into_plan;
mod manual;
mod values;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use encoding_rs::Encoding;

use crate::config::{SummaryForm, TenantEnvironment, TenantRegion};
use crate::duration::parse_duration;
use crate::http::target::HostSuffix;
use crate::manifest::{ColumnConstant, ColumnHeading, PathPrefix, find_encoding};
use crate::model::{LookUpPolicy, ObjectRef, ObjectType, RowNumbers, SecondCopyPolicy, StatusWord};
use crate::plan::ConflictPolicy;
use crate::verification::download_scope::SampleShare;

use file_path::file_path;

pub use completions::CompletionArgs;
pub use emulator::EmulatorArgs;
pub use folder_manifest::ManifestArgs;
pub use manual::ManualArgs;

/// Version with the commit and the target of the build, so that a report of a mistake tells exactly
/// which program made the mistake.
const PROGRAM_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("CONSIGN_COMMIT"),
    ", ",
    env!("CONSIGN_TARGET"),
    ")"
);

/// Attaches files to procurement records in bulk, from a spreadsheet, exactly once.
#[derive(Debug, Parser)]
#[command(name = "consign", version = PROGRAM_VERSION, propagate_version = true)]
pub struct Cli {
    /// Command to run.
    #[command(subcommand)]
    pub command: CliCommand,
}

/// Commands of the program.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Check a manifest and all its files, without sending anything
    Check(CheckArgs),
    /// Check a manifest, then attach its files, each exactly once
    Import(ImportArgs),
    /// Compare the results of an import with what the service holds
    Verify(VerifyArgs),
    /// Write an audit report from the results of an import
    Report(ReportArgs),
    /// Write a manifest to fill in, with a row for each file of a folder
    Manifest(ManifestArgs),
    /// Stand in for the service on this machine, to try and to rehearse
    Emulator(EmulatorArgs),
    /// Print a script with which a shell completes commands, options and their values
    Completions(CompletionArgs),
    /// Write the manual pages, one for each command, into a folder
    Man(ManualArgs),
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Manifest arguments.
    #[command(flatten)]
    pub input: InputArgs,
    /// Output arguments.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Results file of earlier runs, with which the rows are compared [default: the manifest's path with
    /// .results.csv for its extension]
    #[arg(long, value_name = "PATH", value_parser = file_path())]
    pub results: Option<PathBuf>,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Manifest arguments.
    #[command(flatten)]
    pub input: InputArgs,
    /// Results file [default: the manifest's path with .results.csv for its extension]
    #[arg(long, value_name = "PATH", value_parser = file_path())]
    pub results: Option<PathBuf>,
    /// Go on with the results of an earlier run
    #[arg(long)]
    pub resume: bool,
    /// Send nothing but look-ups, and say what an import would do
    #[arg(long)]
    pub dry_run: bool,
    /// Look-ups before attachments are made (Workday only)
    #[arg(long, value_name = "WAY", default_value = "each")]
    pub lookup: LookUpPolicy,
    /// Send the first N rows that are to be sent, and leave the others to a later run
    #[arg(long, value_name = "N", value_parser = parse_limit)]
    pub limit: Option<NonZeroUsize>,
    /// Send these rows alone, such as 5-20,33 (numbers of the results' column `row`), and leave the
    /// others to a later run
    #[arg(long, value_name = "ROWS")]
    pub only: Option<RowNumbers>,
    /// Leave out rows that are not fit to send, and go on with the others
    #[arg(long)]
    pub skip_invalid: bool,
    /// Stop when more than N rows have failed [default: no limit]
    #[arg(long, value_name = "N")]
    pub max_errors: Option<usize>,
    /// Consent arguments.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Service arguments.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Output arguments.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Arguments about changes.
    #[command(flatten)]
    pub amend: AmendArgs,
    /// Arguments about Keelvar's jobs.
    #[command(flatten)]
    pub jobs: JobArgs,
}

fn parse_limit(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "a number from 1 on is expected".to_owned())
}

/// Arguments for consent beforehand.
#[derive(Debug, Clone, Args)]
pub struct ConsentArgs {
    /// Answer yes to the questions before content is replaced, or becomes visible to bidders
    #[arg(long)]
    pub yes: bool,
}

/// Arguments about changes of existing attachments. Without these arguments, nothing is changed.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changing what is attached (Workday only)")]
pub struct AmendArgs {
    /// Treatment of an attachment with other content than the row's file
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub on_conflict: ConflictPolicy,
    /// Folder for backups of replaced content
    #[arg(long, value_name = "DIR", conflicts_with = "no_backup", value_parser = file_path())]
    pub backup: Option<PathBuf>,
    /// Replace content without a backup
    #[arg(long)]
    pub no_backup: bool,
    /// Correct attributes of attachments that differ from their rows: title
    #[arg(long, value_name = "WHAT", value_parser = UpdatableAttribute::parse)]
    pub update: Option<UpdatableAttribute>,
}

/// Attribute of an attachment that can be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdatableAttribute {
    /// Title of the attachment.
    Title,
}

impl UpdatableAttribute {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "title" => Ok(Self::Title),
            "file_name" => Err(
                "a file name is never corrected alone: the service would release the stored bytes; \
                 title is expected"
                    .to_owned(),
            ),
            _ => Err("title is expected".to_owned()),
        }
    }
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Results file of an import
    #[arg(value_name = "RESULTS", value_parser = file_path())]
    pub results: PathBuf,
    /// Download attachments and hash them again: all, or a share of them such as 5%
    #[arg(long, value_name = "all|N%", value_parser = DownloadSelection::parse)]
    pub download: Option<DownloadSelection>,
    /// Ask the records for their attachments, to prove on which record each attachment hangs
    #[arg(long)]
    pub objects: bool,
    /// Seed of the sample; the same seed draws the same sample [default: a random seed]
    #[arg(long, value_name = "NUMBER", requires = "download")]
    pub seed: Option<u32>,
    /// Encoding of results that a spreadsheet has saved, if it is neither UTF-8 nor UTF-16; for example
    /// windows-1252
    #[arg(long, value_name = "NAME", value_parser = find_encoding)]
    pub encoding: Option<&'static Encoding>,
    /// Service arguments.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Output arguments.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Arguments about Keelvar's status words.
    #[command(flatten)]
    pub words: StatusArgs,
}

/// Attachments to download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadSelection {
    /// All attachments.
    All,
    /// A random share of the attachments.
    Share(SampleShare),
}

impl DownloadSelection {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" | "100%" => Ok(Self::All),
            _ => SampleShare::parse(text)
                .map(Self::Share)
                .ok_or_else(|| "all, or a share such as 5% or 0.5%, is expected".to_owned()),
        }
    }
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Results file of an import
    #[arg(value_name = "RESULTS", value_parser = file_path())]
    pub results: PathBuf,
    /// Manifest to reconcile with [default: the results' path with .csv for .results.csv, if that
    /// file exists]
    #[arg(long, value_name = "PATH", value_parser = file_path())]
    pub manifest: Option<PathBuf>,
    /// Sheet of the manifest's workbook [default: the only visible sheet with the columns]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Encoding of the manifest, and of results that a spreadsheet has saved, where it is neither UTF-8
    /// nor UTF-16; for example windows-1252
    #[arg(long, value_name = "NAME", value_parser = find_encoding)]
    pub encoding: Option<&'static Encoding>,
    /// Arguments about columns.
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Attach the HTML report to this record, once; for example contract:48213
    #[arg(long, value_name = "TYPE:ID", value_parser = parse_record)]
    pub attach_to: Option<ObjectRef>,
    /// Output arguments.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Arguments for attaching the report.
    #[command(flatten)]
    pub attach: AttachArgs,
}

/// Arguments for attaching a report. Without `--attach-to` they have no effect.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --attach-to only")]
pub struct AttachArgs {
    /// Consent arguments.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Service arguments.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Arguments about Keelvar's jobs.
    #[command(flatten)]
    pub jobs: JobArgs,
}

/// Parses a record as typed: `contract:48213`.
fn parse_record(text: &str) -> Result<ObjectRef, String> {
    let (kind, id) = text
        .split_once(':')
        .ok_or_else(|| "a type and an id are expected, such as contract:48213".to_owned())?;
    let kind: ObjectType = kind
        .parse()
        .map_err(|why| format!("the type {kind:?} {why}"))?;
    ObjectRef::parse(kind, id).map_err(|why| format!("the id {id:?} {why}"))
}

/// Arguments about Keelvar's jobs. For Workday they have no effect.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Keelvar only")]
pub struct JobArgs {
    /// Files in one job at most; never more than --concurrency
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = parse_files_per_job)]
    pub files_per_job: usize,
    /// How long a job may take to end once its files are sent
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    pub job_timeout: Duration,
    /// Send the files of failed jobs again, although some of them may be attached already
    #[arg(long)]
    pub retry_failed_jobs: bool,
    /// Arguments about status words.
    #[command(flatten)]
    pub words: StatusArgs,
}

/// Arguments about the words in which Keelvar states the status of a job.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Keelvar only")]
pub struct StatusArgs {
    /// Another status that means success; may be given several times
    #[arg(long, value_name = "WORD", value_parser = StatusWord::parse)]
    pub success_status: Vec<StatusWord>,
}

fn parse_files_per_job(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=100) => Ok(number),
        _ => Err("a number from 1 to 100 is expected".to_owned()),
    }
}

/// Arguments about the destination of attachments, its rate, and the network.
#[derive(Debug, Clone, Args)]
pub struct ServiceArgs {
    /// Region of the company's tenant in Workday
    #[arg(long, value_name = "REGION", conflicts_with_all = ["base_url", "emulator"])]
    pub region: Option<TenantRegion>,
    /// Environment of the company's tenant in Workday
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with_all = ["base_url", "emulator"])]
    pub environment: Option<TenantEnvironment>,
    /// Base of the service: Workday's `.../services/attachments/v1` or Keelvar's `.../api`
    /// [default: `WORKDAY_BASE_URL` or `KEELVAR_BASE_URL`]
    #[arg(long, value_name = "URL", conflicts_with = "emulator")]
    pub base_url: Option<String>,
    /// Start an emulator for this run and use it; needs no keys
    #[arg(long)]
    pub emulator: bool,
    /// API requests a second; the limit is the company's, shared by all its keys
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Rows at work at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = parse_concurrency)]
    pub concurrency: usize,
    /// Do not ask the service for a first answer, which proves address and keys, before files are
    /// hashed
    #[arg(long)]
    pub skip_preflight: bool,
    /// How long the service may be away before the run stops
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = parse_duration)]
    pub max_outage: Duration,
    /// PEM file of authorities to trust besides those of the system
    #[arg(long, value_name = "PATH", value_parser = file_path())]
    pub ca_file: Option<PathBuf>,
    /// Exchange files only with this host and the hosts below it, which may then have private
    /// addresses; may be given several times [default: any public host]
    #[arg(long, value_name = "SUFFIX", value_parser = HostSuffix::parse)]
    pub upload_host: Vec<HostSuffix>,
}

fn parse_concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1000) => Ok(number),
        _ => Err("a number from 1 to 1000 is expected".to_owned()),
    }
}

/// Arguments about the manifest and the way to read it.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// CSV or .xlsx workbook with the columns `file_path`, `object_type`, `object_id` (or
    /// `object_external_id`) and `external_id`
    #[arg(value_name = "MANIFEST", value_parser = file_path())]
    pub manifest: PathBuf,
    /// Sheet of the workbook [default: the only visible sheet with the columns]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Folder that file paths are relative to [default: the manifest's folder]
    #[arg(long, value_name = "DIR", value_parser = file_path())]
    pub root: Option<PathBuf>,
    /// Beginning to take off the file paths, such as 'S:\Legal\Scans'; paths without the beginning
    /// stay as they are
    #[arg(long, value_name = "PREFIX", value_parser = PathPrefix::parse, allow_hyphen_values = true)]
    pub strip_prefix: Option<PathPrefix>,
    /// Encoding of the manifest, and of results that a spreadsheet has saved, where it is neither UTF-8
    /// nor UTF-16; for example windows-1252
    #[arg(long, value_name = "NAME", value_parser = find_encoding)]
    pub encoding: Option<&'static Encoding>,
    /// Arguments about columns.
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Accept ids that differ only in case, in the encoding of accents, in dashes or in characters
    /// that cannot be recognised, and ids with such characters
    #[arg(long)]
    pub allow_similar_ids: bool,
    /// Send files although they look like second copies of attached files: all such files, or only
    /// the files of these rows, such as 5-20,33
    #[arg(
        long,
        value_name = "ROWS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all",
        value_parser = SecondCopyPolicy::parse
    )]
    pub allow_again: Option<SecondCopyPolicy>,
}

/// Arguments about the columns of a manifest in the user's own words.
#[derive(Debug, Clone, Default, Args)]
pub struct ColumnArgs {
    /// Read a column from under another heading, such as `file_path="Document link"`; may be given
    /// several times
    #[arg(long, value_name = "COLUMN=HEADING", value_parser = ColumnHeading::parse)]
    pub column: Vec<ColumnHeading>,
    /// Give a column that the manifest does not have a value in all rows, such as
    /// `object_type=contract`; may be given several times
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = ColumnConstant::parse)]
    pub set: Vec<ColumnConstant>,
}

/// Arguments about amount and form of output.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Show nothing but errors
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Write log lines, too; given twice or three times, write more of them
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
    /// Form of the summary on standard output
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub output: SummaryForm,
}

#[cfg(test)]
mod tests;
