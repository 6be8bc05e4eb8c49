//! `import --dry-run`: looks up every row and forecasts the import, without changing anything.

mod changes;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use tokio::runtime::Runtime;

use super::machines;
use super::plan::Plan;
use crate::commands::ending::RunEnding;
use crate::commands::halt::words;
use crate::commands::session::{Client, Contact, Opening, Session};
use crate::commands::show;
use crate::config::ImportPlan;
use crate::destination::LISTED_AT_ONCE;
use crate::error::{Error, Exit};
use crate::model::Service;
use crate::pipeline::{Halt, Outlook, RowSurvey, Survey};
use crate::progress::{Sending, Style, size, span};
use crate::results::Status;
use crate::signals::Stop;
use crate::text::{counted, grouped};
use changes::Changes;

/// Most rows named one by one among the rows not done.
const ROWS_NAMED: usize = 100;

/// Looks up every row and writes the forecast of the import.
pub(super) fn run(
    config: &ImportPlan,
    opening: &Opening,
    contact: Contact<'_>,
    plan: &Plan<'_>,
) -> Result<Exit, Error> {
    let (session, runtime) = contact.open(opening)?;
    let (seen, halt) = look_up(config, plan, &session, &runtime);
    let stop = session.stopping.stop();
    let forecast = Forecast::of(plan, &seen, &session.client, config.service.rate);
    runtime.block_on(session.close());
    show(
        config.output,
        &forecast.for_people(&seen, halt.as_ref(), plan.service()),
        &forecast.for_scripts(),
    )?;
    let ending = forecast.ending(halt.as_ref(), stop, plan.service());
    Ok(ending.exit())
}

/// Looks up every row. Returns the surveys, and the reason for an early stop, or `None`.
pub(super) fn look_up(
    config: &ImportPlan,
    plan: &Plan<'_>,
    session: &Session,
    runtime: &Runtime,
) -> (Vec<Survey>, Option<Halt>) {
    let style = Style::choose(config.output.verbosity);
    let (sending, events) = Sending::show(style, "looking up", plan.to_send() as u64);
    let found = runtime.block_on(machines::survey(
        &session.client,
        plan,
        (&session.settings, &events),
        session.stopping.requested(),
    ));
    drop(events);
    sending.finish();
    found
}

/// Counts of the rows by what an import would do. Also the JSON summary of a dry run.
#[derive(Debug, Default, Serialize)]
struct Forecast {
    rows: u64,
    /// Rows done by earlier runs.
    done_before: u64,
    create: u64,
    create_bytes: u64,
    /// Rows begun by an earlier run.
    go_on: u64,
    go_on_bytes: u64,
    skip: u64,
    /// Rows whose attachment has other content, which stays.
    keep: u64,
    /// Rows not done after the import, by status.
    not_done: BTreeMap<&'static str, u64>,
    /// Changes to existing attachments.
    #[serde(skip_serializing_if = "Changes::are_none")]
    changes: Changes,
    /// Number of new jobs; `None` for a service without jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<u64>,
    requests: u64,
    /// Least time in seconds, at the configured rate and within the budgets of the service.
    seconds_at_the_rate: f64,
}

impl Forecast {
    fn of(plan: &Plan<'_>, seen: &[Survey], client: &Client, rate: u32) -> Self {
        let mut forecast = Self {
            rows: plan.manifest().len() as u64,
            ..Self::default()
        };
        for (status, rows) in plan.settled() {
            if status.is_done() {
                forecast.done_before += rows;
            } else {
                *forecast.not_done.entry(status.as_str()).or_default() += rows;
            }
        }
        for row in rows(seen) {
            forecast.count(row);
        }
        let (reads, changes) = match client {
            Client::Workday(_) => {
                forecast.of_attachments(seen.iter().map(|one| one.look_ups).sum())
            }
            Client::Keelvar(_) => {
                let with =
                    |outlook| seen.iter().filter(move |job| has(job, &outlook)).count() as u64;
                let jobs = with(Outlook::Create);
                forecast.jobs = Some(jobs);
                // Each job is asked for its addresses, and then for its end.
                (2 * (jobs + with(Outlook::GoOn)), jobs)
            }
        };
        forecast.requests = reads + changes;
        forecast.seconds_at_the_rate = client.least_time(reads, changes, rate).as_secs_f64();
        forecast
    }

    /// Returns the least numbers of requests without and with changes, in this order, for an import
    /// after `look_ups` look-ups.
    fn of_attachments(&self, look_ups: u64) -> (u64, u64) {
        let Changes {
            replace,
            compare,
            title,
            title_with_content,
            rename,
            ..
        } = &self.changes;
        let sent = self.create + self.go_on + replace;
        let confirmations = sent.div_ceil(LISTED_AT_ONCE as u64);
        // A begun row is looked up once more, too. A replaced attachment is asked for the address
        // of its bytes, and again just before they go; a new name is looked up before the renaming
        // and afterwards.
        let reads = look_ups + self.go_on + confirmations + 2 * replace + compare + 2 * rename;
        (reads, sent + title - title_with_content + rename)
    }

    fn count(&mut self, one: &RowSurvey) {
        self.changes.count(one);
        match &one.outlook {
            Outlook::Create => {
                self.create += 1;
                self.create_bytes += one.size;
            }
            Outlook::GoOn => {
                self.go_on += 1;
                self.go_on_bytes += one.size;
            }
            Outlook::Keep if one.names.is_empty() => self.keep += 1,
            Outlook::Done(Status::Skipped) if one.names.is_empty() => self.skip += 1,
            Outlook::Done(_) if one.names.is_empty() => self.done_before += 1,
            // Counted as changes already.
            Outlook::Replace { .. } | Outlook::Compare | Outlook::Keep | Outlook::Done(_) => {}
            Outlook::NotDone(status, _) => {
                *self.not_done.entry(status.as_str()).or_default() += 1;
            }
        }
    }

    /// Expected ending of the import.
    fn ending(&self, halt: Option<&Halt>, stop: Option<Stop>, service: Service) -> RunEnding {
        RunEnding::of(halt, stop, service, || {
            if self.not_done.is_empty() {
                RunEnding::Complete
            } else {
                RunEnding::Incomplete
            }
        })
    }

    fn for_people(&self, seen: &[Survey], halt: Option<&Halt>, service: Service) -> String {
        let mut text = format!("an import of {} would\n", counted(self.rows, "row"));
        let mut line = |rows: u64, what: &str| {
            if rows > 0 {
                let _ = writeln!(text, "  {:>9}  {what}", grouped(rows));
            }
        };
        line(
            self.create,
            &format!("create and upload, {}", size(self.create_bytes)),
        );
        line(
            self.go_on,
            &format!("finish what was begun, {}", size(self.go_on_bytes)),
        );
        let changes = &self.changes;
        line(
            changes.replace,
            &format!("replace other content, {}", size(changes.replace_bytes)),
        );
        line(
            changes.compare,
            &format!(
                "download what has the same size, and replace what is other content, {}",
                size(changes.compare_bytes)
            ),
        );
        line(changes.title, "give another title");
        line(changes.rename, "give another external_id");
        line(self.skip, "skip: there already, with the same size");
        line(
            self.keep,
            "skip: there already, with other content, which stays",
        );
        line(self.done_before, "leave alone: done by an earlier run");
        for (status, rows) in &self.not_done {
            line(*rows, &format!("not be able to finish: {status}"));
        }
        for (row, external_id, status, reason) in not_done(seen).take(ROWS_NAMED) {
            let _ = writeln!(
                text,
                "row {row}, external_id {external_id:?}: {status}, {reason}"
            );
        }
        let unnamed = not_done(seen).count().saturating_sub(ROWS_NAMED);
        if unnamed > 0 {
            let _ = writeln!(text, "and {}", counted(unnamed as u64, "other row"));
        }
        for change in self.changes.lines() {
            let _ = writeln!(text, "{change}");
        }
        if self.changes.not_listed() > 0 {
            let unnamed = counted(self.changes.not_listed(), "other change");
            let _ = writeln!(text, "and {unnamed}");
        }
        let _ = match self.jobs {
            None => writeln!(
                text,
                "it would take {}{}: {} at this rate; nothing was sent now",
                counted(self.requests, "request"),
                if self.changes.compare > 0 {
                    " or more"
                } else {
                    ""
                },
                span(self.seconds_at_the_rate)
            ),
            Some(jobs) => writeln!(
                text,
                "it would take {} and at least {}: {} or more at what the service allows; nothing \
                 was sent now",
                counted(jobs, "job"),
                counted(self.requests - jobs, "look-up"),
                span(self.seconds_at_the_rate)
            ),
        };
        if let Some(halt) = halt {
            let _ = writeln!(text, "stopped early: {}", words(halt, service));
        }
        text
    }

    fn for_scripts(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }
}

/// True if some row of a job has this outlook.
fn has(job: &Survey, outlook: &Outlook) -> bool {
    job.rows.iter().any(|row| row.outlook == *outlook)
}

fn rows(seen: &[Survey]) -> impl Iterator<Item = &RowSurvey> {
    seen.iter().flat_map(|one| &one.rows)
}

fn not_done(seen: &[Survey]) -> impl Iterator<Item = (usize, &str, &str, &str)> {
    rows(seen).filter_map(|one| match &one.outlook {
        Outlook::NotDone(status, reason) => Some((
            one.row,
            one.external_id.as_str(),
            status.as_str(),
            reason.as_str(),
        )),
        _ => None,
    })
}
