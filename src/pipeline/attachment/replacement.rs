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
//! - the old bytes are put back if the new bytes cannot be sent after all.

use super::left_by_earlier_run::{
    AttachmentObservation, ObservedAttachment, WantedBytes, backup_failed, names_from_metadata,
};
use super::send_attachment::expiring_target;
use super::{AttachmentMachine, AttachmentProtocolState, AttachmentTransition};
use crate::backup::BackupName;
use crate::clock::SleepAwareInstant;
use crate::destination::{AttachmentApi, AttachmentPresence, UploadTarget};
use crate::model::{AttachmentId, CheckedContent};
use crate::pipeline::HaltReason;
use crate::pipeline::file_upload::UploadOutcome;
use crate::pipeline::poller::PollOutcome;
use crate::pipeline::request_sender::RequestFailure;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{
    BegunRecord, BytesDuringReplacement, OldContent, PriorCreate, classify_bytes_during_replacement,
};
use crate::results::journal::Journal;
use crate::results::{BackupOutcome, FormerContent, KnownContent, RowState, Status, StatusReason};
use crate::throttle::run_breakers::CircuitKind;
use crate::upload_source::UploadSource;

/// Number of times a replacement may begin because the stored content has changed meanwhile.
const MAX_REPLACEMENTS_BEGUN: u32 = 3;

/// Number of attempts to send the old bytes back before they are left in their backup.
const MAX_RESTORE_ATTEMPTS: u32 = 3;

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

/// Bytes of an attachment to which the new bytes could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BytesAfterFailedReplacement {
    NoBytes,
    OldBytes,
    NewBytes,
    /// Other bytes, or unknown.
    OtherOrUnknown,
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
                "the file changed after it was checked: {why}; the stored content was left as it \
                 is: run the import again with --resume to check the file as it is now"
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

    /// Ends a row during a replacement of bytes.
    pub(super) async fn conclude_replacement(
        &mut self,
        replacement: ReplacementInProgress,
        verdict: RowVerdict,
    ) -> AttachmentTransition<D> {
        match (
            verdict.state.status(),
            replacement.old_bytes,
            verdict.record_id.clone(),
        ) {
            (Status::Uploaded, _, _) => Ok(verdict.into()),
            (Status::Failed, OldBytesState::Stored, Some(id)) => {
                self.forget_replacement();
                let known = known_old_content(&replacement);
                let message = format!("{}; the stored content was left as it is", verdict.message);
                Ok(RowVerdict::not_replaced(id, known, verdict.state.reason(), message).into())
            }
            (Status::Failed, _, Some(id)) if leaves_no_bytes(&verdict.state) => {
                self.restore_old_bytes(id, replacement, verdict).await
            }
            _ => {
                let state = match verdict.state.status() {
                    Status::Created | Status::Pending if verdict.record_id.is_some() => {
                        verdict.state.while_replacing()
                    }
                    _ => verdict.state,
                };
                self.end_row(&RowVerdict { state, ..verdict }).await
            }
        }
    }

    fn forget_replacement(&mut self) {
        let changes = &mut self.row.changes;
        changes.replaced = None;
        changes.previous_title = None;
    }

    /// Puts the old bytes back, since the new bytes cannot be sent.
    async fn restore_old_bytes(
        &mut self,
        id: AttachmentId,
        replacement: ReplacementInProgress,
        why: RowVerdict,
    ) -> AttachmentTransition<D> {
        self.replacement = Some(ReplacementInProgress {
            old_bytes: OldBytesState::Released,
            ..replacement
        });
        let left = self.bytes_after_failure(&id).await?;
        let is_back = match left {
            // The new bytes come from an attempt whose answer was lost.
            BytesAfterFailedReplacement::NewBytes => return Ok(self.uploaded(id)),
            BytesAfterFailedReplacement::OldBytes => true,
            BytesAfterFailedReplacement::OtherOrUnknown => false,
            BytesAfterFailedReplacement::NoBytes => match self.open_backup().await {
                Some((source, content)) => self.send_old_bytes(&id, source, content).await?,
                None => false,
            },
        };
        let Some(swap) = self.replacement.take() else {
            return Ok(why.into());
        };
        if is_back {
            self.forget_replacement();
            let message = format!("{}; the previous content was put back", why.message);
            return Ok(RowVerdict::not_replaced(
                id,
                known_old_content(&swap),
                why.state.reason(),
                message,
            )
            .into());
        }
        let now = match left {
            BytesAfterFailedReplacement::NoBytes => "THE ATTACHMENT HAS NO CONTENT NOW",
            _ => "THE CONTENT OF THE ATTACHMENT IS UNKNOWN NOW",
        };
        let former = self.row.changes.replaced.as_ref();
        let waiting = why.old_bytes_not_restored(id, now, former.map(|former| &former.backup));
        self.end_row(&waiting).await
    }

    /// Returns the bytes that the attachment has after a failed replacement, as far as known.
    async fn bytes_after_failure(
        &self,
        id: &AttachmentId,
    ) -> Result<BytesAfterFailedReplacement, HaltReason> {
        let size = match self.run.requests.get_by_id(self.context.owner(), id).await {
            Ok(AttachmentPresence::Stored { size, .. }) => size,
            Ok(AttachmentPresence::Pending { .. }) => {
                return Ok(BytesAfterFailedReplacement::NoBytes);
            }
            Ok(_) => return Ok(BytesAfterFailedReplacement::OtherOrUnknown),
            Err(unmet) => {
                return unmet
                    .into_message()
                    .map(|_| BytesAfterFailedReplacement::OtherOrUnknown);
            }
        };
        let new = self.row.content;
        let Some(old) = self.row.changes.replaced.clone() else {
            return Ok(BytesAfterFailedReplacement::OtherOrUnknown);
        };
        match (size == new.stamp.size, size == old.size) {
            (true, false) => return Ok(BytesAfterFailedReplacement::NewBytes),
            (false, true) => return Ok(BytesAfterFailedReplacement::OldBytes),
            (false, false) => return Ok(BytesAfterFailedReplacement::OtherOrUnknown),
            (true, true) => {}
        }
        let seen = match self.observe_bytes(id, WantedBytes::Digest).await {
            Ok(AttachmentObservation::WithBytes(sight)) => sight.sha256(),
            Ok(_) => None,
            Err(unmet) => unmet.into_message().map(|_| None)?,
        };
        Ok(match seen {
            Some(seen) if seen == new.sha256 => BytesAfterFailedReplacement::NewBytes,
            Some(seen) if Some(seen) == old.sha256 => BytesAfterFailedReplacement::OldBytes,
            _ => BytesAfterFailedReplacement::OtherOrUnknown,
        })
    }

    /// Opens the backup. Returns `None` if the backup is missing or has changed.
    async fn open_backup(&self) -> Option<(UploadSource, CheckedContent)> {
        let former = self.row.changes.replaced.as_ref()?;
        let (BackupOutcome::Kept(path), Some(sha256)) = (&former.backup, former.sha256) else {
            return None;
        };
        let (source, stamp) = self.shared.backup_store?.open_backup(path).await.ok()?;
        (stamp.size == former.size).then_some((source, CheckedContent { stamp, sha256 }))
    }

    /// Sends the old bytes. Returns `true` if the service reports the old bytes again.
    async fn send_old_bytes(
        &mut self,
        id: &AttachmentId,
        source: UploadSource,
        content: CheckedContent,
    ) -> Result<bool, HaltReason> {
        let begun = self.as_begun_record(id.clone());
        for _ in 0..MAX_RESTORE_ATTEMPTS {
            self.record_verdict(&RowVerdict::renewing_target(&begun))
                .await?;
            self.context.wait_to_change().await;
            match self.run.requests.get_by_id(self.context.owner(), id).await {
                Ok(AttachmentPresence::Pending { .. }) => {}
                // The bytes come from an attempt whose answer was lost.
                Ok(AttachmentPresence::Stored { size, .. }) => {
                    return Ok(size == content.stamp.size);
                }
                Ok(_) => return Ok(false),
                Err(unmet) => {
                    unmet.into_message()?;
                    return Ok(false);
                }
            }
            let place = match self.renew_target_for_old_bytes(id).await {
                Ok(place) => place,
                Err(RequestFailure::Halt(halt) | RequestFailure::HaltEffectUnknown(halt)) => {
                    return Err(halt);
                }
                Err(RequestFailure::NotSent) => continue,
                Err(RequestFailure::EffectUnknown(_) | RequestFailure::GivenUp(_)) => {
                    self.wait_out_late_patch().await;
                    continue;
                }
                Err(RequestFailure::Refused(_) | RequestFailure::Forbidden(_)) => return Ok(false),
            };
            let owner = self.context.owner();
            self.run
                .requests
                .wait_for_permission(owner, CircuitKind::Uploads)
                .await;
            let to = expiring_target(&place, SleepAwareInstant::now());
            let upload = self.run.upload_file(owner, &source, &content, to).await?;
            match upload.outcome {
                UploadOutcome::Accepted(_) => {
                    let shown = self
                        .shared
                        .poller
                        .wait_for_size(owner, id.clone(), None)
                        .await?;
                    let is_back = |size| size == content.stamp.size;
                    return Ok(matches!(
                        shown,
                        PollOutcome::Observed(AttachmentPresence::Stored { size, .. }) if is_back(size)
                    ));
                }
                UploadOutcome::TargetTooOld | UploadOutcome::TargetExpired => {}
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Asks for a new address for the old bytes, with the old names.
    async fn renew_target_for_old_bytes(
        &mut self,
        id: &AttachmentId,
    ) -> Result<UploadTarget<D::Target>, RequestFailure> {
        let (owner, leave) = (self.context.owner(), self.context.take_change_permission());
        let before = self
            .replacement
            .as_ref()
            .map(|replacement| &replacement.names_before);
        let file_name = before.and_then(|before| before.file_name.as_deref());
        let file_name = file_name.unwrap_or_else(|| self.row.row.stored_file_name());
        let title = before.and_then(|before| before.title.as_deref());
        self.run
            .requests
            .send_change_once(owner, leave, async |service| {
                service.renew_upload_target(id, file_name, title).await
            })
            .await
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

/// Returns `true` if nothing is stored after a failure in this state.
fn leaves_no_bytes(state: &RowState) -> bool {
    matches!(
        state,
        RowState::FailedWithoutBytes(_) | RowState::Failed(StatusReason::Forbidden)
    )
}

/// Returns the knowledge about the old content.
fn known_old_content(replacement: &ReplacementInProgress) -> KnownContent {
    replacement.our_content.map_or(
        KnownContent::Size(replacement.old_content.size),
        KnownContent::Complete,
    )
}
