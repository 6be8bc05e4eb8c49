//! Look-ups and downloads of attachments. Each of these requests may be repeated.

use std::collections::HashMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::AsyncWrite;
use tokio::time::sleep;

use super::{Attempt, Circuit, Leave, Pause, ProvenLookUp, RequestOwner, Requests, Suspect, Unmet};
use crate::destination::archive::{Exhibit, Original};
use crate::destination::{AttachmentApi, Presence};
use crate::event::Event;
use crate::http::{Failure, FetchFailure, Fetched};
use crate::model::{AttachmentId, ExternalId};
use crate::pipeline::Halt;
use crate::sync::lock;
use crate::throttle::breakers::Admitted;
use crate::throttle::quota::Urgency;

/// Failure of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) enum Unfetched {
    /// The run stops.
    Halt(Halt),
    /// The address is no longer valid.
    Expired,
    /// The connection broke; the wait after the failure is over.
    Again,
    /// Downloads of the row break while those of other rows arrive, or the storage refuses the
    /// bytes.
    GivenUp(String),
}

impl<D: AttachmentApi> Requests<'_, D> {
    /// Looks an attachment up by `external_id`. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn find(
        &self,
        owner: RequestOwner,
        external_id: &ExternalId,
    ) -> Result<Presence, Unmet> {
        let find = async |service: &D| service.find(external_id).await;
        let presence = self.ask(owner, Urgency::Urgent, find).await?;
        let proven = ProvenLookUp::ByExternalId(external_id.clone(), find_again::<D>);
        *lock(&self.good) = Some(proven);
        Ok(presence)
    }

    /// Looks an attachment up by the service's own id. An answer also shows that the keys are good.
    pub(in crate::pipeline) async fn get(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
    ) -> Result<Presence, Unmet> {
        let get = async |service: &D| service.get(id).await;
        let presence = self.ask(owner, Urgency::Urgent, get).await?;
        self.works_for(id);
        Ok(presence)
    }

    /// Tries a look-up by id once.
    pub(in crate::pipeline) async fn try_get(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
    ) -> Result<Attempt<Presence>, Unmet> {
        let get = async |service: &D| service.get(id).await;
        let (urgency, leave) = (Urgency::Urgent, Leave::Needed);
        let attempt = self.attempt(owner, urgency, leave, &get).await?;
        if let Attempt::Answered(_) = attempt {
            self.works_for(id);
        }
        Ok(attempt)
    }

    /// Looks many attachments up at once. `owner` stands for a row of the list.
    pub(in crate::pipeline) async fn list(
        &self,
        owner: RequestOwner,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Presence>, Unmet> {
        let list = async |service: &D| service.list(ids).await;
        self.ask_together(owner, list).await
    }

    /// Notes a look-up that shows that the keys are good.
    fn works_for(&self, id: &AttachmentId) {
        *lock(&self.good) = Some(ProvenLookUp::ById(id.clone(), get_again::<D>));
    }

    /// Reads the metadata of many attachments at once. `owner` stands for a row of the list.
    pub(in crate::pipeline) async fn inspect(
        &self,
        owner: RequestOwner,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Unmet> {
        let inspect = async |service: &D| service.inspect(ids).await;
        let there = self.ask_together(owner, inspect).await?;
        if let Some(id) = there.keys().next() {
            self.works_for(id);
        }
        Ok(there)
    }

    /// Looks an attachment up, with a download address for its bytes.
    pub(in crate::pipeline) async fn original(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
    ) -> Result<Option<Original<D::Target>>, Unmet> {
        let original = async |service: &D| service.original(id).await;
        let there = self.ask(owner, Urgency::Urgent, original).await?;
        self.works_for(id);
        Ok(there)
    }

    /// Waits until a row may download. Comes before the look-up of the address, which is
    /// short-lived.
    pub(in crate::pipeline) async fn leave_to_fetch(&self, owner: RequestOwner) -> Admitted {
        self.leave(owner, Circuit::Downloads).await
    }

    /// Downloads bytes once into `into`, with permission.
    ///
    /// On [`Unfetched::Again`] the row's own pause is over, and the bytes written to `into` are
    /// worthless.
    pub(in crate::pipeline) async fn fetch(
        &self,
        owner: RequestOwner,
        place: &D::Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<Fetched, Unfetched> {
        let received = |bytes| self.events.send(Event::Received(bytes));
        let failure = match self.destination.fetch(place, most, into, &received).await {
            Ok(fetched) => {
                self.note_answer(Circuit::Downloads, owner);
                return Ok(fetched);
            }
            Err(failure) => failure,
        };
        match failure {
            FetchFailure::Interrupted(why) => {
                let suspect = Suspect::Row(owner.row);
                match self.pause(Circuit::Downloads, suspect, why) {
                    Ok(pause) => {
                        self.pause_between_fetches(owner, pause).await;
                        Err(Unfetched::Again)
                    }
                    Err(Unmet::Halt(halt)) => Err(Unfetched::Halt(halt)),
                    Err(unmet) => {
                        let why = unmet.words().map_err(Unfetched::Halt)?;
                        Err(Unfetched::GivenUp(why))
                    }
                }
            }
            FetchFailure::Hopeless(why) => Err(Unfetched::Halt(Halt::Hopeless(why))),
            FetchFailure::NotKept(why) => Err(Unfetched::Halt(Halt::Backup(why))),
            FetchFailure::Expired => {
                self.note_answer(Circuit::Downloads, owner);
                Err(Unfetched::Expired)
            }
            FetchFailure::Refused(why) => {
                self.note_answer(Circuit::Downloads, owner);
                Err(Unfetched::GivenUp(why))
            }
        }
    }

    /// Waits for the row's own pause. Others get the row's slots during a long wait.
    async fn pause_between_fetches(&self, owner: RequestOwner, pause: Pause) {
        let Pause::Own(time) = pause else { return };
        let waits_long = self.breakers.keeps_waiting(Circuit::Downloads, owner.row);
        let lent = waits_long.then(|| self.slots.lend(owner.slots));
        sleep(time).await;
        if let Some(lent) = lent {
            lent.take_back().await;
        }
    }
}

/// Repeats a look-up by `external_id` without using the answer.
fn find_again<'s, D: AttachmentApi>(
    service: &'s D,
    external_id: &'s ExternalId,
) -> BoxFuture<'s, Result<(), Failure>> {
    async move { service.find(external_id).await.map(|_| ()) }.boxed()
}

/// Repeats a look-up by id without using the answer.
fn get_again<'s, D: AttachmentApi>(
    service: &'s D,
    id: &'s AttachmentId,
) -> BoxFuture<'s, Result<(), Failure>> {
    async move { service.get(id).await.map(|_| ()) }.boxed()
}
