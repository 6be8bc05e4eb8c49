//! `consign check`: reads the whole manifest, hashes every file and reports the problems. Sends
//! nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::{CheckPlan, EvidenceFile};
use crate::error::{Error, Exit};
use crate::manifest::{self, Manifest, Reading};
use crate::model::ObjectType;
use crate::prepare::{Nothing, Prepared, prepare};
use crate::progress::{Hashing, Style, size};
use crate::results::previous::{Previous, name_damaged};
use crate::results::{ResultsError, beside};
use crate::root::Root;
use crate::text::{counted, escape, grouped, tell};

use super::second_copies::{Comparison, Destinations, name_lost};
use super::{show, tell_problems};

/// Runs the command.
pub fn run(config: &CheckPlan) -> Result<Exit, Error> {
    let Reading { manifest, problems } =
        manifest::read(&config.input.manifest, &config.input.options)?;
    // Before the hashing, which may take an hour: an unreadable results file that the user named is
    // an error.
    let earlier = EarlierResults::read(config)?;
    let root = Root::at(&config.input.root)?;
    let style = Style::choose(config.output.verbosity);
    let prepared = prepare(&manifest, problems, &root, &Nothing, &Hashing::show(style));
    let problems_file = tell_problems(&manifest, &prepared.problems, config.output)?;
    let comparison = Comparison {
        manifest: &manifest,
        prepared: &prepared,
        previous: &earlier.previous,
        results: &earlier.path,
        destination: &Destinations::of(&earlier.previous),
    };
    let all_rows: Vec<u32> = (0..).take(manifest.len()).collect();
    let copies = comparison.find(&all_rows);
    let copies = copies.by_consent(&config.input.second_copies);
    if !config.output.is_quiet() {
        tell(&earlier.notices);
        tell(&copies.notices());
    }
    let mut summary = Summary::of(&manifest, &prepared, problems_file);
    summary.second_copies = NonZeroU64::new(copies.stopping());
    summary.possible_second_copies = NonZeroU64::new(copies.perhaps_stopping());
    show(config.output, &summary.for_people(), &summary.for_scripts())?;
    copies.refuse()?;
    Ok(summary.exit())
}

/// Results of earlier runs with which a check compares the rows.
struct EarlierResults {
    path: PathBuf,
    previous: Previous,
    /// Lines for the user about unreadable results, damaged lines and removed lines; may be empty.
    notices: String,
}

impl EarlierResults {
    /// Reads the results named by the user, or else the results beside the manifest, even while
    /// another process writes to the file. A missing results file beside the manifest is no error.
    /// Fails with [`Error::Evidence`] when named results cannot be read.
    fn read(config: &CheckPlan) -> Result<Self, Error> {
        let (EvidenceFile::Named(path) | EvidenceFile::Usual(path)) = &config.results;
        let mut notices = String::new();
        let previous = match beside::read(path, config.input.options.encoding) {
            Ok(previous) => previous,
            Err(error) if matches!(config.results, EvidenceFile::Named(_)) => {
                return Err(Error::Evidence(error));
            }
            Err(ResultsError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Previous::default()
            }
            Err(error) => {
                notices = format!(
                    "{}; the rows are not compared with it\n",
                    escape(&error.to_string())
                );
                Previous::default()
            }
        };
        let not_compared = "; the row is not compared with it";
        notices += &name_damaged(path, &previous.damaged, not_compared);
        notices += &name_lost(path, previous.lost().removed);
        Ok(Self {
            path: path.clone(),
            previous,
            notices,
        })
    }
}

/// Counts of a check, for people and for scripts.
#[derive(Debug, Serialize)]
struct Summary {
    manifest: String,
    rows: u64,
    files: u64,
    bytes: u64,
    /// Number of rows of each known object type.
    object_types: BTreeMap<&'static str, u64>,
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
}

impl Summary {
    fn of(manifest: &Manifest, prepared: &Prepared, problems_file: Option<PathBuf>) -> Self {
        let (files, bytes) = prepared.files_and_bytes();
        let problems = &prepared.problems;
        let mut object_types = BTreeMap::new();
        for row in manifest.rows() {
            if let Ok(kind) = row.object_type().parse::<ObjectType>() {
                *object_types.entry(kind.as_str()).or_default() += 1;
            }
        }
        Self {
            manifest: manifest.path().to_string_lossy().into_owned(),
            rows: manifest.len() as u64,
            files,
            bytes,
            object_types,
            errors: problems.errors() as u64,
            unfit_rows: problems.unfit_rows() as u64,
            warnings: problems.warnings() as u64,
            second_copies: None,
            possible_second_copies: None,
            problems_file: problems_file.map(|path| path.to_string_lossy().into_owned()),
        }
    }

    fn exit(&self) -> Exit {
        if self.errors == 0 && self.second_copies.is_none() {
            Exit::DONE
        } else {
            Exit::NOTHING_SENT
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
            counted(self.rows, "row"),
            counted(self.files, "file"),
            size(self.bytes)
        );
        for (kind, rows) in &self.object_types {
            let _ = writeln!(text, "  {kind:<16} {:>9}", grouped(*rows));
        }
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
                many => Some(format!("{} {which} copies", grouped(many))),
            })
            .collect();
        let warnings = counted(self.warnings, "warning");
        let problems = match (self.errors, self.warnings) {
            (0, 0) if copies.is_empty() => return "nothing is wrong".to_owned(),
            (0, _) => format!("no errors, {warnings}"),
            (errors, _) => format!(
                "{} in {}, {warnings}",
                counted(errors, "error"),
                counted(self.unfit_rows, "row")
            ),
        };
        [vec![problems], copies].concat().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        Summary {
            manifest: "m.csv".to_owned(),
            rows: 1_234,
            files: 1,
            bytes: 5 * 1024 * 1024,
            object_types: BTreeMap::from([("contract", 1_000), ("event", 200)]),
            errors: 0,
            unfit_rows: 0,
            warnings: 0,
            second_copies: None,
            possible_second_copies: None,
            problems_file: None,
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
        assert_eq!(summary().exit(), Exit::DONE);
    }

    #[test]
    fn warnings_alone_do_not_stop_anybody() {
        let summary = Summary {
            warnings: 2,
            problems_file: Some("m.problems.csv".to_owned()),
            ..summary()
        };
        let text = summary.for_people();
        assert!(
            text.ends_with("no errors, 2 warnings; all of them are in m.problems.csv\n"),
            "{text}"
        );
        assert_eq!(summary.exit(), Exit::DONE);
    }

    #[test]
    fn errors_say_that_nothing_was_sent() {
        let summary = Summary {
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
        assert_eq!(summary.exit(), Exit::NOTHING_SENT);
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
            let summary = Summary {
                second_copies: NonZeroU64::new(second_copies),
                errors,
                ..summary()
            };
            let text = summary.for_people();
            assert!(text.ends_with(told), "{text}");
            assert_eq!(summary.exit(), Exit::NOTHING_SENT);
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
