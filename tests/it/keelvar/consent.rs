//! Question on the visibility to bidders: cases with and without the question.

use consign::emulator::EmulatorOperation::CreateJob;

use crate::harness::{
    API_HOST, ImportTest, ResultsTable, SOURCING_EVENT, SOURCING_REQUEST, TestCertificate, TestRun,
};

const NOTICE: &str = "files on a sourcing event are visible to all of its bidders by default\n";

const REFUSAL: &str = "error: nothing was sent: bidders would see the files at once, and there is \
                       no terminal to ask for consent; check with --dry-run, then give --yes\n";

/// Imports to a service outside this machine, at a host which does not exist.
fn import_to_unreachable_host(test: &ImportTest) -> TestRun<'_> {
    test.consign([
        "import",
        "m.csv",
        "--base-url",
        "https://service.invalid/api",
        "--skip-preflight",
    ])
    .env_var("KEELVAR_API_KEY", "key")
    .env_var("KEELVAR_USER_EMAIL", "me@example.com")
}

/// Returns the exit code and the whole standard error of a run.
fn exit_code_and_stderr(run: &TestRun<'_>) -> (i32, String) {
    let (code, _, stderr) = run.start().wait_for_exit();
    (code, stderr)
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent_to_an_event() {
    let test = ImportTest::with_event_rows(2);
    assert_eq!(
        exit_code_and_stderr(&import_to_unreachable_host(&test)),
        (2, format!("{NOTICE}{REFUSAL}"))
    );
    // A refusal names its reason even in a quiet run.
    assert_eq!(
        exit_code_and_stderr(&import_to_unreachable_host(&test).args(["--quiet"])),
        (2, format!("{NOTICE}{REFUSAL}"))
    );
    assert!(!test.path(ResultsTable::DEFAULT_NAME).exists());
}

#[test]
fn a_dry_run_asks_nobody() {
    let test = ImportTest::with_event_rows(2);
    assert_eq!(
        exit_code_and_stderr(&import_to_unreachable_host(&test).args(["--dry-run"])),
        (0, String::new())
    );
}

#[test]
fn with_yes_or_for_a_request_nobody_is_asked() {
    let away = "stopped early: the service was away for longer than --max-outage allows";
    let test = ImportTest::with_event_rows(1);
    import_to_unreachable_host(&test)
        .args(["--yes", "--max-outage", "0s"])
        .prints(away)
        .rows(["A1 pending not_reached"])
        .exits(3);
    let test = ImportTest::with_object_rows([(SOURCING_REQUEST, 1)]);
    let run = import_to_unreachable_host(&test).args(["--max-outage", "0s"]);
    let (code, stdout, stderr) = run.start().wait_for_exit();
    assert_eq!(code, 3);
    assert!(stdout.contains(away), "{stdout}");
    assert!(!stderr.contains("bidders"), "{stderr}");
}

#[test]
fn yes_lets_an_import_into_a_service_elsewhere_begin() {
    let test = ImportTest::with_event_rows(2).over_tls_by_proxy(TestCertificate::valid());
    test.import()
        .through_proxy()
        .prints(REFUSAL)
        .requests([])
        .exits(2);
    test.import()
        .through_proxy()
        .args(["--yes"])
        .rows(["A1 uploaded", "A2 uploaded"])
        .attached(["A1", "A2"])
        .exits(0);
    assert!(
        test.results()
            .cell("A1", "destination")
            .starts_with(API_HOST)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_the_user_is_asked_and_anything_but_yes_sends_nothing() {
    let test = ImportTest::with_event_rows(2).over_tls_by_proxy(TestCertificate::valid());
    for typed in ["\n", "n\n", "yesterday\n"] {
        let (code, shown) = test.import().through_proxy().run_on_terminal(typed);
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains(NOTICE), "{shown}");
        assert!(shown.contains("attach 2 files now? [y/N] "), "{shown}");
        assert!(shown.ends_with("error: nothing was sent\n"), "{shown}");
        assert_eq!(test.service().request_log(), []);
        assert!(!test.path(ResultsTable::DEFAULT_NAME).exists());
    }
    let (code, shown) = test.import().through_proxy().run_on_terminal("y\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("attach 2 files now? [y/N] "), "{shown}");
    crate::harness::assert_attached_once(&test);
}

#[test]
fn on_this_machine_it_is_said_once_and_nobody_is_asked() {
    let test = ImportTest::with_object_rows([(SOURCING_EVENT, 2), (SOURCING_REQUEST, 1)]);
    let import = |test: &ImportTest| {
        // The import has several jobs; the notice belongs to the run, not to each job.
        exit_code_and_stderr(&test.import().args(["--files-per-job", "1", "--resume"]))
    };
    let (code, stderr) = import(&test);
    assert_eq!((code, stderr.matches(NOTICE).count()), (0, 1), "{stderr}");
    assert_eq!(test.service().count_requests(CreateJob), 3);
    // No file is left to become visible for the first time.
    assert_eq!(import(&test), (0, String::new()));
    let test = ImportTest::with_event_rows(1);
    assert_eq!(
        exit_code_and_stderr(&test.import().args(["--quiet"])),
        (0, String::new())
    );
}
