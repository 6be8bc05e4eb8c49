//! Orders of the commands: the work of each command, and its settings.
//!
//! The service is unknown until a manifest or results are read; settings that depend on the service
//! are resolved then, by [`ServiceConfig`] and [`ChangePolicy`].

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{ChangePolicy, ChangePolicyError, JobPolicy, ServiceChangePolicy, ServiceConfig};
use crate::emulator::EmulatorSettings;
use crate::manifest::draft::{DraftTarget, PathPattern};
use crate::manifest::{ColumnSources, ManifestOptions};
use crate::model::{LookUpPolicy, ObjectRef, ProcurementService, SecondCopyPolicy};
use crate::plan::PilotScope;
use crate::progress::Verbosity;
use crate::text::decode::Encoding;
use crate::verification::DownloadScope;

/// Order of an import.
#[derive(Debug, Clone)]
pub struct ImportPlan {
    /// Manifest, and the named files.
    pub input: ManifestInput,
    /// Results file.
    pub results: PathBuf,
    /// Treatment of an existing results file.
    pub resume: ResumePolicy,
    /// Extent of the import.
    pub mode: ImportMode,
    /// Part of the rows to send.
    pub pilot: PilotScope,
    /// Treatment of unfit rows.
    pub unfit_rows: UnfitRowPolicy,
    /// Largest number of failed rows before the run stops. `None`: no limit.
    pub max_errors: Option<usize>,
    /// Look-ups before attachments are made.
    pub look_ups: LookUpPolicy,
    /// Treatment of questions about irreversible steps.
    pub consent: ConsentPolicy,
    /// Destination, rate and network.
    pub service: ServiceConfig,
    /// Form and amount of output.
    pub output: OutputConfig,
    /// Treatment of notices, apart from questions and progress.
    pub notices: NoticePolicy,
    /// Treatment of existing attachments.
    pub changes: ChangePolicy,
    /// Policy for Keelvar's jobs.
    pub jobs: JobPolicy,
}

impl ImportPlan {
    /// Checks the options about existing attachments for a service. Fails if the options cannot be
    /// meant together, or not for the service.
    pub fn changes_for(
        &self,
        service: ProcurementService,
    ) -> Result<ServiceChangePolicy, ChangePolicyError> {
        if service == ProcurementService::Keelvar && self.look_ups == LookUpPolicy::OnClash {
            let option = "--lookup on-clash";
            return Err(ChangePolicyError::NotForService { option });
        }
        self.changes.for_service(service)
    }

    /// Returns true if the user is shown notices before the import.
    pub fn shows_notices(&self) -> bool {
        self.notices == NoticePolicy::Show && !self.output.is_quiet()
    }
}

/// Order of a check of a manifest and its files.
#[derive(Debug, Clone)]
pub struct CheckPlan {
    /// Manifest, and the named files.
    pub input: ManifestInput,
    /// Results of earlier runs, to compare the rows with.
    pub results: ComparisonFile,
    /// Form and amount of output.
    pub output: OutputConfig,
}

/// Order of a verification of results.
#[derive(Debug, Clone)]
pub struct VerifyPlan {
    /// Results file of an import.
    pub results: PathBuf,
    /// Encoding of results saved by a spreadsheet, if named by the user.
    pub encoding: Option<&'static Encoding>,
    /// Attachments to download.
    pub download: DownloadScope,
    /// Treatment of the records with the attachments.
    pub objects: ObjectProofPolicy,
    /// Service with the attachments, rate and network.
    pub service: ServiceConfig,
    /// Policy for the judgement of Keelvar's jobs.
    pub jobs: JobPolicy,
    /// Form and amount of output.
    pub output: OutputConfig,
}

/// Treatment of the records with the attachments in a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectProofPolicy {
    /// No record is asked for.
    Omit,
    /// Each record is asked for its attachments.
    Prove,
}

/// Order of a report on results.
#[derive(Debug, Clone)]
pub struct ReportPlan {
    /// Results file of an import.
    pub results: PathBuf,
    /// Manifest to reconcile with, if named by the user.
    pub manifest: Option<PathBuf>,
    /// Sheet of the manifest, if named by the user.
    pub sheet: Option<String>,
    /// Encoding of the manifest and of results saved by a spreadsheet, if named by the user.
    pub encoding: Option<&'static Encoding>,
    /// Headings and values of the manifest's columns, as named by the user.
    pub columns: ColumnSources,
    /// Order to attach the report, if any.
    pub attach: Option<AttachPlan>,
    /// Form and amount of output.
    pub output: OutputConfig,
}

/// Order to attach a report.
#[derive(Debug, Clone)]
pub struct AttachPlan {
    /// Record to attach the report to.
    pub object: ObjectRef,
    /// Treatment of questions about irreversible steps.
    pub consent: ConsentPolicy,
    /// Destination, rate and network.
    pub service: ServiceConfig,
    /// Policy for Keelvar's job.
    pub jobs: JobPolicy,
}

/// Order of a manifest made from a folder.
#[derive(Debug, Clone)]
pub struct FolderManifestPlan {
    /// Folder of the files.
    pub folder: PathBuf,
    /// File to write.
    pub target: DraftTarget,
    /// Pattern of the paths, for further columns.
    pub pattern: Option<PathPattern>,
    /// Form and amount of output.
    pub output: OutputConfig,
}

/// Order of an emulator, running until stopped.
#[derive(Debug, Clone)]
pub struct EmulatorPlan {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// File of the faults to inject. `None`: no faults.
    pub scenario: Option<PathBuf>,
    /// File of the contracts, events, projects and supplier companies that exist. `None`: every one.
    pub objects: Option<PathBuf>,
    /// Further behaviour of the emulator.
    pub settings: EmulatorSettings,
}

/// Order of a script for the completion of commands in a shell.
#[derive(Debug, Clone)]
pub struct CompletionPlan {
    /// Script for standard output.
    pub script: Vec<u8>,
}

/// Order of the manual pages.
#[derive(Debug, Clone)]
pub struct ManualPlan {
    /// Folder of the pages.
    pub folder: PathBuf,
    /// Pages, the one of the whole program first.
    pub pages: Vec<ManualPage>,
}

/// Manual page of the program or of a command.
#[derive(Debug, Clone)]
pub struct ManualPage {
    /// File name, such as `consign-check.1`.
    pub file_name: String,
    /// Content, in the language of `man`.
    pub content: Vec<u8>,
}

/// A manifest, and the way to read it.
#[derive(Debug, Clone)]
pub struct ManifestInput {
    /// Path of the manifest.
    pub manifest: PathBuf,
    /// Folder to which the manifest's paths are relative.
    pub root: PathBuf,
    /// Options for reading the manifest's text. Results saved by a spreadsheet have the same
    /// encoding.
    pub options: ManifestOptions,
    /// Treatment of rows whose files look like second copies of attached files.
    pub second_copies: SecondCopyPolicy,
}

/// Treatment of an existing results file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumePolicy {
    /// An existing results file is refused: the import is to be the first with its
    /// results file.
    BeginNew,
    /// The import continues with the existing results.
    Resume,
}

/// Extent of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Files are attached.
    Attach,
    /// Every row is looked up, and the predicted import is printed.
    DryRun,
}

/// Treatment of unfit rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitRowPolicy {
    /// One unfit row stops the run before anything is sent.
    Refuse,
    /// Unfit rows are left out, and the other rows are sent.
    Skip,
}

/// Treatment of questions about irreversible steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentPolicy {
    /// The questions are asked at the terminal. Without a terminal, nothing is sent.
    Ask,
    /// The user has agreed beforehand.
    Given,
}

/// Treatment of an import's notices, apart from destination, progress and questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticePolicy {
    /// The user is shown notices before the import, and the result afterwards.
    Show,
    /// Neither is shown: the caller of the import reports.
    LeaveOut,
}

/// A file to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComparisonFile {
    /// The user named the file, so it must exist and be readable.
    Named(PathBuf),
    /// The file at the default path, if the file exists and is readable.
    Default(PathBuf),
}

/// Form and amount of a command's output.
#[derive(Debug, Clone, Copy)]
pub struct OutputConfig {
    /// Amount of output during the work.
    pub verbosity: Verbosity,
    /// Form of the summary.
    pub form: SummaryForm,
}

impl OutputConfig {
    /// Returns true if only errors are shown.
    pub fn is_quiet(self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// Returns true if the summary is shown: always for scripts, and for people unless quiet.
    pub fn shows_summary(self) -> bool {
        self.form == SummaryForm::Json || !self.is_quiet()
    }
}

/// Form of the summary on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryForm {
    /// Lines for people.
    Human,
    /// One JSON object for scripts.
    Json,
}
