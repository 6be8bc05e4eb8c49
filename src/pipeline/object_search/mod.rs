//! Search for the records named by rows, by requests without an effect.
//!
//! The service's silence about a record counts only where the service was asked for this record
//! alone.

mod object_pager;
mod single_look_up;

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream;

use super::inspection::run_in_slots;
use super::request_sender::{RequestOwner, RequestSender};
use super::upload_slots::HeldSlots;
use super::{HaltReason, RunSettings};
use crate::destination::{ObjectApi, ObjectDetails};
use crate::event::{EventSender, RunEvent};
use crate::model::{NamedObject, ObjectType};

/// Highest number of look-ups of records of a type under way at once.
const MAX_LOOK_UPS_AT_ONCE: usize = 40;

/// Result of the search for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectFinding {
    /// The record.
    Found(ObjectDetails),
    /// There is no such record.
    Missing,
    /// Several records have the external id. Holds their number, as far as seen.
    Ambiguous(usize),
    /// The search failed. Holds the cause.
    Unknown(String),
}

/// Finds the records of all queries, and passes each result to `tell` at once, with the place of
/// its query. Returns the reason for an early stop, or `None`.
///
/// `queries` are distinct. `_enough` says of a record shown by a list if the list's word is enough;
/// otherwise the record is asked for alone.
pub async fn find_objects<D: ObjectApi>(
    queries: &[NamedObject],
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
    _enough: &(dyn Fn(usize, &ObjectDetails) -> bool + Sync),
    tell: &(dyn Fn(usize, ObjectFinding) + Sync),
) -> Option<HaltReason> {
    let search = ObjectSearch {
        queries,
        destination,
        requests: RequestSender::new(destination, settings, events),
        events,
        tell,
    };
    let mut by_type: BTreeMap<ObjectType, Vec<usize>> = BTreeMap::new();
    for (place, query) in queries.iter().enumerate() {
        by_type.entry(query.object_type()).or_default().push(place);
    }
    let (requests, types) = (&search.requests, by_type.len());
    let find = |(_, places), slot| search.find_of_type(places, slot);
    run_in_slots(requests, by_type.into_iter(), types, find, stop, |()| ()).await
}

/// Search under way.
struct ObjectSearch<'a, D: ObjectApi> {
    queries: &'a [NamedObject],
    destination: &'a D,
    requests: RequestSender<'a, D>,
    events: &'a EventSender,
    tell: &'a (dyn Fn(usize, ObjectFinding) + Sync),
}

impl<D: ObjectApi> ObjectSearch<'_, D> {
    /// Finds the records of the queries at these places, which are all of one type.
    async fn find_of_type(
        &self,
        places: Vec<usize>,
        slot: HeldSlots<'_>,
    ) -> Result<(), HaltReason> {
        // All queries count as at work until their ends, so a failing look-up is compared with
        // look-ups still to come.
        let mut at_work: BTreeMap<_, _> = places
            .iter()
            .map(|place| (*place, self.requests.register_row_at_work(*place)))
            .collect();
        drop(slot);
        let look_ups = places.into_iter().map(async |place| {
            let slot = self.requests.slots().take(1).await;
            let owner = RequestOwner {
                row: place,
                slots: slot.count(),
            };
            let finding = self.look_up(owner, &self.queries[place]).await;
            finding.map(|finding| (place, finding))
        });
        let mut look_ups = stream::iter(look_ups).buffer_unordered(MAX_LOOK_UPS_AT_ONCE);
        while let Some(ended) = look_ups.next().await {
            let (place, finding) = ended?;
            at_work.remove(&place);
            self.tell_finding(place, finding);
        }
        Ok(())
    }

    fn tell_finding(&self, place: usize, finding: ObjectFinding) {
        self.events.send(RunEvent::ObjectLookedUp);
        (self.tell)(place, finding);
    }
}
