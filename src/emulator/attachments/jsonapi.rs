//! JSON:API documents of the attachments API: parsed request bodies, and error documents.
//!
//! Members unknown to the specification are ignored; known members must be as the specification
//! says. No function here touches state.

use std::collections::BTreeMap;
use std::io;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::attachment_route::AttachmentIdentifier;
use crate::emulator::reply::WholeReply;
use crate::model::{MAX_TEXT_CHARS, ObjectRef, ObjectType};

/// Media type of every request and answer.
pub(super) const MEDIA_TYPE: &str = "application/vnd.api+json";

/// Problem with a request, which becomes a JSON:API error document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) struct JsonApiProblem {
    pub(super) status: StatusCode,
    detail: String,
    /// JSON pointer to the invalid value in the request's document; `None` for a problem of the
    /// whole request.
    pointer: Option<String>,
}

impl JsonApiProblem {
    /// Creates a problem of the request as a whole.
    pub(in crate::emulator) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            pointer: None,
        }
    }

    /// Creates the problem of an unacceptable value, with status 422.
    pub(super) fn invalid_value(pointer: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    /// Returns the problem with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Turns the problem into an answer with an error document.
    pub(in crate::emulator) fn into_reply(self) -> WholeReply {
        let title = match self.status {
            StatusCode::UNPROCESSABLE_ENTITY => "Validation Error",
            other => other.canonical_reason().unwrap_or("Error"),
        };
        let mut error = json!({
            "status": self.status.as_str(),
            "title": title,
            "detail": self.detail,
        });
        if let Some(pointer) = self.pointer {
            error["source"] = json!({ "pointer": pointer });
        }
        document(self.status, &json!({ "errors": [error] }))
    }
}

impl From<io::Error> for JsonApiProblem {
    /// Creates the problem of a failure of the emulator's own disk, with status 500.
    fn from(error: io::Error) -> Self {
        let detail = format!("the emulator cannot keep its state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

/// Creates an answer with a JSON:API document.
pub(in crate::emulator) fn document(status: StatusCode, document: &Value) -> WholeReply {
    WholeReply::new(status, MEDIA_TYPE, document.to_string().into_bytes())
}

/// Replaces the upload URL and adds upload headers, if the answer names an upload target.
pub(super) fn with_upload_target(
    reply: WholeReply,
    url: Option<&str>,
    headers: &BTreeMap<String, String>,
) -> WholeReply {
    let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    let attributes = &mut answer["data"]["attributes"];
    let Value::Array(named) = &mut attributes["upload_headers"] else {
        return reply;
    };
    let more = headers.iter();
    named.extend(more.map(|(name, value)| json!({ "name": name, "value": value })));
    if let Some(url) = url {
        attributes["upload_url"] = json!(url);
    }
    let body = answer.to_string().into_bytes();
    WholeReply { body, ..reply }
}

/// Attributes set by a request. An absent attribute is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AttachmentAttributes {
    pub(super) file_name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) external_id: Option<String>,
}

/// Parsed body of a POST, which creates an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CreateAttachmentBody {
    pub(super) file_name: String,
    pub(super) title: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) object: ObjectRef,
}

impl CreateAttachmentBody {
    /// Parses the body of a POST. Fails with the first problem found.
    pub(super) fn parse(body: &[u8]) -> Result<Self, JsonApiProblem> {
        let data = parse_data(body)?;
        let attributes = AttachmentAttributes::from_data(&data)?;
        let file_name = attributes.file_name.ok_or_else(|| {
            JsonApiProblem::invalid_value("/data/attributes/file_name", "file_name can't be blank")
        })?;
        Ok(Self {
            file_name,
            title: attributes.title,
            external_id: attributes.external_id,
            object: parse_object(&data)?,
        })
    }
}

impl AttachmentAttributes {
    /// Parses the body of a PATCH. Fails with 409 if the body names another attachment than the URL
    /// (`addressed`).
    pub(super) fn parse_update(
        body: &[u8],
        addressed: &AttachmentIdentifier,
    ) -> Result<Self, JsonApiProblem> {
        let data = parse_data(body)?;
        let named = data.get("id").is_some_and(|id| match (addressed, id) {
            (AttachmentIdentifier::Id(number), id) => parse_id(id) == Some(*number),
            (AttachmentIdentifier::ExternalId(text), Value::String(id)) => id == text,
            (AttachmentIdentifier::ExternalId(_), _) => false,
        });
        if !named {
            let detail = "Missing or invalid 'id' specified, expected the id in the URL";
            return Err(
                JsonApiProblem::invalid_value("/data/id", detail).with_status(StatusCode::CONFLICT)
            );
        }
        Self::from_data(&data)
    }

    /// Names of the attributes set by the request.
    pub(super) fn names(&self) -> Vec<String> {
        let all = [
            ("external_id", &self.external_id),
            ("file_name", &self.file_name),
            ("title", &self.title),
        ];
        let set = all.into_iter().filter(|(_, value)| value.is_some());
        set.map(|(name, _)| name.to_owned()).collect()
    }

    fn from_data(data: &Map<String, Value>) -> Result<Self, JsonApiProblem> {
        let empty = Map::new();
        let attributes = match data.get("attributes") {
            None => &empty,
            Some(Value::Object(attributes)) => attributes,
            Some(_) => {
                return Err(JsonApiProblem::invalid_value(
                    "/data/attributes",
                    "is not an object",
                ));
            }
        };
        Ok(Self {
            file_name: text_attribute(attributes, "file_name")?
                .map(check_file_name)
                .transpose()?,
            title: text_attribute(attributes, "title")?
                .map(|title| check_text("title", title))
                .transpose()?,
            external_id: text_attribute(attributes, "external_id")?
                .map(|id| check_text("external_id", id))
                .transpose()?,
        })
    }
}

/// Parses a document about an attachment and returns its `data` member.
fn parse_data(body: &[u8]) -> Result<Map<String, Value>, JsonApiProblem> {
    let document: Value = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is not JSON: {error}");
        JsonApiProblem::new(StatusCode::BAD_REQUEST, detail)
    })?;
    let data = match document {
        Value::Object(mut document) => document.remove("data"),
        _ => None,
    };
    let Some(Value::Object(data)) = data else {
        let detail = "the document has no `data` object";
        return Err(
            JsonApiProblem::invalid_value("/data", detail).with_status(StatusCode::BAD_REQUEST)
        );
    };
    if data.get("type").and_then(Value::as_str) != Some("attachments") {
        let detail = "Missing or invalid 'type' specified, expected 'attachments'";
        return Err(
            JsonApiProblem::invalid_value("/data/type", detail).with_status(StatusCode::CONFLICT)
        );
    }
    Ok(data)
}

fn text_attribute(
    attributes: &Map<String, Value>,
    name: &str,
) -> Result<Option<String>, JsonApiProblem> {
    match attributes.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JsonApiProblem::invalid_value(
            &format!("/data/attributes/{name}"),
            format!("{name} is not a string"),
        )),
    }
}

fn check_file_name(name: String) -> Result<String, JsonApiProblem> {
    let pointer = "/data/attributes/file_name";
    match name.as_str() {
        "" => Err(JsonApiProblem::invalid_value(
            pointer,
            "file_name can't be blank",
        )),
        // These names could not stand at the end of the upload URL: clients resolve them as
        // folders.
        "." | ".." => Err(JsonApiProblem::invalid_value(
            pointer,
            "file_name does not name a file",
        )),
        _ => Ok(name),
    }
}

fn check_text(name: &str, text: String) -> Result<String, JsonApiProblem> {
    let pointer = format!("/data/attributes/{name}");
    if text.chars().count() > MAX_TEXT_CHARS {
        let detail = format!("{name} is too long (maximum is {MAX_TEXT_CHARS} characters)");
        return Err(JsonApiProblem::invalid_value(&pointer, detail));
    }
    if name == "external_id" && text.is_empty() {
        // An empty external id could not be looked up: its path would have an empty segment.
        return Err(JsonApiProblem::invalid_value(
            &pointer,
            "external_id can't be blank",
        ));
    }
    Ok(text)
}

/// Parses the relationship to the object to which the attachment belongs.
fn parse_object(data: &Map<String, Value>) -> Result<ObjectRef, JsonApiProblem> {
    let relationships = data.get("relationships").and_then(Value::as_object);
    let mut known = RELATIONSHIPS.into_iter().filter_map(|(kind, type_name)| {
        let relationship = relationships?.get(kind.as_str())?;
        Some((kind, type_name, relationship))
    });
    let (Some((kind, expected, relationship)), None) = (known.next(), known.next()) else {
        let detail = "exactly one of contract, event, project, supplier_company is expected";
        return Err(JsonApiProblem::invalid_value("/data/relationships", detail));
    };
    let pointer = |member| format!("/data/relationships/{kind}/data/{member}");
    let data = &relationship["data"];
    if data["type"].as_str() != Some(expected) {
        let detail = format!("Missing or invalid 'type' specified, expected '{expected}'");
        return Err(JsonApiProblem::invalid_value(&pointer("type"), detail));
    }
    parse_id(&data["id"])
        .and_then(|id| ObjectRef::parse(kind, &id.to_string()).ok())
        .ok_or_else(|| {
            JsonApiProblem::invalid_value(&pointer("id"), "id is not a positive integer")
        })
}

/// Types of objects that may have attachments, each with the JSON:API type of its relationship.
const RELATIONSHIPS: [(ObjectType, &str); 4] = [
    (ObjectType::Contract, "contracts"),
    (ObjectType::Event, "events"),
    (ObjectType::Project, "projects"),
    (ObjectType::SupplierCompany, "supplier_companies"),
];

/// Parses an id. The specification's schema has a number, JSON:API a string of digits; both are
/// taken.
fn parse_id(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok()
        }
        _ => None,
    }
}
