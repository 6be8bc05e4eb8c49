//! Messages to the user about second copies.

use std::fmt::Write as _;
use std::path::Path;

use super::{CopiesByConsent, CopiesFound, Destinations};
use crate::model::{RowNumbers, Service};
use crate::plan::SecondCopy;
use crate::text::{counted, counted_with_verb, escape, quoted};

/// Most rows named one by one.
const ROWS_NAMED: usize = 20;

/// Longest list of row numbers offered for pasting, in characters.
const PASTED: usize = 500;

impl CopiesFound<'_> {
    /// Adds a notice about an unreadable file beside the results, which may be a results file.
    pub(super) fn cannot_compare(&mut self, path: &Path, why: &str) {
        let _ = writeln!(
            self.unread,
            "{} cannot be read, and is not compared with the rows of the manifest: {}",
            shown(path),
            escape(why)
        );
    }
}

/// Notice about lines removed from a results file, whose content is lost; empty if no line was
/// removed.
pub(in super::super) fn name_lost(results: &Path, removed: u64) -> String {
    if removed == 0 {
        return String::new();
    }
    format!(
        "{}: {} removed since it was written, and cannot be compared with the rows of the manifest\n",
        shown(results),
        counted_with_verb(removed, "line", ["was", "were"])
    )
}

impl CopiesByConsent<'_> {
    /// Notices to the user where the run goes on; empty without any.
    pub(in super::super) fn notices(&self) -> String {
        let mut text = self.of.unread.clone();
        if *self.of.destination == Destinations::Unknown && !self.elsewhere.is_empty() {
            text.push_str("warning: in an import to the same destination, ");
            self.name_elsewhere(&mut text);
        }
        if !self.allowed.is_empty() {
            let rows = self.allowed.len() as u64;
            let _ = writeln!(
                text,
                "{} sent although a copy is attached already, as --allow-again says: {}",
                counted_with_verb(rows, "file", ["is", "are"]),
                shortened(&RowNumbers::of(self.allowed.iter().copied()))
            );
        }
        text
    }

    /// Reason for the stop, with the rows in question and the user's possible next steps.
    pub(super) fn refusal(&self, rows: &RowNumbers) -> String {
        let mut text = String::new();
        let mut ways = Vec::new();
        if !self.renamed.is_empty() {
            self.name_renamed(&mut text);
            ways.push(match self.of.service {
                Service::Workday => {
                    "write the old ids again (to give an attachment another one, keep its \
                     external_id and write the new one into the column new_external_id)"
                        .to_owned()
                }
                Service::Keelvar => "write the old ids again".to_owned(),
            });
        }
        let first = self.elsewhere.first();
        if let (Some(copy), Destinations::Known(_)) = (first, self.of.destination) {
            self.name_elsewhere(&mut text);
            ways.push(self.going_on(copy));
        }
        let rows = rows.to_string();
        let again = if rows.len() <= PASTED {
            format!("--allow-again={rows} (--allow-again alone: all rows)")
        } else {
            "--allow-again (all rows), or --allow-again=ROWS with their numbers".to_owned()
        };
        let _ = write!(
            text,
            "nothing was sent; {}, or, where second copies are meant, say {again}",
            ways.join(", or ")
        );
        text
    }

    /// Lists the rows whose keys have changed.
    fn name_renamed(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "second copies would be attached: {} another external_id than in {}",
            counted_with_verb(self.renamed.len() as u64, "row", ["has", "have"]),
            shown(self.of.results)
        );
        self.name(text, &self.renamed, |copy| {
            format!(
                ", column external_id: {} was {} ({}, {})",
                quoted(&copy.of.external_id),
                quoted(&copy.first.external_id),
                escape(&copy.of.file_path),
                copy.of.what.object
            )
        });
    }

    /// Lists the rows whose files another import has attached.
    fn name_elsewhere(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "second copies would be attached: {} that another import has attached, or begun to",
            counted_with_verb(
                self.elsewhere.len() as u64,
                "row",
                ["has a file", "have files"]
            ),
        );
        self.name(text, &self.elsewhere, |copy| {
            let first = &copy.first;
            let line = match first.row {
                Some(row) => format!("row {row}"),
                None => "a row that has left its manifest".to_owned(),
            };
            format!(
                ", {}: {} of {} has {} on {}",
                escape(&copy.of.file_path),
                line,
                shown(&self.of.files[first.results]),
                quoted(first.present_id()),
                copy.of.what.object,
            )
        });
    }

    fn name(
        &self,
        text: &mut String,
        copies: &[&SecondCopy],
        what: impl Fn(&SecondCopy) -> String,
    ) {
        let manifest = shown(self.of.manifest);
        for copy in copies.iter().take(ROWS_NAMED) {
            let (row, line) = (copy.of.row, copy.of.line);
            let _ = writeln!(text, "{manifest} line {line} (row {row}){}", what(copy));
        }
        let others = copies.len().saturating_sub(ROWS_NAMED);
        if others > 0 {
            let _ = writeln!(text, "and {}", counted(others as u64, "other row"));
        }
    }

    /// Advice to resume the import with the earlier copy.
    fn going_on(&self, copy: &SecondCopy) -> String {
        let results = shown(&self.of.files[copy.first.results]);
        let has_other_ids = |copy: &&SecondCopy| copy.first.present_id() != copy.of.external_id;
        if self.elsewhere.iter().any(has_other_ids) {
            format!("take the ids of {results}, and go on with --results {results} --resume")
        } else {
            format!("go on with --results {results} --resume")
        }
    }
}

fn shortened(rows: &RowNumbers) -> String {
    let rows = rows.to_string();
    if rows.len() <= PASTED {
        format!("rows {rows}")
    } else {
        "their rows are too many to be named".to_owned()
    }
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}
