//! `consign check`: reads the whole manifest, looks at every file, and tells what was found. Nothing
//! is sent, but for look-ups where the user wants to know what an import would do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::{CheckArgs, ConsentArgs, ImportArgs, OnlineArgs};
use crate::error::{Error, Exit};
use crate::manifest::{self, Manifest, Reading};
use crate::model::ObjectType;
use crate::prepare::{Nothing, Prepared, prepare};
use crate::progress::{Hashing, Style, size};
use crate::text::{counted, escape, grouped};

use super::import::{self, Telling};
use super::{open_root, reading_options, show, tell_problems};

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<Exit, Error> {
    let Reading { manifest, problems } =
        manifest::read(&args.input.manifest, &reading_options(&args.input))?;
    if args.online.online {
        let read = Reading { manifest, problems };
        return import::carry_out(&foreseen(args), read, Telling::All);
    }
    let root = open_root(&args.input)?;
    let style = Style::choose(args.output.quiet, args.output.verbose);
    let prepared = prepare(&manifest, problems, &root, &Nothing, &Hashing::show(style));
    let problems_file = tell_problems(&manifest, &prepared.problems, &args.output)?;
    let summary = Summary::of(&manifest, &prepared, problems_file);
    show(&args.output, &summary.for_people(), &summary.for_scripts())?;
    Ok(summary.exit())
}

/// The import that a check foresees: it goes on with the results of earlier runs, where there are any.
fn foreseen(args: &CheckArgs) -> ImportArgs {
    let OnlineArgs {
        online,
        results,
        service,
        amend,
        jobs,
    } = &args.online;
    ImportArgs {
        input: args.input.clone(),
        results: results.clone(),
        resume: true,
        dry_run: *online,
        skip_invalid: false,
        max_errors: None,
        consent: ConsentArgs { yes: false },
        service: service.clone(),
        output: args.output.clone(),
        amend: amend.clone(),
        jobs: jobs.clone(),
    }
}

/// What was found, in numbers.
#[derive(Debug, Serialize)]
struct Summary {
    manifest: String,
    rows: u64,
    files: u64,
    bytes: u64,
    /// How many rows there are of each object type that is known.
    object_types: BTreeMap<&'static str, u64>,
    errors: u64,
    unfit_rows: u64,
    warnings: u64,
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
            problems_file: problems_file.map(|path| path.to_string_lossy().into_owned()),
        }
    }

    fn exit(&self) -> Exit {
        if self.errors == 0 {
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
        let warnings = counted(self.warnings, "warning");
        match (self.errors, self.warnings) {
            (0, 0) => "nothing is wrong".to_owned(),
            (0, _) => format!("no errors, {warnings}"),
            (errors, _) => format!(
                "{} in {}, {warnings}",
                counted(errors, "error"),
                counted(self.unfit_rows, "row")
            ),
        }
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
    fn scripts_get_one_object() {
        assert_eq!(
            summary().for_scripts(),
            "{\"manifest\":\"m.csv\",\"rows\":1234,\"files\":1,\"bytes\":5242880,\
             \"object_types\":{\"contract\":1000,\"event\":200},\"errors\":0,\"unfit_rows\":0,\
             \"warnings\":0,\"problems_file\":null}\n"
        );
    }
}
