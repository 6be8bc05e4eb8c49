//! Client of Workday Strategic Sourcing: Attachments 1.0, and the sister services with the records
//! (`object_client`, `object_services`, `object_resource`).
//!
//! Facts, and where they come from:
//! - the size of an attachment is null or zero until its bytes are stored (assumed; the samples
//!   show null in the answers to POST and PATCH). A size which is reported late is therefore taken
//!   for missing bytes;
//! - an `external_id` addresses one attachment of the company (documented as "unique identifier";
//!   not documented: its enforcement, and the status of the answer to a clash);
//! - the id of an object is sent as a number, as in every sample;
//! - an answer may leave out what the schema requires, give ids as numbers or strings, and sizes as
//!   strings, numbers or null: the vendor's own examples contain each of these forms.

mod object_client;
mod object_resource;
mod object_services;
mod resource;

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::io::AsyncWrite;
use url::Url;

use super::attachment_metadata::{AttachmentDownload, AttachmentMetadata, Reported};
use super::{
    AttachmentApi, AttachmentNames, AttachmentPresence, AttachmentSelector, CreatedAttachment,
    Destination, MadeNames, NameUpdate, NewAttachment, NewFile, ProbeOutcome, UpdatedAttachment,
    UploadTarget,
};
use crate::http::api::{
    ApiClient, ApiDialect, ApiRequest, KeyHeader, Method, ProbeAnswer, RequestQuery, ServiceReply,
};
use crate::http::target::{ApiLocation, TransferPolicy, TransferTarget};
use crate::http::transfer::TransferClient;
use crate::http::{
    ApiFailure, FetchFailure, FetchedContent, HttpClientError, NetworkConfig, PutFailure,
    PutReceipt, RequestRefusal,
};
use crate::model::{AttachmentId, CheckedContent, ExternalId, ObjectRef, ObjectType};
use crate::upload_source::UploadSource;
pub use object_services::{NoObjectServices, ObjectServices};
use resource::{NullableText, WorkdayResource, parse_resource, parse_resources, unusable_answer};

/// Client of the attachments API.
#[derive(Debug)]
pub struct WorkdayClient {
    api: ApiClient,
    transfer: TransferClient,
    rules: TransferPolicy,
    /// Services of the records, where the base URL shows their place.
    object_services: Result<ObjectServices, NoObjectServices>,
}

impl WorkdayClient {
    /// Creates a client for a base URL. The keys are sent to this base and to the services of
    /// records beside the base, all on the same scheme, host and port, and nowhere else.
    pub fn new(
        base: Url,
        keys: &[KeyHeader],
        network: &NetworkConfig,
    ) -> Result<Self, HttpClientError> {
        let host = ApiLocation::from_base_url(&base);
        Ok(Self {
            object_services: ObjectServices::beside(&base),
            api: ApiClient::new(base, ApiDialect::JsonApi, keys, network)?,
            transfer: TransferClient::new(host, network)?,
            rules: TransferPolicy::new(host, network),
        })
    }

    /// Lists the attachments with these ids. Ids which the service leaves out are missing in the
    /// result.
    async fn list_resources(
        &self,
        ids: &[AttachmentId],
    ) -> Result<Vec<WorkdayResource>, ApiFailure> {
        let list: Vec<&str> = ids.iter().map(AttachmentId::as_str).collect();
        let reply = self
            .api
            .send(ApiRequest {
                query: RequestQuery::Parameters(&[("filter[id_equals]", &list.join(","))]),
                ..ApiRequest::get(&["attachments"])
            })
            .await?;
        match reply {
            ServiceReply::Success(body) => parse_resources(body),
            ServiceReply::NotFound => Ok(Vec::new()),
            ServiceReply::SlashRedirect => Err(unusable_answer("is a redirect")),
            ServiceReply::Refused(refusal) => Err(ApiFailure::Refused(refusal)),
        }
    }

    /// Reads the attachment with this id; `None` if the answer is a 404.
    async fn get_resource(&self, id: &AttachmentId) -> Result<Option<WorkdayResource>, ApiFailure> {
        match self.get_resource_at(&["attachments", id.as_str()]).await? {
            Some(found) if found.id()? != *id => {
                Err(unusable_answer("speaks of another attachment"))
            }
            found => Ok(found),
        }
    }

    async fn get_resource_at(&self, path: &[&str]) -> Result<Option<WorkdayResource>, ApiFailure> {
        let reply = self.api.send(ApiRequest::get(path)).await?;
        match reply {
            ServiceReply::NotFound => Ok(None),
            ServiceReply::SlashRedirect => Err(unusable_answer("is a redirect")),
            ServiceReply::Success(body) => parse_resource(body).map(Some),
            ServiceReply::Refused(refusal) => Err(ApiFailure::Refused(refusal)),
        }
    }

    /// Reads the metadata of an attachment from an answer.
    fn metadata(&self, found: &WorkdayResource) -> Result<AttachmentMetadata, ApiFailure> {
        Ok(AttachmentMetadata {
            external_id: self.reported(&found.attributes.external_id),
            title: self.reported(&found.attributes.title),
            file_name: self.reported(&found.attributes.file_name),
            uploaded_at: self.reported(&found.attributes.uploaded_at),
            size: found.stored_size()?,
        })
    }

    fn names(&self, found: &WorkdayResource) -> AttachmentNames {
        AttachmentNames {
            external_id: self.reported(&found.attributes.external_id),
            title: self.reported(&found.attributes.title),
        }
    }

    fn presence(&self, found: &WorkdayResource) -> Result<AttachmentPresence, ApiFailure> {
        let id = found.id()?;
        Ok(match found.stored_size()? {
            Some(size) => AttachmentPresence::Stored {
                id,
                size,
                names: self.names(found),
            },
            None => AttachmentPresence::Pending {
                id,
                made_as: MadeNames {
                    file_name: self.reported(&found.attributes.file_name),
                    title: self.reported(&found.attributes.title),
                },
            },
        })
    }

    fn reported(&self, told: &NullableText) -> Reported {
        match told {
            NullableText::Missing | NullableText::NotText => Reported::NotReported,
            NullableText::Null => Reported::Null,
            NullableText::Text(value) => Reported::Text {
                value: value.clone(),
                redacted: self.api.redact(value),
            },
        }
    }

    /// Sends a POST or a PATCH. Returns the attachment in the answer; `None` if the answer is a
    /// 404.
    async fn send_change(
        &self,
        method: Method,
        path: &[&str],
        body: Value,
    ) -> Result<Option<WorkdayResource>, ApiFailure> {
        let reply = self
            .api
            .send(ApiRequest {
                method,
                body: Some(body),
                ..ApiRequest::get(path)
            })
            .await?;
        match reply {
            ServiceReply::Success(body) => parse_resource(body).map(Some),
            ServiceReply::NotFound => Ok(None),
            ServiceReply::SlashRedirect => Err(unusable_answer("is a redirect")),
            ServiceReply::Refused(refusal) => Err(ApiFailure::Refused(refusal)),
        }
    }
}

impl Destination for WorkdayClient {
    type Target = TransferTarget;

    /// Lists one attachment: `known`, or else id `1`, which need not exist.
    async fn probe(&self, known: Option<&AttachmentId>) -> Result<ProbeOutcome, ApiFailure> {
        let id = known.map_or("1", AttachmentId::as_str);
        let request = ApiRequest {
            query: RequestQuery::Parameters(&[("filter[id_equals]", id)]),
            ..ApiRequest::get(&["attachments"])
        };
        Ok(judge_probe(self.api.probe(request).await?))
    }

    async fn put_file(
        &self,
        target: &TransferTarget,
        source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        self.transfer.put(target, source, content, sent).await
    }
}

impl AttachmentApi for WorkdayClient {
    async fn get_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> Result<AttachmentPresence, ApiFailure> {
        let path = ["attachments", external_id.as_str(), "external_id"];
        let Some(found) = self.get_resource_at(&path).await? else {
            return Ok(AttachmentPresence::Absent);
        };
        match &found.attributes.external_id {
            NullableText::Text(other) if other != external_id.as_str() => {
                Ok(AttachmentPresence::Mismatch {
                    external_id: self.api.redact(other),
                })
            }
            NullableText::NotText => Err(unusable_answer("has an external_id that is no text")),
            NullableText::Missing | NullableText::Null | NullableText::Text(_) => {
                self.presence(&found)
            }
        }
    }

    async fn get_by_id(&self, id: &AttachmentId) -> Result<AttachmentPresence, ApiFailure> {
        let found = self.get_resource(id).await?;
        found.map_or(Ok(AttachmentPresence::Absent), |found| {
            self.presence(&found)
        })
    }

    async fn create(
        &self,
        new: &NewAttachment,
    ) -> Result<CreatedAttachment<TransferTarget>, ApiFailure> {
        let made = self
            .send_change(
                Method::POST,
                &["attachments"],
                create_body(new.object, &new.file),
            )
            .await?
            .ok_or_else(|| object_not_found(new.object))?;
        Ok(CreatedAttachment {
            id: made.id()?,
            upload_target: made.into_upload_target(&new.file.file_name, &self.rules),
        })
    }

    async fn renew_upload_target(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<UploadTarget<TransferTarget>, ApiFailure> {
        let mut attributes = json!({"file_name": file_name});
        if let Some(title) = title {
            attributes["title"] = title.into();
        }
        let body = update_body(id.as_str(), &attributes);
        let renewed = self
            .send_change(Method::PATCH, &["attachments", id.as_str()], body)
            .await?
            .ok_or_else(attachment_not_found)?;
        Ok(renewed.into_upload_target(file_name, &self.rules))
    }

    async fn update_names(
        &self,
        key: AttachmentSelector<'_>,
        names: &NameUpdate,
    ) -> Result<UpdatedAttachment, ApiFailure> {
        let mut attributes = json!({});
        if let Some(title) = &names.title {
            attributes["title"] = title.as_str().into();
        }
        if let Some(external_id) = &names.external_id {
            attributes["external_id"] = external_id.as_str().into();
        }
        let path = match key {
            AttachmentSelector::Id(id) => &["attachments", id.as_str()][..],
            AttachmentSelector::ExternalId(id) => &["attachments", id.as_str(), "external_id"],
        };
        let body = update_body(path[1], &attributes);
        let amended = self.send_change(Method::PATCH, path, body).await?;
        let amended = amended.ok_or_else(attachment_not_found)?;
        Ok(UpdatedAttachment {
            id: amended.id()?,
            names: self.names(&amended),
        })
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure> {
        let there = self.list_resources(ids).await?;
        let known = there.iter().map(|one| Ok((one.id()?, self.presence(one)?)));
        known.collect()
    }

    async fn list_metadata(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure> {
        let there = self.list_resources(ids).await?;
        let known = there.iter().map(|one| Ok((one.id()?, self.metadata(one)?)));
        known.collect()
    }

    async fn get_download(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<TransferTarget>>, ApiFailure> {
        let Some(found) = self.get_resource(id).await? else {
            return Ok(None);
        };
        Ok(Some(AttachmentDownload {
            metadata: self.metadata(&found)?,
            download_target: found.into_download_target(&self.rules),
        }))
    }

    async fn download(
        &self,
        place: &TransferTarget,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        self.transfer.fetch(place, most, into, received).await
    }
}

/// Judges the answer to the list of one attachment. Any JSON:API document proves the service: its
/// answer to an id which it does not accept is not documented.
fn judge_probe(answer: ProbeAnswer) -> ProbeOutcome {
    let body = answer.body.unwrap_or_default();
    match answer.status {
        200..=299 if body["data"].is_array() => ProbeOutcome::Proven,
        200..=299 if body.is_object() => ProbeOutcome::NotTheService(format!(
            "{} and JSON that is no list of attachments",
            answer.description
        )),
        400 | 422 if body["errors"].is_array() => ProbeOutcome::Proven,
        _ => ProbeOutcome::NotTheService(answer.description),
    }
}

/// Failure of an update whose attachment does not exist.
fn attachment_not_found() -> ApiFailure {
    ApiFailure::Refused(RequestRefusal::other("status 404"))
}

/// Failure of a creation with status 404: most likely the object does not exist.
fn object_not_found(object: ObjectRef) -> ApiFailure {
    ApiFailure::Refused(RequestRefusal::other(format!(
        "status 404: is there a {object}? An object_id is the id that the service's API has, not the \
         number that people see"
    )))
}

/// Type of an object in `data.type`.
fn resource_type(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Contract => "contracts",
        ObjectType::Event => "events",
        ObjectType::Project => "projects",
        ObjectType::SupplierCompany => "supplier_companies",
        // Keelvar's types. The service of a manifest is the service of its rows, so neither of
        // these gets here. If one did, the service would refuse the unknown relationship.
        ObjectType::SourcingEvent => "sourcing_events",
        ObjectType::SourcingRequest => "sourcing_requests",
    }
}

fn create_body(object: ObjectRef, file: &NewFile) -> Value {
    let (kind, id) = (object.object_type(), object.id());
    let mut body = json!({"data": {
        "type": "attachments",
        "attributes": {
            "external_id": file.external_id.as_str(),
            "file_name": file.file_name,
        },
        "relationships": {
            kind.as_str(): {"data": {"type": resource_type(kind), "id": id}},
        },
    }});
    if let Some(title) = &file.title {
        body["data"]["attributes"]["title"] = title.as_str().into();
    }
    body
}

/// Body of an update. Repeats the id in the URL, be it the service's own or the external id.
fn update_body(id: &str, attributes: &Value) -> Value {
    json!({"data": {"type": "attachments", "id": id, "attributes": attributes}})
}

#[cfg(test)]
mod answer_tests;

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectRef;

    #[test]
    fn a_record_is_asked_for_as_the_vendor_documents_it() {
        let object = ObjectRef::parse(ObjectType::SupplierCompany, "1").unwrap();
        let file = NewFile {
            external_id: ExternalId::parse("AT1").unwrap(),
            file_name: "Some Test File.pdf".into(),
            title: Some("My Test Document".into()),
        };
        assert_eq!(
            create_body(object, &file),
            json!({"data": {"type": "attachments",
                "attributes": {"external_id": "AT1", "title": "My Test Document", "file_name": "Some Test File.pdf"},
                "relationships": {"supplier_company": {"data": {"id": 1, "type": "supplier_companies"}}}}})
        );
        let untitled = create_body(
            object,
            &NewFile {
                title: None,
                ..file
            },
        );
        assert_eq!(untitled["data"]["attributes"].get("title"), None);
    }
}
