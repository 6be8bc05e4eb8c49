//! `import --dry-run`: looks up every row and predicts the import, without changing anything.

mod copy_search;
mod look_up_costs;
mod planned_changes;
mod record_forecast;
mod record_looks;
mod record_survey;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use tokio::runtime::Runtime;

use super::pilot_report::PilotReport;
use super::service_dispatch;
use super::work_list::WorkList;
use crate::commands::halt_message::halt_message;
use crate::commands::run_ending::RunEnding;
use crate::commands::session::{ServiceClient, Session};
use crate::commands::write_summary;
use crate::config::{ImportPlan, ResolvedDestination};
use crate::destination::{MAX_IDS_PER_LIST, ObjectDetails};
use crate::error::{CommandError, ProgramExit};
use crate::model::ProcurementService;
use crate::pipeline::{BatchSurvey, HaltReason, PredictedOutcome, RowSurvey};
use crate::prepare::UnnamedFiles;
use crate::progress::{ProgressForm, SendingProgress, Workload, human_duration, human_size};
use crate::results::Status;
use crate::signals::StopSignal;
use crate::text::{count_with_noun, group_thousands};
use look_up_costs::{LookUpCosts, RequestCounts};
use planned_changes::PlannedChanges;
use record_looks::{LooksForecast, RecordLookFindings, RecordLooks};

/// Most rows named one by one among the rows not done.
const MAX_ROWS_NAMED: usize = 100;

/// Looks up every row, looks at the records, and writes the prediction of the import. `known` are
/// records read before in this run.
pub(super) fn run(
    config: &ImportPlan,
    base: &ResolvedDestination,
    session: Session,
    runtime: &Runtime,
    plan: &WorkList<'_>,
    known: Vec<ObjectDetails>,
) -> Result<ProgramExit, CommandError> {
    let (mut seen, mut halt) = look_up(config, plan, &session, runtime);
    let mut looks = None;
    if halt.is_none() {
        let records = RecordLooks {
            config,
            base,
            plan,
            session: &session,
            runtime,
        };
        (looks, halt) = records.look(&mut seen, known);
    }
    let looks = looks.map(RecordLookFindings::into_forecast);
    write_forecast(
        config,
        session,
        runtime,
        plan,
        (&seen, looks),
        halt.as_ref(),
    )
}

/// Writes what is known of an import when its records could not all be found. Returns the exit code
/// for the early stop.
pub(super) fn write_early_end(
    config: &ImportPlan,
    session: Session,
    runtime: &Runtime,
    plan: &WorkList<'_>,
    halt: &HaltReason,
) -> Result<ProgramExit, CommandError> {
    write_forecast(config, session, runtime, plan, (&[], None), Some(halt))
}

/// Writes the prediction of the import after the look-up of the rows in `seen`, and after the looks
/// at the records, if there were any. Returns the expected exit code of the import, or the exit
/// code for an early stop.
fn write_forecast(
    config: &ImportPlan,
    session: Session,
    runtime: &Runtime,
    plan: &WorkList<'_>,
    (seen, looks): (&[BatchSurvey], Option<LooksForecast>),
    halt: Option<&HaltReason>,
) -> Result<ProgramExit, CommandError> {
    let stop = session.stop_listener.requested_stop();
    let forecast = DryRunForecast {
        records: looks,
        ..DryRunForecast::new(config, plan, seen, &session.client)
    };
    runtime.block_on(session.close());
    write_summary(
        config.output,
        &forecast.for_people(seen, halt, plan.service()),
        &forecast.for_scripts(),
    )?;
    let ending = forecast.ending(halt, stop, plan.service());
    Ok(ending.exit())
}

/// Looks up every row. Returns the surveys, and the reason for an early stop, or `None`.
pub(super) fn look_up(
    config: &ImportPlan,
    plan: &WorkList<'_>,
    session: &Session,
    runtime: &Runtime,
) -> (Vec<BatchSurvey>, Option<HaltReason>) {
    let style = ProgressForm::choose(config.output.verbosity);
    let (sending, events) = SendingProgress::start(
        style,
        "looking up",
        Workload::Rows(plan.send_count() as u64),
    );
    let found = runtime.block_on(service_dispatch::run_survey(
        &session.client,
        plan,
        (&session.settings, &events),
        session.stop_listener.wait_for_stop(),
    ));
    drop(events);
    sending.finish();
    found
}

/// Counts of the rows by what an import would do. Also the JSON summary of a dry run.
#[derive(Debug, Default, Serialize)]
struct DryRunForecast {
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
    /// Part of the rows that the import would send; `None` for all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PilotReport>,
    /// Files below the root that no row names; `None` where nobody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_in_no_row: Option<UnnamedFiles>,
    /// Changes to existing attachments.
    #[serde(skip_serializing_if = "PlannedChanges::are_none")]
    changes: PlannedChanges,
    /// Records of the rows that an import would send; `None` where no row would be sent, or where
    /// the service shows no records.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<LooksForecast>,
    /// Number of new jobs; `None` for a service without jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<u64>,
    requests: u64,
    /// Least time in seconds, at the configured rate and within the budgets of the service.
    seconds_at_the_rate: f64,
    /// Costs by either way of look-ups; `None` without a record to be made for a new row.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<LookUpCosts>,
}

impl DryRunForecast {
    fn new(
        config: &ImportPlan,
        plan: &WorkList<'_>,
        seen: &[BatchSurvey],
        client: &ServiceClient,
    ) -> Self {
        let mut forecast = Self {
            rows: plan.manifest().len() as u64,
            part: PilotReport::from_plan(&config.pilot, plan),
            files_in_no_row: plan.unnamed_files().cloned(),
            ..Self::default()
        };
        for (status, rows) in plan.settled_row_counts() {
            if status.is_done() {
                forecast.done_before += rows;
            } else {
                *forecast.not_done.entry(status.as_str()).or_default() += rows;
            }
        }
        for row in surveyed_rows(seen) {
            forecast.count_row(row);
        }
        let (reads, changes) = match client {
            ServiceClient::Workday(_) => {
                forecast.attachment_requests(seen.iter().map(|one| one.initial_look_ups).sum())
            }
            ServiceClient::Keelvar(_) => {
                let with = |outlook| {
                    seen.iter()
                        .filter(move |job| has_outlook(job, &outlook))
                        .count() as u64
                };
                let jobs = with(PredictedOutcome::Create);
                forecast.jobs = Some(jobs);
                // Each job is asked for its addresses, and then for its end.
                (2 * (jobs + with(PredictedOutcome::SendToBegunRecord)), jobs)
            }
        };
        let time = |counts: RequestCounts| {
            client.least_time(counts.reads, counts.changes, config.service.rate)
        };
        let each = RequestCounts { reads, changes };
        forecast.requests = reads + changes;
        forecast.seconds_at_the_rate = time(each).as_secs_f64();
        if let (ServiceClient::Workday(_), Some(scope)) = (client, plan.clash_scope()) {
            let (rows, at_once) = (surveyed_rows(seen), config.service.concurrency);
            forecast.lookup = LookUpCosts::compare(rows, scope, at_once, each, time);
        }
        if let Some(costs) = &forecast.lookup {
            (forecast.requests, forecast.seconds_at_the_rate) = costs.chosen(config.look_ups);
        }
        forecast
    }

    /// Returns the least numbers of requests without and with changes, in this order, for an import
    /// after `look_ups` look-ups.
    fn attachment_requests(&self, look_ups: u64) -> (u64, u64) {
        let PlannedChanges {
            replace,
            compare,
            title,
            title_with_content,
            rename,
            ..
        } = &self.changes;
        let sent = self.create + self.go_on + replace;
        let confirmations = sent.div_ceil(MAX_IDS_PER_LIST as u64);
        // A begun row is looked up once more, too. A replaced attachment is asked for the address
        // of its bytes, and again just before they go; a new name is looked up before the renaming
        // and afterwards.
        let reads = look_ups + self.go_on + confirmations + 2 * replace + compare + 2 * rename;
        (reads, sent + title - title_with_content + rename)
    }

    fn count_row(&mut self, one: &RowSurvey) {
        self.changes.count_row(one);
        match &one.predicted_outcome {
            PredictedOutcome::Create => {
                self.create += 1;
                self.create_bytes += one.size;
            }
            PredictedOutcome::SendToBegunRecord => {
                self.go_on += 1;
                self.go_on_bytes += one.size;
            }
            PredictedOutcome::KeepOtherContent if one.name_changes.is_empty() => self.keep += 1,
            PredictedOutcome::DoneWithoutSending(Status::Skipped)
                if one.name_changes.is_empty() =>
            {
                self.skip += 1;
            }
            PredictedOutcome::DoneWithoutSending(_) if one.name_changes.is_empty() => {
                self.done_before += 1;
            }
            // Counted as changes already.
            PredictedOutcome::Replace { .. }
            | PredictedOutcome::ReplaceUnlessSame
            | PredictedOutcome::KeepOtherContent
            | PredictedOutcome::DoneWithoutSending(_) => {}
            PredictedOutcome::NotDone(status, _) => {
                *self.not_done.entry(status.as_str()).or_default() += 1;
            }
        }
    }

    /// Expected ending of the import.
    fn ending(
        &self,
        halt: Option<&HaltReason>,
        stop: Option<StopSignal>,
        service: ProcurementService,
    ) -> RunEnding {
        RunEnding::new(halt, stop, service, || {
            if self.not_done.is_empty() && self.part.is_none() {
                RunEnding::Complete
            } else {
                RunEnding::Incomplete
            }
        })
    }

    fn for_people(
        &self,
        seen: &[BatchSurvey],
        halt: Option<&HaltReason>,
        service: ProcurementService,
    ) -> String {
        let rows = match &self.part {
            None => count_with_noun(self.rows, "row"),
            Some(part) => format!("{},", part.in_words(self.rows)),
        };
        let mut text = format!("an import of {rows} would\n");
        let mut line = |rows: u64, what: &str| {
            if rows > 0 {
                let _ = writeln!(text, "  {:>9}  {what}", group_thousands(rows));
            }
        };
        line(
            self.create,
            &format!("create and upload, {}", human_size(self.create_bytes)),
        );
        line(
            self.go_on,
            &format!("finish begun uploads, {}", human_size(self.go_on_bytes)),
        );
        let changes = &self.changes;
        line(
            changes.replace,
            &format!(
                "replace other content, {}",
                human_size(changes.replace_bytes)
            ),
        );
        line(
            changes.compare,
            &format!(
                "download attachments of the same size, and replace other content, {}",
                human_size(changes.compare_bytes)
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
        if let Some(part) = &self.part {
            line(part.rows_left_out(), "leave to a later run");
        }
        for (status, rows) in &self.not_done {
            line(*rows, &format!("not be able to finish: {status}"));
        }
        for (row, external_id, status, reason) in rows_not_done(seen).take(MAX_ROWS_NAMED) {
            let records = self.records.as_ref();
            let _ = match records.and_then(|records| records.line_for_row(row)) {
                Some(line) => writeln!(text, "{line}"),
                None => writeln!(
                    text,
                    "row {row}, external_id {external_id:?}: {status}, {reason}"
                ),
            };
        }
        let unnamed = rows_not_done(seen).count().saturating_sub(MAX_ROWS_NAMED);
        if unnamed > 0 {
            let _ = writeln!(text, "and {}", count_with_noun(unnamed as u64, "other row"));
        }
        for change in self.changes.lines() {
            let _ = writeln!(text, "{change}");
        }
        if self.changes.not_listed() > 0 {
            let unnamed = count_with_noun(self.changes.not_listed(), "other change");
            let _ = writeln!(text, "and {unnamed}");
        }
        if let Some(records) = &self.records {
            text.push_str(&records.for_people());
        }
        let _ = match self.jobs {
            None => writeln!(
                text,
                "the import would take {}{}: {} at this rate; this dry run changed nothing",
                count_with_noun(self.requests, "request"),
                if self.changes.compare > 0 {
                    " or more"
                } else {
                    ""
                },
                human_duration(self.seconds_at_the_rate)
            ),
            Some(jobs) => writeln!(
                text,
                "the import would take {} and at least {}: {} or more at what the service allows; \
                 this dry run changed nothing",
                count_with_noun(jobs, "job"),
                count_with_noun(self.requests - jobs, "look-up"),
                human_duration(self.seconds_at_the_rate)
            ),
        };
        if let Some(costs) = &self.lookup {
            text.push_str(&costs.for_people());
        }
        if let Some(halt) = halt {
            let _ = writeln!(text, "stopped early: {}", halt_message(halt, service));
        }
        text
    }

    fn for_scripts(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }
}

/// True if some row of a job has this predicted outcome.
fn has_outlook(job: &BatchSurvey, outlook: &PredictedOutcome) -> bool {
    job.rows.iter().any(|row| row.predicted_outcome == *outlook)
}

fn surveyed_rows(seen: &[BatchSurvey]) -> impl Iterator<Item = &RowSurvey> {
    seen.iter().flat_map(|one| &one.rows)
}

fn rows_not_done(seen: &[BatchSurvey]) -> impl Iterator<Item = (usize, &str, &str, &str)> {
    surveyed_rows(seen).filter_map(|one| match &one.predicted_outcome {
        PredictedOutcome::NotDone(status, reason) => Some((
            one.row,
            one.external_id.as_str(),
            status.as_str(),
            reason.as_str(),
        )),
        _ => None,
    })
}
