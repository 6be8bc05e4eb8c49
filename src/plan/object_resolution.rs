//! The record of a row: known from the row, from the row's own earlier line or from the present run,
//! or still to be asked for.
//!
//! An earlier line proves a pair: the external id in the cell `object_external_id`, and the
//! service's own id found for the external id, in the cell `object_id`. A change of the cell in the
//! manifest breaks the proof.

use std::collections::HashMap;

use crate::manifest::ManifestRow;
use crate::model::{NamedObject, ObjectRef};
use crate::results::{ResultsEntry, Status};

/// Records found in the present run, by the names of the records in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundObjects(HashMap<NamedObject, ObjectRef>);

impl FoundObjects {
    /// Adds a found record.
    pub fn insert(&mut self, name: NamedObject, object: ObjectRef) {
        self.0.insert(name, object);
    }

    /// Returns the number of the records.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if no record was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the record with a name; `None` where the record was not asked for, or not found.
    pub fn get(&self, name: &NamedObject) -> Option<ObjectRef> {
        self.0.get(name).copied()
    }
}

/// Knowledge about the record of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectResolution {
    /// The service's own id of the record is known.
    Known(ManifestRow),
    /// The service has to be asked for the record.
    ToFind(ManifestRow<NamedObject>),
}

impl ObjectResolution {
    /// Returns the row, if its record is known.
    pub fn known(self) -> Option<ManifestRow> {
        match self {
            Self::Known(row) => Some(row),
            Self::ToFind(_) => None,
        }
    }
}

/// Decides from the row, from its own earlier line and from the records found in the present run
/// if the record of the row is known.
///
/// The row's own line comes before the records found: a done row stays where it is, even if the
/// service has given the external id to another record since.
pub fn resolve_object(
    row: ManifestRow<NamedObject>,
    earlier_entry: Option<&ResultsEntry>,
    found: &FoundObjects,
) -> ObjectResolution {
    let known = match &row.object {
        NamedObject::Known(object) => Some(*object),
        named @ NamedObject::ByExternalId(..) => earlier_entry
            .and_then(|entry| object_proven_by(entry, named))
            .or_else(|| found.get(named)),
    };
    match known {
        Some(object) => ObjectResolution::Known(row.with_object(object)),
        None => ObjectResolution::ToFind(row),
    }
}

/// Returns the record proven by a line to have an external id: the line is of the same type and has
/// the same external id, byte for byte, and its `object_id` has the form of the type's ids. The
/// line of a row that failed without an attachment proves nothing.
fn object_proven_by(entry: &ResultsEntry, named: &NamedObject) -> Option<ObjectRef> {
    let kind = named.object_type();
    let same = entry.object_type == kind.as_str()
        && entry.object_external_id == named.external_id()?.as_str();
    // The record may be why the service refused the row, and may have been made anew since.
    let is_doubtful = entry.status == Status::Failed && entry.attachment_id.is_none();
    if !same || is_doubtful {
        return None;
    }
    ObjectRef::parse(kind, &entry.object_id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttachmentId, ExternalId, ObjectExternalId, ObjectType};

    fn object(kind: ObjectType, id: &str) -> ObjectRef {
        ObjectRef::parse(kind, id).unwrap()
    }

    fn by_external_id(kind: ObjectType, id: &str) -> NamedObject {
        NamedObject::ByExternalId(kind, ObjectExternalId::parse(id).unwrap())
    }

    fn row(named: NamedObject) -> ManifestRow<NamedObject> {
        ManifestRow {
            number: 1,
            line: 2,
            file_path: "a.pdf".into(),
            object_external_id: named.external_id().cloned(),
            object: named,
            external_id: ExternalId::parse("A1").unwrap(),
            title: None,
            file_name: None,
            sha256: None,
            new_external_id: None,
        }
    }

    /// Returns a line with the cells `object_type`, `object_id` and `object_external_id`.
    fn line([object_type, object_id, object_external_id]: [&str; 3]) -> ResultsEntry {
        let mut cells = [""; _];
        (cells[2], cells[3], cells[21]) = (object_type, object_id, object_external_id);
        (cells[5], cells[12], cells[14]) = ("pending", "0", "2026-11-22T00:00:00Z");
        ResultsEntry::from_cells(cells).unwrap()
    }

    fn known_id(
        named: &NamedObject,
        entry: Option<&ResultsEntry>,
        found: &FoundObjects,
    ) -> Option<String> {
        let known = resolve_object(row(named.clone()), entry, found).known()?;
        assert_eq!(known.object.object_type(), named.object_type());
        assert_eq!(known.object_external_id.as_ref(), named.external_id());
        Some(known.object.id().to_string())
    }

    #[test]
    fn a_line_tells_the_record_of_its_own_type_and_external_id_and_of_no_other() {
        for (cells, known) in [
            (["contract", "7", "CW-1"], Some("7")),
            (["contract", "7", ""], None),
            (["contract", "7", "cw-1"], None),
            (["contract", "7", "CW-1 "], None),
            (["contract", "7", "CW-2"], None),
            (["project", "7", "CW-1"], None),
            (["contract", "", "CW-1"], None),
            (["contract", "007", "CW-1"], None),
            (["contract", "x", "CW-1"], None),
            (["", "7", "CW-1"], None),
        ] {
            let named = by_external_id(ObjectType::Contract, "CW-1");
            let resolved = known_id(&named, Some(&line(cells)), &FoundObjects::default());
            assert_eq!(resolved.as_deref(), known, "{cells:?}");
        }
    }

    #[test]
    fn the_record_of_a_refused_row_is_asked_for_again_and_that_of_an_attachment_is_not() {
        let named = by_external_id(ObjectType::Contract, "CW-1");
        for (attachment, known) in [(None, None), (Some("12"), Some("7"))] {
            let entry = ResultsEntry {
                status: Status::Failed,
                attachment_id: attachment.map(|id| AttachmentId::parse(id).unwrap()),
                ..line(["contract", "7", "CW-1"])
            };
            let resolved = known_id(&named, Some(&entry), &FoundObjects::default());
            assert_eq!(resolved.as_deref(), known, "{attachment:?}");
        }
    }

    #[test]
    fn a_record_found_in_this_run_counts_where_the_line_proves_nothing() {
        let mut found = FoundObjects::default();
        let contract = object(ObjectType::Contract, "9");
        found.insert(by_external_id(ObjectType::Contract, "CW-1"), contract);
        for (kind, external_id, cells, known) in [
            (ObjectType::Contract, "CW-1", None, Some("9")),
            (
                ObjectType::Contract,
                "CW-1",
                Some(["contract", "7", "CW-1"]),
                Some("7"),
            ),
            (
                ObjectType::Contract,
                "CW-1",
                Some(["contract", "7", "CW-2"]),
                Some("9"),
            ),
            (ObjectType::Contract, "CW-2", None, None),
            (ObjectType::Project, "CW-1", None, None),
        ] {
            let named = by_external_id(kind, external_id);
            let entry = cells.map(line);
            let resolved = known_id(&named, entry.as_ref(), &found);
            assert_eq!(resolved.as_deref(), known, "{named:?} {cells:?}");
        }
    }

    #[test]
    fn the_services_own_id_counts_whatever_the_line_says() {
        let named = NamedObject::Known(object(ObjectType::Contract, "8"));
        let entry = line(["contract", "7", "CW-1"]);
        let resolved = known_id(&named, Some(&entry), &FoundObjects::default());
        assert_eq!(resolved.as_deref(), Some("8"));
    }
}
