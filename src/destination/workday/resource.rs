//! Attachment in an answer, parsed leniently: everything but the id may be missing, and the
//! vendor's own examples differ from the vendor's schema.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::destination::UploadTarget;
use crate::http::target::{TransferPolicy, TransferTarget};
use crate::http::{ApiFailure, UnsafeTargetError};
use crate::model::AttachmentId;

/// Attachment in an answer. Everything but the id may be missing.
#[derive(Debug, Deserialize)]
pub(super) struct WorkdayResource {
    id: Value,
    #[serde(default)]
    pub(super) attributes: WorkdayAttributes,
}

/// Attributes of an attachment in an answer. Any of them may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkdayAttributes {
    pub(super) external_id: NullableText,
    pub(super) title: NullableText,
    pub(super) file_name: NullableText,
    pub(super) uploaded_at: NullableText,
    download_url: Value,
    file_size: Value,
    upload_url: Option<String>,
    upload_headers: Option<Vec<UploadHeader>>,
}

/// JSON member which should be a text or null.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum NullableText {
    /// The member is missing.
    #[default]
    Missing,
    /// The member is null.
    Null,
    /// The member is a text.
    Text(String),
    /// The member is of another type.
    NotText,
}

impl<'de> Deserialize<'de> for NullableText {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(value)? {
            Value::Null => Self::Null,
            Value::String(text) => Self::Text(text),
            _ => Self::NotText,
        })
    }
}

/// Header to be sent with the bytes of an attachment.
#[derive(Debug, Deserialize)]
pub(super) struct UploadHeader {
    name: String,
    value: String,
}

impl WorkdayResource {
    pub(super) fn id(&self) -> Result<AttachmentId, ApiFailure> {
        AttachmentId::parse(&text_of(&self.id)).map_err(|_| unusable_answer("has no usable id"))
    }

    pub(super) fn stored_size(&self) -> Result<Option<u64>, ApiFailure> {
        // Only null and zero mean that no bytes are stored: for such a record the pipeline may
        // request a new address, which detaches stored bytes. Our files are never empty, and an
        // empty file of another client has no bytes to lose.
        if self.attributes.file_size.is_null() {
            return Ok(None);
        }
        let digits = text_of(&self.attributes.file_size);
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse() {
            Ok(0) if is_plain => Ok(None),
            Ok(size) if is_plain => Ok(Some(size)),
            _ => Err(unusable_answer("has a file_size that is no number")),
        }
    }

    pub(super) fn into_download_target(
        self,
        rules: &TransferPolicy,
    ) -> Result<TransferTarget, UnsafeTargetError> {
        let url = self.attributes.download_url.as_str();
        let url =
            url.ok_or_else(|| UnsafeTargetError("the answer names no download address".into()))?;
        TransferTarget::from_download_url(url, rules)
    }

    pub(super) fn into_upload_target(
        self,
        file_name: &str,
        rules: &TransferPolicy,
    ) -> UploadTarget<TransferTarget> {
        UploadTarget {
            file_name: file_name.to_owned(),
            target: self.into_target(rules),
        }
    }

    fn into_target(self, rules: &TransferPolicy) -> Result<TransferTarget, UnsafeTargetError> {
        let url = self
            .attributes
            .upload_url
            .ok_or_else(|| UnsafeTargetError("the answer names no upload address".into()))?;
        let headers: Vec<_> = self
            .attributes
            .upload_headers
            .unwrap_or_default()
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect();
        TransferTarget::from_upload_url(&url, &headers, rules)
    }
}

/// Returns a string or a number as text, and an empty text for any other value.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Takes the member `data` out of a document; null if the member is missing.
pub(super) fn take_data(mut body: Value) -> Value {
    body.get_mut("data").map(Value::take).unwrap_or_default()
}

pub(super) fn parse_resource(body: Value) -> Result<WorkdayResource, ApiFailure> {
    serde_json::from_value(take_data(body)).map_err(|_| unusable_answer("is no attachment"))
}

pub(super) fn parse_resources(body: Value) -> Result<Vec<WorkdayResource>, ApiFailure> {
    serde_json::from_value(take_data(body))
        .map_err(|_| unusable_answer("is no list of attachments"))
}

/// Failure for an answer which cannot be the service's own, whatever its status: nothing is known
/// after such an answer.
pub(super) fn unusable_answer(what: &str) -> ApiFailure {
    ApiFailure::Unanswered(format!("the answer {what}"))
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
            let found = parse_resource(
                json!({"data": {"id": id, "type": "attachments", "attributes": {"file_size": size}}}),
            );
            let found = found.unwrap();
            assert_eq!(found.id().unwrap().as_str(), "1");
            assert_eq!(found.stored_size(), Ok(expected));
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
            let read = parse_resource(body.clone())
                .and_then(|found| Ok((found.id()?, found.stored_size()?)));
            assert!(matches!(read, Err(ApiFailure::Unanswered(_))), "{body}");
        }
    }
}
