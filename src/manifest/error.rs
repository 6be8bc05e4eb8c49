//! Why a file could not be read as a manifest at all. (What is wrong with single rows is a
//! [`Problem`](crate::manifest::problem::Problem).)

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use super::column::Column;
use super::own_output::OwnOutput;
use crate::text::decode::Undecodable;
use crate::text::{escape, quoted};

/// Why a file could not be read as a manifest.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", escape(&path.to_string_lossy()))]
pub struct ManifestError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What keeps a file from being read as a manifest.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The system does not give it out.
    #[error("cannot be read: {0}; check the path and its permissions")]
    Unreadable(#[source] io::Error),
    /// Its bytes are no text.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    /// Something that consign itself has written.
    #[error("is {kind} of consign, not a manifest; {}", the_manifest(*kind, manifest.as_deref()))]
    OwnOutput {
        /// Which of them.
        kind: OwnOutput,
        /// The manifest beside it, where there is one.
        manifest: Option<PathBuf>,
    },
    /// Offsets into the text are kept in 32 bits.
    #[error("has more than 4 GiB of text, the most that one run takes; split it")]
    TooLarge,
    /// A quote that no other closes.
    #[error(
        "line {line}: the quote that opens here{} is never closed; \
         close it, or double it if it is part of the text",
        in_column(column.as_deref())
    )]
    UnclosedQuote {
        /// The line on which it opens.
        line: u32,
        /// The header name of its column.
        column: Option<String>,
    },
    /// Text after the closing quote of a header name.
    #[error(
        "line {line}: a quote in the header closes in the middle of a name; close it where the \
         name ends, and double each quote inside a name"
    )]
    BrokenQuote {
        /// The header's line.
        line: u32,
    },
    /// Two columns of one name.
    #[error(
        "line {line}: the columns {first} and {second} are both named {}; rename or remove one",
        quoted(name)
    )]
    DuplicateColumn {
        /// The header's line.
        line: u32,
        /// The name, as the second of them has it.
        name: String,
        /// The first column of that name, the leftmost being 1.
        first: usize,
        /// The other.
        second: usize,
    },
    /// Required columns that are not there.
    #[error("{0}")]
    MissingColumns(MissingColumns),
    /// Not even a header.
    #[error("is empty; the first line must name the columns: {}", names(&Column::REQUIRED))]
    Empty,
    /// A header and nothing else.
    #[error("has a header and no rows; write one row for each file")]
    NoRows,
}

fn the_manifest(kind: OwnOutput, manifest: Option<&Path>) -> String {
    let named = match manifest {
        Some(manifest) => format!("name {}", escape(&manifest.to_string_lossy())),
        None => "name the manifest that it was made from".to_owned(),
    };
    match kind {
        OwnOutput::Results => format!(
            "{named} (with --resume an import goes on with these results), or, where all of its files \
             are to be attached again, say --allow-again"
        ),
        OwnOutput::Verification | OwnOutput::Problems => named,
    }
}

fn in_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(", in column {},", escape(name)))
}

/// Which required columns are missing, beside those that are there.
#[derive(Debug, PartialEq, Eq)]
pub struct MissingColumns {
    /// The header's line.
    pub line: u32,
    /// The missing ones, each with the name that may be meant for it.
    pub missing: Vec<(Column, Option<String>)>,
    /// The names that were found.
    pub found: Vec<String>,
}

impl std::fmt::Display for MissingColumns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let missing: Vec<Column> = self.missing.iter().map(|(column, _)| *column).collect();
        let noun = if missing.len() == 1 {
            "column"
        } else {
            "columns"
        };
        let found: Vec<String> = self.found.iter().map(|name| quoted(name)).collect();
        write!(
            f,
            "line {}: missing {noun} {}; found {}; expected {}",
            self.line,
            names(&missing),
            found.join(", "),
            names(&Column::REQUIRED)
        )?;
        let mut hints = String::new();
        for (column, nearest) in &self.missing {
            if let Some(name) = nearest {
                let _ = write!(hints, "; rename {} if it is {column}", quoted(name));
            }
        }
        f.write_str(&hints)
    }
}

fn names(columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    names.join(", ")
}

impl Reason {
    pub(super) fn at(self, path: &Path) -> ManifestError {
        ManifestError {
            path: path.to_owned(),
            reason: self,
        }
    }
}
