//! Verdicts on rows: the state, the evidence and the message of a results line.
//!
//! The doc of each constructor states the situation of the row. `existing_attachment_verdicts` has
//! the verdicts on existing attachments, `row_end_verdicts` the verdicts for the row ends of
//! `plan`.

mod existing_attachment_verdicts;
mod row_end_verdicts;

use super::HaltReason;
use super::request_sender::RequestFailure;
use super::request_sender::files_folder::FILE_STAYED_IN_USE;
use crate::http::UnsafeTargetError;
use crate::model::{AttachmentId, CheckedContent, ObjectRef};
use crate::plan::{BegunRecord, OtherObject, PriorCreate, SentBytes};
use crate::results::{
    CompletedAction, ContentMatch, KnownContent, RowState, SizeAnswer, StatusReason, VerifiedBy,
};
use crate::text::quoted;

/// End or intermediate state of a row, before it becomes a results line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowVerdict {
    /// State of the row, which decides status and reason of the line.
    pub(super) state: RowState,
    /// Id of the row's record or job, if there is any.
    pub(super) record_id: Option<AttachmentId>,
    /// Knowledge about the stored content. `None` stands for the content of the file as checked.
    pub(super) known_content: Option<KnownContent>,
    /// Evidence that confirmed the content.
    pub(super) verified_by: VerifiedBy,
    /// Message for people; empty if the state says all.
    pub(super) message: String,
    /// Object of the record, if the manifest names another object.
    pub(super) other_object: Option<OtherObject>,
}

impl RowVerdict {
    /// Creates a verdict without a message. `record_id` is the id of the row's record.
    pub(super) fn without_message(state: RowState, record_id: Option<AttachmentId>) -> Self {
        Self {
            state,
            record_id,
            known_content: None,
            verified_by: VerifiedBy::Nothing,
            message: String::new(),
            other_object: None,
        }
    }

    /// Verdict on a row of which nothing is begun.
    fn not_begun(reason: StatusReason) -> Self {
        Self::without_message(RowState::NotBegun(reason), None)
    }

    /// Verdict on a row after a failed request. `id` belongs to its record, if there is any, and
    /// `object` is the object of the row.
    ///
    /// Fails with the [`HaltReason`] of a failure that stops the run.
    pub(super) fn from_request_failure(
        failure: RequestFailure,
        id: Option<AttachmentId>,
        object: ObjectRef,
    ) -> Result<Self, HaltReason> {
        Ok(match failure {
            RequestFailure::Halt(halt) | RequestFailure::HaltEffectUnknown(halt) => {
                return Err(halt);
            }
            RequestFailure::NotSent => Self::no_answer(id, "the request could not be sent"),
            RequestFailure::EffectUnknown(why) | RequestFailure::GivenUp(why) => {
                Self::no_answer(id, &why)
            }
            RequestFailure::Refused(refusal) => Self::refused(id, &refusal.message),
            RequestFailure::Forbidden(why) => Self::forbidden(id, object, &why),
        })
    }

    /// Returns the verdict with a message.
    fn with_message(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// The attachment has the content of the file.
    pub(super) fn uploaded(id: AttachmentId, verified_by: VerifiedBy) -> Self {
        Self {
            verified_by,
            ..Self::without_message(done_as_verified(CompletedAction::Uploaded), Some(id))
        }
    }

    /// The row failed for a reason of its own.
    pub(super) fn failed(reason: StatusReason, id: Option<AttachmentId>, message: String) -> Self {
        Self::without_message(RowState::from_failure(reason), id).with_message(message)
    }

    /// An attachment of another size has the row's `external_id`.
    pub(super) fn stored_other_size(id: AttachmentId, size: u64, content: CheckedContent) -> Self {
        Self {
            known_content: Some(KnownContent::Size(size)),
            ..Self::without_message(RowState::Conflict(StatusReason::StoredOtherSize), Some(id))
        }
        .with_message(format!(
            "an attachment with this external_id is stored already, with {size} bytes where the \
             file has {}; the attachment was left as it is: {}",
            content.stamp.size,
            StatusReason::StoredOtherSize.remedy()
        ))
    }

    /// The answer to a look-up by `external_id` reports an attachment with another `external_id`.
    pub(super) fn look_up_mismatch(other: &str) -> Self {
        Self::failed(
            StatusReason::LookupMismatch,
            None,
            format!(
                "the service answered the look-up of this external_id with an attachment whose \
                 external_id is {other:?}; nothing was sent: {}",
                StatusReason::LookupMismatch.remedy()
            ),
        )
    }

    /// The service reports another size than was sent.
    pub(super) fn size_mismatch(id: AttachmentId, size: u64, content: CheckedContent) -> Self {
        Self::failed(
            StatusReason::SizeMismatch,
            Some(id),
            format!(
                "the service shows {size} bytes where {} were sent; {}",
                content.stamp.size,
                StatusReason::SizeMismatch.remedy()
            ),
        )
    }

    /// The service removed the record twice, each time after its bytes were sent.
    pub(super) fn purged(id: AttachmentId) -> Self {
        Self::failed(
            StatusReason::Purged,
            Some(id),
            format!(
                "the service removed the record after its bytes were sent, twice; {}",
                StatusReason::Purged.remedy()
            ),
        )
    }

    /// The file is not as checked, and was not stored.
    pub(super) fn source_changed(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            StatusReason::SourceChanged,
            Some(id),
            format!(
                "the file changed after it was checked, and was not stored: {why}; {}",
                StatusReason::SourceChanged.remedy()
            ),
        )
    }

    /// Another program held the file, which was not stored.
    pub(super) fn source_in_use(id: AttachmentId) -> Self {
        Self::failed(
            StatusReason::SourceChanged,
            Some(id),
            format!(
                "{FILE_STAYED_IN_USE}, and was not stored; close the program that has it open, then \
                 run the import again with --resume"
            ),
        )
    }

    /// The storage refused the file.
    pub(super) fn upload_refused(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            StatusReason::UploadRefused,
            Some(id),
            format!("the storage refused the file: {why}"),
        )
    }

    /// The service gave an unsafe address, to which nothing was sent.
    pub(super) fn unsafe_address(id: AttachmentId, why: &UnsafeTargetError) -> Self {
        Self::failed(
            StatusReason::UnsafeUploadUrl,
            Some(id),
            format!(
                "{why}; nothing was sent there: {}",
                StatusReason::UnsafeUploadUrl.remedy()
            ),
        )
    }

    /// The keys are good, but lack the rights for the row.
    pub(super) fn forbidden(id: Option<AttachmentId>, object: ObjectRef, why: &str) -> Self {
        Self::failed(
            StatusReason::Forbidden,
            id,
            format!("the keys work, but not for this row ({why}): ask for the rights on {object}"),
        )
    }

    /// The service refused the attachment.
    pub(super) fn refused(id: Option<AttachmentId>, why: &str) -> Self {
        Self::failed(
            StatusReason::Refused,
            id,
            format!("the service refused the attachment: {why}"),
        )
    }

    /// The run stopped before anything was begun for the row.
    pub(super) fn not_reached() -> Self {
        Self::not_begun(StatusReason::NotReached)
    }

    /// Announcement of a request for a new address. The record's bytes, if any, are still the begun
    /// bytes.
    pub(super) fn renewing_target(begun: &BegunRecord) -> Self {
        Self {
            known_content: begun.content.map(KnownContent::Complete),
            other_object: begun.other_object.clone(),
            ..Self::without_message(RowState::AddressRenewing, Some(begun.id.clone()))
        }
    }

    /// The service does not find a record by the `external_id` of its own POST.
    pub(super) fn not_found_again(id: AttachmentId) -> Self {
        Self::without_message(RowState::NotFoundAgain, Some(id)).with_message(format!(
            "the service took this external_id, and does not find it again; no bytes were sent; {}",
            StatusReason::NotFoundAgain.remedy()
        ))
    }

    /// The storage took the file, and the service reports no size yet.
    pub(super) fn size_not_shown(id: AttachmentId) -> Self {
        Self::without_message(RowState::SizeUnconfirmed(SizeAnswer::NoSizeYet), Some(id))
            .with_message(format!(
                "the storage took the file, but the service does not show its size yet; {}",
                StatusReason::SizeNotShown.remedy()
            ))
    }

    /// The storage took the file, and the service does not answer about its size. The record is
    /// begun, and the next run asks before anything is sent.
    pub(super) fn size_unanswered(id: AttachmentId, why: &str) -> Self {
        Self::without_message(RowState::SizeUnconfirmed(SizeAnswer::NoAnswer), Some(id))
            .with_message(format!(
                "the storage took the file, but the service does not answer the request for its \
                 size ({why}); {}",
                StatusReason::SizeNotShown.remedy()
            ))
    }

    /// The row's requests stay without an answer, for a reason of its own. `id` belongs to its
    /// record, if there is any.
    pub(super) fn no_answer(id: Option<AttachmentId>, why: &str) -> Self {
        let state = match id {
            Some(_) => RowState::CreatedThenUnknown(StatusReason::NoAnswer),
            None => RowState::NotBegun(StatusReason::NoAnswer),
        };
        Self::without_message(state, id).with_message(format!(
            "the service does not answer the requests for this row ({why}); {}",
            StatusReason::NoAnswer.remedy()
        ))
    }

    /// Announcement of bytes for a job.
    pub(super) fn sending_to_job(id: &AttachmentId) -> Self {
        Self::without_message(RowState::JobSending, Some(id.clone()))
    }

    /// The job runs for longer than the run waits. `sent` says how many bytes of the row are in the
    /// job.
    pub(super) fn job_still_running(id: AttachmentId, sent: SentBytes, word: &str) -> Self {
        let (state, what) = match sent {
            SentBytes::All => (RowState::JobRunning, "the storage took the file"),
            SentBytes::Unknown => (RowState::JobSending, "the storage may have taken the file"),
            SentBytes::Nothing => (RowState::JobWaiting, "nothing was sent"),
        };
        let message = format!(
            "{what}, and the job has not ended: its last status is {}; {}",
            quoted(word),
            StatusReason::JobRunning.remedy()
        );
        Self::without_message(state, Some(id)).with_message(message)
    }

    /// The job failed before taking any file.
    pub(super) fn job_refused(id: AttachmentId, said: &str) -> Self {
        Self::failed(
            StatusReason::Refused,
            Some(id),
            format!("the job failed before it took any file: {said}"),
        )
    }

    /// Several jobs of the row failed, though never for the row's own sake.
    pub(super) fn not_attached_by_jobs(said: &str) -> Self {
        Self::not_begun(StatusReason::NotAttached).with_message(format!(
            "the jobs of this row failed without attaching the file, the last job with: {said}; {} \
             later",
            StatusReason::NotAttached.remedy()
        ))
    }

    /// The service took the bytes, and did not attach them.
    pub(super) fn not_attached_by_job(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            StatusReason::NotAttached,
            Some(id),
            format!("the storage took the file, and the job did not attach it: {why}"),
        )
    }

    /// The job failed, and the files attached before are unknown.
    pub(super) fn job_failed(id: AttachmentId, said: &str) -> Self {
        Self::failed(
            StatusReason::JobFailed,
            Some(id),
            format!(
                "the job failed after files were sent ({said}), and the service does not say which \
                 files were attached; bidders may see some already: {}",
                StatusReason::JobFailed.remedy()
            ),
        )
    }

    /// A job of an earlier run has attached a file, but the row has changed since.
    pub(super) fn attached_before_the_change(begun: &BegunRecord) -> Self {
        let (state, what) = changed_since(begun.other_object.as_ref());
        Self {
            known_content: begun.content.map(KnownContent::Complete),
            other_object: begun.other_object.clone(),
            ..Self::without_message(state, Some(begun.id.clone()))
        }
        .with_message(format!(
            "the row was attached by an earlier run, and {what} has changed since; the attached \
             file was left as it is: undo the change, or give the row a new external_id"
        ))
    }

    /// Keeps a POST that may have been carried out in the line, with its object, whatever else the
    /// verdict says.
    pub(super) fn keeping_prior_create(self, prior_create: &PriorCreate) -> Self {
        match prior_create {
            PriorCreate::NoneUnanswered => self,
            PriorCreate::Unanswered => Self {
                state: RowState::Creating(self.state.reason()),
                ..self
            },
            PriorCreate::UnansweredWithoutLookUp => Self {
                state: RowState::CreatingWithoutLookUp,
                ..self
            },
            PriorCreate::UnansweredForOtherObject(object) => Self {
                state: RowState::CreatingOnOtherObject,
                other_object: Some(object.clone()),
                ..self
            },
        }
    }

    /// A record without bytes has the row's `external_id`.
    pub(super) fn record_without_bytes(other_object: Option<OtherObject>) -> Self {
        let (state, what) = match &other_object {
            Some(object) => (
                RowState::UnfinishedOnOtherObject,
                format!(
                    "a record with this external_id was made for {} {}, as the manifest said \
                     before, and has no bytes yet",
                    object.object_type, object.object_id
                ),
            ),
            None => (
                RowState::NotBegun(StatusReason::PendingElsewhere),
                "a record with this external_id has no bytes yet, and is not known to be this \
                 import's"
                    .to_owned(),
            ),
        };
        let message = format!("{what}; {}", StatusReason::PendingElsewhere.remedy());
        Self {
            other_object,
            ..Self::without_message(state, None).with_message(message)
        }
    }

    /// A record begun by an earlier run has no bytes, and belongs to another object.
    pub(super) fn begun_on_other_object(begun: BegunRecord, object: ObjectRef) -> Self {
        Self {
            state: RowState::UnfinishedOnOtherObject,
            record_id: Some(begun.id),
            known_content: Some(
                begun
                    .content
                    .map_or(KnownContent::Nothing, KnownContent::Complete),
            ),
            verified_by: VerifiedBy::Nothing,
            message: format!(
                "the upload was begun for another object than {object}, and cannot be moved; {}",
                StatusReason::PendingElsewhere.remedy()
            ),
            other_object: begun.other_object,
        }
    }

    /// A record begun by an earlier run has its bytes, but the row has changed since.
    pub(super) fn stored_before_the_change(begun: BegunRecord, size: u64) -> Self {
        let (state, what) = changed_since(begun.other_object.as_ref());
        let stored = begun.content.filter(|content| content.stamp.size == size);
        Self {
            state,
            record_id: Some(begun.id),
            known_content: Some(stored.map_or(KnownContent::Size(size), KnownContent::Complete)),
            verified_by: stored.map_or(VerifiedBy::Nothing, |_| VerifiedBy::Size),
            message: format!(
                "the row was stored by an earlier run, and {what} has changed since; the stored \
                 attachment was left as it is: undo the change, or give the row a new external_id"
            ),
            other_object: begun.other_object,
        }
    }
}

/// Returns the state of a done row whose content is confirmed as the column `verified` says.
fn done_as_verified(done_as: CompletedAction) -> RowState {
    RowState::Done(done_as, ContentMatch::AsVerified)
}

/// Returns the state of a row that changed after it was stored, and the changed part in words.
fn changed_since(elsewhere: Option<&OtherObject>) -> (RowState, &'static str) {
    match elsewhere {
        Some(_) => (RowState::ConflictOnOtherObject, "the object"),
        None => (RowState::Conflict(StatusReason::FileChanged), "the file"),
    }
}
