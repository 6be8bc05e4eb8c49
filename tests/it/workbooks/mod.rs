//! Manifests in workbooks, each made by its test.

mod cells;
mod files;
mod imports;
mod sheets;

use rust_xlsxwriter::{Format, Workbook, Worksheet};

use crate::harness::{ImportTest, TestRun};

/// File name of the workbook in every test.
const WORKBOOK: &str = "m.xlsx";

const PROBLEMS: &str = "m.problems.csv";

/// Name of the sheet with the rows.
const SHEET: &str = "Contracts";

const HEADER: [&str; 4] = ["file_path", "object_type", "object_id", "external_id"];

/// Value of a cell in a test.
enum TestValue {
    Text(&'static str),
    Number(f64),
    /// Number in a format.
    Formatted(f64, &'static str),
    Truth(bool),
    /// Formula with its stored result.
    Formula(&'static str, &'static str),
    Nothing,
}

use TestValue::{Formatted, Formula, Nothing, Number, Text, Truth};

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, value: &TestValue) {
    match value {
        Text(text) => sheet.write_string(row, column, *text),
        Number(number) => sheet.write_number(row, column, *number),
        Formatted(number, code) => {
            let format = Format::new().set_num_format(*code);
            sheet.write_number_with_format(row, column, *number, &format)
        }
        Truth(value) => sheet.write_boolean(row, column, *value),
        Formula(formula, result) => {
            let formula = rust_xlsxwriter::Formula::new(*formula).set_result(*result);
            sheet.write_formula(row, column, formula)
        }
        Nothing => return,
    }
    .unwrap();
}

/// Writes a row from its first column on.
fn write_row(sheet: &mut Worksheet, row: u32, values: &[TestValue]) {
    for (column, value) in (0..).zip(values) {
        write_cell(sheet, row, column, value);
    }
}

/// Writes the header into the first row.
fn write_header(sheet: &mut Worksheet) {
    for (column, name) in (0..).zip(HEADER) {
        sheet.write_string(0, column, name).unwrap();
    }
}

/// Returns the bytes of a workbook with one sheet.
fn workbook_with(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet().set_name(SHEET).unwrap());
    workbook.save_to_buffer().unwrap()
}

/// Test with a workbook and the file `a.pdf`.
fn with_workbook(bytes: impl AsRef<[u8]>) -> ImportTest {
    ImportTest::new()
        .file("a.pdf", "alpha")
        .file(WORKBOOK, bytes)
}

/// Test with a workbook of the header and the given rows below.
fn with_rows(rows: &[&[TestValue]]) -> ImportTest {
    with_workbook(workbook_with(|sheet| {
        write_header(sheet);
        for (row, values) in (1..).zip(rows) {
            write_row(sheet, row, values);
        }
    }))
}

impl ImportTest {
    /// Run of `check` on the workbook.
    fn check_workbook(&self) -> TestRun<'_> {
        self.consign(["check", WORKBOOK])
    }

    /// Run of `import` on the workbook, one row at a time.
    fn import_workbook(&self) -> TestRun<'_> {
        let base = self.service().base_url();
        self.consign(["import", WORKBOOK, "--base-url", &base])
            .args(["--rate", "2000", "--concurrency", "1", "--skip-preflight"])
    }
}

/// Returns the lines of the problems file, each as kind, sheet, cell and value.
fn noted(test: &ImportTest) -> Vec<String> {
    let problems = test.read(PROBLEMS);
    let problems = problems.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(problems.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let columns = ["kind", "sheet", "cell", "value"].map(at);
    let records = reader.records().map(Result::unwrap);
    records
        .map(|cells| columns.map(|column| cells[column].to_owned()).join(" "))
        .collect()
}
