//! Reading of a manifest from a sheet of an .xlsx workbook.
//!
//! A sheet becomes the same table as a text with delimiters, so all code after this module is the
//! same for both. Each part of the workbook is read twice: first within bounds and for the facts that
//! calamine does not show (`package`, `memory_checks`, `sheet_scan`), then by calamine for the values
//! (`sheet_reader`). calamine reserves memory by numbers in the file and panics at impossible
//! addresses in a debug build, so nothing reaches calamine unchecked. `cell_value` holds the rules by
//! which a value becomes the text of a cell, `sheet_choice` those by which a sheet is chosen.
//!
//! Both readings are streams: memory holds the table's text and the texts that cells share, and no
//! array of the used range, which may be the whole sheet.

mod cell_address;
mod cell_value;
mod error;
mod file_view;
mod memory_checks;
mod number_format;
mod ole_file;
mod package;
mod sheet_choice;
mod sheet_reader;
mod sheet_scan;
mod sheet_table;
mod xml_part;

use std::collections::HashSet;
use std::io::{Read, Seek};

pub use error::{OtherFileFormat, SheetInWords, WorkbookError};
pub(super) use file_view::FileView;

use self::package::{WorkbookOutline, WorkbookPackage};
use self::sheet_choice::{
    HEADER_ROWS, HeadRow, HeaderSearch, SheetHeader, choose_sheet, find_header, find_named_sheet,
    header_or_error,
};
use self::sheet_reader::{ListedSheet, OpenWorkbook, ReadingEnd, SheetKind};
use self::sheet_scan::{ScanExtent, scan_sheet};
use self::sheet_table::SheetTableBuilder;
use super::header::ManifestHeader;
use super::table::ManifestTable;
use super::{Column, ManifestErrorKind, ManifestOptions};
use cell_value::{ColumnRole, convert_cell};

/// Largest part with the cells of a sheet, in bytes: 4 KiB for each row of the longest sheet. A million
/// rows with ten cells each have about 500 MB.
const MAX_SHEET_BYTES: u64 = 4 << 30;

/// First bytes of a ZIP archive.
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// Number of bytes at the beginning of a file that tell a workbook from text.
pub(super) const SIGNATURE_BYTES: usize = 8;

/// Container of workbooks, told by the first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkbookContainer {
    /// ZIP archive: .xlsx, .xlsb, .ods and others.
    Zip,
    /// OLE file: .xls, and encrypted workbooks.
    Ole,
}

impl WorkbookContainer {
    /// Recognises the container by the first bytes of a file.
    pub(super) fn from_signature(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(ZIP_SIGNATURE) {
            Some(Self::Zip)
        } else if bytes.starts_with(ole_file::OLE_SIGNATURE) {
            Some(Self::Ole)
        } else {
            None
        }
    }
}

/// Reads the manifest's sheet of a workbook.
pub(super) fn read_workbook<R: Read + Seek + Clone>(
    container: WorkbookContainer,
    file: R,
    options: &ManifestOptions,
) -> Result<ManifestTable, ManifestErrorKind> {
    if container == WorkbookContainer::Ole {
        let kind = ole_file::ole_file_error(file).map_err(ManifestErrorKind::from_read_error)?;
        return Err(kind.into());
    }
    let mut package = WorkbookPackage::open(file.clone())?;
    let outline = package.outline()?;
    package.check_parts_kept_in_memory()?;
    let workbook = OpenWorkbook::open(file)?;
    let sheets = workbook.sheets();
    let mut names = HashSet::new();
    let are_distinct = sheets.iter().all(|sheet| names.insert(&sheet.name));
    if !are_distinct || sheets.len() != outline.sheet_parts.len() {
        return Err(WorkbookError::damaged("workbook", "its list of sheets is ambiguous").into());
    }
    let mut reading = WorkbookReading {
        package,
        outline,
        workbook,
        options,
    };
    let (index, header) = reading.choose(&sheets)?;
    reading.read_table(index, &sheets[index].name, &header)
}

/// Workbook in both readings.
struct WorkbookReading<'o, R: Read + Seek> {
    package: WorkbookPackage<R>,
    outline: WorkbookOutline,
    workbook: OpenWorkbook<R>,
    options: &'o ManifestOptions,
}

impl<R: Read + Seek> WorkbookReading<'_, R> {
    /// Chooses the sheet that the user named, or else the only visible sheet with a header.
    fn choose(
        &mut self,
        sheets: &[ListedSheet],
    ) -> Result<(usize, SheetHeader), ManifestErrorKind> {
        if let Some(name) = &self.options.sheet {
            let index = find_named_sheet(sheets, name)?;
            let sheet = &sheets[index].name;
            let search = self.search_header(index, sheet)?;
            return Ok((index, header_or_error(sheet, Some(search))?));
        }
        let mut searches = Vec::with_capacity(sheets.len());
        for (index, sheet) in sheets.iter().enumerate() {
            searches.push(match sheet.kind {
                SheetKind::WithoutCells => None,
                SheetKind::Visible | SheetKind::Hidden => {
                    Some(self.search_header(index, &sheet.name)?)
                }
            });
        }
        choose_sheet(sheets, searches)
    }

    fn search_header(
        &mut self,
        index: usize,
        sheet: &str,
    ) -> Result<HeaderSearch, ManifestErrorKind> {
        let facts = self.scan(index, ScanExtent::FirstRows(HEADER_ROWS), |_| false)?;
        let date_system = self.workbook.date_system();
        let mut rows: Vec<HeadRow> = Vec::new();
        self.workbook
            .for_each_cell(sheet, &facts.unknown_errors, |position, value, display| {
                if position.row >= HEADER_ROWS {
                    return ReadingEnd::Stop;
                }
                let cell = convert_cell(value, display, date_system, ColumnRole::Descriptive);
                if cell.text.trim().is_empty() {
                    return ReadingEnd::Continue;
                }
                if rows.last().is_none_or(|last| last.row != position.row) {
                    rows.push(HeadRow {
                        row: position.row,
                        cells: Vec::new(),
                    });
                }
                if let Some(row) = rows.last_mut() {
                    row.cells.push((position.column, cell.text.into_owned()));
                }
                ReadingEnd::Continue
            })?;
        Ok(find_header(&rows, self.options))
    }

    fn read_table(
        mut self,
        index: usize,
        sheet: &str,
        header: &SheetHeader,
    ) -> Result<ManifestTable, ManifestErrorKind> {
        let known_columns = self.known_columns(header)?;
        let is_known = |position: u32| {
            let found = header.columns.binary_search(&position);
            found.is_ok_and(|index| known_columns[index].is_some())
        };
        let mut facts = self.scan(index, ScanExtent::Whole, is_known)?;
        let unknown_errors = std::mem::take(&mut facts.unknown_errors);
        let date_system = self.workbook.date_system();
        let mut table = SheetTableBuilder::new(header, &known_columns, facts, date_system);
        let mut fits = Ok(());
        self.workbook
            .for_each_cell(sheet, &unknown_errors, |position, value, display| {
                fits = table.add_cell(position, value, display);
                match fits {
                    Ok(()) => ReadingEnd::Continue,
                    Err(_) => ReadingEnd::Stop,
                }
            })?;
        fits.and_then(|()| table.finish(sheet))
            .map_err(|_| ManifestErrorKind::TooLarge)
    }

    /// Returns the known column, if any, of each column of the header.
    fn known_columns(
        &self,
        header: &SheetHeader,
    ) -> Result<Vec<Option<Column>>, ManifestErrorKind> {
        let names: Vec<_> = header
            .names
            .iter()
            .map(|name| name.as_str().into())
            .collect();
        let read = ManifestHeader::from_names(header.row + 1, &names, &self.options.columns)?;
        let mut known = vec![None; names.len()];
        for column in Column::ALL {
            if let Some(index) = read.column_index(column) {
                known[index] = Some(column);
            }
        }
        Ok(known)
    }

    fn scan(
        &mut self,
        index: usize,
        extent: ScanExtent,
        is_of_interest: impl Fn(u32) -> bool,
    ) -> Result<sheet_scan::SheetFacts, WorkbookError> {
        let name = &self.outline.sheet_parts[index];
        let part = self.package.part(name, MAX_SHEET_BYTES)?;
        let part = part.ok_or_else(|| WorkbookError::damaged(name, "the part is missing"))?;
        scan_sheet(part, extent, self.outline.formula_results, is_of_interest)
    }
}

#[cfg(test)]
mod tests;
