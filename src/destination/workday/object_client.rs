//! Records of the sister services, read by [`WorkdayClient`].
//!
//! Facts, and where they come from:
//! - each type has a list with `page[size]` and `links.next`, and single records by id; all types
//!   but events have a path by external id (documented);
//! - `filter[external_id_equals]` takes one external id (documented); its comparison is not
//!   documented, so the pipeline compares the answers byte for byte;
//! - answers of lists show the attachments of records (by the vendor's examples).

use super::WorkdayClient;
use super::object_resource::{CheckedObject, parse_object, parse_object_page};
use super::object_services::{ObjectServices, service_name};
use super::resource::unusable_answer;
use crate::destination::{NextObjectPage, ObjectApi, ObjectDetails, ObjectPage, ObjectPageAnswer};
use crate::http::api::{ApiRequest, PageQuery, PageReply, RequestQuery, ServiceReply};
use crate::http::{ApiFailure, RequestRefusal};
use crate::model::{ObjectExternalId, ObjectRef, ObjectType, ProcurementService};

/// Parameter for the number of records on a page.
const PAGE_SIZE: &str = "page[size]";

/// Parameter for the records with an external id.
const EXTERNAL_ID_FILTER: &str = "filter[external_id_equals]";

impl WorkdayClient {
    fn object_services(&self) -> Result<&ObjectServices, ApiFailure> {
        let services = self.object_services.as_ref();
        services.map_err(|why| ApiFailure::NeverPossible(why.to_string()))
    }

    /// Reads the record at a path below the list of its type; `None` if the answer is a 404.
    async fn get_object_at(
        &self,
        kind: ObjectType,
        path: &[&str],
    ) -> Result<Option<ObjectDetails>, ApiFailure> {
        let list = self.object_services()?.list_path(kind);
        let request = ApiRequest {
            sister_path: Some(&list),
            ..ApiRequest::get(path)
        };
        let reply = self.api.send(request).await;
        match reply.map_err(|failure| name_service(failure, kind))? {
            ServiceReply::NotFound => Ok(None),
            ServiceReply::SlashRedirect => Err(unusable_answer("is a redirect")),
            ServiceReply::Success(body) => {
                let found = parse_object(body, kind)?;
                Ok(Some(self.object_details(found)))
            }
            ServiceReply::Refused(why) => Err(ApiFailure::Refused(why)),
        }
    }

    fn object_details(&self, found: CheckedObject) -> ObjectDetails {
        ObjectDetails {
            object: found.object,
            external_id: self.reported(&found.attributes.external_id),
            state: self.reported(&found.attributes.state),
            attachments: found.attachments,
        }
    }
}

impl ObjectApi for WorkdayClient {
    type PageCursor = PageQuery;

    async fn get_object(&self, object: ObjectRef) -> Result<Option<ObjectDetails>, ApiFailure> {
        let (kind, id) = (object.object_type(), object.id().to_string());
        match self.get_object_at(kind, &[&id]).await? {
            Some(found) if found.object != object => {
                Err(unusable_answer("speaks of another record"))
            }
            found => Ok(found),
        }
    }

    async fn get_object_by_external_id(
        &self,
        kind: ObjectType,
        external_id: &ObjectExternalId,
    ) -> Result<Option<ObjectDetails>, ApiFailure> {
        self.get_object_at(kind, &[external_id.as_str(), "external_id"])
            .await
    }

    fn has_external_id_path(&self, kind: ObjectType) -> bool {
        kind.service() == ProcurementService::Workday && kind != ObjectType::Event
    }

    async fn list_objects(
        &self,
        kind: ObjectType,
        filter: Option<&ObjectExternalId>,
        cursor: Option<&PageQuery>,
        page_size: usize,
    ) -> Result<ObjectPageAnswer<PageQuery>, ApiFailure> {
        let list = self.object_services()?.list_path(kind);
        let size = page_size.to_string();
        let mut parameters = vec![(PAGE_SIZE, size.as_str())];
        parameters.extend(filter.map(|id| (EXTERNAL_ID_FILTER, id.as_str())));
        let cursor = cursor.map(|cursor| cursor.with_at_most(PAGE_SIZE, page_size));
        let request = ApiRequest {
            sister_path: Some(&list),
            query: match &cursor {
                Some(cursor) => RequestQuery::Page(cursor),
                None => RequestQuery::Parameters(&parameters),
            },
            ..ApiRequest::get(&[])
        };
        let reply = self.api.send_for_page(request).await;
        let body = match reply.map_err(|failure| name_service(failure, kind))? {
            PageReply::TooLong => return Ok(ObjectPageAnswer::TooLarge),
            PageReply::Reply(ServiceReply::Success(body)) => body,
            PageReply::Reply(ServiceReply::NotFound) => return Err(list_not_found(kind)),
            PageReply::Reply(ServiceReply::SlashRedirect) => {
                return Err(unusable_answer("is a redirect"));
            }
            PageReply::Reply(ServiceReply::Refused(why)) => return Err(ApiFailure::Refused(why)),
        };
        let page = parse_object_page(body, kind)?;
        let next = match page.next.map(|link| self.api.page_query(&list, &link)) {
            None => NextObjectPage::None,
            Some(Ok(cursor)) => NextObjectPage::At(cursor),
            Some(Err(foreign)) => {
                NextObjectPage::NotFollowed(self.api.redact(&foreign.to_string()))
            }
        };
        let objects = page.objects.into_iter();
        Ok(ObjectPageAnswer::Page(ObjectPage {
            objects: objects.map(|one| self.object_details(one)).collect(),
            next,
        }))
    }
}

/// Names the service in a refusal of the keys, since keys may have rights for one service and not
/// for another.
fn name_service(failure: ApiFailure, kind: ObjectType) -> ApiFailure {
    match failure {
        ApiFailure::Denied(why) => ApiFailure::Denied(format!(
            "{why}, from the service of {}; do the keys have rights there?",
            service_name(kind)
        )),
        other => other,
    }
}

/// Failure for a list that is not there: the base is not beside the services of records.
fn list_not_found(kind: ObjectType) -> ApiFailure {
    ApiFailure::Refused(RequestRefusal::other(format!(
        "status 404: there is no list of {} beside the attachments",
        service_name(kind)
    )))
}

#[cfg(test)]
mod tests;
