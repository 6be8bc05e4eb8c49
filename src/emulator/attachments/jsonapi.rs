//! The API's documents: what a request body must be, and how problems are told.
//!
//! Members that the specification does not know are passed over; those that it knows must be as it
//! says. Nothing here touches state.

use std::collections::BTreeMap;
use std::io;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::route::Name;
use crate::emulator::reply::Reply;
use crate::model::{MAX_TEXT, ObjectRef, ObjectType};

/// The media type of every request and answer.
pub(super) const MEDIA_TYPE: &str = "application/vnd.api+json";

/// What is wrong with a request, as the API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) struct Problem {
    pub(super) status: StatusCode,
    detail: String,
    /// The place in the request's document, as a JSON pointer.
    pointer: Option<String>,
}

impl Problem {
    /// A problem of the request as a whole.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            pointer: None,
        }
    }

    /// A value that is not acceptable.
    pub(super) fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    /// The same, with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The answer that tells it.
    pub(in crate::emulator) fn reply(self) -> Reply {
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

impl From<io::Error> for Problem {
    /// The emulator's own disk failed.
    fn from(error: io::Error) -> Self {
        let detail = format!("the emulator cannot keep its state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

/// An answer with a document.
pub(super) fn document(status: StatusCode, document: &Value) -> Reply {
    Reply::new(status, MEDIA_TYPE, document.to_string().into_bytes())
}

/// The answer with another place for the bytes in it, where it names one.
pub(super) fn with_upload_target(
    reply: Reply,
    url: Option<&str>,
    headers: &BTreeMap<String, String>,
) -> Reply {
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
    Reply { body, ..reply }
}

/// The attributes that a request may set; those that it does not set are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) file_name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) external_id: Option<String>,
}

/// What a POST asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) file_name: String,
    pub(super) title: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) object: ObjectRef,
}

impl Creation {
    /// Reads the body of a POST.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let data = data_of(body)?;
        let attributes = Attributes::of(&data)?;
        let file_name = attributes.file_name.ok_or_else(|| {
            Problem::invalid("/data/attributes/file_name", "file_name can't be blank")
        })?;
        Ok(Self {
            file_name,
            title: attributes.title,
            external_id: attributes.external_id,
            object: object_of(&data)?,
        })
    }
}

impl Attributes {
    /// Reads the body of a PATCH, which must name the attachment that its URL names.
    pub(super) fn parse_update(body: &[u8], addressed: &Name) -> Result<Self, Problem> {
        let data = data_of(body)?;
        let named = data.get("id").is_some_and(|id| match (addressed, id) {
            (Name::Id(number), id) => integer(id) == Some(*number),
            (Name::ExternalId(text), Value::String(id)) => id == text,
            (Name::ExternalId(_), _) => false,
        });
        if !named {
            let detail = "Missing or invalid 'id' specified, expected the one in the URL";
            return Err(Problem::invalid("/data/id", detail).with_status(StatusCode::CONFLICT));
        }
        Self::of(&data)
    }

    /// The names of those that are set.
    pub(super) fn names(&self) -> Vec<String> {
        let all = [
            ("external_id", &self.external_id),
            ("file_name", &self.file_name),
            ("title", &self.title),
        ];
        let set = all.into_iter().filter(|(_, value)| value.is_some());
        set.map(|(name, _)| name.to_owned()).collect()
    }

    fn of(data: &Map<String, Value>) -> Result<Self, Problem> {
        let empty = Map::new();
        let attributes = match data.get("attributes") {
            None => &empty,
            Some(Value::Object(attributes)) => attributes,
            Some(_) => return Err(Problem::invalid("/data/attributes", "is not an object")),
        };
        Ok(Self {
            file_name: text(attributes, "file_name")?
                .map(usable_as_file_name)
                .transpose()?,
            title: text(attributes, "title")?
                .map(|title| within_limit("title", title))
                .transpose()?,
            external_id: text(attributes, "external_id")?
                .map(|id| within_limit("external_id", id))
                .transpose()?,
        })
    }
}

/// The `data` member of a document that is about an attachment.
fn data_of(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let document: Value = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is not JSON: {error}");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })?;
    let data = match document {
        Value::Object(mut document) => document.remove("data"),
        _ => None,
    };
    let Some(Value::Object(data)) = data else {
        let detail = "the document has no `data` object";
        return Err(Problem::invalid("/data", detail).with_status(StatusCode::BAD_REQUEST));
    };
    if data.get("type").and_then(Value::as_str) != Some("attachments") {
        let detail = "Missing or invalid 'type' specified, expected 'attachments'";
        return Err(Problem::invalid("/data/type", detail).with_status(StatusCode::CONFLICT));
    }
    Ok(data)
}

fn text(attributes: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match attributes.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::invalid(
            &format!("/data/attributes/{name}"),
            format!("{name} is not a string"),
        )),
    }
}

fn usable_as_file_name(name: String) -> Result<String, Problem> {
    let pointer = "/data/attributes/file_name";
    match name.as_str() {
        "" => Err(Problem::invalid(pointer, "file_name can't be blank")),
        // They could not stand at the end of the upload URL: clients resolve them as folders.
        "." | ".." => Err(Problem::invalid(pointer, "file_name does not name a file")),
        _ => Ok(name),
    }
}

fn within_limit(name: &str, text: String) -> Result<String, Problem> {
    let pointer = format!("/data/attributes/{name}");
    if text.chars().count() > MAX_TEXT {
        let detail = format!("{name} is too long (maximum is {MAX_TEXT} characters)");
        return Err(Problem::invalid(&pointer, detail));
    }
    if name == "external_id" && text.is_empty() {
        // It could not be looked up: its path would have an empty segment.
        return Err(Problem::invalid(&pointer, "external_id can't be blank"));
    }
    Ok(text)
}

/// The one object that the attachment hangs on.
fn object_of(data: &Map<String, Value>) -> Result<ObjectRef, Problem> {
    let relationships = data.get("relationships").and_then(Value::as_object);
    let mut known = RELATIONSHIPS.into_iter().filter_map(|(kind, type_name)| {
        let relationship = relationships?.get(kind.as_str())?;
        Some((kind, type_name, relationship))
    });
    let (Some((kind, expected, relationship)), None) = (known.next(), known.next()) else {
        let detail = "exactly one of contract, event, project, supplier_company is expected";
        return Err(Problem::invalid("/data/relationships", detail));
    };
    let pointer = |member| format!("/data/relationships/{kind}/data/{member}");
    let data = &relationship["data"];
    if data["type"].as_str() != Some(expected) {
        let detail = format!("Missing or invalid 'type' specified, expected '{expected}'");
        return Err(Problem::invalid(&pointer("type"), detail));
    }
    integer(&data["id"])
        .and_then(|id| ObjectRef::parse(kind, &id.to_string()).ok())
        .ok_or_else(|| Problem::invalid(&pointer("id"), "id is not a positive integer"))
}

/// What an attachment may hang on, and the JSON:API type to which the relationship leads.
const RELATIONSHIPS: [(ObjectType, &str); 4] = [
    (ObjectType::Contract, "contracts"),
    (ObjectType::Event, "events"),
    (ObjectType::Project, "projects"),
    (ObjectType::SupplierCompany, "supplier_companies"),
];

/// An id: the specification's schema says a number, JSON:API a string of digits.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok()
        }
        _ => None,
    }
}
