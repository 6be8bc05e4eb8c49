//! Look-ups and downloads of attachments. Each of these requests may be repeated.

use std::collections::HashMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::AsyncWrite;
use tokio::time::sleep;

use super::{
    CircuitKind, FailureSuspect, ProvenLookUp, ReadAttempt, RequestFailure, RequestOwner,
    RequestSender, RetryPause, SendPermission,
};
use crate::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use crate::destination::{AttachmentApi, AttachmentPresence};
use crate::event::RunEvent;
use crate::http::{ApiFailure, FetchFailure, FetchedContent};
use crate::model::{AttachmentId, ExternalId};
use crate::mutex::lock_despite_poison;
use crate::pipeline::HaltReason;
use crate::throttle::quota::RequestUrgency;
use crate::throttle::run_breakers::AdmissionDelay;

/// Failure of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) enum DownloadFailure {
    /// The run stops.
    Halt(HaltReason),
    /// The address is no longer valid.
    TargetExpired,
    /// The connection broke; the wait after the failure is over.
    Interrupted,
    /// Downloads of the row break while those of other rows arrive, or the storage refuses the
    /// bytes.
    GivenUp(String),
}

impl<D: AttachmentApi> RequestSender<'_, D> {
    /// Looks an attachment up by `external_id`. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn get_by_external_id(
        &self,
        owner: RequestOwner,
        external_id: &ExternalId,
    ) -> Result<AttachmentPresence, RequestFailure> {
        let find = async |service: &D| service.get_by_external_id(external_id).await;
        let presence = self.read(owner, RequestUrgency::Urgent, find).await?;
        let proven = ProvenLookUp::ExternalId(external_id.clone(), repeat_get_by_external_id::<D>);
        *lock_despite_poison(&self.proven_look_up) = Some(proven);
        Ok(presence)
    }

    /// Looks an attachment up by the service's own id. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn get_by_id(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
    ) -> Result<AttachmentPresence, RequestFailure> {
        let get = async |service: &D| service.get_by_id(id).await;
        let presence = self.read(owner, RequestUrgency::Urgent, get).await?;
        self.note_proven_id(id);
        Ok(presence)
    }

    /// Tries a look-up by id once.
    pub(in crate::pipeline) async fn try_get_by_id(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
    ) -> Result<ReadAttempt<AttachmentPresence>, RequestFailure> {
        let get = async |service: &D| service.get_by_id(id).await;
        let (urgency, leave) = (RequestUrgency::Urgent, SendPermission::Needed);
        let attempt = self.try_read(owner, urgency, leave, &get).await?;
        if let ReadAttempt::Answered(_) = attempt {
            self.note_proven_id(id);
        }
        Ok(attempt)
    }

    /// Looks many attachments up at once. `owner` is a row of the list.
    pub(in crate::pipeline) async fn list(
        &self,
        owner: RequestOwner,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentPresence>, RequestFailure> {
        let list = async |service: &D| service.list(ids).await;
        self.read_for_many(owner, list).await
    }

    /// Notes a look-up that shows that the keys are good.
    fn note_proven_id(&self, id: &AttachmentId) {
        *lock_despite_poison(&self.proven_look_up) =
            Some(ProvenLookUp::Attachment(id.clone(), repeat_get_by_id::<D>));
    }

    /// Reads the metadata of many attachments at once. `owner` is a row of the list.
    pub(in crate::pipeline) async fn list_metadata(
        &self,
        owner: RequestOwner,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, RequestFailure> {
        let inspect = async |service: &D| service.list_metadata(ids).await;
        let there = self.read_for_many(owner, inspect).await?;
        if let Some(id) = there.keys().next() {
            self.note_proven_id(id);
        }
        Ok(there)
    }

    /// Looks an attachment up, with a download address for its bytes.
    pub(in crate::pipeline) async fn get_download(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<D::Target>>, RequestFailure> {
        let original = async |service: &D| service.get_download(id).await;
        let there = self.read(owner, RequestUrgency::Urgent, original).await?;
        self.note_proven_id(id);
        Ok(there)
    }

    /// Waits until a row may download. Comes before the look-up of the address, which is
    /// short-lived.
    pub(in crate::pipeline) async fn wait_to_download(
        &self,
        owner: RequestOwner,
    ) -> AdmissionDelay {
        self.wait_for_permission(owner, CircuitKind::Downloads)
            .await
    }

    /// Downloads bytes once into `into`, with permission.
    ///
    /// On [`DownloadFailure::Interrupted`] the row's own pause is over, and the bytes written to
    /// `into` are worthless.
    pub(in crate::pipeline) async fn download_once(
        &self,
        owner: RequestOwner,
        place: &D::Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<FetchedContent, DownloadFailure> {
        let received = |bytes| self.events.send(RunEvent::BytesReceived(bytes));
        let failure = match self
            .destination
            .download(place, most, into, &received)
            .await
        {
            Ok(fetched) => {
                self.note_answer(CircuitKind::Downloads, owner);
                return Ok(fetched);
            }
            Err(failure) => failure,
        };
        match failure {
            FetchFailure::Interrupted(why) => {
                let suspect = FailureSuspect::Row(owner.row);
                match self.register_failure(CircuitKind::Downloads, suspect, why) {
                    Ok(pause) => {
                        self.pause_between_downloads(owner, pause).await;
                        Err(DownloadFailure::Interrupted)
                    }
                    Err(RequestFailure::Halt(halt)) => Err(DownloadFailure::Halt(halt)),
                    Err(unmet) => {
                        let why = unmet.into_message().map_err(DownloadFailure::Halt)?;
                        Err(DownloadFailure::GivenUp(why))
                    }
                }
            }
            FetchFailure::NeverPossible(why) => {
                Err(DownloadFailure::Halt(HaltReason::NeverPossible(why)))
            }
            FetchFailure::NotWritten(why) => {
                Err(DownloadFailure::Halt(HaltReason::BackupFailed(why)))
            }
            FetchFailure::Expired => {
                self.note_answer(CircuitKind::Downloads, owner);
                Err(DownloadFailure::TargetExpired)
            }
            FetchFailure::Refused(why) => {
                self.note_answer(CircuitKind::Downloads, owner);
                Err(DownloadFailure::GivenUp(why))
            }
        }
    }

    /// Waits for the row's own pause. Others get the row's slots during a long wait.
    async fn pause_between_downloads(&self, owner: RequestOwner, pause: RetryPause) {
        let RetryPause::OwnRow(time) = pause else {
            return;
        };
        let waits_long = self
            .breakers
            .should_yield_slot(CircuitKind::Downloads, owner.row);
        let lent = waits_long.then(|| self.slots.lend(owner.slots));
        sleep(time).await;
        if let Some(lent) = lent {
            lent.take_back().await;
        }
    }
}

/// Repeats a look-up by `external_id` without using the answer.
fn repeat_get_by_external_id<'s, D: AttachmentApi>(
    service: &'s D,
    external_id: &'s ExternalId,
) -> BoxFuture<'s, Result<(), ApiFailure>> {
    async move { service.get_by_external_id(external_id).await.map(|_| ()) }.boxed()
}

/// Repeats a look-up by id without using the answer.
fn repeat_get_by_id<'s, D: AttachmentApi>(
    service: &'s D,
    id: &'s AttachmentId,
) -> BoxFuture<'s, Result<(), ApiFailure>> {
    async move { service.get_by_id(id).await.map(|_| ()) }.boxed()
}
