//! Objects to which nothing can be attached.

use consign::emulator::EmulatorOperation::Upload;
use consign::model::{ObjectRef, ObjectType};

use crate::harness::ImportTest;

fn contract(id: &str) -> ObjectRef {
    ObjectRef::parse(ObjectType::Contract, id).unwrap()
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
