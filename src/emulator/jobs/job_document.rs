//! Documents of the jobs API: parsed bodies of POSTs, and error documents.
//!
//! Undocumented members are ignored. No function here touches state.

use std::collections::{BTreeMap, HashSet};
use std::io;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::job_record::JobKind;
use crate::emulator::reply::WholeReply;

/// Media type of every document.
pub(super) const MEDIA_TYPE: &str = "application/json";

/// Longest file name, in bytes.
const MAX_FILE_NAME_BYTES: usize = 255;

/// Problem with a request, which becomes an error document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobsApiProblem {
    status: StatusCode,
    /// Errors of the request as a whole.
    errors: Vec<String>,
    /// Errors of single members.
    field_errors: Vec<JobFieldError>,
}

/// Error of one member of the request's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobFieldError {
    /// Path of the member in dot notation.
    field: String,
    message: String,
}

impl JobFieldError {
    /// Creates the error of a member.
    pub(super) fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: what.into(),
        }
    }

    fn required(field: &str) -> Self {
        Self::new(field, format!("This {field} is required."))
    }
}

impl JobsApiProblem {
    /// Creates a problem of the request as a whole.
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![error.into()],
            field_errors: Vec::new(),
        }
    }

    /// Creates the problem of invalid members, with status 400.
    fn from_field_errors(field_errors: Vec<JobFieldError>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            errors: Vec::new(),
            field_errors,
        }
    }

    /// Adds the error of a member.
    pub(super) fn with_field_error(mut self, wrong: JobFieldError) -> Self {
        self.field_errors.push(wrong);
        self
    }

    /// Turns the problem into an answer with `errors` and `field_errors`.
    pub(super) fn into_reply(self) -> WholeReply {
        let mut told = Map::new();
        if !self.errors.is_empty() {
            told.insert("errors".to_owned(), json!(self.errors));
        }
        if !self.field_errors.is_empty() {
            let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for wrong in self.field_errors {
                fields.entry(wrong.field).or_default().push(wrong.message);
            }
            told.insert("field_errors".to_owned(), json!(fields));
        }
        document(self.status, &Value::Object(told))
    }
}

impl From<io::Error> for JobsApiProblem {
    /// Creates the problem of a failure of the emulator's own disk, with status 500.
    fn from(error: io::Error) -> Self {
        let error = format!("the emulator cannot keep its state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

/// Creates an answer with a JSON document.
pub(super) fn document(status: StatusCode, document: &Value) -> WholeReply {
    WholeReply::new(status, MEDIA_TYPE, document.to_string().into_bytes())
}

/// Parsed body of a POST, which creates a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CreateJobBody {
    pub(super) object: Uuid,
    pub(super) user: String,
    pub(super) files: Vec<String>,
}

impl CreateJobBody {
    /// Parses the body of a POST. Fails with the errors of all members at once.
    pub(super) fn parse(kind: JobKind, body: &[u8]) -> Result<Self, JobsApiProblem> {
        let bad = |error| JobsApiProblem::new(StatusCode::BAD_REQUEST, error);
        let document: Value = serde_json::from_slice(body)
            .map_err(|error| bad(format!("JSON parse error - {error}")))?;
        let Value::Object(members) = document else {
            return Err(bad("Invalid data. Expected an object.".to_owned()));
        };
        let object = parse_object(&members, kind.object_member());
        let user = parse_email(&members, kind.user_member());
        let files = parse_files(&members);
        match (object, user, files) {
            (Ok(object), Ok(user), Ok(files)) => Ok(Self {
                object,
                user,
                files,
            }),
            (object, user, files) => {
                let members = object.err().into_iter().chain(user.err());
                let files = files.err().into_iter().flatten();
                Err(JobsApiProblem::from_field_errors(
                    members.chain(files).collect(),
                ))
            }
        }
    }
}

fn parse_object(members: &Map<String, Value>, field: &str) -> Result<Uuid, JobFieldError> {
    text_member(members, field)?
        .parse()
        .map_err(|_| JobFieldError::new(field, "Must be a valid UUID."))
}

fn parse_email(members: &Map<String, Value>, field: &str) -> Result<String, JobFieldError> {
    let text = text_member(members, field)?;
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err(JobFieldError::new(field, "Enter a valid email address.")),
    }
}

fn text_member<'a>(members: &'a Map<String, Value>, field: &str) -> Result<&'a str, JobFieldError> {
    match members.get(field) {
        None | Some(Value::Null) => Err(JobFieldError::required(field)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(JobFieldError::new(field, "Not a valid string.")),
    }
}

fn parse_files(members: &Map<String, Value>) -> Result<Vec<String>, Vec<JobFieldError>> {
    let field = "files";
    let names = match members.get(field) {
        None | Some(Value::Null) => return Err(vec![JobFieldError::required(field)]),
        Some(Value::Array(names)) if names.is_empty() => {
            return Err(vec![JobFieldError::new(
                field,
                "This list may not be empty.",
            )]);
        }
        Some(Value::Array(names)) => names,
        Some(_) => return Err(vec![JobFieldError::new(field, "Expected a list of items.")]),
    };
    let mut seen = HashSet::new();
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for (name, place) in names.iter().zip(0..) {
        match check_file_name(name) {
            Ok(name) if seen.insert(name) => good.push(name.to_owned()),
            Ok(_) => wrong.push(JobFieldError::new(
                format!("{field}.{place}"),
                "This name is used twice.",
            )),
            Err(what) => wrong.push(JobFieldError::new(format!("{field}.{place}"), what)),
        }
    }
    if wrong.is_empty() {
        Ok(good)
    } else {
        Err(wrong)
    }
}

/// Checks that a name can stand at the end of an upload URL and beside other files on an object.
fn check_file_name(name: &Value) -> Result<&str, &'static str> {
    let Value::String(name) = name else {
        return Err("Not a valid string.");
    };
    match name.as_str() {
        "" => Err("This field may not be blank."),
        // Clients resolve these names as folders.
        "." | ".." => Err("This does not name a file."),
        name if name.contains(['/', '\\']) => Err("A file name must not contain a path."),
        name if name.len() > MAX_FILE_NAME_BYTES => {
            Err("Ensure this field has no more than 255 bytes.")
        }
        name => Ok(name),
    }
}

/// Replaces the upload URL of each file in an answer with upload URLs.
pub(super) fn with_upload_target(reply: WholeReply, url: Option<&str>) -> WholeReply {
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
    WholeReply { body, ..reply }
}
