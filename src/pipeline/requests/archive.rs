//! How attachments are looked up and their bytes fetched, with requests each of which may be repeated.

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

/// Why bytes did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) enum Unfetched {
    /// The run is to stop.
    Halt(Halt),
    /// The address is no longer valid.
    Expired,
    /// They were lost on the way; the wait that follows from that is over.
    Again,
    /// They never come, while those of others do; or the storage does not give them.
    GivenUp(String),
}

impl<D: AttachmentApi> Requests<'_, D> {
    /// A look-up by `external_id`, which also shows that the keys are good.
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

    /// A look-up by the service's own id, which also shows that the keys are good.
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

    /// The same, tried once.
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

    /// Looks many attachments up at once. `owner` is one of their rows.
    pub(in crate::pipeline) async fn list(
        &self,
        owner: RequestOwner,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Presence>, Unmet> {
        let list = async |service: &D| service.list(ids).await;
        self.ask_together(owner, list).await
    }

    /// Takes note of a look-up that shows that the keys are good.
    fn works_for(&self, id: &AttachmentId) {
        *lock(&self.good) = Some(ProvenLookUp::ById(id.clone(), get_again::<D>));
    }

    /// Looks many attachments up at once, with what the service shows of them. `owner` is one of
    /// their rows.
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

    /// Looks one attachment up, with the place of its bytes.
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

    /// Waits until a row may fetch bytes. To be asked for before their address is, which is
    /// short-lived.
    pub(in crate::pipeline) async fn leave_to_fetch(&self, owner: RequestOwner) -> Admitted {
        self.leave(owner, Circuit::Downloads).await
    }

    /// Reads bytes, once, with leave, and hands them on. After an interruption the row's own time to
    /// wait has been waited, and what was handed on counts for nothing.
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

fn find_again<'s, D: AttachmentApi>(
    service: &'s D,
    external_id: &'s ExternalId,
) -> BoxFuture<'s, Result<(), Failure>> {
    async move { service.find(external_id).await.map(|_| ()) }.boxed()
}

fn get_again<'s, D: AttachmentApi>(
    service: &'s D,
    id: &'s AttachmentId,
) -> BoxFuture<'s, Result<(), Failure>> {
    async move { service.get(id).await.map(|_| ()) }.boxed()
}
