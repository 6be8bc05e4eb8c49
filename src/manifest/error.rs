//! Errors of a file that cannot be read as a manifest at all. Mistakes in single rows are
//! [`ManifestProblem`](crate::manifest::problem::ManifestProblem)s instead.

use std::io;
use std::path::{Path, PathBuf};

use super::column::Column;
use super::column_sources::ColumnHeading;
use super::own_output::OwnOutputKind;
use super::workbook::WorkbookError;
use crate::platform;
use crate::text::decode::DecodeError;
use crate::text::{escape, quoted};

/// Error of a file that cannot be read as a manifest.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", escape(&path.to_string_lossy()))]
pub struct ManifestError {
    /// Path of the file.
    pub path: PathBuf,
    /// Mistake in the file.
    pub reason: ManifestErrorKind,
}

/// Reason for which a file cannot be read as a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestErrorKind {
    /// The system refuses to read the file.
    #[error("cannot be read: {0}; check the path and its permissions")]
    Unreadable(#[source] io::Error),
    /// Another program holds the file.
    #[error("is in use by another program; close the program that has it open")]
    InUse(#[source] io::Error),
    /// The bytes of the file are no text.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// The file is a workbook that cannot be read.
    #[error(transparent)]
    Workbook(#[from] WorkbookError),
    /// The file is a text, and the user named a sheet.
    #[error("is a text and has no sheets; leave --sheet away")]
    NoSheets,
    /// Mistake in a sheet.
    #[error("{} {reason}", escape(sheet))]
    InSheet {
        /// Name of the sheet.
        sheet: String,
        /// Mistake.
        reason: Box<ManifestErrorKind>,
    },
    /// The file was written by consign itself.
    #[error("is {kind} of consign, not a manifest; {}", manifest_hint(*kind, manifest.as_deref()))]
    OwnOutput {
        /// Kind of the file.
        kind: OwnOutputKind,
        /// Manifest found beside the file, if any.
        manifest: Option<PathBuf>,
    },
    /// The text has more than 4 GiB, the range of the 32-bit offsets of rows.
    #[error("has more than 4 GiB of text, the most that one run takes; split it")]
    TooLarge,
    /// A quote is never closed.
    #[error(
        "line {line}: the quote that opens here{} is never closed; \
         close it, or double it if it is part of the text",
        in_column(column.as_deref())
    )]
    UnclosedQuote {
        /// Line of the opening quote.
        line: u32,
        /// Header name of the column with the quote.
        column: Option<String>,
    },
    /// Text follows the closing quote of a header name.
    #[error(
        "line {line}: a quote in the header closes in the middle of a name; close it where the \
         name ends, and double each quote inside a name"
    )]
    BrokenQuote {
        /// Line of the header.
        line: u32,
    },
    /// Two columns have the same name.
    #[error(
        "line {line}: the columns {first} and {second} are both named {}; rename or remove one",
        quoted(name)
    )]
    DuplicateColumn {
        /// Line of the header.
        line: u32,
        /// Name as written in the second column.
        name: String,
        /// Number of the first column with the name, the leftmost being 1.
        first: usize,
        /// Number of the second column with the name.
        second: usize,
    },
    /// A character of a column's name was replaced by U+FFFD.
    #[error(
        "line {line}: the name of the column {} contains U+FFFD, which a program has put in the \
         place of a character that the program could not read; write the name anew",
        quoted(name)
    )]
    DamagedName {
        /// Line of the header.
        line: u32,
        /// Name as written.
        name: String,
    },
    /// Required columns are missing.
    #[error("{0}")]
    MissingColumns(MissingColumns),
    /// No column has the heading that the user names for a known column.
    #[error(transparent)]
    UnknownHeading(#[from] UnknownHeading),
    /// The user names a value for a column that the manifest has.
    #[error(
        "line {line}: the manifest has a column {column}, so --set {column} could contradict its \
         cells; leave --set {column} out, or remove the column"
    )]
    ConstantOfColumn {
        /// Line of the header.
        line: u32,
        /// Column.
        column: Column,
    },
    /// The file has no header.
    #[error(
        "is empty; the first line must name the columns: {}",
        required_column_names()
    )]
    EmptyFile,
    /// The file has a header and no rows.
    #[error("has a header and no rows; write one row for each file")]
    NoRows,
}

fn manifest_hint(kind: OwnOutputKind, manifest: Option<&Path>) -> String {
    let named = match manifest {
        Some(manifest) => format!("name {}", escape(&manifest.to_string_lossy())),
        None => "name the manifest that it was made from".to_owned(),
    };
    match kind {
        OwnOutputKind::Results => format!(
            "{named} (with --resume an import goes on with these results), or, where all of its files \
             are to be attached again, say --allow-again"
        ),
        OwnOutputKind::Verification | OwnOutputKind::Problems => named,
    }
}

fn in_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(", in column {},", escape(name)))
}

/// Missing required columns, and the columns found.
#[derive(Debug, PartialEq, Eq)]
pub struct MissingColumns {
    /// Line of the header.
    pub line: u32,
    /// Missing columns.
    pub missing: Vec<MissingColumn>,
    /// Column names found in the header.
    pub found: Vec<String>,
    /// First name in the header that is that of no known column.
    pub stranger: Option<String>,
    /// Delimiter named by a line such as `sep=;` above the header.
    pub separator: Option<char>,
}

/// Heading named by the user that no column has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: no column has the heading {}, which --column names for {column}; {}found {}",
    quoted(heading), did_you_mean(nearest.as_deref()), quoted_list(found)
)]
pub struct UnknownHeading {
    /// Line of the header.
    pub line: u32,
    /// Known column.
    pub column: Column,
    /// Heading as typed.
    pub heading: String,
    /// Similar heading in the header.
    pub nearest: Option<String>,
    /// Headings found.
    pub found: Vec<String>,
    /// Number of required columns without a heading or a value.
    pub missing: usize,
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| {
        format!("did you mean {}? ", quoted(name))
    })
}

fn quoted_list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    names.join(", ")
}

/// Missing column of [`Column::REQUIRED`].
#[derive(Debug, PartialEq, Eq)]
pub struct MissingColumn {
    /// Columns of which the header has none, and one is required.
    pub alternatives: &'static [Column],
    /// Name in the header similar to one of the alternatives, and this alternative.
    pub nearest: Option<(String, Column)>,
}

impl MissingColumns {
    /// Returns the names of the missing columns.
    pub(super) fn names(&self) -> String {
        let missing: Vec<&[Column]> = self.missing.iter().map(|one| one.alternatives).collect();
        join_column_names(&missing)
    }
}

impl std::fmt::Display for MissingColumns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = if self.missing.len() == 1 {
            "column"
        } else {
            "columns"
        };
        write!(
            f,
            "line {}: missing {noun} {}; found {}; expected {}",
            self.line,
            self.names(),
            quoted_list(&self.found),
            required_column_names()
        )?;
        if let Some(separator) = self.separator {
            let line = quoted(&format!("sep={separator}"));
            write!(
                f,
                "; the delimiter is the one that {line} above the header names: correct or remove \
                 that line if it is wrong"
            )?;
            // A header in a single cell was split by the wrong delimiter, and is no heading.
            if self.found.len() == 1 {
                return Ok(());
            }
        }
        self.write_advice(f)
    }
}

impl MissingColumns {
    /// Writes the ways to give the missing columns, with names from the header where possible.
    fn write_advice(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let option = |column: Column, heading: &str| ColumnHeading {
            column,
            heading: heading.to_owned(),
        };
        let mut is_any_near = false;
        for missing in &self.missing {
            if let Some((name, column)) = &missing.nearest {
                is_any_near = true;
                let (option, name) = (option(*column, name), quoted(name));
                write!(f, "; rename {name} or say {option} if it is {column}")?;
            }
        }
        let first = self
            .missing
            .first()
            .and_then(|one| one.alternatives.first());
        if let (false, Some(column), Some(name)) = (is_any_near, first, &self.stranger) {
            let (option, name) = (option(*column, name), quoted(name));
            write!(
                f,
                "; rename {name} or say {option}, for example, if it is {column}"
            )?;
        }
        let is_of_one_type = |one: &MissingColumn| {
            one.alternatives == [Column::ObjectType].as_slice() && one.nearest.is_none()
        };
        if self.missing.iter().any(is_of_one_type) {
            f.write_str(
                "; if all rows are of one type, say it once, such as --set object_type=contract",
            )?;
        }
        Ok(())
    }
}

fn required_column_names() -> String {
    join_column_names(&Column::REQUIRED)
}

/// Returns lists of columns, of each of which one is required, in words.
fn join_column_names(required: &[&[Column]]) -> String {
    let one_of = |columns: &&[Column]| {
        let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
        names.join(" or ")
    };
    let required: Vec<String> = required.iter().map(one_of).collect();
    required.join(", ")
}

impl ManifestErrorKind {
    /// Classifies an error of the system during the opening or reading of the file.
    pub(crate) fn from_read_error(error: io::Error) -> Self {
        if platform::is_file_in_use(&error) {
            Self::InUse(error)
        } else {
            Self::Unreadable(error)
        }
    }

    /// Adds the name of the sheet with the mistake.
    pub(super) fn in_sheet(self, sheet: &str) -> Self {
        Self::InSheet {
            sheet: sheet.to_owned(),
            reason: Box::new(self),
        }
    }

    /// Returns `true` if the file may be a manifest with other values of `--sheet`, `--column` and
    /// `--set`.
    pub(crate) fn depends_on_sheet_or_columns(&self) -> bool {
        match self {
            Self::MissingColumns(_)
            | Self::Workbook(
                WorkbookError::NoCandidate { .. } | WorkbookError::SeveralCandidates { .. },
            ) => true,
            Self::InSheet { reason, .. } => reason.depends_on_sheet_or_columns(),
            _ => false,
        }
    }

    pub(super) fn with_path(self, path: &Path) -> ManifestError {
        ManifestError {
            path: path.to_owned(),
            reason: self,
        }
    }
}
