//! JSON of an attachment in an answer, with signed URLs, which only answers hold.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::attachment_record::AttachmentRecord;
use super::attachment_route::{ATTACHMENT_OBJECTS_BASE, ATTACHMENTS_BASE};
use super::attachment_settings::{AttachmentSettings, SizeWithoutBytes};
use crate::emulator::context::ServerContext;
use crate::emulator::storage::{StorageServer, StoredContent, object_path};

/// Required headers of an upload, with their values.
const UPLOAD_HEADERS: [(&str, &str); 4] = [
    ("Content-Type", "application/octet-stream"),
    ("x-amz-acl", "private"),
    ("x-amz-server-side-encryption", "AES256"),
    ("Content-Disposition", "attachment"),
];

/// View of attachments at one moment, `now`.
pub(super) struct AttachmentView<'a> {
    pub(super) context: &'a ServerContext,
    pub(super) storage: &'a StorageServer,
    pub(super) settings: &'a AttachmentSettings,
    pub(super) now: Timestamp,
}

impl AttachmentView<'_> {
    /// Attachment as GET returns it.
    pub(super) fn get_document(&self, record: &AttachmentRecord) -> Value {
        let mut data = self.patch_document(record);
        let attributes = &mut data["attributes"];
        attributes["file_name"] = json!(record.file_name);
        if let Some(content) = self.visible_content(record) {
            attributes["uploaded_at"] = json!(with_milliseconds(content.stored_at));
            attributes["uploaded_by"] = json!(record.uploaded_by);
            attributes["download_url"] = json!(self.signed_url(&Method::GET, record, &[]));
            attributes["download_url_expires_at"] = json!(with_milliseconds(self.url_expiry()));
        }
        let path = format!("{ATTACHMENTS_BASE}/attachments/{}", record.id);
        data["links"] = json!({ "self": self.context.url(&path) });
        data
    }

    /// Attachment as PATCH returns it. The vendor's examples leave out the file name.
    pub(super) fn patch_document(&self, record: &AttachmentRecord) -> Value {
        let content = self.visible_content(record);
        json!({
            "id": record.id.to_string(),
            "type": "attachments",
            "attributes": {
                "external_id": record.external_id,
                "title": record.title,
                "file_size": self.file_size(content),
            },
        })
    }

    /// Attachment with its upload URL and upload headers, as POST returns it, and PATCH with a file
    /// name.
    pub(super) fn upload_document(&self, record: &AttachmentRecord) -> Value {
        let mut data = self.patch_document(record);
        let headers: Vec<Value> = UPLOAD_HEADERS
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let url = self.signed_url(&Method::PUT, record, &UPLOAD_HEADERS);
        data["attributes"]["upload_url"] = json!(url);
        data["attributes"]["upload_headers"] = json!(headers);
        data
    }

    fn file_size(&self, content: Option<StoredContent>) -> Option<String> {
        match (content, self.settings.size_without_bytes) {
            (Some(content), _) => Some(content.size.to_string()),
            (None, SizeWithoutBytes::Null) => None,
            (None, SizeWithoutBytes::Zero) => Some("0".to_owned()),
        }
    }

    fn visible_content(&self, record: &AttachmentRecord) -> Option<StoredContent> {
        record.visible_content(self.now, self.settings.size_delay)
    }

    fn signed_url(
        &self,
        method: &Method,
        record: &AttachmentRecord,
        headers: &[(&str, &str)],
    ) -> String {
        let path = object_path(
            ATTACHMENT_OBJECTS_BASE,
            record.id,
            &record.key,
            &record.file_name,
        );
        self.storage
            .signed_url(method, &path, headers, self.url_expiry())
    }

    fn url_expiry(&self) -> Timestamp {
        let life = self.settings.url_lifetime;
        self.now.saturating_add(life).unwrap_or(Timestamp::MAX)
    }
}

/// Formats a point in time as the vendor does: UTC with milliseconds.
fn with_milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}
