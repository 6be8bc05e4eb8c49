//! Attachment in an answer, parsed leniently: everything but the id may be missing, and the
//! vendor's own examples differ from the vendor's schema.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::destination::Place;
use crate::http::target::{Target, UploadRules};
use crate::http::{Failure, UnsafeTarget};
use crate::model::AttachmentId;

/// Attachment in an answer. Everything but the id may be missing.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    id: Value,
    #[serde(default)]
    pub(super) attributes: Attributes,
}

/// Attributes of an attachment in an answer. Any of them may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attributes {
    pub(super) external_id: Told,
    pub(super) title: Told,
    pub(super) file_name: Told,
    pub(super) uploaded_at: Told,
    download_url: Value,
    file_size: Value,
    upload_url: Option<String>,
    upload_headers: Option<Vec<Header>>,
}

/// JSON member which should be a text or null.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    /// The member is missing.
    #[default]
    No,
    /// The member is null.
    Null,
    /// The member is a text.
    Text(String),
    /// The member is of another type.
    Odd,
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(value)? {
            Value::Null => Self::Null,
            Value::String(text) => Self::Text(text),
            _ => Self::Odd,
        })
    }
}

/// Header to be sent with the bytes of an attachment.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    name: String,
    value: String,
}

impl Resource {
    pub(super) fn id(&self) -> Result<AttachmentId, Failure> {
        AttachmentId::parse(&text(&self.id)).map_err(|_| foreign("has no usable id"))
    }

    pub(super) fn size(&self) -> Result<Option<u64>, Failure> {
        // Only null and zero mean that no bytes are stored: for such a record the pipeline may
        // request a new address, which detaches stored bytes. Our files are never empty, and an
        // empty file of somebody else has no bytes to lose.
        if self.attributes.file_size.is_null() {
            return Ok(None);
        }
        let digits = text(&self.attributes.file_size);
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse() {
            Ok(0) if is_plain => Ok(None),
            Ok(size) if is_plain => Ok(Some(size)),
            _ => Err(foreign("has a file_size that is no number")),
        }
    }

    pub(super) fn download(self, rules: &UploadRules) -> Result<Target, UnsafeTarget> {
        let url = self.attributes.download_url.as_str();
        let url = url.ok_or_else(|| UnsafeTarget("the answer names no download address".into()))?;
        Target::of_download(url, rules)
    }

    pub(super) fn place(self, file_name: &str, rules: &UploadRules) -> Place<Target> {
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

/// Returns a string or a number as text, and an empty text for any other value.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Takes the member `data` out of a document; null if the member is missing.
fn data(mut body: Value) -> Value {
    body.get_mut("data").map(Value::take).unwrap_or_default()
}

pub(super) fn one(body: Value) -> Result<Resource, Failure> {
    serde_json::from_value(data(body)).map_err(|_| foreign("is no attachment"))
}

pub(super) fn many(body: Value) -> Result<Vec<Resource>, Failure> {
    serde_json::from_value(data(body)).map_err(|_| foreign("is no list of attachments"))
}

/// Failure for an answer which cannot be the service's own, whatever its status: nothing is known
/// after such an answer.
pub(super) fn foreign(what: &str) -> Failure {
    Failure::Unanswered(format!("the answer {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_and_sizes_are_read_in_each_form_that_the_vendor_shows() {
        for (id, size, expected) in [
            (json!("1"), json!("1023343"), Some(1_023_343)),
            (json!(1), json!(1_023_343), Some(1_023_343)),
            (json!(1), Value::Null, None),
            (json!(1), json!("0"), None),
            (json!(1), json!(0), None),
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
            let read = one(body.clone()).and_then(|found| Ok((found.id()?, found.size()?)));
            assert!(matches!(read, Err(Failure::Unanswered(_))), "{body}");
        }
    }
}
