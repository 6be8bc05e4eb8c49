//! Recognition of files written by consign itself, which are easily named in place of a manifest: a
//! shell offers `m.results.csv` along with `m.csv`.
//!
//! A results file has all columns of a manifest, so an import would attach the files of all rows
//! again.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::column_sources::ColumnSources;
use super::header::{self, ManifestHeader};
use super::record_splitter::RecordSplitter;
use super::workbook::{SIGNATURE_BYTES, WorkbookContainer};
use crate::results::LINE_CHECK_COLUMN;
use crate::root::{parent_folder, path_beside};
use crate::text::decode::decode;

/// Longest part of a file read in the search for a manifest, in bytes.
const MAX_BYTES_READ: u64 = 1 << 20;

/// Largest number of files read in the search for a manifest.
const MAX_FILES_READ: usize = 200;

/// Treatment of files written by consign itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnOutputPolicy {
    /// Refuse these files: such a file was most likely named by mistake.
    #[default]
    Refuse,
    /// Read any such file with the columns of a manifest.
    Allow,
}

/// Kind of a file that consign writes beside a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnOutputKind {
    /// Results of the rows of an import.
    Results,
    /// Findings of a verification.
    Verification,
    /// Problems found by a check.
    Problems,
}

impl fmt::Display for OwnOutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Results => "a results file",
            Self::Verification => "a verification file",
            Self::Problems => "a problems file",
        })
    }
}

impl OwnOutputKind {
    /// Recognises the kind of a file by its header, with any delimiter and any order of columns.
    pub(super) fn from_header(text: &str) -> Option<Self> {
        let (names, _) = header::split_header_names(text)?;
        let has = |column: &str| names.iter().any(|name| name == column);
        let has_all = |columns: &[&str]| columns.iter().all(|column| has(column));
        // The user may have removed the check sum as an unknown column.
        let is_checked =
            has(LINE_CHECK_COLUMN) || has_all(&["verified", "attempts", "destination"]);
        if has_all(&["status", "attachment_id"]) && is_checked {
            Some(Self::Results)
        } else if has_all(&["outcome", "attachment_id", LINE_CHECK_COLUMN]) {
            Some(Self::Verification)
        } else if has_all(&["severity", "kind", "problem", "remedy"]) {
            Some(Self::Problems)
        } else {
            None
        }
    }
}

/// Finds the manifest of an output file in the same folder: by the name, or else by the
/// `external_id` of the output's first row.
pub(super) fn find_manifest_of(output: &Path, text: &str) -> Option<PathBuf> {
    let folder = parent_folder(output);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|file| path_beside(output, file.file_name()))
        .filter(|path| path.file_name() != output.file_name())
        .collect();
    files.sort();
    let of_its_name = manifest_stem(output).and_then(|stem| {
        let mut files: Vec<&PathBuf> = files
            .iter()
            .filter(|path| path.file_stem() == Some(&stem))
            .collect();
        // Files with a usual extension come first.
        files.sort_by_key(|path| !has_table_extension(path));
        files
            .into_iter()
            .find(|path| is_workbook(path) || read_first_external_ids(path).is_some())
    });
    of_its_name.cloned().or_else(|| {
        let key = first_external_id(text)?;
        let tables = files
            .into_iter()
            .filter(|path| has_table_extension(path))
            .take(MAX_FILES_READ);
        tables
            .into_iter()
            .find(|path| read_first_external_ids(path).is_some_and(|keys| keys.contains(&key)))
    })
}

/// Returns the name of the manifest without its extension: `m` for `m.results.csv`.
fn manifest_stem(output: &Path) -> Option<OsString> {
    let mut stem = output.file_stem()?;
    let mut found = None;
    while let Some(extension) = Path::new(stem).extension() {
        let is_ours = |ours: &str| extension.eq_ignore_ascii_case(ours);
        if !["results", "verification", "problems"]
            .into_iter()
            .any(is_ours)
        {
            break;
        }
        stem = Path::new(stem).file_stem()?;
        found = Some(stem.to_owned());
    }
    found
}

fn has_table_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or(OsStr::new(""));
    let is = |known: &str| extension.eq_ignore_ascii_case(known);
    ["csv", "tsv", "txt"].into_iter().any(is)
}

/// Returns `true` for a workbook. Its name has to suffice, since the rows may be in any of its sheets.
fn is_workbook(path: &Path) -> bool {
    let mut signature = Vec::new();
    let is_file = fs::metadata(path).is_ok_and(|about| about.is_file());
    is_file
        && File::open(path)
            .and_then(|file| {
                file.take(SIGNATURE_BYTES as u64)
                    .read_to_end(&mut signature)
            })
            .is_ok()
        && WorkbookContainer::from_signature(&signature) == Some(WorkbookContainer::Zip)
}

/// Returns the `external_id`s at the start of a manifest, or `None` if the file is no manifest.
fn read_first_external_ids(path: &Path) -> Option<Vec<String>> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let text = read_beginning(path).ok()?;
    if OwnOutputKind::from_header(&text).is_some() {
        return None;
    }
    let (header, rest) = ManifestHeader::read(&text, &ColumnSources::default()).ok()?;
    let place = header.column_index(super::Column::ExternalId)?;
    Some(external_ids(rest, place).collect())
}

fn first_external_id(text: &str) -> Option<String> {
    let (names, rest) = header::split_header_names(text)?;
    let place = names.iter().position(|name| name == "external_id")?;
    external_ids(rest, place).find(|key| !key.is_empty())
}

fn external_ids(mut rest: RecordSplitter<'_>, place: usize) -> impl Iterator<Item = String> {
    let mut cells = Vec::new();
    std::iter::from_fn(move || {
        rest.next_record(&mut cells)?;
        Some(
            cells
                .get(place)
                .map_or_else(String::new, ToString::to_string),
        )
    })
}

fn read_beginning(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES_READ)
        .read_to_end(&mut bytes)?;
    Ok(decode_beginning(&bytes))
}

/// Returns the beginning of a file as text.
pub(super) fn decode_beginning(bytes: &[u8]) -> String {
    // The text may be cut inside a character, or be in an unnamed encoding; the header is ASCII in
    // any case.
    let whole = decode(bytes.to_owned(), None);
    whole.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = "row,file_path,object_type,object_id,external_id,status,reason,\
                           attachment_id,size,verified,attempts,destination,line_check";

    #[test]
    fn own_files_are_known_by_their_headers_in_any_form() {
        let semicolons = RESULTS.replace(',', ";");
        let tabs = RESULTS.replace(',', "\t");
        let quoted = format!("\"{}\"", RESULTS.replace(',', "\",\""));
        let unchecked = RESULTS.replace(",line_check", "");
        for header in [RESULTS, &semicolons, &tabs, &quoted, &unchecked] {
            let text = format!("{header}\n1\n");
            assert_eq!(
                OwnOutputKind::from_header(&text),
                Some(OwnOutputKind::Results),
                "{text}"
            );
        }
        let verification = "row,external_id,attachment_id,outcome,line_check\n";
        assert_eq!(
            OwnOutputKind::from_header(verification),
            Some(OwnOutputKind::Verification)
        );
        let problems = "severity,kind,file,line,row,column,value,problem,remedy\n";
        assert_eq!(
            OwnOutputKind::from_header(problems),
            Some(OwnOutputKind::Problems)
        );
    }

    #[test]
    fn a_manifest_may_have_columns_that_are_named_like_ours() {
        for more in [
            "",
            ",status",
            ",status,reason,line_check",
            ",row,size,message",
        ] {
            let text = format!("file_path,object_type,object_id,external_id{more}\n");
            assert_eq!(OwnOutputKind::from_header(&text), None, "{text}");
        }
    }

    #[test]
    fn a_manifest_is_found_by_the_name_of_what_was_made_from_it() {
        for (output, stem) in [
            ("a/m.results.csv", Some("m")),
            ("M.Results.CSV", Some("M")),
            ("m.results.verification.csv", Some("m")),
            ("m.problems.csv", Some("m")),
            ("m.v2.results.csv", Some("m.v2")),
            ("out.csv", None),
        ] {
            assert_eq!(
                manifest_stem(Path::new(output)).as_deref(),
                stem.map(OsStr::new),
                "{output}"
            );
        }
    }
}
