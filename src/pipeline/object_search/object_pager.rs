//! Pages of a list of records, read in succession.

use std::collections::HashSet;

use crate::destination::{
    MAX_OBJECTS_PER_PAGE, NextObjectPage, ObjectApi, ObjectDetails, ObjectPageAnswer,
};
use crate::http::RequestRefusal;
use crate::model::{ObjectExternalId, ObjectType};
use crate::pipeline::request_sender::{RequestFailure, RequestOwner, RequestSender};

/// Reader of a list, page by page.
///
/// Guarantee: the reading ends, because no place of the list is visited twice.
pub(super) struct ObjectPager<'q, D: ObjectApi> {
    kind: ObjectType,
    filter: Option<&'q ObjectExternalId>,
    next: NextPage<D::PageCursor>,
    visited: HashSet<D::PageCursor>,
    page_size: usize,
}

/// Page to be read next.
enum NextPage<C> {
    /// The first page.
    First,
    /// The page at a place.
    At(C),
    /// A page that is not read. Holds the reason.
    NotRead(String),
    /// None: the last page was read.
    None,
}

impl<'q, D: ObjectApi> ObjectPager<'q, D> {
    /// Returns a pager at the first page of a list: all records of a type, or the records that a
    /// filter lets through.
    pub(super) fn new(kind: ObjectType, filter: Option<&'q ObjectExternalId>) -> Self {
        Self {
            kind,
            filter,
            next: NextPage::First,
            visited: HashSet::new(),
            page_size: MAX_OBJECTS_PER_PAGE,
        }
    }

    /// Returns true after the last page.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.next, NextPage::None)
    }

    /// Sends one request and returns the records in the answer. No records come where the page was
    /// too long to be read; the next request then asks for half as many records.
    pub(super) async fn read_on(
        &mut self,
        requests: &RequestSender<'_, D>,
        owner: RequestOwner,
    ) -> Result<Vec<ObjectDetails>, RequestFailure> {
        let cursor = match &self.next {
            NextPage::First => None,
            NextPage::At(cursor) => Some(cursor),
            NextPage::NotRead(why) => {
                return Err(RequestFailure::Refused(RequestRefusal::other(why.clone())));
            }
            NextPage::None => return Ok(Vec::new()),
        };
        let page_size = self.page_size;
        let answer = requests.list_objects(owner, self.kind, self.filter, cursor, page_size);
        match answer.await? {
            ObjectPageAnswer::TooLarge if self.page_size == 1 => {
                let why = format!("the answer about one {} alone is too long", self.kind);
                Err(RequestFailure::Refused(RequestRefusal::other(why)))
            }
            ObjectPageAnswer::TooLarge => {
                self.page_size /= 2;
                Ok(Vec::new())
            }
            ObjectPageAnswer::Page(page) => {
                self.next = match page.next {
                    NextObjectPage::None => NextPage::None,
                    NextObjectPage::At(next) if self.visited.insert(next.clone()) => {
                        NextPage::At(next)
                    }
                    NextObjectPage::At(_) => NextPage::NotRead(format!(
                        "the pages of the {} list go round in a circle",
                        self.kind
                    )),
                    NextObjectPage::NotFollowed(why) => NextPage::NotRead(why),
                };
                Ok(page.objects)
            }
        }
    }
}
