//! Verdicts on rows whose attachment existed before, changed as the user asked or left unchanged.

use super::Verdict;
use crate::model::{AttachmentId, Content, ExternalId, ObjectRef, Service};
use crate::plan::{Change, RowEnd, There, remedies};
use crate::results::{
    Backup, DoneAs, DoneContent, Known, NewWord, Reason, Replacement, RowState, Verified,
};
use crate::text::quoted;

impl Verdict {
    /// The attachment is as the row wants.
    pub(in crate::pipeline) fn right(there: There, content: Content) -> Self {
        let verified = match there.change {
            Change::None | Change::Names => there.verified,
            Change::LettingGo | Change::LetGo | Change::Sent => Verified::Size,
        };
        let known = match there.change {
            Change::None | Change::Names => Some(Known::Content(content)),
            Change::LettingGo | Change::LetGo | Change::Sent => None,
        };
        let id = Some(there.id.clone());
        Self {
            known,
            verified,
            ..Self::plain(RowEnd::AsLeft(there).state(), id)
        }
    }

    /// Other content is stored, and the user wants to keep it.
    pub(in crate::pipeline) fn kept(id: AttachmentId, known: Known) -> Self {
        Self {
            known: Some(known),
            ..Self::plain(
                RowState::Done(DoneAs::Skipped, DoneContent::KeptExisting),
                Some(id),
            )
        }
    }

    /// The stored bytes were read, and are the bytes of the file.
    pub(in crate::pipeline) fn same_content(id: AttachmentId) -> Self {
        let state = RowState::Done(DoneAs::Skipped, DoneContent::Downloaded);
        Self::plain(state, Some(id))
    }

    /// The file of a row done by earlier runs has changed.
    pub(in crate::pipeline) fn file_changed(id: AttachmentId, known: Known) -> Self {
        Self {
            known: Some(known),
            verified: Verified::Size,
            ..Self::plain(RowState::Conflict(Reason::FileChanged), Some(id))
        }
        .saying(format!(
            "the file has changed since it was stored, and the stored one was left as it is; {}",
            remedies(Service::Workday)
        ))
    }

    /// The attachment of a done row is gone.
    pub(in crate::pipeline) fn gone(there: There) -> Self {
        Self {
            known: Some(there.known),
            verified: there.verified,
            ..Self::plain(RowState::Conflict(Reason::Gone), Some(there.id))
        }
        .saying(format!(
            "the service has no such attachment any more, or it has lost its bytes; nothing was \
                 changed: {}",
            Reason::Gone.remedy()
        ))
    }

    /// A renamed attachment is gone, and others have its names.
    pub(in crate::pipeline) fn gone_since(renamed: &str) -> Self {
        Self {
            known: Some(Known::Nothing),
            ..Self::plain(RowState::Conflict(Reason::Gone), None)
        }
        .saying(
            format!(
                "its attachment, which was renamed to {}, is not there any more, and another one                  has its external_id now, which was left as it is: give the row a new external_id                  to attach the file again",
                quoted(renamed)
            ),
        )
    }

    /// The row's requests stay without an answer. The line still says what it said before.
    pub(in crate::pipeline) fn not_seen(there: &There, why: &str) -> Self {
        let state = match there.change {
            Change::None | Change::Names => RowState::Naming(NewWord::Title),
            Change::LettingGo => RowState::Replacing(Replacement::LettingGo),
            Change::Sent => RowState::Replacing(Replacement::Sent),
            Change::LetGo => RowState::Replacing(Replacement::LetGo(Reason::NoAnswer)),
        };
        Self {
            known: Some(there.known),
            verified: there.verified,
            elsewhere: there.elsewhere.clone(),
            ..Self::plain(state, Some(there.id.clone()))
        }
        .saying(
            format!("how the attachment stands could not be seen ({why}); run the import again with --resume"),
        )
    }

    /// The attachment of a done row belongs to another object than the manifest names now.
    pub(in crate::pipeline) fn on_another_object(there: There, object: ObjectRef) -> Self {
        Self {
            known: Some(there.known),
            verified: there.verified,
            elsewhere: there.elsewhere,
            ..Self::plain(RowState::ConflictElsewhere, Some(there.id))
        }
        .saying(
            format!(
                "it was attached to another object than {object}, as the manifest says now, and an \
                 attachment cannot be moved: correct the manifest, or give the row a new external_id"
            ),
        )
    }

    /// An attachment during a replacement belongs to another object than the manifest names now.
    pub(in crate::pipeline) fn replacing_elsewhere(there: There, object: ObjectRef) -> Self {
        Self {
            known: Some(there.known),
            elsewhere: there.elsewhere,
            ..Self::plain(
                RowState::Replacing(Replacement::LetGo(Reason::ObjectChanged)),
                Some(there.id),
            )
        }
        .saying(
            format!(
                "its content was being replaced when the manifest named another object than \
                 {object}, and an attachment cannot be moved; undo that change, and run the import again \
                 with --resume"
            ),
        )
    }

    /// The old bytes are stored: either never released, or put back.
    pub(in crate::pipeline) fn not_replaced(
        id: AttachmentId,
        known: Known,
        reason: Reason,
        message: String,
    ) -> Self {
        Self {
            known: Some(known),
            verified: match known {
                Known::Content(_) => Verified::Size,
                Known::Size(_) | Known::Nothing => Verified::No,
            },
            ..Self::plain(RowState::Conflict(reason), Some(id))
        }
        .saying(message)
    }

    /// The old bytes were released, the new bytes could not be sent, and the old bytes are not
    /// back. `now` tells the content of the attachment.
    pub(in crate::pipeline) fn not_put_back(
        self,
        id: AttachmentId,
        now: &str,
        backup: Option<&Backup>,
    ) -> Self {
        let old = match backup {
            Some(Backup::Kept(path)) => format!("its previous content is in {}", quoted(path)),
            Some(Backup::Waived) | None => "its previous content was not kept".to_owned(),
        };
        let message = format!(
            "{}; {now}, and {old}: mend the cause, and run the import again with \
             --resume",
            self.message
        );
        Self {
            verified: Verified::No,
            ..Self::plain(self.state.in_replacement(), Some(id)).saying(message)
        }
    }

    /// Announcement of a new name, with the content of the verdict.
    pub(in crate::pipeline) fn while_renaming(&self, name: NewWord) -> Self {
        Self {
            state: RowState::Naming(name),
            message: String::new(),
            ..self.clone()
        }
    }

    /// Another attachment has the new `external_id`.
    pub(in crate::pipeline) fn new_id_taken(self, to: &ExternalId, what: &str) -> Self {
        Self {
            state: RowState::Conflict(Reason::NewIdTaken),
            ..self
        }
        .saying(format!(
            "another attachment has the new external_id {} {what}; choose another one, or \
                 rename that attachment first",
            quoted(to.as_str())
        ))
    }

    /// Two attachments have the present `external_id`; the wrong attachment was renamed, and back.
    pub(in crate::pipeline) fn ambiguous(self, from: &ExternalId) -> Self {
        Self {
            state: RowState::Conflict(Reason::LookupMismatch),
            ..self
        }
        .saying(format!(
            "two attachments have the external_id {}, and the service renamed the other one; \
                 that was undone: look at both in the service",
            quoted(from.as_str())
        ))
    }

    /// The attachment has a name given by somebody else.
    pub(in crate::pipeline) fn renamed_elsewhere(self, name: &str) -> Self {
        Self {
            state: RowState::Conflict(Reason::RenamedElsewhere),
            ..self
        }
        .saying(format!(
            "somebody else has given the attachment the external_id {}, and it was left as it \
                 is; correct the manifest, or look at the attachment in the service",
            quoted(name)
        ))
    }

    /// The service refuses the new name.
    pub(in crate::pipeline) fn name_refused(self, what: &str, why: &str) -> Self {
        Self {
            state: RowState::Conflict(Reason::Refused),
            ..self
        }
        .saying(format!(
            "the content is right, and the service refused the new {what}: {why}"
        ))
    }

    /// The keys lack the rights to change the names of the attachment.
    pub(in crate::pipeline) fn name_forbidden(self, what: &str, why: &str) -> Self {
        Self {
            state: RowState::Conflict(Reason::Forbidden),
            ..self
        }
        .saying(format!(
            "the content is right, and the keys work, but not for a new {what} ({why}): ask \
                 for the rights"
        ))
    }

    /// Requests for a new name stay without an answer.
    pub(in crate::pipeline) fn name_unanswered(self, what: &str, why: &str) -> Self {
        self.saying(format!(
            "the content is right, and nobody knows whether the new {what} was taken ({why}); \
                 run the import again with --resume later"
        ))
    }
}
