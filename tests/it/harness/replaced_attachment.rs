//! Check of an attachment at any moment of a replacement: the old or the new content is stored, or
//! the journal says that the attachment waits for bytes and names the backup of the old content.

use std::fs;

use consign::digest::sha256;
use consign::emulator::StoredAttachment;
#[cfg(target_os = "linux")]
use consign::emulator::{EmulatorOperation, request_log::RequestLogEntry};
use consign::results::{COLUMNS, LINE_CHECK_COLUMN, parse_serial};

use super::judge::has_valid_check;
use super::results_table::ResultsLine;
use super::{ImportTest, ResultsTable};

/// Attachment with replaced content.
#[derive(Debug, Clone)]
pub(crate) struct ReplacedAttachment {
    /// External id of the row.
    pub(crate) external_id: String,
    /// Id given by the service.
    pub(crate) id: u64,
    pub(crate) old_content: String,
    pub(crate) new_content: String,
}

/// Checks the service and the journal after a run, however the run ended.
#[track_caller]
pub(crate) fn assert_no_content_lost(test: &ImportTest, changes: &[ReplacedAttachment]) {
    let stored = test.service().stored_attachments();
    for change in changes {
        match stored_content(&stored, change.id) {
            Some(content) if content == change.old_content || content == change.new_content => {}
            Some(content) => panic!("{change:?} holds {content:?}"),
            None => assert_waits_for_bytes(test, change),
        }
    }
}

/// Returns the stored content of an attachment, or `None` if the attachment has no bytes.
fn stored_content(stored: &[StoredAttachment], id: u64) -> Option<String> {
    let attachment = stored.iter().find(|one| one.id == id)?;
    Some(String::from_utf8_lossy(&fs::read(&attachment.bytes).unwrap()).into_owned())
}

/// Checks an attachment without bytes: the journal says `replacing` and names the backup, or says
/// that the user waived the backup.
#[track_caller]
fn assert_waits_for_bytes(test: &ImportTest, change: &ReplacedAttachment) {
    let results = test.results();
    let line = newest_valid_line(&results, &change.external_id)
        .unwrap_or_else(|| panic!("{change:?} is empty, and no line speaks of it: {results:#?}"));
    assert_eq!(line.cell("status"), "replacing", "{change:?}: {line:#?}");
    assert_eq!(line.cell("attachment_id"), change.id.to_string());
    match line.cell("backup") {
        "waived" => {}
        backup => {
            assert_eq!(test.read(backup), change.old_content, "{line:#?}");
            let digest = sha256(change.old_content.as_bytes()).to_string();
            assert_eq!(line.cell("previous_sha256"), digest, "{line:#?}");
        }
    }
}

/// Returns the newest line of a row with a valid line check.
fn newest_valid_line<'r>(results: &'r ResultsTable, external_id: &str) -> Option<&'r ResultsLine> {
    let believed = results.lines.iter().filter(|line| {
        line.cell("external_id") == external_id && has_valid_check(line, COLUMNS.len())
    });
    believed.max_by_key(|line| parse_serial(line.cell(LINE_CHECK_COLUMN)))
}

/// Returns the external ids of the requests which detached stored bytes. Requests not carried out
/// detached nothing.
#[cfg(target_os = "linux")]
pub(crate) fn detached_ids(log: &[RequestLogEntry]) -> Vec<&str> {
    let lets_go = |entry: &&RequestLogEntry| {
        matches!(
            entry.operation,
            EmulatorOperation::Update | EmulatorOperation::UpdateByExternalId
        ) && entry.status == Some(200)
            && entry.changes.iter().any(|name| name == "file_name")
    };
    let ids = log.iter().filter(lets_go);
    ids.filter_map(|entry| entry.external_id.as_deref())
        .collect()
}
