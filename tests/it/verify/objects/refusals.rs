//! Verifications with nothing to ask: other bases, results without records, and Keelvar.

use consign::results::ResultsEntry;
use consign::results::ledger::Ledger;

use super::verify_objects;
use crate::harness::{ImportTest, ResultsTable};
use crate::report::{uploaded, with_results};
use crate::verify::imported;

#[test]
fn a_base_beside_which_no_records_are_known_is_refused_before_anything_is_asked() {
    let test = with_results([ResultsEntry {
        destination: "127.0.0.1:9/elsewhere".to_owned(),
        ..uploaded(1)
    }]);
    let run = |options: &[&'static str]| {
        let arguments = [
            "verify",
            ResultsTable::DEFAULT_NAME,
            "--base-url",
            "http://127.0.0.1:9/elsewhere",
        ];
        test.consign(arguments.into_iter().chain(options.iter().copied()))
    };
    run(&["--objects"])
        .stderr(
            "error: the base URL http://127.0.0.1:9/elsewhere does not end in \
             /services/attachments/v1, beside which the services of contracts, events, projects \
             and suppliers stand; give a base URL with this end\n",
        )
        .exits(2);
    assert!(!test.path("m.results.verification.csv").exists());
}

#[test]
fn results_that_name_no_record_prove_nothing_and_say_so() {
    let test = imported(2);
    let path = test.path(ResultsTable::DEFAULT_NAME);
    let mut entries: Vec<_> = Ledger::read(&path).unwrap().entries().collect();
    entries[1].object_id = String::new();
    let nameless = with_results(entries);
    test.write(
        ResultsTable::DEFAULT_NAME,
        nameless.read(ResultsTable::DEFAULT_NAME),
    );
    // The attachment stays on its record, of which the results no longer speak.
    test.service().move_to_contract("A2", 2);
    verify_objects(&test)
        .outcomes(["A1 match", "A2 error"])
        .requests(["list 200", "get_object contracts/1 200"])
        .prints("row 2: the results name no record: object_id is empty\n")
        .exits(1);
}

#[test]
fn keelvar_has_no_answer_about_the_files_of_a_record() {
    let test = ImportTest::with_event_rows(1);
    test.import().all_uploaded(1).exits(0);
    verify_objects(&test)
        .stderr(
            "error: nothing was sent: Keelvar does not show which files a record has; leave \
             --objects out\n",
        )
        .exits(2);
}
