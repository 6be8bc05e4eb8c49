//! Client of Workday Strategic Sourcing Attachments 1.0.
//!
//! Facts, and where they come from:
//! - the size of an attachment is null or zero until its bytes are stored (assumed; the samples
//!   show null in the answers to POST and PATCH). A size which shows late is therefore taken for
//!   missing bytes;
//! - an `external_id` addresses one attachment of the company (documented as "unique identifier";
//!   not documented: its enforcement, and the status of the answer to a clash);
//! - the id of an object is sent as a number, as in every sample;
//! - an answer may leave out what the schema requires, give ids as numbers or strings, and sizes as
//!   strings, numbers or null: the vendor's own examples contain each of these forms.

mod resource;

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::io::AsyncWrite;
use url::Url;

use super::archive::{Exhibit, Original, Shown};
use super::{
    Amended, AttachmentApi, CreatedAttachment, Destination, FirstAnswer, Key, Names, NewAttachment,
    NewFile, NewNames, Place, Presence,
};
use crate::http::api::{ApiClient, Dialect, KeyHeader, Method, Reply, Request, Unproven};
use crate::http::target::{ApiHost, Target, UploadRules};
use crate::http::transfer::TransferClient;
use crate::http::{ClientError, Failure, FetchFailure, Fetched, Network, PutFailure, Receipt};
use crate::model::{AttachmentId, Content, ExternalId, ObjectRef, ObjectType};
use crate::source::Source;
use resource::{Resource, Told, foreign, many, one};

/// Client of the attachments API.
#[derive(Debug)]
pub struct Workday {
    api: ApiClient,
    transfer: TransferClient,
    rules: UploadRules,
}

impl Workday {
    /// Creates a client for a base URL. The keys are sent to this base and nowhere else.
    pub fn new(base: Url, keys: &[KeyHeader], network: &Network) -> Result<Self, ClientError> {
        let host = ApiHost::of(&base);
        Ok(Self {
            api: ApiClient::new(base, Dialect::JsonApi, keys, network)?,
            transfer: TransferClient::new(host, network)?,
            rules: UploadRules::new(host, network),
        })
    }

    /// Lists the attachments with these ids. Ids which the service leaves out are missing in the
    /// result.
    async fn listed(&self, ids: &[AttachmentId]) -> Result<Vec<Resource>, Failure> {
        let list: Vec<&str> = ids.iter().map(AttachmentId::as_str).collect();
        let reply = self
            .api
            .send(Request {
                method: Method::GET,
                path: &["attachments"],
                query: Some(("filter[id_equals]", &list.join(","))),
                body: None,
            })
            .await?;
        match reply {
            Reply::Success(body) => many(body),
            Reply::NotFound => Ok(Vec::new()),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
    }

    /// Reads the attachment with this id; `None` if the answer is a 404.
    async fn of_id(&self, id: &AttachmentId) -> Result<Option<Resource>, Failure> {
        match self.look_up(&["attachments", id.as_str()]).await? {
            Some(found) if found.id()? != *id => Err(foreign("speaks of another attachment")),
            found => Ok(found),
        }
    }

    async fn look_up(&self, path: &[&str]) -> Result<Option<Resource>, Failure> {
        let reply = self
            .api
            .send(Request {
                method: Method::GET,
                path,
                query: None,
                body: None,
            })
            .await?;
        match reply {
            Reply::NotFound => Ok(None),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Success(body) => one(body).map(Some),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
    }

    /// Reads the metadata of an attachment from an answer.
    fn exhibit(&self, found: &Resource) -> Result<Exhibit, Failure> {
        Ok(Exhibit {
            external_id: self.shown(&found.attributes.external_id),
            title: self.shown(&found.attributes.title),
            file_name: self.shown(&found.attributes.file_name),
            uploaded_at: self.shown(&found.attributes.uploaded_at),
            size: found.size()?,
        })
    }

    fn names(&self, found: &Resource) -> Names {
        Names {
            external_id: self.shown(&found.attributes.external_id),
            title: self.shown(&found.attributes.title),
        }
    }

    fn presence(&self, found: &Resource) -> Result<Presence, Failure> {
        let id = found.id()?;
        Ok(match found.size()? {
            Some(size) => Presence::Stored {
                id,
                size,
                names: self.names(found),
            },
            None => Presence::Pending { id },
        })
    }

    fn shown(&self, told: &Told) -> Shown {
        match told {
            Told::No | Told::Odd => Shown::NotTold,
            Told::Null => Shown::Nothing,
            Told::Text(value) => Shown::Text {
                value: value.clone(),
                words: self.api.hide(value),
            },
        }
    }

    /// Sends a POST or a PATCH. Returns the attachment in the answer; `None` if the answer is a
    /// 404.
    async fn change(
        &self,
        method: Method,
        path: &[&str],
        body: Value,
    ) -> Result<Option<Resource>, Failure> {
        let reply = self
            .api
            .send(Request {
                method,
                path,
                query: None,
                body: Some(body),
            })
            .await?;
        match reply {
            Reply::Success(body) => one(body).map(Some),
            Reply::NotFound => Ok(None),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
    }
}

impl Destination for Workday {
    type Target = Target;

    /// Lists one attachment: `known`, or else id `1`, which need not exist.
    async fn introduce(&self, known: Option<&AttachmentId>) -> Result<FirstAnswer, Failure> {
        let id = known.map_or("1", AttachmentId::as_str);
        let request = Request {
            method: Method::GET,
            path: &["attachments"],
            query: Some(("filter[id_equals]", id)),
            body: None,
        };
        Ok(first_answer(self.api.introduce(request).await?))
    }

    async fn put(
        &self,
        target: &Target,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        self.transfer.put(target, source, content, sent).await
    }
}

impl AttachmentApi for Workday {
    async fn find(&self, external_id: &ExternalId) -> Result<Presence, Failure> {
        let path = ["attachments", external_id.as_str(), "external_id"];
        let Some(found) = self.look_up(&path).await? else {
            return Ok(Presence::Absent);
        };
        match &found.attributes.external_id {
            Told::Text(other) if other != external_id.as_str() => Ok(Presence::Mismatch {
                external_id: self.api.hide(other),
            }),
            Told::Odd => Err(foreign("has an external_id that is no text")),
            Told::No | Told::Null | Told::Text(_) => self.presence(&found),
        }
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence, Failure> {
        let found = self.of_id(id).await?;
        found.map_or(Ok(Presence::Absent), |found| self.presence(&found))
    }

    async fn create(&self, new: &NewAttachment) -> Result<CreatedAttachment<Target>, Failure> {
        let made = self
            .change(
                Method::POST,
                &["attachments"],
                create_body(new.object, &new.file),
            )
            .await?
            .ok_or_else(|| no_such_object(new.object))?;
        Ok(CreatedAttachment {
            id: made.id()?,
            place: made.place(&new.file.file_name, &self.rules),
        })
    }

    async fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<Place<Target>, Failure> {
        let mut attributes = json!({"file_name": file_name});
        if let Some(title) = title {
            attributes["title"] = title.into();
        }
        let body = update_body(id.as_str(), &attributes);
        let renewed = self
            .change(Method::PATCH, &["attachments", id.as_str()], body)
            .await?
            .ok_or_else(gone)?;
        Ok(renewed.place(file_name, &self.rules))
    }

    async fn amend(&self, key: Key<'_>, names: &NewNames) -> Result<Amended, Failure> {
        let mut attributes = json!({});
        if let Some(title) = &names.title {
            attributes["title"] = title.as_str().into();
        }
        if let Some(external_id) = &names.external_id {
            attributes["external_id"] = external_id.as_str().into();
        }
        let path = match key {
            Key::Id(id) => &["attachments", id.as_str()][..],
            Key::ExternalId(id) => &["attachments", id.as_str(), "external_id"],
        };
        let body = update_body(path[1], &attributes);
        let amended = self.change(Method::PATCH, path, body).await?;
        let amended = amended.ok_or_else(gone)?;
        Ok(Amended {
            id: amended.id()?,
            names: self.names(&amended),
        })
    }

    async fn list(&self, ids: &[AttachmentId]) -> Result<HashMap<AttachmentId, Presence>, Failure> {
        let there = self.listed(ids).await?;
        let known = there.iter().map(|one| Ok((one.id()?, self.presence(one)?)));
        known.collect()
    }

    async fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Failure> {
        let there = self.listed(ids).await?;
        let known = there.iter().map(|one| Ok((one.id()?, self.exhibit(one)?)));
        known.collect()
    }

    async fn original(&self, id: &AttachmentId) -> Result<Option<Original<Target>>, Failure> {
        let Some(found) = self.of_id(id).await? else {
            return Ok(None);
        };
        Ok(Some(Original {
            exhibit: self.exhibit(&found)?,
            place: found.download(&self.rules),
        }))
    }

    async fn fetch(
        &self,
        place: &Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Fetched, FetchFailure> {
        self.transfer.fetch(place, most, into, received).await
    }
}

/// Judges the answer to the list of one attachment. Any JSON:API document proves the service: its
/// answer to an id which it does not accept is not documented.
fn first_answer(answer: Unproven) -> FirstAnswer {
    let body = answer.body.unwrap_or_default();
    match answer.status {
        200..=299 if body["data"].is_array() => FirstAnswer::Proven,
        200..=299 if body.is_object() => FirstAnswer::Foreign(format!(
            "{} and JSON that is no list of attachments",
            answer.words
        )),
        400 | 422 if body["errors"].is_array() => FirstAnswer::Proven,
        _ => FirstAnswer::Foreign(answer.words),
    }
}

/// Failure of an update whose attachment does not exist.
fn gone() -> Failure {
    Failure::Refused("status 404".into())
}

/// Failure of a creation with status 404: most likely the object does not exist.
fn no_such_object(object: ObjectRef) -> Failure {
    Failure::Refused(format!(
        "status 404: is there a {object}? An object_id is the id that the service's API has, not the \
         number that people see"
    ))
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
    let (kind, id) = (object.kind(), object.id());
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
mod answers;

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
