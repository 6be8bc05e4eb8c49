//! Replacement of stored bytes, the only operation that can destroy content.
//!
//! `KEEP -> ANNOUNCE -> LOOK -> RELEASE -> PUT -> CONFIRM`. The PATCH, the PUT and their failures
//! are as for an attachment without bytes: see [`send_attachment`](super::send_attachment). Nothing
//! is lost, because:
//! - before a durable line announces the change, the old bytes are in a file able to survive a loss
//!   of power, or the user has waived the backup;
//! - the line is durable before the PATCH to release the old bytes, and calls the attachment
//!   waiting for bytes until the new bytes are confirmed;
//! - the PATCH is sent only if the newest GET reports the kept bytes, or no bytes at all;
//! - the old bytes are put back if the new bytes cannot be sent after all: see
//!   [`replacement_end`](super::replacement_end).

use super::left_by_earlier_run::{
    AttachmentObservation, ObservedAttachment, WantedBytes, backup_failed, names_from_metadata,
};
use super::{AttachmentMachine, AttachmentProtocolState, AttachmentTransition};
use crate::backup::BackupName;
use crate::destination::AttachmentApi;
use crate::model::{AttachmentId, CheckedContent};
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{
    BegunRecord, BytesDuringReplacement, OldContent, PriorCreate, classify_bytes_during_replacement,
};
use crate::results::journal::Journal;
use crate::results::{BackupOutcome, FormerContent, KnownContent, StatusReason};

/// Number of times a replacement may begin because the stored content has changed meanwhile.
const MAX_REPLACEMENTS_BEGUN: u32 = 3;

/// Replacement of bytes under way.
#[derive(Debug)]
pub(super) struct ReplacementInProgress {
    /// Old content.
    pub(super) old_content: OldContent,
    /// Old content in full, if sent by us.
    pub(super) our_content: Option<CheckedContent>,
    /// Old names, needed to put the old content back.
    pub(super) names_before: NamesBeforeReplacement,
    /// Title sent with the new bytes, since no documentation says whether the title would stay
    /// otherwise.
    pub(super) title_to_send: Option<String>,
    pub(super) old_bytes: OldBytesState,
}

/// Names of an attachment before the replacement of its bytes.
#[derive(Debug)]
pub(super) struct NamesBeforeReplacement {
    pub(super) file_name: Option<String>,
    pub(super) title: Option<String>,
}

/// State of the old bytes during a replacement in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OldBytesState {
    /// The old bytes are stored: no request to release them was sent.
    Stored,
    /// The old bytes may have been released.
    ReleaseRequested,
    /// The old bytes were released.
    Released,
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Keeps the old bytes, and checks for a difference from the file. `ours` is the stored content
    /// by our own lines, if sent by us.
    pub(super) async fn keep_old_bytes(
        &mut self,
        id: AttachmentId,
        ours: Option<CheckedContent>,
    ) -> AttachmentTransition<D> {
        self.context.take_slots(1).await;
        self.replacements_begun += 1;
        let content = self.row.content;
        let wanted = match self.shared.backup_store {
            Some(_) => WantedBytes::Backup,
            None => WantedBytes::DigestIfSize(content.stamp.size),
        };
        let observed = match self.observe_bytes(&id, wanted).await {
            Ok(AttachmentObservation::WithBytes(sight)) => sight,
            Ok(AttachmentObservation::NoAttachment) => {
                return Ok(AttachmentProtocolState::LookUp(PriorCreate::NoneUnanswered));
            }
            Ok(AttachmentObservation::NoBytes) => {
                return Ok(RowVerdict::record_without_bytes(None).into());
            }
            Ok(AttachmentObservation::BytesUnavailable(why)) => {
                return Ok(backup_failed_verdict(id, ours, &why).into());
            }
            Err(unmet) => {
                let why = unmet.into_message()?;
                return Ok(backup_failed_verdict(id, ours, &why).into());
            }
        };
        if observed.sha256() == Some(content.sha256) {
            self.names = Some(names_from_metadata(observed.metadata));
            return Ok(RowVerdict::same_content(id).into());
        }
        if self.replacements_begun > MAX_REPLACEMENTS_BEGUN {
            let why = "the stored content changes again and again";
            return Ok(backup_failed_verdict(id, ours, why).into());
        }
        // The new bytes have to be at hand before the old bytes are released.
        let source = &self.row.source;
        if let Err(why) = self.run.requests.check_sendable(source, &content).await? {
            let size = observed
                .metadata
                .size
                .map_or(KnownContent::Nothing, KnownContent::Size);
            let known = observed
                .if_still_our_content(ours)
                .map_or(size, KnownContent::Complete);
            let message = format!(
                "{why}; the stored content was left as it is: run the import again with --resume \
                 to check the file as it is now"
            );
            let reason = StatusReason::SourceChanged;
            return Ok(RowVerdict::not_replaced(id, known, reason, message).into());
        }
        self.note_replacement(id, *observed, ours).await
    }

    /// Finishes the backup, and notes the old content and names for the announcement of the
    /// replacement.
    async fn note_replacement(
        &mut self,
        id: AttachmentId,
        observed: ObservedAttachment,
        ours: Option<CheckedContent>,
    ) -> AttachmentTransition<D> {
        let size = observed.metadata.size.unwrap_or_default();
        let ours = observed.if_still_our_content(ours);
        let sha256 = observed.sha256().or(ours.map(|ours| ours.sha256));
        let file_name = observed.metadata.file_name.value().map(ToOwned::to_owned);
        let backup = match (observed.draft, sha256) {
            (Some(draft), Some(sha256)) => {
                let external_id = &self.row.row.external_id;
                let name = BackupName::new(external_id, &id, sha256, file_name.as_deref());
                BackupOutcome::Kept(draft.commit(&name).await.map_err(backup_failed)?)
            }
            _ => BackupOutcome::Waived,
        };
        let title = &observed.metadata.title;
        let before = NamesBeforeReplacement {
            file_name,
            title: title.value().map(ToOwned::to_owned),
        };
        let wished = self.run.settings.update_policy.title(&self.row.row);
        let wished = wished.map(ToOwned::to_owned);
        let is_new = wished.is_some() && wished.as_deref() != title.value();
        let shown = title.redacted().map(ToOwned::to_owned);
        let changes = &mut self.row.changes;
        changes.replaced = Some(FormerContent {
            size,
            sha256,
            backup,
        });
        if is_new {
            changes.previous_title = shown;
        }
        self.replacement = Some(ReplacementInProgress {
            old_content: OldContent {
                size,
                uploaded_at: observed.metadata.uploaded_at.clone(),
            },
            our_content: ours,
            title_to_send: wished.or_else(|| before.title.clone()),
            names_before: before,
            old_bytes: OldBytesState::Stored,
        });
        self.names = Some(names_from_metadata(observed.metadata));
        Ok(AttachmentProtocolState::ReleaseOldBytes(id))
    }

    /// Returns the title to send with the new bytes of a replacement begun by an earlier run: the
    /// row's title, or else the title reported for the attachment.
    pub(super) fn title_to_send(&self) -> Option<String> {
        let wished = self.run.settings.update_policy.title(&self.row.row);
        let shown = || self.names.as_ref()?.title.value();
        wished.or_else(shown).map(ToOwned::to_owned)
    }

    /// Announces the release of the old bytes, and checks the stored bytes against the kept bytes.
    ///
    /// `begun` describes the newest bytes sent to the record, if arrived: bytes of an earlier run
    /// may come from an earlier file.
    pub(super) async fn release_old_bytes(
        &mut self,
        begun: BegunRecord,
    ) -> AttachmentTransition<D> {
        let id = begun.id.clone();
        let content = self.row.content;
        let same = |then: CheckedContent| then.sha256 == content.sha256;
        let is_for_the_file = begun.content.is_some_and(same);
        self.record_verdict(&RowVerdict::renewing_target(&begun))
            .await?;
        let metadata = match self
            .run
            .requests
            .get_download(self.context.owner(), &id)
            .await
        {
            Ok(Some(original)) => original.metadata,
            Ok(None) => {
                self.replacement = None;
                return Ok(AttachmentProtocolState::LookUp(PriorCreate::NoneUnanswered));
            }
            Err(unmet) => return self.end_with_begun_record(unmet, begun),
        };
        let Some(swap) = &mut self.replacement else {
            return Ok(AttachmentProtocolState::CheckBegunRecord(begun));
        };
        let seen = (metadata.size, &metadata.uploaded_at);
        let sent = swap.old_bytes != OldBytesState::Stored;
        match classify_bytes_during_replacement(seen, &swap.old_content, &content, sent) {
            BytesDuringReplacement::NoBytes => {
                swap.old_bytes = OldBytesState::Released;
                self.renew_target(begun).await
            }
            BytesDuringReplacement::Old => {
                swap.old_bytes = OldBytesState::Stored;
                self.renew_target(begun).await
            }
            BytesDuringReplacement::New if is_for_the_file => {
                Ok(self.after_size_shown(id, content.stamp.size))
            }
            BytesDuringReplacement::New | BytesDuringReplacement::Unclear => {
                Ok(AttachmentProtocolState::CompareNewBytes(id))
            }
            BytesDuringReplacement::Other => {
                self.row.changes.replaced = None;
                self.replacement = None;
                Ok(AttachmentProtocolState::KeepOldBytes(id, None))
            }
        }
    }

    /// Reads the new bytes, because they are as many as the old bytes and the size confirms
    /// nothing.
    pub(super) async fn compare_new_bytes(&mut self, id: AttachmentId) -> AttachmentTransition<D> {
        let content = self.row.content;
        let observed = match self.observe_bytes(&id, WantedBytes::Digest).await {
            Ok(AttachmentObservation::WithBytes(sight)) => sight,
            Ok(AttachmentObservation::NoAttachment) => {
                self.replacement = None;
                return Ok(AttachmentProtocolState::LookUp(PriorCreate::NoneUnanswered));
            }
            Ok(AttachmentObservation::NoBytes) => {
                return Ok(AttachmentProtocolState::CheckBegunRecord(
                    self.as_begun_record(id),
                ));
            }
            Ok(AttachmentObservation::BytesUnavailable(why)) => {
                return Ok(RowVerdict::no_answer(Some(id), &why).into());
            }
            Err(unmet) => return self.end_with_begun_record(unmet, self.as_begun_record(id)),
        };
        if observed.sha256() == Some(content.sha256) {
            return Ok(self.uploaded(id));
        }
        let former = self.row.changes.replaced.as_ref();
        let is_old = former.is_some_and(|former| former.sha256 == observed.sha256());
        if is_old && self.receipt.is_some() {
            return Ok(RowVerdict::size_not_shown(id).into());
        }
        if is_old {
            // The attachment may have changed during the download.
            return match self
                .run
                .requests
                .get_download(self.context.owner(), &id)
                .await
            {
                Ok(Some(now)) if now.metadata == observed.metadata => {
                    self.renew_target(self.as_begun_record(id)).await
                }
                Ok(_) => Ok(AttachmentProtocolState::CheckBegunRecord(
                    self.as_begun_record(id),
                )),
                Err(unmet) => self.end_with_begun_record(unmet, self.as_begun_record(id)),
            };
        }
        self.row.changes.replaced = None;
        self.replacement = None;
        Ok(AttachmentProtocolState::KeepOldBytes(id, None))
    }
}

/// Returns the verdict of a row whose old content could not be downloaded or kept.
fn backup_failed_verdict(id: AttachmentId, ours: Option<CheckedContent>, why: &str) -> RowVerdict {
    let known = ours.map_or(KnownContent::Nothing, KnownContent::Complete);
    let message = format!(
        "the stored content could not be downloaded ({why}), and was left as it is; run the import \
         again with --resume later"
    );
    RowVerdict::not_replaced(id, known, StatusReason::NoBackup, message)
}
