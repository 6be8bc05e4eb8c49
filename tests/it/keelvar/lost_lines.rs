//! Results with lines removed, as by a filter in a spreadsheet. Attached files would be sent again,
//! and the service cannot be asked for them.

use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, ResultsTable, RunningTool, SOURCING_EVENT,
    assert_attached_once, manifest_row_for_object,
};

/// Returns the text without the given lines. The header is line 1.
fn without(text: &str, gone: &[usize]) -> String {
    let lines = text.split_inclusive('\n').zip(1..);
    let left = lines.filter(|(_, number)| !gone.contains(number));
    left.map(|(line, _)| line).collect()
}

#[test]
fn results_are_refused_whichever_lines_are_gone_and_the_rows_are_named() {
    let test = ImportTest::with_event_rows(4);
    test.import().exits(0);
    let whole = test.read(ResultsTable::DEFAULT_NAME);
    for (gone, told) in [
        (
            &[2][..],
            "1 line was removed since it was written\n@, and the file of row 1 may be",
        ),
        (
            &[5],
            "1 line was removed since it was written\n@, and the file of row 4 may be",
        ),
        (
            &[3, 4],
            "2 lines were removed since it was written\n@, and the files of rows 2-3 may be",
        ),
        (
            &[2, 5],
            "2 lines were removed since it was written\n@, and the files of rows 1,4 may be",
        ),
    ] {
        test.write(ResultsTable::DEFAULT_NAME, without(&whole, gone));
        let nothing = "nothing was sent: Keelvar cannot be asked what is attached already";
        for run in [test.resume(), test.resume().args(["--dry-run"])] {
            run.stdout("")
                .prints(format!(
                    "error: m.results.csv: {}",
                    told.replace('@', nothing)
                ))
                .exits(2);
        }
    }
    test.write(ResultsTable::DEFAULT_NAME, whole);
    test.resume().requests([]).exits(0);
    assert_attached_once(&test);
}

#[test]
fn a_file_that_was_cut_off_in_the_middle_of_a_line_is_refused_too() {
    let test = ImportTest::with_event_rows(2);
    test.import().exits(0);
    let whole = test.read(ResultsTable::DEFAULT_NAME);
    test.write(ResultsTable::DEFAULT_NAME, &whole[..whole.len() - 20]);
    test.resume()
        .prints("error: m.results.csv line 3 was torn\nnothing was sent: ")
        .prints("go on with --allow-again=2\n")
        .exits(2);
}

#[test]
fn rows_that_are_new_are_no_rows_that_lost_their_lines() {
    let test = ImportTest::with_event_rows(3);
    test.import().exits(0);
    test.write("A4.pdf", "content of A4");
    test.write(
        "m.csv",
        test.read("m.csv") + &manifest_row_for_object("A4", SOURCING_EVENT),
    );
    test.write(
        ResultsTable::DEFAULT_NAME,
        without(&test.read(ResultsTable::DEFAULT_NAME), &[4]),
    );
    test.resume()
        .prints("go on with --allow-again=3\n")
        .exits(2);
}

#[test]
fn whoever_has_looked_goes_on_with_the_rows_that_are_not_there() {
    let test = ImportTest::with_event_rows(3);
    test.import().exits(0);
    test.write(
        ResultsTable::DEFAULT_NAME,
        without(&test.read(ResultsTable::DEFAULT_NAME), &[2, 4]),
    );
    // New content stands for files which were not attached.
    test.write("A1.pdf", "another content of A1");
    test.write("A3.pdf", "another content of A3");
    test.resume()
        .args(["--allow-again=1"])
        .prints("and the files of rows 1,3 may be")
        .exits(2);
    test.resume()
        .args(["--allow-again=1,3"])
        .stderr(
            "m.results.csv: 2 lines were removed since it was written; rows 1,3 count as new, and their \
             files are attached again if they are attached already\n",
        )
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([
            "create_job J2 201",
            "get_job J2 200",
            "upload A1.pdf 200",
            "upload A3.pdf 200",
            "get_job J2 200",
        ])
        .exits(0);
}

#[test]
fn a_line_of_a_killed_run_is_missed_as_long_as_a_later_one_is_there() {
    let test = ImportTest::with_event_rows(2).with_holding_proxy();
    // Both rows share a job, and their bytes are on the way.
    test.import()
        .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    let journal = test.read(ResultsTable::DEFAULT_NAME);
    let job = |line: &str| line.contains("A1,created") && !line.contains("sending");
    let gone: Vec<usize> = journal
        .lines()
        .zip(1..)
        .filter(|(line, _)| job(line))
        .map(|(_, number)| number)
        .collect();
    assert!(!gone.is_empty(), "{journal}");
    let altered = without(&journal, &gone);
    test.write(ResultsTable::DEFAULT_NAME, &altered);
    test.resume()
        .with_any_stderr()
        .rows(["A1 uploaded", "A2 uploaded"])
        .exits(0);
    assert_attached_once(&test);
}
