//! `import --lookup on-clash`: the service's own refusal as the look-up, once the run has proven the
//! refusal.

use std::fmt::Write as _;

use consign::emulator::EmulatorOperation::Create;
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{ExternalIdClashStatus, ExternalIdUniqueness, FaultEffect};

use crate::harness::{
    EXIT_CODE_KILLED, FinishedRun, HoldMoment, ImportTest, MANIFEST_HEADER, RunningTool, TestRun,
    status_effect,
};

const CLASH: ExternalIdClashStatus = ExternalIdClashStatus::Unprocessable422;

/// Line of the summary of a run that proved the refusal for contracts and events.
const PROVEN: &str = "lookup on-clash: the service refuses a second external_id in the whole \
                      company, so new rows were not looked up\n1 attachment named \
                      consign-proof-..., without content, was made to find out; the service \
                      removes such attachments within an hour\n";

/// Test with a row for each object. The rows attach `A1.pdf` as `A1`, and so on.
fn rows_for(objects: &[&str]) -> ImportTest {
    let ids = (1..).map(|number| format!("A{number}"));
    rows_with_ids(objects.iter().copied().zip(ids))
}

fn rows_with_ids<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> ImportTest {
    let mut manifest = MANIFEST_HEADER.to_owned();
    let mut test = ImportTest::new();
    for (object, id) in rows {
        test = test.file(&format!("{id}.pdf"), format!("content of {id}"));
        writeln!(manifest, "{id}.pdf,{object},{id}").unwrap();
    }
    test.manifest(manifest)
}

/// Rows for two contracts, two events, and then two contracts again.
fn contracts_and_events() -> ImportTest {
    rows_for(&[
        "contract,1",
        "contract,2",
        "event,11",
        "event,12",
        "contract,3",
        "contract,4",
    ])
}

fn on_clash(test: &ImportTest) -> TestRun<'_> {
    test.import().args(["--lookup", "on-clash"])
}

/// Requests of a run for the rows' attachments, with one name for all throwaway ids.
fn requests_of(run: &FinishedRun) -> Vec<String> {
    let words = run.requests.iter().map(|request| {
        let words = request.split(' ').map(|word| {
            if word.starts_with("consign-proof-") {
                "consign-proof"
            } else {
                word
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    words.collect()
}

fn count(run: &FinishedRun, words: &str) -> usize {
    let requests = run.requests.iter();
    requests.filter(|one| one.starts_with(words)).count()
}

/// Asserts that the run looked every row up and made this many throwaway records.
#[track_caller]
fn assert_each_was_looked_up(run: &FinishedRun, rows: usize, proof_records: usize) {
    assert_eq!(
        count(run, "get_by_external_id"),
        rows,
        "{:#?}",
        run.requests
    );
    let made = run.requests.iter();
    let made = made.filter(|one| one.starts_with("create consign-proof-") && one.contains(" 201"));
    assert_eq!(made.count(), proof_records, "{:#?}", run.requests);
}

#[test]
fn once_the_refusal_is_proven_new_rows_begin_with_their_post() {
    for clash_status in [CLASH, ExternalIdClashStatus::Conflict409] {
        let test = contracts_and_events().configure_emulator(|settings| {
            settings.attachments.external_id_uniqueness =
                ExternalIdUniqueness::Unique { clash_status };
        });
        let run = on_clash(&test).prints(PROVEN).all_uploaded(6).exits(0);
        let status = match clash_status {
            ExternalIdClashStatus::Conflict409 => 409,
            ExternalIdClashStatus::Unprocessable422 => 422,
        };
        // The types take turns at the beginning.
        let refused = format!("create consign-proof {status}");
        let mut expected = vec![
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A3 404",
            "create A3 201",
            "upload A3 200",
            "create consign-proof 201",
            &refused,
        ];
        for row in ["A2", "A4", "A5", "A6"] {
            expected.extend(match row {
                "A2" => ["create A2 201", "upload A2 200"],
                "A4" => ["create A4 201", "upload A4 200"],
                "A5" => ["create A5 201", "upload A5 200"],
                _ => ["create A6 201", "upload A6 200"],
            });
        }
        expected.push("list 200");
        assert_eq!(requests_of(&run), expected);
        let has_line = test.read("m.results.csv").contains("consign-proof");
        assert!(!has_line, "no line is about the throwaway id");
    }
}

#[test]
fn a_service_that_takes_the_throwaway_id_twice_has_every_row_looked_up() {
    for external_ids in [
        ExternalIdUniqueness::UniquePerType {
            clash_status: CLASH,
        },
        ExternalIdUniqueness::UniquePerObject {
            clash_status: CLASH,
        },
        ExternalIdUniqueness::NotUnique,
    ] {
        let test = contracts_and_events().configure_emulator(|settings| {
            settings.attachments.external_id_uniqueness = external_ids;
        });
        let run = on_clash(&test)
            .prints(
                "lookup on-clash: every row was looked up, because the service accepts a second \
                 attachment with the same external_id\n2 attachments named consign-proof-..., without \
                 content, were made to find out; the service removes such attachments within an hour\n",
            )
            .all_uploaded(6)
            .exits(0);
        assert_each_was_looked_up(&run, 6, 2);
    }
}

#[test]
fn a_manifest_with_one_type_proves_the_refusal_within_the_type() {
    let contracts = ["contract,1", "contract,2", "contract,3", "contract,4"];
    let test = rows_for(&contracts).configure_emulator(|settings| {
        settings.attachments.external_id_uniqueness = ExternalIdUniqueness::UniquePerType {
            clash_status: CLASH,
        };
    });
    let run = on_clash(&test)
        .prints("within the type contract, the only one of the rows, so new rows")
        .all_uploaded(4)
        .exits(0);
    assert_each_was_looked_up(&run, 2, 1);

    // One object proves nothing, and several types are not proven by objects of one.
    for (objects, why) in [
        (
            ["contract,1"; 4].as_slice(),
            "all attachments made are on one record",
        ),
        (
            &["contract,1", "contract,1", "event,1", "event,1"],
            "no two of the records that got attachments differ in type and id",
        ),
    ] {
        let test = rows_for(objects);
        let run = on_clash(&test).prints(why).all_uploaded(4).exits(0);
        assert_each_was_looked_up(&run, 4, 0);
    }
}

#[test]
fn without_a_further_new_row_nothing_is_made_to_find_out() {
    let test = rows_for(&["contract,1", "event,2"]);
    let run = on_clash(&test)
        .prints("every row was looked up, because no new row was left to save one for\n")
        .all_uploaded(2)
        .exits(0);
    assert_each_was_looked_up(&run, 2, 0);
}

#[test]
fn whatever_is_no_refusal_of_the_second_throwaway_id_has_every_row_looked_up() {
    // The first two POSTs are of rows.
    for (nth, effect, proof_records, said) in [
        (
            3,
            FaultEffect::LoseAnswer,
            1,
            "1 attachment named consign-proof-..., without content, may have been made to find out",
        ),
        (
            4,
            FaultEffect::LoseAnswer,
            1,
            "1 attachment named consign-proof-..., without content, was made to find out, and 1 \
             more may have been",
        ),
        (
            3,
            status_effect(422),
            0,
            "the service refused the attachment made to find out (status 422",
        ),
        (
            4,
            status_effect(400),
            1,
            "only a refusal with status 409 or 422 proves anything, and the service said: ",
        ),
        (
            4,
            status_effect(404),
            1,
            "only a refusal with status 409 or 422 proves anything, and the service said: ",
        ),
        (
            4,
            status_effect(503),
            1,
            "a request made to find out stayed without an answer (status 503",
        ),
    ] {
        let test = contracts_and_events().inject_fault(Create, Nth(nth), effect.clone());
        let run = on_clash(&test)
            .with_fast_clock()
            .prints(said)
            .all_uploaded(6)
            .exits(0);
        assert_each_was_looked_up(&run, 6, proof_records);
        let posts = 6 + nth - 2;
        assert_eq!(count(&run, "create ") as u64, posts, "no POST is repeated");
    }
}

#[test]
fn a_refused_row_is_looked_up_and_ends_as_it_would_have_ended() {
    let test = contracts_and_events();
    // Somebody has attached files under the ids of rows 4 to 6.
    let all = test.read("m.csv");
    let theirs: String = all
        .lines()
        .skip(4)
        .fold(MANIFEST_HEADER.to_owned(), |text, row| text + row + "\n");
    test.write("theirs.csv", theirs);
    test.write("m.csv", test.read("theirs.csv"));
    test.import().with_results("theirs.results.csv").exits(0);
    test.write("m.csv", all);
    test.write("A5.pdf", "something longer than before");
    let run = on_clash(&test)
        .prints(PROVEN)
        .with_any_stderr()
        .rows([
            "A1 uploaded",
            "A2 uploaded",
            "A3 uploaded",
            "A4 skipped",
            "A5 conflict stored_other_size",
            "A6 skipped",
        ])
        .exits(1);
    for row in ["A4", "A5", "A6"] {
        let at = |words: String| run.requests.iter().position(|one| *one == words);
        let refused = at(format!("create {row} 422"));
        assert!(refused.is_some(), "{:#?}", run.requests);
        assert!(refused < at(format!("get_by_external_id {row} 200")));
    }
}

#[test]
fn ids_that_may_not_route_and_rows_with_a_new_id_are_looked_up_all_the_same() {
    let objects = ["contract,1", "event,2", "contract,3", "contract,4"];
    let ids = ["A1", "A2", "A.3", "A4"];
    let rows = objects.into_iter().zip(ids.map(str::to_owned));
    let test = rows_with_ids(rows);
    let manifest: String = test
        .read("m.csv")
        .lines()
        .map(|line| match line.split(',').next_back() {
            Some("external_id") => format!("{line},new_external_id\n"),
            Some("A4") => format!("{line},B4\n"),
            _ => format!("{line},\n"),
        })
        .collect();
    test.write("m.csv", manifest);
    let run = on_clash(&test).with_fast_clock().exits(0);
    assert_eq!(count(&run, "get_by_external_id A.3 404"), 1);
    assert_eq!(count(&run, "get_by_external_id A4 404"), 1);
}

#[test]
fn a_row_killed_after_a_post_without_a_look_up_takes_no_attachment_of_another_name_for_its_own() {
    // The ninth request is the first POST without a look-up.
    for (moment, file_name_at_resume, is_found) in [
        (HoldMoment::BeforeService, None, false),
        (HoldMoment::BeforeAnswer, None, true),
        (HoldMoment::BeforeAnswer, Some("other.pdf"), true),
    ] {
        let test = contracts_and_events().with_holding_proxy();
        on_clash(&test)
            .while_held(9, moment, RunningTool::kill)
            .exits(EXIT_CODE_KILLED);
        let journal = test.read("m.results.csv");
        assert!(journal.contains("creating,not_looked_up"), "{journal}");
        if let Some(name) = file_name_at_resume {
            let rows = test.read("m.csv");
            let rows = rows.lines().enumerate().map(|(nth, row)| match nth {
                0 => format!("{row},file_name\n"),
                2 => format!("{row},{name}\n"),
                _ => format!("{row},\n"),
            });
            test.write("m.csv", rows.collect::<String>());
        }
        let resumed = test.resume().with_fast_clock().with_any_stderr();
        if is_found && file_name_at_resume.is_some() {
            let run = resumed
                .prints("pending")
                .rows([
                    "A1 uploaded",
                    "A2 pending pending_elsewhere",
                    "A3 uploaded",
                    "A4 uploaded",
                    "A5 uploaded",
                    "A6 uploaded",
                ])
                .exits(1);
            assert_eq!(count(&run, "update A2"), 0, "it may be anybody's");
        } else {
            let run = resumed.all_uploaded(6).exits(0);
            assert_eq!(count(&run, "update A2"), usize::from(is_found));
        }
    }
}

#[test]
fn a_row_whose_post_without_a_look_up_got_no_answer_is_looked_for_and_finished() {
    // Two POSTs of rows and two of the proof come before.
    for effect in [FaultEffect::LoseAnswer, status_effect(503)] {
        let was_made = effect == FaultEffect::LoseAnswer;
        let test = contracts_and_events().inject_fault(Create, Nth(5), effect);
        let run = on_clash(&test).with_fast_clock().all_uploaded(6).exits(0);
        let posts = 8 + usize::from(!was_made);
        assert_eq!(count(&run, "create "), posts, "{was_made}");
    }
}

#[test]
fn a_resume_proves_the_refusal_anew() {
    let test = rows_for(&[
        "contract,1",
        "event,2",
        "contract,3",
        "event,4",
        "contract,5",
        "event,6",
        "contract,7",
        "event,8",
    ])
    .with_holding_proxy();
    on_clash(&test)
        .while_held(11, HoldMoment::BeforeService, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    let run = on_clash(&test)
        .args(["--resume"])
        .with_fast_clock()
        .prints("lookup on-clash: the service refuses a second external_id in the whole company")
        .all_uploaded(8)
        .exits(0);
    assert_eq!(count(&run, "create consign-proof-"), 2);
}

#[test]
fn a_dry_run_says_what_either_way_would_cost() {
    let test = contracts_and_events();
    let dry_run = on_clash(&test).args(["--dry-run"]);
    dry_run
        .prints(
            "the import would take 11 requests: less than 1 s at this rate; this dry run changed \
             nothing\n\
             with --lookup each: 13 requests, less than 1 s; with --lookup on-clash: 11 requests, \
             less than 1 s\n\
             on-clash relies on the service to refuse an external_id in use in the whole company, \
             which is not documented: ",
        )
        .exits(0);
    let json = on_clash(&test)
        .args(["--dry-run", "--output", "json"])
        .exits(0);
    let found: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(found["lookup"]["each"]["requests"], 13);
    let run = on_clash(&test).args(["--output", "json"]).exits(0);
    let uploads = count(&run, "upload ");
    let api_requests = run.requests.len() - uploads;
    assert_eq!(api_requests, 11, "as the dry run has said");
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        found["lookup"],
        serde_json::json!({
            "way": "on_clash",
            "proven_in": "company",
            "why": null,
            "proof_records": 1,
            "proof_records_unknown": 0,
        })
    );
}

#[test]
fn a_manifest_for_keelvar_has_no_look_ups() {
    let test = ImportTest::new()
        .manifest(
            "file_path,object_type,object_id,external_id\n\
             a.pdf,sourcing_event,00000000-0000-4000-8000-000000000001,A1\n",
        )
        .file("a.pdf", "a");
    test.consign(["import", "m.csv", "--emulator", "--lookup", "on-clash"])
        .stderr(
            "error: nothing was sent: --lookup on-clash is not for Keelvar, whose jobs can neither \
             find nor change what is attached; leave --lookup on-clash out\n",
        )
        .exits(2);
}
