//! Records with attachments in memory, their lists and filters.

use tokio::time::Instant;

use super::attachment_world::AttachmentWorld;
use super::{MemoryAttachmentService, RequestKind, attachment_id};
use consign::destination::attachment_metadata::Reported;
use consign::destination::{
    AttachmentLinkage, NextObjectPage, ObjectApi, ObjectDetails, ObjectPage, ObjectPageAnswer,
};
use consign::http::ApiFailure;
use consign::model::{ObjectExternalId, ObjectRef, ObjectType};

/// Record with attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemoryObject {
    /// The record.
    pub(crate) object: ObjectRef,
    /// Name, by which suppliers are listed.
    pub(crate) name: String,
    /// Customer's own id.
    pub(crate) external_id: Option<String>,
    /// State, a word of the service.
    pub(crate) state: &'static str,
    /// Attachments in the answers.
    pub(crate) linkage: LinkageRule,
}

impl MemoryObject {
    /// Returns an active record without an external id, which shows its attachments.
    pub(crate) fn new(object: ObjectRef) -> Self {
        Self {
            object,
            name: object.to_string(),
            external_id: None,
            state: "active",
            linkage: LinkageRule::Attached,
        }
    }
}

/// Attachments in the answers about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkageRule {
    /// The attachments on the record.
    Attached,
    /// Something else.
    Fixed(AttachmentLinkage),
}

/// Behaviour of lists, filters and paths where the documentation is silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObjectRules {
    /// Records found by an external id.
    pub(crate) matching: MatchingRule,
    /// Records in the answer of a filter.
    pub(crate) filter: FilterRule,
    /// Place after the last page.
    pub(crate) paging: PagingRule,
    /// Largest number of records in an answer short enough to be read.
    pub(crate) readable_page: usize,
}

impl Default for ObjectRules {
    fn default() -> Self {
        Self {
            matching: MatchingRule::Exact,
            filter: FilterRule::Obeyed,
            paging: PagingRule::Ends,
            readable_page: usize::MAX,
        }
    }
}

/// Comparison of external ids by the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchingRule {
    /// Byte for byte.
    Exact,
    /// Without regard to case.
    IgnoresCase,
}

/// Records in the answer of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterRule {
    /// The records with the external id.
    Obeyed,
    /// All records.
    Ignored,
}

/// Place after the last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PagingRule {
    /// None.
    Ends,
    /// The second page again.
    Circular,
}

/// Place of a page: after the record of this name and id.
pub(crate) type MemoryCursor = (String, u64);

/// Records of the service.
#[derive(Debug, Default)]
pub(super) struct ObjectCatalog {
    objects: Vec<MemoryObject>,
    rules: ObjectRules,
    /// New name of a record, before the given page is read.
    renaming: Option<(u64, ObjectRef, String)>,
    pages_read: u64,
}

impl ObjectCatalog {
    fn find(&self, is_wanted: impl Fn(&MemoryObject) -> bool) -> Option<&MemoryObject> {
        self.objects.iter().find(|one| is_wanted(one))
    }

    fn has_external_id(&self, object: &MemoryObject, external_id: &ObjectExternalId) -> bool {
        let (theirs, ours) = (object.external_id.as_deref(), external_id.as_str());
        match self.rules.matching {
            MatchingRule::Exact => theirs == Some(ours),
            MatchingRule::IgnoresCase => theirs.is_some_and(|text| text.eq_ignore_ascii_case(ours)),
        }
    }

    fn page(
        &mut self,
        kind: ObjectType,
        filter: Option<&ObjectExternalId>,
        cursor: Option<&MemoryCursor>,
        page_size: usize,
    ) -> Option<(Vec<MemoryObject>, Option<MemoryCursor>)> {
        self.pages_read += 1;
        if let Some((_, object, name)) = self.renaming.take_if(|(at, ..)| *at == self.pages_read) {
            let renamed = self.objects.iter_mut().find(|one| one.object == object);
            renamed.expect("the record exists").name = name;
        }
        let mut all: Vec<_> = self.objects.iter().collect();
        all.retain(|one| {
            let obeyed = filter.filter(|_| self.rules.filter == FilterRule::Obeyed);
            one.object.object_type() == kind
                && obeyed.is_none_or(|wanted| self.has_external_id(one, wanted))
        });
        all.sort_by_cached_key(|one| place(one));
        let after = |cursor: &MemoryCursor| all.partition_point(|one| place(one) <= *cursor);
        let begin = cursor.map_or(0, after);
        let page: Vec<MemoryObject> = all[begin..]
            .iter()
            .copied()
            .take(page_size)
            .cloned()
            .collect();
        if page.len() > self.rules.readable_page {
            return None;
        }
        let is_last = begin + page.len() == all.len();
        let next = match self.rules.paging {
            PagingRule::Circular if is_last => {
                all.get(page_size.wrapping_sub(1)).map(|one| place(one))
            }
            _ if is_last => None,
            _ => page.last().map(place),
        };
        Some((page, next))
    }
}

/// Returns the place of a record in its list: suppliers are listed by name, all others by id.
fn place(object: &MemoryObject) -> MemoryCursor {
    let id = object.object.id().to_string().parse().unwrap_or_default();
    match object.object.object_type() {
        ObjectType::SupplierCompany => (object.name.to_lowercase(), id),
        _ => (String::new(), id),
    }
}

impl AttachmentWorld {
    fn details(&self, object: &MemoryObject) -> ObjectDetails {
        ObjectDetails {
            object: object.object,
            external_id: match &object.external_id {
                Some(text) => Reported::from_own_text(text),
                None => Reported::Null,
            },
            state: Reported::from_own_text(object.state),
            attachments: match &object.linkage {
                LinkageRule::Attached => AttachmentLinkage::Listed(
                    self.ids_on(object.object)
                        .into_iter()
                        .map(attachment_id)
                        .collect(),
                ),
                LinkageRule::Fixed(linkage) => linkage.clone(),
            },
        }
    }

    fn look_up_object(
        &mut self,
        kind: RequestKind,
        now: Instant,
        is_wanted: impl Fn(&ObjectCatalog, &MemoryObject) -> bool,
    ) -> Option<ObjectDetails> {
        self.log_request(kind, None, now);
        let found = self
            .catalog
            .find(|object| is_wanted(&self.catalog, object))?;
        Some(self.details(found))
    }
}

impl MemoryAttachmentService {
    /// Adds records, without a request.
    pub(crate) fn add_objects(&self, objects: impl IntoIterator<Item = MemoryObject>) {
        self.0
            .with_world(|world, _| world.catalog.objects.extend(objects));
    }

    /// Changes the behaviour of lists, filters and paths.
    pub(crate) fn set_object_rules(&self, rules: ObjectRules) {
        self.0.with_world(|world, _| world.catalog.rules = rules);
    }

    /// Renames a record just before the given page of any list is read, counted from 1.
    pub(crate) fn rename_before_page(&self, page: u64, object: ObjectRef, name: &str) {
        self.0
            .with_world(|world, _| world.catalog.renaming = Some((page, object, name.to_owned())));
    }
}

impl ObjectApi for MemoryAttachmentService {
    type PageCursor = MemoryCursor;

    async fn get_object(&self, object: ObjectRef) -> Result<Option<ObjectDetails>, ApiFailure> {
        let kind = RequestKind::GetObject;
        let get = |world: &mut AttachmentWorld, now| {
            world.look_up_object(kind, now, |_, one| one.object == object)
        };
        self.0.read(kind, get).await
    }

    async fn get_object_by_external_id(
        &self,
        kind: ObjectType,
        external_id: &ObjectExternalId,
    ) -> Result<Option<ObjectDetails>, ApiFailure> {
        let operation = RequestKind::FindObject;
        let find = |world: &mut AttachmentWorld, now| {
            world.look_up_object(operation, now, |catalog, one| {
                one.object.object_type() == kind && catalog.has_external_id(one, external_id)
            })
        };
        self.0.read(operation, find).await
    }

    fn has_external_id_path(&self, kind: ObjectType) -> bool {
        kind != ObjectType::Event
    }

    async fn list_objects(
        &self,
        kind: ObjectType,
        filter: Option<&ObjectExternalId>,
        cursor: Option<&MemoryCursor>,
        page_size: usize,
    ) -> Result<ObjectPageAnswer<MemoryCursor>, ApiFailure> {
        let operation = match filter {
            Some(_) => RequestKind::FilterObjects,
            None => RequestKind::ListObjects,
        };
        let list = |world: &mut AttachmentWorld, now| {
            world.log_request(operation, None, now);
            let page = world.catalog.page(kind, filter, cursor, page_size);
            page.map_or(ObjectPageAnswer::TooLarge, |(objects, next)| {
                let objects = objects.iter().map(|one| world.details(one)).collect();
                let next = next.map_or(NextObjectPage::None, NextObjectPage::At);
                ObjectPageAnswer::Page(ObjectPage { objects, next })
            })
        };
        self.0.read(operation, list).await
    }
}
