//! The header of a manifest: its delimiter, and the position of each column.

use std::borrow::Cow;

use super::ManifestOptions;
use super::column::Column;
use super::error::{ManifestErrorKind, MissingColumn, MissingColumns};
use super::record_splitter::{QuoteFault, RecordSpan, RecordSplitter};
use crate::manifest::problem::{ManifestProblem, ProblemKind, ProblemList};
use crate::results::{COLUMNS, LINE_CHECK_COLUMN};
use crate::text::nearest_word;

/// Delimiters written by spreadsheets, the most common first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

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

/// Valid header of a manifest.
///
/// Guarantees: all required columns are present, and no two columns have the same name.
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
    /// Position of each column of [`Column::ALL`], `None` for an absent column.
    column_indices: [Option<usize>; Column::ALL.len()],
    /// Positions of the columns carried through to the results.
    pub(super) extra_indices: Vec<usize>,
    /// Names of these columns in the results.
    pub(super) extra_names: Vec<String>,
    /// Positions of the columns without a name.
    pub(super) unnamed_indices: Vec<usize>,
    /// Columns with a name similar to an absent optional column, and the optional column.
    misspelt_columns: Vec<(String, Column)>,
    /// Meaning of a row with two ids of its record.
    pub(super) two_object_ids: TwoObjectIdsPolicy,
}

impl ManifestHeader {
    /// Reads the header, and returns the splitter for the rest of the text as well.
    pub(super) fn read(text: &str) -> Result<(Self, RecordSplitter<'_>), ManifestErrorKind> {
        let (delimiter, record, cells, rest) =
            first_record_by_likeliest_delimiter(text).ok_or(ManifestErrorKind::EmptyFile)?;
        match record.fault {
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
        tracing::info!(delimiter = %char::from(delimiter).escape_default(), "read the header");
        let header = Self::from_cells(record.line, delimiter, &cells)?;
        Ok((header, rest))
    }

    /// Reads the header of a table made from a sheet, whose header is on a given line. Returns the
    /// splitter for the rest of the text as well.
    pub(super) fn read_of_sheet<'t>(
        text: &'t str,
        line: u32,
        options: &ManifestOptions,
    ) -> Result<(Self, RecordSplitter<'t>), ManifestErrorKind> {
        let (_, _, cells, rest) = first_record(text, b',').ok_or(ManifestErrorKind::EmptyFile)?;
        Ok((Self::from_names(line, &cells, options)?, rest))
    }

    /// Creates the header of a sheet from its names.
    pub(super) fn from_names(
        line: u32,
        names: &[Cow<'_, str>],
        _options: &ManifestOptions,
    ) -> Result<Self, ManifestErrorKind> {
        Self::from_cells(line, b',', names)
    }

    fn from_cells(
        line: u32,
        delimiter: u8,
        cells: &[Cow<'_, str>],
    ) -> Result<Self, ManifestErrorKind> {
        let names: Vec<String> = cells.iter().map(|cell| normalise_name(cell)).collect();
        check_duplicates(line, cells, &names)?;
        let known = Column::ALL.map(|column| names.iter().position(|name| name == column.as_str()));
        check_required(line, cells, &known)?;
        let (unnamed, others): (Vec<usize>, Vec<usize>) =
            (0..names.len()).partition(|at| names[*at].is_empty());
        let extras: Vec<usize> = others
            .into_iter()
            .filter(|at| {
                !Column::from_name(&names[*at]).is_some_and(Column::has_own_results_column)
            })
            .collect();
        Ok(Self {
            line,
            delimiter,
            width: cells.len(),
            names: cells.iter().map(|cell| cell.trim().to_owned()).collect(),
            column_indices: known,
            extra_names: extra_names(cells, &names, &extras),
            extra_indices: extras,
            unnamed_indices: unnamed,
            misspelt_columns: find_misspelt_columns(cells, &names, &known),
            two_object_ids: TwoObjectIdsPolicy::Refuse,
        })
    }

    /// Returns the position of a column, or `None` if the manifest has no such column.
    pub(super) fn column_index(&self, column: Column) -> Option<usize> {
        self.column_indices[column as usize]
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
        self.column_indices.contains(&Some(position))
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

type FirstRecord<'t> = (u8, RecordSpan, Vec<Cow<'t, str>>, RecordSplitter<'t>);

/// Splits the first record by the delimiter that gives the most known columns, and then the most
/// cells.
fn first_record_by_likeliest_delimiter(text: &str) -> Option<FirstRecord<'_>> {
    DELIMITERS
        .into_iter()
        .filter_map(|delimiter| first_record(text, delimiter))
        // `max_by_key` takes the last of equal elements; `rev` makes the most common delimiter the
        // last.
        .rev()
        .max_by_key(|(_, _, cells, _)| (count_known_columns(cells), cells.len()))
}

/// Returns the normalised names in the first record, and the splitter for the rest. The text may be
/// any table, not only a manifest.
pub(super) fn split_header_names(text: &str) -> Option<(Vec<String>, RecordSplitter<'_>)> {
    let (_, _, cells, rest) = first_record_by_likeliest_delimiter(text)?;
    Some((
        cells.iter().map(|cell| normalise_name(cell)).collect(),
        rest,
    ))
}

/// Returns the first record other than a blank line.
fn first_record(text: &str, delimiter: u8) -> Option<FirstRecord<'_>> {
    let mut splitter = RecordSplitter::new(text, delimiter, 0, 1);
    let mut cells = Vec::new();
    loop {
        let record = splitter.next_record(&mut cells)?;
        // With a wrong delimiter, an empty row is a cell full of delimiters.
        let says_nothing =
            |cell: &Cow<'_, str>| cell.trim_matches([',', ';', ' ', '\t']).is_empty();
        if record.fault.is_some() || !cells.iter().all(says_nothing) {
            return Some((delimiter, record, cells, splitter));
        }
    }
}

/// Returns `true` if a record is a spreadsheet's line for an empty row.
pub(super) fn is_blank_record(cells: &[Cow<'_, str>], record: RecordSpan) -> bool {
    record.fault.is_none() && cells.iter().all(|cell| cell.trim().is_empty())
}

fn count_known_columns(cells: &[Cow<'_, str>]) -> usize {
    cells
        .iter()
        .filter(|cell| Column::from_name(&normalise_name(cell)).is_some())
        .count()
}

/// Returns one spelling for `External ID`, `external-id` and ` EXTERNAL_ID `.
pub(super) fn normalise_name(name: &str) -> String {
    name.trim()
        .to_lowercase()
        .replace([' ', '-', '\u{a0}'], "_")
}

fn check_duplicates(
    line: u32,
    cells: &[Cow<'_, str>],
    names: &[String],
) -> Result<(), ManifestErrorKind> {
    for (second, name) in names.iter().enumerate() {
        let first = names.iter().position(|other| other == name);
        if let Some(first) = first.filter(|first| *first < second && !name.is_empty()) {
            return Err(ManifestErrorKind::DuplicateColumn {
                line,
                name: cells[second].trim().to_owned(),
                first: first + 1,
                second: second + 1,
            });
        }
    }
    Ok(())
}

fn check_required(
    line: u32,
    cells: &[Cow<'_, str>],
    known: &[Option<usize>],
) -> Result<(), ManifestErrorKind> {
    let strangers = || {
        cells
            .iter()
            .enumerate()
            .filter(|(at, _)| !known.contains(&Some(*at)))
    };
    // The search runs backwards: a header name near the expected name.
    let nearest = |column: Column| {
        let mut names = strangers().map(|(_, cell)| cell.trim());
        let name =
            names.find(|name| nearest_word(&normalise_name(name), [column.as_str()]).is_some())?;
        Some((name.to_owned(), column))
    };
    let missing: Vec<MissingColumn> = Column::REQUIRED
        .into_iter()
        .filter(|columns| {
            let is_missing = |column: &Column| known[*column as usize].is_none();
            columns.iter().all(is_missing)
        })
        .map(|alternatives| MissingColumn {
            alternatives,
            nearest: alternatives.iter().find_map(|column| nearest(*column)),
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ManifestErrorKind::MissingColumns(MissingColumns {
        line,
        missing,
        found: cells.iter().map(|cell| cell.trim().to_owned()).collect(),
    }))
}

/// Returns unique names in the results for the columns carried through.
fn extra_names(cells: &[Cow<'_, str>], names: &[String], extras: &[usize]) -> Vec<String> {
    let mut taken: Vec<String> = extras
        .iter()
        .map(|at| names[*at].clone())
        .filter(|name| !is_results_column(name))
        .collect();
    extras
        .iter()
        .map(|at| {
            let name = &names[*at];
            if !is_results_column(name) {
                return match Column::from_name(name) {
                    Some(column) => column.as_str().to_owned(),
                    None => cells[*at].trim().to_owned(),
                };
            }
            let mut prefixed = format!("manifest_{name}");
            while taken.contains(&prefixed) {
                prefixed.insert_str(0, "manifest_");
            }
            taken.push(prefixed.clone());
            prefixed
        })
        .collect()
}

/// Finds column names similar to an absent optional column. Columns of the user's own are normal,
/// but a similar name probably means the absent column.
fn find_misspelt_columns(
    cells: &[Cow<'_, str>],
    names: &[String],
    known: &[Option<usize>],
) -> Vec<(String, Column)> {
    let is_absent = |column: &Column| known[*column as usize].is_none();
    // A manifest with one of the two columns for the record needs no other.
    let is_needless = |column: &Column| {
        let mut required = Column::REQUIRED.into_iter();
        required.any(|columns| columns.contains(column) && !columns.iter().all(is_absent))
    };
    let absent: Vec<&str> = Column::ALL
        .into_iter()
        .filter(|column| is_absent(column) && !is_needless(column))
        .map(Column::as_str)
        .collect();
    names
        .iter()
        .zip(cells)
        .filter(|(name, _)| !name.is_empty() && Column::from_name(name).is_none())
        .filter_map(|(name, cell)| {
            let meant = nearest_word(name, absent.iter().copied()).and_then(Column::from_name)?;
            Some((cell.trim().to_owned(), meant))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> ManifestHeader {
        ManifestHeader::read(text).unwrap().0
    }

    fn refusal(text: &str) -> String {
        ManifestHeader::read(text).unwrap_err().to_string()
    }

    #[test]
    fn the_delimiter_is_seen_from_the_header() {
        for delimiter in [",", ";", "\t"] {
            let text = [
                "file_path",
                "object_type",
                "object_id",
                "external_id",
                "a,b;c",
            ]
            .map(|name| format!("\"{name}\""))
            .join(delimiter);
            let header = header(&text);
            assert_eq!(char::from(header.delimiter).to_string(), delimiter);
            assert_eq!(header.width, 5);
        }
    }

    #[test]
    fn names_are_known_in_any_case_and_with_blanks_or_hyphens() {
        let header = header("\n,,,\nFile Path, OBJECT-TYPE ,\"object id\",External_ID,Sha256\n");
        assert_eq!(header.line, 3);
        assert_eq!(header.column_index(Column::FilePath), Some(0));
        assert_eq!(header.column_index(Column::ExternalId), Some(3));
        assert_eq!(header.column_index(Column::Sha256), Some(4));
        assert_eq!(header.column_index(Column::Title), None);
    }

    #[test]
    fn a_missing_column_is_named_with_what_was_found_and_what_may_be_meant() {
        assert_eq!(
            refusal("file_path,object_type,object_id,externalid,note\n"),
            "line 1: missing column external_id; found \"file_path\", \"object_type\", \
             \"object_id\", \"externalid\", \"note\"; expected file_path, object_type, object_id or \
             object_external_id, external_id; rename \"externalid\" if it is external_id"
        );
        assert_eq!(
            refusal("path,type\n"),
            "line 1: missing columns file_path, object_type, object_id or object_external_id, \
             external_id; found \"path\", \"type\"; expected file_path, object_type, object_id or \
             object_external_id, external_id"
        );
    }

    #[test]
    fn either_column_names_the_record_and_of_neither_each_is_looked_for() {
        for names in [
            "object_id",
            "Object External-ID",
            "object_external_id,object_id",
        ] {
            header(&format!("file_path,object_type,{names},external_id\n"));
        }
        let of_neither = |name: &str, meant: &str| {
            assert!(
                refusal(&format!("file_path,object_type,{name},external_id\n")).ends_with(&format!(
                    "missing column object_id or object_external_id; found \"file_path\", \
                     \"object_type\", \"{name}\", \"external_id\"; expected file_path, object_type, \
                     object_id or object_external_id, external_id; rename \"{name}\" if it is {meant}"
                ))
            );
        };
        of_neither("objectid", "object_id");
        of_neither("object_extrenal_id", "object_external_id");
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        assert_eq!(
            refusal("file_path,object_type,object_id,external_id,File Path\n"),
            "line 1: the columns 1 and 5 are both named \"File Path\"; rename or remove one"
        );
    }

    #[test]
    fn a_wrong_quote_in_the_header_is_located() {
        assert_eq!(
            refusal("\"file\"_path,object_type,object_id,external_id\n"),
            "line 1: a quote in the header closes in the middle of a name; close it where the \
             name ends, and double each quote inside a name"
        );
        assert_eq!(
            refusal("\n\"file_path,object_type\nx\n"),
            "line 2: the quote that opens here is never closed; close it, or double it if it is \
             part of the text"
        );
    }

    #[test]
    fn a_file_without_any_text_is_refused() {
        assert!(matches!(
            ManifestHeader::read(" \n,,\n"),
            Err(ManifestErrorKind::EmptyFile)
        ));
    }

    #[test]
    fn columns_besides_the_known_ones_are_carried_under_names_free_in_the_results() {
        let header = header(
            "file_path,object_type,object_id,external_id,sha256,Title,My Note,STATUS,\
             manifest_status,,size\n",
        );
        assert_eq!(
            header.extra_names,
            [
                "title",
                "My Note",
                "manifest_manifest_status",
                "manifest_status",
                "manifest_size"
            ]
        );
        assert_eq!(header.extra_indices, [5, 6, 7, 8, 10]);
        assert_eq!(header.unnamed_indices, [9]);
    }

    #[test]
    fn only_a_name_that_is_nearly_that_of_an_absent_column_is_warned_of() {
        let required = "file_path,object_type,object_id,external_id";
        for (more, warned) in [
            ("titel", Some(("titel", Column::Title))),
            ("File Nmae", Some(("File Nmae", Column::FileName))),
            ("titel,title", None),
            ("department", None),
            ("status", None),
            ("project_external_id", None),
        ] {
            let header = header(&format!("{required},{more}\n"));
            let warned: Vec<_> = warned
                .into_iter()
                .map(|(name, column)| (name.to_owned(), column))
                .collect();
            assert_eq!(header.misspelt_columns, warned, "{more}");
        }
    }
}
