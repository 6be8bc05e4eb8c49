//! File of a draft: CSV, or a workbook.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{
    ColNum, DataValidation, DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError,
};

use super::{DraftColumn, DraftRefusal, ManifestDraft, PathPattern, starts_like_formula};
use crate::manifest::Column;
use crate::model::ObjectType;
use crate::text::csv_dialect::CsvDialect;

/// Most files of a workbook: the rows of a sheet without the header. Source: the limits of Excel.
pub(super) const MAX_WORKBOOK_ROWS: u32 = 1_048_575;

/// Form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftFormat {
    /// Text in UTF-8 with commas and a byte order mark.
    Csv,
    /// Workbook with a single sheet.
    Workbook,
}

/// File to write, in the form for the ending of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftTarget {
    /// Path of the file.
    pub path: PathBuf,
    /// Form of the file.
    pub format: DraftFormat,
}

/// Refusal of a file name with an ending of no known form.
#[derive(Debug, thiserror::Error)]
#[error("a name that ends in .csv or .xlsx is expected")]
pub struct UnknownDraftEnding;

impl DraftTarget {
    /// Chooses the form by the ending of the file's name.
    pub fn from_path(path: PathBuf) -> Result<Self, UnknownDraftEnding> {
        match DraftFormat::from_path(&path) {
            Some(format) => Ok(Self { path, format }),
            None => Err(UnknownDraftEnding),
        }
    }
}

impl DraftFormat {
    /// Returns the form for the ending of a file's name: `.csv` or `.xlsx`, in any case. The result
    /// is `None` for any other ending.
    fn from_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?;
        if ending.eq_ignore_ascii_case("csv") {
            Some(Self::Csv)
        } else if ending.eq_ignore_ascii_case("xlsx") {
            Some(Self::Workbook)
        } else {
            None
        }
    }
}

/// Counts of the written rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DraftTally {
    /// Paths unlike the pattern, in the order of the rows.
    pub unmatched: Vec<String>,
    /// Number of cells left empty because a spreadsheet would run their text as a formula.
    pub formula_cells: u64,
}

impl ManifestDraft {
    /// Fails with [`DraftRefusal::TooManyFiles`] if the files are too many for the form.
    pub fn check_size(&self, format: DraftFormat) -> Result<(), DraftRefusal> {
        let files = self.files.len() as u64;
        if format == DraftFormat::Workbook && files > u64::from(MAX_WORKBOOK_ROWS) {
            return Err(DraftRefusal::TooManyFiles { files });
        }
        Ok(())
    }

    /// Writes the draft. The same files give the same bytes.
    pub fn write(&self, format: DraftFormat, out: &mut dyn Write) -> io::Result<DraftTally> {
        match format {
            DraftFormat::Csv => self.write_csv(out),
            DraftFormat::Workbook => {
                let (bytes, tally) = self.workbook_bytes().map_err(io::Error::other)?;
                out.write_all(&bytes)?;
                Ok(tally)
            }
        }
    }

    fn header(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| self.column_name(column))
    }

    fn write_csv(&self, out: &mut dyn Write) -> io::Result<DraftTally> {
        let mut tally = DraftTally::default();
        let mut csv = CsvDialect::Comma.begin_table(out)?;
        csv.write_record(self.header())?;
        for row in 0..self.files.len() {
            for (column, cell) in self.row_cells(row, &mut tally) {
                // No quotes keep a spreadsheet from running the text, and a sign in front would be
                // sent to the service.
                let is_formula =
                    matches!(column, DraftColumn::FromPattern(_)) && starts_like_formula(&cell);
                tally.formula_cells += u64::from(is_formula);
                csv.write_field(if is_formula { "" } else { &*cell })?;
            }
            csv.write_record(None::<&[u8]>)?;
        }
        csv.flush()?;
        Ok(tally)
    }

    /// Returns the cells of a row, and counts the row if the pattern does not fit its file.
    fn row_cells(&self, row: usize, tally: &mut DraftTally) -> Vec<(&DraftColumn, Cow<'_, str>)> {
        let file = &self.files[row];
        let fit = |pattern: &PathPattern| pattern.match_path(&file.path);
        let taken = self.pattern.as_ref().map(fit);
        if taken == Some(None) {
            tally.unmatched.push(file.path.clone());
        }
        let taken = taken.flatten();
        self.columns
            .iter()
            .map(|column| (column, self.cell(column, file, taken.as_deref())))
            .collect()
    }

    fn workbook_bytes(&self) -> Result<(Vec<u8>, DraftTally), XlsxError> {
        let mut tally = DraftTally::default();
        let mut workbook = Workbook::new();
        // The time of the writing would make two files from equal folders differ.
        let written = ExcelDateTime::from_ymd(2000, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&written));
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        self.write_sheet(sheet, &mut tally)?;
        Ok((workbook.save_to_buffer()?, tally))
    }

    fn write_sheet(&self, sheet: &mut Worksheet, tally: &mut DraftTally) -> Result<(), XlsxError> {
        let bold = Format::new().set_bold();
        let text = Format::new().set_num_format("@");
        sheet.set_name("Manifest")?;
        sheet.set_freeze_panes(1, 0)?;
        let last_row = u32::try_from(self.files.len()).unwrap_or(MAX_WORKBOOK_ROWS);
        for (at, column) in (0..).zip(&self.columns) {
            let width = match column {
                DraftColumn::FilePath | DraftColumn::ExternalId => 50.0,
                _ => 20.0,
            };
            sheet.set_column_width(at, width)?;
            if *column != DraftColumn::Size {
                sheet.set_column_format(at, &text)?;
            }
            if *column == DraftColumn::ToFillIn(Column::ObjectType) {
                let types = ObjectType::ALL.map(ObjectType::as_str);
                let choice = DataValidation::new().allow_list_strings(&types)?;
                sheet.add_data_validation(1, at, last_row, at, &choice)?;
            }
        }
        for (at, name) in (0..).zip(self.header()) {
            sheet.write_string_with_format(0, at, name, &bold)?;
        }
        for (row, at_row) in (0..self.files.len()).zip(1..) {
            for (at, (column, cell)) in (0 as ColNum..).zip(self.row_cells(row, tally)) {
                match column {
                    DraftColumn::Size => {
                        sheet.write_number(at_row, at, self.files[row].stamp.size as f64)?;
                    }
                    _ if cell.is_empty() => {}
                    _ => {
                        sheet.write_string_with_format(at_row, at, &*cell, &text)?;
                    }
                }
            }
        }
        Ok(())
    }
}
