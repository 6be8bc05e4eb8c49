//! `report --attach-to`: attaches the report with an import of its own, from a manifest of one row.
//!
//! The `external_id` of the row is derived from the report and from the record. The same report is
//! therefore attached to a record once, however often the command runs, and a report with other
//! content is another attachment.

use std::path::Path;

use serde::Serialize;

use crate::commands::import;
use crate::commands::results_origin;
use crate::config::{
    AttachPlan, ChangePolicy, ImportMode, ImportPlan, ManifestInput, NoticePolicy, OutputConfig,
    ResumePolicy, UnfitRowPolicy, results_path,
};
use crate::digest::sha256;
use crate::error::{CommandError, ProgramExit};
use crate::manifest::{self, ManifestOptions};
use crate::model::{
    LookUpPolicy, MAX_TEXT_CHARS, ObjectRef, ProcurementService, SecondCopyPolicy, Sha256Digest,
};
use crate::plan::PilotScope;
use crate::results::ledger::Ledger;
use crate::root::parent_folder;
use crate::text::csv_dialect::CsvDialect;
use crate::text::{escape, quoted};

/// Outcome of attaching a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ReportAttachment {
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
    pub(super) exit: ProgramExit,
    /// Noun for an attached record in the messages about the service: attachment or job.
    #[serde(skip)]
    record_noun: &'static str,
}

/// Checks before the report is written whether the user may attach a report of these results. Fails
/// when the record belongs to another service than the results, or when the user names another
/// destination.
pub(super) fn check_attach_target(
    attach: &AttachPlan,
    ledger: &Ledger,
) -> Result<(), CommandError> {
    let service = results_origin::service_of(ledger)?;
    let object = attach.object;
    if object.object_type().service() != service {
        return Err(CommandError::RecordOfOtherService {
            object: object.object_type(),
            service,
        });
    }
    results_origin::checked_destination(&attach.service, ledger, service).map(drop)
}

/// Attaches the report at the path `report`. `digest` is the SHA-256 of the report, and `dialect`
/// that of the results of its import.
pub(super) fn attach_report(
    attach: &AttachPlan,
    output: OutputConfig,
    (report, digest): (&Path, Sha256Digest),
    dialect: CsvDialect,
) -> Result<ReportAttachment, CommandError> {
    let object = attach.object;
    let external_id = external_id(object, digest);
    let text = manifest_text(report, object, &external_id, dialect);
    let import = import_plan_for(attach, output, report);
    let read = manifest::read_manifest_text(report, text, &import.input.options)?;
    let exit = import::import_manifest(&import, read)?;
    let results = import.results;
    let ledger = Ledger::read(&results).map_err(CommandError::Evidence)?;
    let mut lines = ledger.entries();
    let line = lines
        .find(|entry| entry.external_id == external_id)
        .expect("the import leaves a line for each of its rows");
    Ok(ReportAttachment {
        object_type: object.object_type().as_str(),
        object_id: object.id().to_string(),
        external_id,
        status: line.status.to_string(),
        reason: line.reason.as_str().to_owned(),
        attachment_id: line.attachment_id.map(|id| id.to_string()),
        message: line.message,
        results: results.to_string_lossy().into_owned(),
        exit_code: exit.code(),
        exit,
        record_noun: match object.object_type().service() {
            ProcurementService::Workday => "attachment",
            ProcurementService::Keelvar => "job",
        },
    })
}

impl ReportAttachment {
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
            (Some(id), ProgramExit::DONE) => {
                format!(
                    "attached to {object_type} {object_id}: {status}, {} {id}",
                    self.record_noun
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
fn import_plan_for(attach: &AttachPlan, output: OutputConfig, report: &Path) -> ImportPlan {
    ImportPlan {
        input: ManifestInput {
            manifest: report.to_owned(),
            root: parent_folder(report).to_owned(),
            options: ManifestOptions::default(),
            second_copies: SecondCopyPolicy::Refuse,
        },
        results: results_path(report, None),
        // The line of an earlier report stays.
        resume: ResumePolicy::Resume,
        mode: ImportMode::Attach,
        pilot: PilotScope::default(),
        unfit_rows: UnfitRowPolicy::Refuse,
        max_errors: None,
        look_ups: LookUpPolicy::Each,
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
    let (kind, id) = (object.object_type(), object.id());
    let both = sha256(format!("{kind}:{id}:{digest}").as_bytes()).to_string();
    format!("consign-report-{}", &both[..32])
}

/// Returns the manifest with the one row of the report.
fn manifest_text(
    report: &Path,
    object: ObjectRef,
    external_id: &str,
    dialect: CsvDialect,
) -> String {
    let name = report.file_name().unwrap_or_default().to_string_lossy();
    let title: String = format!("Import report {name}")
        .chars()
        .take(MAX_TEXT_CHARS)
        .collect();
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let cells = [
        cell(&name),
        object.object_type().to_string(),
        object.id().to_string(),
        external_id.to_owned(),
        match object.object_type().service() {
            ProcurementService::Workday => cell(&title),
            // Jobs have no titles.
            ProcurementService::Keelvar => String::new(),
        },
    ];
    let header = [
        "file_path",
        "object_type",
        "object_id",
        "external_id",
        "title",
    ];
    let delimiter = char::from(dialect.delimiter()).to_string();
    format!("{}\n{}\n", header.join(&delimiter), cells.join(&delimiter))
}
