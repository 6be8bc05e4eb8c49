//! The decisions about a row, made from known facts without doing anything.
//!
//! [`resolve_object()`] decides if the record of a row is known, [`plan_row`] decides from the
//! earlier line of a row where its protocol starts, [`next_step()`] decides from an answer about an
//! attachment, and [`job_row_outcome`] from the end of a job. All are total: each combination of
//! facts has exactly one answer. [`find_second_copies()`] finds rows about to store a file a second
//! time, [`group_into_jobs()`] groups rows into jobs, [`RowsForProof`] holds the rows with which a run
//! begins, and [`PilotScope`] chooses the rows of a run over a part of them.
//!
//! The module stops before requests and lines: `pipeline` carries out the decisions, and the dry
//! run reports the decisions. Open the file of [`next_step()`] first for attachments, and the file
//! of [`job_row_outcome`] for jobs.

mod existing_attachment;
mod job_grouping;
mod job_row;
mod next_step;
mod object_resolution;
mod pilot_scope;
mod probable_copy;
mod record_findings;
mod rows_for_proof;
mod second_copy_search;

use crate::manifest::ManifestRow;
use crate::model::{AttachmentId, CheckedContent, ProcurementService};
use crate::prepare::RowFile;
use crate::results::{
    AttachmentChanges, CompletedAction, ContentMatch, KnownContent, ResultsEntry, RowState,
    StatusReason, VerifiedBy,
};

pub use existing_attachment::{
    AttachmentBytes, BytesDuringReplacement, ChangeStage, ConflictPolicy, ExistingAttachment,
    NextNameChange, OldContent, TitlePolicy, UpdatePolicy, classify_bytes_during_replacement,
    greatest_requested_change, next_name_change,
};
pub use job_grouping::{JobCandidate, JobLimits, group_into_jobs};
pub use job_row::{FailedJobPolicy, JobRowOutcome, SentBytes, job_row_outcome, needs_manual_check};
pub use next_step::{
    AttachmentEvidence, NameHolder, NextStep, RowEnd, RowFacts, name_holder,
    needs_look_up_by_new_id, next_step,
};
pub use object_resolution::{FoundObjects, ObjectResolution, resolve_object};
pub use pilot_scope::{PilotScope, RowChooser};
pub use probable_copy::PlannedUpload;
pub use rows_for_proof::RowsForProof;
pub use second_copy_search::{
    EarlierCopy, NewRow, SecondCopiesFound, SecondCopy, find_second_copies, is_begun,
};

/// Decision about a row, made from its earlier line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowPlan {
    /// The earlier line stays, and no request is sent.
    KeepLine,
    /// A new line is written, and no request is sent.
    RecordLine(Box<ResultsEntry>),
    /// Requests are sent, from the given start on.
    SendRequests(ProtocolStart),
}

/// Start of a row's protocol. Each service has its own use of files, and so its own protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolStart {
    /// The row's file becomes an attachment.
    Attachment(AttachmentStart),
    /// The row's file goes into a job.
    Job(JobStart),
}

/// Start of the protocol of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentStart {
    /// A look-up by `external_id`, or the POST at once where the run has proven that the service
    /// refuses a second record: no earlier run has begun anything for the row.
    New,
    /// A look-up by `external_id`.
    LookUp(PriorCreate),
    /// The record chosen for the row by an earlier run.
    BegunRecord(BegunRecord),
    /// The attachment left by an earlier run, with its bytes or in the middle of a replacement.
    ExistingAttachment(ExistingAttachment),
}

/// Start of the protocol of a row whose file goes into a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStart {
    /// A new job.
    New,
    /// The job into which an earlier run put the row.
    Earlier(BegunRecord),
}

impl JobStart {
    /// Returns the earlier run's job; `None` for a new job.
    pub fn earlier_job(&self) -> Option<&AttachmentId> {
        match self {
            Self::New => None,
            Self::Earlier(begun) => Some(&begun.id),
        }
    }
}

/// Possible outcome of earlier POSTs of a row without an answer. Only after such a POST may a record
/// without bytes under the row's `external_id` be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriorCreate {
    /// There was no POST, or each POST was answered.
    NoneUnanswered,
    /// A POST for the object in the present manifest may have made a record.
    Unanswered,
    /// A POST for the object in the present manifest may have made a record, or may have been
    /// refused because of another client's record: no look-up came before the POST. A record without
    /// bytes counts as ours only if it bears the names of the row.
    UnansweredWithoutLookUp,
    /// A POST for another object may have made a record. The record cannot be moved, and has to go
    /// first; and since a record does not name its object, no record found is known to be ours.
    UnansweredForOtherObject(OtherObject),
}

impl PriorCreate {
    /// Returns the knowledge after a look-up that found nothing: no record of another client was
    /// there, so a record found later is ours.
    #[must_use]
    pub fn once_nothing_was_found(self) -> Self {
        match self {
            Self::UnansweredWithoutLookUp => Self::Unanswered,
            known => known,
        }
    }
}

/// A record chosen for a row by an earlier run. Only the absence of the record permits another
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunRecord {
    /// Id of the record.
    pub id: AttachmentId,
    /// Path of the file in the manifest of the earlier run.
    pub file_path: String,
    /// Content sent, or being sent, by the earlier run; `None` where the line does not record any
    /// more.
    pub content: Option<CheckedContent>,
    /// Object of the record; `None` for the object in the present manifest.
    pub other_object: Option<OtherObject>,
    /// Stage reached by the earlier run.
    pub progress: BegunProgress,
}

impl BegunRecord {
    /// Returns a record of a row, with nothing known about its bytes.
    fn with_unknown_content(id: AttachmentId, row: &ManifestRow) -> Self {
        Self {
            id,
            file_path: row.file_path.clone(),
            content: None,
            other_object: None,
            progress: BegunProgress::Unknown,
        }
    }

    /// Returns a record of a row for the present object and file.
    pub fn with_content(id: AttachmentId, row: &ManifestRow, content: CheckedContent) -> Self {
        Self {
            content: Some(content),
            ..Self::with_unknown_content(id, row)
        }
    }
}

/// An object named in an earlier line and no more in the manifest. The text stays as the line has
/// it, so the next line says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherObject {
    /// Type of the object.
    pub object_type: String,
    /// Id of the object.
    pub object_id: String,
    /// External id of the object; empty where the manifest did not name the object so.
    pub object_external_id: String,
}

/// Stage reached with a record by an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BegunProgress {
    /// No bytes were sent.
    NotSent,
    /// Bytes may or may not have been sent.
    Unknown,
    /// All bytes were sent, and only the result was not reported.
    Sent,
    /// A new upload address was requested, and the request may still arrive: the request detaches
    /// all bytes sent before its arrival.
    AddressRenewing,
    /// The job failed, perhaps after having attached the file, and the user wants another job.
    JobFailed,
}

/// Decides from the earlier line of a row how the row continues.
pub fn plan_row(
    row: &ManifestRow,
    file: RowFile,
    earlier_entry: Option<ResultsEntry>,
    update_policy: UpdatePolicy,
    failed_jobs: FailedJobPolicy,
) -> RowPlan {
    if row.object.object_type().service() == ProcurementService::Keelvar {
        return job_row::plan_job_row(row, file, earlier_entry, failed_jobs);
    }
    match earlier_entry {
        None => RowPlan::SendRequests(ProtocolStart::Attachment(start_of_new_row(row))),
        Some(previous) if previous.was_done() => plan_done_row(row, file, previous, update_policy),
        Some(previous) => {
            RowPlan::SendRequests(ProtocolStart::Attachment(attachment_start(row, &previous)))
        }
    }
}

/// Returns the start of a row for which nothing is begun. A row with a new `external_id` may have
/// its attachment already, under either name.
fn start_of_new_row(row: &ManifestRow) -> AttachmentStart {
    match row.new_external_id {
        None => AttachmentStart::New,
        Some(_) => AttachmentStart::LookUp(PriorCreate::NoneUnanswered),
    }
}

/// True if the line says that no request of the row had an effect, for the row as it is now. All
/// other lines lead to a look-up, which is the cheaper question where an attachment is likely.
fn says_not_begun(earlier_entry: &ResultsEntry) -> bool {
    let is_untouched = matches!(
        earlier_entry.state(),
        RowState::NotBegun(StatusReason::NotReached) | RowState::Unfit(_)
    );
    is_untouched && earlier_entry.changes == AttachmentChanges::default()
}

fn attachment_start(row: &ManifestRow, earlier_entry: &ResultsEntry) -> AttachmentStart {
    let state = earlier_entry.state();
    // The attachment of a conflict that was never done belongs to another client.
    if !state.is_conflict()
        && let Some(there) = ExistingAttachment::from_entry(row, earlier_entry)
    {
        return AttachmentStart::ExistingAttachment(there);
    }
    let elsewhere = other_object_of(row, earlier_entry);
    // The id in the line of a conflict belongs to another client.
    let chosen = (!state.is_conflict())
        .then_some(earlier_entry.attachment_id.clone())
        .flatten();
    if let Some(id) = chosen {
        return AttachmentStart::BegunRecord(BegunRecord {
            id,
            file_path: earlier_entry.file_path.clone(),
            content: earlier_entry.known_content.content(),
            other_object: elsewhere,
            progress: BegunProgress::from_attachment_state(&state),
        });
    }
    if elsewhere.is_none() && says_not_begun(earlier_entry) {
        return start_of_new_row(row);
    }
    AttachmentStart::LookUp(match (elsewhere, state) {
        (
            Some(object),
            RowState::Creating(_)
            | RowState::CreatingWithoutLookUp
            | RowState::CreatingOnOtherObject
            | RowState::UnfinishedOnOtherObject
            | RowState::ConflictOnOtherObject,
        ) => PriorCreate::UnansweredForOtherObject(object),
        // The manifest names the first object again, but there was a POST for another object, too.
        (None, RowState::CreatingOnOtherObject) => {
            PriorCreate::UnansweredForOtherObject(object_of_entry(earlier_entry))
        }
        (None, RowState::Creating(_)) => PriorCreate::Unanswered,
        (None, RowState::CreatingWithoutLookUp) => PriorCreate::UnansweredWithoutLookUp,
        _ => PriorCreate::NoneUnanswered,
    })
}

impl BegunProgress {
    /// Returns the stage of an attachment from the state of its row.
    fn from_attachment_state(state: &RowState) -> Self {
        match state {
            RowState::SizeUnconfirmed(_) => Self::Sent,
            RowState::AddressRenewing => Self::AddressRenewing,
            _ => Self::Unknown,
        }
    }
}

fn other_object_of(row: &ManifestRow, earlier_entry: &ResultsEntry) -> Option<OtherObject> {
    let same = earlier_entry.object_type == row.object.object_type().as_str()
        && earlier_entry.object_id == row.object.id().to_string();
    (!same).then(|| object_of_entry(earlier_entry))
}

fn object_of_entry(earlier_entry: &ResultsEntry) -> OtherObject {
    OtherObject {
        object_type: earlier_entry.object_type.clone(),
        object_id: earlier_entry.object_id.clone(),
        object_external_id: earlier_entry.object_external_id.clone(),
    }
}

fn plan_done_row(
    row: &ManifestRow,
    file: RowFile,
    earlier_entry: ResultsEntry,
    update_policy: UpdatePolicy,
) -> RowPlan {
    let elsewhere = other_object_of(row, &earlier_entry);
    // A line has the external id of its own object alone.
    let object_external_id = match elsewhere {
        Some(_) => earlier_entry.object_external_id.clone(),
        None => row.object_external_id_text().to_owned(),
    };
    let is_named_anew = object_external_id != earlier_entry.object_external_id;
    let is_other = file_differs(file, &earlier_entry);
    // An attachment on another object, or in a job, can neither be moved nor changed.
    if elsewhere.is_none()
        && row.object.object_type().service() == ProcurementService::Workday
        && may_need_change(row, file, &earlier_entry, update_policy)
        && let Some(there) = ExistingAttachment::from_entry(row, &earlier_entry)
    {
        return RowPlan::SendRequests(ProtocolStart::Attachment(
            AttachmentStart::ExistingAttachment(there),
        ));
    }
    let before = earlier_entry.state();
    let is_kept =
        before.keeps_existing_content() || update_policy.on_conflict == ConflictPolicy::Skip;
    let (state, message) = match elsewhere {
        Some(object) => (
            RowState::ConflictOnOtherObject,
            format!(
                "the attachment belongs to {} {}, and the manifest now names {}; an attachment \
                 cannot be moved: correct the manifest, or give the row a new external_id",
                object.object_type, object.object_id, row.object
            ),
        ),
        None if is_other && is_kept => (
            // The status keeps naming an earlier change, whatever else is wanted now.
            RowState::Done(
                greatest_requested_change(&earlier_entry.changes)
                    .unwrap_or(CompletedAction::Skipped),
                ContentMatch::KeptExisting,
            ),
            String::new(),
        ),
        None if is_other => (
            RowState::Conflict(StatusReason::FileChanged),
            format!(
                "the file has changed since the row was done, and the stored content was left as it is; {}",
                changed_file_remedy(row.object.object_type().service())
            ),
        ),
        None => (
            restored_done_state(row, file, &earlier_entry),
            String::new(),
        ),
    };
    // The line of content that differs from the file speaks of the stored content, wherever the
    // file is now.
    let is_right = matches!(state, RowState::Done(..)) && !state.keeps_existing_content();
    let renamed = is_right && is_line_outdated(row, file, &earlier_entry);
    if before == state && !renamed && !is_named_anew {
        return RowPlan::KeepLine;
    }
    let refreshed = match file {
        RowFile::Ready(content) if is_right => KnownContent::Complete(content),
        _ => earlier_entry.known_content,
    };
    let (status, reason) = state.encode();
    RowPlan::RecordLine(Box::new(ResultsEntry {
        file_path: if is_right {
            row.file_path.clone()
        } else {
            earlier_entry.file_path.clone()
        },
        object_external_id,
        status,
        reason,
        known_content: refreshed,
        message,
        ..earlier_entry
    }))
}

/// Returns the advice about a file unlike its stored content.
pub(crate) fn changed_file_remedy(service: ProcurementService) -> &'static str {
    match service {
        ProcurementService::Workday => StatusReason::FileChanged.remedy(),
        // A file in a job can neither be replaced nor taken out.
        ProcurementService::Keelvar => {
            "restore the file, or give the new one an external_id of its own"
        }
    }
}

/// True if a file is known to differ from its stored content.
fn file_differs(file: RowFile, earlier_entry: &ResultsEntry) -> bool {
    match (file, earlier_entry.known_content.content()) {
        (RowFile::Ready(now), Some(then)) => now.sha256 != then.sha256,
        // Of content stored by another client, only the size is known.
        (RowFile::Ready(_), None) => earlier_entry.state().keeps_existing_content(),
        _ => false,
    }
}

/// True if the attachment of a done row has to be looked at, since a change may be due.
fn may_need_change(
    row: &ManifestRow,
    file: RowFile,
    earlier_entry: &ResultsEntry,
    update_policy: UpdatePolicy,
) -> bool {
    let is_other = file_differs(file, earlier_entry);
    let state = earlier_entry.state();
    let is_right = !is_other
        || state.keeps_existing_content()
        || update_policy.on_conflict == ConflictPolicy::Skip;
    let is_unproven =
        existing_attachment::only_size_is_known(earlier_entry.verified_by, state.content_match());
    match update_policy.on_conflict {
        ConflictPolicy::Replace if is_other => true,
        // An equal number of bytes does not prove equal bytes.
        ConflictPolicy::Replace if is_unproven && file != RowFile::GoneAfterDone => true,
        _ => {
            is_right && existing_attachment::may_need_name_change(row, earlier_entry, update_policy)
        }
    }
}

/// Returns the state of a row done before, with nothing to be said against it.
fn restored_done_state(row: &ManifestRow, file: RowFile, earlier_entry: &ResultsEntry) -> RowState {
    match earlier_entry.state() {
        RowState::Done(done_as, ContentMatch::KeptExisting) if file != RowFile::GoneAfterDone => {
            return RowState::Done(done_as, ContentMatch::AsVerified);
        }
        done @ RowState::Done(..) => return done,
        _ => {}
    }
    // The size of an attachment that we uploaded was confirmed, and no file in a job was ever there
    // before.
    let otherwise = match (
        row.object.object_type().service(),
        earlier_entry.verified_by,
    ) {
        (ProcurementService::Workday, VerifiedBy::Nothing) => CompletedAction::Skipped,
        (ProcurementService::Keelvar, _) | (_, VerifiedBy::Size | VerifiedBy::Etag) => {
            CompletedAction::Uploaded
        }
    };
    RowState::Done(
        greatest_requested_change(&earlier_entry.changes).unwrap_or(otherwise),
        ContentMatch::AsVerified,
    )
}

/// True if the line of a done row with the same content should be brought up to date: the next run
/// then need not hash.
fn is_line_outdated(row: &ManifestRow, file: RowFile, earlier_entry: &ResultsEntry) -> bool {
    match (file, earlier_entry.known_content.content()) {
        (RowFile::Ready(now), Some(then)) => {
            now.stamp != then.stamp || row.file_path != earlier_entry.file_path
        }
        _ => false,
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
