//! `check --online`: what an import would do, before there is one.

use consign::emulator::Keys;

use crate::harness::{Run, Test, row};

const OTHER: &str = "other.results.csv";

/// A service that has A1 and A2, and files of which A2's is another one now.
fn mixed() -> Test {
    let test = Test::of_rows(2);
    test.import().with_results(OTHER).exits(0);
    let manifest = test.read("m.csv") + &row("A3");
    test.write("A3.pdf", "content of A3");
    test.write("A2.pdf", "something longer than before");
    test.write("m.csv", manifest);
    test
}

fn online(test: &Test) -> Run<'_> {
    let base = test.service().base_url();
    let one_by_one = ["--rate", "2000", "--concurrency", "1"];
    test.check()
        .args(["--online", "--base-url", &base])
        .args(one_by_one)
}

#[test]
fn it_says_what_an_import_would_do_and_how_long_it_would_take_and_sends_only_look_ups() {
    let test = mixed();
    online(&test)
        .stdout(
            "an import of 3 rows would\n\
             \x20         1  create and upload, 13 B\n\
             \x20         1  skip: there already, with the same size\n\
             \x20         1  not be able to finish: conflict\n\
             row 2, external_id \"A2\": conflict, stored_other_size\n\
             it would take 5 requests: less than 1 s at this rate; nothing was sent now\n",
        )
        .requests([
            "list 200",
            "get_by_external_id A1 200",
            "get_by_external_id A2 200",
            "get_by_external_id A3 404",
        ])
        .exits(1);
    assert!(!test.path("m.results.csv").exists(), "nothing was begun");
}

#[test]
fn it_names_each_change_that_is_asked_for_with_old_and_new() {
    let test = mixed();
    online(&test)
        .args(["--on-conflict", "replace", "--backup", "old"])
        .says("row 2, external_id \"A2\": replace 13 bytes with 28")
        .exits(0);
    assert!(!test.path("old").exists(), "nothing was kept");
}

#[test]
fn it_counts_what_earlier_runs_have_done() {
    let test = Test::of_rows(2);
    test.import().exits(0);
    online(&test)
        .says("leave alone: done by an earlier run")
        .requests([])
        .exits(0);
}

#[test]
fn keys_that_are_rejected_are_told_before_the_import_needs_them() {
    let test = Test::of_rows(1).emulator(|settings| {
        settings.keys = Keys::Only {
            api_key: "the-key".to_owned().into(),
            user_token: "the-token".to_owned().into(),
            user_email: "someone@example.com".to_owned(),
        };
    });
    online(&test)
        .variable("WORKDAY_API_KEY", "an-old-key")
        .variable("WORKDAY_USER_TOKEN", "the-token")
        .variable("WORKDAY_USER_EMAIL", "someone@example.com")
        .says("error: nothing was sent but one question: [base] rejects the keys")
        .exits(3);
}

#[test]
fn what_is_wrong_with_the_manifest_comes_first() {
    let test = Test::of_rows(1);
    std::fs::remove_file(test.path("A1.pdf")).unwrap();
    online(&test)
        .says("column file_path: \"A1.pdf\" does not exist")
        .requests([])
        .exits(2);
}
