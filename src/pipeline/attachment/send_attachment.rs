//! Bytes of an attachment: the renewable address, the PUT, and the size that confirms the content.
//!
//! The PATCH for a new address detaches the stored bytes. The PATCH is sent only if the newest GET
//! reported no bytes. After a PATCH without an answer, of the present run or of an interrupted run,
//! nothing is sent before [`LATE_PATCH_WAIT`] has passed and another GET has answered.

use std::time::Duration;

use tokio::time::sleep;

use super::replacement::OldBytesState;
use super::{AttachmentMachine, AttachmentProtocolState, AttachmentTransition};
use crate::clock::SleepAwareInstant;
use crate::destination::{AttachmentApi, AttachmentPresence, UploadTarget};
use crate::http::PutReceipt;
use crate::model::AttachmentId;
use crate::pipeline::file_upload::{ExpiringTarget, UploadOutcome};
use crate::pipeline::poller::PollOutcome;
use crate::pipeline::request_sender::{RequestFailure, SendPermission};
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{AttachmentEvidence, BegunProgress, BegunRecord, PriorCreate};
use crate::results::journal::Journal;
use crate::results::{KnownContent, RowState, VerifiedBy};

/// Time after which an address is not used any more; the service's limit is 15 minutes.
const TARGET_LIFETIME: Duration = Duration::from_mins(14);

/// Time after which a lost PATCH has been carried out or never will be: longer than any request may
/// take.
const LATE_PATCH_WAIT: Duration = Duration::from_mins(1);

/// Number of new addresses to ask for before a refusal by the storage counts as final for the row.
const MAX_RENEWALS: u32 = 5;

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Sends the bytes, once the attachment is known to be found again.
    pub(super) async fn put_bytes(
        &mut self,
        id: AttachmentId,
        upload_target: UploadTarget<D::Target>,
        issued: SleepAwareInstant,
    ) -> AttachmentTransition<D> {
        if let Some(next) = self.prove_routing(&id).await? {
            return Ok(next);
        }
        let owner = self.context.owner();
        self.context.wait_to_upload(owner).await;
        let to = expiring_target(&upload_target, issued);
        let (source, content) = (&self.row.source, &self.row.content);
        let upload = self.run.upload_file(owner, source, content, to).await?;
        self.row.attempts += upload.repetitions;
        self.context.set_upload_permission(match upload.outcome {
            // The permission came too late for the old address, but not for the next address.
            UploadOutcome::TargetTooOld => SendPermission::Granted,
            _ => SendPermission::Needed,
        });
        Ok(self.after_put(id, upload.outcome))
    }

    /// Decides the state after an upload.
    fn after_put(
        &mut self,
        id: AttachmentId,
        end: UploadOutcome,
    ) -> AttachmentProtocolState<D::Target> {
        match end {
            UploadOutcome::Accepted(receipt) => {
                self.receipt = Some(receipt);
                AttachmentProtocolState::ConfirmSize(id)
            }
            UploadOutcome::TargetTooOld => {
                AttachmentProtocolState::CheckBegunRecord(self.as_begun_record(id))
            }
            UploadOutcome::TargetExpired => self.after_expired_target(id),
            UploadOutcome::UnsafeTarget(why) => RowVerdict::unsafe_address(id, &why).into(),
            UploadOutcome::Refused(why) => RowVerdict::upload_refused(id, &why).into(),
            UploadOutcome::GivenUp(why) => RowVerdict::no_answer(Some(id), &why).into(),
            UploadOutcome::SourceChanged(why) => RowVerdict::source_changed(id, &why).into(),
            UploadOutcome::SourceInUse => RowVerdict::source_in_use(id).into(),
        }
    }

    /// Asks for a new address after an expired address, up to [`MAX_RENEWALS`] times.
    fn after_expired_target(&mut self, id: AttachmentId) -> AttachmentProtocolState<D::Target> {
        self.targets_expired += 1;
        if self.targets_expired <= MAX_RENEWALS {
            return AttachmentProtocolState::CheckBegunRecord(self.as_begun_record(id));
        }
        RowVerdict::upload_refused(id, "it called each new address expired or not valid").into()
    }

    /// Announces the PATCH for a new address, and sends it.
    pub(super) async fn announce_and_renew(
        &mut self,
        begun: BegunRecord,
    ) -> AttachmentTransition<D> {
        self.record_verdict(&RowVerdict::renewing_target(&begun))
            .await?;
        self.renew_target(begun).await
    }

    /// Asks for a new address, which releases the stored bytes. The PATCH is announced, and the
    /// newest answer reported no bytes or only bytes to be replaced.
    pub(super) async fn renew_target(&mut self, begun: BegunRecord) -> AttachmentTransition<D> {
        if self.context.wait_to_change().await {
            // The newest GET is outdated after the wait.
            return Ok(AttachmentProtocolState::CheckBegunRecord(begun));
        }
        let (owner, leave) = (self.context.owner(), self.context.take_change_permission());
        let stage = self
            .replacement
            .as_ref()
            .map(|replacement| replacement.old_bytes);
        self.set_old_bytes_state(stage.max(Some(OldBytesState::ReleaseRequested)));
        let title = self
            .replacement
            .as_ref()
            .and_then(|replacement| replacement.title_to_send.as_deref());
        let (id, file_name) = (&begun.id, self.row.row.stored_file_name());
        let renewed = self
            .run
            .requests
            .send_change_once(owner, leave, async |service| {
                service.renew_upload_target(id, file_name, title).await
            })
            .await;
        if let Err(
            RequestFailure::NotSent | RequestFailure::Refused(_) | RequestFailure::Forbidden(_),
        ) = &renewed
        {
            self.set_old_bytes_state(stage);
        }
        match renewed {
            Ok(place) => {
                self.set_old_bytes_state(Some(OldBytesState::Released));
                // The record gets the file's present bytes from here on, and not before: until the
                // PATCH, the record may have held other bytes whose size was just not reported.
                let created =
                    RowVerdict::without_message(RowState::Created, Some(begun.id.clone()));
                self.record_verdict(&created).await?;
                self.receipt = None;
                Ok(AttachmentProtocolState::PutBytes {
                    id: begun.id,
                    upload_target: place,
                    issued_at: SleepAwareInstant::now(),
                })
            }
            Err(RequestFailure::NotSent) => Ok(AttachmentProtocolState::CheckBegunRecord(begun)),
            Err(unmet @ (RequestFailure::EffectUnknown(_) | RequestFailure::GivenUp(_))) => {
                self.after_lost_patch(begun, unmet).await
            }
            // The record may have been removed or filled since the GET: another GET decides.
            Err(RequestFailure::Refused(_) | RequestFailure::Forbidden(_))
                if self.renewals_refused < MAX_RENEWALS && stage != Some(OldBytesState::Stored) =>
            {
                self.renewals_refused += 1;
                Ok(AttachmentProtocolState::CheckBegunRecord(begun))
            }
            Err(unmet) => self.end_with_begun_record(unmet, begun),
        }
    }

    /// Notes the state of the old bytes, during a replacement.
    fn set_old_bytes_state(&mut self, stage: Option<OldBytesState>) {
        if let (Some(swap), Some(stage)) = (&mut self.replacement, stage) {
            swap.old_bytes = stage;
        }
    }

    /// Waits after a lost PATCH. A late PATCH would detach bytes sent meanwhile, so nothing is sent
    /// while a late PATCH may still arrive.
    async fn after_lost_patch(
        &mut self,
        begun: BegunRecord,
        failure: RequestFailure,
    ) -> AttachmentTransition<D> {
        self.row.attempts += 1;
        self.wait_out_late_patch().await;
        match failure {
            RequestFailure::EffectUnknown(_) => {
                Ok(AttachmentProtocolState::CheckBegunRecord(begun))
            }
            unmet => self.end_with_begun_record(unmet, begun),
        }
    }

    /// Waits until a PATCH with an unknown effect cannot arrive any more.
    pub(super) async fn wait_out_late_patch(&mut self) {
        self.context.give_slots_back();
        sleep(LATE_PATCH_WAIT).await;
        self.context.take_slots(1).await;
    }

    /// Waits until the service reports the size of the new bytes.
    pub(super) async fn confirm_size(&mut self, id: AttachmentId) -> AttachmentTransition<D> {
        self.context.give_slots_back();
        let old = self.old_size();
        let owner = self.context.owner();
        let presence = match self
            .shared
            .poller
            .wait_for_size(owner, id.clone(), old)
            .await?
        {
            PollOutcome::Observed(presence) => presence,
            PollOutcome::RequestFailed(RequestFailure::Halt(halt)) => return Err(halt),
            PollOutcome::RequestFailed(unmet) => {
                let why = unmet.into_message()?;
                return Ok(RowVerdict::size_unanswered(id, &why).into());
            }
        };
        match presence {
            // The service keeps reporting the replaced bytes for longer than the run waits.
            AttachmentPresence::Stored { size, .. } if Some(size) == old => {
                Ok(RowVerdict::size_not_shown(id).into())
            }
            AttachmentPresence::Stored { size, names, .. } => {
                self.names = Some(names);
                Ok(self.after_size_shown(id, size))
            }
            AttachmentPresence::Absent => self.check_unlisted(id).await,
            _ => Ok(RowVerdict::size_not_shown(id).into()),
        }
    }

    /// Asks for an attachment that a list left out: a gap in a list does not prove that the
    /// attachment is gone.
    async fn check_unlisted(&mut self, id: AttachmentId) -> AttachmentTransition<D> {
        match self.run.requests.get_by_id(self.context.owner(), &id).await {
            Ok(AttachmentPresence::Stored { size, names, .. }) => {
                self.names = Some(names);
                Ok(self.after_size_shown(id, size))
            }
            Ok(AttachmentPresence::Absent) if self.was_purged => Ok(RowVerdict::purged(id).into()),
            Ok(AttachmentPresence::Absent) => {
                self.was_purged = true;
                self.replacement = None;
                self.row.attempts += 1;
                Ok(AttachmentProtocolState::LookUp(PriorCreate::NoneUnanswered))
            }
            Ok(_) => Ok(RowVerdict::size_not_shown(id).into()),
            Err(unmet) => self.after_failed_request(unmet, Some(id), &PriorCreate::NoneUnanswered),
        }
    }

    /// Returns the size of the replaced bytes, if it differs from the size of the new bytes.
    fn old_size(&self) -> Option<u64> {
        let old = self.replacement.as_ref()?.old_content.size;
        (old != self.row.content.stamp.size).then_some(old)
    }

    /// Decides the state after the service has reported the size of the attachment.
    pub(super) fn after_size_shown(
        &self,
        id: AttachmentId,
        size: u64,
    ) -> AttachmentProtocolState<D::Target> {
        let row = &self.row;
        if size != row.content.stamp.size {
            return RowVerdict::size_mismatch(id, size, row.content).into();
        }
        match &self.replacement {
            Some(swap) if swap.old_content.size == size => {
                AttachmentProtocolState::CompareNewBytes(id)
            }
            _ => self.uploaded(id),
        }
    }

    /// Returns the verdict of an upload, with the evidence for the content.
    pub(super) fn uploaded(&self, id: AttachmentId) -> AttachmentProtocolState<D::Target> {
        let verified = match self.receipt {
            Some(PutReceipt::Md5Confirmed) => VerifiedBy::Etag,
            Some(PutReceipt::Accepted) | None => VerifiedBy::Size,
        };
        RowVerdict::uploaded(id, verified).into()
    }

    /// Continues a record begun by an earlier run or by the present run.
    pub(super) async fn check_begun_record(
        &mut self,
        mut begun: BegunRecord,
    ) -> AttachmentTransition<D> {
        // From here on, only the record's own answers count.
        self.receipt = None;
        if begun.progress == BegunProgress::AddressRenewing {
            self.wait_out_late_patch().await;
            begun.progress = BegunProgress::Unknown;
        }
        let presence = match self
            .run
            .requests
            .get_by_id(self.context.owner(), &begun.id)
            .await
        {
            Ok(presence) => presence,
            Err(unmet) => return self.end_with_begun_record(unmet, begun),
        };
        if let AttachmentPresence::Stored { names, .. } = &presence {
            self.names = Some(names.clone());
        }
        let sighting = AttachmentEvidence::BegunRecordAnswer {
            presence: &presence,
            begun: &begun,
        };
        Ok(self.state_for_step(self.next_step(&sighting)))
    }

    /// Returns a record of the row, for the present object and file.
    pub(super) fn as_begun_record(&self, id: AttachmentId) -> BegunRecord {
        BegunRecord::with_content(id, &self.row.row, self.row.content)
    }

    /// Ends a row whose begun record cannot be continued. The line still names what was begun,
    /// because the record may hold the begun content and not the present file.
    pub(super) fn end_with_begun_record(
        &self,
        failure: RequestFailure,
        begun: BegunRecord,
    ) -> AttachmentTransition<D> {
        let state =
            self.after_failed_request(failure, Some(begun.id), &PriorCreate::NoneUnanswered)?;
        Ok(match state {
            AttachmentProtocolState::Conclude(verdict) => RowVerdict {
                known_content: begun
                    .content
                    .map(KnownContent::Complete)
                    .or(verdict.known_content),
                other_object: begun.other_object,
                ..*verdict
            }
            .into(),
            other => other,
        })
    }
}

/// Returns the address of a record, and the time until which the address may be used.
pub(super) fn expiring_target<T>(
    upload_target: &UploadTarget<T>,
    issued: SleepAwareInstant,
) -> ExpiringTarget<'_, T> {
    ExpiringTarget {
        target: upload_target.target.as_ref().map_err(Clone::clone),
        issued_at: issued,
        lifetime: TARGET_LIFETIME,
    }
}
