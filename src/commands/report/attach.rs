//! `report --attach-to`: the report becomes an attachment itself, by way of the very same import.
//!
//! It is a manifest of one row. Its `external_id` follows from the report and from what it hangs on,
//! so that the same report is attached once however often that is asked for, and a report that says
//! something else is another attachment.

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

/// What became of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Attached {
    object_type: &'static str,
    object_id: String,
    external_id: String,
    status: String,
    reason: String,
    attachment_id: Option<String>,
    message: String,
    /// Where this is kept.
    results: String,
    exit_code: u8,
    #[serde(skip)]
    pub(super) exit: Exit,
    /// What the service calls what it keeps.
    #[serde(skip)]
    record: &'static str,
}

/// Whether the user may attach a report of these results, as far as that can be told beforehand:
/// the record must be one of the service that they are of, at the place that they name.
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

/// Attaches the report at a path, whose digest this is.
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
    /// The same as lines of text.
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

/// The import of a report. What becomes of it is kept beside it.
fn import_of(attach: &AttachPlan, output: OutputConfig, report: &Path) -> ImportPlan {
    ImportPlan {
        input: ManifestInput {
            manifest: report.to_owned(),
            root: folder_of(report).to_owned(),
            options: Options::default(),
            second_copies: SecondCopies::Refuse,
        },
        results: results_path(report, None),
        // Where an earlier report was attached, its line stays.
        resume: ResumePolicy::Resume,
        mode: ImportMode::Attach,
        unfit_rows: UnfitRowPolicy::Refuse,
        max_errors: None,
        consent: attach.consent,
        service: attach.service.clone(),
        output,
        notices: NoticePolicy::LeaveOut,
        // Another report is another attachment.
        changes: ChangePolicy::default(),
        jobs: attach.jobs.clone(),
    }
}

fn external_id(object: ObjectRef, digest: Sha256Digest) -> String {
    let (kind, id) = (object.kind(), object.id());
    let both = sha256(format!("{kind}:{id}:{digest}").as_bytes()).to_string();
    format!("consign-report-{}", &both[..32])
}

/// The manifest of the one row.
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
            // Jobs know no titles.
            Service::Keelvar => String::new(),
        },
    ];
    format!(
        "file_path,object_type,object_id,external_id,title\n{}\n",
        cells.join(",")
    )
}
