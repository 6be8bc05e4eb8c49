//! `consign check`: reads the whole manifest, hashes every file and reports the problems. Sends
//! nothing.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::{CheckPlan, ComparisonFile};
use crate::error::{CommandError, ProgramExit};
use crate::manifest::{self, Column, Manifest, ManifestWithProblems};
use crate::model::{NamedObject, ObjectType};
use crate::plan::FoundObjects;
use crate::prepare::{NoEarlierRun, PreparedFiles, UnnamedFiles, prepare_files};
use crate::progress::{HashingProgress, ProgressForm, human_size};
use crate::results::earlier_results::{EarlierResults, describe_damaged_lines};
use crate::results::{ResultsError, other_results};
use crate::root::Root;
use crate::text::{
    count_with_noun, count_with_noun_and_verb, escape, group_thousands, write_stderr,
};

use super::second_copy_check::{ImportDestinations, SecondCopyCheck, removed_lines_notice};
use super::{reading_notice, report_problems, write_summary};

/// Runs the command.
pub fn run(config: &CheckPlan) -> Result<ProgramExit, CommandError> {
    let ManifestWithProblems { manifest, problems } =
        manifest::read_manifest(&config.input.manifest, &config.input.options)?;
    write_stderr(&reading_notice(&manifest, config.output));
    // Before the hashing, which may take an hour: an unreadable results file that the user named is
    // an error.
    let earlier = ComparedResults::read(config)?;
    let root = Root::from_path(&config.input.root)?;
    let style = ProgressForm::choose(config.output.verbosity);
    let mut prepared = prepare_files(
        &manifest,
        problems,
        &root,
        &NoEarlierRun,
        &HashingProgress::start(style),
    );
    if config.output.shows_summary() {
        let unnamed = UnnamedFiles::find(&manifest, &root, &config.input.root);
        prepared.unnamed_files = Some(unnamed);
    }
    let problems_file = report_problems(&manifest, &prepared.problems, config.output)?;
    let comparison = SecondCopyCheck {
        manifest: &manifest,
        prepared: &prepared,
        earlier: &earlier.earlier,
        objects: &FoundObjects::default(),
        results: &earlier.path,
        destinations: &ImportDestinations::from_results(&earlier.earlier),
    };
    let all_rows: Vec<u32> = (0..).take(manifest.len()).collect();
    let copies = comparison.find_copies(&all_rows);
    let copies = copies.decide(&config.input.second_copies);
    if !config.output.is_quiet() {
        write_stderr(&earlier.notices);
        write_stderr(&copies.notices());
    }
    let mut summary = CheckSummary::new(&manifest, &prepared, problems_file);
    summary.second_copies = NonZeroU64::new(copies.stopping_rows());
    summary.possible_second_copies = NonZeroU64::new(copies.possibly_stopping_rows());
    write_summary(config.output, &summary.for_people(), &summary.for_scripts())?;
    copies.refuse()?;
    Ok(summary.exit())
}

/// Results of earlier runs with which a check compares the rows.
struct ComparedResults {
    path: PathBuf,
    earlier: EarlierResults,
    /// Lines for the user about unreadable results, damaged lines and removed lines; may be empty.
    notices: String,
}

impl ComparedResults {
    /// Reads the results named by the user, or else the results beside the manifest, even while
    /// another process writes to the file. A missing results file beside the manifest is no error.
    /// Fails with [`CommandError::Evidence`] when named results cannot be read.
    fn read(config: &CheckPlan) -> Result<Self, CommandError> {
        let (ComparisonFile::Named(path) | ComparisonFile::Default(path)) = &config.results;
        let mut notices = String::new();
        let previous = match other_results::read_unlocked(path, config.input.options.encoding) {
            Ok(previous) => previous,
            Err(error) if matches!(config.results, ComparisonFile::Named(_)) => {
                return Err(CommandError::Evidence(error));
            }
            Err(ResultsError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                EarlierResults::default()
            }
            Err(error) => {
                notices = format!(
                    "{}; the rows are not compared with these results\n",
                    escape(&error.to_string())
                );
                EarlierResults::default()
            }
        };
        let not_compared = "; no row is compared with this line";
        notices += &describe_damaged_lines(path, &previous.damaged_lines, not_compared);
        notices += &removed_lines_notice(path, previous.lost_lines().removed);
        Ok(Self {
            path: path.clone(),
            earlier: previous,
            notices,
        })
    }
}

/// Counts of a check, for people and for scripts.
#[derive(Debug, Serialize)]
struct CheckSummary {
    manifest: String,
    /// Heading of each column that stands under another name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    columns: BTreeMap<&'static str, String>,
    /// Value of each column with one value in all rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<&'static str, String>,
    rows: u64,
    files: u64,
    bytes: u64,
    /// Number of rows of each known object type.
    object_types: BTreeMap<&'static str, u64>,
    /// Number of distinct records named by external ids, which only an import can look up; `None`
    /// instead of 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    records_by_external_id: Option<NonZeroU64>,
    errors: u64,
    unfit_rows: u64,
    warnings: u64,
    /// Number of rows that would attach a file again; `None` instead of 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_copies: Option<NonZeroU64>,
    /// Number of rows that would attach a file again in an import to a destination named by other
    /// results alone; `None` instead of 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    possible_second_copies: Option<NonZeroU64>,
    problems_file: Option<String>,
    /// Files below the root that no row names; `None` where nobody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_in_no_row: Option<UnnamedFiles>,
}

impl CheckSummary {
    fn new(manifest: &Manifest, prepared: &PreparedFiles, problems_file: Option<PathBuf>) -> Self {
        let (files, bytes) = prepared.ready_files_and_bytes();
        let problems = &prepared.problems;
        let mut object_types = BTreeMap::new();
        let mut by_external_id = HashSet::new();
        for row in manifest.rows() {
            if let Ok(kind) = row.object_type().parse::<ObjectType>() {
                *object_types.entry(kind.as_str()).or_default() += 1;
            }
            let object = row.parse().map(|row| row.object);
            by_external_id.extend(
                object
                    .ok()
                    .filter(|one| matches!(one, NamedObject::ByExternalId(..))),
            );
        }
        let in_words = |(column, text): (Column, &str)| (column.as_str(), text.to_owned());
        Self {
            columns: manifest.renamed_columns().map(in_words).collect(),
            set: manifest.constants().map(in_words).collect(),
            manifest: manifest.path().to_string_lossy().into_owned(),
            rows: manifest.len() as u64,
            files,
            bytes,
            object_types,
            records_by_external_id: NonZeroU64::new(by_external_id.len() as u64),
            errors: problems.error_count() as u64,
            unfit_rows: problems.unfit_row_count() as u64,
            warnings: problems.warning_count() as u64,
            second_copies: None,
            possible_second_copies: None,
            problems_file: problems_file.map(|path| path.to_string_lossy().into_owned()),
            files_in_no_row: prepared.unnamed_files.clone(),
        }
    }

    fn exit(&self) -> ProgramExit {
        if self.errors == 0 && self.second_copies.is_none() {
            ProgramExit::DONE
        } else {
            ProgramExit::NOTHING_SENT
        }
    }

    fn for_scripts(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }

    fn for_people(&self) -> String {
        let mut text = format!(
            "{}: {}, {}, {}\n",
            escape(&self.manifest),
            count_with_noun(self.rows, "row"),
            count_with_noun(self.files, "file"),
            human_size(self.bytes)
        );
        for (kind, rows) in &self.object_types {
            let _ = writeln!(text, "  {kind:<16} {:>9}", group_thousands(*rows));
        }
        if let Some(records) = self.records_by_external_id {
            let them = if records.get() == 1 { "it" } else { "them" };
            let records = count_with_noun_and_verb(records.get(), "record", ["is", "are"]);
            let _ = writeln!(
                text,
                "{records} named by object_external_id: an import looks for {them}, this check does not"
            );
        }
        let unnamed = self.files_in_no_row.as_ref().map(UnnamedFiles::sentence);
        text.push_str(&unnamed.unwrap_or_default());
        text.push_str(&self.verdict());
        if let Some(file) = &self.problems_file {
            let _ = write!(text, "; all of them are in {}", escape(file));
        }
        text.push('\n');
        text
    }

    fn verdict(&self) -> String {
        let copies = [
            (self.second_copies, "second"),
            (self.possible_second_copies, "possible second"),
        ];
        let copies: Vec<String> = copies
            .into_iter()
            .filter_map(|(count, which)| match count?.get() {
                1 => Some(format!("1 {which} copy")),
                many => Some(format!("{} {which} copies", group_thousands(many))),
            })
            .collect();
        let warnings = count_with_noun(self.warnings, "warning");
        let problems = match (self.errors, self.warnings) {
            (0, 0) if copies.is_empty() => return "nothing is wrong".to_owned(),
            (0, _) => format!("no errors, {warnings}"),
            (errors, _) => format!(
                "{} in {}, {warnings}",
                count_with_noun(errors, "error"),
                count_with_noun(self.unfit_rows, "row")
            ),
        };
        [vec![problems], copies].concat().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> CheckSummary {
        CheckSummary {
            manifest: "m.csv".to_owned(),
            columns: BTreeMap::new(),
            set: BTreeMap::new(),
            rows: 1_234,
            files: 1,
            bytes: 5 * 1024 * 1024,
            object_types: BTreeMap::from([("contract", 1_000), ("event", 200)]),
            records_by_external_id: None,
            errors: 0,
            unfit_rows: 0,
            warnings: 0,
            second_copies: None,
            possible_second_copies: None,
            problems_file: None,
            files_in_no_row: None,
        }
    }

    #[test]
    fn a_good_manifest_is_summed_up_for_people() {
        assert_eq!(
            summary().for_people(),
            "m.csv: 1,234 rows, 1 file, 5.0 MiB\n\
             \x20 contract             1,000\n\
             \x20 event                  200\n\
             nothing is wrong\n"
        );
        assert_eq!(summary().exit(), ProgramExit::DONE);
    }

    #[test]
    fn records_that_only_an_import_can_look_up_are_counted() {
        let summary = CheckSummary {
            records_by_external_id: NonZeroU64::new(200),
            ..summary()
        };
        assert!(summary.for_people().ends_with(
            "200 records are named by object_external_id: an import looks for them, this check does \
             not\nnothing is wrong\n"
        ));
        assert!(
            summary
                .for_scripts()
                .contains("\"records_by_external_id\":200,\"errors\":0")
        );
    }

    #[test]
    fn warnings_alone_do_not_stop_anybody() {
        let summary = CheckSummary {
            warnings: 2,
            problems_file: Some("m.problems.csv".to_owned()),
            ..summary()
        };
        let text = summary.for_people();
        assert!(
            text.ends_with("no errors, 2 warnings; all of them are in m.problems.csv\n"),
            "{text}"
        );
        assert_eq!(summary.exit(), ProgramExit::DONE);
    }

    #[test]
    fn errors_say_that_nothing_was_sent() {
        let summary = CheckSummary {
            errors: 36,
            unfit_rows: 34,
            warnings: 1,
            ..summary()
        };
        assert!(
            summary
                .for_people()
                .ends_with("36 errors in 34 rows, 1 warning\n")
        );
        assert_eq!(summary.exit(), ProgramExit::NOTHING_SENT);
    }

    #[test]
    fn second_copies_say_that_nothing_was_sent_and_are_counted_beside_what_else_is_wrong() {
        for (second_copies, errors, told) in [
            (1, 0, "no errors, 0 warnings, 1 second copy\n"),
            (
                1_200,
                2,
                "2 errors in 0 rows, 0 warnings, 1,200 second copies\n",
            ),
        ] {
            let summary = CheckSummary {
                second_copies: NonZeroU64::new(second_copies),
                errors,
                ..summary()
            };
            let text = summary.for_people();
            assert!(text.ends_with(told), "{text}");
            assert_eq!(summary.exit(), ProgramExit::NOTHING_SENT);
        }
    }

    #[test]
    fn scripts_get_one_object() {
        assert_eq!(
            summary().for_scripts(),
            "{\"manifest\":\"m.csv\",\"rows\":1234,\"files\":1,\"bytes\":5242880,\
             \"object_types\":{\"contract\":1000,\"event\":200},\"errors\":0,\"unfit_rows\":0,\
             \"warnings\":0,\"problems_file\":null}\n"
        );
    }
}
