//! Look-ups of jobs. Each of these requests may be repeated.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{
    ProvenLookUp, ReadAttempt, RequestFailure, RequestOwner, RequestSender, SendPermission,
};
use crate::destination::{JobApi, JobPresence};
use crate::http::ApiFailure;
use crate::model::AttachmentId;
use crate::mutex::lock_despite_poison;
use crate::throttle::quota::RequestUrgency;

impl<D: JobApi> RequestSender<'_, D> {
    /// Looks a job up. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn get_job(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
        urgency: RequestUrgency,
    ) -> Result<JobPresence<D::Target>, RequestFailure> {
        let get = async |service: &D| service.get_job(id).await;
        let job = self.read(owner, urgency, get).await?;
        self.note_proven_job_id(id);
        Ok(job)
    }

    /// Tries a look-up of a job once.
    pub(in crate::pipeline) async fn try_get_job(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
        urgency: RequestUrgency,
    ) -> Result<ReadAttempt<JobPresence<D::Target>>, RequestFailure> {
        let get = async |service: &D| service.get_job(id).await;
        let attempt = self
            .try_read(owner, urgency, SendPermission::Needed, &get)
            .await?;
        if let ReadAttempt::Answered(_) = attempt {
            self.note_proven_job_id(id);
        }
        Ok(attempt)
    }

    /// Notes a look-up of a job that shows that the keys are good.
    fn note_proven_job_id(&self, id: &AttachmentId) {
        *lock_despite_poison(&self.proven_look_up) =
            Some(ProvenLookUp::Attachment(id.clone(), repeat_get_job::<D>));
    }
}

/// Repeats a look-up of a job without using the answer.
fn repeat_get_job<'s, D: JobApi>(
    service: &'s D,
    id: &'s AttachmentId,
) -> BoxFuture<'s, Result<(), ApiFailure>> {
    async move { service.get_job(id).await.map(|_| ()) }.boxed()
}
