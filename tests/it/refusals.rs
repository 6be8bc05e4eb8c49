//! Runs refused before any request.

use crate::harness::{HoldMoment, ImportTest, SHELL};

#[test]
fn results_of_an_earlier_import_are_refused_with_the_command_that_goes_on() {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    test.import()
        .stdout("")
        .stderr(
            "error: m.results.csv exists already: an import was begun with this file\n\
             to go on with these results: [consign] import m.csv --base-url [base] --rate 2000 \
             --concurrency 1 --resume\n",
        )
        .exits(2);
}

#[test]
fn the_command_that_goes_on_can_be_pasted_into_a_shell() {
    let test = ImportTest::with_rows(1);
    let with_blanks = "it's all here.csv";
    test.import().with_results(with_blanks).exits(0);
    test.import()
        .with_results(with_blanks)
        .prints(format!(
            "--results {} --resume",
            SHELL.word(with_blanks.as_ref())
        ))
        .exits(2);
}

#[test]
fn a_resume_without_results_begins_them() {
    let test = ImportTest::with_rows(1);
    test.resume()
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn a_second_run_on_the_same_results_is_refused_while_the_first_goes_on() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            for second in [running.test.resume(), running.test.import()] {
                second
                    .stdout("")
                    .stderr(
                        "error: m.results.csv is in use by another run of consign; wait for the \
                         other run to end, or stop that run\n",
                    )
                    .exits(2);
            }
        })
        .rows(["A1 uploaded", "A2 uploaded"])
        .stored_rows(["A1", "A2"])
        .exits(0);
}

#[test]
fn results_that_were_made_with_another_destination_are_refused() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    test.consign(["import", "m.csv", "--emulator", "--resume"])
        .stdout("")
        .stderr(
            "error: m.results.csv was made with [label], and this run would send to emulator; use \
             another results file with --results, or name the destination of the results\n",
        )
        .exits(2);
}

#[test]
fn results_that_were_made_with_another_base_or_tenant_are_refused() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    let tenant = ["--region", "eu", "--environment", "sandbox"];
    let base = ["--base-url", "https://example.com/services/attachments/v1"];
    for (elsewhere, ours) in [
        (
            &tenant[..],
            "api.sandbox.eu.workdayspend.com/services/attachments/v1",
        ),
        (&base[..], "example.com/services/attachments/v1"),
    ] {
        let outcome = test
            .consign(["import", "m.csv", "--resume"])
            .args(elsewhere.iter().copied())
            .env_var("WORKDAY_API_KEY", "key")
            .env_var("WORKDAY_USER_TOKEN", "token")
            .env_var("WORKDAY_USER_EMAIL", "a@example.com")
            .prints("m.results.csv was made with [label], and this run would send to ")
            .exits(2);
        assert!(outcome.stderr.contains(ours), "{}", outcome.stderr);
    }
}

#[test]
fn another_file_is_never_taken_for_results() {
    let test = ImportTest::with_rows(1).file("m.results.csv", "name,amount\nx,1\n");
    test.resume()
        .stdout("")
        .stderr(
            "error: m.results.csv is not a results file of consign: the first line has no column \
             \"line_check\"\n",
        )
        .exits(2);
}

#[test]
fn an_import_to_nowhere_in_particular_is_refused_and_explained() {
    let test = ImportTest::with_rows(1);
    test.consign(["import", "m.csv"])
        .stdout("")
        .stderr(
            "error: no destination is named, and there is no default, so that nothing reaches the \
             wrong company: give --region us|eu|ca and --environment production|sandbox, or \
             --base-url URL (or set WORKDAY_BASE_URL), or --emulator to try consign without an \
             account\n",
        )
        .exits(2);
}

#[test]
fn half_a_tenant_and_an_unsafe_base_are_refused() {
    let test = ImportTest::with_rows(1);
    for (args, message) in [
        (
            ["--region", "eu"],
            "error: --region and --environment go together: --environment production|sandbox is \
             missing\n",
        ),
        (
            ["--base-url", "http://example.com/services/attachments/v1"],
            "error: the base URL \"http://example.com/services/attachments/v1\" is not https (http \
             is for this machine only); a base URL looks like \
             https://api.us.workdayspend.com/services/attachments/v1\n",
        ),
    ] {
        test.consign(["import", "m.csv"])
            .args(args)
            .stderr(message)
            .exits(2);
    }
}

#[test]
fn the_base_may_come_from_the_environment() {
    let test = ImportTest::with_rows(1);
    let base = test.service().base_url();
    test.consign(["import", "m.csv", "--rate", "2000"])
        .env_var("WORKDAY_BASE_URL", &base)
        .rows(["A1 uploaded"])
        .exits(0);
}

#[test]
fn a_manifest_with_a_mistake_is_refused_as_a_whole() {
    let test = ImportTest::with_rows(3);
    test.remove("A2.pdf");
    test.import()
        .stdout("")
        .stderr(
            "m.csv line 3 (row 2), column file_path: \"A2.pdf\" does not exist; correct the \
             path, which is relative to the manifest's folder or to --root\n\
             error: nothing was sent; mend the manifest, or go on without these rows with \
             --skip-invalid\n",
        )
        .exits(2);
}
