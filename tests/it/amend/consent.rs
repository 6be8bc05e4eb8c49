//! Question before content is replaced: cases with and without the question.

use crate::harness::{ImportTest, ResultsTable, TestRun};

const OTHER: &str = "other.results.csv";

const REFUSAL: &str = "error: nothing was sent: stored content would be replaced, and there is no \
                       terminal to ask for consent; check with --dry-run, then give --yes\n";

/// Service with the first content of all rows, and local files among which the second has changed.
fn changed() -> ImportTest {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    test.write("A2.pdf", "something longer than before");
    test
}

fn replacing(test: &ImportTest) -> TestRun<'_> {
    test.import()
        .args(["--on-conflict", "replace", "--backup", "old"])
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let test = changed();
    replacing(&test)
        .stderr(REFUSAL)
        .stdout("")
        .requests([])
        .exits(2);
    // A refusal names its reason even in a quiet run.
    let quiet = replacing(&test).args(["--quiet"]);
    quiet.stderr(REFUSAL).stdout("").requests([]).exits(2);
    assert!(!test.path(ResultsTable::DEFAULT_NAME).exists());
}

#[test]
fn a_dry_run_asks_nobody() {
    let test = changed();
    let run = replacing(&test).args(["--dry-run"]);
    run.prints("row 2, external_id \"A2\": replace 13 bytes with 28\n")
        .exits(0);
}

#[test]
fn what_cannot_lose_anything_needs_no_yes() {
    let emulated = ImportTest::with_rows(1);
    emulated
        .consign(["import", "m.csv", "--emulator"])
        .args(["--on-conflict", "replace", "--no-backup"])
        .rows(["A1 uploaded"])
        .exits(0);
    let done = ImportTest::with_rows(1);
    done.import().exits(0);
    replacing(&done)
        .args(["--resume"])
        .rows(["A1 uploaded"])
        .requests([])
        .exits(0);
}

#[test]
fn with_yes_nobody_is_asked() {
    let test = changed();
    replacing(&test)
        .args(["--yes"])
        .rows(["A1 skipped same_content", "A2 replaced"])
        .exits(0);
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use super::*;

    const QUESTION: &str = "1 attachment will lose its present content\n\
                            1 attachment has the size of the file: each will be downloaded, and \
                            replaced if the content differs\n\
                            backups go to old\n\
                            replace the content now? [y/N] ";

    #[test]
    fn anything_but_yes_sends_nothing_but_look_ups() {
        let test = changed();
        let seen = test.service().request_log().len();
        for (typed, quiet) in [("\n", false), ("n\n", false), ("yesterday\n", true)] {
            let quiet: &[&str] = if quiet { &["--quiet"] } else { &[] };
            let run = replacing(&test).args(quiet.iter().copied());
            let (code, shown) = run.run_on_terminal(typed);
            assert_eq!(code, 2, "{shown}");
            assert!(shown.contains(QUESTION), "{shown}");
            assert!(shown.ends_with("error: nothing was sent\n"), "{shown}");
            assert!(!test.path(ResultsTable::DEFAULT_NAME).exists());
        }
        let asked = ["get_by_external_id A1 200", "get_by_external_id A2 200"].repeat(3);
        assert_eq!(test.service().requests_after(seen), asked);
    }

    #[test]
    fn after_yes_the_content_is_replaced() {
        let test = changed();
        let (code, shown) = replacing(&test).run_on_terminal("y\n");
        assert_eq!(code, 0, "{shown}");
        assert!(shown.contains(QUESTION), "{shown}");
        let results = test.results();
        assert_eq!(results.cell("A1", "reason"), "same_content");
        assert_eq!(results.cell("A2", "status"), "replaced");
        let stored = test.service().stored_contents();
        assert_eq!(stored[1].1, "something longer than before");
    }

    #[test]
    fn where_nothing_would_be_replaced_nobody_is_asked() {
        let test = ImportTest::with_rows(2);
        let (code, shown) = replacing(&test).run_on_terminal("");
        assert_eq!(code, 0, "{shown}");
        assert!(!shown.contains("[y/N]"), "{shown}");
        assert_eq!(test.service().stored_contents().len(), 2);
    }

    #[test]
    fn where_the_keys_are_rejected_nothing_is_asked_and_the_reason_is_told() {
        use crate::harness::status_effect;
        use consign::emulator::{EmulatorOperation, FaultTrigger};
        let test = ImportTest::with_rows(1).inject_fault(
            EmulatorOperation::GetByExternalId,
            FaultTrigger::EveryNth(1),
            status_effect(401),
        );
        let (code, shown) = replacing(&test).run_on_terminal("y\n");
        assert_eq!(code, 3, "{shown}");
        assert!(!shown.contains("[y/N]"), "{shown}");
        let told = "error: nothing was sent: the service rejects the keys";
        assert!(shown.contains(told), "{shown}");
    }
}
