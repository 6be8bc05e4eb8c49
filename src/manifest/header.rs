//! The header of a manifest: its delimiter, and the source of each column.

mod first_record;

use std::borrow::Cow;

use super::column::Column;
use super::column_sources::ColumnSources;
use super::error::{ManifestErrorKind, MissingColumn, MissingColumns, UnknownHeading};
use super::heading::normalise_heading;
use super::path_prefix::PathPrefix;
use super::record_splitter::{QuoteFault, RecordSpan, RecordSplitter};
use crate::manifest::problem::{ManifestProblem, ProblemKind, ProblemList};
use crate::results::{COLUMNS, LINE_CHECK_COLUMN};
use crate::text::nearest_word;

pub(super) use first_record::split_header_names;
use first_record::{DelimiterOrigin, FirstRecord, SHEET_DELIMITER};

/// Returns `true` if the results file has a column of its own with this name. A manifest column of
/// the same name gets a prefix in the results.
fn is_results_column(name: &str) -> bool {
    name == LINE_CHECK_COLUMN || COLUMNS.contains(&name)
}

/// Meaning of a row with both an `object_id` and an `object_external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TwoObjectIdsPolicy {
    /// The row is refused: the two may name different records.
    Refuse,
    /// The `object_id` counts. Results read as a manifest hold the id that was found beside the
    /// external id.
    OwnIdCounts,
}

/// Source of the cells of a known column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CellSource {
    /// The manifest has no such column.
    Absent,
    /// Column of the manifest at a position.
    Position(usize),
    /// Value for all rows.
    Constant(Box<str>),
}

/// Column carried through to the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExtraColumn {
    /// Column of the manifest at a position.
    Position(usize),
    /// Known column with one value for all rows.
    Constant(Column),
}

/// Valid header of a manifest.
///
/// Guarantees: all required columns have a source, and no two columns have the same name.
#[derive(Debug)]
pub(super) struct ManifestHeader {
    /// Line number of the header.
    pub(super) line: u32,
    /// Delimiter between two cells.
    pub(super) delimiter: u8,
    /// Column names as written.
    pub(super) names: Vec<String>,
    /// Number of cells in the header. Every row must have the same number.
    pub(super) width: usize,
    /// Source of each column of [`Column::ALL`].
    cell_sources: [CellSource; Column::ALL.len()],
    /// Columns carried through to the results.
    pub(super) extra_columns: Vec<ExtraColumn>,
    /// Names of these columns in the results.
    pub(super) extra_names: Vec<String>,
    /// Positions of the columns without a name.
    pub(super) unnamed_indices: Vec<usize>,
    /// Columns with a name similar to an absent optional column, and the optional column.
    misspelt_columns: Vec<(String, Column)>,
    /// Meaning of a row with two ids of its record.
    pub(super) two_object_ids: TwoObjectIdsPolicy,
    /// Beginning of file paths that the user takes off.
    pub(super) strip_prefix: Option<PathPrefix>,
}

impl ManifestHeader {
    /// Reads the header, and returns the splitter for the rest of the text as well.
    pub(super) fn read<'t>(
        text: &'t str,
        sources: &ColumnSources,
    ) -> Result<(Self, RecordSplitter<'t>), ManifestErrorKind> {
        let first = FirstRecord::split(text, sources).ok_or(ManifestErrorKind::EmptyFile)?;
        match first.span.fault {
            Some(QuoteFault::UnclosedQuote {
                opened_on_line: line,
            }) => {
                return Err(ManifestErrorKind::UnclosedQuote { line, column: None });
            }
            Some(QuoteFault::TextAfterQuote {
                opened_on_line: line,
            }) => {
                return Err(ManifestErrorKind::BrokenQuote { line });
            }
            None => {}
        }
        let delimiter = char::from(first.delimiter);
        tracing::info!(delimiter = %delimiter.escape_default(), "read the header");
        let header = Self::from_headings(&Headings::of_text(&first), sources)?;
        Ok((header, first.rest))
    }

    /// Reads the header of a table made from a sheet, whose header is on a given line. Returns the
    /// splitter for the rest of the text as well.
    pub(super) fn read_of_sheet<'t>(
        text: &'t str,
        line: u32,
        sources: &ColumnSources,
    ) -> Result<(Self, RecordSplitter<'t>), ManifestErrorKind> {
        let first = FirstRecord::of_sheet(text).ok_or(ManifestErrorKind::EmptyFile)?;
        Ok((Self::from_names(line, &first.cells, sources)?, first.rest))
    }

    /// Creates the header of a sheet from its names.
    pub(super) fn from_names(
        line: u32,
        names: &[Cow<'_, str>],
        sources: &ColumnSources,
    ) -> Result<Self, ManifestErrorKind> {
        Self::from_headings(&Headings::of_sheet(line, names), sources)
    }

    fn from_headings(
        headings: &Headings<'_>,
        sources: &ColumnSources,
    ) -> Result<Self, ManifestErrorKind> {
        headings.check_duplicates()?;
        let cell_sources = headings.find_sources(sources)?;
        headings.check_required(&cell_sources)?;
        let (extra_columns, extra_names) = headings.extra_columns(&cell_sources);
        Ok(Self {
            line: headings.line,
            delimiter: headings.delimiter,
            width: headings.cells.len(),
            names: (0..headings.cells.len())
                .map(|at| headings.written(at))
                .collect(),
            unnamed_indices: headings.unnamed().collect(),
            misspelt_columns: headings.find_misspelt_columns(&cell_sources),
            extra_columns,
            extra_names,
            cell_sources,
            two_object_ids: TwoObjectIdsPolicy::Refuse,
            strip_prefix: None,
        })
    }

    /// Returns the source of the cells of a column.
    pub(super) fn cell_source(&self, column: Column) -> &CellSource {
        &self.cell_sources[column as usize]
    }

    /// Returns the position of a column, or `None` if the manifest has no such column.
    pub(super) fn column_index(&self, column: Column) -> Option<usize> {
        match self.cell_source(column) {
            CellSource::Position(position) => Some(*position),
            CellSource::Absent | CellSource::Constant(_) => None,
        }
    }

    /// Returns `true` if the rows have cells of the column.
    pub(super) fn has_column(&self, column: Column) -> bool {
        *self.cell_source(column) != CellSource::Absent
    }

    /// Returns the columns that stand under a heading of another name, each with its heading.
    pub(super) fn renamed_columns(&self) -> impl Iterator<Item = (Column, &str)> {
        let heading = |column| Some((column, self.names[self.column_index(column)?].as_str()));
        let columns = Column::ALL.into_iter().filter_map(heading);
        columns.filter(|(column, heading)| normalise_heading(heading) != column.as_str())
    }

    /// Returns the columns with one value in all rows, each with its value.
    pub(super) fn constants(&self) -> impl Iterator<Item = (Column, &str)> {
        let constant = |column| match self.cell_source(column) {
            CellSource::Constant(value) => Some((column, &**value)),
            CellSource::Absent | CellSource::Position(_) => None,
        };
        Column::ALL.into_iter().filter_map(constant)
    }

    /// Fails with the first name in which a character was replaced by U+FFFD.
    pub(super) fn refuse_damaged_names(&self) -> Result<(), ManifestErrorKind> {
        let mut names = self.names.iter();
        match names.find(|name| name.contains(char::REPLACEMENT_CHARACTER)) {
            None => Ok(()),
            Some(name) => Err(ManifestErrorKind::DamagedName {
                line: self.line,
                name: name.clone(),
            }),
        }
    }

    /// Returns `true` if the column at a position has a known meaning.
    pub(super) fn is_known_column_at(&self, position: usize) -> bool {
        self.cell_sources.contains(&CellSource::Position(position))
    }

    /// Returns the name of a column as written. Positions begin at 0.
    pub(super) fn name_at(&self, position: u32) -> &str {
        self.names.get(position as usize).map_or("", String::as_str)
    }

    /// Warns of columns with a probably misspelt name.
    pub(super) fn warn_of_misspelt_columns(&self, problems: &mut ProblemList) {
        for (name, known) in &self.misspelt_columns {
            problems.push(ManifestProblem {
                row: 0,
                column: None,
                kind: ProblemKind::MisspeltColumn {
                    name: name.as_str().into(),
                    known: *known,
                },
            });
        }
    }
}

/// Returns `true` if a record is a spreadsheet's line for an empty row.
pub(super) fn is_blank_record(cells: &[Cow<'_, str>], record: RecordSpan) -> bool {
    record.fault.is_none() && cells.iter().all(|cell| cell.trim().is_empty())
}

/// Headings of a manifest, before any heading is known as that of a column.
struct Headings<'h> {
    line: u32,
    origin: DelimiterOrigin,
    delimiter: u8,
    cells: &'h [Cow<'h, str>],
    /// Headings in the spelling of `normalise_heading`.
    names: Vec<String>,
}

type CellSources = [CellSource; Column::ALL.len()];

impl<'h> Headings<'h> {
    fn of_text(first: &'h FirstRecord<'_>) -> Self {
        Self::new(first.span.line, first.delimiter, first.origin, &first.cells)
    }

    fn of_sheet(line: u32, names: &'h [Cow<'_, str>]) -> Self {
        Self::new(line, SHEET_DELIMITER, DelimiterOrigin::Detected, names)
    }

    fn new(line: u32, delimiter: u8, origin: DelimiterOrigin, cells: &'h [Cow<'h, str>]) -> Self {
        Self {
            line,
            origin,
            delimiter,
            cells,
            names: cells.iter().map(|cell| normalise_heading(cell)).collect(),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// Returns a heading as written, without the blanks around it.
    fn written(&self, position: usize) -> String {
        self.cells[position].trim().to_owned()
    }

    fn all_written(&self) -> Vec<String> {
        (0..self.cells.len()).map(|at| self.written(at)).collect()
    }

    fn unnamed(&self) -> impl Iterator<Item = usize> {
        (0..self.names.len()).filter(|at| self.names[*at].is_empty())
    }

    fn check_duplicates(&self) -> Result<(), ManifestErrorKind> {
        for (second, name) in self.names.iter().enumerate() {
            let first = self.position(name);
            if let Some(first) = first.filter(|first| *first < second && !name.is_empty()) {
                return Err(ManifestErrorKind::DuplicateColumn {
                    line: self.line,
                    name: self.written(second),
                    first: first + 1,
                    second: second + 1,
                });
            }
        }
        Ok(())
    }

    /// Finds the source of each known column. A heading that the user names counts before a heading
    /// with the name of the column.
    fn find_sources(&self, sources: &ColumnSources) -> Result<CellSources, ManifestErrorKind> {
        let mut found = [const { CellSource::Absent }; Column::ALL.len()];
        let mut unknown = None;
        for column in Column::ALL {
            let Some(named) = sources.heading(column) else {
                continue;
            };
            match self.position(&normalise_heading(&named.heading)) {
                Some(position) => found[column as usize] = CellSource::Position(position),
                None => unknown = unknown.or(Some((column, &*named.heading))),
            }
        }
        for column in Column::ALL {
            let own = self.position(column.as_str()).map(CellSource::Position);
            let own = own.filter(|own| !found.contains(own));
            match (sources.constant(column), own) {
                (Some(_), Some(_)) => {
                    return Err(ManifestErrorKind::ConstantOfColumn {
                        line: self.line,
                        column,
                    });
                }
                (Some(value), None) => found[column as usize] = CellSource::Constant(value.into()),
                (None, Some(own)) if found[column as usize] == CellSource::Absent => {
                    found[column as usize] = own;
                }
                (None, _) => {}
            }
        }
        match unknown {
            None => Ok(found),
            Some((column, heading)) => Err(self.unknown_heading(column, heading, &found).into()),
        }
    }

    fn unknown_heading(
        &self,
        column: Column,
        heading: &str,
        sources: &CellSources,
    ) -> UnknownHeading {
        let names = self.names.iter().map(String::as_str);
        let nearest = nearest_word(&normalise_heading(heading), names);
        UnknownHeading {
            line: self.line,
            column,
            heading: heading.to_owned(),
            nearest: nearest.and_then(|name| Some(self.written(self.position(name)?))),
            found: self.all_written(),
            missing: missing_columns(sources).count(),
        }
    }

    fn check_required(&self, sources: &CellSources) -> Result<(), ManifestErrorKind> {
        let strangers: Vec<usize> = (0..self.names.len())
            .filter(|at| !self.names[*at].is_empty())
            .filter(|at| !sources.contains(&CellSource::Position(*at)))
            .collect();
        // The search runs backwards: a header name near the expected name.
        let nearest = |column: Column| {
            let is_near =
                |at: &&usize| nearest_word(&self.names[**at], [column.as_str()]).is_some();
            let at = strangers.iter().find(is_near)?;
            Some((self.written(*at), column))
        };
        let missing: Vec<MissingColumn> = missing_columns(sources)
            .map(|alternatives| MissingColumn {
                alternatives,
                nearest: alternatives.iter().find_map(|column| nearest(*column)),
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(ManifestErrorKind::MissingColumns(MissingColumns {
            line: self.line,
            missing,
            found: self.all_written(),
            stranger: strangers.first().map(|at| self.written(*at)),
            separator: match self.origin {
                DelimiterOrigin::Detected => None,
                DelimiterOrigin::SeparatorLine => Some(char::from(self.delimiter)),
            },
        }))
    }

    /// Returns the columns carried through to the results, and their unique names there.
    fn extra_columns(&self, sources: &CellSources) -> (Vec<ExtraColumn>, Vec<String>) {
        let column_at = |at: usize| {
            let is_at = |column: &Column| sources[*column as usize] == CellSource::Position(at);
            Column::ALL.into_iter().find(is_at)
        };
        let is_carried = |column: Column| !column.has_own_results_column();
        let positions: Vec<usize> = (0..self.names.len())
            .filter(|at| !self.names[*at].is_empty())
            .filter(|at| column_at(*at).is_none_or(is_carried))
            .collect();
        // Beside a column whose cells come from elsewhere, a heading of the same name is another.
        let is_ambiguous =
            |name: &str| is_results_column(name) || Column::from_name(name).is_some();
        let mut taken: Vec<String> = positions
            .iter()
            .map(|at| self.names[*at].clone())
            .filter(|name| !is_ambiguous(name))
            .collect();
        let mut names: Vec<String> = positions
            .iter()
            .map(|at| {
                let name = &self.names[*at];
                if let Some(column) = column_at(*at) {
                    return column.as_str().to_owned();
                }
                if !is_ambiguous(name) {
                    return self.written(*at);
                }
                let mut prefixed = format!("manifest_{name}");
                while taken.contains(&prefixed) {
                    prefixed.insert_str(0, "manifest_");
                }
                taken.push(prefixed.clone());
                prefixed
            })
            .collect();
        let mut columns: Vec<ExtraColumn> =
            positions.into_iter().map(ExtraColumn::Position).collect();
        for column in Column::ALL.into_iter().filter(|column| is_carried(*column)) {
            if let CellSource::Constant(_) = sources[column as usize] {
                columns.push(ExtraColumn::Constant(column));
                names.push(column.as_str().to_owned());
            }
        }
        (columns, names)
    }

    /// Finds column names similar to an absent optional column. Columns of the user's own are
    /// normal, but a similar name probably means the absent column.
    fn find_misspelt_columns(&self, sources: &CellSources) -> Vec<(String, Column)> {
        // A manifest with one of the two columns for the record needs no other.
        let is_needless = |column: &Column| {
            let mut required = Column::REQUIRED.into_iter();
            required.any(|columns| {
                columns.contains(column) && !columns.iter().all(|one| is_absent(sources, *one))
            })
        };
        let absent: Vec<&str> = Column::ALL
            .into_iter()
            .filter(|column| is_absent(sources, *column) && !is_needless(column))
            .map(Column::as_str)
            .collect();
        let is_own = |at: &usize| {
            let name = &self.names[*at];
            !name.is_empty()
                && Column::from_name(name).is_none()
                && !sources.contains(&CellSource::Position(*at))
        };
        (0..self.names.len())
            .filter(is_own)
            .filter_map(|at| {
                let name = nearest_word(&self.names[at], absent.iter().copied())?;
                Some((self.written(at), Column::from_name(name)?))
            })
            .collect()
    }
}

/// Returns the lists of required columns of which none has a source.
fn missing_columns(sources: &CellSources) -> impl Iterator<Item = &'static [Column]> {
    Column::REQUIRED
        .into_iter()
        .filter(|columns| columns.iter().all(|column| is_absent(sources, *column)))
}

fn is_absent(sources: &CellSources, column: Column) -> bool {
    sources[column as usize] == CellSource::Absent
}

#[cfg(test)]
mod tests;
