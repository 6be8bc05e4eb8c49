//! Record in an answer of a sister service, parsed leniently: everything but type and id may be
//! missing.

use serde::Deserialize;
use serde_json::Value;

use super::resource::{NullableText, take_data, text_of, unusable_answer};
use crate::destination::AttachmentLinkage;
use crate::http::ApiFailure;
use crate::model::{AttachmentId, ObjectRef, ObjectType};

/// Value of `duplication_state` after which no attachments are copied to an event any more.
const DUPLICATION_FINISHED: &str = "finished";

/// Record in an answer.
#[derive(Debug, Deserialize)]
pub(super) struct ObjectResource {
    #[serde(rename = "type", default)]
    resource_type: Value,
    id: Value,
    attributes: Option<ObjectAttributes>,
    #[serde(default)]
    relationships: Value,
}

/// Attributes of a record in an answer. Any of them may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ObjectAttributes {
    pub(super) external_id: NullableText,
    pub(super) state: NullableText,
    duplication_state: NullableText,
}

/// Record in an answer whose type and id were checked.
#[derive(Debug)]
pub(super) struct CheckedObject {
    pub(super) object: ObjectRef,
    pub(super) attributes: ObjectAttributes,
    pub(super) attachments: AttachmentLinkage,
}

/// Page of records in an answer.
#[derive(Debug)]
pub(super) struct ObjectPageBody {
    pub(super) objects: Vec<CheckedObject>,
    /// Link to the next page, not yet checked.
    pub(super) next: Option<String>,
}

impl ObjectResource {
    fn check(self, kind: ObjectType) -> Result<CheckedObject, ApiFailure> {
        let expected = super::resource_type(kind);
        if self.resource_type.as_str() != Some(expected) {
            let what = format!("has a record whose type is not {expected}");
            return Err(unusable_answer(&what));
        }
        let object = ObjectRef::parse(kind, &text_of(&self.id))
            .map_err(|_| unusable_answer("has a record without a usable id"))?;
        let attributes = self.attributes.unwrap_or_default();
        let attachments = match &attributes.duplication_state {
            NullableText::Missing | NullableText::Null => parse_linkage(&self.relationships),
            NullableText::Text(state) if state == DUPLICATION_FINISHED => {
                parse_linkage(&self.relationships)
            }
            NullableText::Text(_) | NullableText::NotText => AttachmentLinkage::Copying,
        };
        Ok(CheckedObject {
            object,
            attributes,
            attachments,
        })
    }
}

/// Returns the attachments in `relationships`. The schema of the vendor has a bare array of links,
/// nearly every example an object with `data`; both are accepted.
fn parse_linkage(relationships: &Value) -> AttachmentLinkage {
    let links = match relationships.get("attachments") {
        None => return AttachmentLinkage::NotReported,
        Some(Value::Object(relationship)) => match relationship.get("data") {
            None => return AttachmentLinkage::NotReported,
            Some(data) => data,
        },
        Some(bare) => bare,
    };
    let ids = links.as_array().and_then(|links| {
        let ids = links.iter().map(parse_link);
        ids.collect::<Option<Vec<_>>>()
    });
    let Some(mut ids) = ids else {
        return AttachmentLinkage::Malformed;
    };
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    AttachmentLinkage::Listed(ids)
}

/// Returns the attachment to which a link leads; `None` for a link of another form.
fn parse_link(link: &Value) -> Option<AttachmentId> {
    let is_attachment = link.get("type")?.as_str()? == "attachments";
    let id = AttachmentId::parse(&text_of(link.get("id")?)).ok()?;
    is_attachment.then_some(id)
}

/// Parses the answer about a single record of a type.
pub(super) fn parse_object(body: Value, kind: ObjectType) -> Result<CheckedObject, ApiFailure> {
    let found: ObjectResource =
        serde_json::from_value(take_data(body)).map_err(|_| unusable_answer("is no record"))?;
    found.check(kind)
}

/// Parses a page of records of a type.
pub(super) fn parse_object_page(
    body: Value,
    kind: ObjectType,
) -> Result<ObjectPageBody, ApiFailure> {
    let next = match body.pointer("/links/next") {
        None | Some(Value::Null) => None,
        Some(Value::String(link)) => Some(link.trim().to_owned()).filter(|link| !link.is_empty()),
        Some(_) => {
            return Err(unusable_answer(
                "has a link to the next page that is no text",
            ));
        }
    };
    let objects: Vec<ObjectResource> = serde_json::from_value(take_data(body))
        .map_err(|_| unusable_answer("is no list of records"))?;
    let objects = objects.into_iter().map(|one| one.check(kind));
    Ok(ObjectPageBody {
        objects: objects.collect::<Result<_, _>>()?,
        next,
    })
}

#[cfg(test)]
mod tests;
