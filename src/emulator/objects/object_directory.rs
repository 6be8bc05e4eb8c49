//! Directory of the existing objects: a whole catalogue, or the objects that requests named so far.
//! No HTTP is known here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::object_list_query::ObjectPlace;
use crate::emulator::attachments::{CatalogueObject, ExistingObjects, object_text};
use crate::emulator::state_folder::{StateError, StatePaths, read_json_files, write_atomically};
use crate::model::{ObjectId, ObjectRef, ObjectType};

/// Number before the first number given to an external id. People choose smaller numbers for a
/// rehearsal.
const BEFORE_FIRST_GIVEN_NUMBER: u64 = 1_000_000;

/// Object as an answer shows the object, but for the attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectRecord {
    pub(super) object: ObjectRef,
    pub(super) external_id: Option<String>,
    pub(super) state: String,
    pub(super) title: String,
}

/// Object in the state folder.
#[derive(Debug, Serialize, Deserialize)]
struct StoredObjectName {
    #[serde(with = "object_text")]
    object: ObjectRef,
    external_id: Option<String>,
}

/// Rule by which the directory grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DirectoryGrowth {
    /// An object exists as soon as a request names it.
    ByRequest,
    /// No object is added.
    Complete,
}

/// Directory of the existing objects.
#[derive(Debug)]
pub(super) struct ObjectDirectory {
    folder: StatePaths,
    growth: DirectoryGrowth,
    records: BTreeMap<(ObjectType, ObjectPlace), ObjectRecord>,
    places: HashMap<ObjectRef, ObjectPlace>,
    by_external_id: HashMap<(ObjectType, String), BTreeSet<ObjectPlace>>,
}

impl ObjectDirectory {
    /// Loads the objects of a catalogue, or else the objects named by requests to an earlier emulator.
    pub(super) fn load(folder: StatePaths, existing: &ExistingObjects) -> Result<Self, StateError> {
        let mut directory = Self {
            growth: match existing {
                ExistingObjects::Every => DirectoryGrowth::ByRequest,
                ExistingObjects::Catalogue(_) => DirectoryGrowth::Complete,
            },
            records: BTreeMap::new(),
            places: HashMap::new(),
            by_external_id: HashMap::new(),
            folder,
        };
        match existing {
            ExistingObjects::Catalogue(objects) => {
                for object in objects {
                    directory.insert(ObjectRecord::from(object));
                }
            }
            ExistingObjects::Every => {
                let folder = &directory.folder.named_objects;
                for stored in read_json_files::<StoredObjectName>(folder)? {
                    directory.insert(usual_record(stored.object, stored.external_id));
                }
            }
        }
        Ok(directory)
    }

    /// Returns the object with a number, which a growing directory adds; `None` if there is none.
    pub(super) fn find(&mut self, object: ObjectRef) -> io::Result<Option<ObjectRecord>> {
        if let Some(record) = self.get(object) {
            return Ok(Some(record.clone()));
        }
        self.add(object, None)
    }

    /// Returns the objects of a type with an external id, in the order of the list. A growing
    /// directory adds the first one, with a number of its own.
    pub(super) fn find_by_external_id(
        &mut self,
        kind: ObjectType,
        external_id: &str,
    ) -> io::Result<Vec<(ObjectPlace, ObjectRecord)>> {
        let key = (kind, external_id.to_owned());
        if let Some(places) = self.by_external_id.get(&key) {
            let found = places.iter().filter_map(|place| {
                let record = self.records.get(&(kind, place.clone()))?;
                Some((place.clone(), record.clone()))
            });
            return Ok(found.collect());
        }
        let added = match self.free_object(kind) {
            Some(object) => self.add(object, Some(external_id.to_owned()))?,
            None => None,
        };
        let placed = added.map(|record| (place_of(&record), record));
        Ok(placed.into_iter().collect())
    }

    /// Returns the objects of a type from after a place on, in the order of the list.
    pub(super) fn objects_after(
        &self,
        kind: ObjectType,
        after: Option<&ObjectPlace>,
    ) -> impl Iterator<Item = (&ObjectPlace, &ObjectRecord)> {
        let first = ObjectPlace {
            name: String::new(),
            id: 0,
        };
        let start = match after {
            Some(place) => Bound::Excluded((kind, place.clone())),
            None => Bound::Included((kind, first)),
        };
        self.records
            .range((start, Bound::Unbounded))
            .take_while(move |((other, _), _)| *other == kind)
            .map(|((_, place), record)| (place, record))
    }

    /// Adds objects named by requests to the attachments API, if the directory grows.
    // The attachments themselves are in the state folder, so that nothing more has to be kept.
    pub(super) fn learn(&mut self, objects: impl Iterator<Item = ObjectRef>) {
        if self.growth == DirectoryGrowth::Complete {
            return;
        }
        for object in objects {
            if !self.places.contains_key(&object) {
                self.insert(usual_record(object, None));
            }
        }
    }

    fn get(&self, object: ObjectRef) -> Option<&ObjectRecord> {
        let place = self.places.get(&object)?;
        self.records.get(&(object.object_type(), place.clone()))
    }

    fn add(
        &mut self,
        object: ObjectRef,
        external_id: Option<String>,
    ) -> io::Result<Option<ObjectRecord>> {
        if self.growth == DirectoryGrowth::Complete {
            return Ok(None);
        }
        let stored = StoredObjectName {
            object,
            external_id,
        };
        let json = serde_json::to_vec(&stored)?;
        let path = self.folder.named_object_file(object);
        write_atomically(&self.folder.incoming, &path, &json)?;
        let record = usual_record(object, stored.external_id);
        self.insert(record.clone());
        Ok(Some(record))
    }

    /// Returns an object of the type outside the directory; `None` if no number is left.
    fn free_object(&self, kind: ObjectType) -> Option<ObjectRef> {
        let taken = self
            .places
            .keys()
            .filter(|known| known.object_type() == kind);
        let last = taken.map(|known| number(*known)).max().unwrap_or_default();
        let next = last.max(BEFORE_FIRST_GIVEN_NUMBER).checked_add(1)?;
        ObjectRef::parse(kind, &next.to_string()).ok()
    }

    fn insert(&mut self, record: ObjectRecord) {
        let kind = record.object.object_type();
        let place = place_of(&record);
        if let Some(external_id) = &record.external_id {
            let key = (kind, external_id.clone());
            let with_id = self.by_external_id.entry(key).or_default();
            with_id.insert(place.clone());
        }
        self.places.insert(record.object, place.clone());
        self.records.insert((kind, place), record);
    }
}

impl From<&CatalogueObject> for ObjectRecord {
    fn from(listed: &CatalogueObject) -> Self {
        let usual = usual_record(listed.object, listed.external_id.clone());
        Self {
            state: listed.state.clone().unwrap_or(usual.state),
            title: listed.title.clone().unwrap_or(usual.title),
            ..usual
        }
    }
}

/// Returns an object in a usual state, whose title is the type with the number.
fn usual_record(object: ObjectRef, external_id: Option<String>) -> ObjectRecord {
    let (noun, state) = match object.object_type() {
        ObjectType::Contract => ("Contract", "active"),
        ObjectType::Event => ("Event", "published"),
        ObjectType::Project => ("Project", "active"),
        _ => ("Supplier", "approved"),
    };
    ObjectRecord {
        external_id,
        state: state.to_owned(),
        title: format!("{noun} {}", object.id()),
        object,
    }
}

/// Returns the place of an object in the list of its type.
fn place_of(record: &ObjectRecord) -> ObjectPlace {
    ObjectPlace {
        name: match record.object.object_type() {
            ObjectType::SupplierCompany => record.title.to_lowercase(),
            _ => String::new(),
        },
        id: number(record.object),
    }
}

/// Returns the number of an object of the service.
pub(super) fn number(object: ObjectRef) -> u64 {
    match object.id() {
        ObjectId::Number(number) => number.get(),
        // The objects of the other service have no place here.
        ObjectId::Uuid(_) => 0,
    }
}
