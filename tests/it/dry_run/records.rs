//! Looks of a dry run at the records of rows, and at files uploaded to the records by hand.

use axum::http::{HeaderValue, StatusCode};
use consign::emulator::EmulatorOperation::{GetObject, ListObjects};
use consign::emulator::FaultTrigger::EveryNth;
use consign::emulator::{CatalogueObject, ExistingObjects, LinkageDisplay};
use consign::model::{ObjectRef, ObjectType};
use serde_json::{Value, json};

use crate::harness::{
    HoldMoment, ImportTest, MANIFEST_HEADER, TestRun, content_of, manifest_row, status_effect,
};

fn dry_run(test: &ImportTest) -> TestRun<'_> {
    test.import().args(["--dry-run"])
}

/// Returns the JSON summary of a dry run.
fn summary(test: &ImportTest, code: i32) -> Value {
    let outcome = dry_run(test).args(["--output", "json"]).exits(code);
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// Returns a service with the given records alone, in the given states.
fn with_records(test: ImportTest, records: &[(ObjectType, &str, &str)]) -> ImportTest {
    let records = records
        .iter()
        .map(|(kind, id, state)| CatalogueObject {
            state: Some((*state).to_owned()),
            ..CatalogueObject::new(ObjectRef::parse(*kind, id).unwrap(), id)
        })
        .collect();
    test.configure_emulator(|settings| {
        settings.attachments.existing_objects = ExistingObjects::Catalogue(records);
    })
}

#[test]
fn rows_are_counted_by_the_type_and_state_of_their_record() {
    let rows = "A1.pdf,contract,1,A1\n\
                A2.pdf,contract,1,A2\n\
                A3.pdf,contract,2,A3\n\
                A4.pdf,event,5,A4\n";
    let test = ImportTest::with_rows(4).manifest(MANIFEST_HEADER.to_owned() + rows);
    let test = with_records(
        test,
        &[
            (ObjectType::Contract, "1", "in_progress"),
            (ObjectType::Contract, "2", "expired"),
            (ObjectType::Event, "5", "closed"),
        ],
    );
    dry_run(&test)
        .prints(
            "rows by the state of their record: 2 in_progress contracts, 1 expired; 1 closed event; \
             no document says which states refuse attachments\n\
             looking at records took 3 requests, which the import does without\n",
        )
        .exits(0);
    assert_eq!(
        summary(&test, 0)["records"]["rows_by_state"],
        json!([
            { "object_type": "contract", "state": "in_progress", "rows": 2 },
            { "object_type": "contract", "state": "expired", "rows": 1 },
            { "object_type": "event", "state": "closed", "rows": 1 },
        ])
    );
}

#[test]
fn rows_of_a_record_that_is_not_there_are_foreseen_as_failed_and_named_as_the_import_then_ends() {
    let test = with_records(
        ImportTest::with_rows(3),
        &[
            (ObjectType::Contract, "1", "active"),
            (ObjectType::Contract, "3", "active"),
        ],
    );
    dry_run(&test)
        .stdout(
            "an import of 3 rows would\n\
             \x20         2  create and upload, 26 B\n\
             \x20         1  not be able to finish: failed\n\
             m.csv line 3 (row 2), column object_id: \"2\": no contract has this id; correct the \
             object_id or the object_type\n\
             rows by the state of their record: 2 active contracts; no document says which states \
             refuse attachments\n\
             looking at records took 3 requests, which the import does without\n\
             the import would take 6 requests: less than 1 s at this rate; this dry run changed \
             nothing\n\
             with --lookup each: 6 requests, less than 1 s; with --lookup on-clash: 9 requests, \
             less than 1 s\n\
             on-clash relies on the service to refuse an external_id in use within the type \
             contract, the only one of the rows, which is not documented: each run tries \
             first, with 1 or 2 attachments without content, and looks every row up if the service \
             does not refuse\n",
        )
        .exits(1);
    let records = &summary(&test, 1)["records"];
    assert_eq!(
        (&records["found"], &records["missing"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        records["rows_without_record"],
        json!([{ "row": 2, "line": 3, "column": "object_id", "value": "2" }])
    );
    test.import()
        .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
        .with_any_stderr()
        .exits(1);
}

#[test]
fn a_file_that_somebody_has_uploaded_by_hand_is_told_with_its_attachment_and_what_to_do() {
    let test = ImportTest::with_rows(4);
    let service = test.service();
    service.attach_by_hand(1, ("A1.pdf", &content_of("A1")), None);
    service.attach_by_hand(2, ("A2.pdf", &content_of("A2")), Some("OLD-2"));
    // Another size, another name, another record.
    service.attach_by_hand(3, ("A3.pdf", "something else"), None);
    service.attach_by_hand(3, ("scan.pdf", &content_of("A3")), None);
    service.attach_by_hand(1, ("A4.pdf", &content_of("A4")), None);
    dry_run(&test)
        // Attachments without an external_id count as one in the check of each run.
        .allowing_second_copies()
        .stdout(
            "an import of 4 rows would\n\
             \x20         4  create and upload, 52 B\n\
             rows by the state of their record: 4 active contracts; no document says which states \
             refuse attachments\n\
             2 files are probably on the record already, uploaded by hand: an attachment has the \
             same name or title and the same size\n\
             row 1, file \"A1.pdf\": contract 1 has attachment 1, file_name \"A1.pdf\", title \
             \"A1.pdf\", 13 bytes, no external_id\n\
             row 2, file \"A2.pdf\": contract 2 has attachment 2, file_name \"A2.pdf\", title \
             \"A2.pdf\", 13 bytes, external_id \"OLD-2\"\n\
             to keep such an attachment, write its external_id into the row, or leave the row out; \
             to attach the file once more, go on\n\
             looking at records took 5 requests, which the import does without\n\
             the import would take 9 requests: less than 1 s at this rate; this dry run changed \
             nothing\n\
             with --lookup each: 9 requests, less than 1 s; with --lookup on-clash: 9 requests, \
             less than 1 s\n\
             on-clash relies on the service to refuse an external_id in use within the type \
             contract, the only one of the rows, which is not documented: each run tries \
             first, with 1 or 2 attachments without content, and looks every row up if the service \
             does not refuse\n",
        )
        .requests([
            "get_by_external_id A1 404",
            "get_by_external_id A2 404",
            "get_by_external_id A3 404",
            "get_by_external_id A4 404",
            "get_object contracts/1 200",
            "get_object contracts/2 200",
            "get_object contracts/3 200",
            "get_object contracts/4 200",
            "list 200",
        ])
        .exits(0);
    let copies = &summary(&test, 0)["records"]["copies"];
    assert_eq!(copies["rows"], 2);
    assert_eq!(
        copies["list"][1],
        json!({
            "row": 2,
            "file_path": "A2.pdf",
            "object_type": "contract",
            "object_id": 2,
            "attachment_id": "2",
            "file_name": "A2.pdf",
            "title": "A2.pdf",
            "size": 13,
            "external_id": "OLD-2",
        })
    );
    // With the external_id of the attachment in the row, the import keeps the attachment.
    let manifest = test.read("m.csv").replace(",A2\n", ",OLD-2\n");
    test.write("m.csv", manifest);
    dry_run(&test)
        .prints("1  skip: there already, with the same size")
        .prints("1 file is probably on the record already")
        .exits(0);
}

#[test]
fn attachments_of_other_rows_and_of_the_results_are_no_uploads_by_hand() {
    // Two rows for equal files on one record: the attachment of the first is not the second's.
    let test = ImportTest::with_rows(1);
    test.import().all_uploaded(1).exits(0);
    test.write("copy/A1.pdf", content_of("A1"));
    let manifest = test.read("m.csv") + "copy/A1.pdf,contract,1,A2\n";
    test.write("m.csv", manifest);
    let foresee = |run: TestRun<'_>| {
        let outcome = run
            .args(["--dry-run", "--allow-again"])
            .allowing_second_copies()
            .with_any_stderr()
            .exits(0);
        assert!(!outcome.stdout.contains("by hand"), "{}", outcome.stdout);
        let requests = outcome.requests;
        assert!(requests.contains(&"list 200".to_owned()), "{requests:?}");
    };
    foresee(test.resume());
    // The attachment was renamed since, but the results know its id.
    test.service().rename("A1", "renamed");
    foresee(test.resume());
    // Without the results, the row in the manifest knows the key.
    test.service().rename("renamed", "A1");
    test.remove("m.results.csv");
    foresee(test.import());
}

#[test]
fn many_records_are_read_by_their_list() {
    let mut manifest = MANIFEST_HEADER.to_owned();
    for row in 1..=300 {
        let line = manifest_row(&format!("A{row}")).replace(
            &format!(",contract,{row},"),
            &format!(",contract,{},", row % 150 + 1),
        );
        manifest.push_str(&line);
    }
    let records: Vec<_> = (1..=150).map(|id: u32| id.to_string()).collect();
    let records: Vec<_> = records
        .iter()
        .map(|id| (ObjectType::Contract, id.as_str(), "active"))
        .collect();
    let test = with_records(ImportTest::with_rows(300).manifest(manifest), &records);
    dry_run(&test)
        .prints("rows by the state of their record: 300 active contracts;")
        .prints("looking at records took 2 requests")
        .exits(0);
    let service = test.service();
    assert_eq!(service.count_requests(ListObjects), 2);
    assert_eq!(service.count_requests(GetObject), 0);
}

#[test]
fn a_base_beside_which_no_records_are_known_is_told_and_nothing_is_asked() {
    let test = ImportTest::with_rows(1);
    let base = test.service().base_url().replace("/attachments/v1", "/v1");
    test.consign(["import", "m.csv", "--skip-preflight", "--dry-run"])
        .args(["--base-url", &base])
        .prints(format!(
            "records were not looked at: the base URL {base} does not end in \
             /services/attachments/v1, beside which the services of contracts, events, projects \
             and suppliers stand; give a base URL with this end\n"
        ))
        .exits(0);
    assert_eq!(test.service().count_requests(GetObject), 0);
}

#[test]
fn records_that_do_not_show_their_attachments_are_counted() {
    for display in [LinkageDisplay::Absent, LinkageDisplay::Malformed] {
        let test = ImportTest::with_rows(2)
            .configure_emulator(|settings| settings.objects.single_linkage = display);
        dry_run(&test)
            .prints(
                "2 records do not show their attachments, so files uploaded there by hand are not \
                 known\n",
            )
            .exits(0);
        assert_eq!(summary(&test, 0)["records"]["copies"]["records_unknown"], 2);
    }
}

#[test]
fn a_tenant_that_has_none_of_the_records_is_asked_about() {
    let test = with_records(ImportTest::with_rows(2), &[]);
    dry_run(&test)
        .prints("         2  not be able to finish: failed\n")
        .prints(
            "none of the 2 records was found: are these the ids of this tenant, and may the keys \
             read the records?\n",
        )
        .exits(1);
}

#[test]
fn keys_without_rights_for_the_records_are_told_and_do_not_change_the_forecast() {
    for status in [401, 403] {
        let test =
            ImportTest::with_rows(2).inject_fault(GetObject, EveryNth(1), status_effect(status));
        let outcome = dry_run(&test)
            .prints("         2  create and upload, 26 B\n")
            .prints("2 records were not looked at (2 rows): status ")
            .exits(0);
        assert!(
            !outcome.stdout.contains("stopped early"),
            "{}",
            outcome.stdout
        );
        let unread = &summary(&test, 0)["records"]["not_read"];
        assert_eq!(
            (&unread["records"], &unread["rows"]),
            (&json!(2), &json!(2))
        );
        assert!(test.service().count_requests(GetObject) > 0);
    }
}

#[test]
fn a_dry_run_interrupted_at_the_records_tells_what_it_knows() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    dry_run(&test)
        // Three look-ups come first, then three records.
        .while_held(5, HoldMoment::BeforeService, |running| {
            running.signal("INT");
            assert_eq!(running.wait_for_exit().0, 130);
        })
        .prints("         3  create and upload, 39 B\n")
        .prints("2 records were not looked at (2 rows)\n")
        .prints("stopped early: interrupted\n")
        .with_any_stderr()
        .exits(130);
}

#[test]
fn records_found_by_their_external_ids_are_not_asked_for_again() {
    let records = [
        (ObjectType::Contract, "1", "active"),
        (ObjectType::Contract, "2", "expired"),
    ];
    let manifest = "file_path,object_type,object_id,object_external_id,external_id\n\
                    A1.pdf,contract,,1,A1\n\
                    A2.pdf,contract,2,,A2\n\
                    A3.pdf,contract,,1,A3\n";
    let test = with_records(ImportTest::with_rows(3).manifest(manifest), &records);
    dry_run(&test)
        .prints("rows by the state of their record: 2 active contracts, 1 expired;")
        .requests([
            "get_object_by_external_id contracts/1/external_id 200",
            "get_by_external_id A1 404",
            "get_by_external_id A2 404",
            "get_by_external_id A3 404",
            "get_object contracts/2 200",
        ])
        .exits(0);
}

#[test]
fn a_gateway_that_lets_no_records_through_holds_the_dry_run_up_for_two_minutes_at_the_most() {
    let test = ImportTest::with_rows(2).forging_responses(|request, response| {
        if request.uri.path().starts_with("/services/contracts/") {
            *response.status_mut() = StatusCode::NOT_FOUND;
            let headers = response.headers_mut();
            headers.clear();
            headers.insert("content-type", HeaderValue::from_static("text/html"));
            *response.body_mut() = b"<html>not found</html>".to_vec();
        }
    });
    // The service of records is not known to be there, so nobody waits for the end of an outage.
    dry_run(&test)
        .with_fast_clock()
        .prints("         2  create and upload, 26 B\n")
        .prints("2 records were not looked at (2 rows): status 404 with text/html")
        .with_any_stderr()
        .exits(0);
    assert!(test.service().count_requests(GetObject) > 0);
}
