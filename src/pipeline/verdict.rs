//! Verdicts on rows: the state, the evidence and the message of a results line.
//!
//! The doc of each constructor states the situation of the row. `changed` has the verdicts on
//! existing attachments, `ended` the verdicts for the row ends of `plan`.

mod changed;
mod ended;

use super::Halt;
use super::requests::Unmet;
use crate::http::UnsafeTarget;
use crate::model::{AttachmentId, Content, ObjectRef};
use crate::plan::{Begun, OtherObject, Posted, Sent};
use crate::results::{DoneAs, DoneContent, Known, Reason, RowState, SizeAnswer, Verified};
use crate::text::quoted;

/// End or intermediate state of a row, before it becomes a results line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// State of the row, which decides status and reason of the line.
    pub(super) state: RowState,
    /// Id of the row's record or job, if there is any.
    pub(super) id: Option<AttachmentId>,
    /// Knowledge about the stored content. `None` stands for the content of the file as checked.
    pub(super) known: Option<Known>,
    /// Evidence that confirmed the content.
    pub(super) verified: Verified,
    /// Message for people; empty if the state says all.
    pub(super) message: String,
    /// Object of the record, if the manifest names another object.
    pub(super) elsewhere: Option<OtherObject>,
}

impl Verdict {
    /// Creates a verdict without a message. `id` is the id of the row's record.
    pub(super) fn plain(state: RowState, id: Option<AttachmentId>) -> Self {
        Self {
            state,
            id,
            known: None,
            verified: Verified::No,
            message: String::new(),
            elsewhere: None,
        }
    }

    /// Verdict on a row of which nothing is begun.
    fn unbegun(reason: Reason) -> Self {
        Self::plain(RowState::Unbegun(reason), None)
    }

    /// Verdict on a row after a failed request. `id` belongs to its record, if there is any, and
    /// `object` is the object of the row.
    ///
    /// Fails with the [`Halt`] of a failure that stops the run.
    pub(super) fn of_unmet(
        unmet: Unmet,
        id: Option<AttachmentId>,
        object: ObjectRef,
    ) -> Result<Self, Halt> {
        Ok(match unmet {
            Unmet::Halt(halt) | Unmet::HaltUnknown(halt) => return Err(halt),
            Unmet::NotSent => Self::no_answer(id, "it could not be sent"),
            Unmet::Unknown(why) | Unmet::GivenUp(why) => Self::no_answer(id, &why),
            Unmet::Refused(why) => Self::refused(id, &why),
            Unmet::Forbidden(why) => Self::forbidden(id, object, &why),
        })
    }

    /// Returns the verdict with a message.
    fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// The attachment has the content of the file.
    pub(super) fn uploaded(id: AttachmentId, verified: Verified) -> Self {
        Self {
            verified,
            ..Self::plain(done(DoneAs::Uploaded), Some(id))
        }
    }

    /// The row failed for a reason of its own.
    pub(super) fn failed(reason: Reason, id: Option<AttachmentId>, message: String) -> Self {
        Self::plain(RowState::failed(reason), id).saying(message)
    }

    /// An attachment of another size has the row's `external_id`.
    pub(super) fn stored_other_size(id: AttachmentId, size: u64, content: Content) -> Self {
        Self {
            known: Some(Known::Size(size)),
            ..Self::plain(RowState::Conflict(Reason::StoredOtherSize), Some(id))
        }
        .saying(format!(
            "an attachment with this external_id is stored already, with {size} bytes where the \
                 file has {}; it was left as it is: {}",
            content.stamp.size,
            Reason::StoredOtherSize.remedy()
        ))
    }

    /// The answer to a look-up by `external_id` shows an attachment with another `external_id`.
    pub(super) fn mismatch(other: &str) -> Self {
        Self::failed(
            Reason::LookupMismatch,
            None,
            format!(
                "the service answered the look-up of this external_id with an attachment whose \
                 external_id is {other:?}; nothing was sent: {}",
                Reason::LookupMismatch.remedy()
            ),
        )
    }

    /// The service shows another size than was sent.
    pub(super) fn size_mismatch(id: AttachmentId, size: u64, content: Content) -> Self {
        Self::failed(
            Reason::SizeMismatch,
            Some(id),
            format!(
                "the service shows {size} bytes where {} were sent; {}",
                content.stamp.size,
                Reason::SizeMismatch.remedy()
            ),
        )
    }

    /// The service removed the record twice, each time after its bytes were sent.
    pub(super) fn purged(id: AttachmentId) -> Self {
        Self::failed(
            Reason::Purged,
            Some(id),
            format!(
                "the service removed the record after its bytes were sent, twice; {}",
                Reason::Purged.remedy()
            ),
        )
    }

    /// The file is not as checked, and was not stored.
    pub(super) fn source_changed(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            Reason::SourceChanged,
            Some(id),
            format!(
                "the file changed after it was checked, and was not stored: {why}; {}",
                Reason::SourceChanged.remedy()
            ),
        )
    }

    /// The storage refused the file.
    pub(super) fn upload_refused(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            Reason::UploadRefused,
            Some(id),
            format!("the storage refused the file: {why}"),
        )
    }

    /// The service gave an unsafe address, to which nothing was sent.
    pub(super) fn unsafe_address(id: AttachmentId, why: &UnsafeTarget) -> Self {
        Self::failed(
            Reason::UnsafeUploadUrl,
            Some(id),
            format!(
                "{why}; nothing was sent there: {}",
                Reason::UnsafeUploadUrl.remedy()
            ),
        )
    }

    /// The keys are good, but lack the rights for the row.
    pub(super) fn forbidden(id: Option<AttachmentId>, object: ObjectRef, why: &str) -> Self {
        Self::failed(
            Reason::Forbidden,
            id,
            format!("the keys work, but not for this row ({why}): ask for the rights on {object}"),
        )
    }

    /// The service refused the attachment.
    pub(super) fn refused(id: Option<AttachmentId>, why: &str) -> Self {
        Self::failed(
            Reason::Refused,
            id,
            format!("the service refused the attachment: {why}"),
        )
    }

    /// The run stopped before anything was begun for the row.
    pub(super) fn not_reached() -> Self {
        Self::unbegun(Reason::NotReached)
    }

    /// Announcement of a request for a new address. The record's bytes, if any, are still the begun
    /// bytes.
    pub(super) fn renewing(begun: &Begun) -> Self {
        Self {
            known: begun.content.map(Known::Content),
            elsewhere: begun.elsewhere.clone(),
            ..Self::plain(RowState::AddressRenewing, Some(begun.id.clone()))
        }
    }

    /// The service does not find a record by the `external_id` of its own POST.
    pub(super) fn not_found_again(id: AttachmentId) -> Self {
        Self::plain(RowState::NotFoundAgain, Some(id)).saying(format!(
            "the service took this external_id, and does not find it again; no bytes were sent; {}",
            Reason::NotFoundAgain.remedy()
        ))
    }

    /// The storage took the file, and the service shows no size yet.
    pub(super) fn size_not_shown(id: AttachmentId) -> Self {
        Self::plain(RowState::SizeUnconfirmed(SizeAnswer::NotYet), Some(id)).saying(format!(
            "the storage took the file, but the service does not show its size yet; {}",
            Reason::SizeNotShown.remedy()
        ))
    }

    /// The storage took the file, and the service does not answer about its size. The record is
    /// begun, and the next run asks before anything is sent.
    pub(super) fn unconfirmed(id: AttachmentId, why: &str) -> Self {
        Self::plain(RowState::SizeUnconfirmed(SizeAnswer::None), Some(id)).saying(format!(
            "the storage took the file, but the service does not answer what it shows of it \
                 ({why}); {}",
            Reason::SizeNotShown.remedy()
        ))
    }

    /// The row's requests stay without an answer, for a reason of its own. `id` belongs to its
    /// record, if there is any.
    pub(super) fn no_answer(id: Option<AttachmentId>, why: &str) -> Self {
        let state = match id {
            Some(_) => RowState::CreatedUnheard(Reason::NoAnswer),
            None => RowState::Unbegun(Reason::NoAnswer),
        };
        Self::plain(state, id).saying(format!(
            "the service does not answer the requests for this row ({why}); {}",
            Reason::NoAnswer.remedy()
        ))
    }

    /// Announcement of bytes for a job.
    pub(super) fn sending(id: &AttachmentId) -> Self {
        Self::plain(RowState::JobSending, Some(id.clone()))
    }

    /// The job runs for longer than the run waits. `sent` tells the bytes of the row in the job.
    pub(super) fn job_goes_on(id: AttachmentId, sent: Sent, word: &str) -> Self {
        let (state, what) = match sent {
            Sent::All => (RowState::JobRunning, "the storage took the file"),
            Sent::Perhaps => (RowState::JobSending, "the storage may have taken the file"),
            Sent::No => (RowState::JobWaiting, "nothing was sent"),
        };
        let message = format!(
            "{what}, and the job has not ended: its last word is {}; {}",
            quoted(word),
            Reason::JobRunning.remedy()
        );
        Self::plain(state, Some(id)).saying(message)
    }

    /// The job failed before taking any file.
    pub(super) fn job_refused(id: AttachmentId, said: &str) -> Self {
        Self::failed(
            Reason::Refused,
            Some(id),
            format!("the job failed before it took any file: {said}"),
        )
    }

    /// Several jobs of the row failed, though never for the row's own sake.
    pub(super) fn never_attached(said: &str) -> Self {
        Self::unbegun(Reason::NotAttached).saying(format!(
            "its jobs failed without having attached the file, the last one with: {said}; {} later",
            Reason::NotAttached.remedy()
        ))
    }

    /// The service took the bytes, and did not attach them.
    pub(super) fn rejected(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            Reason::NotAttached,
            Some(id),
            format!("the storage took the file, and the job did not attach it: {why}"),
        )
    }

    /// The job failed, and the files attached before are unknown.
    pub(super) fn job_failed(id: AttachmentId, said: &str) -> Self {
        Self::failed(
            Reason::JobFailed,
            Some(id),
            format!(
                "the job failed after files were sent to it ({said}), and the service does not say \
                 which of them it attached; bidders may see them already: {}",
                Reason::JobFailed.remedy()
            ),
        )
    }

    /// A job of an earlier run has attached a file, but the row has changed since.
    pub(super) fn attached_before_the_change(begun: &Begun) -> Self {
        let (state, what) = changed_since(begun.elsewhere.as_ref());
        Self {
            known: begun.content.map(Known::Content),
            elsewhere: begun.elsewhere.clone(),
            ..Self::plain(state, Some(begun.id.clone()))
        }
        .saying(format!(
            "the row was attached by an earlier run, and {what} has changed since; what is \
                 attached was left as it is: undo the change, or give the row a new external_id"
        ))
    }

    /// Keeps a POST that may have been carried out in the line, with its object, whatever else the
    /// verdict says.
    pub(super) fn after(self, posted: &Posted) -> Self {
        match posted {
            Posted::No => self,
            Posted::Perhaps => Self {
                state: RowState::Creating(self.state.reason()),
                ..self
            },
            Posted::ForAnotherObject(object) => Self {
                state: RowState::CreatingElsewhere,
                elsewhere: Some(object.clone()),
                ..self
            },
        }
    }

    /// A record without bytes has the row's `external_id`.
    pub(super) fn unfinished(elsewhere: Option<OtherObject>) -> Self {
        let (state, whose) = match &elsewhere {
            Some(object) => (
                RowState::UnfinishedElsewhere,
                format!(
                    "for {} {}, as the manifest said before,",
                    object.kind, object.id
                ),
            ),
            None => (
                RowState::Unbegun(Reason::PendingElsewhere),
                "by somebody else".to_owned(),
            ),
        };
        let message = format!(
            "a record with this external_id was made {whose} and has no bytes yet; {}",
            Reason::PendingElsewhere.remedy()
        );
        Self {
            elsewhere,
            ..Self::plain(state, None).saying(message)
        }
    }

    /// A record begun by an earlier run has no bytes, and belongs to another object.
    pub(super) fn begun_elsewhere(begun: Begun, object: ObjectRef) -> Self {
        Self {
            state: RowState::UnfinishedElsewhere,
            id: Some(begun.id),
            known: Some(begun.content.map_or(Known::Nothing, Known::Content)),
            verified: Verified::No,
            message: format!(
                "the upload was begun for another object than {object}, and cannot be moved; {}",
                Reason::PendingElsewhere.remedy()
            ),
            elsewhere: begun.elsewhere,
        }
    }

    /// A record begun by an earlier run has its bytes, but the row has changed since.
    pub(super) fn stored_before_the_change(begun: Begun, size: u64) -> Self {
        let (state, what) = changed_since(begun.elsewhere.as_ref());
        let stored = begun.content.filter(|content| content.stamp.size == size);
        Self {
            state,
            id: Some(begun.id),
            known: Some(stored.map_or(Known::Size(size), Known::Content)),
            verified: stored.map_or(Verified::No, |_| Verified::Size),
            message: format!(
                "the row was stored by an earlier run, and {what} has changed since; the stored \
                 attachment was left as it is: undo the change, or give the row a new external_id"
            ),
            elsewhere: begun.elsewhere,
        }
    }
}

/// Returns the state of a done row whose content is confirmed as `verified` tells.
fn done(done_as: DoneAs) -> RowState {
    RowState::Done(done_as, DoneContent::AsVerified)
}

/// Returns the state of a row that changed after it was stored, and the changed part in words.
fn changed_since(elsewhere: Option<&OtherObject>) -> (RowState, &'static str) {
    match elsewhere {
        Some(_) => (RowState::ConflictElsewhere, "the object"),
        None => (RowState::Conflict(Reason::FileChanged), "the file"),
    }
}
