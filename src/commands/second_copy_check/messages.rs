//! Messages to the user about second copies.

use std::fmt::Write as _;
use std::path::Path;

use super::{ImportDestinations, SecondCopyDecision, SecondCopyFindings};
use crate::model::{ProcurementService, RowNumbers};
use crate::plan::SecondCopy;
use crate::text::{CommandShell, count_with_noun, count_with_noun_and_verb, escape, quoted};

/// Most rows named one by one.
const MAX_ROWS_NAMED: usize = 20;

/// Longest list of row numbers offered for pasting, in characters.
const MAX_PASTED_CHARS: usize = 500;

impl SecondCopyFindings<'_> {
    /// Adds a notice about an unreadable file beside the results, which may be a results file.
    pub(super) fn note_unreadable_file(&mut self, path: &Path, why: &str) {
        let _ = writeln!(
            self.unread_notices,
            "{} cannot be read, and is not compared with the rows of the manifest: {}",
            escaped_path(path),
            escape(why)
        );
    }
}

/// Notice about lines removed from a results file, whose content is lost; empty if no line was
/// removed.
pub(in super::super) fn removed_lines_notice(results: &Path, removed: u64) -> String {
    if removed == 0 {
        return String::new();
    }
    format!(
        "{}: {} removed since it was written, and cannot be compared with the rows of the manifest\n",
        escaped_path(results),
        count_with_noun_and_verb(removed, "line", ["was", "were"])
    )
}

impl SecondCopyDecision<'_> {
    /// Notices to the user where the run continues; empty without any.
    pub(in super::super) fn notices(&self) -> String {
        let mut text = self.findings.unread_notices.clone();
        if *self.findings.destinations == ImportDestinations::Unknown
            && !self.attached_elsewhere.is_empty()
        {
            text.push_str("warning: in an import to the same destination, ");
            self.list_rows_attached_elsewhere(&mut text);
        }
        if !self.allowed_rows.is_empty() {
            let rows = self.allowed_rows.len() as u64;
            let _ = writeln!(
                text,
                "{} sent although a copy is attached already, as --allow-again says: {}",
                count_with_noun_and_verb(rows, "file", ["is", "are"]),
                short_row_list(&RowNumbers::from_rows(self.allowed_rows.iter().copied()))
            );
        }
        text
    }

    /// Reason for the stop, with the rows in question and the user's possible next steps.
    pub(super) fn refusal(&self, rows: &RowNumbers) -> String {
        let mut text = String::new();
        let mut ways = Vec::new();
        if !self.renamed.is_empty() {
            self.list_renamed_rows(&mut text);
            ways.push(match self.findings.service {
                ProcurementService::Workday => {
                    "write the old ids again (to give an attachment another one, keep its \
                     external_id and write the new one into the column new_external_id)"
                        .to_owned()
                }
                ProcurementService::Keelvar => "write the old ids again".to_owned(),
            });
        }
        let first = self.attached_elsewhere.first();
        if let (Some(copy), ImportDestinations::Known(_)) = (first, self.findings.destinations) {
            self.list_rows_attached_elsewhere(&mut text);
            ways.push(self.resume_advice(copy));
        }
        let rows = rows.to_string();
        let again = if rows.len() <= MAX_PASTED_CHARS {
            let option =
                CommandShell::of_this_process().word(format!("--allow-again={rows}").as_ref());
            format!("{option} (--allow-again alone: all rows)")
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
    fn list_renamed_rows(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "second copies would be attached: {} another external_id than in {}",
            count_with_noun_and_verb(self.renamed.len() as u64, "row", ["has", "have"]),
            escaped_path(self.findings.results)
        );
        self.list_rows(text, &self.renamed, |copy| {
            format!(
                ", column external_id: {} was {} ({}, {})",
                quoted(&copy.row.external_id),
                quoted(&copy.first_copy.external_id),
                escape(&copy.row.file_path),
                copy.first_copy.file_on_object.object
            )
        });
    }

    /// Lists the rows whose files another import has attached.
    fn list_rows_attached_elsewhere(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "second copies would be attached: {} that another import has attached, or begun to",
            count_with_noun_and_verb(
                self.attached_elsewhere.len() as u64,
                "row",
                ["has a file", "have files"]
            ),
        );
        self.list_rows(text, &self.attached_elsewhere, |copy| {
            let first = &copy.first_copy;
            let line = match first.row {
                Some(row) => format!("row {row}"),
                None => "a row that has left its manifest".to_owned(),
            };
            format!(
                ", {}: {} of {} has {} on {}",
                escape(&copy.row.file_path),
                line,
                escaped_path(&self.findings.other_results[first.results_index]),
                quoted(first.current_external_id()),
                copy.first_copy.file_on_object.object,
            )
        });
    }

    fn list_rows(
        &self,
        text: &mut String,
        copies: &[&SecondCopy],
        what: impl Fn(&SecondCopy) -> String,
    ) {
        let manifest = escaped_path(self.findings.manifest);
        for copy in copies.iter().take(MAX_ROWS_NAMED) {
            let (row, line) = (copy.row.row, copy.row.line);
            let _ = writeln!(text, "{manifest} line {line} (row {row}){}", what(copy));
        }
        let others = copies.len().saturating_sub(MAX_ROWS_NAMED);
        if others > 0 {
            let _ = writeln!(text, "and {}", count_with_noun(others as u64, "other row"));
        }
    }

    /// Advice to resume the import with the earlier copy.
    fn resume_advice(&self, copy: &SecondCopy) -> String {
        let results = &self.findings.other_results[copy.first_copy.results_index];
        let option = CommandShell::of_this_process().path(results);
        let results = escaped_path(results);
        let has_other_ids =
            |copy: &&SecondCopy| copy.first_copy.current_external_id() != copy.row.external_id;
        if self.attached_elsewhere.iter().any(has_other_ids) {
            format!("take the ids of {results}, and go on with --results {option} --resume")
        } else {
            format!("go on with --results {option} --resume")
        }
    }
}

fn short_row_list(rows: &RowNumbers) -> String {
    let rows = rows.to_string();
    if rows.len() <= MAX_PASTED_CHARS {
        format!("rows {rows}")
    } else {
        "their rows are too many to be named".to_owned()
    }
}

fn escaped_path(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}
