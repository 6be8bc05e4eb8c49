//! API keys: missing, rejected and rejected for a moment only.

use consign::emulator::{AcceptedAttachmentKeys, EmulatorOperation, FaultTrigger};

use crate::harness::{ImportTest, TestRun, status_effect};

const KEY: &str = "the-key";
const TOKEN: &str = "the-token";
const EMAIL: &str = "someone@example.com";

fn test_with_keys(rows: usize) -> ImportTest {
    ImportTest::with_rows(rows).configure_emulator(|settings| {
        settings.attachments.accepted_keys = AcceptedAttachmentKeys::Only {
            api_key: KEY.to_owned().into(),
            user_token: TOKEN.to_owned().into(),
            user_email: EMAIL.to_owned(),
        };
    })
}

fn with_keys<'t>(run: TestRun<'t>, key: &str) -> TestRun<'t> {
    run.env_var("WORKDAY_API_KEY", key)
        .env_var("WORKDAY_USER_TOKEN", TOKEN)
        .env_var("WORKDAY_USER_EMAIL", EMAIL)
}

#[test]
fn keys_come_from_the_environment() {
    let test = test_with_keys(1);
    with_keys(test.import(), KEY).rows(["A1 uploaded"]).exits(0);
}

#[test]
fn rejected_keys_stop_the_run_and_cost_no_row_anything() {
    let test = test_with_keys(3);
    with_keys(test.import(), "an-old-key")
        .stdout(
            "3 of 3 rows not done (0 B sent in [time], 2 requests)\n\
             \x20 pending           3  not reached, or to be tried again by --resume\n\
             stopped early: the service rejects the keys (status 401: Unauthorized: X-Api-Key, \
             X-User-Token and X-User-Email do not identify a user): renew WORKDAY_API_KEY, \
             WORKDAY_USER_TOKEN and WORKDAY_USER_EMAIL, then go on\n\
             results: m.results.csv\n\
             to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
             --resume\n",
        )
        .rows([
            "A1 pending not_reached",
            "A2 pending not_reached",
            "A3 pending not_reached",
        ])
        .requests(["get_by_external_id A1 401", "get_by_external_id A1 401"])
        .exits(3);
    with_keys(test.resume(), KEY)
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .stored_rows(["A1", "A2", "A3"])
        .exits(0);
}

#[test]
fn rejected_keys_are_told_before_the_hashing_and_leave_no_results() {
    let test = test_with_keys(1);
    with_keys(test.import().with_preflight(), "an-old-key")
        .stdout("")
        .stderr(
            "error: nothing was sent but one question: [base] rejects the keys (status 401: \
             Unauthorized: X-Api-Key, X-User-Token and X-User-Email do not identify a user): are \
             region and environment right? Each has keys of its own; else renew WORKDAY_API_KEY, \
             WORKDAY_USER_TOKEN and WORKDAY_USER_EMAIL, then go on\n",
        )
        .requests(["list 401"])
        .exits(3);
    assert!(!test.path("m.results.csv").exists());
}

#[test]
fn a_real_service_needs_keys_and_is_not_asked_without_them() {
    let test = ImportTest::with_rows(1);
    test.consign([
        "import",
        "m.csv",
        "--base-url",
        "https://service.invalid/v1",
    ])
    .env_var("WORKDAY_USER_TOKEN", TOKEN)
    .stdout("")
    .stderr(
        "error: the keys of the service come from the environment: WORKDAY_API_KEY and \
             WORKDAY_USER_EMAIL are not set\n",
    )
    .exits(2);
}

#[test]
fn a_row_that_good_keys_may_not_write_fails_alone() {
    // The POST is refused twice. Between the two refusals the look-up, which worked before, works
    // again.
    let test = ImportTest::with_rows(3)
        .inject_fault(
            EmulatorOperation::Create,
            FaultTrigger::Nth(2),
            status_effect(403),
        )
        .inject_fault(
            EmulatorOperation::Create,
            FaultTrigger::Nth(3),
            status_effect(403),
        );
    test.import()
        .rows(["A1 uploaded", "A2 failed forbidden", "A3 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create 403 status",
            "get_by_external_id A2 404",
            "create 403 status",
            "get_by_external_id A3 404",
            "create A3 201",
            "upload A3 200",
            "list 200",
        ])
        .stored_rows(["A1", "A3"])
        .exits(1);
    assert_eq!(
        test.results().cell("A2", "message"),
        "the keys work, but not for this row (status 403: Forbidden: this answer comes from a \
         scripted fault): ask for the rights on contract 2"
    );
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .exits(0);
}

#[test]
fn the_proxy_of_the_system_is_not_asked_the_way_to_this_machine() {
    // The proxy variables name a port without a listener, so a request through the proxy would
    // fail.
    let nowhere = "http://127.0.0.1:9";
    let test = ImportTest::with_rows(1);
    test.import()
        .env_var("HTTP_PROXY", nowhere)
        .env_var("http_proxy", nowhere)
        .env_var("ALL_PROXY", nowhere)
        .env_var("NO_PROXY", "")
        .args(["--max-outage", "0s"])
        .rows(["A1 uploaded"])
        .exits(0);
}
