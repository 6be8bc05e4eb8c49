//! Contracts, events, projects and supplier companies that exist at the service.

use crate::model::ObjectRef;

/// Contracts, events, projects and supplier companies that exist at the service.
///
/// In both variants, [`AttachmentSettings::unknown_objects`](super::AttachmentSettings::unknown_objects)
/// do not exist.
#[derive(Debug, Clone, Default)]
pub enum ExistingObjects {
    /// Every id exists. An external id exists from the first request for the id on, and leads to an
    /// object with a number of its own. Lists hold the objects that a request named, and the objects
    /// with attachments.
    #[default]
    Every,
    /// The given objects exist, and no others.
    Catalogue(Vec<CatalogueObject>),
}

/// Object of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueObject {
    /// Type and number of the object.
    pub object: ObjectRef,
    /// Customer's own id of the object. Several objects may have the same external id.
    pub external_id: Option<String>,
    /// State of the object; `None` for a usual state of the type.
    pub state: Option<String>,
    /// Title of a contract, event or project, name of a supplier company; `None` for the type with
    /// the number.
    pub title: Option<String>,
}

impl CatalogueObject {
    /// Creates an object with an external id, in a usual state and with a usual title.
    pub fn new(object: ObjectRef, external_id: &str) -> Self {
        Self {
            object,
            external_id: Some(external_id.to_owned()),
            state: None,
            title: None,
        }
    }
}

impl ExistingObjects {
    /// True if there is an object with the number.
    pub(super) fn contains(&self, object: ObjectRef) -> bool {
        match self {
            Self::Every => true,
            Self::Catalogue(objects) => objects.iter().any(|known| known.object == object),
        }
    }
}
