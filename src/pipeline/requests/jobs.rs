//! Look-ups of jobs. Each of these requests may be repeated.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{Attempt, Leave, ProvenLookUp, RequestOwner, Requests, Unmet};
use crate::destination::{JobApi, JobPresence};
use crate::http::Failure;
use crate::model::AttachmentId;
use crate::sync::lock;
use crate::throttle::quota::Urgency;

impl<D: JobApi> Requests<'_, D> {
    /// Looks a job up. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn job(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
        urgency: Urgency,
    ) -> Result<JobPresence<D::Target>, Unmet> {
        let get = async |service: &D| service.job(id).await;
        let job = self.ask(owner, urgency, get).await?;
        self.works_for_job(id);
        Ok(job)
    }

    /// Tries a look-up of a job once.
    pub(in crate::pipeline) async fn try_job(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
        urgency: Urgency,
    ) -> Result<Attempt<JobPresence<D::Target>>, Unmet> {
        let get = async |service: &D| service.job(id).await;
        let attempt = self.attempt(owner, urgency, Leave::Needed, &get).await?;
        if let Attempt::Answered(_) = attempt {
            self.works_for_job(id);
        }
        Ok(attempt)
    }

    /// Notes a look-up of a job that shows that the keys are good.
    fn works_for_job(&self, id: &AttachmentId) {
        *lock(&self.good) = Some(ProvenLookUp::ById(id.clone(), job_again::<D>));
    }
}

/// Repeats a look-up of a job without using the answer.
fn job_again<'s, D: JobApi>(
    service: &'s D,
    id: &'s AttachmentId,
) -> BoxFuture<'s, Result<(), Failure>> {
    async move { service.job(id).await.map(|_| ()) }.boxed()
}
