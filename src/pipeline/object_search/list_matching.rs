//! Match of the records in a list with the queries of their type. Pure.

use std::collections::{HashMap, HashSet};

use super::ObjectFinding;
use crate::destination::ObjectDetails;
use crate::model::{NamedObject, ObjectRef};

/// Largest number of queries of a type for which no list is read.
const MAX_SINGLE_QUERIES: usize = 10;

/// Returns true if a list may be cheaper than a request for each query of its type.
pub(super) fn is_worth_a_walk(queries: usize) -> bool {
    queries > MAX_SINGLE_QUERIES
}

/// Returns true once the walk through a list has cost as much as a request for each query.
pub(super) fn has_cost_enough(walk_requests: usize, queries: usize) -> bool {
    walk_requests >= queries
}

/// Promise of the service about the external ids of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UniquenessPromise {
    /// The external id addresses one record.
    Promised,
    /// Several records may have the same external id, so one record proves nothing about the rest
    /// of the list.
    NotPromised,
}

/// End of a walk through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// The last page was read.
    LastPage,
    /// The walk ended before the last page.
    BeforeLastPage,
}

/// Queries of a type, and the records that match among those seen in the list.
///
/// External ids match byte for byte. A record that moves in its list during the walk may come
/// twice, and counts once.
#[derive(Debug)]
pub(super) struct ListMatching<'q> {
    uniqueness: UniquenessPromise,
    /// Queries by the service's own id whose records were not seen yet.
    unseen_ids: HashMap<ObjectRef, usize>,
    by_external_id: HashMap<&'q str, usize>,
    /// Distinct records with the external id of a query.
    hits: HashMap<usize, Vec<ObjectDetails>>,
    /// Query of each record among the hits.
    query_of_hit: HashMap<ObjectRef, usize>,
    /// Queries with a hit whose external id changed during the walk.
    doubtful: HashSet<usize>,
}

impl<'q> ListMatching<'q> {
    /// Returns the matching of queries, each with its place, before any page.
    pub(super) fn new(
        queries: impl IntoIterator<Item = (usize, &'q NamedObject)>,
        uniqueness: UniquenessPromise,
    ) -> Self {
        let mut unseen_ids = HashMap::new();
        let mut by_external_id = HashMap::new();
        for (place, query) in queries {
            match query {
                NamedObject::Known(object) => {
                    unseen_ids.insert(*object, place);
                }
                NamedObject::ByExternalId(_, external_id) => {
                    by_external_id.insert(external_id.as_str(), place);
                }
            }
        }
        Self {
            uniqueness,
            unseen_ids,
            by_external_id,
            hits: HashMap::new(),
            query_of_hit: HashMap::new(),
            doubtful: HashSet::new(),
        }
    }

    /// Notes the records of a page. Returns the records asked for by the service's own id, each at
    /// its first sight.
    pub(super) fn note_page(&mut self, objects: Vec<ObjectDetails>) -> Vec<(usize, ObjectDetails)> {
        let mut found = Vec::new();
        for details in objects {
            if let Some(place) = self.unseen_ids.remove(&details.object) {
                found.push((place, details.clone()));
            }
            self.note_external_id(details);
        }
        found
    }

    fn note_external_id(&mut self, details: ObjectDetails) {
        let external_id = details.external_id.value();
        let now = external_id.and_then(|id| self.by_external_id.get(id).copied());
        let before = self.query_of_hit.get(&details.object).copied();
        match (before, now) {
            (None, None) => {}
            (None, Some(place)) => {
                self.query_of_hit.insert(details.object, place);
                self.hits.entry(place).or_default().push(details);
            }
            (Some(before), Some(now)) if before == now => {}
            // Somebody changes external ids just now.
            (Some(before), now) => {
                self.doubtful
                    .extend([Some(before), now].into_iter().flatten());
            }
        }
    }

    /// Returns true if no further page can bring anything: all records were seen, and no record
    /// needs the end of the list as a proof.
    pub(super) fn is_complete(&self) -> bool {
        let are_hits_enough = match self.uniqueness {
            UniquenessPromise::Promised => self.hits.len() == self.by_external_id.len(),
            UniquenessPromise::NotPromised => self.by_external_id.is_empty(),
        };
        self.unseen_ids.is_empty() && are_hits_enough
    }

    /// Returns the findings for external ids that the walk can vouch for. All other queries are to
    /// be asked one by one, since the silence of a list proves nothing.
    pub(super) fn into_findings(self, end: WalkEnd) -> Vec<(usize, ObjectFinding)> {
        if (self.uniqueness, end) == (UniquenessPromise::NotPromised, WalkEnd::BeforeLastPage) {
            return Vec::new();
        }
        let doubtful = self.doubtful;
        let vouched = self
            .hits
            .into_iter()
            .filter(|(place, _)| !doubtful.contains(place));
        vouched
            .map(|(place, hits)| (place, ObjectFinding::from_exact_hits(hits)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::AttachmentLinkage;
    use crate::destination::attachment_metadata::Reported;
    use crate::model::{ObjectExternalId, ObjectType};

    fn record(id: u64, external_id: &str) -> ObjectDetails {
        ObjectDetails {
            object: ObjectRef::parse(ObjectType::Contract, &id.to_string()).unwrap(),
            external_id: Reported::from_own_text(external_id),
            state: Reported::NotReported,
            attachments: AttachmentLinkage::NotReported,
        }
    }

    /// Returns the findings after pages with these records, for the queries `A`, `B` and
    /// contract 9 at the places 0, 1 and 2: places of records by own id, completeness, and for each
    /// external id the record or the number of records.
    fn findings(
        pages: &[&[(u64, &str)]],
        uniqueness: UniquenessPromise,
        end: WalkEnd,
    ) -> (Vec<usize>, bool, Vec<(usize, String)>) {
        let by_external_id = |text| {
            let id = ObjectExternalId::parse(text).unwrap();
            NamedObject::ByExternalId(ObjectType::Contract, id)
        };
        let queries = [
            by_external_id("A"),
            by_external_id("B"),
            NamedObject::Known(record(9, "").object),
        ];
        let mut matching = ListMatching::new(queries.iter().enumerate(), uniqueness);
        let mut by_own_id = Vec::new();
        for page in pages {
            let page = page
                .iter()
                .map(|(id, external_id)| record(*id, external_id));
            let found = matching.note_page(page.collect());
            by_own_id.extend(found.into_iter().map(|(place, _)| place));
        }
        let is_complete = matching.is_complete();
        let found = matching.into_findings(end).into_iter();
        let mut found: Vec<_> = found
            .map(|(place, finding)| match finding {
                ObjectFinding::Found(details) => (place, details.object.to_string()),
                ObjectFinding::Ambiguous(count) => (place, format!("{count} records")),
                other => panic!("{other:?}"),
            })
            .collect();
        found.sort();
        (by_own_id, is_complete, found)
    }

    #[test]
    fn a_walk_pays_off_for_many_queries_and_only_for_so_long() {
        for (queries, is_worth) in [(1, false), (10, false), (11, true)] {
            assert_eq!(is_worth_a_walk(queries), is_worth, "{queries}");
        }
        for (requests, is_enough) in [(0, false), (19, false), (20, true), (21, true)] {
            assert_eq!(has_cost_enough(requests, 20), is_enough, "{requests}");
        }
    }

    #[test]
    fn records_match_byte_for_byte_and_count_once() {
        use UniquenessPromise::{NotPromised, Promised};
        use WalkEnd::{BeforeLastPage, LastPage};
        let told = |found: &[(usize, &str)]| -> Vec<(usize, String)> {
            let found = found
                .iter()
                .map(|(place, what)| (*place, (*what).to_owned()));
            found.collect()
        };
        let both: &[&[(u64, &str)]] = &[&[(1, "A"), (9, "Z")], &[(2, "B")]];
        let twins: &[&[(u64, &str)]] = &[&[(1, "A"), (2, "B")], &[(3, "A"), (1, "A")]];
        let near: &[&[(u64, &str)]] = &[&[(1, "a"), (2, "B "), (3, "AB"), (4, "")]];
        let moved: &[&[(u64, &str)]] = &[&[(1, "A"), (9, "B")], &[(1, "A"), (9, "B")]];
        let renamed: &[&[(u64, &str)]] = &[&[(1, "A"), (2, "B")], &[(1, "B")]];
        let left: &[&[(u64, &str)]] = &[&[(1, "A"), (2, "B")], &[(1, "Z")]];
        let came: &[&[(u64, &str)]] = &[&[(1, "Z")], &[(1, "A")]];
        for (pages, uniqueness, end, by_own_id, is_complete, found) in [
            (
                both,
                Promised,
                LastPage,
                &[2][..],
                true,
                told(&[(0, "contract 1"), (1, "contract 2")]),
            ),
            (
                both,
                NotPromised,
                LastPage,
                &[2],
                false,
                told(&[(0, "contract 1"), (1, "contract 2")]),
            ),
            (both, NotPromised, BeforeLastPage, &[2], false, told(&[])),
            (
                twins,
                Promised,
                BeforeLastPage,
                &[],
                false,
                told(&[(0, "2 records"), (1, "contract 2")]),
            ),
            (
                twins,
                NotPromised,
                LastPage,
                &[],
                false,
                told(&[(0, "2 records"), (1, "contract 2")]),
            ),
            (near, Promised, LastPage, &[], false, told(&[])),
            (
                moved,
                Promised,
                LastPage,
                &[2],
                true,
                told(&[(0, "contract 1"), (1, "contract 9")]),
            ),
            (renamed, Promised, LastPage, &[], false, told(&[])),
            (
                left,
                Promised,
                LastPage,
                &[],
                false,
                told(&[(1, "contract 2")]),
            ),
            (
                came,
                Promised,
                LastPage,
                &[],
                false,
                told(&[(0, "contract 1")]),
            ),
            (&[], Promised, LastPage, &[], false, told(&[])),
        ] {
            let expected = (by_own_id.to_vec(), is_complete, found);
            assert_eq!(
                findings(pages, uniqueness, end),
                expected,
                "{pages:?} {uniqueness:?} {end:?}"
            );
        }
    }
}
