//! Interface of a service whose records can be read: contracts, events, projects, suppliers.
//!
//! The records are read to find the record of an external id, to count the states of records, and
//! to prove on which record an attachment hangs. Nothing here changes a record.

use std::fmt::Debug;
use std::hash::Hash;

use super::Destination;
use super::attachment_metadata::Reported;
use crate::http::ApiFailure;
use crate::model::{AttachmentId, ObjectExternalId, ObjectRef, ObjectType};

/// Largest number of records on a page of a list: "100 at most" in the vendor's documentation of
/// `page[size]`.
pub const MAX_OBJECTS_PER_PAGE: usize = 100;

/// Lengths at which a list of attachments may have been cut: page sizes of the vendor's lists, and
/// usual limits. No document says if long lists of attachments are cut.
pub const LENGTHS_OF_CUT_LISTS: [usize; 4] = [10, 25, 50, 100];

/// Record of the service, as an answer reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDetails {
    /// The record, with the service's own id.
    pub object: ObjectRef,
    /// Customer's own id of the record.
    pub external_id: Reported,
    /// State of the record, a word of the service.
    pub state: Reported,
    /// Attachments of the record.
    pub attachments: AttachmentLinkage,
}

/// Attachments of a record, as an answer reports them in `relationships.attachments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentLinkage {
    /// The answer lists these attachments. No document says if long lists are cut.
    Listed(Vec<AttachmentId>),
    /// The answer does not mention attachments, so nothing is known.
    NotReported,
    /// The answer mentions attachments in an unknown form, so nothing is known.
    Malformed,
    /// The service still copies attachments to the record, so the list is not complete yet.
    Copying,
}

impl AttachmentLinkage {
    /// True for a list of a length at which lists may have been cut.
    pub fn may_be_cut(&self) -> bool {
        matches!(self, Self::Listed(listed) if LENGTHS_OF_CUT_LISTS.contains(&listed.len()))
    }
}

/// Page of a list of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPage<C> {
    /// Records of the page, in the order of the answer.
    pub objects: Vec<ObjectDetails>,
    /// Place of the next page.
    pub next: NextObjectPage<C>,
}

/// Place of the page after a page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextObjectPage<C> {
    /// The page was the last one.
    None,
    /// The next page is at this place.
    At(C),
    /// The service names a next page, and the link must not be followed. Holds the reason.
    NotFollowed(String),
}

/// Answer to the request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectPageAnswer<C> {
    /// The page.
    Page(ObjectPage<C>),
    /// The answer is too long to be read: a smaller page is to be asked for.
    TooLarge,
}

/// Service whose records can be read.
pub trait ObjectApi: Destination {
    /// Place of a page in a list, as the service names the place.
    type PageCursor: Debug + Clone + Eq + Hash + Send + Sync;

    /// Reads a record by the service's own id; `None` if there is no such record.
    fn get_object(
        &self,
        object: ObjectRef,
    ) -> impl Future<Output = Result<Option<ObjectDetails>, ApiFailure>> + Send;

    /// Reads the record with an external id by a path; `None` if there is no such record. Only for
    /// types with such a path, and for ids that route everywhere.
    fn get_object_by_external_id(
        &self,
        kind: ObjectType,
        external_id: &ObjectExternalId,
    ) -> impl Future<Output = Result<Option<ObjectDetails>, ApiFailure>> + Send;

    /// True if records of a type have a path by external id.
    fn has_external_id_path(&self, kind: ObjectType) -> bool;

    /// Reads a page of the records of a type: all records, or with `filter` the records that the
    /// service takes for those with an external id. `cursor` is the place of the page; `None` for
    /// the first page. At most `page_size` records are on the page.
    fn list_objects(
        &self,
        kind: ObjectType,
        filter: Option<&ObjectExternalId>,
        cursor: Option<&Self::PageCursor>,
        page_size: usize,
    ) -> impl Future<Output = Result<ObjectPageAnswer<Self::PageCursor>, ApiFailure>> + Send;
}
