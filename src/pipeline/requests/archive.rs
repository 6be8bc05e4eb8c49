//! How a service is asked for proof: with look-ups and downloads, each of which may be repeated.

use std::collections::HashMap;

use tokio::io::AsyncWrite;

use super::{OwnFailures, Probe, Requests, Unmet};
use crate::destination::archive::{Archive, Exhibit, FetchFailure, Fetched, Original};
use crate::event::Event;
use crate::http::budget::Urgency;
use crate::model::AttachmentId;
use crate::pipeline::Halt;
use crate::sync::lock;

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
    /// Looks many attachments up at once, with what the service shows of them.
    pub(in crate::pipeline) async fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Unmet> {
        let inspect = async |service: &D| service.inspect(ids).await;
        let there = self.ask(Urgency::Urgent, inspect).await?;
        if let Some(id) = there.keys().next() {
            self.works_for(id);
        }
        Ok(there)
    }

    /// Looks one attachment up, with the place of its bytes.
    pub(in crate::pipeline) async fn original(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<Original<D::Target>>, Unmet> {
        let original = async |service: &D| service.original(id).await;
        let there = self.ask(Urgency::Urgent, original).await?;
        self.works_for(id);
        Ok(there)
    }

    /// Takes note of a look-up that shows that the keys are good.
    fn works_for(&self, id: &AttachmentId) {
        *lock(&self.good) = Some(Probe::Get(id.clone()));
    }

    /// Reads bytes, once, and hands them on. After an interruption the time to wait has been
    /// waited, and what was handed on counts for nothing.
    pub(in crate::pipeline) async fn fetch(
        &self,
        place: &D::Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        own: &mut OwnFailures,
    ) -> Result<Fetched, Unfetched> {
        self.storage.clear().await;
        let received = |bytes| self.events.send(Event::Received(bytes));
        let failure = match self.destination.fetch(place, most, into, &received).await {
            Ok(fetched) => {
                self.note_answer(&self.storage);
                return Ok(fetched);
            }
            Err(failure) => failure,
        };
        match failure {
            FetchFailure::Interrupted(why) => {
                if own.are_too_many(&self.storage) {
                    return Err(Unfetched::GivenUp(why));
                }
                match self.wait_after(&self.storage, why).await {
                    Ok(()) => Err(Unfetched::Again),
                    Err(halt) => Err(Unfetched::Halt(halt)),
                }
            }
            FetchFailure::Hopeless(why) => Err(Unfetched::Halt(Halt::Hopeless(why))),
            FetchFailure::NotKept(why) => Err(Unfetched::Halt(Halt::Backup(why))),
            FetchFailure::Expired => {
                self.note_answer(&self.storage);
                Err(Unfetched::Expired)
            }
            FetchFailure::Refused(why) => {
                self.note_answer(&self.storage);
                Err(Unfetched::GivenUp(why))
            }
        }
    }
}
