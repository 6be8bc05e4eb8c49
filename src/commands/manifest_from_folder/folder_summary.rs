//! Summary of a manifest made from a folder, as text for people and as JSON for scripts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::folder_contents::{LeftOutFile, LeftOutFiles};
use crate::commands::program_as_typed;
use crate::config::FolderManifestPlan;
use crate::error::ProgramExit;
use crate::manifest::Column;
use crate::manifest::draft::{DraftTally, ManifestDraft};
use crate::progress::human_size;
use crate::root::parent_folder;
use crate::text::{
    CommandShell, count_with_noun, count_with_noun_and_verb, escape, path_argument, quote_first,
    quoted,
};

/// Most files named in a line.
const MAX_FILES_NAMED: usize = 10;

/// Counts and names of a manifest made from a folder. The serialised fields are the JSON summary.
#[derive(Debug, Serialize)]
pub(super) struct FolderSummary {
    manifest: String,
    folder: String,
    rows: u64,
    bytes: u64,
    /// Columns to be filled in.
    to_fill_in: Vec<&'static str>,
    /// Empty files with a row.
    empty_files: Vec<String>,
    /// Files with a row and with a path unlike the pattern.
    unmatched_files: Vec<String>,
    /// Number of cells left empty because a spreadsheet would run their text.
    formula_cells: u64,
    left_out: LeftOutFiles,
    /// Command for the next step.
    next_command: String,
}

impl FolderSummary {
    /// Sums up a written draft.
    pub(super) fn new(
        config: &FolderManifestPlan,
        draft: &ManifestDraft,
        left_out: LeftOutFiles,
        tally: DraftTally,
    ) -> Self {
        let files = draft.files();
        let empty = files.iter().filter(|file| file.stamp.size == 0);
        Self {
            manifest: config.target.path.to_string_lossy().into_owned(),
            folder: config.folder.to_string_lossy().into_owned(),
            rows: files.len() as u64,
            bytes: files.iter().map(|file| file.stamp.size).sum(),
            to_fill_in: draft.columns_to_fill_in().map(Column::as_str).collect(),
            empty_files: empty.map(|file| file.path.clone()).collect(),
            unmatched_files: tally.unmatched,
            formula_cells: tally.formula_cells,
            left_out,
            next_command: check_command(&config.target.path, &config.folder),
        }
    }

    /// Returns the exit code.
    pub(super) fn exit(&self) -> ProgramExit {
        if self.left_out.unlisted.is_empty() {
            ProgramExit::DONE
        } else {
            ProgramExit::NOT_ALL_DONE
        }
    }

    /// Returns the summary as one JSON object.
    pub(super) fn for_scripts(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }

    /// Returns the summary as lines of text.
    pub(super) fn for_people(&self) -> String {
        let mut text = format!(
            "{}: {}, one for each file below {} ({})\n",
            escape(&self.manifest),
            count_with_noun(self.rows, "row"),
            escape(&self.folder),
            human_size(self.bytes)
        );
        if let Some(left_out) = self.left_out.in_words() {
            let _ = writeln!(text, "left out: {left_out}");
        }
        self.name_files(&mut text);
        let _ = writeln!(text, "{}: {}", self.next_step(), self.next_command);
        text
    }

    fn name_files(&self, text: &mut String) {
        let mut line = |head: String, files: &[String]| {
            if !files.is_empty() {
                let files = quote_first(files.iter().map(String::as_str), MAX_FILES_NAMED);
                let _ = writeln!(text, "{head}: {files}");
            }
        };
        let count =
            |files: &[String], verbs| count_with_noun_and_verb(files.len() as u64, "file", verbs);
        line(
            format!(
                "{} empty, and the service stores no empty file; put in the right one, or remove \
                 the row",
                count(&self.empty_files, ["is", "are"])
            ),
            &self.empty_files,
        );
        line(
            format!(
                "{} not fit the pattern and {} no cells from it",
                count(&self.unmatched_files, ["does", "do"]),
                if self.unmatched_files.len() == 1 {
                    "has"
                } else {
                    "have"
                }
            ),
            &self.unmatched_files,
        );
        line("files of consign".to_owned(), &self.left_out.consign_files);
        if self.formula_cells > 0 {
            let cells = count_with_noun_and_verb(self.formula_cells, "cell", ["was", "were"]);
            let _ = writeln!(
                text,
                "{cells} left empty, because a spreadsheet would run the text as a formula; an \
                 .xlsx takes it as text"
            );
        }
        for others in [&self.left_out.others, &self.left_out.unlisted] {
            for LeftOutFile { path, reason } in others.iter().take(MAX_FILES_NAMED) {
                let _ = writeln!(text, "{}: {}", quoted(path), escape(reason));
            }
            if others.len() > MAX_FILES_NAMED {
                let further = (others.len() - MAX_FILES_NAMED) as u64;
                let _ = writeln!(
                    text,
                    "and {}; --output json names all",
                    count_with_noun(further, "other")
                );
            }
        }
        if !self.left_out.unlisted.is_empty() {
            text.push_str("the manifest lacks the files of folders that cannot be listed\n");
        }
    }

    fn next_step(&self) -> String {
        match self.to_fill_in.as_slice() {
            [] => "check it".to_owned(),
            columns => format!("fill in {}, then check it", columns.join(" and ")),
        }
    }
}

/// Returns the command for checking the manifest.
fn check_command(manifest: &Path, folder: &Path) -> String {
    let mut words = vec![
        program_as_typed(),
        "check".into(),
        path_argument(manifest).into_owned().into(),
    ];
    if !is_same_folder(parent_folder(manifest), folder) {
        words.push("--root".into());
        words.push(path_argument(folder).into_owned().into());
    }
    CommandShell::of_this_process().command(&words)
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| fs::canonicalize(path).ok();
    absolute(one).is_some_and(|one| Some(one) == absolute(other))
}
