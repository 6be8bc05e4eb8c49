//! Writing of the lines of a results file.

use std::io::{self, Write};

use super::results_entry::CELLS_BEFORE_LINES;
use super::{COLUMNS, LINE_CHECK_COLUMN, LineSerial, ResultsEntry, line_check};
use crate::text::csv_dialect::CsvDialect;
use crate::text::escape_formula;

/// One line of the whole file.
#[derive(Debug)]
pub struct LineToWrite {
    /// The cells written by consign.
    pub entry: ResultsEntry,
    /// The cells of the manifest's other columns.
    pub extras: Vec<String>,
}

/// Writes byte order mark, header and lines. Returns the next serial.
pub(super) fn write_lines<W: Write>(
    out: W,
    dialect: CsvDialect,
    extra_columns: &[String],
    lines: impl ExactSizeIterator<Item = LineToWrite>,
    mut serial: LineSerial,
) -> io::Result<LineSerial> {
    let count = lines.len() as u64;
    let next_serial = serial + count;
    let mut writer = dialect.begin_table(out)?;
    write_header(&mut writer, extra_columns)?;
    for line in lines {
        write_line(&mut writer, &line.entry, &line.extras, serial, count)?;
        serial += 1;
    }
    // Each line states the number of lines, and a missing line would count as lost.
    if serial != next_serial {
        return Err(io::Error::other(
            "the number of lines differs from the announced number",
        ));
    }
    writer.flush()?;
    Ok(serial)
}

fn write_header<W: Write>(
    writer: &mut csv::Writer<W>,
    extra_columns: &[String],
) -> csv::Result<()> {
    for column in COLUMNS.iter().chain(&[LINE_CHECK_COLUMN]) {
        writer.write_field(column)?;
    }
    write_extra_cells(writer, extra_columns)
}

pub(super) fn write_line<W: Write>(
    writer: &mut csv::Writer<W>,
    entry: &ResultsEntry,
    extras: &[String],
    serial: LineSerial,
    lines: u64,
) -> csv::Result<()> {
    let (cells, lines) = (entry.cells(), lines.to_string());
    let (before, after) = cells.split_at(CELLS_BEFORE_LINES);
    let (before, after) = (
        before.iter().map(AsRef::as_ref),
        after.iter().map(AsRef::as_ref),
    );
    let values = before.chain([&*lines]).chain(after);
    let check = line_check(values.clone(), serial);
    for cell in values {
        writer.write_field(escape_formula(cell).as_bytes())?;
    }
    writer.write_field(&check)?;
    write_extra_cells(writer, extras)
}

/// Writes the cells after the check, and the end of the line.
fn write_extra_cells<W: Write>(writer: &mut csv::Writer<W>, cells: &[String]) -> csv::Result<()> {
    for cell in cells {
        writer.write_field(escape_formula(cell).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)
}
