//! The commands as they are ordered: what each is to do, and how it is to be done.
//!
//! Nothing here says how it was typed. The service is not known before a manifest or results are read;
//! what depends on it is resolved then, by [`ServiceConfig`] and [`ChangePolicy`].

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{ChangePolicy, Jobs, ServiceConfig};
use crate::emulator::Settings;
use crate::manifest::Options;
use crate::model::{ObjectRef, SecondCopies};
use crate::progress::Verbosity;
use crate::text::decode::Encoding;
use crate::verification::Download;

/// An import, in all that it depends on.
#[derive(Debug, Clone)]
pub struct ImportPlan {
    /// The manifest, and the files that it names.
    pub input: ManifestInput,
    /// The results file.
    pub results: PathBuf,
    /// Treatment of results that are there already.
    pub resume: ResumePolicy,
    /// How far the import goes.
    pub mode: ImportMode,
    /// Treatment of rows that are not fit to be sent.
    pub unfit_rows: UnfitRowPolicy,
    /// How many rows may fail before the run stops; any number, where there is no limit.
    pub max_errors: Option<usize>,
    /// Treatment of the questions that come before what nobody can undo.
    pub consent: ConsentPolicy,
    /// Where the files go, and how fast.
    pub service: ServiceConfig,
    /// Form and amount of what is shown.
    pub output: OutputConfig,
    /// Treatment of what is told besides questions and progress.
    pub notices: NoticePolicy,
    /// Treatment of attachments that are there already.
    pub changes: ChangePolicy,
    /// How Keelvar's jobs are made and judged.
    pub jobs: Jobs,
}

impl ImportPlan {
    /// Whether the user is told beforehand what he should know.
    pub fn tells_notices(&self) -> bool {
        self.notices == NoticePolicy::Tell && !self.output.is_quiet()
    }
}

/// A check of a manifest and its files.
#[derive(Debug, Clone)]
pub struct CheckPlan {
    /// The manifest, and the files that it names.
    pub input: ManifestInput,
    /// The results of earlier runs, with which the rows are compared.
    pub results: EvidenceFile,
    /// Form and amount of what is shown.
    pub output: OutputConfig,
}

/// A verification of results.
#[derive(Debug, Clone)]
pub struct VerifyPlan {
    /// The results file of an import.
    pub results: PathBuf,
    /// The encoding of results that a spreadsheet has saved, where the user names it.
    pub encoding: Option<&'static Encoding>,
    /// The attachments that are downloaded.
    pub download: Download,
    /// Where the attachments are.
    pub service: ServiceConfig,
    /// How Keelvar's jobs are judged.
    pub jobs: Jobs,
    /// Form and amount of what is shown.
    pub output: OutputConfig,
}

/// A report on results.
#[derive(Debug, Clone)]
pub struct ReportPlan {
    /// The results file of an import.
    pub results: PathBuf,
    /// The manifest to reconcile with, where the user names it.
    pub manifest: Option<PathBuf>,
    /// The encoding of the manifest and of results that a spreadsheet has saved, where the user names
    /// it.
    pub encoding: Option<&'static Encoding>,
    /// The record to which the report is attached, where it is to be.
    pub attach: Option<AttachPlan>,
    /// Form and amount of what is shown.
    pub output: OutputConfig,
}

/// The attaching of a report.
#[derive(Debug, Clone)]
pub struct AttachPlan {
    /// The record.
    pub object: ObjectRef,
    /// Treatment of the questions that come before what nobody can undo.
    pub consent: ConsentPolicy,
    /// Where the report goes.
    pub service: ServiceConfig,
    /// How Keelvar's job is made and judged.
    pub jobs: Jobs,
}

/// An emulator that stays until it is told to stop.
#[derive(Debug, Clone)]
pub struct EmulatorPlan {
    /// The address at which it listens.
    pub listen: SocketAddr,
    /// The file that says what goes wrong on purpose; without it, nothing does.
    pub scenario: Option<PathBuf>,
    /// How it behaves besides.
    pub settings: Settings,
}

/// A manifest, and how it is read.
#[derive(Debug, Clone)]
pub struct ManifestInput {
    /// Path of the manifest.
    pub manifest: PathBuf,
    /// The folder that its paths are relative to.
    pub root: PathBuf,
    /// How its text is read. Results that a spreadsheet has saved are in the same encoding.
    pub options: Options,
    /// Treatment of rows whose files look like second copies of what is attached already.
    pub second_copies: SecondCopies,
}

/// Treatment of results that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumePolicy {
    /// They are refused: this import is to be the first with its results file.
    Begin,
    /// They are gone on with.
    Resume,
}

/// How far an import goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// It attaches the files.
    Attach,
    /// It looks every row up, and says what an import would do.
    DryRun,
}

/// Treatment of rows that are not fit to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitRowPolicy {
    /// One of them stops the run before anything is sent.
    Refuse,
    /// They are left out, and the others are sent.
    Skip,
}

/// Treatment of the questions that come before what nobody can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentPolicy {
    /// They are asked at the terminal; where there is none, nothing is sent.
    Ask,
    /// The user has agreed beforehand.
    Given,
}

/// Treatment of what an import tells besides its way, how far it has come and what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticePolicy {
    /// What the user should know beforehand is told, and what it came to.
    Tell,
    /// Neither: whoever orders the import tells of it.
    LeaveOut,
}

/// A file with which something is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceFile {
    /// The user named it, so that it has to be there and to be readable.
    Named(PathBuf),
    /// It counts if it is there and readable.
    Usual(PathBuf),
}

/// Form and amount of what a command shows.
#[derive(Debug, Clone, Copy)]
pub struct OutputConfig {
    /// How much is told on the way.
    pub verbosity: Verbosity,
    /// The form of the summary.
    pub form: SummaryForm,
}

impl OutputConfig {
    /// Whether nothing is shown but errors.
    pub fn is_quiet(self) -> bool {
        self.verbosity == Verbosity::Quiet
    }
}

/// The form of the summary on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryForm {
    /// Lines for people.
    Human,
    /// One JSON object for scripts.
    Json,
}
