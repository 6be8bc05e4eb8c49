//! Making of a table from the cells of a sheet: a text of comma-separated records, the number in
//! the sheet of each record's row, and the faults of cells.

use std::iter::Peekable;
use std::vec;

use super::cell_address::{CellPosition, CellRange};
use super::cell_value::{ColumnRole, DateSystem, StoredValue, convert_cell};
use super::number_format::NumberDisplay;
use super::sheet_choice::SheetHeader;
use super::sheet_scan::SheetFacts;
use crate::manifest::Column;
use crate::manifest::problem::{ManifestProblem, ProblemKind, SheetCellFault, SheetWarning};
use crate::manifest::table::{ManifestTable, SheetPlace};

/// Largest number of bytes of a table's text, the range of the offsets of rows.
const MAX_TABLE_BYTES: usize = u32::MAX as usize;

/// Column of the table, a column of the sheet with a name in the header.
struct TableColumn {
    /// Position in the sheet, from 0.
    position: u32,
    known: Option<Column>,
    role: ColumnRole,
}

/// Table under construction, cell by cell in the order of rows and columns.
pub(super) struct SheetTableBuilder {
    header_row: u32,
    columns: Vec<TableColumn>,
    date_system: DateSystem,
    not_calculated: Peekable<vec::IntoIter<CellPosition>>,
    merged: Vec<CellRange>,
    hidden_rows: Vec<u32>,
    has_filter: bool,
    text: String,
    record_lines: Vec<u32>,
    faults: Vec<ManifestProblem>,
    outside: Option<(CellPosition, u32)>,
    row: OpenRow,
}

/// Row under construction.
struct OpenRow {
    /// Number of the row, from 0.
    number: u32,
    /// Text of each column of the table.
    cells: Vec<String>,
    /// Faults, each with the index of its column.
    faults: Vec<(usize, SheetCellFault)>,
}

/// A table has more text than offsets can reach.
#[derive(Debug)]
pub(super) struct TableTooLarge;

impl SheetTableBuilder {
    /// Starts a table with its header. `known_columns` has the known column, if any, of each column
    /// of the header.
    pub(super) fn new(
        header: &SheetHeader,
        known_columns: &[Option<Column>],
        facts: SheetFacts,
        date_system: DateSystem,
    ) -> Self {
        let columns: Vec<TableColumn> = header
            .columns
            .iter()
            .zip(known_columns)
            .map(|(position, known)| TableColumn {
                position: *position,
                known: *known,
                role: match known {
                    Some(column) if column.is_key() => ColumnRole::Key,
                    _ => ColumnRole::Descriptive,
                },
            })
            .collect();
        let mut text = String::new();
        push_record(&mut text, &header.names);
        Self {
            header_row: header.row,
            row: OpenRow {
                number: header.row,
                cells: vec![String::new(); columns.len()],
                faults: Vec::new(),
            },
            columns,
            date_system,
            not_calculated: facts.not_calculated.into_iter().peekable(),
            merged: facts.merged,
            hidden_rows: facts.hidden_rows,
            has_filter: facts.has_filter,
            text,
            record_lines: Vec::new(),
            faults: Vec::new(),
            outside: None,
        }
    }

    /// Adds the next cell. Cells above the header are left out.
    pub(super) fn add_cell(
        &mut self,
        position: CellPosition,
        value: StoredValue<'_>,
        display: &NumberDisplay,
    ) -> Result<(), TableTooLarge> {
        if position.row <= self.header_row {
            return Ok(());
        }
        if position.row != self.row.number {
            self.end_row()?;
            self.row.number = position.row;
        }
        while self
            .not_calculated
            .next_if(|cell| *cell < position)
            .is_some()
        {}
        let is_calculated = self
            .not_calculated
            .next_if(|cell| *cell == position)
            .is_none();
        let found = self
            .columns
            .binary_search_by_key(&position.column, |column| column.position);
        let Ok(index) = found else {
            if value != StoredValue::Blank {
                self.outside.get_or_insert((position, 0)).1 += 1;
            }
            return Ok(());
        };
        let column = &self.columns[index];
        let converted = convert_cell(value, display, self.date_system, column.role);
        if !is_calculated && column.known.is_some() {
            self.row.faults.push((index, SheetCellFault::NotCalculated));
        } else {
            let fault = converted.fault.map(|fault| (index, fault));
            self.row.faults.extend(fault);
            self.row.cells[index].push_str(&converted.text);
        }
        Ok(())
    }

    /// Writes the record of the present row unless the row is blank, and prepares the next row.
    fn end_row(&mut self) -> Result<(), TableTooLarge> {
        let is_blank = self.row.cells.iter().all(|cell| cell.trim().is_empty());
        if !(is_blank && self.row.faults.is_empty()) {
            push_record(&mut self.text, &self.row.cells);
            self.record_lines.push(self.row.number + 1);
            if self.text.len() > MAX_TABLE_BYTES {
                return Err(TableTooLarge);
            }
            let number = row_number(self.record_lines.len());
            let faults = self.row.faults.drain(..);
            self.faults
                .extend(faults.map(|(index, fault)| ManifestProblem {
                    row: number,
                    column: self.columns[index].known,
                    kind: ProblemKind::SheetCell(fault),
                }));
        }
        for cell in &mut self.row.cells {
            cell.clear();
        }
        Ok(())
    }

    /// Ends the table of a sheet with a given name.
    pub(super) fn finish(mut self, sheet: &str) -> Result<ManifestTable, TableTooLarge> {
        self.end_row()?;
        self.text.shrink_to_fit();
        self.add_faults_of_merged_cells();
        let warnings = self.warnings();
        let place = SheetPlace {
            name: sheet.to_owned(),
            header_line: self.header_row + 1,
            columns: self.columns.iter().map(|column| column.position).collect(),
        };
        Ok(ManifestTable::of_sheet(
            place,
            self.text,
            self.record_lines,
            self.faults,
            warnings,
        ))
    }

    fn add_faults_of_merged_cells(&mut self) {
        self.merged.sort_by_key(|range| range.first.row);
        for column in &self.columns {
            if column.role != ColumnRole::Key {
                continue;
            }
            let covers = |range: &&CellRange| {
                (range.first.column..=range.last.column).contains(&column.position)
            };
            // Overlapping ranges are no work of a spreadsheet; each row counts once all the same.
            let mut next = 0;
            for range in self.merged.iter().filter(covers) {
                let rest = &self.record_lines[next..];
                next += rest.partition_point(|line| *line <= range.first.row);
                while let Some(line) = self.record_lines.get(next)
                    && *line <= range.last.row + 1
                {
                    next += 1;
                    self.faults.push(ManifestProblem {
                        row: row_number(next),
                        column: column.known,
                        kind: ProblemKind::SheetCell(SheetCellFault::Merged {
                            range: range.to_string().into(),
                        }),
                    });
                }
            }
        }
    }

    fn warnings(&self) -> Vec<ManifestProblem> {
        let is_record = |row: &&u32| self.record_lines.binary_search(&(**row + 1)).is_ok();
        let hidden = self.hidden_rows.iter().filter(is_record).count();
        let hidden = match hidden {
            0 if self.has_filter => Some(SheetWarning::Filtered),
            0 => None,
            count => Some(SheetWarning::HiddenRows {
                count: row_number(count),
            }),
        };
        let outside = self
            .outside
            .map(|(first, count)| SheetWarning::CellsOutsideTable {
                first: first.to_string().into(),
                count,
            });
        [hidden, outside]
            .into_iter()
            .flatten()
            .map(|unusual| ManifestProblem {
                row: 0,
                column: None,
                kind: ProblemKind::Sheet(unusual),
            })
            .collect()
    }
}

/// Converts a number of rows, of which a sheet has about a million at most.
fn row_number(count: usize) -> u32 {
    u32::try_from(count).expect("a sheet has fewer rows")
}

/// Appends a record in which commas, quotes and line breaks within cells stand in quotes.
fn push_record(text: &mut String, cells: &[String]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}
