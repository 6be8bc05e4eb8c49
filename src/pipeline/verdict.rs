//! How a row ends in a run: what its last line says, in which words.

mod changed;
mod ended;

use super::Halt;
use super::requests::Unmet;
use crate::http::UnsafeTarget;
use crate::model::{AttachmentId, Content, ObjectRef};
use crate::plan::{Begun, OtherObject, Posted, Sent};
use crate::results::{DoneAs, DoneContent, Known, Reason, RowState, SizeAnswer, Verified};
use crate::text::quoted;

/// How a row ends in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: RowState,
    pub(super) id: Option<AttachmentId>,
    /// What is known of the content, where that is not the file as it was checked.
    pub(super) known: Option<Known>,
    pub(super) verified: Verified,
    pub(super) message: String,
    /// What the record hangs on, where that is not what the manifest says.
    pub(super) elsewhere: Option<OtherObject>,
}

impl Verdict {
    /// A row in this state, of which there is nothing to explain. `id` is that of its record.
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

    /// A row of which nothing is begun, for this reason.
    fn unbegun(reason: Reason) -> Self {
        Self::plain(RowState::Unbegun(reason), None)
    }

    /// The end of a row on whose behalf a request gave nothing, unless the run is to stop for it. `id` is
    /// that of its record, where it has one, and `object` what that is for.
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

    fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }

    pub(super) fn uploaded(id: AttachmentId, verified: Verified) -> Self {
        Self {
            verified,
            ..Self::plain(done(DoneAs::Uploaded), Some(id))
        }
    }

    pub(super) fn failed(reason: Reason, id: Option<AttachmentId>, message: String) -> Self {
        Self::plain(RowState::failed(reason), id).saying(message)
    }

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

    pub(super) fn upload_refused(id: AttachmentId, why: &str) -> Self {
        Self::failed(
            Reason::UploadRefused,
            Some(id),
            format!("the storage refused the file: {why}"),
        )
    }

    /// The service gave an address to which nothing was sent.
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

    pub(super) fn forbidden(id: Option<AttachmentId>, object: ObjectRef, why: &str) -> Self {
        Self::failed(
            Reason::Forbidden,
            id,
            format!("the keys work, but not for this row ({why}): ask for the rights on {object}"),
        )
    }

    pub(super) fn refused(id: Option<AttachmentId>, why: &str) -> Self {
        Self::failed(
            Reason::Refused,
            id,
            format!("the service refused the attachment: {why}"),
        )
    }

    pub(super) fn not_reached() -> Self {
        Self::unbegun(Reason::NotReached)
    }

    /// What is recorded before a new address is asked for. The record's bytes, if it has any, are
    /// still those that were begun.
    pub(super) fn renewing(begun: &Begun) -> Self {
        Self {
            known: begun.content.map(Known::Content),
            elsewhere: begun.elsewhere.clone(),
            ..Self::plain(RowState::AddressRenewing, Some(begun.id.clone()))
        }
    }

    /// The service does not find a record by the `external_id` that it took.
    pub(super) fn not_found_again(id: AttachmentId) -> Self {
        Self::plain(RowState::NotFoundAgain, Some(id)).saying(format!(
            "the service took this external_id, and does not find it again; no bytes were sent; {}",
            Reason::NotFoundAgain.remedy()
        ))
    }

    pub(super) fn size_not_shown(id: AttachmentId) -> Self {
        Self::plain(RowState::SizeUnconfirmed(SizeAnswer::NotYet), Some(id)).saying(format!(
            "the storage took the file, but the service does not show its size yet; {}",
            Reason::SizeNotShown.remedy()
        ))
    }

    /// The same where the service does not answer whether it shows the size. Its record is begun, and
    /// the next run asks before it sends anything.
    pub(super) fn unconfirmed(id: AttachmentId, why: &str) -> Self {
        Self::plain(RowState::SizeUnconfirmed(SizeAnswer::None), Some(id)).saying(format!(
            "the storage took the file, but the service does not answer what it shows of it \
                 ({why}); {}",
            Reason::SizeNotShown.remedy()
        ))
    }

    /// The row's requests stay without an answer, for a reason that is its own. `id` is that of its
    /// record, where it has one.
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

    /// What is recorded before bytes are sent to a job.
    pub(super) fn sending(id: &AttachmentId) -> Self {
        Self::plain(RowState::JobSending, Some(id.clone()))
    }

    /// The job goes on for longer than we are ready to wait; `sent` is what it has of the row's bytes.
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

    /// The job came to nothing before it took any file.
    pub(super) fn job_refused(id: AttachmentId, said: &str) -> Self {
        Self::failed(
            Reason::Refused,
            Some(id),
            format!("the job failed before it took any file: {said}"),
        )
    }

    /// Some jobs in a row have come to nothing, though never for the row's own sake.
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

    /// The job failed, and nobody knows what it attached before.
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

    /// The same of a row of which a POST may have been carried out: whatever else is said, the
    /// line goes on saying that, and for which object it was.
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

    /// A record that an earlier run began has no bytes, and hangs on another object.
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

    /// A record that an earlier run began has its bytes, but the row has changed since.
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

/// A row that is done so, with content that `verified` tells of.
fn done(done_as: DoneAs) -> RowState {
    RowState::Done(done_as, DoneContent::AsVerified)
}

/// The state of a row that was stored before it changed, and the part of it that did.
fn changed_since(elsewhere: Option<&OtherObject>) -> (RowState, &'static str) {
    match elsewhere {
        Some(_) => (RowState::ConflictElsewhere, "the object"),
        None => (RowState::Conflict(Reason::FileChanged), "the file"),
    }
}
