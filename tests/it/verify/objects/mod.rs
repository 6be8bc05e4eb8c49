//! `verify --objects`: proof of the record on which each attachment hangs.

mod refusals;
mod walks;

use consign::emulator::EmulatorOperation::GetObject;
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{EmulatorSettings, LinkageDisplay, PendingLinkage};
use consign::model::{ObjectRef, ObjectType};
use serde_json::{Value, json};

use super::{import, imported};
use crate::harness::{
    HoldMoment, ImportTest, MANIFEST_HEADER, ResultsTable, TestRun, status_effect,
};
use crate::report::{HTML, JSON, VERIFICATION};

fn verify_objects(test: &ImportTest) -> TestRun<'_> {
    test.verify().args(["--objects"])
}

/// Imports `rows` rows at a service with other settings.
fn imported_with(rows: usize, configure: impl FnOnce(&mut EmulatorSettings)) -> ImportTest {
    import(
        ImportTest::with_rows(rows).configure_emulator(configure),
        rows,
    )
}

/// Imports rows from 1, each on the contract at its place.
fn imported_on(contracts: &[u64], configure: impl FnOnce(&mut EmulatorSettings)) -> ImportTest {
    let rows = contracts.len();
    let lines = (1..).zip(contracts);
    let lines = lines.map(|(row, contract)| format!("A{row}.pdf,contract,{contract},A{row}\n"));
    let manifest = MANIFEST_HEADER.to_owned() + &lines.collect::<String>();
    let test = ImportTest::with_rows(rows).manifest(manifest);
    import(test.configure_emulator(configure), rows)
}

/// Returns the proof and the message of a row.
fn proof_of(test: &ImportTest, id: &str) -> (String, String) {
    let verified = test.verification();
    let cell = |column| verified.cell(id, column).to_owned();
    (cell("object"), cell("message"))
}

/// Reports on the results. Returns the JSON and the HTML.
fn report(test: &ImportTest) -> (Value, String) {
    test.consign(["report", ResultsTable::DEFAULT_NAME])
        .with_any_stderr()
        .exits(0);
    let json = serde_json::from_str(&test.read(JSON)).unwrap();
    (json, test.read(HTML))
}

#[test]
fn attachments_that_their_records_list_are_proven_and_the_report_says_so() {
    let test = imported_on(&[7, 7, 8], |_| {});
    verify_objects(&test)
        .outcomes(["A1 match", "A2 match", "A3 match"])
        .requests([
            "list 200",
            "get_object contracts/7 200",
            "get_object contracts/8 200",
        ])
        .stdout(
            "all 3 rows match (3 requests in [time])\n\
             \x20 match                   3  there, as the results say\n\
             listed by their record: 3 of 3 attachments (2 records asked)\n\
             verification: m.results.verification.csv\n",
        )
        .exits(0);
    assert_eq!(proof_of(&test, "A2"), ("proven".to_owned(), String::new()));
    let (json, html) = report(&test);
    assert!(
        json["verdict"]
            .as_str()
            .unwrap()
            .ends_with(" Each of the 3 attachments is listed by its record.")
    );
    assert_eq!(json["verification"]["objects"]["proven"], 3);
    assert!(html.contains("<span id=\"object-proven\" data-count=\"3\">"));
    assert!(!html.contains("On which record each attachment hangs"));
}

#[test]
fn an_attachment_on_another_record_is_named_with_both_records_and_is_an_exception() {
    let test = imported_on(&[7, 7, 8], |_| {});
    test.service().move_to_contract("A2", 8);
    let id = test.results().cell("A2", "attachment_id").to_owned();
    let message = format!(
        "attachment {id} hangs on contract 8, not on contract 7: find out which record is right; to \
         attach the file to contract 7, import it there under a new external_id"
    );
    verify_objects(&test)
        .outcomes(["A1 match", "A2 other_object", "A3 match"])
        .stdout(format!(
            "2 of 3 rows match (3 requests in [time])\n\
             \x20 match                   2  there, as the results say\n\
             \x20 other_object            1  there, on another record\n\
             row 2, external_id \"A2\": other_object: {message}\n\
             listed by their record: 2 of 3 attachments; on another record: 1 (2 records asked)\n\
             verification: m.results.verification.csv\n"
        ))
        .exits(1);
    assert_eq!(proof_of(&test, "A2"), ("other".to_owned(), message.clone()));
    let (json, html) = report(&test);
    let group = &json["exceptions"][0];
    assert_eq!(group["what"], "other_object");
    assert_eq!(group["rows"]["listed"][0]["message"], message);
    assert_eq!(group["rows"]["listed"][0]["object_proof"], "other");
    let verdict = json["verdict"].as_str().unwrap();
    assert!(
        verdict.ends_with(
            " 2 of the 3 attachments are listed by their records. 1 attachment is not on the record \
             that the results name: see the exceptions."
        ),
        "{verdict}"
    );
    assert!(html.contains("verify: other_object, record: other"));
    assert!(html.contains(
        "1 of the 3 attachments is not proven to hang on its record: 1 is not on the record that \
         the results name (see the exceptions)."
    ));
}

#[test]
fn an_attachment_whose_new_record_nobody_asked_is_not_on_its_own() {
    let test = imported(2);
    test.service().move_to_contract("A2", 77);
    verify_objects(&test)
        .outcomes(["A1 match", "A2 other_object"])
        .prints(
            "is not on contract 2: verify again later if it was attached just now, else find out",
        )
        .exits(1);
}

#[test]
fn without_the_option_no_record_is_asked_and_nothing_is_claimed_about_records() {
    let test = imported(1);
    test.service().move_to_contract("A1", 77);
    test.verify()
        .outcomes(["A1 match"])
        .requests(["list 200"])
        .exits(0);
    assert_eq!(proof_of(&test, "A1"), Default::default());
    let (json, html) = report(&test);
    assert_eq!(json["verification"]["objects"]["not_asked"], 1);
    assert!(html.contains("consign verify --objects asks the records"));
}

#[test]
fn what_a_record_does_not_say_proves_nothing() {
    for (display, message) in [
        (
            LinkageDisplay::Absent,
            "contract 1 does not mention its attachments in its answer: look at it in the service",
        ),
        (
            LinkageDisplay::Malformed,
            "contract 1 lists its attachments in an unknown form: look at it in the service",
        ),
    ] {
        let test = imported_with(2, |settings| settings.objects.single_linkage = display);
        verify_objects(&test)
            .outcomes(["A1 error", "A2 error"])
            .exits(1);
        assert_eq!(
            proof_of(&test, "A1"),
            ("unknown".to_owned(), message.to_owned())
        );
        let (json, _) = report(&test);
        assert_eq!(json["verification"]["objects"]["unknown"], 2);
    }
}

#[test]
fn rows_without_a_proof_are_named_by_the_cause_and_not_one_by_one() {
    let test = imported_with(3, |settings| {
        settings.objects.single_linkage = LinkageDisplay::Absent;
    });
    verify_objects(&test)
        .stdout(
            "0 of 3 rows match (4 requests in [time])\n\
             \x20 error                   3  could not be checked\n\
             listed by their record: 0 of 3 attachments; not known: 3 (3 records asked)\n\
             rows 1-3: the record does not mention its attachments in its answer: look at it in the \
             service\n\
             verification: m.results.verification.csv\n",
        )
        .exits(1);
    let outcome = verify_objects(&test).args(["--output", "json"]).exits(1);
    let summary: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        summary["objects"],
        json!({
            "records": 3,
            "proven": 0,
            "other": 0,
            "unknown": 3,
            "unknown_by_cause": { "not_mentioned": 3 },
        })
    );
}

#[test]
fn a_bare_array_is_a_list_all_the_same() {
    let test = imported_with(2, |settings| {
        settings.objects.single_linkage = LinkageDisplay::Bare;
    });
    verify_objects(&test)
        .outcomes(["A1 match", "A2 match"])
        .exits(0);
}

#[test]
fn a_list_that_may_have_been_cut_refutes_nothing_and_proves_what_it_holds() {
    let test = imported_on(&[7; 11], |settings| {
        settings.objects.single_linkage = LinkageDisplay::Short { limit: 10 };
    });
    let outcomes: Vec<String> = (1..=10).map(|row| format!("A{row} match")).collect();
    verify_objects(&test)
        .outcomes(outcomes.iter().map(String::as_str).chain(["A11 error"]))
        .exits(1);
    assert_eq!(
        proof_of(&test, "A11"),
        (
            "unknown".to_owned(),
            "contract 7 lists exactly 10 attachments and not this one, and no document says if long \
             lists are cut: look at it in the service"
                .to_owned()
        )
    );
}

#[test]
fn a_record_that_is_gone_or_not_shown_proves_nothing() {
    let test = import(
        ImportTest::with_rows(3)
            .inject_fault(GetObject, Nth(1), status_effect(404))
            .inject_fault(GetObject, Nth(3), status_effect(422)),
        3,
    );
    verify_objects(&test)
        .outcomes(["A1 error", "A2 match", "A3 error"])
        .exits(1);
    let gone = "contract 1 does not exist any more: find out who removed it";
    assert_eq!(
        proof_of(&test, "A1"),
        ("unknown".to_owned(), gone.to_owned())
    );
    let (proof, message) = proof_of(&test, "A3");
    assert_eq!(proof, "unknown");
    assert!(
        message.starts_with("contract 3 could not be read: "),
        "{message}"
    );
}

#[test]
fn an_event_to_which_attachments_are_still_copied_proves_nothing_yet() {
    let event = ObjectRef::parse(ObjectType::Event, "5").unwrap();
    let test = ImportTest::with_rows(1)
        .manifest(MANIFEST_HEADER.to_owned() + "A1.pdf,event,5,A1\n")
        .configure_emulator(|settings| settings.objects.copying_events = vec![event]);
    verify_objects(&import(test, 1))
        .outcomes(["A1 error"])
        .prints("still copies attachments to the record: run verify --objects again later")
        .exits(1);
}

#[test]
fn what_is_wrong_with_the_attachment_itself_goes_before_its_record_and_only_what_is_there_is_looked_for()
 {
    let test = imported(4);
    let service = test.service();
    service.delete("A1");
    service.move_to_contract("A2", 77);
    service.rename("A2", "B2");
    service.rename("A3", "B3");
    service.remove_bytes("A4");
    verify_objects(&test)
        .outcomes(["A1 missing", "A2 renamed", "A3 renamed", "A4 pending"])
        .requests([
            "list 200",
            "get A1 404",
            "get_object contracts/2 200",
            "get_object contracts/3 200",
            "get_object contracts/4 200",
        ])
        .exits(1);
    let proofs = ["A1", "A2", "A3", "A4"].map(|id| proof_of(&test, id).0);
    assert_eq!(proofs, ["", "other", "proven", "proven"]);
    let (_, message) = proof_of(&test, "A2");
    assert!(
        message.starts_with("the external_id is now \"B2\"; attachment "),
        "{message}"
    );
    let (json, _) = report(&test);
    assert_eq!(
        json["verification"]["objects"],
        json!({ "proven": 2, "other": 1, "unknown": 0, "not_asked": 1 })
    );
}

#[test]
fn an_attachment_without_bytes_that_no_record_lists_is_pending_and_no_more() {
    let test = imported_with(1, |settings| {
        settings.objects.pending_linkage = PendingLinkage::LeftOut;
    });
    test.service().remove_bytes("A1");
    verify_objects(&test).outcomes(["A1 pending"]).exits(1);
    assert_eq!(
        proof_of(&test, "A1"),
        (
            "unknown".to_owned(),
            "the attachment has no bytes; contract 1 does not list the attachment, and no document \
             says if records list attachments without bytes"
                .to_owned()
        )
    );
}

#[test]
fn interrupted_while_records_are_asked_it_says_of_the_others_that_they_were_not() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    test.import().all_uploaded(3).exits(0);
    verify_objects(&test)
        // The first request is the list of attachments, the third asks for the second record.
        .while_held(3, HoldMoment::BeforeService, |running| {
            running.signal("INT");
            assert_eq!(running.wait_for_exit().0, 130);
        })
        .outcomes(["A1 match", "A2 error", "A3 error"])
        .prints(
            "rows 2-3: the verification ended before the record was asked for its attachments\n\
             stopped early: interrupted\n",
        )
        .with_any_stderr()
        .exits(130);
    assert_eq!(
        proof_of(&test, "A3"),
        (
            "unknown".to_owned(),
            "the verification ended before contract 3 was asked for its attachments".to_owned()
        )
    );
}

#[test]
fn the_verification_file_has_a_column_for_the_proof() {
    let test = imported_on(&[7, 7], |_| {});
    test.service().move_to_contract("A2", 8);
    verify_objects(&test).with_any_stderr().exits(1);
    let label = test.service().label().to_owned();
    let (verified, results) = (test.verification(), test.results());
    let mut found = test.read(VERIFICATION);
    for line in &verified.lines {
        found = found.replace(line.cell("line_check"), "[check]");
    }
    for id in ["A1", "A2"] {
        for (text, word) in [
            (results.cell(id, "sha256"), "[sha256]"),
            (verified.cell(id, "checked_at"), "[time]"),
        ] {
            found = found.replace(text, word);
        }
    }
    assert_eq!(
        found.replace(&label, "[base]"),
        "\u{feff}row,external_id,attachment_id,outcome,object,expected_size,found_size,expected_sha256,\
         found_sha256,expected_external_id,expected_title,checked_at,download,destination,message,\
         line_check\n\
         1,A1,1,match,proven,13,13,[sha256],,A1,,[time],,[base],,[check]\n\
         2,A2,2,other_object,other,13,13,[sha256],,A2,,[time],,[base],\"attachment 2 is not on contract \
         7: verify again later if it was attached just now, else find out where it hangs; to attach \
         the file to contract 7, import it there under a new external_id\",[check]\n"
    );
}
