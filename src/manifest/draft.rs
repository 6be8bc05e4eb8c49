//! Manifest to fill in, made from the files of a folder: a row for each file.
//!
//! [`ManifestDraft`] decides the cells. `path_pattern` takes cells from paths, `path_id` makes the
//! `external_id`, `draft_file` writes the file.

mod draft_file;
mod path_id;
mod path_pattern;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization as _;

pub use draft_file::{DraftFormat, DraftTally, DraftTarget, UnknownDraftEnding};
pub use path_pattern::{InvalidPathPattern, PathPattern, PatternColumn};

use super::Column;
use super::cell_rules;
use crate::model::FileStamp;
use crate::text::escape;
use path_id::path_id;

/// Refusal to write a manifest from a folder.
#[derive(Debug, thiserror::Error)]
pub enum DraftRefusal {
    /// A file has the name of the manifest.
    #[error(
        "{} is there already, and consign manifest writes over no file; name another file, or move \
         this one away",
        escape(&path.to_string_lossy())
    )]
    FileExists {
        /// File to write.
        path: PathBuf,
    },
    /// The folder cannot be opened.
    #[error(
        "the folder {} cannot be opened: {cause}; name the folder that holds the files",
        escape(&path.to_string_lossy())
    )]
    FolderNotOpened {
        /// Folder of the files.
        path: PathBuf,
        /// Error of the system.
        cause: std::io::Error,
    },
    /// The folder holds no file for a row.
    #[error(
        "nothing was written: there is no file below {} to write a row for{left_out}",
        escape(&path.to_string_lossy())
    )]
    NoFiles {
        /// Folder of the files.
        path: PathBuf,
        /// Words about files left out; may be empty.
        left_out: String,
    },
    /// A sheet has too few rows for the files.
    #[error(
        "nothing was written: {files} files are more than a sheet has rows ({}); write a .csv, or a \
         manifest for each of several folders",
        draft_file::MAX_WORKBOOK_ROWS
    )]
    TooManyFiles {
        /// Number of files.
        files: u64,
    },
}

/// File of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftedFile {
    /// Path below the folder, with `/` between its parts.
    pub path: String,
    /// Size and time of modification.
    pub stamp: FileStamp,
}

/// Column of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DraftColumn {
    FilePath,
    /// Column to be filled in by the user.
    ToFillIn(Column),
    ExternalId,
    /// Column at this index of the pattern.
    FromPattern(usize),
    Size,
    Modified,
}

/// Manifest to fill in.
#[derive(Debug)]
pub struct ManifestDraft {
    /// Files in the order of the bytes of their paths.
    files: Vec<DraftedFile>,
    pattern: Option<PathPattern>,
    columns: Vec<DraftColumn>,
    /// Spellings in NFC shared by several paths, none of which is in NFC.
    shared_spellings: HashSet<String>,
}

/// Returns the word for the reason for which a manifest cannot name a file, if there is one.
pub fn refusal_of_file_path(path: &str) -> Option<String> {
    // Manifests of other systems have this character between the parts of a path.
    if path.contains('\\') {
        return Some("backslash".to_owned());
    }
    let refusal = cell_rules::file_path(&file_path_cell(path), None).err()?;
    Some(refusal.as_str().replace('_', " "))
}

/// Returns the cell for a path.
///
/// A spreadsheet would run a file name such as `=1+1` in a CSV, and turn `2024/03/05` into a date. With `./` in front, the path leads to the same file, and the cell stays text.
fn file_path_cell(path: &str) -> Cow<'_, str> {
    if is_taken_for_value(path) {
        Cow::Owned(format!("./{path}"))
    } else {
        Cow::Borrowed(path)
    }
}

/// Returns `true` if a spreadsheet might take a path for a formula, a number or a date, or a path
/// looks like an error value of a spreadsheet or like a drive. No spreadsheet does so with a text
/// with an extension at the end, apart from dates such as `12.Mar`.
fn is_taken_for_value(path: &str) -> bool {
    if starts_like_formula(path) || path.starts_with('#') || path.as_bytes().get(1) == Some(&b':') {
        return true;
    }
    let Some((stem, extension)) = path.rsplit_once('.') else {
        return true;
    };
    let has_letter = |text: &str| text.chars().any(char::is_alphabetic);
    let is_word = extension.chars().filter(|c| c.is_alphabetic()).count() > 1;
    extension.contains('/')
        || !has_letter(extension)
        || !(has_letter(stem) || is_word && !is_month(extension))
}

/// Recognises the beginning of a formula, in the characters of full width as well, which
/// spreadsheets of East Asia take.
pub(super) fn starts_like_formula(cell: &str) -> bool {
    cell.starts_with([
        '=', '+', '-', '@', '\'', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 17] = [
        "jan", "feb", "mar", "mär", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt",
        "nov", "dec", "dez", "mrz",
    ];
    let word = word.to_lowercase();
    MONTHS.iter().any(|month| word.starts_with(month))
}

impl ManifestDraft {
    /// Makes a draft with a row for each of the files.
    pub fn new(mut files: Vec<DraftedFile>, pattern: Option<PathPattern>) -> Self {
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Self {
            columns: draft_columns(pattern.as_ref()),
            shared_spellings: shared_spellings(&files),
            files,
            pattern,
        }
    }

    /// Returns the number of files.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Returns the files in the order of the rows.
    pub fn files(&self) -> &[DraftedFile] {
        &self.files
    }

    /// Returns the columns for the user to fill in.
    pub fn columns_to_fill_in(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().filter_map(|column| match column {
            DraftColumn::ToFillIn(column) => Some(*column),
            _ => None,
        })
    }

    fn column_name(&self, column: &DraftColumn) -> &str {
        match column {
            DraftColumn::FilePath => Column::FilePath.as_str(),
            DraftColumn::ToFillIn(column) => column.as_str(),
            DraftColumn::ExternalId => Column::ExternalId.as_str(),
            DraftColumn::FromPattern(index) => {
                let columns = self.pattern.as_ref().map_or(&[][..], PathPattern::columns);
                columns[*index].as_str()
            }
            DraftColumn::Size => "size",
            DraftColumn::Modified => "modified",
        }
    }

    /// Returns a cell of a file's row. `taken` holds the cells from the pattern, if the path fits.
    fn cell<'d>(
        &'d self,
        column: &DraftColumn,
        file: &'d DraftedFile,
        taken: Option<&[&'d str]>,
    ) -> Cow<'d, str> {
        match column {
            DraftColumn::FilePath => file_path_cell(&file.path),
            DraftColumn::ToFillIn(_) => Cow::Borrowed(""),
            DraftColumn::ExternalId => {
                Cow::Owned(path_id(&file.path, &self.hashed_spelling(&file.path)))
            }
            DraftColumn::FromPattern(index) => {
                Cow::Borrowed(taken.map_or("", |cells| cells[*index]))
            }
            DraftColumn::Size => Cow::Owned(file.stamp.size.to_string()),
            DraftColumn::Modified => Cow::Owned(file.stamp.modified.to_string()),
        }
    }

    /// Returns the spelling of a path from which its id is made: in NFC, so that a copy of the
    /// folder on another system gives the same ids. Where another file of the folder has this
    /// spelling as well, the path as it is.
    fn hashed_spelling<'p>(&self, path: &'p str) -> Cow<'p, str> {
        if path.is_ascii() {
            return Cow::Borrowed(path);
        }
        let spelling: String = path.nfc().collect();
        let is_own = |file: &DraftedFile| file.path.as_str().cmp(&spelling);
        let is_taken = spelling != path && self.files.binary_search_by(is_own).is_ok();
        if is_taken || self.shared_spellings.contains(&spelling) {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(spelling)
        }
    }
}

/// Returns the columns: the columns of every manifest, further known columns of the pattern,
/// columns of the user's own, and size and time.
fn draft_columns(pattern: Option<&PathPattern>) -> Vec<DraftColumn> {
    let given = pattern.map_or(&[][..], PathPattern::columns);
    let index_of = |column: Column| {
        given
            .iter()
            .position(|other| *other == PatternColumn::Known(column))
    };
    let given_or = |column, otherwise| index_of(column).map_or(otherwise, DraftColumn::FromPattern);
    let to_fill_in = |column| given_or(column, DraftColumn::ToFillIn(column));
    let mut columns = vec![DraftColumn::FilePath, to_fill_in(Column::ObjectType)];
    let by_external_id = index_of(Column::ObjectExternalId).map(DraftColumn::FromPattern);
    if by_external_id.is_none() || index_of(Column::ObjectId).is_some() {
        columns.push(to_fill_in(Column::ObjectId));
    }
    columns.extend(by_external_id);
    columns.push(given_or(Column::ExternalId, DraftColumn::ExternalId));
    let further = (0..given.len()).map(DraftColumn::FromPattern);
    let further: Vec<DraftColumn> = further.filter(|column| !columns.contains(column)).collect();
    let (known, own): (Vec<DraftColumn>, Vec<DraftColumn>) =
        further.into_iter().partition(|column| {
            matches!(column, DraftColumn::FromPattern(index)
                if matches!(given[*index], PatternColumn::Known(_)))
        });
    columns.extend(known);
    columns.extend(own);
    columns.extend([DraftColumn::Size, DraftColumn::Modified]);
    columns
}

/// Returns each spelling in NFC of several paths in other forms.
fn shared_spellings(files: &[DraftedFile]) -> HashSet<String> {
    let mut met = HashSet::new();
    let mut shared = HashSet::new();
    for file in files.iter().filter(|file| !file.path.is_ascii()) {
        let spelling: String = file.path.nfc().collect();
        if spelling != file.path && !met.insert(spelling.clone()) {
            shared.insert(spelling);
        }
    }
    shared
}

#[cfg(test)]
mod tests;
