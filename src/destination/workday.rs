//! Workday Strategic Sourcing Attachments 1.0, as its vendor documents it.
//!
//! What is documented, and what had to be assumed:
//! - an attachment's size is null until its bytes are there (assumed; the samples show null in the
//!   answers to POST and PATCH). A size that shows late is therefore taken for "not there yet";
//! - an `external_id` addresses one attachment of the company (documented as "unique identifier";
//!   whether it is enforced, and with which status a clash is answered, is not);
//! - the id of an object is sent as a number, as in every sample;
//! - answers may leave out what the schema requires, give ids as numbers or strings, and sizes as
//!   strings, numbers or null: all of these stand in the vendor's own examples.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    Created, Destination, Failure, Keeps, NewFile, NewRecord, Place, Presence, PutFailure, Receipt,
    UnsafeTarget,
};
use crate::http::api::{ApiClient, Dialect, KeyHeader, Method, Reply, Request};
use crate::http::target::{ApiHost, Target, UploadRules};
use crate::http::transfer::TransferClient;
use crate::http::{ClientError, Network};
use crate::model::{AttachmentId, Content, ExternalId, ObjectRef, ObjectType};
use crate::source::Source;

/// The service, over HTTP.
#[derive(Debug)]
pub struct Workday {
    api: ApiClient,
    transfer: TransferClient,
    rules: UploadRules,
}

impl Workday {
    /// The service at a base URL. The keys go there, and nowhere else.
    pub fn new(base: Url, keys: &[KeyHeader], network: &Network) -> Result<Self, ClientError> {
        let host = ApiHost::of(&base);
        Ok(Self {
            api: ApiClient::new(base, Dialect::JsonApi, keys, network)?,
            transfer: TransferClient::new(host, network)?,
            rules: UploadRules::new(host, network),
        })
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

    async fn change(
        &self,
        method: Method,
        path: &[&str],
        body: Value,
    ) -> Result<Resource, Failure> {
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
            Reply::Success(body) => one(body),
            Reply::NotFound => Err(Failure::Refused("status 404".into())),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
    }
}

impl Destination for Workday {
    type Target = Target;

    fn keeps(&self) -> Keeps {
        Keeps::Attachments
    }

    async fn find(&self, external_id: &ExternalId) -> Result<Presence<Target>, Failure> {
        let path = ["attachments", external_id.as_str(), "external_id"];
        let Some(found) = self.look_up(&path).await? else {
            return Ok(Presence::Absent);
        };
        match &found.attributes.external_id {
            Some(other) if other != external_id.as_str() => Ok(Presence::Mismatch {
                external_id: self.api.hide(other),
            }),
            _ => found.presence(),
        }
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence<Target>, Failure> {
        match self.look_up(&["attachments", id.as_str()]).await? {
            None => Ok(Presence::Absent),
            Some(found) if found.id()? != *id => Err(foreign("speaks of another attachment")),
            Some(found) => found.presence(),
        }
    }

    async fn create(&self, new: &NewRecord) -> Result<Created<Target>, Failure> {
        let [file] = new.files.as_slice() else {
            return Err(Failure::Refused("an attachment has just one file".into()));
        };
        let made = self
            .change(
                Method::POST,
                &["attachments"],
                create_body(new.object, file),
            )
            .await?;
        Ok(Created {
            id: made.id()?,
            places: vec![made.place(&file.file_name, &self.rules)],
        })
    }

    async fn renew(&self, id: &AttachmentId, file_name: &str) -> Result<Place<Target>, Failure> {
        let body = json!({"data": {
            "type": "attachments",
            "id": id.as_str(),
            "attributes": {"file_name": file_name},
        }});
        let renewed = self
            .change(Method::PATCH, &["attachments", id.as_str()], body)
            .await?;
        Ok(renewed.place(file_name, &self.rules))
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Presence<Target>>, Failure> {
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
            Reply::Success(body) => many(body)?
                .into_iter()
                .map(|found| Ok((found.id()?, found.presence()?)))
                .collect(),
            Reply::NotFound => Ok(HashMap::new()),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
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

/// The name of an object's type in `data.type`.
fn resource_type(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Contract => "contracts",
        ObjectType::Event => "events",
        ObjectType::Project => "projects",
        ObjectType::SupplierCompany => "supplier_companies",
        // Keelvar's. The service of a manifest is that of its rows, so none of these comes here;
        // one that did would be refused for a relationship that is not known.
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

/// An attachment in an answer. Everything but the id may be missing.
#[derive(Debug, Deserialize)]
struct Resource {
    id: Value,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    external_id: Option<String>,
    file_size: Value,
    upload_url: Option<String>,
    upload_headers: Option<Vec<Header>>,
}

#[derive(Debug, Deserialize)]
struct Header {
    name: String,
    value: String,
}

impl Resource {
    fn id(&self) -> Result<AttachmentId, Failure> {
        AttachmentId::parse(&text(&self.id)).map_err(|_| foreign("has no usable id"))
    }

    fn size(&self) -> Result<Option<u64>, Failure> {
        // Nothing but null means that no bytes are there: for such a record a new address may be
        // asked for, which detaches those that are.
        if self.attributes.file_size.is_null() {
            return Ok(None);
        }
        let digits = text(&self.attributes.file_size);
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse() {
            Ok(size) if is_plain => Ok(Some(size)),
            _ => Err(foreign("has a file_size that is no number")),
        }
    }

    fn presence(&self) -> Result<Presence<Target>, Failure> {
        let id = self.id()?;
        Ok(match self.size()? {
            Some(size) => Presence::Stored { id, size },
            None => Presence::Pending { id },
        })
    }

    fn place(self, file_name: &str, rules: &UploadRules) -> Place<Target> {
        Place {
            file_name: file_name.to_owned(),
            target: self.target(rules),
        }
    }

    fn target(self, rules: &UploadRules) -> Result<Target, UnsafeTarget> {
        let url = self
            .attributes
            .upload_url
            .ok_or_else(|| UnsafeTarget("the answer names no upload address".into()))?;
        let headers: Vec<_> = self
            .attributes
            .upload_headers
            .unwrap_or_default()
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect();
        Target::parse(&url, &headers, rules)
    }
}

/// A string or a number as text; empty for anything else.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The `data` of a document; null where there is none.
fn data(mut body: Value) -> Value {
    body.get_mut("data").map(Value::take).unwrap_or_default()
}

fn one(body: Value) -> Result<Resource, Failure> {
    serde_json::from_value(data(body)).map_err(|_| foreign("is no attachment"))
}

fn many(body: Value) -> Result<Vec<Resource>, Failure> {
    serde_json::from_value(data(body)).map_err(|_| foreign("is no list of attachments"))
}

/// An answer that cannot be the service's own, whatever its status says: nothing is known after it.
fn foreign(what: &str) -> Failure {
    Failure::Unanswered(format!("the answer {what}"))
}

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

    #[test]
    fn ids_and_sizes_are_read_in_each_form_that_the_vendor_shows() {
        for (id, size, expected) in [
            (json!("1"), json!("1023343"), Some(1_023_343)),
            (json!(1), json!(1_023_343), Some(1_023_343)),
            (json!(1), Value::Null, None),
        ] {
            let found = one(
                json!({"data": {"id": id, "type": "attachments", "attributes": {"file_size": size}}}),
            );
            let found = found.unwrap();
            assert_eq!(found.id().unwrap().as_str(), "1");
            assert_eq!(found.size(), Ok(expected));
        }
    }

    #[test]
    fn an_answer_that_is_no_attachment_proves_nothing() {
        for body in [
            json!({}),
            json!([]),
            json!({"data": null}),
            json!({"data": {"id": {}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": "many"}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": ""}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": []}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": false}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": "+5"}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": -5}}}),
            json!({"data": {"id": "1", "attributes": {"file_size": 5.0}}}),
        ] {
            let read = one(body.clone()).and_then(|found| found.presence());
            assert!(matches!(read, Err(Failure::Unanswered(_))), "{body}");
        }
    }
}
