//! First reading of a sheet: the proof that calamine can read it, and the facts that calamine does
//! not show.
//!
//! The proof covers well-formed XML, rows and cells in ascending order at addresses of a
//! spreadsheet, and cells of bounded size. The facts are formulas without a result, error values
//! unknown to calamine, merged cells, hidden rows and filters.

use std::io::{Read, Seek};

use quick_xml::events::{BytesStart, Event};

use super::cell_address::{CellPosition, CellRange, MAX_COLUMNS, MAX_ROWS};
use super::error::WorkbookError;
use super::package::FormulaResults;
use super::xml_part::{XmlPart, raw_attribute};

/// Largest number of bytes of one cell with its markup. A cell has up to 32,767 characters.
const MAX_CELL_BYTES: u64 = 4 << 20;

/// Largest number of merged cells that are kept, one pair in each row of the longest sheet.
const MAX_MERGED_RANGES: usize = 1 << 20;

/// Error values known to calamine. Excel has made up more of them since.
const KNOWN_ERRORS: [&str; 7] = [
    "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!",
];

/// Part of a sheet that is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanExtent {
    /// Everything up to the first cell after so many rows.
    FirstRows(u32),
    /// The whole sheet.
    Whole,
}

/// Facts about a sheet.
#[derive(Debug, Default)]
pub(super) struct SheetFacts {
    /// Cells whose formula has no result, in the order of rows and columns.
    pub(super) not_calculated: Vec<CellPosition>,
    /// Cells with an error value unknown to calamine, in the same order.
    pub(super) unknown_errors: Vec<UnknownError>,
    /// Merged cells.
    pub(super) merged: Vec<CellRange>,
    /// Hidden rows, ascending.
    pub(super) hidden_rows: Vec<u32>,
    /// `true` if the sheet has a filter.
    pub(super) has_filter: bool,
}

/// Cell with an error value unknown to calamine.
#[derive(Debug)]
pub(super) struct UnknownError {
    pub(super) position: CellPosition,
    pub(super) text: Box<str>,
}

/// Scans the part of a sheet. Formulas without a result are kept only in the columns for which
/// `is_of_interest` is `true`.
pub(super) fn scan_sheet<R: Read + Seek>(
    mut part: XmlPart<'_, R>,
    extent: ScanExtent,
    formula_results: FormulaResults,
    is_of_interest: impl Fn(u32) -> bool,
) -> Result<SheetFacts, WorkbookError> {
    let mut scan = SheetScan {
        part: part.name().to_owned(),
        formula_results,
        facts: SheetFacts::default(),
        depth: 0,
        area: SheetArea::BeforeRows,
        next_row: 0,
        next_column: 0,
        cell: None,
        value: String::new(),
    };
    loop {
        let start = part.position();
        let event = part.next_event()?;
        match event {
            Event::Start(element) => scan.start(&element, start)?,
            Event::Text(text) => scan.text(&text),
            Event::End(element) => {
                scan.end(element.local_name().as_ref(), &is_of_interest)?;
                if let ScanExtent::FirstRows(rows) = extent
                    && element.local_name().as_ref() == "c"
                    && scan.next_row > rows
                {
                    return Ok(scan.facts);
                }
            }
            Event::Eof => return Ok(scan.facts),
            _ => {}
        }
        if let Some(cell) = &scan.cell
            && part.position() - cell.start > MAX_CELL_BYTES
        {
            return Err(scan.damaged(format!("the cell {} is too long", cell.position)));
        }
    }
}

/// Area of a sheet's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetArea {
    BeforeRows,
    BetweenRows,
    InRow,
    InCell,
    /// Inside the stored value of a cell.
    InValue,
    AfterRows,
}

struct SheetScan {
    part: String,
    formula_results: FormulaResults,
    facts: SheetFacts,
    depth: usize,
    area: SheetArea,
    /// Row after the present row, from 0. In a row, the number of the row, from 1.
    next_row: u32,
    next_column: u32,
    cell: Option<ScannedCell>,
    /// Beginning of the value of the present cell.
    value: String,
}

/// Cell under scan. Its value is in [`SheetScan::value`].
struct ScannedCell {
    position: CellPosition,
    /// Offset in the part.
    start: u64,
    has_address: bool,
    value_type: ValueType,
    has_formula: bool,
    has_value: bool,
}

/// Type of a stored value, as far as the scan tells types apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    /// Error value.
    Error,
    /// Text that is the result of a formula.
    FormulaText,
    Other,
}

/// Bytes kept of a stored value, enough for any error value.
const VALUE_BYTES_KEPT: usize = 32;

impl SheetScan {
    fn damaged(&self, cause: impl std::fmt::Display) -> WorkbookError {
        WorkbookError::damaged(&self.part, cause)
    }

    fn start(&mut self, element: &BytesStart<'_>, start: u64) -> Result<(), WorkbookError> {
        self.depth += 1;
        let name = element.local_name();
        match (name.as_ref(), self.area) {
            ("dimension", _) => {
                let range = raw_attribute(&self.part, element, "ref")?.unwrap_or_default();
                if CellRange::parse(&range).is_none() {
                    return Err(self.damaged(format!("the dimension is {range:?}")));
                }
            }
            ("sheetData", SheetArea::BeforeRows) => self.area = SheetArea::BetweenRows,
            ("row", SheetArea::BetweenRows) => self.start_row(element)?,
            ("c", SheetArea::InRow) => self.start_cell(element, start)?,
            ("f", SheetArea::InCell) => {
                if let Some(cell) = &mut self.cell {
                    cell.has_formula = true;
                }
            }
            ("v", SheetArea::InCell) => {
                if let Some(cell) = &mut self.cell {
                    cell.has_value = true;
                }
                self.area = SheetArea::InValue;
            }
            // The filter of a saved view hides nothing.
            ("autoFilter", _) if self.depth == 2 => self.facts.has_filter = true,
            ("mergeCell", _) => self.add_merged_cells(element)?,
            ("sheetData" | "row" | "c", _) => {
                return Err(self.damaged(format!("<{}> is out of place", name.as_ref())));
            }
            _ => {}
        }
        Ok(())
    }

    fn start_row(&mut self, element: &BytesStart<'_>) -> Result<(), WorkbookError> {
        let row = match raw_attribute(&self.part, element, "r")? {
            Some(number) => CellPosition::parse_row(&number)
                .ok_or_else(|| self.damaged(format!("a row has the number {number:?}")))?,
            None => self.next_row,
        };
        if row < self.next_row || row >= MAX_ROWS {
            return Err(self.damaged(format!("row {} is out of order", row + 1)));
        }
        let hidden = raw_attribute(&self.part, element, "hidden")?;
        if matches!(hidden.as_deref(), Some("1" | "true")) {
            self.facts.hidden_rows.push(row);
        }
        self.next_row = row + 1;
        self.next_column = 0;
        self.area = SheetArea::InRow;
        Ok(())
    }

    fn start_cell(&mut self, element: &BytesStart<'_>, start: u64) -> Result<(), WorkbookError> {
        let row = self.next_row - 1;
        let (mut address, mut value_type) = (None, ValueType::Other);
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| self.damaged(error))?;
            match (attribute.key.as_ref(), &*attribute.value) {
                ("r", _) => address = Some(attribute.value),
                ("t", "e") => value_type = ValueType::Error,
                ("t", "str") => value_type = ValueType::FormulaText,
                _ => {}
            }
        }
        let position = match &address {
            Some(address) => CellPosition::parse(address)
                .ok_or_else(|| self.damaged(format!("a cell has the address {address:?}")))?,
            None => CellPosition {
                row,
                column: self.next_column,
            },
        };
        if position.row != row
            || position.column < self.next_column
            || position.column >= MAX_COLUMNS
        {
            return Err(self.damaged(format!("the cell {position} is out of order")));
        }
        self.next_column = position.column + 1;
        self.cell = Some(ScannedCell {
            position,
            start,
            has_address: address.is_some(),
            value_type,
            has_formula: false,
            has_value: false,
        });
        self.value.clear();
        self.area = SheetArea::InCell;
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.area == SheetArea::InValue {
            let room = VALUE_BYTES_KEPT.saturating_sub(self.value.len());
            self.value.extend(text.chars().take(room));
        }
    }

    fn end(
        &mut self,
        name: &str,
        is_of_interest: impl Fn(u32) -> bool,
    ) -> Result<(), WorkbookError> {
        self.depth -= 1;
        self.area = match (name, self.area) {
            ("v", SheetArea::InValue) => SheetArea::InCell,
            ("c", SheetArea::InCell) => {
                if let Some(cell) = self.cell.take() {
                    self.end_cell(&cell, is_of_interest)?;
                }
                SheetArea::InRow
            }
            ("row", SheetArea::InRow) => SheetArea::BetweenRows,
            ("sheetData", SheetArea::BetweenRows) => SheetArea::AfterRows,
            (_, area) => area,
        };
        Ok(())
    }

    fn end_cell(
        &mut self,
        cell: &ScannedCell,
        is_of_interest: impl Fn(u32) -> bool,
    ) -> Result<(), WorkbookError> {
        let value = self.value.as_str();
        if cell.value_type == ValueType::Error
            && !KNOWN_ERRORS.contains(&value)
            && !value.is_empty()
        {
            // calamine loses count of cells without an address after such a value.
            if !cell.has_address {
                return Err(self.damaged(format!("the cell {} is {value:?}", cell.position)));
            }
            self.facts.unknown_errors.push(UnknownError {
                position: cell.position,
                text: value.into(),
            });
        }
        if cell.has_formula && is_of_interest(cell.position.column) {
            // The result of a formula may be an empty text, which has the type `str`.
            let is_empty_text = cell.value_type == ValueType::FormulaText && cell.has_value;
            let is_uncalculated = value.is_empty() && !is_empty_text
                || value == "0" && self.formula_results == FormulaResults::ToBeCalculated;
            if is_uncalculated {
                self.facts.not_calculated.push(cell.position);
            }
        }
        Ok(())
    }

    fn add_merged_cells(&mut self, element: &BytesStart<'_>) -> Result<(), WorkbookError> {
        let range = raw_attribute(&self.part, element, "ref")?.unwrap_or_default();
        let range = CellRange::parse(&range)
            .ok_or_else(|| self.damaged(format!("merged cells have the address {range:?}")))?;
        if self.facts.merged.len() == MAX_MERGED_RANGES {
            return Err(self.damaged("it has too many merged cells"));
        }
        self.facts.merged.push(range);
        Ok(())
    }
}
