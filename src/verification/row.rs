//! Row of the results during a verification: its claim, and its line in the verification file.

use jiff::Timestamp;

use super::compare::{AttachmentClaim, ClaimComparison, KeySource};
use super::object_proof::{BytesAtService, ObjectVerdict};
use super::{
    ContentFacts, DownloadScope, ExpectedNames, ObjectProof, VerificationLine, VerificationOutcome,
};
use crate::manifest::stored_file_name;
use crate::model::{AttachmentId, ObjectRef, ObjectType};
use crate::results::ledger::Ledger;
use crate::results::{
    BackupOutcome, FormerContent, ReplacementStage, ResultsEntry, RowState, Status, VerifiedBy,
};
use crate::text::quoted;

/// Row of the results during a verification.
#[derive(Debug, Clone)]
pub struct VerificationRow {
    /// Line of the verification file, as far as it is known.
    pub line: VerificationLine,
    /// Claim to compare; `None` where the results do not claim the row to be done.
    pub claim: Option<AttachmentClaim>,
    /// Verdict about the record of the attachment; `None` where the record was not asked for.
    pub object_verdict: Option<ObjectVerdict>,
    /// Content which was replaced, or was about to be replaced.
    pub former_content: Option<FormerContent>,
    /// State of a replacement of the attachment's bytes.
    pub awaited_bytes: AwaitedBytes,
}

/// State of a replacement, which may leave an attachment without bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwaitedBytes {
    /// The results report no unfinished replacement.
    None,
    /// The results report an unfinished replacement: the attachment waits for bytes, or may do so.
    FromReplacement,
}

/// Values common to all rows of one verification.
#[derive(Debug, Clone)]
pub struct VerificationRun {
    /// Start of the verification.
    pub started_at: Timestamp,
    /// Attachments to be downloaded.
    pub download: DownloadScope,
    /// Host and path of the service's base.
    pub destination: String,
}

impl VerificationRun {
    /// Returns a line without any result.
    fn empty_line(&self, external_id: &str) -> VerificationLine {
        VerificationLine {
            row: None,
            external_id: external_id.to_owned(),
            attachment_id: None,
            outcome: VerificationOutcome::Error,
            object: ObjectProof::NotAskedFor,
            expected: ContentFacts::default(),
            found: ContentFacts::default(),
            expected_names: ExpectedNames::default(),
            checked_at: self.started_at,
            download: self.download,
            local_file: None,
            destination: self.destination.clone(),
            message: String::new(),
        }
    }
}

impl VerificationRow {
    /// Creates a row without any result of a comparison.
    pub fn new(ledger: &Ledger, entry: &ResultsEntry, occasion: &VerificationRun) -> Self {
        let mut line = VerificationLine {
            row: entry.row,
            attachment_id: entry.attachment_id.clone(),
            outcome: VerificationOutcome::NotDone,
            expected: ContentFacts::from_entry(entry),
            ..occasion.empty_line(&entry.external_id)
        };
        let former_content = entry.changes.replaced.clone();
        if !entry.status.is_done() {
            line.message = describe_open_row(entry);
            return Self {
                line,
                claim: None,
                object_verdict: None,
                former_content,
                awaited_bytes: AwaitedBytes::from_entry(entry),
            };
        }
        let claim = AttachmentClaim::from_entry(ledger, entry);
        line.expected_names = ExpectedNames {
            external_id: Some(claim.external_id.clone()),
            title: claim.title.clone(),
        };
        line.apply_comparison(ClaimComparison::unknown(match &line.attachment_id {
            Some(_) => "the verification ended before this row was checked",
            None => "the results name no attachment",
        }));
        Self {
            claim: Some(claim),
            object_verdict: None,
            former_content,
            awaited_bytes: AwaitedBytes::None,
            line,
        }
    }

    /// Creates a row for a damaged line of the results, whose claim is therefore unknown.
    pub fn from_damaged_line(external_id: &str, why: String, occasion: &VerificationRun) -> Self {
        let mut line = occasion.empty_line(external_id);
        line.apply_comparison(ClaimComparison::unknown(why));
        Self {
            line,
            claim: None,
            object_verdict: None,
            former_content: None,
            awaited_bytes: AwaitedBytes::None,
        }
    }

    /// Returns the id of the attachment to look up, and its expected size; `None` if there is
    /// nothing to compare.
    pub fn attachment_to_check(&self) -> Option<(&AttachmentId, Option<u64>)> {
        let claim = self.claim.as_ref()?;
        Some((self.line.attachment_id.as_ref()?, claim.expected.size))
    }

    /// True if there is an attachment, and the results know the digest of its bytes.
    pub fn is_download_candidate(&self) -> bool {
        self.attachment_to_check().is_some() && self.line.expected.sha256.is_some()
    }

    /// Records the result of a comparison, if the row has a claim.
    pub fn record_comparison(
        &mut self,
        now: Timestamp,
        compare: impl FnOnce(&AttachmentClaim) -> ClaimComparison,
    ) {
        if let Some(claim) = &self.claim {
            self.line.checked_at = now;
            self.line.apply_comparison(compare(claim));
        }
    }

    /// Returns the attachment whose record is to be asked for, and the claimed record or the fault
    /// of the cells which name no record. Returns `None` unless the service has shown the
    /// attachment.
    pub fn attachment_to_place(&self) -> Option<AttachmentToPlace<'_>> {
        let bytes = match self.line.outcome {
            VerificationOutcome::Pending => BytesAtService::None,
            VerificationOutcome::Match
            | VerificationOutcome::SizeDiffers
            | VerificationOutcome::Renamed
            | VerificationOutcome::ContentDiffers => BytesAtService::Stored,
            // Without a size, the error is that the attachment was not read at all.
            VerificationOutcome::Error if self.line.found.size.is_some() => BytesAtService::Stored,
            _ => return None,
        };
        Some(AttachmentToPlace {
            id: self.line.attachment_id.as_ref()?,
            bytes,
            claimed: self.claim.as_ref()?.object.as_ref().copied(),
        })
    }

    /// Records the verdict about the record of the attachment, which answered at `answered_at`. The
    /// state of the attachment itself is graver than another record, and another record is graver
    /// than bytes which could not be read.
    pub fn record_object_verdict(
        &mut self,
        verdict: ObjectVerdict,
        answered_at: Option<Timestamp>,
    ) {
        let line = &mut self.line;
        line.checked_at = answered_at.map_or(line.checked_at, |at| at.max(line.checked_at));
        line.object = verdict.proof();
        line.outcome = match (line.outcome, line.object) {
            (VerificationOutcome::Match | VerificationOutcome::Error, ObjectProof::OtherObject) => {
                VerificationOutcome::OtherObject
            }
            (VerificationOutcome::Match, ObjectProof::Unknown) => VerificationOutcome::Error,
            (outcome, _) => outcome,
        };
        if let Some(message) = verdict.message() {
            if !line.message.is_empty() {
                line.message.push_str("; ");
            }
            line.message.push_str(&message);
        }
        self.object_verdict = Some(verdict);
    }

    /// True if the row could not be checked for the sake of its record alone.
    pub fn is_error_of_record_alone(&self) -> bool {
        let verdict = self.object_verdict.as_ref();
        self.line.outcome == VerificationOutcome::Error
            && self.line.object == ObjectProof::Unknown
            && verdict.and_then(ObjectVerdict::message).as_ref() == Some(&self.line.message)
    }

    /// True if the row makes the verification fail. A row which has left the manifest does so only
    /// by a claim which does not hold, or by an attachment without bytes.
    pub fn fails_verification(&self) -> bool {
        match self.line.outcome {
            VerificationOutcome::Match => false,
            VerificationOutcome::NotDone => {
                self.line.row.is_some() || self.awaited_bytes == AwaitedBytes::FromReplacement
            }
            _ => true,
        }
    }
}

/// Attachment whose record is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentToPlace<'a> {
    /// Id of the attachment.
    pub id: &'a AttachmentId,
    /// Bytes of the attachment.
    pub bytes: BytesAtService,
    /// Record which the results claim, or the fault of the cells which name no record.
    pub claimed: Result<ObjectRef, &'a String>,
}

impl VerificationLine {
    fn apply_comparison(&mut self, verdict: ClaimComparison) {
        self.outcome = verdict.outcome;
        self.found = verdict.found;
        self.message = verdict.message;
    }
}

impl AwaitedBytes {
    fn from_entry(entry: &ResultsEntry) -> Self {
        match entry.state() {
            RowState::Replacing(_) => Self::FromReplacement,
            _ => Self::None,
        }
    }
}

impl AttachmentClaim {
    /// Reads the claim of a done row from its line.
    fn from_entry(ledger: &Ledger, entry: &ResultsEntry) -> Self {
        let (external_id, key_source) = match &entry.changes.renamed_to {
            Some(new) => (new, KeySource::Rename),
            None => (&entry.external_id, KeySource::Creator),
        };
        Self {
            external_id: external_id.clone(),
            key_source,
            title: imported_title(ledger, entry),
            file_name: file_name_of_entry(ledger, entry),
            object: claimed_object(entry),
            expected: ContentFacts::from_entry(entry),
        }
    }
}

/// Returns the record of a row, or the fault of the cells which name no record.
fn claimed_object(entry: &ResultsEntry) -> Result<ObjectRef, String> {
    let ResultsEntry {
        object_type,
        object_id,
        ..
    } = entry;
    let kind: ObjectType = object_type
        .parse()
        .map_err(|fault| format!("object_type {} {fault}", quoted(object_type)))?;
    if object_id.is_empty() {
        return Err("object_id is empty".to_owned());
    }
    ObjectRef::parse(kind, object_id)
        .map_err(|fault| format!("object_id {} {fault}", quoted(object_id)))
}

/// Describes the state of a row which is not done, and the remedy if the attachment may be without
/// bytes.
fn describe_open_row(entry: &ResultsEntry) -> String {
    let replaced = entry.changes.replaced.as_ref();
    let backup = || match replaced.map(|former| &former.backup) {
        Some(BackupOutcome::Kept(path)) => format!("the old content is in {}", quoted(path)),
        Some(BackupOutcome::Waived) => "the old content was not kept (--no-backup)".to_owned(),
        None => "the results name no backup".to_owned(),
    };
    match (entry.state(), entry.status, entry.reason.as_str()) {
        (RowState::Replacing(replacement), _, _) => {
            let how = match replacement {
                ReplacementStage::ReleaseRequested => {
                    "may be without bytes: its content was about to be replaced"
                }
                ReplacementStage::Released(_) | ReplacementStage::NewBytesSent => {
                    "waits for bytes: the old bytes were released, and the new bytes are not confirmed"
                }
            };
            // An import which came to its end has left a more exact message.
            let what_to_do = match &*entry.message {
                "" => format!("run the import again with --resume; {}", backup()),
                told => told.to_owned(),
            };
            format!("the attachment {how}; {what_to_do}")
        }
        (_, status, "") => format!("the row is {status}"),
        (_, status, reason) => format!("the row is {status}, {reason}"),
    }
}

/// Returns the title which the import gave; `None` if the title is older than the import. An
/// attachment which the import only found, replaced or renamed keeps its title, unless the import
/// changed the title as well.
fn imported_title(ledger: &Ledger, entry: &ResultsEntry) -> Option<String> {
    let changes = &entry.changes;
    let was_made_by_us = || entry.verified_by != VerifiedBy::Nothing && changes.replaced.is_none();
    let was_given = match entry.status {
        Status::Uploaded | Status::Updated => true,
        _ if changes.previous_title.is_some() => true,
        Status::Renamed => was_made_by_us(),
        _ => false,
    };
    let title = || Some(ledger.extra_cell(entry, "title")).filter(|title| !title.is_empty());
    was_given.then(title).flatten()
}

/// Returns the name under which the file was stored.
fn file_name_of_entry(ledger: &Ledger, entry: &ResultsEntry) -> String {
    let chosen = ledger.extra_cell(entry, "file_name");
    let chosen = Some(&*chosen).filter(|name| !name.is_empty());
    stored_file_name(&entry.file_path, chosen).to_owned()
}

#[cfg(test)]
mod tests;
