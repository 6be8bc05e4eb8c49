//! Files written by consign, given as a manifest.

use super::{copies, import, imported, says_all};
use crate::harness::{ImportTest, MANIFEST_HEADER};

#[test]
fn results_that_are_given_as_the_manifest_are_refused_and_the_manifest_is_named() {
    for test in imported() {
        let base = test.service().base_url();
        for command in ["check", "import"] {
            let run = test.consign([command, "m.results.csv"]);
            let run = match command {
                "import" => run.args(["--base-url", &base]),
                _ => run,
            };
            run.stdout("")
                .stderr(
                    "error: m.results.csv: is a results file of consign, not a manifest; name \
                     m.csv (with --resume an import goes on with these results), or, where all of \
                     its files are to be attached again, say --allow-again\n",
                )
                .requests([])
                .exits(2);
        }
        assert_eq!(copies(&test), 4);
    }
}

#[test]
fn files_of_consign_are_known_by_their_header_whatever_a_spreadsheet_made_of_them() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    let results = test.read("m.results.csv");
    for text in [
        results.replace(',', ";"),
        results.replace(',', "\t"),
        format!("\u{feff}{results}"),
        results.replace('\n', "\r\n"),
    ] {
        test.write("export.csv", text);
        test.consign(["check", "export.csv"])
            .stdout("")
            .prints("error: export.csv: is a results file of consign, not a manifest; name m.csv ")
            .exits(2);
    }
}

#[test]
fn a_verification_and_a_problems_file_are_refused_too() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    let base = test.service().base_url();
    test.consign(["verify", "m.results.csv", "--base-url", &base])
        .exits(0);
    test.consign(["check", "m.results.verification.csv"])
        .stdout("")
        .stderr(
            "error: m.results.verification.csv: is a verification file of consign, not a \
             manifest; name m.csv\n",
        )
        .exits(2);
    test.write(
        "m.csv",
        format!("{MANIFEST_HEADER}none.pdf,contract,1,A1\n"),
    );
    test.check().prints("\"none.pdf\" does not exist").exits(2);
    test.consign(["check", "m.problems.csv"])
        .stdout("")
        .stderr(
            "error: m.problems.csv: is a problems file of consign, not a manifest; name m.csv\n",
        )
        .exits(2);
}

#[test]
fn the_manifest_is_named_whichever_way_its_extension_is_written() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    for name in ["m.CSV", "m.txt", "m.data"] {
        let manifest = test.read("m.csv");
        test.remove("m.csv");
        test.write(name, &manifest);
        test.write("m.pdf", "no manifest");
        test.consign(["check", "m.results.csv"])
            .prints(format!("not a manifest; name {name} ("))
            .stdout("")
            .exits(2);
        test.remove(name);
        test.write("m.csv", &manifest);
    }
    test.remove("m.csv");
    test.consign(["check", "m.results.csv"])
        .prints("not a manifest; name the manifest that it was made from (")
        .stdout("")
        .exits(2);
}

#[test]
fn whoever_means_it_may_attach_everything_again() {
    for test in imported() {
        let base = test.service().base_url();
        let again = || {
            test.consign(["import", "m.results.csv", "--base-url", &base])
                .args(["--rate", "2000", "--concurrency", "1"])
                .with_results("again.csv")
                .with_any_stderr()
        };
        // Row numbers do not answer the question of the right file.
        again().args(["--allow-again=1-4"]).requests([]).exits(2);
        let workday = super::is_workday(&test);
        let outcome = again().args(["--allow-again"]).allowing_second_copies();
        let outcome = if workday {
            outcome
        } else {
            outcome.with_fast_clock()
        }
        .exits(0);
        if workday {
            // The rows have their keys, by which they are found.
            assert_eq!(copies(&test), 4);
        } else {
            assert_eq!(copies(&test), 8);
            says_all(&outcome, &["as --allow-again says: rows 1-4\n"]);
        }
        import(&test).args(["--resume"]).requests([]).exits(0);
    }
}
