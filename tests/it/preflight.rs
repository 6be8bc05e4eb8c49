//! Preflight request: a wrong address or wrong keys are found before any file is hashed, so that
//! neither an hour of hashing nor a wrong prediction comes of a wrong path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use consign::emulator::EmulatorOperation::{List, ListJobs};
use consign::emulator::FaultTrigger::Nth;

use crate::harness::{
    HoldMoment, ImportTest, SOURCING_EVENT, STOP_SIGNALS, TestRun, manifest_row_for_object,
    status_effect,
};

/// Response with all bytes of its body.
type RawResponse = Response<Vec<u8>>;

/// Returns `true` for the preflight request.
fn is_preflight(request: &axum::http::request::Parts) -> bool {
    ["/attachments", "/jobs/"]
        .iter()
        .any(|end| request.uri.path().ends_with(end))
        && request.method == "GET"
}

/// Service with two rows whose answer to the preflight request is altered by `answer`.
fn with_preflight_answer(answer: fn(&mut RawResponse)) -> ImportTest {
    ImportTest::with_rows(2).forging_responses(move |request, given| {
        if is_preflight(request) {
            answer(given);
        }
    })
}

fn empty(answer: &mut RawResponse, status: StatusCode) {
    *answer.status_mut() = status;
    answer.headers_mut().clear();
    answer.body_mut().clear();
}

fn page(answer: &mut RawResponse, status: StatusCode, text: &str) {
    empty(answer, status);
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    answer.headers_mut().insert("content-type", html);
    *answer.body_mut() = text.as_bytes().to_vec();
}

/// Expects an import which ends with the preflight request: one line, exit code 3, no results.
#[track_caller]
fn expect_end_at_preflight(run: TestRun<'_>, test: &ImportTest, why: &str) {
    run.stdout("")
        .stderr(format!("error: nothing was sent but one question: {why}\n"))
        .exits(3);
    assert!(!test.path("m.results.csv").exists());
}

/// Expects the message for an address at which another program answers.
#[track_caller]
fn expect_wrong_address_message(test: &ImportTest, came: &str) {
    for dry in [&["--dry-run"][..], &[]] {
        let run = test.import().with_preflight().args(dry.iter().copied());
        expect_end_at_preflight(
            run,
            test,
            &format!(
                "[base] does not answer as Workday Strategic Sourcing does ({came}): is the base \
                 URL right? A base URL looks like \
                 https://api.us.workdayspend.com/services/attachments/v1; to go on without this \
                 question, give --skip-preflight"
            ),
        );
    }
    assert_eq!(test.service().requests_after(0).len(), 2);
}

#[test]
fn one_question_is_sent_before_anything_else() {
    let test = ImportTest::with_rows(1);
    test.import()
        .with_preflight()
        .rows(["A1 uploaded"])
        .requests([
            "list 200",
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 200",
        ])
        .exits(0);
}

#[test]
fn a_dry_run_asks_it_too() {
    let test = ImportTest::with_rows(1);
    test.import()
        .with_preflight()
        .args(["--dry-run"])
        .prints("create and upload")
        .requests([
            "list 200",
            "get_by_external_id A1 404",
            "get_object contracts/1 200",
        ])
        .exits(0);
}

#[test]
fn a_finished_import_is_resumed_without_a_question_unless_a_file_was_touched() {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    let resume = || test.resume().with_preflight().all_uploaded(2);
    resume().requests([]).exits(0);
    let file = std::fs::File::options();
    let file = file.clone().append(true).open(test.path("A2.pdf")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    resume().requests(["list 200"]).exits(0);
}

#[test]
fn an_unfinished_import_is_resumed_with_the_question() {
    let test = ImportTest::with_rows(2).inject_fault(
        consign::emulator::EmulatorOperation::Create,
        Nth(2),
        status_effect(422),
    );
    test.import().with_any_stderr().exits(1);
    let resumed = test.resume().with_preflight().all_uploaded(2).exits(0);
    assert_eq!(
        resumed.requests[..2],
        ["list 200", "get_by_external_id A2 404"]
    );
}

#[test]
fn rows_that_are_not_fit_to_be_sent_are_told_of_without_a_question() {
    let test = ImportTest::with_rows(2);
    test.remove("A2.pdf");
    let unfit = || test.import().with_preflight();
    unfit().with_any_stderr().requests([]).exits(2);
    unfit()
        .args(["--skip-invalid"])
        .with_any_stderr()
        .rows(["A1 uploaded", "A2 invalid not_fit"])
        .exits(1);
}

#[test]
fn an_empty_404_is_not_taken_for_a_service_that_has_nothing() {
    let test = with_preflight_answer(|answer| empty(answer, StatusCode::NOT_FOUND));
    expect_wrong_address_message(&test, "status 404");
}

#[test]
fn a_wrong_path_of_the_right_host_is_told_before_the_hashing() {
    let test = ImportTest::with_rows(2);
    let base = test.service().base_url().replace("/v1", "/v2");
    test.consign(["import", "m.csv", "--base-url", &base])
        .prints("does not answer as Workday Strategic Sourcing does (status 404")
        .prints("--skip-preflight")
        .exits(3);
    assert!(!test.path("m.results.csv").exists());
}

#[test]
fn a_verification_does_not_take_empty_404s_for_a_service_that_has_lost_everything() {
    let is_imported = Arc::new(AtomicBool::new(false));
    let is_away = Arc::clone(&is_imported);
    let test = ImportTest::with_rows(2).forging_responses(move |request, given| {
        if is_preflight(request) && is_away.load(Ordering::Acquire) {
            empty(given, StatusCode::NOT_FOUND);
        }
    });
    test.import().exits(0);
    let lists = test.service().count_requests(List);
    test.verify().with_preflight().exits(0);
    let asked = test.service().count_requests(List) - lists;
    assert_eq!(asked, 2, "the question, and the list");

    is_imported.store(true, Ordering::Release);
    test.verify()
        .with_preflight()
        .prints("does not answer as Workday Strategic Sourcing does (status 404")
        .exits(3);
    let lists = test.service().count_requests(List) - lists;
    assert_eq!(lists, 3, "nothing but the question was asked");
}

#[test]
fn a_redirect_names_the_host_that_it_leads_to_and_no_more() {
    let test = with_preflight_answer(|answer| {
        empty(answer, StatusCode::FOUND);
        let place = "https://login.example.com/saml?token=CANARY";
        let place = HeaderValue::from_static(place);
        answer.headers_mut().insert("location", place);
    });
    expect_wrong_address_message(&test, "status 302, a redirect to https://login.example.com");
}

#[test]
fn a_sign_in_page_is_told_by_its_title() {
    let test = with_preflight_answer(|answer| {
        page(
            answer,
            StatusCode::OK,
            "<title>Sign in to Corp\u{1b}[2J</title>",
        );
    });
    expect_wrong_address_message(&test, "status 200 and a web page: \"Sign in to Corp [2J\"");
}

#[test]
fn json_of_somebody_else_is_no_list() {
    let test =
        with_preflight_answer(|answer| *answer.body_mut() = b"{\"data\":{\"ok\":true}}".to_vec());
    expect_wrong_address_message(&test, "status 200 and JSON that is no list of attachments");
}

#[test]
fn a_refusal_in_the_services_own_words_is_proof() {
    for refused in [400, 422] {
        let test = ImportTest::with_rows(1).inject_fault(List, Nth(1), status_effect(refused));
        let refused = format!("list {refused} status");
        let outcome = test.import().with_preflight().all_uploaded(1).exits(0);
        assert_eq!(outcome.requests[0], refused);
    }
}

#[test]
fn a_firewalls_refusal_is_told_as_what_it_is() {
    let test = with_preflight_answer(|answer| {
        let text = "<title>Request Rejected</title>Your support ID is: 1234567890";
        page(answer, StatusCode::FORBIDDEN, text);
    });
    expect_end_at_preflight(
        test.import().with_preflight(),
        &test,
        "something between consign and the service answered with status 403 and a web page: \
         \"Request Rejected\" (reference 1234567890)",
    );
}

#[test]
fn a_service_that_is_busy_is_asked_again() {
    let test = ImportTest::with_rows(1)
        .inject_fault(List, Nth(1), status_effect(503))
        .inject_fault(List, Nth(2), status_effect(429));
    let outcome = test
        .import()
        .with_preflight()
        .with_fast_clock()
        .stderr("no good answer from [base] yet (status 503); asking again for up to 2 min\n")
        .all_uploaded(1)
        .exits(0);
    let first = ["list 503 status", "list 429 status", "list 200"];
    assert_eq!(outcome.requests[..3], first);
}

#[test]
fn a_service_that_never_gives_a_good_answer_is_given_up() {
    let test = ImportTest::with_rows(1).inject_fault(List, Nth(1), status_effect(503));
    expect_end_at_preflight(
        test.import().with_preflight().args(["--max-outage", "0s"]),
        &test,
        "no good answer from [base] (status 503): is the address right?",
    );
    assert_eq!(test.service().count_requests(List), 1);
}

#[test]
fn a_quiet_import_says_nothing_of_the_question() {
    let test = ImportTest::with_rows(1).inject_fault(List, Nth(1), status_effect(503));
    test.import()
        .with_preflight()
        .with_fast_clock()
        .args(["--quiet"])
        .stdout("")
        .stderr("")
        .all_uploaded(1)
        .exits(0);
}

#[test]
fn an_interruption_ends_it_at_once() {
    for &(signal, code) in STOP_SIGNALS {
        let test = ImportTest::with_rows(1).with_holding_proxy();
        test.import()
            .with_preflight()
            .interruptible()
            .while_held(1, HoldMoment::BeforeService, |running| {
                running.signal(signal);
                assert_eq!(running.wait_for_exit().0, code);
            })
            .stdout("")
            .stderr("")
            .exits(code);
        assert_eq!(test.file_names(), ["A1.pdf", "m.csv"]);
    }
}

/// Keelvar with one event, whose answer to the preflight request is altered by `answer`.
fn keelvar_with_preflight_answer(answer: fn(&mut RawResponse)) -> ImportTest {
    let test = ImportTest::for_keelvar().manifest(
        crate::harness::MANIFEST_HEADER.to_owned() + &manifest_row_for_object("A1", SOURCING_EVENT),
    );
    test.write("A1.pdf", "content of A1");
    test.forging_responses(move |request, given| {
        if is_preflight(request) {
            answer(given);
        }
    })
}

#[test]
fn keelvars_list_of_jobs_is_asked_for_once() {
    let test = ImportTest::with_event_rows(1);
    let outcome = test.import().with_preflight().all_uploaded(1).exits(0);
    assert_eq!(
        outcome.requests[..2],
        ["list_jobs 200", "create_job J1 201"]
    );
    let lists = outcome
        .requests
        .iter()
        .filter(|request| request.starts_with("list_jobs"));
    assert_eq!(lists.count(), 1);
}

#[test]
fn a_list_that_keelvar_does_not_have_is_only_told_of() {
    let test = keelvar_with_preflight_answer(|answer| empty(answer, StatusCode::NOT_FOUND));
    test.import()
        .with_preflight()
        .prints(
            "the first answer of [base] proves nothing about address and keys (status 404): the \
             first rows will show whether both are right\n",
        )
        .all_uploaded(1)
        .exits(0);
}

#[test]
fn a_key_that_keelvar_rejects_is_told_before_the_hashing() {
    for (status, came) in [
        (StatusCode::FORBIDDEN, "status 403"),
        (StatusCode::UNAUTHORIZED, "status 401"),
    ] {
        let test = match status {
            StatusCode::FORBIDDEN => {
                keelvar_with_preflight_answer(|answer| empty(answer, StatusCode::FORBIDDEN))
            }
            _ => keelvar_with_preflight_answer(|answer| empty(answer, StatusCode::UNAUTHORIZED)),
        };
        expect_end_at_preflight(
            test.import().with_preflight(),
            &test,
            &format!(
                "[base] rejects the key ({came}): is the base URL right? Else renew KEELVAR_API_KEY, \
                 then go on"
            ),
        );
        assert_eq!(test.service().count_requests(ListJobs), 1);
    }
}

#[test]
fn a_list_of_somebody_else_is_not_keelvars() {
    let test =
        keelvar_with_preflight_answer(|answer| *answer.body_mut() = b"{\"ok\":true}".to_vec());
    expect_end_at_preflight(
        test.import().with_preflight().args(["--dry-run"]),
        &test,
        "[base] does not answer as Keelvar does (status 200 and JSON that is no list of jobs): is \
         the base URL right? A base URL looks like https://HOST/api, and ends where /jobs begins; \
         to go on without this question, give --skip-preflight",
    );
}
