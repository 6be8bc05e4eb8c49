//! Recognition of files of the work with consign, which are no documents: manifests, results, problems, verifications, reports, backups and settings.

use std::io::Read as _;
use std::path::Path;

use super::header;
use super::own_output::{OwnOutputKind, decode_beginning};
use crate::backup::is_backup_name;
use crate::platform::GUARD_SUFFIX;
use crate::root::Root;

/// Longest part of a file read for the recognition, in bytes.
const MAX_BYTES_READ: u64 = 1 << 14;

/// Largest number of files read. Further files count as documents.
const MAX_FILES_READ: usize = 2_000;

/// Name of the settings beside a manifest.
const SETTINGS_FILE: &str = "consign.toml";

/// Recognition of files written or read by consign. Opens a bounded number of files.
#[derive(Debug)]
pub struct OwnFileFinder<'r> {
    root: &'r Root,
    reads_left: usize,
}

impl<'r> OwnFileFinder<'r> {
    /// Creates a finder for the files below a root.
    pub fn new(root: &'r Root) -> Self {
        Self {
            root,
            reads_left: MAX_FILES_READ,
        }
    }

    /// Returns `true` for a file of the work with consign, judged by name, or for a table by the
    /// header. A workbook is never recognised.
    pub fn is_own_file(&mut self, file_path: &str) -> bool {
        let name = file_path.rsplit('/').next().unwrap_or_default();
        if name == SETTINGS_FILE || is_backup_name(name) || is_guard_name(name) {
            return true;
        }
        // Results put aside have names such as `m.results.csv.replaced`.
        let is_table = name
            .split('.')
            .skip(1)
            .any(|part| part.eq_ignore_ascii_case("csv") || part.eq_ignore_ascii_case("tsv"));
        let lower = name.to_ascii_lowercase();
        let has_ending = |ending: &str| lower.ends_with(ending);
        if has_ending(".report.html") || has_ending(".report.json") {
            return self
                .beginning(file_path)
                .is_some_and(|text| text.contains("consign"));
        }
        if is_table {
            return self
                .beginning(file_path)
                .is_some_and(|text| is_own_table(&text));
        }
        has_ending(".sha256sums")
    }

    fn beginning(&mut self, file_path: &str) -> Option<String> {
        self.reads_left = self.reads_left.checked_sub(1)?;
        let mut bytes = Vec::new();
        let opened = self.root.open_file(file_path).ok()?;
        opened
            .file
            .take(MAX_BYTES_READ)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(decode_beginning(&bytes))
    }
}

/// Returns `true` for the name of the file that keeps a second run away from results on Windows.
fn is_guard_name(name: &str) -> bool {
    let table = name.strip_suffix(GUARD_SUFFIX).map(Path::new);
    let extension = table.and_then(Path::extension);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn is_own_table(text: &str) -> bool {
    if OwnOutputKind::from_header(text).is_some() {
        return true;
    }
    let names = header::split_header_names(text).map(|(names, _)| names);
    let has = |column: &str| names.iter().flatten().any(|name| name == column);
    ["file_path", "object_type", "external_id"]
        .into_iter()
        .all(has)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_of_the_work_with_consign_are_told_from_documents() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::from_path(folder.path()).unwrap();
        for (name, text, is_own) in [
            (
                "m.csv",
                "\u{feff}file_path;object_type;object_id;external_id\n",
                true,
            ),
            (
                "M.CSV",
                "File Path,Object Type,Object External-ID,External ID\n",
                true,
            ),
            (
                "m.problems.csv",
                "severity,kind,file,problem,remedy\n",
                true,
            ),
            ("prices.csv", "item,price\n1,2\n", false),
            ("lot.results.csv", "bidder,rank\n1,2\n", false),
            ("m.results.report.html", "<html><title>consign", true),
            ("q3.report.html", "<html><title>Third quarter", false),
            (
                "m.results.csv.replaced-2",
                "row,status,attachment_id,line_check\n",
                true,
            ),
            ("m.results.SHA256SUMS", "", true),
            ("Cargo.lock", "", false),
            ("SHA256SUMS", "", false),
            ("m.results.csv.lock", "", true),
            ("consign.toml", "", true),
            ("AT-1.4711.0123456789ab.pdf", "", true),
            ("AT-1.4711.0123456789ab", "", true),
            ("a.pdf", "", false),
            ("0123456789ab.pdf", "", false),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
            assert_eq!(
                OwnFileFinder::new(&root).is_own_file(name),
                is_own,
                "{name}"
            );
        }
    }
}
