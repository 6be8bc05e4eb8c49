//! What a run came to: for people, for scripts, and as an exit code.

mod waiting;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::commands::ending::RunEnding;
use crate::config::ImportPlan;
use crate::model::Service;
use crate::pipeline::Halt;
use crate::progress::{Tally, size, span};
use crate::results::{Displacement, Entry, Status};
use crate::signals::Stop;
use crate::text::{counted, counted_with_verb, escape, grouped, quoted};
use waiting::Waiting;

/// What a run came to, in numbers.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    manifest: String,
    results: String,
    destination: String,
    rows: u64,
    /// How many rows of the manifest have each status, over all runs.
    statuses: BTreeMap<&'static str, u64>,
    /// How many lines at the end of the results belong to no row of the manifest.
    rows_no_longer_in_manifest: u64,
    /// What this run did.
    requests: u64,
    /// How many of the requests changed nothing.
    look_ups: u64,
    /// How many records they made: attachments, or jobs.
    created: u64,
    throttled: u64,
    bytes_sent: u64,
    seconds: f64,
    /// Attachments that may be without content.
    #[serde(skip_serializing_if = "Waiting::is_empty")]
    waiting_for_content: Waiting,
    /// How many skipped rows have other content than their attachments.
    #[serde(skip)]
    kept: u64,
    #[serde(skip)]
    service: Service,
    /// The first rows that need somebody's attention, in words.
    #[serde(skip)]
    attention: Vec<String>,
    #[serde(skip)]
    more_need_attention: u64,
    /// What a shell has to do with the results before they can be gone on with.
    #[serde(skip)]
    put_back: String,
}

/// So many rows that need attention are named one by one.
const ROWS_NAMED: usize = 10;

impl Summary {
    /// A summary of which the rows are still to be counted.
    pub(super) fn new(
        config: &ImportPlan,
        service: Service,
        destination: &str,
        results: &Path,
        tally: &Tally,
        took: Duration,
    ) -> Self {
        Self {
            manifest: config.input.manifest.to_string_lossy().into_owned(),
            results: results.to_string_lossy().into_owned(),
            destination: destination.to_owned(),
            rows: 0,
            statuses: BTreeMap::new(),
            rows_no_longer_in_manifest: 0,
            requests: tally.requests,
            look_ups: tally.reads,
            created: tally.created,
            throttled: tally.throttled,
            bytes_sent: tally.bytes_sent,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            waiting_for_content: Waiting::default(),
            kept: 0,
            service,
            attention: Vec::new(),
            more_need_attention: 0,
            put_back: String::new(),
        }
    }

    /// How the run ended.
    pub(super) fn ending(&self, halt: Option<&Halt>, stop: Option<Stop>) -> RunEnding {
        // A run that stops early may leave rows done that it was to change.
        RunEnding::of(halt, stop, self.service, || match self.left() {
            0 => RunEnding::Complete,
            _ => RunEnding::Incomplete,
        })
    }

    /// Something else has come of the place of the results, so that they are in another file.
    pub(super) fn rests_beside(
        &mut self,
        path: &Path,
        kept: &Path,
        why: Displacement,
    ) -> RunEnding {
        self.results = kept.to_string_lossy().into_owned();
        if let Some(aside) = name_aside(path) {
            let _ = write!(self.put_back, "mv {} {} && ", typed(path), typed(&aside));
        }
        let _ = write!(self.put_back, "mv {} {} && ", typed(kept), typed(path));
        let path = path.to_string_lossy();
        RunEnding::Stopped(format!(
            "{} {why} while this run wrote to it; nothing more was sent, and what this run knows \
             is in {}: go on with that one and no other, or files are sent again that are there",
            escape(&path),
            escape(&self.results),
        ))
    }

    /// Counts a line of the results.
    pub(super) fn count(&mut self, entry: &Entry) {
        // Those of rows that left the manifest wait, too.
        self.waiting_for_content.take(entry);
        if entry.row.is_none() {
            self.rows_no_longer_in_manifest += 1;
            return;
        }
        self.rows += 1;
        *self.statuses.entry(entry.status.as_str()).or_default() += 1;
        let is_kept = entry.status == Status::Skipped && entry.state().is_kept();
        self.kept += u64::from(is_kept);
        if let Status::Conflict | Status::Failed = entry.status {
            self.note(entry);
        }
    }

    /// Names no rows one by one: why the run stopped says it of all.
    pub(super) fn name_no_rows(&mut self) {
        self.attention.clear();
        self.more_need_attention = 0;
    }

    fn note(&mut self, entry: &Entry) {
        if self.attention.len() == ROWS_NAMED {
            self.more_need_attention += 1;
            return;
        }
        self.attention.push(format!(
            "row {}, external_id {}: {}, {}: {}",
            entry.row.unwrap_or_default(),
            quoted(&entry.external_id),
            entry.status,
            entry.reason.as_str(),
            escape(&entry.message)
        ));
    }

    fn of(&self, status: Status) -> u64 {
        self.statuses.get(status.as_str()).copied().unwrap_or(0)
    }

    /// How many rows are not done.
    fn left(&self) -> u64 {
        let done: u64 = Status::ALL
            .into_iter()
            .filter(|status| status.is_done())
            .map(|status| self.of(status))
            .sum();
        self.rows - done
    }

    /// The summary as lines of text.
    pub(super) fn for_people(&self, ending: &RunEnding) -> String {
        let mut text = match ending {
            RunEnding::Complete => format!("all {} done", counted(self.rows, "row")),
            RunEnding::Interrupted(_) | RunEnding::Stopped(_) if self.left() == 0 => {
                "not all that was asked for was gone through".to_owned()
            }
            RunEnding::Incomplete | RunEnding::Interrupted(_) | RunEnding::Stopped(_) => format!(
                "{} of {} not done",
                grouped(self.left()),
                counted(self.rows, "row")
            ),
        };
        let requests = match self.service {
            Service::Workday => counted(self.requests, "request"),
            Service::Keelvar => format!(
                "{}, {}",
                counted(self.created, "job"),
                counted(self.look_ups, "look-up")
            ),
        };
        let _ = writeln!(
            text,
            " ({} sent in {}, {requests})",
            size(self.bytes_sent),
            span(self.seconds),
        );
        for status in Status::ALL {
            let rows = self.of(status);
            if rows > 0 {
                let _ = writeln!(
                    text,
                    "  {:<9} {:>9}  {}",
                    status.as_str(),
                    grouped(rows),
                    self.meaning(status)
                );
            }
        }
        text.push_str(&self.waiting_for_content.in_words());
        for line in &self.attention {
            let _ = writeln!(text, "{line}");
        }
        if self.more_need_attention > 0 {
            let _ = writeln!(
                text,
                "and {}",
                counted(self.more_need_attention, "other row")
            );
        }
        if let RunEnding::Stopped(why) = ending {
            let _ = writeln!(text, "stopped early: {why}");
        }
        let _ = writeln!(text, "results: {}", escape(&self.results));
        if *ending != RunEnding::Complete {
            let _ = writeln!(text, "to go on: {}", self.way_on());
        }
        text
    }

    /// The summary as one JSON object.
    pub(super) fn for_scripts(&self, ending: &RunEnding) -> String {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            summary: &'a Summary,
            ended: &'static str,
            why: Option<&'a str>,
            exit_code: u8,
            resume_command: Option<String>,
        }
        let (ended, why) = match ending {
            RunEnding::Complete => ("all_done", None),
            RunEnding::Incomplete => ("some_left", None),
            RunEnding::Interrupted(_) => ("interrupted", None),
            RunEnding::Stopped(why) => ("stopped", Some(why.as_str())),
        };
        let whole = Whole {
            summary: self,
            ended,
            why,
            exit_code: ending.exit().code(),
            resume_command: (*ending != RunEnding::Complete).then(|| self.way_on()),
        };
        let json = serde_json::to_string(&whole).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }

    /// What a shell has to be given to go on.
    fn way_on(&self) -> String {
        format!("{}{}", self.put_back, resume_command())
    }

    /// What a status means, in a few words.
    fn meaning(&self, status: Status) -> Cow<'static, str> {
        if status == Status::Skipped && self.kept > 0 {
            let kept = counted_with_verb(self.kept, "row", ["has", "have"]);
            return format!("there already; {kept} other content, and what was there was kept")
                .into();
        }
        meaning(status, self.service).into()
    }
}

/// What a status means, in a few words.
fn meaning(status: Status, service: Service) -> &'static str {
    match status {
        Status::Uploaded if service == Service::Keelvar => "attached: the job ended in success",
        Status::Uploaded => "stored, and the size confirmed by the service",
        Status::Replaced => "new content in place of the old, and the size confirmed",
        Status::Renamed => "there, under the new external_id",
        Status::Updated => "there, with the new title",
        Status::Skipped => "there already, with the same size",
        Status::Conflict => "there already with other content, or changed since; left as it is",
        Status::Failed => "tried, and cannot succeed as they are; see reason and message",
        Status::Invalid => "not fit to send; see message",
        Status::Replacing => "WITHOUT CONTENT or about to be; --resume puts the new content there",
        Status::Creating | Status::Created => "begun; --resume finishes them",
        Status::Pending => "not reached, or to be tried again by --resume",
    }
}

/// A name that nothing has, for the file that somebody has put in the place of the results; none where
/// there is no such file.
fn name_aside(path: &Path) -> Option<PathBuf> {
    path.symlink_metadata().ok()?;
    let with = |suffix: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut names = (1_u32..).map(|nth| match nth {
        1 => with(".replaced".to_owned()),
        nth => with(format!(".replaced-{nth}")),
    });
    names.find(|name| name.symlink_metadata().is_err())
}

/// A path as it is typed for a command of the system.
fn typed(path: &Path) -> String {
    let path = path.to_string_lossy();
    let is_like_an_option = path.starts_with('-');
    let word = if is_like_an_option {
        format!("./{path}")
    } else {
        path.into_owned()
    };
    shell_word(&word)
}

/// The command line that goes on where this one stopped: what was typed, with `--resume`.
pub(super) fn resume_command() -> String {
    let mut words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        // Whether to send again what may be attached already is to be decided each time anew.
        .filter(|word| word != "--dry-run" && word != "--retry-failed-jobs")
        .collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    words.join(" ")
}

/// A word as a POSIX shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let quoted = word.replace('\'', r"'\''");
    format!("'{}'", escape(&quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        for (word, typed) in [
            ("--rate", "--rate"),
            ("a b.csv", "'a b.csv'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
            ("Müller.csv", "Müller.csv"),
        ] {
            assert_eq!(shell_word(word), typed);
        }
    }
}
