//! Documents of the jobs API: parsed bodies of POSTs, and error documents.
//!
//! Undocumented members are ignored. No function here touches state.

use std::collections::{BTreeMap, HashSet};
use std::io;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::job::Kind;
use crate::emulator::reply::Reply;

/// Media type of every document.
pub(super) const MEDIA_TYPE: &str = "application/json";

/// Longest file name, in bytes.
const MAX_NAME: usize = 255;

/// Problem with a request, which becomes an error document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    /// Errors of the request as a whole.
    errors: Vec<String>,
    /// Errors of single members.
    fields: Vec<Wrong>,
}

/// Error of one member of the request's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Path of the member in dot notation.
    field: String,
    what: String,
}

impl Wrong {
    /// Creates the error of a member.
    pub(super) fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            what: what.into(),
        }
    }

    fn absent(field: &str) -> Self {
        Self::new(field, format!("This {field} is required."))
    }
}

impl Problem {
    /// Creates a problem of the request as a whole.
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![error.into()],
            fields: Vec::new(),
        }
    }

    /// Creates the problem of invalid members, with status 400.
    fn of_fields(fields: Vec<Wrong>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            errors: Vec::new(),
            fields,
        }
    }

    /// Adds the error of a member.
    pub(super) fn with_field(mut self, wrong: Wrong) -> Self {
        self.fields.push(wrong);
        self
    }

    /// Turns the problem into an answer with `errors` and `field_errors`.
    pub(super) fn reply(self) -> Reply {
        let mut told = Map::new();
        if !self.errors.is_empty() {
            told.insert("errors".to_owned(), json!(self.errors));
        }
        if !self.fields.is_empty() {
            let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for wrong in self.fields {
                fields.entry(wrong.field).or_default().push(wrong.what);
            }
            told.insert("field_errors".to_owned(), json!(fields));
        }
        document(self.status, &Value::Object(told))
    }
}

impl From<io::Error> for Problem {
    /// Creates the problem of a failure of the emulator's own disk, with status 500.
    fn from(error: io::Error) -> Self {
        let error = format!("the emulator cannot keep its state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

/// Creates an answer with a JSON document.
pub(super) fn document(status: StatusCode, document: &Value) -> Reply {
    Reply::new(status, MEDIA_TYPE, document.to_string().into_bytes())
}

/// Parsed body of a POST, which creates a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) object: Uuid,
    pub(super) user: String,
    pub(super) files: Vec<String>,
}

impl Creation {
    /// Parses the body of a POST. Fails with the errors of all members at once.
    pub(super) fn parse(kind: Kind, body: &[u8]) -> Result<Self, Problem> {
        let bad = |error| Problem::new(StatusCode::BAD_REQUEST, error);
        let document: Value = serde_json::from_slice(body)
            .map_err(|error| bad(format!("JSON parse error - {error}")))?;
        let Value::Object(members) = document else {
            return Err(bad("Invalid data. Expected an object.".to_owned()));
        };
        let object = object(&members, kind.object());
        let user = email(&members, kind.user());
        let files = files(&members);
        match (object, user, files) {
            (Ok(object), Ok(user), Ok(files)) => Ok(Self {
                object,
                user,
                files,
            }),
            (object, user, files) => {
                let members = object.err().into_iter().chain(user.err());
                let files = files.err().into_iter().flatten();
                Err(Problem::of_fields(members.chain(files).collect()))
            }
        }
    }
}

fn object(members: &Map<String, Value>, field: &str) -> Result<Uuid, Wrong> {
    text(members, field)?
        .parse()
        .map_err(|_| Wrong::new(field, "Must be a valid UUID."))
}

fn email(members: &Map<String, Value>, field: &str) -> Result<String, Wrong> {
    let text = text(members, field)?;
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err(Wrong::new(field, "Enter a valid email address.")),
    }
}

fn text<'a>(members: &'a Map<String, Value>, field: &str) -> Result<&'a str, Wrong> {
    match members.get(field) {
        None | Some(Value::Null) => Err(Wrong::absent(field)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Wrong::new(field, "Not a valid string.")),
    }
}

fn files(members: &Map<String, Value>) -> Result<Vec<String>, Vec<Wrong>> {
    let field = "files";
    let names = match members.get(field) {
        None | Some(Value::Null) => return Err(vec![Wrong::absent(field)]),
        Some(Value::Array(names)) if names.is_empty() => {
            return Err(vec![Wrong::new(field, "This list may not be empty.")]);
        }
        Some(Value::Array(names)) => names,
        Some(_) => return Err(vec![Wrong::new(field, "Expected a list of items.")]),
    };
    let mut seen = HashSet::new();
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for (name, place) in names.iter().zip(0..) {
        match file_name(name) {
            Ok(name) if seen.insert(name) => good.push(name.to_owned()),
            Ok(_) => wrong.push(Wrong::new(
                format!("{field}.{place}"),
                "This name is used twice.",
            )),
            Err(what) => wrong.push(Wrong::new(format!("{field}.{place}"), what)),
        }
    }
    if wrong.is_empty() {
        Ok(good)
    } else {
        Err(wrong)
    }
}

/// Checks that a name can stand at the end of an upload URL and beside other files on an object.
fn file_name(name: &Value) -> Result<&str, &'static str> {
    let Value::String(name) = name else {
        return Err("Not a valid string.");
    };
    match name.as_str() {
        "" => Err("This field may not be blank."),
        // Clients resolve these names as folders.
        "." | ".." => Err("This does not name a file."),
        name if name.contains(['/', '\\']) => Err("A file name must not contain a path."),
        name if name.len() > MAX_NAME => Err("Ensure this field has no more than 255 bytes."),
        name => Ok(name),
    }
}

/// Replaces the upload URL of each file in an answer with upload URLs.
pub(super) fn with_upload_target(reply: Reply, url: Option<&str>) -> Reply {
    let (Some(url), Ok(mut answer)) = (url, serde_json::from_slice::<Value>(&reply.body)) else {
        return reply;
    };
    let Some(files) = answer["detail"]["files"].as_array_mut() else {
        return reply;
    };
    for file in files
        .iter_mut()
        .filter(|file| file["upload_url"].is_string())
    {
        file["upload_url"] = json!(url);
    }
    let body = answer.to_string().into_bytes();
    Reply { body, ..reply }
}
