//! Second reading of a sheet: the stored values of its cells, by calamine.

use std::io::{BufReader, Read, Seek};

use calamine::{DataRef, Reader as _, Style, Xlsx, XlsxError};

use super::cell_address::CellPosition;
use super::cell_value::{DateSystem, StoredValue};
use super::error::WorkbookError;
use super::number_format::NumberDisplay;
use super::sheet_scan::UnknownError;

/// First number of formats that a workbook defines itself. Formats below are built in.
const FIRST_OWN_FORMAT: u32 = 164;

/// Workbook opened by calamine.
pub(super) struct OpenWorkbook<R: Read + Seek> {
    xlsx: Xlsx<BufReader<R>>,
}

/// Sheet of a workbook as its list of sheets shows it.
#[derive(Debug, Clone)]
pub(super) struct ListedSheet {
    pub(super) name: String,
    pub(super) kind: SheetKind,
}

/// Kind of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SheetKind {
    /// Cells that people see.
    Visible,
    /// Cells that people do not see.
    Hidden,
    /// No cells: a chart or a dialog.
    WithoutCells,
}

/// Direction for the reading of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadingEnd {
    /// Go on with the next cell.
    Continue,
    /// Read no further cell.
    Stop,
}

impl<R: Read + Seek> OpenWorkbook<R> {
    /// Opens a workbook whose parts kept in memory have been checked.
    pub(super) fn open(file: R) -> Result<Self, WorkbookError> {
        let xlsx = Xlsx::new(BufReader::new(file))
            .map_err(|error| WorkbookError::damaged("workbook", error))?;
        Ok(Self { xlsx })
    }

    /// Returns the sheets in the order of the workbook.
    pub(super) fn sheets(&self) -> Vec<ListedSheet> {
        let sheets = self.xlsx.sheets_metadata().iter();
        sheets
            .map(|sheet| ListedSheet {
                name: sheet.name.clone(),
                kind: match (sheet.typ, sheet.visible) {
                    (calamine::SheetType::WorkSheet, calamine::SheetVisible::Visible) => {
                        SheetKind::Visible
                    }
                    (calamine::SheetType::WorkSheet, _) => SheetKind::Hidden,
                    _ => SheetKind::WithoutCells,
                },
            })
            .collect()
    }

    /// Returns the first day of the workbook's dates.
    pub(super) fn date_system(&self) -> DateSystem {
        if self.xlsx.has_1904_epoch() {
            DateSystem::From1904
        } else {
            DateSystem::From1900
        }
    }

    /// Passes each cell of a sheet to `take`, in the order of rows and columns. The sheet must have
    /// been scanned as far as `take` goes on.
    pub(super) fn for_each_cell(
        &mut self,
        sheet: &str,
        unknown_errors: &[UnknownError],
        mut take: impl FnMut(CellPosition, StoredValue<'_>, &NumberDisplay) -> ReadingEnd,
    ) -> Result<(), WorkbookError> {
        let damaged = |error: XlsxError| WorkbookError::damaged(sheet, error);
        let mut unknown_errors = unknown_errors.iter().peekable();
        let mut cells = self.xlsx.worksheet_cells_reader(sheet).map_err(damaged)?;
        let displays: Vec<NumberDisplay> = cells.styles().iter().map(number_display).collect();
        loop {
            let end = match cells.next_cell_with_style_id() {
                Ok(None) => return Ok(()),
                Ok(Some((cell, style))) => {
                    let (row, column) = cell.get_position();
                    let position = CellPosition { row, column };
                    while unknown_errors
                        .next_if(|error| error.position <= position)
                        .is_some()
                    {}
                    let display = displays.get(style).unwrap_or(&NumberDisplay::Plain);
                    take_value(cell.get_value(), |value| take(position, value, display))
                }
                Err(XlsxError::CellError(text)) => match unknown_errors.next() {
                    Some(error) => take(
                        error.position,
                        StoredValue::Error(&error.text),
                        &NumberDisplay::Plain,
                    ),
                    None => return Err(damaged(XlsxError::CellError(text))),
                },
                Err(error) => return Err(damaged(error)),
            };
            if end == ReadingEnd::Stop {
                return Ok(());
            }
        }
    }
}

fn take_value<T>(value: &DataRef<'_>, take: impl FnOnce(StoredValue<'_>) -> T) -> T {
    #[expect(
        clippy::cast_precision_loss,
        reason = "calamine reads every number of this format as a fraction"
    )]
    match value {
        DataRef::Empty => take(StoredValue::Blank),
        DataRef::Int(number) => take(StoredValue::Number(*number as f64)),
        DataRef::Float(number) => take(StoredValue::Number(*number)),
        DataRef::String(text) => take(StoredValue::Text(text)),
        DataRef::SharedString(text) => take(StoredValue::Text(text)),
        DataRef::Bool(value) => take(StoredValue::Truth(*value)),
        DataRef::DateTime(date) if date.is_duration() => take(StoredValue::TimeSpan(date.as_f64())),
        DataRef::DateTime(date) => take(StoredValue::DateTime(date.as_f64())),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            take(StoredValue::IsoDateTime(text))
        }
        DataRef::Error(error) => take(StoredValue::Error(&error.to_string())),
    }
}

fn number_display(style: &Style) -> NumberDisplay {
    let Some(format) = &style.number_format else {
        return NumberDisplay::Plain;
    };
    match (format.format_id, format.format_code.as_str()) {
        // calamine does not know the code of some built-in formats, which depends on the country.
        (Some(id @ 1..FIRST_OWN_FORMAT), "General") => {
            NumberDisplay::Formatted(format!("built-in {id}").into())
        }
        (_, code) => NumberDisplay::from_code(code),
    }
}
