//! How an attachment looks in an answer, with the signed URLs that only answers hold.

use axum::http::Method;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::record::{Content, Record};
use super::route::{API_BASE, STORAGE_BASE};
use super::settings::EmptySizes;
use super::world::Shared;

/// The headers that an upload must carry, with their values.
const UPLOAD_HEADERS: [(&str, &str); 4] = [
    ("Content-Type", "application/octet-stream"),
    ("x-amz-acl", "private"),
    ("x-amz-server-side-encryption", "AES256"),
    ("Content-Disposition", "attachment"),
];

/// What RFC 3986 calls unreserved stays as it is, everything else is encoded.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Attachments as they look at a moment.
pub(super) struct View<'a> {
    pub(super) shared: &'a Shared,
    pub(super) now: Timestamp,
}

impl View<'_> {
    /// An attachment as GET shows it.
    pub(super) fn shown(&self, record: &Record) -> Value {
        let mut data = self.saved(record);
        let attributes = &mut data["attributes"];
        attributes["file_name"] = json!(record.file_name);
        if let Some(content) = self.content(record) {
            attributes["uploaded_at"] = json!(milliseconds(content.stored_at));
            attributes["uploaded_by"] = json!(record.uploaded_by);
            attributes["download_url"] = json!(self.signed_url(&Method::GET, record, &[]));
            attributes["download_url_expires_at"] = json!(milliseconds(self.url_end()));
        }
        let path = format!("{API_BASE}/attachments/{}", record.id);
        data["links"] = json!({ "self": self.shared.url(&path) });
        data
    }

    /// An attachment as PATCH shows it. The vendor's examples leave out the file name.
    pub(super) fn saved(&self, record: &Record) -> Value {
        let content = self.content(record);
        json!({
            "id": record.id.to_string(),
            "type": "attachments",
            "attributes": {
                "external_id": record.external_id,
                "title": record.title,
                "file_size": self.size(content),
            },
        })
    }

    /// An attachment as it is shown to whoever is to upload its bytes.
    pub(super) fn awaiting_bytes(&self, record: &Record) -> Value {
        let mut data = self.saved(record);
        let headers: Vec<Value> = UPLOAD_HEADERS
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let url = self.signed_url(&Method::PUT, record, &UPLOAD_HEADERS);
        data["attributes"]["upload_url"] = json!(url);
        data["attributes"]["upload_headers"] = json!(headers);
        data
    }

    fn size(&self, content: Option<Content>) -> Option<String> {
        match (content, self.shared.settings.empty_sizes) {
            (Some(content), _) => Some(content.size.to_string()),
            (None, EmptySizes::Null) => None,
            (None, EmptySizes::Zero) => Some("0".to_owned()),
        }
    }

    fn content(&self, record: &Record) -> Option<Content> {
        record.shown_content(self.now, self.shared.settings.size_delay)
    }

    fn signed_url(&self, method: &Method, record: &Record, headers: &[(&str, &str)]) -> String {
        let name = utf8_percent_encode(&record.file_name, SEGMENT);
        let path = format!("{STORAGE_BASE}/{}/{}/{name}", record.id, record.key);
        let signer = &self.shared.signer;
        let target = signer.sign(method, &path, headers, self.url_end());
        self.shared.url(&target)
    }

    fn url_end(&self) -> Timestamp {
        let life = self.shared.settings.url_life;
        self.now.saturating_add(life).unwrap_or(Timestamp::MAX)
    }
}

/// A point in time as the vendor writes it: UTC with milliseconds.
fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}
