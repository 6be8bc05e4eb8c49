//! Ends of the program: exit codes, and the errors that end a command before its work.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::atomic_file::is_file_in_use;
use crate::backup::BackupError;
use crate::config::{ChangePolicyError, ConfigError};
use crate::emulator::EmulatorError;
use crate::http::HttpClientError;
use crate::manifest::draft::DraftRefusal;
use crate::manifest::{ColumnSourceConflict, ManifestError};
use crate::model::{ObjectType, ProcurementService, RowNumbers};
use crate::results::ResultsError;
use crate::results::earlier_results::{DamagedResultsLine, describe_damaged_lines};
use crate::root::OpenRootError;
use crate::text::{CommandShell, count_with_noun_and_verb, escape};

/// Exit code of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramExit(u8);

impl ProgramExit {
    /// Every row is done; for `check`, there is no problem.
    pub const DONE: Self = Self(0);
    /// The run was completed, and some row is not done.
    pub const NOT_ALL_DONE: Self = Self(1);
    /// Nothing was sent: wrong usage, configuration or manifest.
    pub const NOTHING_SENT: Self = Self(2);
    /// The run stopped early.
    pub const STOPPED: Self = Self(3);
    /// Interrupted from the keyboard (SIGINT).
    pub const INTERRUPTED: Self = Self(130);
    /// Ended on request of the system (SIGTERM).
    pub const TERMINATED: Self = Self(143);

    /// Returns the code as a number.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl From<ProgramExit> for ExitCode {
    fn from(exit: ProgramExit) -> Self {
        Self::from(exit.0)
    }
}

/// Error at which a command ends before or instead of the result.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The folder of the files cannot be opened.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// Destination or keys are missing or cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Options about the columns of the manifest contradict each other.
    #[error(transparent)]
    Columns(#[from] ColumnSourceConflict),
    /// The requested changes are impossible, or need a decision about content that would be lost.
    #[error(transparent)]
    Amend(#[from] ChangePolicyError),
    /// Backups cannot be kept.
    #[error("nothing was sent: {0}; make room for backups there, or name another folder")]
    Backup(#[from] BackupError),
    /// Rows or files are not fit to be sent. The problems were shown before.
    #[error("nothing was sent; mend the manifest, or go on without these rows with --skip-invalid")]
    UnfitRows,
    /// The results of an earlier run cannot be used.
    #[error("{cause}{}", resume_advice(cause, resume))]
    RefusedResults {
        /// Reason of the refusal.
        cause: ResultsError,
        /// Command for going on with the results.
        resume: String,
    },
    /// Lines of the results were altered or are gone, and the service cannot be asked about them.
    #[error("{}{}", describe_damaged_lines(path, damaged, ""), lost_lines_advice(path, *removed, *torn, rows))]
    LostLines {
        /// Results file.
        path: PathBuf,
        /// Altered lines.
        damaged: Vec<DamagedResultsLine>,
        /// Number of missing lines.
        removed: u64,
        /// Number of the last line, if the line was whole once and is torn.
        torn: Option<u64>,
        /// Rows of the manifest whose files may be attached, although no line says so.
        rows: Vec<usize>,
    },
    /// Files already attached would be attached again. The text lists the files, with advice.
    #[error("{0}")]
    SecondCopies(String),
    /// Rows name their records by the customer's external ids, and the records cannot be read.
    #[error(
        "nothing was sent: {} by object_external_id, and {cause}, or the records' own ids in \
         object_id",
        count_with_noun_and_verb(*rows, "row", ["names its record", "name their records"])
    )]
    RecordsOutOfReach {
        /// Number of the rows.
        rows: u64,
        /// Reason, and the first remedy.
        cause: ConfigError,
    },
    /// The user names a row that is not in the manifest.
    #[error(
        "nothing was sent: --only names row {named}, and the last row of the manifest is {last} \
         (the first row under the header is 1, as in the results' column row)"
    )]
    RowsBeyondManifest {
        /// Highest row named.
        named: usize,
        /// Last row of the manifest.
        last: usize,
    },
    /// Bidders would see the files, and there is no terminal to ask for consent.
    #[error(
        "nothing was sent: bidders would see the files at once, and there is no terminal to ask \
         for consent; check with --dry-run, then give --yes"
    )]
    NoTerminalForBidderQuestion,
    /// Content would be replaced, and there is no terminal to ask for consent.
    #[error(
        "nothing was sent: stored content would be replaced, and there is no terminal to ask for \
         consent; check with --dry-run, then give --yes"
    )]
    NoTerminalForReplacementQuestion,
    /// The user was asked, and did not agree.
    #[error("nothing was sent")]
    ConsentRefused,
    /// The look-ups before a question could not be completed.
    #[error("nothing was sent: {why}")]
    LookUpFailed {
        /// Reason.
        why: String,
        /// Exit code for the reason.
        exit: ProgramExit,
    },
    /// The first answer of the service shows that nothing can be imported.
    #[error("nothing was sent but one question: {why}")]
    PreflightFailed {
        /// Description of the answer, and advice.
        why: String,
    },
    /// The results were made with another destination.
    #[error(
        "{} was made with {theirs}, and this run would send to {ours}; use another results file \
         with --results, or name the destination of the results",
        escape(&path.to_string_lossy())
    )]
    OtherDestination {
        /// Results file.
        path: PathBuf,
        /// Destination in the results.
        theirs: String,
        /// Destination of this run.
        ours: String,
    },
    /// The results have no row of a known service.
    #[error(
        "{} has no row with a known type of record, so the service of the results is unknown",
        escape(&path.to_string_lossy())
    )]
    NoRows {
        /// Results file.
        path: PathBuf,
    },
    /// The results were made with the emulator of a single run.
    #[error(
        "{} was made with --emulator, and the emulator ended with that run; to rehearse, start a \
         lasting emulator (consign emulator --state DIR) and import with --base-url",
        escape(&path.to_string_lossy())
    )]
    EmulatorGone {
        /// Results file.
        path: PathBuf,
    },
    /// The named destination is not the destination in the results.
    #[error("{}", destination_mismatch(path, theirs, ours.as_deref()))]
    DestinationMismatch {
        /// Results file.
        path: PathBuf,
        /// Destinations in the results.
        theirs: Vec<String>,
        /// Destination of this run, if any.
        ours: Option<String>,
    },
    /// A report cannot be attached to a record of another service.
    #[error(
        "nothing was written: the results are of {service}, which has no {object}; --attach-to takes {}",
        object_type_list(*service)
    )]
    RecordOfOtherService {
        /// Type of the record.
        object: ObjectType,
        /// Service of the results.
        service: ProcurementService,
    },
    /// The service gives no files back.
    #[error("nothing was sent: Keelvar gives no file back; leave --download out")]
    NothingToDownload,
    /// The service does not show which files a record has.
    #[error(
        "nothing was sent: Keelvar does not show which files a record has; leave --objects out"
    )]
    NoRecordsToAsk,
    /// The findings of a verification cannot be written.
    #[error(
        "cannot write {}: {source}; the findings are lost: mend the cause, and verify again",
        escape(&path.to_string_lossy())
    )]
    VerificationLost {
        /// File to write.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The results cannot be written or read during a run.
    #[error(
        "stopped early: {0}; nothing more was sent, and the results are true: go on with --resume \
         once the cause is mended"
    )]
    Results(#[from] ResultsError),
    /// The results cannot be read as evidence.
    #[error("{}{}", escape(&.0.to_string()), evidence_advice(.0))]
    Evidence(ResultsError),
    /// The file at the place of a verification is no verification file.
    #[error(
        "{} is not a verification file of consign: {}; remove the file, or write a new one with \
         consign verify",
        escape(&path.to_string_lossy()),
        escape(why)
    )]
    RefusedVerification {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the refusal.
        why: String,
    },
    /// An output file of a command cannot be written.
    #[error(
        "cannot write {}: {source}; mend the cause, and run the command again",
        escape(&path.to_string_lossy())
    )]
    OutputFileNotWritten {
        /// File to write.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// No manifest is made from the folder.
    #[error(transparent)]
    Draft(#[from] DraftRefusal),
    /// The HTTP clients cannot be set up.
    #[error(transparent)]
    Client(#[from] HttpClientError),
    /// The emulator does not start.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// Standard output or standard error cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// Returns the message about a destination that is missing or differs from the results. The results
/// must not decide where keys go, so the user has to name the destination.
fn destination_mismatch(path: &Path, theirs: &[String], ours: Option<&str>) -> String {
    let file = path.to_string_lossy();
    let (file, theirs) = (escape(&file), theirs.join(" and "));
    let theirs = escape(&theirs);
    match ours {
        None => format!(
            "{file} was made with {theirs}: name the destination with --base-url, or --region and \
             --environment; consign does not take it from the file, which must not decide who gets \
             your keys"
        ),
        Some(ours) => format!(
            "nothing was sent: {file} was made with {theirs}, and this run would ask {ours}; name \
             the destination of the results"
        ),
    }
}

fn lost_lines_advice(path: &Path, removed: u64, torn: Option<u64>, rows: &[usize]) -> String {
    let file = path.to_string_lossy();
    let file = escape(&file);
    let mut gone = torn.map_or_else(String::new, |line| format!("{file} line {line} was torn\n"));
    if removed > 0 {
        let removed = count_with_noun_and_verb(removed, "line", ["was", "were"]);
        let _ = writeln!(gone, "{file}: {removed} removed since it was written");
    }
    let copy = "put back a copy of the results from before they were altered, or";
    let cannot_ask = "nothing was sent: Keelvar cannot be asked what is attached already";
    if rows.is_empty() {
        return format!(
            "{gone}{cannot_ask}, so the results have to be right; {copy} go on without these lines with \
             --allow-again"
        );
    }
    let [files, absence] = match rows {
        [_] => ["file", "the file is not on its object"],
        _ => ["files", "the files are not on their objects"],
    };
    let rows = RowNumbers::from_rows(rows.iter().copied());
    let option = format!("--allow-again={}", rows.to_option_value());
    let option = CommandShell::of_this_process().word(option.as_ref());
    let in_words = rows.to_words();
    format!(
        "{gone}{cannot_ask}, and the {files} of {in_words} may be; {copy}, if you have seen that \
         {absence}, go on with {option}"
    )
}

fn resume_advice(cause: &ResultsError, resume: &str) -> String {
    match cause {
        ResultsError::Exists { .. } => format!("\nto go on with these results: {resume}"),
        ResultsError::HeldOpen { .. } => {
            format!("; nothing was sent: close the file there, and go on: {resume}")
        }
        ResultsError::Displaced { .. } => {
            format!("; nothing was sent: put the right file there, and go on: {resume}")
        }
        _ => String::new(),
    }
}

fn object_type_list(service: ProcurementService) -> String {
    let types: Vec<_> = service.object_types().map(ObjectType::as_str).collect();
    types.join(", ")
}

fn evidence_advice(cause: &ResultsError) -> &'static str {
    match cause {
        ResultsError::Io { source, .. } if is_file_in_use(source) => {
            "; another program has the file open: close the file there"
        }
        ResultsError::Io { .. } => "; check the path and its permissions",
        ResultsError::HeldOpen { .. } => "; close the file there",
        ResultsError::NotResults { .. } => "; name the results file that consign import wrote",
        // The messages of these errors contain the advice.
        ResultsError::Exists { .. }
        | ResultsError::Locked { .. }
        | ResultsError::Linked { .. }
        | ResultsError::Displaced { .. }
        | ResultsError::Undecodable { .. }
        | ResultsError::UnfitFolder { .. } => "",
    }
}

impl CommandError {
    /// Returns the exit code for the error.
    pub fn exit(&self) -> ProgramExit {
        match self {
            Self::Results(_) | Self::VerificationLost { .. } | Self::PreflightFailed { .. } => {
                ProgramExit::STOPPED
            }
            Self::LookUpFailed { exit, .. } => *exit,
            Self::Manifest(_)
            | Self::Root(_)
            | Self::Config(_)
            | Self::Columns(_)
            | Self::Amend(_)
            | Self::Backup(_)
            | Self::UnfitRows
            | Self::RefusedResults { .. }
            | Self::LostLines { .. }
            | Self::SecondCopies(_)
            | Self::RecordsOutOfReach { .. }
            | Self::RowsBeyondManifest { .. }
            | Self::NoTerminalForBidderQuestion
            | Self::NoTerminalForReplacementQuestion
            | Self::ConsentRefused
            | Self::OtherDestination { .. }
            | Self::NoRows { .. }
            | Self::EmulatorGone { .. }
            | Self::DestinationMismatch { .. }
            | Self::RecordOfOtherService { .. }
            | Self::NothingToDownload
            | Self::NoRecordsToAsk
            | Self::Evidence(_)
            | Self::RefusedVerification { .. }
            | Self::OutputFileNotWritten { .. }
            | Self::Draft(_)
            | Self::Client(_)
            | Self::Emulator(_)
            | Self::Output(_) => ProgramExit::NOTHING_SENT,
        }
    }
}
