//! JSON of an attachment in an answer, with signed URLs, which only answers hold.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::Record;
use super::route::{ATTACHMENTS_BASE, UPLOADS_BASE};
use super::settings::{AttachmentSettings, EmptySizes};
use crate::emulator::context::ServerContext;
use crate::emulator::storage::{Content, StorageServer, object_path};

/// Required headers of an upload, with their values.
const UPLOAD_HEADERS: [(&str, &str); 4] = [
    ("Content-Type", "application/octet-stream"),
    ("x-amz-acl", "private"),
    ("x-amz-server-side-encryption", "AES256"),
    ("Content-Disposition", "attachment"),
];

/// View of attachments at one moment, `now`.
pub(super) struct View<'a> {
    pub(super) context: &'a ServerContext,
    pub(super) storage: &'a StorageServer,
    pub(super) settings: &'a AttachmentSettings,
    pub(super) now: Timestamp,
}

impl View<'_> {
    /// Attachment as GET shows it.
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
        let path = format!("{ATTACHMENTS_BASE}/attachments/{}", record.id);
        data["links"] = json!({ "self": self.context.url(&path) });
        data
    }

    /// Attachment as PATCH shows it. The vendor's examples leave out the file name.
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

    /// Attachment with its upload URL and upload headers, as POST shows it, and PATCH with a file
    /// name.
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
        match (content, self.settings.empty_sizes) {
            (Some(content), _) => Some(content.size.to_string()),
            (None, EmptySizes::Null) => None,
            (None, EmptySizes::Zero) => Some("0".to_owned()),
        }
    }

    fn content(&self, record: &Record) -> Option<Content> {
        record.shown_content(self.now, self.settings.size_delay)
    }

    fn signed_url(&self, method: &Method, record: &Record, headers: &[(&str, &str)]) -> String {
        let path = object_path(UPLOADS_BASE, record.id, &record.key, &record.file_name);
        self.storage
            .signed_url(method, &path, headers, self.url_end())
    }

    fn url_end(&self) -> Timestamp {
        let life = self.settings.url_life;
        self.now.saturating_add(life).unwrap_or(Timestamp::MAX)
    }
}

/// Formats a point in time as the vendor does: UTC with milliseconds.
fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}
