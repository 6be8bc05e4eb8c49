//! Walk through the list of a type, where many records of the type are wanted.

use std::collections::BTreeSet;

use super::list_matching::{ListMatching, UniquenessPromise, WalkEnd, has_cost_enough};
use super::object_pager::ObjectPager;
use super::{ObjectFinding, ObjectSearch};
use crate::destination::ObjectApi;
use crate::model::ObjectType;
use crate::pipeline::HaltReason;
use crate::pipeline::request_sender::RequestOwner;

impl<D: ObjectApi> ObjectSearch<'_, D> {
    /// Walks through the list of a type until all records of the queries at `places` are found, or
    /// until the walk has cost as much as a request for each. Returns the places told of; the
    /// others are to be asked for one by one.
    ///
    /// Records by external id are told of at the end of the walk, because a later page may show a
    /// second record with the same external id.
    pub(super) async fn walk_list(
        &self,
        owner: RequestOwner,
        kind: ObjectType,
        places: &[usize],
    ) -> Result<BTreeSet<usize>, HaltReason> {
        // A path by external id leads to one record. A filter may let several records through.
        let uniqueness = if self.destination.has_external_id_path(kind) {
            UniquenessPromise::Promised
        } else {
            UniquenessPromise::NotPromised
        };
        let queries = places.iter().map(|place| (*place, &self.queries[*place]));
        let mut matching = ListMatching::new(queries, uniqueness);
        let mut pager = ObjectPager::new(kind, None);
        let mut told = BTreeSet::new();
        let mut halt = None;
        let mut walk_requests = 0;
        while !pager.has_ended()
            && !matching.is_complete()
            && !has_cost_enough(walk_requests, places.len())
        {
            walk_requests += 1;
            match pager.read_on(&self.requests, owner).await {
                Ok(objects) => {
                    objects.iter().for_each(self.listed.note);
                    for (place, details) in matching.note_page(objects) {
                        self.tell_if_enough(place, ObjectFinding::Found(details), &mut told);
                    }
                }
                Err(failure) => {
                    // One failed page does not end the run: each record can be asked for alone.
                    match failure.into_message() {
                        Ok(why) => tracing::debug!(%kind, why, "walk through a list given up"),
                        Err(reason) => halt = Some(reason),
                    }
                    break;
                }
            }
        }
        let end = if pager.has_ended() {
            WalkEnd::LastPage
        } else {
            WalkEnd::BeforeLastPage
        };
        for (place, finding) in matching.into_findings(end) {
            self.tell_if_enough(place, finding, &mut told);
        }
        match halt {
            Some(halt) => Err(halt),
            None => Ok(told),
        }
    }

    /// Passes on a finding of the walk, unless the record is to be asked for alone.
    fn tell_if_enough(&self, place: usize, finding: ObjectFinding, told: &mut BTreeSet<usize>) {
        let is_enough = match &finding {
            ObjectFinding::Found(details) => (self.listed.enough)(place, details),
            _ => true,
        };
        if is_enough {
            told.insert(place);
            self.tell_finding(place, finding);
        }
    }
}
