//! How the program ends: exit codes, and the errors that end a command before its work.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::backup::BackupError;
use crate::config::{AmendError, ConfigError};
use crate::emulator::EmulatorError;
use crate::http::ClientError;
use crate::manifest::ManifestError;
use crate::model::{ObjectType, RowNumbers, Service};
use crate::results::ResultsError;
use crate::results::previous::{Damaged, name_damaged};
use crate::root::RootError;
use crate::text::{counted_with_verb, escape};

/// What the program tells the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(u8);

impl Exit {
    /// Every row is done; for `check`, nothing is wrong.
    pub const DONE: Self = Self(0);
    /// The run went through, and some row is not done.
    pub const NOT_ALL_DONE: Self = Self(1);
    /// Nothing was sent: wrong usage, configuration or manifest.
    pub const NOTHING_SENT: Self = Self(2);
    /// The run stopped early.
    pub const STOPPED: Self = Self(3);
    /// Interrupted from the keyboard (SIGINT).
    pub const INTERRUPTED: Self = Self(130);
    /// Asked to end by the system (SIGTERM).
    pub const TERMINATED: Self = Self(143);

    /// The number itself.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// What ends a command before or instead of its result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest cannot be read as one.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The folder of the files cannot be opened.
    #[error(transparent)]
    Root(#[from] RootError),
    /// Nothing says where to, or with which keys.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What is to be changed cannot be, or not without a word about what is lost.
    #[error(transparent)]
    Amend(#[from] AmendError),
    /// Backups cannot be kept.
    #[error("nothing was sent: {0}; make room for backups there, or name another folder")]
    Backup(#[from] BackupError),
    /// Rows or files are not fit to send. They have been shown.
    #[error("nothing was sent; mend the manifest, or go on without these rows with --skip-invalid")]
    NotFit,
    /// The results of an earlier run cannot be used.
    #[error("{cause}{}", how_to_go_on(cause, resume))]
    RefusedResults {
        /// Why.
        cause: ResultsError,
        /// The command that goes on with them.
        resume: String,
    },
    /// Lines of the results were altered or are gone, and the service cannot be asked what they should
    /// say.
    #[error("{}{}", name_damaged(path, damaged, ""), how_to_go_on_without(path, *removed, *torn, rows))]
    LostLines {
        /// The results file.
        path: PathBuf,
        /// The lines that were altered.
        damaged: Vec<Damaged>,
        /// How many are gone.
        removed: u64,
        /// The number of the last line, where it was whole once and is torn.
        torn: Option<u64>,
        /// The rows of the manifest whose files may be attached, although no line says so.
        rows: Vec<usize>,
    },
    /// Files would be attached that are attached already. Which ones, and what to do, is told.
    #[error("{0}")]
    SecondCopies(String),
    /// Bidders would see the files, and there is nobody to ask whether that is meant.
    #[error(
        "nothing was sent: bidders would see the files at once, and there is no terminal to ask \
         whether that is meant; look with --dry-run, then say --yes"
    )]
    NobodyToAsk,
    /// Content would be replaced, and there is nobody to ask whether that is meant.
    #[error(
        "nothing was sent: stored content would be replaced, and there is no terminal to ask whether \
         that is meant; look with --dry-run, then say --yes"
    )]
    NobodyToAskAboutContent,
    /// The user was asked, and did not agree.
    #[error("nothing was sent")]
    NotAgreed,
    /// What there is to be asked could not be found out.
    #[error("nothing was sent: {why}")]
    NotLookedUp {
        /// What came in between.
        why: String,
        /// How the program ends with it.
        exit: Exit,
    },
    /// The first answer of the service shows that nothing can be imported.
    #[error("nothing was sent but one question: {why}")]
    NoGoodAnswer {
        /// What came, and what to do.
        why: String,
    },
    /// The results were made with another destination.
    #[error(
        "{} was made with {theirs}, and this run would send to {ours}; use another results file with --results, or the destination that it was made with",
        escape(&path.to_string_lossy())
    )]
    OtherDestination {
        /// The results file.
        path: PathBuf,
        /// The destination in it.
        theirs: String,
        /// The destination of this run.
        ours: String,
    },
    /// Results without a row that is of a known service.
    #[error(
        "{} has no row with a type of record that is known, so there is nothing to go by",
        escape(&path.to_string_lossy())
    )]
    NoRows {
        /// The results file.
        path: PathBuf,
    },
    /// The results were made with an emulator that lived for one run.
    #[error(
        "{} was made with --emulator, and that emulator is gone with all that it held; to rehearse \
         this, start one that stays (consign emulator --state DIR) and import with --base-url",
        escape(&path.to_string_lossy())
    )]
    EmulatorIsGone {
        /// The results file.
        path: PathBuf,
    },
    /// What the user names is not where the results say that the attachments went.
    #[error("{}", not_where_it_went(path, theirs, ours.as_deref()))]
    NotWhereItWent {
        /// The results file.
        path: PathBuf,
        /// The destinations in it.
        theirs: Vec<String>,
        /// The destination of this run, if there is one.
        ours: Option<String>,
    },
    /// A report cannot hang on a record of another service.
    #[error(
        "nothing was written: the results are of {service}, which has no {object}; --attach-to takes {}",
        types_of(*service)
    )]
    OtherService {
        /// The type of the record.
        object: ObjectType,
        /// The service of the results.
        service: Service,
    },
    /// Files cannot be had back from the service.
    #[error("nothing was sent: Keelvar gives no file back, so that --download has nothing to do")]
    NothingToDownload,
    /// What a verification found cannot be written.
    #[error(
        "cannot write {}: {source}; what was found is lost: mend that, and verify again",
        escape(&path.to_string_lossy())
    )]
    VerificationLost {
        /// The file.
        path: PathBuf,
        /// The answer of the system.
        source: io::Error,
    },
    /// The results cannot be written or read while a run is on.
    #[error(
        "stopped early: {0}; nothing more was sent, and what is in the results is true: go on with --resume once this is mended"
    )]
    Results(#[from] ResultsError),
    /// The results cannot be read as evidence.
    #[error("{}{}", escape(&.0.to_string()), how_to_read(.0))]
    Evidence(ResultsError),
    /// What stands where a verification would be cannot be read as one.
    #[error(
        "{} is not a verification file of consign: {}; take it away, or write it anew with consign verify",
        escape(&path.to_string_lossy()),
        escape(why)
    )]
    RefusedVerification {
        /// The file.
        path: PathBuf,
        /// What speaks against it.
        why: String,
    },
    /// A file that a command makes cannot be written.
    #[error(
        "cannot write {}: {source}; mend that, and run the command again",
        escape(&path.to_string_lossy())
    )]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The answer of the system.
        source: io::Error,
    },
    /// The HTTP clients cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The emulator does not start.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// Standard output or standard error does not take what is written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// The results are not asked where keys are to go, so the user has to say it.
fn not_where_it_went(path: &Path, theirs: &[String], ours: Option<&str>) -> String {
    let file = path.to_string_lossy();
    let (file, theirs) = (escape(&file), theirs.join(" and "));
    let theirs = escape(&theirs);
    match ours {
        None => format!(
            "{file} was made with {theirs}: name that destination with --base-url, or --region and \
             --environment; it is not taken from the file, which says nothing about who may have \
             your keys"
        ),
        Some(ours) => format!(
            "nothing was sent: {file} was made with {theirs}, and this run would ask {ours}; name \
             the destination that it was made with"
        ),
    }
}

fn how_to_go_on_without(path: &Path, removed: u64, torn: Option<u64>, rows: &[usize]) -> String {
    let file = path.to_string_lossy();
    let file = escape(&file);
    let mut gone = torn.map_or_else(String::new, |line| format!("{file} line {line} was torn\n"));
    if removed > 0 {
        let removed = counted_with_verb(removed, "line", ["was", "were"]);
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
    let [files, they_are] = match rows {
        [_] => ["file", "it is not on its object"],
        _ => ["files", "they are not on their objects"],
    };
    let rows = RowNumbers::of(rows.iter().copied());
    let (in_words, option) = (rows.in_words(), rows.as_option());
    format!(
        "{gone}{cannot_ask}, and the {files} of {in_words} may be; {copy}, where you have seen that \
         {they_are}, go on with --allow-again={option}"
    )
}

fn how_to_go_on(cause: &ResultsError, resume: &str) -> String {
    match cause {
        ResultsError::Exists { .. } => format!("\nto go on with it: {resume}"),
        ResultsError::Displaced { .. } => {
            format!("; nothing was sent: put the right one there, and go on with it: {resume}")
        }
        _ => String::new(),
    }
}

fn types_of(service: Service) -> String {
    let types: Vec<_> = service.object_types().map(ObjectType::as_str).collect();
    types.join(", ")
}

fn how_to_read(cause: &ResultsError) -> &'static str {
    match cause {
        ResultsError::Io { .. } => "; check the path and its permissions",
        ResultsError::NotResults { .. } => "; name the results file that consign import wrote",
        // These say it themselves.
        ResultsError::Exists { .. }
        | ResultsError::Locked { .. }
        | ResultsError::Linked { .. }
        | ResultsError::Displaced { .. }
        | ResultsError::Undecodable { .. }
        | ResultsError::UnfitFolder { .. } => "",
    }
}

impl Error {
    /// How the program ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Results(_) | Self::VerificationLost { .. } | Self::NoGoodAnswer { .. } => {
                Exit::STOPPED
            }
            Self::NotLookedUp { exit, .. } => *exit,
            Self::Manifest(_)
            | Self::Root(_)
            | Self::Config(_)
            | Self::Amend(_)
            | Self::Backup(_)
            | Self::NotFit
            | Self::RefusedResults { .. }
            | Self::LostLines { .. }
            | Self::SecondCopies(_)
            | Self::NobodyToAsk
            | Self::NobodyToAskAboutContent
            | Self::NotAgreed
            | Self::OtherDestination { .. }
            | Self::NoRows { .. }
            | Self::EmulatorIsGone { .. }
            | Self::NotWhereItWent { .. }
            | Self::OtherService { .. }
            | Self::NothingToDownload
            | Self::Evidence(_)
            | Self::RefusedVerification { .. }
            | Self::NotWritten { .. }
            | Self::Client(_)
            | Self::Emulator(_)
            | Self::Output(_) => Exit::NOTHING_SENT,
        }
    }
}
