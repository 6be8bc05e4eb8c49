//! How a service is asked for proof: with look-ups and downloads, each of which may be repeated.

use std::collections::HashMap;

use tokio::io::AsyncWrite;
use tokio::time::sleep;

use super::{Circuit, Pause, RequestOwner, Requests, Suspect, Unmet};
use crate::destination::archive::{Archive, Exhibit, Original};
use crate::event::Event;
use crate::http::{FetchFailure, Fetched};
use crate::model::AttachmentId;
use crate::pipeline::Halt;
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

impl<D: Archive> Requests<'_, D> {
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
