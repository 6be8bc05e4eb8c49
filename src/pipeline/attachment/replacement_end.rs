//! End of a replacement of bytes: the old bytes are put back where the new bytes cannot be sent.

use super::left_by_earlier_run::{AttachmentObservation, WantedBytes};
use super::replacement::{OldBytesState, ReplacementInProgress};
use super::send_attachment::expiring_target;
use super::{AttachmentMachine, AttachmentTransition};
use crate::clock::SleepAwareInstant;
use crate::destination::{AttachmentApi, AttachmentPresence, UploadTarget};
use crate::model::{AttachmentId, CheckedContent};
use crate::pipeline::HaltReason;
use crate::pipeline::file_upload::UploadOutcome;
use crate::pipeline::poller::PollOutcome;
use crate::pipeline::request_sender::RequestFailure;
use crate::pipeline::row_verdict::RowVerdict;
use crate::results::journal::Journal;
use crate::results::{BackupOutcome, KnownContent, RowState, Status, StatusReason};
use crate::throttle::run_breakers::CircuitKind;
use crate::upload_source::UploadSource;

/// Number of attempts to send the old bytes back before they are left in their backup.
const MAX_RESTORE_ATTEMPTS: u32 = 3;

/// Bytes of an attachment to which the new bytes could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BytesAfterFailedReplacement {
    NoBytes,
    OldBytes,
    NewBytes,
    /// Other bytes, or unknown.
    OtherOrUnknown,
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
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
