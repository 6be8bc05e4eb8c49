//! Reading of a manifest: from the text of a spreadsheet to rows, with all problems collected.
//!
//! The decoded text is kept whole. A row costs eight bytes more, its offset and its line, and its
//! cells are split again on each access; a million rows cost little more than their text.
//!
//! This module makes every check for which the text alone is enough. [`prepare`](crate::prepare)
//! checks the files. Start with [`read`]; `cell` holds the rules of each column, `problem` the list
//! of problems.

mod alike;
mod cell;
mod column;
mod error;
mod header;
mod ids;
mod names;
mod own_output;
pub mod problem;
mod renames;
mod row;
mod service;
mod split;

use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

pub use column::Column;
pub use error::{ManifestError, Reason};
pub use own_output::{OwnOutput, OwnOutputs};
pub(crate) use row::name_of;
pub use row::{Finding, RawRow, Row};

use self::problem::Problems;
use crate::model::Service;
use crate::text::decode::decode;
use header::{Header, is_blank};
use ids::Ids;
use row::in_32_bits;
use service::OneService;
use split::{Fault, Splitter};

/// Options for reading a manifest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Encoding named by the user, for text other than UTF-8 or UTF-16.
    pub encoding: Option<&'static Encoding>,
    /// Treatment of ids that look the same.
    pub similar_ids: SimilarIds,
    /// Treatment of files written by consign itself.
    pub own_outputs: OwnOutputs,
}

/// Treatment of `external_id`s that differ only in case or in the encoding of accents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimilarIds {
    /// Similar ids are an error: one id is probably a mistake, and another system may take both for
    /// the same.
    #[default]
    Refuse,
    /// Similar ids are accepted as different ids.
    Allow,
}

/// Returns the encoding with a given name, for example `windows-1252`.
pub fn encoding_named(name: &str) -> Result<&'static Encoding, UnknownEncoding> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or(UnknownEncoding)
}

/// Refusal of a name as the name of an encoding.
#[derive(Debug, thiserror::Error)]
#[error("not an encoding that is known; for example windows-1252, iso-8859-2, shift_jis, gb18030")]
pub struct UnknownEncoding;

/// Manifest together with its problems.
#[derive(Debug)]
pub struct Reading {
    /// All rows, including rows with problems.
    pub manifest: Manifest,
    /// Problems found in the text alone.
    pub problems: Problems,
}

/// Manifest with a valid header and at least one row.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    text: String,
    header: Header,
    rows: Vec<Start>,
    service: Option<Service>,
}

/// Position of a row in the text.
#[derive(Debug, Clone, Copy)]
struct Start {
    offset: u32,
    line: u32,
}

/// Reads a manifest from a file.
///
/// Fails only when the file cannot be split into rows at all. Any other mistake is a problem of a
/// row, and one pass finds all problems.
pub fn read(path: &Path, options: &Options) -> Result<Reading, ManifestError> {
    let bytes = std::fs::read(path).map_err(|error| Reason::Unreadable(error).at(path))?;
    of_bytes(path, bytes, options)
}

/// Reads a manifest from bytes in memory, for input that can be read only once and has several
/// users.
pub fn of_bytes(path: &Path, bytes: Vec<u8>, options: &Options) -> Result<Reading, ManifestError> {
    let text = decode(bytes, options.encoding).map_err(|why| Reason::from(why).at(path))?;
    of_text(path, text, options)
}

/// Reads a manifest from text. `path` serves as a name in messages.
pub fn of_text(path: &Path, text: String, options: &Options) -> Result<Reading, ManifestError> {
    read_text(path, text, options).map_err(|reason| reason.at(path))
}

fn read_text(path: &Path, text: String, options: &Options) -> Result<Reading, Reason> {
    if u32::try_from(text.len()).is_err() {
        return Err(Reason::TooLarge);
    }
    if options.own_outputs == OwnOutputs::Refuse
        && let Some(kind) = OwnOutput::told_by(&text)
    {
        let manifest = own_output::manifest_of(path, &text);
        return Err(Reason::OwnOutput { kind, manifest });
    }
    let mut problems = Problems::default();
    let (header, rest) = Header::read(&text)?;
    header.warn(&mut problems);
    let Found {
        starts: rows,
        mut ids,
        mut new_ids,
        service,
    } = find_rows(&header, rest, &mut problems)?;
    let manifest = Manifest {
        path: path.to_owned(),
        text,
        header,
        rows,
        service: service.known(),
    };
    let similar = options.similar_ids;
    ids.report(&manifest, similar, &mut problems);
    new_ids.report(&manifest, similar, &mut problems);
    let (ids, new_ids) = (&mut ids.hashes, &mut new_ids.hashes);
    renames::report_ids_in_use(&manifest, ids, new_ids, similar, &mut problems);
    service.report(&manifest, &mut problems);
    problems.sort();
    tracing::info!(rows = manifest.len(), "read the manifest");
    Ok(Reading { manifest, problems })
}

/// Result of the scan of all rows.
struct Found {
    starts: Vec<Start>,
    ids: Ids,
    new_ids: Ids,
    service: OneService,
}

impl Found {
    fn nothing() -> Self {
        let ids = Ids::of(Column::ExternalId);
        Self {
            starts: Vec::new(),
            new_ids: ids.beside(Column::NewExternalId),
            ids,
            service: OneService::default(),
        }
    }
}

/// Ids of a row for the comparison with other rows. An invalid id takes no part in the comparison.
struct Comparable<'r> {
    id: Option<&'r str>,
    new_id: Option<&'r str>,
}

impl<'r> Comparable<'r> {
    fn of(row: &'r RawRow<'_>) -> Self {
        Self {
            id: Some(row.external_id()),
            new_id: row.wished_id(),
        }
    }

    /// Excludes the id of a column with a problem. A problem of the whole row excludes both ids.
    fn leave_out(&mut self, column: Option<Column>) {
        if matches!(column, None | Some(Column::ExternalId)) {
            self.id = None;
        }
        if matches!(column, None | Some(Column::NewExternalId)) {
            self.new_id = None;
        }
    }
}

/// Scans all rows once. Records the position of each row and the problems of each row alone.
fn find_rows<'m>(
    header: &'m Header,
    mut rest: Splitter<'m>,
    problems: &mut Problems,
) -> Result<Found, Reason> {
    let mut found = Found::nothing();
    let mut row = RawRow::nowhere(header);
    let mut unnamed_told = false;
    while let Some(record) = rest.next(&mut row.cells) {
        if is_blank(&row.cells, record) {
            continue;
        }
        if let Some(Fault::Unclosed { opened: line }) = record.fault {
            let column = header.names.get(row.cells.len()).cloned();
            return Err(Reason::UnclosedQuote { line, column });
        }
        found.starts.push(Start {
            offset: in_32_bits(record.offset),
            line: record.line,
        });
        row.number += 1;
        row.record = record;
        let mut ids = Comparable::of(&row);
        let kind = row.find(|Finding { column, wrong }| {
            ids.leave_out(column);
            problems.push(row.problem(column, wrong));
        });
        if let Some(kind) = kind {
            found.service.take(&row, kind.service(), problems);
        }
        if !unnamed_told && let Some(wrong) = row.unnamed_content() {
            problems.push(row.problem(None, wrong));
            unnamed_told = true;
        }
        if let Some(id) = ids.id {
            found.ids.take(row.number, id);
        }
        if let Some(id) = ids.new_id {
            found.new_ids.take(row.number, id);
        }
    }
    if found.starts.is_empty() {
        return Err(Reason::NoRows);
    }
    found.starts.shrink_to_fit();
    Ok(found)
}

impl Manifest {
    /// Returns the path from which the manifest was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the service of the first row with a valid object type. The whole manifest is for
    /// this service.
    pub fn service(&self) -> Option<Service> {
        self.service
    }

    /// Returns the number of rows, without blank lines.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a manifest without rows is refused"
    )]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the row at an index; row number 1 has index 0.
    ///
    /// # Panics
    ///
    /// Panics if the index is out of range.
    pub fn row(&self, index: usize) -> RawRow<'_> {
        let Start { offset, line } = self.rows[index];
        let mut splitter = Splitter::new(&self.text, self.header.delimiter, offset as usize, line);
        let mut cells = Vec::with_capacity(self.header.width);
        let record = splitter.next(&mut cells).expect("a record begins here");
        RawRow {
            header: &self.header,
            cells,
            record,
            number: in_32_bits(index + 1),
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

    /// Returns the line number of the header.
    pub(crate) fn header_line(&self) -> u64 {
        u64::from(self.header.line)
    }
}

#[cfg(test)]
mod tests;
