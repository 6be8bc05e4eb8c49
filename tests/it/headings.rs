//! Headings in the house's own words, columns with one value for all rows, and the line `sep=;`.

use std::fmt::Write as _;

use consign::emulator::EmulatorOperation::{Create, Upload};
use consign::emulator::FaultTrigger::Nth;
use rust_xlsxwriter::Workbook;
use serde_json::json;

use crate::harness::{ImportTest, MANIFEST_HEADER, content_of, status_effect};

/// Options with which the manifest of [`with_own_headings`] is read.
///
/// A shell reads the title otherwise where the title is not quoted.
const OPTIONS: [&str; 9] = [
    "--column",
    "file_path=document link",
    "--column=object_id=RECORD NO",
    "--column",
    "external_id=Our key, \"final\"",
    "--set",
    "object_type=contract",
    "--set",
    "title=it's \"$HOME\" \\ `date`",
];

/// Lines on standard error about these options.
const NOTICE: &str = "column file_path is read from \"Document link\"\n\
                      column object_id is read from \"Record-No\"\n\
                      column external_id is read from \"Our key, \"final\"\"\n\
                      object_type is contract in every row, as --set says\n\
                      title is it's \"$HOME\" \\ `date` in every row, as --set says\n";

/// Returns a test with a manifest of three rows. The column named `external_id` is not the key.
fn with_own_headings() -> ImportTest {
    let test = ImportTest::with_rows(3);
    let mut manifest =
        "Document link,Record-No,\"Our key, \"\"final\"\"\",external_id,Department\n".to_owned();
    for id in 1..=3 {
        let _ = writeln!(manifest, "A{id}.pdf,{id},A{id},old {id},Legal");
    }
    test.manifest(manifest)
}

/// Returns a test with a manifest of one row below a header.
fn with_header(header: &str) -> ImportTest {
    ImportTest::with_rows(1).manifest(format!("{header}\nA1.pdf,contract,1,A1\n"))
}

#[test]
fn an_import_reads_own_headings_and_its_printed_command_goes_on_in_a_shell() {
    let test = with_own_headings().inject_fault(Create, Nth(2), status_effect(422));
    let stopped = test
        .import()
        .args(OPTIONS)
        .args(["--max-errors", "0"])
        .stderr(NOTICE)
        .rows(["A1 uploaded", "A2 failed refused", "A3 pending not_reached"])
        .exits(3);
    let mut told = stopped.stdout.lines();
    let command = told.find_map(|line| line.strip_prefix("to go on: "));
    let command = command.expect("the way on is told");
    let (code, said) = test.run_shell_command(command);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(NOTICE), "{said}");
    assert_eq!(test.service().count_requests(Upload), 3);
    let ids = ["A1", "A2", "A3"].map(|id| (id.to_owned(), content_of(id)));
    assert_eq!(test.service().stored_contents(), ids);
    let results = test.results();
    for (column, value) in [
        ("file_path", "A2.pdf"),
        ("object_type", "contract"),
        ("object_id", "2"),
        ("status", "uploaded"),
        ("manifest_external_id", "old 2"),
        ("Department", "Legal"),
        ("title", "it's \"$HOME\" \\ `date`"),
    ] {
        assert_eq!(results.cell("A2", column), value, "{column}");
    }
    let attachments = test.service().stored_attachments();
    assert!(
        attachments
            .iter()
            .all(|one| one.title == "it's \"$HOME\" \\ `date`"),
        "{attachments:?}"
    );
}

#[test]
fn a_pilot_prints_a_command_with_all_options() {
    let test = with_own_headings();
    let pilot = test
        .import()
        .args(OPTIONS)
        .args(["--limit", "1", "--quiet"])
        .exits(1);
    assert_eq!((&*pilot.stdout, &*pilot.stderr), ("", ""));
    test.resume()
        .args(OPTIONS)
        .args(["--limit", "1"])
        .stderr(NOTICE)
        .prints(
            "to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 --resume \
             --column 'file_path=document link' '--column=object_id=RECORD NO' --column \
             'external_id=Our key, \"final\"' --set object_type=contract --set 'title=it'\\''s \
             \"$HOME\" \\ `date`'\n",
        )
        .rows(["A1 uploaded", "A2 uploaded", "A3 pending not_reached"])
        .exits(1);
}

#[test]
fn scripts_read_which_columns_come_from_elsewhere() {
    let test = with_own_headings();
    let run = test
        .check()
        .args(OPTIONS)
        .args(["--output", "json"])
        .stderr(NOTICE)
        .exits(0);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        summary["columns"],
        json!({
            "file_path": "Document link",
            "object_id": "Record-No",
            "external_id": "Our key, \"final\"",
        })
    );
    assert_eq!(
        summary["set"],
        json!({ "object_type": "contract", "title": "it's \"$HOME\" \\ `date`" })
    );
}

#[test]
fn a_report_reads_the_manifest_with_the_options_of_the_import() {
    let test = with_own_headings();
    test.import().args(OPTIONS).stderr(NOTICE).exits(0);
    let report = || test.consign(["report", "m.results.csv"]);
    report()
        .prints("m.csv: line 1: missing columns file_path, ")
        .prints(
            "; the report is written without the manifest: where the import had --sheet, --column or \
             --set, give the report the same\n",
        )
        .with_any_stderr()
        .exits(0);
    report()
        .args(OPTIONS)
        .prints("All 3 rows are done. ")
        .exits(0);
    let report: serde_json::Value =
        serde_json::from_str(&test.read("m.results.report.json")).unwrap();
    assert_eq!(report["reconciliation"]["complete"], true, "{report:#}");
}

#[test]
fn options_that_contradict_each_other_or_name_no_column_are_refused() {
    let test = with_own_headings();
    for (options, refusal) in [
        (
            ["--column", "file=Document link", "--set", "title=x"],
            "there is no column \"file\"; the columns are file_path, object_type, object_id, \
             object_external_id, external_id, title, file_name, sha256, new_external_id\n",
        ),
        (
            ["--column", "flie_path=Document link", "--set", "title=x"],
            "there is no column \"flie_path\"; did you mean file_path? the columns are ",
        ),
        (
            ["--column", "title=a", "--column", "title=b"],
            "error: --column names title twice; leave one of the two out\n",
        ),
        (
            [
                "--column",
                "title=Our key",
                "--column",
                "file_name=our  KEY",
            ],
            "error: --column names the heading \"our  KEY\" for title and for file_name; a heading is \
             one column\n",
        ),
        (
            [
                "--set",
                "object_type=event",
                "--set",
                "object_type=contract",
            ],
            "error: --set names object_type twice; leave one of the two out\n",
        ),
        (
            ["--column", "title=Department", "--set", "title=x"],
            "error: --column and --set both name title; leave one of the two out\n",
        ),
        (
            ["--column", "title=", "--set", "object_type=contract"],
            "no heading is named for title\n",
        ),
        (
            ["--set", "title=", "--set", "object_type=contract"],
            "the value for title is empty; leave the option out\n",
        ),
        (
            ["--set", "external_id=A1", "--set", "object_type=contract"],
            "external_id cannot have one value in all rows: each row needs an id of its own",
        ),
    ] {
        for run in [test.check(), test.import()] {
            run.args(options)
                .prints(refusal)
                .with_any_stderr()
                .requests([])
                .exits(2);
        }
    }
}

#[test]
fn a_wrong_value_for_all_rows_is_told_once() {
    let test = with_own_headings();
    let run = test
        .import()
        .args(["--column", "file_path=Document link"])
        .args(["--set", "object_type=contrat"])
        .prints(
            "error: invalid value 'object_type=contrat' for '--set <COLUMN=VALUE>': \"contrat\" is \
             not an object type; did you mean contract? Allowed are ",
        )
        .with_any_stderr()
        .requests([])
        .exits(2);
    assert_eq!(run.stderr.matches("did you mean").count(), 1);
    assert!(!test.path("m.problems.csv").exists());
}

#[test]
fn a_heading_that_is_not_there_is_told_with_those_that_are() {
    with_own_headings()
        .import()
        .args(["--column", "file_path=Dokument link"])
        .stderr(
            "error: m.csv: line 1: no column has the heading \"Dokument link\", which --column names \
             for file_path; did you mean \"Document link\"? found \"Document link\", \"Record-No\", \
             \"Our key, \"final\"\", \"external_id\", \"Department\"\n",
        )
        .requests([])
        .exits(2);
}

#[test]
fn a_value_for_a_column_that_is_there_is_refused() {
    ImportTest::with_rows(2)
        .import()
        .args(["--set", "object_type=event"])
        .stderr(
            "error: m.csv: line 1: the manifest has a column object_type, so --set object_type could \
             contradict its cells; leave --set object_type out, or remove the column\n",
        )
        .requests([])
        .exits(2);
}

#[test]
fn a_missing_column_is_told_with_the_option_that_gives_it() {
    with_own_headings()
        .check()
        .stderr(
            "error: m.csv: line 1: missing columns file_path, object_type, object_id or \
             object_external_id; found \"Document link\", \"Record-No\", \"Our key, \"final\"\", \
             \"external_id\", \"Department\"; expected file_path, object_type, object_id or \
             object_external_id, external_id; rename \"Document link\" or say --column \
             file_path=\"Document link\", for example, if it is file_path; if all rows are of one \
             type, say it once, such as --set object_type=contract\n",
        )
        .exits(2);
    with_header("filepath,object_type,object_id,external_id")
        .check()
        .prints("; rename \"filepath\" or say --column file_path=filepath if it is file_path\n")
        .with_any_stderr()
        .exits(2);
}

#[test]
fn headings_are_compared_without_case_blanks_hyphens_and_hidden_characters() {
    for (header, file_path) in [
        ("File Path,Object Type,OBJECT ID,External-Id", "File Path"),
        ("FILE-PATH,object_type,object_id,external_id", "FILE-PATH"),
        (
            "\"File\nPath\",object_type,object_id,external_id",
            "File\\nPath",
        ),
        (
            "file\u{a0}path,object_type,object_id,external_id",
            "file\u{a0}path",
        ),
        (
            "\u{200b}file_path,object_type,object_id,external_id",
            "\\u{200b}file_path",
        ),
    ] {
        let test = with_header(header);
        let run = test
            .import()
            .with_any_stderr()
            .rows(["A1 uploaded"])
            .stored_rows(["A1"])
            .exits(0);
        assert_eq!(run.stderr, "", "{file_path}");
        assert_eq!(test.results().cell("A1", "file_path"), "A1.pdf");
    }
}

#[test]
fn a_line_above_the_header_names_the_delimiter() {
    for line in ["sep=;\n", "\u{feff}sep=;\r\n", "\u{feff}\"sep=;\"\r\n\r\n"] {
        let rows = "file_path;object_type;object_id;external_id;a,b\nA1.pdf;contract;1;A1;c,d\n";
        let test = ImportTest::with_rows(1).manifest(format!("{line}{rows}"));
        test.import()
            .rows(["A1 uploaded"])
            .stored_rows(["A1"])
            .exits(0);
        assert_eq!(test.results().cell("A1", "a,b"), "c,d");
    }
    let wrong = format!("sep=;\n{MANIFEST_HEADER}A1.pdf,contract,1,A1\n");
    ImportTest::with_rows(1)
        .manifest(wrong)
        .check()
        .prints("error: m.csv: line 2: missing columns file_path, ")
        .prints(
            "; the delimiter is the one that \"sep=;\" above the header names: correct or remove that \
             line if it is wrong\n",
        )
        .with_any_stderr()
        .exits(2);
    ImportTest::with_rows(1)
        .manifest("sep=;\n\nfile_path;object_type;object_id;external_id\nA1.pdf;contrat;1;A1\n")
        .check()
        .prints("m.csv line 4 (row 1), column object_type: \"contrat\" is not an object type; ")
        .with_any_stderr()
        .exits(2);
}

#[test]
fn the_sheet_that_has_the_columns_with_the_options_is_read() {
    let mut workbook = Workbook::new();
    let notes = workbook.add_worksheet().set_name("Notes").unwrap();
    notes.write_string(0, 0, "Document link").unwrap();
    let sheet = workbook.add_worksheet().set_name("Contracts").unwrap();
    let header = ["Document link", "object_id", "external_id"];
    for (column, name) in (0..).zip(header) {
        sheet.write_string(0, column, name).unwrap();
    }
    sheet.write_string(1, 0, "A1.pdf").unwrap();
    sheet.write_number(1, 1, 1).unwrap();
    sheet.write_string(1, 2, "A1").unwrap();
    let test = ImportTest::with_rows(1).file("m.xlsx", workbook.save_to_buffer().unwrap());
    let base = test.service().base_url();
    test.consign(["import", "m.xlsx", "--base-url", &base, "--skip-preflight"])
        .args(["--column", "file_path=Document link"])
        .args(["--set", "object_type=contract"])
        .stderr(
            "read 1 row from the sheet Contracts\n\
             column file_path is read from \"Document link\"\n\
             object_type is contract in every row, as --set says\n",
        )
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(0);
    assert_eq!(test.results().cell("A1", "object_type"), "contract");
}
