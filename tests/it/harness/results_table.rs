//! Results file, read as by a script: by the names in the header.

use std::collections::HashMap;
use std::fs;
use std::iter;
use std::path::Path;

/// Line of the results.
#[derive(Debug, Clone)]
pub(crate) struct ResultsLine {
    pub(super) cells: Vec<String>,
    by_name: HashMap<String, String>,
}

impl ResultsLine {
    /// Returns the cell under a column name. Panics without the column.
    pub(crate) fn cell(&self, column: &str) -> &str {
        self.by_name
            .get(column)
            .unwrap_or_else(|| panic!("the results have no column {column}"))
    }

    /// Returns the cell under a column name possibly brought by the manifest, or `None` if the cell
    /// is empty or absent.
    pub(super) fn optional_cell(&self, column: &str) -> Option<&str> {
        let cell = self.by_name.get(column)?;
        (!cell.is_empty()).then_some(cell)
    }
}

/// Results file with header and lines.
#[derive(Debug, Clone)]
pub(crate) struct ResultsTable {
    pub(crate) header: Vec<String>,
    pub(crate) lines: Vec<ResultsLine>,
}

impl ResultsTable {
    /// File name of the results by default.
    pub(crate) const DEFAULT_NAME: &str = "m.results.csv";

    /// Reads a results file. Returns `None` if there is no file.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let mut reader = table_reader(&bytes);
        let header: Vec<String> = owned_cells(reader.headers().unwrap());
        let lines = reader
            .records()
            .map(|record| {
                let cells = owned_cells(&record.unwrap());
                // A torn line has fewer cells.
                let all = cells.iter().cloned().chain(iter::repeat(String::new()));
                let by_name = header.iter().cloned().zip(all).collect();
                ResultsLine { cells, by_name }
            })
            .collect();
        Some(Self { header, lines })
    }

    /// Returns the only line of a row. Panics if the row has none or several.
    pub(crate) fn line(&self, external_id: &str) -> &ResultsLine {
        let of_row: Vec<&ResultsLine> = self
            .lines
            .iter()
            .filter(|line| line.cell("external_id") == external_id)
            .collect();
        assert_eq!(of_row.len(), 1, "lines of {external_id} in {self:#?}");
        of_row[0]
    }

    /// Returns one cell of a row.
    pub(crate) fn cell(&self, external_id: &str, column: &str) -> &str {
        self.line(external_id).cell(column)
    }

    /// Returns each line as `external_id status reason`.
    pub(crate) fn statuses_in_words(&self) -> Vec<String> {
        let words = |line: &ResultsLine| {
            let cells = ["external_id", "status", "reason"].map(|column| line.cell(column));
            cells.join(" ").trim_end().to_owned()
        };
        self.lines.iter().map(words).collect()
    }
}

/// Returns a reader of a table whose first column name is followed by the delimiter of the table.
pub(super) fn table_reader(text: &[u8]) -> csv::Reader<&[u8]> {
    let mut bytes = text.iter().copied();
    let delimiter = bytes.find(|byte| b",;\t".contains(byte)).unwrap_or(b',');
    csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text)
}

fn owned_cells(record: &csv::StringRecord) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}
