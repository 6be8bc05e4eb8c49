//! JSON of an object in an answer, with the attachments as the settings display them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::object_directory::{ObjectRecord, number};
use super::object_route::list_path;
use super::object_settings::{LinkageDisplay, ObjectSettings, PendingLinkage};
use crate::emulator::attachments::LinkedAttachment;
use crate::emulator::context::ServerContext;
use crate::model::ObjectType;

/// Distance of the visible `number` from the id.
// No contract has the number of another's id by chance, so that a client which takes the one for
// the other is found out.
const NUMBER_OFFSET: u64 = 5_000;

/// View of objects at one moment, `now`.
pub(super) struct ObjectView<'a> {
    pub(super) context: &'a ServerContext,
    pub(super) settings: &'a ObjectSettings,
    pub(super) now: Timestamp,
}

impl ObjectView<'_> {
    /// Object with its attachments.
    pub(super) fn item(
        &self,
        record: &ObjectRecord,
        attachments: &[LinkedAttachment],
        display: LinkageDisplay,
    ) -> Value {
        let (path, json_api_type) = list_path(record.object.object_type());
        let id = record.object.id().to_string();
        let mut relationships = Map::new();
        if let Some(linkage) = self.linkage(attachments, display) {
            relationships.insert("attachments".to_owned(), linkage);
        }
        json!({
            "type": json_api_type,
            "attributes": self.attributes(record),
            "relationships": relationships,
            "links": { "self": self.context.url(&format!("{path}/{id}")) },
            "id": id,
        })
    }

    fn attributes(&self, record: &ObjectRecord) -> Value {
        let mut attributes = json!({
            "external_id": record.external_id,
            "state": record.state,
        });
        let kind = record.object.object_type();
        let title = match kind {
            ObjectType::SupplierCompany => "name",
            _ => "title",
        };
        attributes[title] = json!(record.title);
        if matches!(kind, ObjectType::Contract | ObjectType::Project) {
            attributes["number"] = json!(number(record.object).saturating_add(NUMBER_OFFSET));
        }
        if kind == ObjectType::Event {
            let is_copy = self.settings.copying_events.contains(&record.object);
            attributes["duplication_state"] = json!(is_copy.then_some("started"));
        }
        if self.settings.padding_bytes > 0 {
            attributes["description"] = json!("x".repeat(self.settings.padding_bytes));
        }
        attributes
    }

    /// Member `attachments` of an object; `None` if the object has no such member.
    fn linkage(&self, attachments: &[LinkedAttachment], display: LinkageDisplay) -> Option<Value> {
        let limit = match display {
            LinkageDisplay::Short { limit } => limit,
            _ => usize::MAX,
        };
        let ids: Vec<Value> = attachments
            .iter()
            .filter(|attachment| self.is_shown(attachment, display))
            .take(limit)
            .map(|attachment| json!({ "id": attachment.id.to_string(), "type": "attachments" }))
            .collect();
        match display {
            LinkageDisplay::Absent => None,
            LinkageDisplay::Bare => Some(json!(ids)),
            LinkageDisplay::Malformed => Some(json!({ "data": { "count": ids.len() } })),
            LinkageDisplay::Reported
            | LinkageDisplay::Short { .. }
            | LinkageDisplay::Lagging { .. } => Some(json!({ "data": ids })),
        }
    }

    fn is_shown(&self, attachment: &LinkedAttachment, display: LinkageDisplay) -> bool {
        let is_old_enough = match display {
            LinkageDisplay::Lagging { lag } => attachment
                .created
                .checked_add(lag)
                .is_ok_and(|shown_from| shown_from <= self.now),
            _ => true,
        };
        is_old_enough
            && (attachment.has_bytes || self.settings.pending_linkage == PendingLinkage::Shown)
    }
}
