//! Reading of a manifest: from a text or a sheet to rows, with all problems collected.
//!
//! A text and the sheet of a workbook become the same `table`, whose text is kept whole. A row
//! costs eight bytes more, its offset and its line, and its cells are split again on each access; a
//! million rows cost little more than their text.
//!
//! This module makes every check for which the text alone is enough. [`prepare`](crate::prepare)
//! checks the files. Start with [`read_manifest`]. In the order of the reading:
//!
//! ```text
//! workbook, table                the sheet as a table; places and faults known from the reading
//! header, heading, column_sources    which column is where, by its name, --column or --set
//! record_splitter, stray_quote   records and cells; rows that a stray quote would swallow
//! row_scan, row, cell_rules      each row by itself: shape, cells, first mistakes
//! cell_doubts, id_damage         values that programs have probably altered
//! id_column_check, new_id_conflicts, record_file_names    all rows with each other
//! sought_path, path_prefix       the path of a file, as written by another system
//! problem                        the list of problems, and their words
//! own_output, own_files          files of consign itself; draft: a manifest from a folder
//! ```

mod cell_doubts;
mod cell_rules;
mod column;
mod column_sources;
pub mod draft;
mod equal_values;
mod error;
mod header;
mod heading;
mod id_column_check;
mod id_damage;
mod manifest_service;
mod new_id_conflicts;
mod own_files;
mod own_output;
mod path_prefix;
pub mod problem;
mod record_file_names;
mod record_splitter;
mod row;
mod row_scan;
mod sought_path;
mod stray_quote;
mod table;
mod workbook;

use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

pub use column::Column;
pub use column_sources::{ColumnConstant, ColumnHeading, ColumnSourceConflict, ColumnSources};
pub(crate) use equal_values::{FirstRowsByValue, RowValueHashes};
pub use error::{ManifestError, ManifestErrorKind};
pub use own_files::OwnFileFinder;
pub use own_output::{OwnOutputKind, OwnOutputPolicy};
pub use path_prefix::{InvalidPathPrefix, PathPrefix};
pub(crate) use row::stored_file_name;
pub use row::{ManifestRow, RawRow, RowFinding};
pub(crate) use sought_path::{SoughtPath, are_same_but_for_separators};

use self::problem::{ManifestProblem, PathProblem, ProblemKind, ProblemList};
use crate::model::ProcurementService;
use crate::text::csv_dialect::CsvDialect;
use crate::text::decode::{MisreadLines, decode};
use header::{CellSource, ManifestHeader, TwoObjectIdsPolicy};
use record_splitter::RecordSplitter;
use row::to_u32;
use row_scan::{RowOffset, RowScan, scan_rows};
use table::{ManifestTable, ReadingFaults, TableSource, has_quote_fault, sheet_reference};
use workbook::{FileView, SIGNATURE_BYTES, WorkbookContainer, read_workbook};
pub use workbook::{OtherFileFormat, SheetInWords, WorkbookError};

/// Options for reading a manifest.
#[derive(Debug, Clone, Default)]
pub struct ManifestOptions {
    /// Encoding named by the user, for text other than UTF-8 or UTF-16.
    pub encoding: Option<&'static Encoding>,
    /// Headings and values of columns, as named by the user.
    pub columns: ColumnSources,
    /// Treatment of ids that look the same.
    pub similar_ids: SimilarIdPolicy,
    /// Treatment of files written by consign itself.
    pub own_outputs: OwnOutputPolicy,
    /// Name of the workbook's sheet. `None` for a text, and for a workbook with one sheet that can
    /// be a manifest.
    pub sheet: Option<String>,
    /// Beginning of file paths that is taken off before the files are sought.
    pub strip_prefix: Option<PathPrefix>,
}

/// Treatment of ids that a reader may take for others: `external_id`s that differ only in case, in the
/// encoding of accents, in dashes or in characters that cannot be recognised, and ids with such
/// characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimilarIdPolicy {
    /// Similar ids are an error: one id is probably a mistake, and another system may take both for
    /// the same. Characters that cannot be recognised are an error.
    #[default]
    Refuse,
    /// Similar ids are accepted as different ids. Characters that cannot be recognised are accepted
    /// with a warning.
    Allow,
}

/// Returns the encoding with a given name, for example `windows-1252`.
pub fn find_encoding(name: &str) -> Result<&'static Encoding, UnknownEncoding> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or(UnknownEncoding)
}

/// Refusal of a name as the name of an encoding.
#[derive(Debug, thiserror::Error)]
#[error("unknown encoding; known are, for example, windows-1252, iso-8859-2, shift_jis, gb18030")]
pub struct UnknownEncoding;

/// Manifest together with its problems.
#[derive(Debug)]
pub struct ManifestWithProblems {
    /// All rows, including rows with problems.
    pub manifest: Manifest,
    /// Problems found in the text alone.
    pub problems: ProblemList,
}

impl ManifestWithProblems {
    /// Warns of lines that are UTF-8 in a text read in another encoding. The warning stands at the row
    /// of the first line.
    fn warn_of_misread_lines(&mut self, lines: MisreadLines) {
        let first = lines.first_line() as u64;
        let offsets = &self.manifest.row_offsets;
        let row = offsets.partition_point(|row| u64::from(row.line) <= first);
        self.problems.push(ManifestProblem {
            row: to_u32(row),
            column: None,
            kind: ProblemKind::MisreadLines(Box::new(lines)),
        });
        self.problems.sort();
    }
}

/// Manifest with a valid header and at least one row.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    text: String,
    header: ManifestHeader,
    row_offsets: Vec<RowOffset>,
    source: TableSource,
    reading_faults: ReadingFaults,
    service: Option<ProcurementService>,
}

/// Reads a manifest from a file.
///
/// Fails only when the file cannot be split into rows at all. Any other mistake is a problem of a
/// row, and one pass finds all problems.
pub fn read_manifest(
    path: &Path,
    options: &ManifestOptions,
) -> Result<ManifestWithProblems, ManifestError> {
    let unreadable = |error| ManifestErrorKind::from_read_error(error).with_path(path);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let beginning = (&file).take(SIGNATURE_BYTES as u64).read_to_end(&mut bytes);
    beginning.map_err(unreadable)?;
    // A million rows need not be in memory as a file too. A pipe can be read only once.
    if let Some(container) = WorkbookContainer::from_signature(&bytes)
        && file.rewind().is_ok()
    {
        let table = read_workbook(container, FileView::new(&file), options);
        let read = table.and_then(|table| parse_manifest(path, table, options));
        return read.map_err(|reason| reason.with_path(path));
    }
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    read_manifest_bytes(path, bytes, options)
}

/// Reads a manifest from bytes in memory, for input that can be read only once and has several
/// users.
pub fn read_manifest_bytes(
    path: &Path,
    bytes: Vec<u8>,
    options: &ManifestOptions,
) -> Result<ManifestWithProblems, ManifestError> {
    let container = WorkbookContainer::from_signature(&bytes);
    let misread = match container {
        Some(_) => None,
        None => MisreadLines::survey(&bytes, options.encoding),
    };
    let table = match container {
        Some(container) => read_workbook(container, Cursor::new(bytes.as_slice()), options),
        None => read_text_table(bytes, options),
    };
    let mut read = table
        .and_then(|table| parse_manifest(path, table, options))
        .map_err(|reason| reason.with_path(path))?;
    if let Some(lines) = misread {
        read.warn_of_misread_lines(lines);
    }
    Ok(read)
}

fn read_text_table(
    bytes: Vec<u8>,
    options: &ManifestOptions,
) -> Result<ManifestTable, ManifestErrorKind> {
    if options.sheet.is_some() {
        return Err(ManifestErrorKind::NoSheets);
    }
    let text = decode(bytes, options.encoding)?;
    Ok(ManifestTable::of_text(text))
}

/// Reads a manifest from text. `path` serves as a name in messages.
pub fn read_manifest_text(
    path: &Path,
    text: String,
    options: &ManifestOptions,
) -> Result<ManifestWithProblems, ManifestError> {
    parse_manifest(path, ManifestTable::of_text(text), options)
        .map_err(|reason| reason.with_path(path))
}

fn parse_manifest(
    path: &Path,
    table: ManifestTable,
    options: &ManifestOptions,
) -> Result<ManifestWithProblems, ManifestErrorKind> {
    let text = table.text.as_str();
    if u32::try_from(text.len()).is_err() {
        return Err(ManifestErrorKind::TooLarge);
    }
    let own_output = OwnOutputKind::from_header(text);
    if options.own_outputs == OwnOutputPolicy::Refuse
        && let Some(kind) = own_output
    {
        let manifest = own_output::find_manifest_of(path, text);
        return Err(ManifestErrorKind::OwnOutput { kind, manifest });
    }
    let mut problems = ProblemList::default();
    let (mut header, rest) = match &table.source {
        TableSource::Text => ManifestHeader::read(text, &options.columns)?,
        TableSource::Sheet(sheet) => {
            ManifestHeader::read_of_sheet(text, sheet.header_line, &options.columns)?
        }
    };
    if own_output == Some(OwnOutputKind::Results) {
        header.two_object_ids = TwoObjectIdsPolicy::OwnIdCounts;
    }
    header.strip_prefix.clone_from(&options.strip_prefix);
    header.refuse_damaged_names()?;
    header.warn_of_misspelt_columns(&mut problems);
    let RowScan {
        row_offsets: rows,
        mut ids,
        mut new_ids,
        object_external_ids,
        file_names,
        service,
        quote_faults,
    } = scan_rows(&table, &header, rest, options.similar_ids, &mut problems).map_err(|reason| {
        match &table.source {
            TableSource::Text => reason,
            TableSource::Sheet(sheet) => reason.in_sheet(&sheet.name),
        }
    })?;
    for warning in table.warnings {
        problems.push(warning);
    }
    let manifest = Manifest {
        path: path.to_owned(),
        text: table.text,
        header,
        row_offsets: rows,
        source: table.source,
        reading_faults: table.faults.with_quote_faults(quote_faults),
        service: service.service(),
    };
    let similar = options.similar_ids;
    ids.report_problems(&manifest, similar, &mut problems);
    new_ids.report_problems(&manifest, similar, &mut problems);
    let (ids, new_ids) = (&mut ids.hashes, &mut new_ids.hashes);
    new_id_conflicts::report_new_ids_in_use(&manifest, ids, new_ids, similar, &mut problems);
    object_external_ids.warn_of_damage(&manifest, &mut problems);
    file_names.warn_of_duplicates(&manifest, &mut problems);
    warn_of_unused_prefix(&manifest, &mut problems);
    problems.sort();
    tracing::info!(rows = manifest.len(), "read the manifest");
    Ok(ManifestWithProblems { manifest, problems })
}

/// Warns of a prefix with which no path begins.
fn warn_of_unused_prefix(manifest: &Manifest, problems: &mut ProblemList) {
    let Some(prefix) = &manifest.header.strip_prefix else {
        return;
    };
    let has_prefix = |row: RawRow<'_>| prefix.strip(row.file_path()).is_some();
    if !manifest.rows().any(has_prefix) {
        problems.push(ManifestProblem {
            row: 0,
            column: Some(Column::FilePath),
            kind: ProblemKind::Path(PathProblem::UnusedPrefix {
                prefix: prefix.as_str().into(),
            }),
        });
    }
}

impl Manifest {
    /// Returns the path from which the manifest was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the service of the first row with a valid object type. The whole manifest is for
    /// this service.
    pub fn service(&self) -> Option<ProcurementService> {
        self.service
    }

    /// Returns the number of rows, without blank lines.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a manifest without rows is refused"
    )]
    pub fn len(&self) -> usize {
        self.row_offsets.len()
    }

    /// Returns the row at an index; row number 1 has index 0.
    ///
    /// # Panics
    ///
    /// Panics if the index is out of range.
    pub fn row(&self, index: usize) -> RawRow<'_> {
        let RowOffset { offset, line } = self.row_offsets[index];
        let mut splitter =
            RecordSplitter::new(&self.text, self.header.delimiter, offset as usize, line);
        let mut cells = Vec::with_capacity(self.header.width);
        let faults = self.reading_faults.of_row(to_u32(index + 1));
        let record = if has_quote_fault(faults) {
            splitter.next_line(&mut cells)
        } else {
            let record = splitter.next_record(&mut cells);
            record.expect("a record begins here")
        };
        RawRow {
            header: &self.header,
            cells,
            span: record,
            number: to_u32(index + 1),
            faults: Cow::Borrowed(faults),
        }
    }

    /// Returns the row with a row number, as stored in problems; the first row is 1.
    pub(crate) fn row_numbered(&self, number: u32) -> RawRow<'_> {
        self.row(number as usize - 1)
    }

    /// Returns all rows in the order of the manifest.
    pub fn rows(&self) -> impl Iterator<Item = RawRow<'_>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Returns the names of the extra columns in the results.
    pub fn extra_columns(&self) -> &[String] {
        &self.header.extra_names
    }

    /// Returns the dialect of the files made from the manifest: an Excel that saved the manifest
    /// opens them in columns.
    pub fn output_dialect(&self) -> CsvDialect {
        CsvDialect::from_delimiter(self.header.delimiter).for_output()
    }

    /// Returns the columns that stand under a heading of another name, each with its heading.
    pub fn renamed_columns(&self) -> impl Iterator<Item = (Column, &str)> {
        self.header.renamed_columns()
    }

    /// Returns the columns with one value in all rows, each with its value.
    pub fn constants(&self) -> impl Iterator<Item = (Column, &str)> {
        self.header.constants()
    }

    /// Returns the line of the row with a row number; 0 is the header.
    pub(super) fn line_of_row(&self, number: u32) -> u64 {
        match number {
            0 => u64::from(self.header.line),
            number => u64::from(self.row_offsets[number as usize - 1].line),
        }
    }

    /// Returns the name of a column as written in the header. Positions begin at 0.
    pub(super) fn column_name_at(&self, position: u32) -> &str {
        self.header.name_at(position)
    }

    /// Returns `true` if the text of the manifest contains a byte.
    pub(crate) fn contains_byte(&self, byte: u8) -> bool {
        memchr::memchr(byte, self.text.as_bytes()).is_some()
    }

    /// Returns the name of the sheet from which the manifest was read, or `None` for a text.
    pub fn sheet_name(&self) -> Option<&str> {
        self.source.sheet_name()
    }

    /// Returns the place of a row in words, such as `line 7 (row 6)`. Row 0 is the header.
    pub(super) fn row_place(&self, number: u32) -> String {
        with_row_number(self.source.record_place(self.line_of_row(number)), number)
    }

    /// Returns the place of a problem in words: of a row, where row 0 is the header, or of a column
    /// in a row. In a sheet, a cell is known by its address, such as `Contracts!D7`.
    pub(super) fn problem_place(&self, number: u32, column: Option<Column>) -> String {
        let Some(column) = column else {
            return self.row_place(number);
        };
        let place = match (self.sheet_name(), self.cell_address(number, Some(column))) {
            (Some(sheet), address) if !address.is_empty() => {
                with_row_number(format!("{}!{address}", sheet_reference(sheet)), number)
            }
            _ => self.row_place(number),
        };
        match self.header.cell_source(column) {
            CellSource::Constant(_) => format!("{place}, {column} from --set"),
            CellSource::Position(_) | CellSource::Absent => format!("{place}, column {column}"),
        }
    }

    /// Returns the address of a cell in its sheet, such as `D7`; empty for a text, and where the
    /// manifest has no such column.
    pub(super) fn cell_address(&self, number: u32, column: Option<Column>) -> String {
        let position = column.and_then(|column| self.header.column_index(column));
        position.map_or_else(String::new, |position| {
            self.source.cell_address(self.line_of_row(number), position)
        })
    }
}

/// Adds the number of a row to its place. The header has no number.
fn with_row_number(place: String, number: u32) -> String {
    match number {
        0 => place,
        number => format!("{place} (row {number})"),
    }
}

#[cfg(test)]
mod tests;
