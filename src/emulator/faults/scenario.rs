//! Scenario files: faults in TOML, written by users.
//!
//! ```toml
//! [[fault]]
//! operation = "create"
//! when = { nth = 3 }
//! effect = "lose_answer"
//! ```
//!
//! The file holds values of the type [`Fault`]. This module knows the file and its lines, not the
//! effects of faults.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::fault::Fault;
use crate::text::{escape, nearest_word};

/// Reason for the refusal of a scenario file.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("the faults in {}: {source}", escaped_path(path))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The file holds a mistake.
    #[error("{} line {line}, column {column}{}: {message}", escaped_path(path), fault_number.map(|number| format!(" (fault {number})")).unwrap_or_default())]
    Mistake {
        /// Path of the file.
        path: PathBuf,
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake, from 1, in characters.
        column: usize,
        /// Number of the fault with the mistake, from 1; `None` outside of all faults.
        fault_number: Option<usize>,
        /// Message with the mistake and the remedy.
        message: String,
    },
    /// The file holds no fault.
    #[error(
        "{} holds no fault; each begins with a line [[fault]]",
        escaped_path(path)
    )]
    Empty {
        /// Path of the file.
        path: PathBuf,
    },
}

fn escaped_path(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    #[serde(default)]
    fault: Vec<Spanned<Fault>>,
}

/// Reads the faults of a scenario file. Fails if one of them can never fire or cannot be injected.
pub fn read(path: &Path) -> Result<Vec<Fault>, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Io {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Fault>, ScenarioError> {
    let mistake = |at: usize, fault, what| {
        let (line, column) = line_and_column(text, at);
        ScenarioError::Mistake {
            path: path.to_owned(),
            line,
            column,
            fault_number: fault,
            message: what,
        }
    };
    let scenario: ScenarioFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        mistake(at, fault_number_at(text, at), reworded(error.message()))
    })?;
    for (written, number) in scenario.fault.iter().zip(1..) {
        written
            .get_ref()
            .check()
            .map_err(|bad| mistake(written.span().start, Some(number), bad.to_string()))?;
    }
    if scenario.fault.is_empty() {
        return Err(ScenarioError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(scenario
        .fault
        .into_iter()
        .map(Spanned::into_inner)
        .collect())
}

/// Line and column, from 1, of byte offset `at` in the text.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Number of the fault at byte offset `at`, from 1; `None` before the first fault.
fn fault_number_at(text: &str, at: usize) -> Option<usize> {
    let (line, _) = line_and_column(text, at);
    let up_to_here = text.lines().take(line);
    let heads = up_to_here.filter(|line| line.trim_start().starts_with("[[fault]]"));
    Some(heads.count()).filter(|number| *number > 0)
}

/// Pairs of a parser's phrase about Rust types and its replacement for the writer of the file.
const REWORDINGS: [(&str, &str); 6] = [
    ("expected u16", "expected a status from 200 to 599"),
    ("expected u64", "expected a number from 1"),
    (
        "invalid type: map, expected a sequence",
        "a fault begins with two brackets, [[fault]]",
    ),
    (
        "invalid type: unit variant, expected struct variant",
        "the name alone is not enough; write for example { status = { code = 503 } }",
    ),
    (
        "wanted exactly 1 element, more than 1 element",
        "only one value can stand here; write a [[fault]] of its own for the other",
    ),
    (
        "wanted string or table",
        "write for example when = { nth = 3 }, or effect = \"reset\"",
    ),
];

/// Turns the parser's message into one line, reworded and with a suggestion.
fn reworded(message: &str) -> String {
    let hint = suggestion(message)
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default();
    let mut words = message.trim_end().replace('\n', "; ");
    for (theirs, ours) in REWORDINGS {
        words = words.replace(theirs, ours);
    }
    format!("{}{hint}", escape(&words))
}

/// Suggests the known word nearest to the unknown word in the parser's message. `None` if the
/// message lists no known words, or none is near.
fn suggestion(message: &str) -> Option<&str> {
    if let Some(keys) = message.strip_prefix("unexpected keys in table: ") {
        let (found, known) = keys.split_once(", available keys: ")?;
        return nearest_word(found.split(", ").next()?, known.split(", "));
    }
    let mut words = message
        .strip_prefix("unknown ")?
        .split('`')
        .skip(1)
        .step_by(2);
    nearest_word(words.next()?, words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::fault::{FaultEffect, FaultTrigger};
    use super::super::fault_target::FaultTarget;
    use super::*;
    use crate::emulator::operation::EmulatorOperation;

    fn read(text: &str) -> Result<Vec<Fault>, String> {
        parse(Path::new("f.toml"), text).map_err(|error| error.to_string())
    }

    /// Message for a scenario with `line` in place of the right line of the same name.
    fn mistake(line: &str) -> String {
        let (name, _) = line.split_once(' ').unwrap();
        let lines = [
            "operation = \"create\"",
            "when = { nth = 1 }",
            "effect = \"reset\"",
        ];
        let of_line = |right| if line_is(right, name) { line } else { right };
        let mut text = "# A bad day\n[[fault]]\n".to_owned();
        text.push_str(&lines.map(of_line).join("\n"));
        if !lines.iter().any(|right| line_is(right, name)) {
            text = format!("{text}\n{line}");
        }
        read(&text).unwrap_err()
    }

    fn line_is(line: &str, name: &str) -> bool {
        line.starts_with(&format!("{name} "))
    }

    #[test]
    fn a_scenario_is_read_as_it_is_written() {
        let faults = read(
            r#"
            # Mornings are bad.
            [[fault]]
            operation = "api"
            when = { during = { from = "2m", for = "1h 30m" } }
            effect = { status = { code = 429, retry_after = 7 } }

            [[fault]]
            operation = "storage"
            when = { during = { for = "10s" } }
            effect = { status = { code = 503, retry_after = "in 7s" } }

            [[fault]]
            operation = "get_by_external_id"
            when = { every_nth = 3 }
            effect = "stalled_body"

            [[fault]]
            operation = "create"
            when = { first_n = 2 }
            [fault.effect.upload_target]
            url = "https://me@example.com/"
            headers = { Authorization = "Bearer x" }
            "#,
        );
        let during = |from, lasting| FaultTrigger::During {
            from: Duration::from_secs(from),
            duration: Duration::from_secs(lasting),
        };
        let status = |code, retry_after: &str| FaultEffect::Status {
            code,
            retry_after: Some(retry_after.to_owned()),
        };
        let elsewhere = FaultEffect::UploadTarget {
            url: Some("https://me@example.com/".to_owned()),
            headers: BTreeMap::from([("Authorization".to_owned(), "Bearer x".to_owned())]),
        };
        let expected = [
            (FaultTarget::AllApis, during(120, 5400), status(429, "7")),
            (FaultTarget::Storage, during(0, 10), status(503, "in 7s")),
            (
                EmulatorOperation::GetByExternalId.into(),
                FaultTrigger::EveryNth(3),
                FaultEffect::StalledBody,
            ),
            (
                EmulatorOperation::Create.into(),
                FaultTrigger::FirstN(2),
                elsewhere,
            ),
        ]
        .map(|(operation, when, effect)| Fault {
            operation,
            when,
            effect,
        });
        assert_eq!(faults.unwrap(), expected);
    }

    #[test]
    fn each_mistake_is_told_with_its_place_and_what_would_be_right() {
        let operations = "api, storage, list, create, get, get_by_external_id, update, \
                          update_by_external_id, upload, download, list_objects, filter_objects, \
                          get_object, get_object_by_external_id, create_job, get_job, list_jobs";
        for (line, told) in [
            (
                r#"operation = "creat""#,
                format!(
                    "line 3, column 13 (fault 1): \"creat\" is no operation; did you mean create? \
                     There are {operations}"
                ),
            ),
            (
                r#"operation = "purge""#,
                format!(
                    "line 3, column 13 (fault 1): \"purge\" is no operation; there are {operations}"
                ),
            ),
            (
                r#"opration = "create""#,
                "line 6, column 1 (fault 1): unknown field `opration`, expected one of \
                 `operation`, `when`, `effect`; did you mean operation?"
                    .to_owned(),
            ),
            (
                r#"effect = "half_read""#,
                "line 2, column 1 (fault 1): half_read does not apply to create, only to upload"
                    .to_owned(),
            ),
            (
                r"when = { enth = 1 }",
                "line 4, column 10 (fault 1): unknown variant `enth`, expected one of `nth`, \
                 `every_nth`, `first_n`, `during`; did you mean nth?"
                    .to_owned(),
            ),
            (
                r#"when = { during = { for = "10" } }"#,
                "line 4, column 27 (fault 1): \"10\": a span of time is expected, such as 90s, \
                 30m or 12h"
                    .to_owned(),
            ),
            (
                r"when = { nth = -1 }",
                "line 4, column 16 (fault 1): invalid value: integer `-1`, expected a number from 1"
                    .to_owned(),
            ),
            (
                r"when = { nth = 1, first_n = 2 }",
                "line 4, column 8 (fault 1): only one value can stand here; write a [[fault]] of \
                 its own for the other"
                    .to_owned(),
            ),
            (
                "when = 3",
                "line 4, column 8 (fault 1): write for example when = { nth = 3 }, or effect = \
                 \"reset\""
                    .to_owned(),
            ),
        ] {
            assert_eq!(mistake(line), format!("f.toml {told}"));
        }
    }

    #[test]
    fn each_mistake_in_an_effect_is_told_likewise() {
        for (line, told) in [
            (
                r#"effect = "status""#,
                "10 (fault 1): the name alone is not enough; write for example { status = { code = \
                 503 } }",
            ),
            (
                r"effect = { status = { cod = 503 } }",
                "23 (fault 1): unexpected keys in table: cod, available keys: code, retry_after; \
                 did you mean code?",
            ),
            (
                r"effect = { status = { code = 99999 } }",
                "30 (fault 1): invalid value: integer `99999`, expected a status from 200 to 599",
            ),
            (
                r"effect = { status = { code = 503, retry_after = -1 } }",
                "49 (fault 1): a number of seconds is expected, a date, or `in` and a span of \
                 time, such as \"in 7s\"",
            ),
        ] {
            let told = format!("f.toml line 5, column {told}");
            assert_eq!(mistake(line), told);
        }
        let unknown = mistake(r#"effect = "lose_anser""#);
        let start = "f.toml line 5, column 10 (fault 1): unknown variant `lose_anser`, expected \
                     one of `lose_answer`, ";
        assert!(unknown.starts_with(start), "{unknown}");
        assert!(
            unknown.ends_with("; did you mean lose_answer?"),
            "{unknown}"
        );
    }

    #[test]
    fn a_file_without_a_whole_fault_is_refused() {
        for (text, told) in [
            (
                "# nothing",
                "f.toml holds no fault; each begins with a line [[fault]]",
            ),
            (
                "[fault]",
                "f.toml line 1, column 1: a fault begins with two brackets, [[fault]]",
            ),
            (
                "[[faults]]",
                "f.toml line 1, column 3: unknown field `faults`, expected `fault`; did you mean \
                 fault?",
            ),
            (
                "[[fault]]\noperation = \"get\"",
                "f.toml line 1, column 1 (fault 1): missing field `when`",
            ),
            (
                "[[fault]]\n\"\\u001b[2J\" = 1",
                "f.toml line 2, column 1 (fault 1): unknown field `\\u{1b}[2J`, expected one of \
                 `operation`, `when`, `effect`",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), told);
        }
    }
}
