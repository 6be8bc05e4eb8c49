//! The manifest: from a spreadsheet's text to rows, with every problem collected.
//!
//! The decoded text is its own arena. Of each row only its offset and line are kept, eight bytes,
//! and the cells are split again when somebody asks for the row; a million rows cost little more
//! than their text.
//!
//! Everything that the text alone can tell is checked here. The files that it names are the
//! business of [`prepare`](crate::prepare).

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

/// How a manifest is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The encoding that the user named, for text that is neither UTF-8 nor UTF-16.
    pub encoding: Option<&'static Encoding>,
    /// What is thought of ids that look the same.
    pub similar_ids: SimilarIds,
    /// What is thought of files that consign itself has written.
    pub own_outputs: OwnOutputs,
}

/// What is thought of two `external_id`s that differ only in case or in the encoding of accents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimilarIds {
    /// An error: one of them is probably a mistake, and another system may take them for one.
    #[default]
    Refuse,
    /// They are what they are.
    Allow,
}

/// The encoding of a name such as `windows-1252`.
pub fn encoding_named(name: &str) -> Result<&'static Encoding, UnknownEncoding> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or(UnknownEncoding)
}

/// The name is not that of an encoding.
#[derive(Debug, thiserror::Error)]
#[error("not an encoding that is known; for example windows-1252, iso-8859-2, shift_jis, gb18030")]
pub struct UnknownEncoding;

/// A manifest as it was read, and what is wrong with it.
#[derive(Debug)]
pub struct Reading {
    /// The rows, those with problems among them.
    pub manifest: Manifest,
    /// The problems that the text alone shows.
    pub problems: Problems,
}

/// A manifest whose header was understood and which has at least one row.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    text: String,
    header: Header,
    rows: Vec<Start>,
    service: Option<Service>,
}

/// Where a row begins.
#[derive(Debug, Clone, Copy)]
struct Start {
    offset: u32,
    line: u32,
}

/// Reads a manifest.
///
/// An error means that nothing could be read as rows. Everything else is a problem of some row,
/// and all of them are found in this one pass.
pub fn read(path: &Path, options: &Options) -> Result<Reading, ManifestError> {
    let bytes = std::fs::read(path).map_err(|error| Reason::Unreadable(error).at(path))?;
    of_bytes(path, bytes, options)
}

/// Reads a manifest whose bytes are at hand: what can be read only once has to be shared.
pub fn of_bytes(path: &Path, bytes: Vec<u8>, options: &Options) -> Result<Reading, ManifestError> {
    let text = decode(bytes, options.encoding).map_err(|why| Reason::from(why).at(path))?;
    of_text(path, text, options)
}

/// Reads a manifest that is no file. `path` is what it is called.
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

/// What is known of the rows once all have gone by.
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

/// The ids in a row that can be compared with those of other rows. An id that is no id is not.
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

    /// Something is wrong with a column, or with the row as a whole.
    fn leave_out(&mut self, column: Option<Column>) {
        if matches!(column, None | Some(Column::ExternalId)) {
            self.id = None;
        }
        if matches!(column, None | Some(Column::NewExternalId)) {
            self.new_id = None;
        }
    }
}

/// Goes through the rows once, and takes note of where they begin and of what is wrong with each.
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
    /// The path under which the manifest was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The service that the manifest is for: that of the first row whose object type is known.
    pub fn service(&self) -> Option<Service> {
        self.service
    }

    /// How many rows there are; blank lines are none.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a manifest without rows is refused"
    )]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row at an index: number 1 is at index 0.
    ///
    /// # Panics
    /// If there is no such row.
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

    /// The row of a number, as problems hold it.
    pub(crate) fn row_numbered(&self, number: u32) -> RawRow<'_> {
        self.row(number as usize - 1)
    }

    /// All rows in their order.
    pub fn rows(&self) -> impl Iterator<Item = RawRow<'_>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// The names under which the results carry the other columns.
    pub fn extra_columns(&self) -> &[String] {
        &self.header.extra_names
    }

    /// The line of the header.
    pub(crate) fn header_line(&self) -> u64 {
        u64::from(self.header.line)
    }
}

#[cfg(test)]
mod tests;
