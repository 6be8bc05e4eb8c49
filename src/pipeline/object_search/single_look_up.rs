//! Look-up of a single record: by the service's own id, by the path of an external id, or by a
//! filter.

use super::object_pager::ObjectPager;
use super::{ObjectFinding, ObjectSearch};
use crate::destination::{ObjectApi, ObjectDetails};
use crate::model::{NamedObject, ObjectExternalId, ObjectRef, ObjectType};
use crate::pipeline::request_sender::{RequestFailure, RequestOwner};
use crate::text::quoted;

/// Highest number of requests for the answer of a filter. A filter that works answers with one
/// page; a service that ignores the filter answers with all records.
const MAX_FILTER_REQUESTS: u32 = 10;

/// Way to a single record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LookUpWay<'q> {
    /// By the service's own id.
    OwnId(ObjectRef),
    /// By the path of the external id.
    ExternalIdPath(ObjectType, &'q ObjectExternalId),
    /// By a filter of the list.
    Filter(ObjectType, &'q ObjectExternalId),
}

impl<'q> LookUpWay<'q> {
    /// Returns the way to a record, for a service that has a path by external id for some types.
    pub(super) fn choose(
        query: &'q NamedObject,
        has_external_id_path: impl Fn(ObjectType) -> bool,
    ) -> Self {
        match query {
            NamedObject::Known(object) => Self::OwnId(*object),
            NamedObject::ByExternalId(kind, external_id)
                if has_external_id_path(*kind) && external_id.routes_everywhere() =>
            {
                Self::ExternalIdPath(*kind, external_id)
            }
            NamedObject::ByExternalId(kind, external_id) => Self::Filter(*kind, external_id),
        }
    }
}

impl<D: ObjectApi> ObjectSearch<'_, D> {
    /// Looks a record up by requests about this record alone.
    pub(super) async fn look_up(
        &self,
        owner: RequestOwner,
        query: &NamedObject,
    ) -> Result<ObjectFinding, RequestFailure> {
        let has_path = |kind| self.destination.has_external_id_path(kind);
        match LookUpWay::choose(query, has_path) {
            LookUpWay::OwnId(object) => {
                let found = self.requests.get_object(owner, object).await;
                found.map(|found| found.map_or(ObjectFinding::Missing, ObjectFinding::Found))
            }
            LookUpWay::ExternalIdPath(kind, external_id) => {
                let found = self
                    .requests
                    .get_object_by_external_id(owner, kind, external_id)
                    .await;
                found.map(|found| judge_path_answer(external_id, found))
            }
            LookUpWay::Filter(kind, external_id) => self.filter(owner, kind, external_id).await,
        }
    }

    /// Looks a record up by a filter of its list.
    async fn filter(
        &self,
        owner: RequestOwner,
        kind: ObjectType,
        external_id: &ObjectExternalId,
    ) -> Result<ObjectFinding, RequestFailure> {
        let mut pager = ObjectPager::new(kind, Some(external_id));
        let mut hits = Vec::new();
        for _ in 0..MAX_FILTER_REQUESTS {
            let objects = pager.read_on(&self.requests, owner).await?;
            add_exact_hits(&mut hits, external_id, objects);
            if pager.has_ended() {
                return Ok(ObjectFinding::from_exact_hits(hits));
            }
        }
        Ok(match hits.len() {
            0 | 1 => ObjectFinding::Unknown(
                "the service answers the filter by external_id with many other records".to_owned(),
            ),
            many => ObjectFinding::Ambiguous(many),
        })
    }
}

/// Returns the finding for the answer of a path. Only a record that shows the very external id,
/// byte for byte, is taken: a service may compare without regard to case.
fn judge_path_answer(
    external_id: &ObjectExternalId,
    found: Option<ObjectDetails>,
) -> ObjectFinding {
    let Some(found) = found else {
        return ObjectFinding::Missing;
    };
    if found.external_id.value() == Some(external_id.as_str()) {
        return ObjectFinding::Found(found);
    }
    let shown = found.external_id.redacted().map_or_else(
        || "which shows no external_id".to_owned(),
        |other| format!("whose external_id is {}", quoted(other)),
    );
    ObjectFinding::Unknown(format!(
        "the service answers with {}, {shown}",
        found.object
    ))
}

/// Adds the records of a page that have the very external id, byte for byte, and are not among the
/// hits yet.
fn add_exact_hits(
    hits: &mut Vec<ObjectDetails>,
    external_id: &ObjectExternalId,
    objects: Vec<ObjectDetails>,
) {
    for object in objects {
        let is_exact = object.external_id.value() == Some(external_id.as_str());
        if is_exact && hits.iter().all(|hit| hit.object != object.object) {
            hits.push(object);
        }
    }
}
