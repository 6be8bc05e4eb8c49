//! Look-ups and lists of records. Each of these requests may be repeated.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{ProvenLookUp, RequestFailure, RequestOwner, RequestSender};
use crate::destination::{ObjectApi, ObjectDetails, ObjectPageAnswer};
use crate::http::ApiFailure;
use crate::model::{ObjectExternalId, ObjectRef, ObjectType};
use crate::mutex::lock_despite_poison;
use crate::throttle::quota::RequestUrgency;

impl<D: ObjectApi> RequestSender<'_, D> {
    /// Reads a record by the service's own id. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn get_object(
        &self,
        owner: RequestOwner,
        object: ObjectRef,
    ) -> Result<Option<ObjectDetails>, RequestFailure> {
        let get = async |service: &D| service.get_object(object).await;
        let found = self.read(owner, RequestUrgency::Urgent, get).await?;
        self.note_proven_object(object);
        Ok(found)
    }

    /// Reads a record by the path of an external id.
    pub(in crate::pipeline) async fn get_object_by_external_id(
        &self,
        owner: RequestOwner,
        kind: ObjectType,
        external_id: &ObjectExternalId,
    ) -> Result<Option<ObjectDetails>, RequestFailure> {
        let find = async |service: &D| service.get_object_by_external_id(kind, external_id).await;
        let found = self.read(owner, RequestUrgency::Urgent, find).await?;
        if let Some(found) = &found {
            self.note_proven_object(found.object);
        }
        Ok(found)
    }

    /// Reads a page of a list, as [`ObjectApi::list_objects`] does. `owner` is a query that waits
    /// for the page.
    ///
    /// Without a filter many queries wait for the page. The failure is then
    /// [`RequestFailure::EffectUnknown`] where the list may be the cause of the silence, and each
    /// record should be asked for alone.
    pub(in crate::pipeline) async fn list_objects(
        &self,
        owner: RequestOwner,
        kind: ObjectType,
        filter: Option<&ObjectExternalId>,
        cursor: Option<&D::PageCursor>,
        page_size: usize,
    ) -> Result<ObjectPageAnswer<D::PageCursor>, RequestFailure> {
        let list = async |service: &D| service.list_objects(kind, filter, cursor, page_size).await;
        let answer = match filter {
            Some(_) => self.read(owner, RequestUrgency::Urgent, list).await?,
            None => self.read_for_many(owner, list).await?,
        };
        if let ObjectPageAnswer::Page(page) = &answer
            && let Some(first) = page.objects.first()
        {
            self.note_proven_object(first.object);
        }
        Ok(answer)
    }

    /// Notes a look-up that shows that the keys are good.
    fn note_proven_object(&self, object: ObjectRef) {
        *lock_despite_poison(&self.proven_look_up) =
            Some(ProvenLookUp::Object(object, repeat_get_object::<D>));
    }
}

/// Repeats a look-up of a record without using the answer.
fn repeat_get_object<'s, D: ObjectApi>(
    service: &'s D,
    object: &'s ObjectRef,
) -> BoxFuture<'s, Result<(), ApiFailure>> {
    async move { service.get_object(*object).await.map(|_| ()) }.boxed()
}
