//! Objects to which files are attached: those that take nothing, and those named by the customer's
//! own ids.

mod found_before;
#[cfg(target_os = "linux")]
mod killed_at_syncs;
mod not_found;

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::{CatalogueObject, ExistingObjects};
use consign::model::{ObjectRef, ObjectType};

use crate::harness::{ImportTest, content_of};

fn contract(id: &str) -> ObjectRef {
    ObjectRef::parse(ObjectType::Contract, id).unwrap()
}

/// Object of the service's records, by type, own id and external id.
pub(crate) fn object(kind: ObjectType, id: usize, external_id: &str) -> CatalogueObject {
    let object = ObjectRef::parse(kind, &id.to_string()).unwrap();
    CatalogueObject::new(object, external_id)
}

/// Test with these objects at the service, and no others.
pub(crate) fn with_objects(objects: Vec<CatalogueObject>) -> ImportTest {
    ImportTest::new().configure_emulator(|settings| {
        settings.attachments.existing_objects = ExistingObjects::Catalogue(objects);
    })
}

/// Contracts from 1001 on, whose external ids are `CW-1` and so on.
pub(crate) fn contracts(count: usize) -> Vec<CatalogueObject> {
    (1..=count)
        .map(|number| object(ObjectType::Contract, 1000 + number, &format!("CW-{number}")))
        .collect()
}

/// Writes the manifest, with a row for each type and external id: row 1 attaches `A1.pdf` as `A1`,
/// further rows likewise.
pub(crate) fn write_rows(test: &ImportTest, rows: &[(&str, &str)]) {
    let mut manifest = "file_path,object_type,object_external_id,external_id\n".to_owned();
    for ((kind, object), number) in rows.iter().zip(1..) {
        let id = format!("A{number}");
        test.write(&format!("{id}.pdf"), content_of(&id));
        manifest += &[&format!("{id}.pdf"), *kind, *object, &id].join(",");
        manifest.push('\n');
    }
    test.write("m.csv", manifest);
}

/// Returns the id and the external id of each row's object in the results, as `1001 CW-1`.
fn objects_in_results(test: &ImportTest) -> Vec<String> {
    let results = test.results();
    let lines = results.lines.iter();
    lines
        .map(|line| {
            ["object_id", "object_external_id"]
                .map(|column| line.cell(column))
                .join(" ")
        })
        .collect()
}

#[test]
fn a_record_that_does_not_exist_or_is_closed_fails_its_row_alone_in_the_services_words() {
    let test = ImportTest::with_rows(4).configure_emulator(|settings| {
        settings.attachments.unknown_objects = vec![contract("2")];
        settings.attachments.closed_objects = vec![contract("3")];
    });
    test.import()
        .rows([
            "A1 uploaded",
            "A2 failed refused",
            "A3 failed refused",
            "A4 uploaded",
        ])
        .with_any_stderr()
        .stored_rows(["A1", "A4"])
        .exits(1);
    let message = |id| test.results().cell(id, "message").to_owned();
    assert_eq!(
        message("A2"),
        "the service refused the attachment: status 404: is there a contract 2? An object_id is the id \
         that the service's API has, not the number that people see"
    );
    assert_eq!(
        message("A3"),
        "the service refused the attachment: status 422: Validation Error: contract 3 is closed, and \
         takes no more attachments (at /data/relationships/contract)"
    );
    assert_eq!(test.service().count_requests(Upload), 2);
}
