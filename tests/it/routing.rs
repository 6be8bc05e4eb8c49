//! External ids with characters other than letters, digits, `_` and `-`: a service may accept such
//! an id and never find the record again. The tool notices before any bytes are stored under the
//! id.

use std::fmt::Write as _;
use std::time::Duration;

use consign::emulator::EmulatorOperation::{Create, GetByExternalId, Upload};
use consign::emulator::FaultTrigger::{FirstN, Nth};
use consign::emulator::{DottedIdRouting, FaultEffect};

use crate::harness::{FinishedRun, ImportTest, MANIFEST_HEADER, TestRun, status_effect};

/// Writes a row for each id. Each row attaches a file with the content `content of` and the id.
fn rows_of(ids: &[&str]) -> ImportTest {
    let mut manifest = MANIFEST_HEADER.to_owned();
    let mut test = ImportTest::new();
    for (id, number) in ids.iter().zip(1..) {
        test = test.file(&format!("{number}.pdf"), format!("content of {id}"));
        writeln!(manifest, "{number}.pdf,contract,{number},{id}").unwrap();
    }
    test.manifest(manifest)
}

fn not_routing(ids: &[&str], dotted_ids: DottedIdRouting) -> ImportTest {
    rows_of(ids).configure_emulator(|settings| settings.attachments.dotted_id_routing = dotted_ids)
}

fn count(outcome: &FinishedRun, words: &str) -> usize {
    let requests = outcome.requests.iter();
    requests.filter(|one| one.starts_with(words)).count()
}

const NOT_FOUND_AGAIN: &str = "stopped early: row 1, column external_id: the service took \"A.1\" \
                               and does not find it again, probably because of \".\"; a later run \
                               would store the file once more; no bytes were sent, and the service \
                               removes the record within an hour: use ids of letters, digits, _ \
                               and - alone, then go on\n";

#[test]
fn an_id_that_is_not_found_again_gets_no_bytes_and_stops_the_run() {
    let test = not_routing(&["A.1", "A.2", "A3", "A-4_x"], DottedIdRouting::NotFound404);
    let outcome = test
        .import()
        .with_fast_clock()
        .prints(NOT_FOUND_AGAIN)
        .with_any_stderr()
        .rows([
            "A.1 created not_found_again",
            "A.2 pending not_reached",
            "A3 uploaded",
            "A-4_x uploaded",
        ])
        .stored([("A-4_x", "content of A-4_x"), ("A3", "content of A3")])
        .exits(3);
    assert_eq!(count(&outcome, "create A.1"), 1, "{:?}", outcome.requests);
    assert_eq!(count(&outcome, "create A.2"), 0);
    assert_eq!(count(&outcome, "get_by_external_id A.1 404"), 1 + 3);

    // The next run fails in the same way, with the begun record.
    test.resume()
        .with_fast_clock()
        .prints(NOT_FOUND_AGAIN)
        .with_any_stderr()
        .rows([
            "A.1 created not_found_again",
            "A.2 pending not_reached",
            "A3 uploaded",
            "A-4_x uploaded",
        ])
        .exits(3);
    assert_eq!(test.service().count_requests(Upload), 2);

    // With other ids the import goes on, although the file of the old row is the one of a new row.
    let mended = test.read("m.csv").replace("A.", "A-");
    test.write("m.csv", mended);
    test.resume()
        .with_any_stderr()
        .rows([
            "A-1 uploaded",
            "A-2 uploaded",
            "A3 uploaded",
            "A-4_x uploaded",
            "A.1 created not_found_again",
        ])
        .exits(0);
}

#[test]
fn the_first_row_with_each_unusual_character_is_looked_up_before_its_bytes_are_sent() {
    let outcome = rows_of(&["A.1", "A.2", "A3", "B/5.1", "B/6", "CTR$1", "C 7", "D§8"])
        .import()
        // Not with a fast clock: the other rows have to come as far as they can while the look-ups wait.
        .rows([
            "A.1 uploaded",
            "A.2 uploaded",
            "A3 uploaded",
            "B/5.1 uploaded",
            "B/6 uploaded",
            "CTR$1 uploaded",
            "C 7 uploaded",
            "D§8 uploaded",
        ])
        .exits(0);
    let at = |words: &str| {
        let mut requests = outcome.requests.iter();
        let place = requests.position(|one| one == words);
        place.unwrap_or_else(|| panic!("no {words}: {:#?}", outcome.requests))
    };
    assert!(at("create A.1 201") < at("get_by_external_id A.1 200"));
    assert!(at("get_by_external_id A.1 200") < at("upload A.1 200"));
    assert!(
        at("upload A3 200") < at("upload A.1 200"),
        "A3 waits for nobody"
    );
    // The other rows wait for the answer.
    assert!(at("get_by_external_id A.1 200") < at("create A.2 201"));
    assert_eq!(count(&outcome, "get_by_external_id A.2 200"), 0);
    assert!(at("get_by_external_id B/6 200") < at("create B/5.1 201"));
    assert_eq!(count(&outcome, "get_by_external_id B/5.1 200"), 0);
    assert!(at("get_by_external_id C 7 200") < at("upload C 7 200"));
}

#[test]
fn a_record_that_is_found_late_is_waited_for() {
    for (delay, looks) in [(0, 1), (300, 2)] {
        let outcome = rows_of(&["A.1"])
            .configure_emulator(|settings| {
                settings.attachments.external_id_delay = Duration::from_millis(delay);
            })
            .import()
            .with_fast_clock()
            .rows(["A.1 uploaded"])
            .exits(0);
        let found = count(&outcome, "get_by_external_id A.1");
        assert_eq!(found, 1 + looks, "{delay}: {:?}", outcome.requests);
    }
}

#[test]
fn what_is_there_already_proves_its_characters() {
    let test = rows_of(&["A.1", "A.2"]);
    test.import()
        .with_fast_clock()
        .with_results("first.csv")
        .exits(0);
    let more = rows_of(&["A.1", "A.2", "A.3"]);
    let manifest = more.read("m.csv");
    test.write("3.pdf", "content of A.3");
    test.write("m.csv", manifest);
    test.import()
        .rows(["A.1 skipped", "A.2 skipped", "A.3 uploaded"])
        .requests([
            "get_by_external_id A.1 200",
            "get_by_external_id A.2 200",
            "get_by_external_id A.3 404",
            "create A.3 201",
            "upload A.3 200",
            "list 200",
        ])
        .exits(0);
}

#[test]
fn a_look_up_that_fails_is_not_one_that_finds_nothing() {
    let test = rows_of(&["A.1"]).inject_fault(GetByExternalId, Nth(2), status_effect(503));
    let outcome = test
        .import()
        .with_fast_clock()
        .rows(["A.1 uploaded"])
        .exits(0);
    let proof = [
        "get_by_external_id A.1 503 status",
        "get_by_external_id A.1 200",
    ];
    assert_eq!(outcome.requests[2..4], proof);
}

#[test]
fn a_lost_answer_to_the_first_post_proves_the_id_where_the_record_is_found() {
    let test = rows_of(&["A.1"]).inject_fault(Create, Nth(1), FaultEffect::LoseAnswer);
    test.import()
        .with_fast_clock()
        .rows(["A.1 uploaded"])
        .requests([
            "get_by_external_id A.1 404",
            "create A.1 201 lose_answer",
            "get_by_external_id A.1 200",
            "update A.1 200",
            "upload A.1 200",
            "list 200",
        ])
        .exits(0);
    let test = not_routing(&["A.1"], DottedIdRouting::NotFound404)
        .configure_emulator(|settings| {
            settings.attachments.external_id_uniqueness =
                consign::emulator::ExternalIdUniqueness::NotUnique;
        })
        .inject_fault(Create, FirstN(1), FaultEffect::LoseAnswer);
    let outcome = test
        .import()
        .with_fast_clock()
        .prints(NOT_FOUND_AGAIN)
        .with_any_stderr()
        .rows(["A.1 created not_found_again"])
        .stored([])
        .exits(3);
    assert_eq!(count(&outcome, "create A.1"), 2);
}

#[test]
fn the_404_page_of_a_router_never_lets_a_file_be_stored() {
    let test = not_routing(&["A1", "A2", "B.1"], DottedIdRouting::RouterPage);
    let run: TestRun<'_> = test.import().with_fast_clock().args(["--max-outage", "2s"]);
    let outcome = run.with_any_stderr().done_or_exits(3);
    assert_ne!(outcome.code, 0);
    assert_eq!(count(&outcome, "upload B.1"), 0);
    assert!(count(&outcome, "get_by_external_id B.1 404") > 0);
}

#[test]
fn a_new_id_that_is_not_found_is_given_back() {
    let manifest = format!(
        "{},new_external_id\n1.pdf,contract,1,A1,B.1\n2.pdf,contract,2,A2,B.2\n3.pdf,contract,3,A3,B3\n",
        MANIFEST_HEADER.trim_end()
    );
    for (dotted_ids, code) in [
        (DottedIdRouting::Routed, 0),
        (DottedIdRouting::NotFound404, 3),
    ] {
        let test = not_routing(&["A1", "A2", "A3"], dotted_ids).manifest(&manifest);
        let run = test.import().with_fast_clock().with_any_stderr();
        let run = if code == 0 {
            run.rows(["A1 renamed", "A2 renamed", "A3 renamed"])
        } else {
            run.prints(
                "row 1, column new_external_id: the service took \"B.1\" and does not find it \
                 again, probably because of \".\"; a later run would store the file once more; the \
                 attachment has its old external_id again: use ids of letters, digits, _ and - \
                 alone, then go on\n",
            )
        };
        let outcome = run.exits(code);
        let names: Vec<String> = test
            .service()
            .stored_contents()
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        if code == 0 {
            assert_eq!(names, ["B.1", "B.2", "B3"]);
        } else {
            assert_eq!(names, ["A1", "A2", "B3"], "{:#?}", outcome.requests);
        }
    }
}
