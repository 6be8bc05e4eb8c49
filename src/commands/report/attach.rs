//! `report --attach-to`: attaches the report with an import of its own, from a manifest of one row.
//!
//! The `external_id` of the row is derived from the report and from the record. The same report is
//! therefore attached to a record once, however often the command runs, and a report with other
//! content is another attachment.

use std::path::Path;

use serde::Serialize;

use crate::commands::evidence;
use crate::commands::import;
use crate::config::{
    AttachPlan, ChangePolicy, ImportMode, ImportPlan, ManifestInput, NoticePolicy, OutputConfig,
    ResumePolicy, UnfitRowPolicy, results_path,
};
use crate::digest::sha256;
use crate::error::{Error, Exit};
use crate::manifest::{self, Options};
use crate::model::{MAX_TEXT, ObjectRef, SecondCopies, Service, Sha256Digest};
use crate::results::ledger::Ledger;
use crate::root::folder_of;
use crate::text::{escape, quoted};

/// Outcome of attaching a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Attached {
    object_type: &'static str,
    object_id: String,
    external_id: String,
    status: String,
    reason: String,
    attachment_id: Option<String>,
    message: String,
    /// Path of the results of the import of the report.
    results: String,
    exit_code: u8,
    #[serde(skip)]
    pub(super) exit: Exit,
    /// Noun for an attached record in the messages about the service: attachment or job.
    #[serde(skip)]
    record: &'static str,
}

/// Checks before the report is written whether the user may attach a report of these results. Fails
/// when the record belongs to another service than the results, or when the user names another
/// destination.
pub(super) fn check(attach: &AttachPlan, ledger: &Ledger) -> Result<(), Error> {
    let service = evidence::service_of(ledger)?;
    let object = attach.object;
    if object.kind().service() != service {
        return Err(Error::OtherService {
            object: object.kind(),
            service,
        });
    }
    evidence::destination(&attach.service, ledger, service).map(drop)
}

/// Attaches the report at the path `report`. `digest` is the SHA-256 of the report.
pub(super) fn attach(
    attach: &AttachPlan,
    output: OutputConfig,
    report: &Path,
    digest: Sha256Digest,
) -> Result<Attached, Error> {
    let object = attach.object;
    let external_id = external_id(object, digest);
    let text = manifest_of(report, object, &external_id);
    let import = import_of(attach, output, report);
    let read = manifest::of_text(report, text, &import.input.options)?;
    let exit = import::carry_out(&import, read)?;
    let results = import.results;
    let ledger = Ledger::read(&results).map_err(Error::Evidence)?;
    let mut lines = ledger.entries();
    let line = lines
        .find(|entry| entry.external_id == external_id)
        .expect("the import leaves a line for each of its rows");
    Ok(Attached {
        object_type: object.kind().as_str(),
        object_id: object.id().to_string(),
        external_id,
        status: line.status.to_string(),
        reason: line.reason.as_str().to_owned(),
        attachment_id: line.attachment_id.map(|id| id.to_string()),
        message: line.message,
        results: results.to_string_lossy().into_owned(),
        exit_code: exit.code(),
        exit,
        record: match object.kind().service() {
            Service::Workday => "attachment",
            Service::Keelvar => "job",
        },
    })
}

impl Attached {
    /// Returns the outcome as lines of text.
    pub(super) fn for_people(&self) -> String {
        let Self {
            object_type,
            object_id,
            external_id,
            status,
            ..
        } = self;
        let how = match (&self.attachment_id, self.exit) {
            (Some(id), Exit::DONE) => {
                format!(
                    "attached to {object_type} {object_id}: {status}, {} {id}",
                    self.record
                )
            }
            _ => format!(
                "not attached to {object_type} {object_id}: {status}, {}: {}; run the same command \
                 again to go on",
                self.reason,
                escape(&self.message)
            ),
        };
        let results = escape(&self.results);
        format!(
            "{how}, external_id {}\nkept in {results}\n",
            quoted(external_id)
        )
    }
}

/// Plan of the import of a report. Its results are kept beside the report.
fn import_of(attach: &AttachPlan, output: OutputConfig, report: &Path) -> ImportPlan {
    ImportPlan {
        input: ManifestInput {
            manifest: report.to_owned(),
            root: folder_of(report).to_owned(),
            options: Options::default(),
            second_copies: SecondCopies::Refuse,
        },
        results: results_path(report, None),
        // The line of an earlier report stays.
        resume: ResumePolicy::Resume,
        mode: ImportMode::Attach,
        unfit_rows: UnfitRowPolicy::Refuse,
        max_errors: None,
        consent: attach.consent,
        service: attach.service.clone(),
        output,
        notices: NoticePolicy::LeaveOut,
        // A report with other content is another attachment, so nothing is updated.
        changes: ChangePolicy::default(),
        jobs: attach.jobs.clone(),
    }
}

fn external_id(object: ObjectRef, digest: Sha256Digest) -> String {
    let (kind, id) = (object.kind(), object.id());
    let both = sha256(format!("{kind}:{id}:{digest}").as_bytes()).to_string();
    format!("consign-report-{}", &both[..32])
}

/// Returns the manifest with the one row of the report.
fn manifest_of(report: &Path, object: ObjectRef, external_id: &str) -> String {
    let name = report.file_name().unwrap_or_default().to_string_lossy();
    let title: String = format!("Import report {name}")
        .chars()
        .take(MAX_TEXT)
        .collect();
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let cells = [
        cell(&name),
        object.kind().to_string(),
        object.id().to_string(),
        external_id.to_owned(),
        match object.kind().service() {
            Service::Workday => cell(&title),
            // Jobs have no titles.
            Service::Keelvar => String::new(),
        },
    ];
    format!(
        "file_path,object_type,object_id,external_id,title\n{}\n",
        cells.join(",")
    )
}
