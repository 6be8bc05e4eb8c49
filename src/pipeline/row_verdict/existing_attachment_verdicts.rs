//! Verdicts on rows whose attachment existed before, changed as the user asked or left unchanged.

use super::RowVerdict;
use crate::model::{AttachmentId, CheckedContent, ExternalId, ObjectRef, ProcurementService};
use crate::plan::{ChangeStage, ExistingAttachment, RowEnd, changed_file_remedy};
use crate::results::{
    BackupOutcome, CompletedAction, ContentMatch, KnownContent, NameKind, ReplacementStage,
    RowState, StatusReason, VerifiedBy,
};
use crate::text::quoted;

impl RowVerdict {
    /// The attachment is as the row wants.
    pub(in crate::pipeline) fn already_right(
        existing: ExistingAttachment,
        content: CheckedContent,
    ) -> Self {
        let verified_by = match existing.change_stage {
            ChangeStage::NotBegun | ChangeStage::NameSent => existing.verified_by,
            ChangeStage::ReleaseRequested | ChangeStage::Released | ChangeStage::NewBytesSent => {
                VerifiedBy::Size
            }
        };
        let known_content = match existing.change_stage {
            ChangeStage::NotBegun | ChangeStage::NameSent => Some(KnownContent::Complete(content)),
            ChangeStage::ReleaseRequested | ChangeStage::Released | ChangeStage::NewBytesSent => {
                None
            }
        };
        let id = Some(existing.id.clone());
        Self {
            known_content,
            verified_by,
            ..Self::without_message(RowEnd::AlreadyRight(existing).state(), id)
        }
    }

    /// Other content is stored, and the user wants to keep it.
    pub(in crate::pipeline) fn kept_existing(
        id: AttachmentId,
        known_content: KnownContent,
    ) -> Self {
        Self {
            known_content: Some(known_content),
            ..Self::without_message(
                RowState::Done(CompletedAction::Skipped, ContentMatch::KeptExisting),
                Some(id),
            )
        }
    }

    /// The stored bytes were read, and are the bytes of the file.
    pub(in crate::pipeline) fn same_content(id: AttachmentId) -> Self {
        let state = RowState::Done(CompletedAction::Skipped, ContentMatch::SameWhenDownloaded);
        Self::without_message(state, Some(id))
    }

    /// The file of a row done by earlier runs has changed.
    pub(in crate::pipeline) fn file_changed(id: AttachmentId, known_content: KnownContent) -> Self {
        Self {
            known_content: Some(known_content),
            verified_by: VerifiedBy::Size,
            ..Self::without_message(RowState::Conflict(StatusReason::FileChanged), Some(id))
        }
        .with_message(format!(
            "the file has changed since the row was done, and the stored content was left as it \
             is; {}",
            changed_file_remedy(ProcurementService::Workday)
        ))
    }

    /// The attachment of a done row is gone.
    pub(in crate::pipeline) fn gone(existing: ExistingAttachment) -> Self {
        Self {
            known_content: Some(existing.known_content),
            verified_by: existing.verified_by,
            ..Self::without_message(RowState::Conflict(StatusReason::Gone), Some(existing.id))
        }
        .with_message(format!(
            "the attachment does not exist any more, or has no bytes any more; nothing was \
             changed: {}",
            StatusReason::Gone.remedy()
        ))
    }

    /// A renamed attachment is gone, and others have its names.
    pub(in crate::pipeline) fn gone_after_rename(renamed: &str) -> Self {
        Self {
            known_content: Some(KnownContent::Nothing),
            ..Self::without_message(RowState::Conflict(StatusReason::Gone), None)
        }
        .with_message(format!(
            "the attachment of this row was renamed to {} and does not exist any more, and another \
             attachment has an external_id of the row now; nothing was changed: give the row a new \
             external_id to attach the file again",
            quoted(renamed)
        ))
    }

    /// The row's requests stay without an answer. The line still says what it said before.
    pub(in crate::pipeline) fn not_observed(existing: &ExistingAttachment, why: &str) -> Self {
        let state = match existing.change_stage {
            ChangeStage::NotBegun | ChangeStage::NameSent => {
                RowState::ChangingName(NameKind::Title)
            }
            ChangeStage::ReleaseRequested => {
                RowState::Replacing(ReplacementStage::ReleaseRequested)
            }
            ChangeStage::NewBytesSent => RowState::Replacing(ReplacementStage::NewBytesSent),
            ChangeStage::Released => {
                RowState::Replacing(ReplacementStage::Released(StatusReason::NoAnswer))
            }
        };
        Self {
            known_content: Some(existing.known_content),
            verified_by: existing.verified_by,
            other_object: existing.other_object.clone(),
            ..Self::without_message(state, Some(existing.id.clone()))
        }
        .with_message(format!(
            "the state of the attachment could not be read ({why}); run the import again with \
             --resume"
        ))
    }

    /// The attachment of a done row belongs to another object than the manifest names now.
    pub(in crate::pipeline) fn on_other_object(
        existing: ExistingAttachment,
        object: ObjectRef,
    ) -> Self {
        Self {
            known_content: Some(existing.known_content),
            verified_by: existing.verified_by,
            other_object: existing.other_object,
            ..Self::without_message(RowState::ConflictOnOtherObject, Some(existing.id))
        }
        .with_message(format!(
            "the attachment belongs to another object than {object}, which the manifest names now; \
             an attachment cannot be moved: correct the manifest, or give the row a new \
             external_id"
        ))
    }

    /// An attachment during a replacement belongs to another object than the manifest names now.
    pub(in crate::pipeline) fn replacing_on_other_object(
        existing: ExistingAttachment,
        object: ObjectRef,
    ) -> Self {
        Self {
            known_content: Some(existing.known_content),
            other_object: existing.other_object,
            ..Self::without_message(
                RowState::Replacing(ReplacementStage::Released(StatusReason::ObjectChanged)),
                Some(existing.id),
            )
        }
        .with_message(format!(
            "the content of the attachment was being replaced when the manifest named another \
             object than {object}; an attachment cannot be moved: undo the change of the manifest, \
             and run the import again with --resume"
        ))
    }

    /// The old bytes are stored: either never released, or put back.
    pub(in crate::pipeline) fn not_replaced(
        id: AttachmentId,
        known_content: KnownContent,
        reason: StatusReason,
        message: String,
    ) -> Self {
        Self {
            known_content: Some(known_content),
            verified_by: match known_content {
                KnownContent::Complete(_) => VerifiedBy::Size,
                KnownContent::Size(_) | KnownContent::Nothing => VerifiedBy::Nothing,
            },
            ..Self::without_message(RowState::Conflict(reason), Some(id))
        }
        .with_message(message)
    }

    /// The old bytes were released, the new bytes could not be sent, and the old bytes are not
    /// back. `now` describes the content of the attachment.
    pub(in crate::pipeline) fn old_bytes_not_restored(
        self,
        id: AttachmentId,
        now: &str,
        backup: Option<&BackupOutcome>,
    ) -> Self {
        let old = match backup {
            Some(BackupOutcome::Kept(path)) => {
                format!("its previous content is in {}", quoted(path))
            }
            Some(BackupOutcome::Waived) | None => "its previous content was not kept".to_owned(),
        };
        let message = format!(
            "{}; {now}, and {old}: mend the cause, and run the import again with \
             --resume",
            self.message
        );
        Self {
            verified_by: VerifiedBy::Nothing,
            ..Self::without_message(self.state.while_replacing(), Some(id)).with_message(message)
        }
    }

    /// Announcement of a new name, with the content of the verdict.
    pub(in crate::pipeline) fn while_changing_name(&self, name: NameKind) -> Self {
        Self {
            state: RowState::ChangingName(name),
            message: String::new(),
            ..self.clone()
        }
    }

    /// Another attachment has the new `external_id`.
    pub(in crate::pipeline) fn new_id_taken(self, to: &ExternalId, what: &str) -> Self {
        Self {
            state: RowState::Conflict(StatusReason::NewIdTaken),
            ..self
        }
        .with_message(format!(
            "another attachment has the new external_id {} {what}; choose another external_id, or \
             rename the other attachment first",
            quoted(to.as_str())
        ))
    }

    /// Two attachments have the present `external_id`; the wrong attachment was renamed, and back.
    pub(in crate::pipeline) fn ambiguous_external_id(self, from: &ExternalId) -> Self {
        Self {
            state: RowState::Conflict(StatusReason::LookupMismatch),
            ..self
        }
        .with_message(format!(
            "two attachments have the external_id {}, and the service renamed the wrong one; the \
             rename was undone: look at both in the service",
            quoted(from.as_str())
        ))
    }

    /// The attachment has a name given by another client.
    pub(in crate::pipeline) fn renamed_elsewhere(self, name: &str) -> Self {
        Self {
            state: RowState::Conflict(StatusReason::RenamedElsewhere),
            ..self
        }
        .with_message(format!(
            "the attachment has another external_id in the service, {}, which was left as it is; \
             correct the manifest, or look at the attachment in the service",
            quoted(name)
        ))
    }

    /// The service refuses the new name.
    pub(in crate::pipeline) fn name_refused(self, what: &str, why: &str) -> Self {
        Self {
            state: RowState::Conflict(StatusReason::Refused),
            ..self
        }
        .with_message(format!(
            "the content is right, and the service refused the new {what}: {why}"
        ))
    }

    /// The keys lack the rights to change the names of the attachment.
    pub(in crate::pipeline) fn name_forbidden(self, what: &str, why: &str) -> Self {
        Self {
            state: RowState::Conflict(StatusReason::Forbidden),
            ..self
        }
        .with_message(format!(
            "the content is right, and the keys work, but not for a new {what} ({why}): ask \
                 for the rights"
        ))
    }

    /// Requests for a new name stay without an answer.
    pub(in crate::pipeline) fn name_unanswered(self, what: &str, why: &str) -> Self {
        self.with_message(format!(
            "the content is right, but the new {what} is not confirmed ({why}); run the import \
             again with --resume later"
        ))
    }
}
