//! Search for the records named by rows, by requests without an effect.
//!
//! Many records of a type are looked for in the list of the type first, a hundred a request
//! (`list_walk`, `list_matching`). The other records are asked for one by one (`single_look_up`):
//! the silence of a list proves nothing, because no document says which records a list leaves out,
//! and a record can move in its list meanwhile. A list that fails costs no record its finding.

mod list_matching;
mod list_walk;
mod object_pager;
mod service_rights;
mod single_look_up;

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream;

use list_matching::is_worth_a_walk;
use service_rights::ServiceRights;

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

impl ObjectFinding {
    /// Returns the finding for the distinct records that have the very external id.
    fn from_exact_hits(mut hits: Vec<ObjectDetails>) -> Self {
        match (hits.pop(), hits.len()) {
            (None, _) => Self::Missing,
            (Some(only), 0) => Self::Found(only),
            (Some(_), others) => Self::Ambiguous(others + 1),
        }
    }
}

/// Use of the records that a list shows.
#[derive(Clone, Copy)]
pub struct ListedObjects<'a> {
    /// Says of the record of a query, at its place, if the list's word is enough; otherwise the
    /// record is asked for alone.
    pub enough: &'a (dyn Fn(usize, &ObjectDetails) -> bool + Sync),
    /// Takes note of each record of a page, also of records of no query.
    pub note: &'a (dyn Fn(&ObjectDetails) + Sync),
}

/// Finds the records of all queries, and passes each result to `tell` at once, with the place of
/// its query. Returns the reason for an early stop, or `None`.
///
/// `queries` are distinct. `enough` says of a record shown by a list if the list's word is enough;
/// otherwise the record is asked for alone.
pub async fn find_objects<D: ObjectApi>(
    queries: &[NamedObject],
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
    enough: &(dyn Fn(usize, &ObjectDetails) -> bool + Sync),
    tell: &(dyn Fn(usize, ObjectFinding) + Sync),
) -> Option<HaltReason> {
    let listed = ListedObjects {
        enough,
        note: &|_| (),
    };
    find_objects_in_lists(queries, destination, settings, events, stop, listed, tell).await
}

/// Finds the records of all queries as [`find_objects`] does, with a use for all records that lists
/// show.
pub async fn find_objects_in_lists<D: ObjectApi>(
    queries: &[NamedObject],
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
    listed: ListedObjects<'_>,
    tell: &(dyn Fn(usize, ObjectFinding) + Sync),
) -> Option<HaltReason> {
    let search = ObjectSearch {
        queries,
        destination,
        requests: RequestSender::new(destination, settings, events),
        events,
        listed,
        tell,
    };
    let mut by_type: BTreeMap<ObjectType, Vec<usize>> = BTreeMap::new();
    for (place, query) in queries.iter().enumerate() {
        by_type.entry(query.object_type()).or_default().push(place);
    }
    let (requests, types) = (&search.requests, by_type.len());
    let find = |(kind, places), slot| search.find_of_type(kind, places, slot);
    run_in_slots(requests, by_type.into_iter(), types, find, stop, |()| ()).await
}

/// Search under way.
struct ObjectSearch<'a, D: ObjectApi> {
    queries: &'a [NamedObject],
    destination: &'a D,
    requests: RequestSender<'a, D>,
    events: &'a EventSender,
    listed: ListedObjects<'a>,
    tell: &'a (dyn Fn(usize, ObjectFinding) + Sync),
}

impl<D: ObjectApi> ObjectSearch<'_, D> {
    /// Finds the records of the queries at these places, which are all of one type.
    async fn find_of_type(
        &self,
        kind: ObjectType,
        mut places: Vec<usize>,
        slot: HeldSlots<'_>,
    ) -> Result<(), HaltReason> {
        // All queries count as at work until their ends, so a failing look-up is compared with
        // look-ups still to come.
        let mut at_work: BTreeMap<_, _> = places
            .iter()
            .map(|place| (*place, self.requests.register_row_at_work(*place)))
            .collect();
        if is_worth_a_walk(places.len()) {
            let owner = RequestOwner {
                row: places[0],
                slots: slot.count(),
            };
            let told = self.walk_list(owner, kind, &places).await?;
            places.retain(|place| !told.contains(place));
            at_work.retain(|place, _| !told.contains(place));
        }
        drop(slot);
        let rights = ServiceRights::default();
        let look_ups = places
            .into_iter()
            .map(|place| self.find_alone(place, &rights));
        let mut look_ups = stream::iter(look_ups).buffer_unordered(MAX_LOOK_UPS_AT_ONCE);
        while let Some(ended) = look_ups.next().await {
            let (place, finding) = ended?;
            at_work.remove(&place);
            self.tell_finding(place, finding);
        }
        Ok(())
    }

    /// Finds the record of a query by requests about this record alone.
    async fn find_alone(
        &self,
        place: usize,
        rights: &ServiceRights,
    ) -> Result<(usize, ObjectFinding), HaltReason> {
        let slot = self.requests.slots().take(1).await;
        if let Some(why) = rights.refusal() {
            return Ok((place, ObjectFinding::Unknown(why)));
        }
        let owner = RequestOwner {
            row: place,
            slots: slot.count(),
        };
        let ended = self.look_up(owner, &self.queries[place]).await;
        rights.note(&ended);
        match ended {
            Ok(finding) => Ok((place, finding)),
            Err(failure) => Ok((place, ObjectFinding::Unknown(failure.into_message()?))),
        }
    }

    fn tell_finding(&self, place: usize, finding: ObjectFinding) {
        self.events.send(RunEvent::ObjectLookedUp);
        (self.tell)(place, finding);
    }
}
