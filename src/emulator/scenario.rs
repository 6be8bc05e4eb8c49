//! Scenario files: faults as people write them, in TOML.
//!
//! ```toml
//! [[fault]]
//! operation = "create"
//! when = { nth = 3 }
//! effect = "lose_answer"
//! ```
//!
//! What can stand there is what the types of [`super::fault`] can hold. This module knows the file
//! and its lines; what a fault does is not its business.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::fault::Fault;
use crate::text::{escape, nearest};

/// Why a scenario file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It cannot be read.
    #[error("the faults in {}: {source}", shown(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in it is not as it should be.
    #[error("{} line {line}, column {column}{}: {what}", shown(path), fault.map(|number| format!(" (fault {number})")).unwrap_or_default())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// The fault's number, from 1, where it is one.
        fault: Option<usize>,
        /// What is wrong, and what to do.
        what: String,
    },
    /// There is nothing in it.
    #[error("{} holds no fault; each begins with a line [[fault]]", shown(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(default)]
    fault: Vec<Spanned<Fault>>,
}

/// Reads the faults of a scenario file, each of which can fire.
pub fn read(path: &Path) -> Result<Vec<Fault>, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Io {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Fault>, ScenarioError> {
    let mistake = |at: usize, fault, what| {
        let (line, column) = place(text, at);
        ScenarioError::Mistake {
            path: path.to_owned(),
            line,
            column,
            fault,
            what,
        }
    };
    let scenario: Scenario = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        mistake(at, fault_at(text, at), in_words(error.message()))
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

/// Line and column of a place in the text.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// The number of the fault in which a place lies.
fn fault_at(text: &str, at: usize) -> Option<usize> {
    let up_to = text.get(..at).unwrap_or(text);
    let heads = up_to
        .lines()
        .filter(|line| line.trim_start().starts_with("[["));
    Some(heads.count()).filter(|number| *number > 0)
}

/// What the parser says, on one line. Where it lists what could stand there, the nearest word is
/// named as well.
fn in_words(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    let hint = match (message.starts_with("unknown "), words.next()) {
        (true, Some(word)) => nearest(word, words),
        _ => None,
    };
    let message = message.trim_end().replace('\n', "; ");
    match hint {
        Some(name) => format!("{}; did you mean {name}?", escape(&message)),
        None => escape(&message).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::fault::{Effect, Target, When};
    use super::super::route::Operation;
    use super::*;

    fn read(text: &str) -> Result<Vec<Fault>, String> {
        parse(Path::new("f.toml"), text).map_err(|error| error.to_string())
    }

    /// The mistake of a scenario with this one line in place of the right one.
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
        let during = |from, lasting| When::During {
            from: Duration::from_secs(from),
            lasting: Duration::from_secs(lasting),
        };
        let status = |code, retry_after: &str| Effect::Status {
            code,
            retry_after: Some(retry_after.to_owned()),
        };
        let elsewhere = Effect::UploadTarget {
            url: Some("https://me@example.com/".to_owned()),
            headers: BTreeMap::from([("Authorization".to_owned(), "Bearer x".to_owned())]),
        };
        let expected = [
            (Target::Api, during(120, 5400), status(429, "7")),
            (Target::Storage, during(0, 10), status(503, "in 7s")),
            (
                Operation::GetByExternalId.into(),
                When::EveryNth(3),
                Effect::StalledBody,
            ),
            (Operation::Create.into(), When::FirstN(2), elsewhere),
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
        for (line, told) in [(
            r#"operation = "creat""#,
            "f.toml line 3, column 13 (fault 1): \"creat\" is no operation; did you mean \
                 create? There are api, storage, list, create, get, get_by_external_id, update, \
                 update_by_external_id, upload, download",
        )] {
            assert_eq!(mistake(line), told);
        }
    }

    #[test]
    fn print_all() {
        for line in [
            r#"operation = "purge""#,
            r#"operation = 7"#,
            r#"opration = "create""#,
            r#"effect = "lose_anser""#,
            r#"effect = { status = { cod = 503 } }"#,
            r#"effect = { status = { } }"#,
            r#"effect = { status = { code = 503, retry_after = -1 } }"#,
            r#"effect = { status = { code = 99999 } }"#,
            r#"effect = { status = { code = 99 } }"#,
            r#"effect = "status""#,
            r#"effect = "half_read""#,
            r#"when = { nth = 0 }"#,
            r#"when = { nth = -1 }"#,
            r#"when = { nth = 1, first_n = 2 }"#,
            r#"when = { enth = 1 }"#,
            r#"when = { during = { for = "10" } }"#,
            r#"when = { during = { from = "10s" } }"#,
            r#"when = { during = { from = "10s", fr = "10s" } }"#,
            r#"when = 3"#,
            r#"when = "#,
            r#"when = "a"#,
        ] {
            println!("{line}\n     {}", mistake(line));
        }
        for text in [
            "",
            "[fault]\n",
            "[[faults]]\noperation=1\n",
            "[[fault]]\noperation = \"get\"\n",
            "x",
        ] {
            println!("{text:?}\n    {}", read(text).unwrap_err());
        }
    }
}
