//! Results held open by another program, which lets nobody replace the file.
//!
//! On Linux the shim refuses the renaming as the client of a Windows server does.

use crate::harness::{ImportTest, ResultsTable, TestDisk};

const NOTICE: &str = "m.results.csv is open in another program, probably Excel, and cannot be replaced; close the file there (trying again for a minute)\n";

#[test]
fn an_import_waits_until_the_results_are_closed_in_the_other_program() {
    let test = ImportTest::with_rows(2);
    let disk = TestDisk::new(&test);
    let mut running = disk
        .hold_file(test.import(), ResultsTable::DEFAULT_NAME)
        .start();
    running.wait_until_it_prints(NOTICE);
    disk.release_file();
    let (exit, summary, _) = running.wait_for_exit();
    assert!(disk.refused_replacements() > 0);
    assert_eq!(exit, 0, "{summary}");
    assert!(summary.starts_with("all 2 rows done"), "{summary}");
    test.resume().requests([]).all_uploaded(2).exits(0);
}

#[test]
fn an_import_whose_results_stay_open_elsewhere_ends_after_a_minute_with_all_lines_and_the_way_on() {
    let test = ImportTest::with_rows(2);
    let disk = TestDisk::new(&test);
    let ended = disk
        .hold_file(test.import(), ResultsTable::DEFAULT_NAME)
        .leaving_a_journal()
        .stderr(NOTICE)
        .stored_rows(["A1", "A2"])
        .exits(3);
    assert!(disk.refused_replacements() > 1);
    assert!(
        ended.stdout.starts_with("all 2 rows done")
            && ended.stdout.contains(
                "m.results.csv is open in another program, probably Excel, and could not be \
                 replaced; all results are in the file, but out of order: close the file there, and \
                 run the command below\n"
            )
            && !ended.stdout.contains("stopped early"),
        "{}",
        ended.stdout
    );
    // Two lines for each row on its way, and no left-over beside the journal.
    assert_eq!(
        test.file_names(),
        ["A1.pdf", "A2.pdf", "m.csv", "m.results.csv"]
    );
    let (_, resume) = ended.stdout.split_once("to go on: ").unwrap();
    let (exit, output) = test.run_shell_command(resume.trim());
    assert_eq!(exit, 0, "{output}");
    test.resume().requests([]).all_uploaded(2).exits(0);
}

#[test]
fn a_resumed_import_whose_results_are_open_elsewhere_ends_before_anything_is_sent() {
    let test = ImportTest::with_rows(2);
    test.import().args(["--limit", "1"]).exits(1);
    let disk = TestDisk::new(&test);
    let before = test.read(ResultsTable::DEFAULT_NAME);
    disk.hold_file(test.resume(), ResultsTable::DEFAULT_NAME)
        .leaving_a_journal()
        .stdout("")
        .stderr(format!(
            "{NOTICE}error: stopped early: m.results.csv is open in another program, probably Excel; \
             nothing more was sent, and the results are true: go on with --resume once the cause is \
             mended\n"
        ))
        .requests([])
        .exits(3);
    assert_eq!(test.read(ResultsTable::DEFAULT_NAME), before);
    test.resume().all_uploaded(2).exits(0);
}

#[test]
fn a_check_says_that_the_table_of_problems_is_still_open_elsewhere() {
    let test = ImportTest::with_rows(1).file("m.problems.csv", "problems of the last check");
    test.write(
        "m.csv",
        "file_path,object_type,object_id,external_id\nno.pdf,contract,1,A1\n",
    );
    let disk = TestDisk::new(&test);
    let ended = disk
        .hold_file(test.check(), "m.problems.csv")
        .with_any_stderr()
        .exits(2);
    assert!(disk.refused_replacements() > 1);
    assert!(
        ended.stderr.contains(
            "m.problems.csv cannot be written: the file is open in another program, probably Excel; \
             close the file there"
        ),
        "{}",
        ended.stderr
    );
    assert_eq!(test.read("m.problems.csv"), "problems of the last check");
}
