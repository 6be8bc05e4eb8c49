//! Looks of a dry run at the records of rows, and at the attachments that hang on the records
//! already. An import does without.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::runtime::Runtime;

use super::MAX_ROWS_NAMED;
use super::copy_search::{CopyFindings, CopyForecast, CopyQueries};
use super::record_forecast::RecordForecast;
use super::record_survey::RecordSurvey;
use crate::commands::import::work_list::WorkList;
use crate::commands::session::{ServiceClient, Session};
use crate::config::{ImportPlan, ResolvedDestination};
use crate::destination::ObjectDetails;
use crate::destination::workday::WorkdayClient;
use crate::event::{EventSender, RunEvent};
use crate::manifest::problem::{ManifestProblem, ProblemKind, problem_line};
use crate::manifest::{Column, Manifest};
use crate::model::ObjectType;
use crate::mutex::lock_despite_poison;
use crate::pipeline::{self, BatchSurvey, HaltReason, RunSettings};
use crate::progress::{ProgressForm, SendingProgress, Workload};
use crate::text::{count_with_noun, escape};
use crate::throttle::EarlierAnswer;

/// Looks at the records of all rows that an import would send.
pub(super) struct RecordLooks<'a> {
    pub(super) config: &'a ImportPlan,
    pub(super) base: &'a ResolvedDestination,
    pub(super) plan: &'a WorkList<'a>,
    pub(super) session: &'a Session,
    pub(super) runtime: &'a Runtime,
}

/// Findings of the looks.
#[derive(Debug, Default)]
pub(super) struct RecordLookFindings {
    records: RecordSurvey,
    copies: CopyFindings,
    /// The first rows whose record is not there.
    rows_without_record: Vec<RowWithoutRecord>,
    /// Number of requests.
    requests: u64,
    /// Cause for which no record was looked at.
    unavailable: Option<String>,
}

/// Row whose record is not there. Also a part of the JSON summary.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct RowWithoutRecord {
    row: usize,
    line: u64,
    column: &'static str,
    value: String,
    /// The same for people, with the remedy.
    #[serde(skip)]
    text: String,
}

impl RecordLooks<'_> {
    /// Looks at the records, and predicts the refusal of rows whose record is missing. `known` are
    /// records read before. Returns the findings and the reason for an early stop; no findings for
    /// a service whose records cannot be read.
    pub(super) fn look(
        &self,
        seen: &mut [BatchSurvey],
        known: Vec<ObjectDetails>,
    ) -> (Option<RecordLookFindings>, Option<HaltReason>) {
        let ServiceClient::Workday(workday) = &self.session.client else {
            return (None, None);
        };
        let mut findings = RecordLookFindings {
            records: RecordSurvey::from_rows(seen),
            ..RecordLookFindings::default()
        };
        if findings.records.is_empty() {
            return (None, None);
        }
        findings.records.take_known(known);
        if let Err(why) = self.base.check_object_services() {
            findings.unavailable = Some(why.to_string());
            return (Some(findings), None);
        }
        let halt = self.read_records(workday, &mut findings);
        let refused = findings.records.refuse_rows_without_record(seen);
        let refused = refused.into_iter().take(MAX_ROWS_NAMED);
        findings.rows_without_record = refused
            .map(|row| RowWithoutRecord::new(row, self.plan.manifest()))
            .collect();
        if halt.is_some() {
            return (Some(findings), halt);
        }
        let halt = self.compare_attachments(workday, &mut findings);
        (Some(findings), halt)
    }

    /// Reads the records. Returns the reason for an early stop.
    fn read_records(
        &self,
        workday: &WorkdayClient,
        findings: &mut RecordLookFindings,
    ) -> Option<HaltReason> {
        let (places, queries) = findings.records.queries();
        if queries.is_empty() {
            return None;
        }
        let settings = RunSettings {
            // The service of attachments has answered, and the services of records have not.
            earlier_answer: EarlierAnswer::NoneYet,
            ..self.session.settings.clone()
        };
        let survey = Mutex::new(std::mem::take(&mut findings.records));
        let enough = |query: usize, shown: &_| {
            let place = places[query];
            lock_despite_poison(&survey).is_enough(place, shown)
        };
        let tell = |query: usize, finding| {
            lock_despite_poison(&survey).take(places[query], finding);
        };
        let (showing, events) = self.show_progress(
            "looking at records",
            Workload::Records(queries.len() as u64),
        );
        let stop = self.session.stop_listener.wait_for_stop();
        let reading =
            pipeline::find_objects(&queries, workday, &settings, &events, stop, &enough, &tell);
        let halt = self.runtime.block_on(reading);
        drop(events);
        findings.requests += showing.finish().requests;
        findings.records = survey.into_inner().unwrap_or_else(PoisonError::into_inner);
        match halt {
            // Good keys may have no rights for the service of a type, and a gateway may let the
            // service of attachments through alone. An import asks neither.
            Some(HaltReason::KeysRejected(why)) => {
                findings.records.give_up(&why);
                None
            }
            Some(HaltReason::NeverAnswered { last_failure, .. }) => {
                findings.records.give_up(&last_failure);
                None
            }
            halt => halt,
        }
    }

    /// Compares the attachments on the records with the files. Returns the reason for an early
    /// stop.
    fn compare_attachments(
        &self,
        workday: &WorkdayClient,
        findings: &mut RecordLookFindings,
    ) -> Option<HaltReason> {
        let comparison = CopyQueries::from_survey(&findings.records);
        let copies = Mutex::new(comparison.no_findings());
        let manifest = self.plan.manifest();
        let queries = comparison.queries();
        let mut halt = None;
        if !queries.is_empty() {
            let attachments = Workload::Attachments(queries.len() as u64);
            let (showing, events) = self.show_progress("looking at attachments", attachments);
            let tell = |key, inspected| {
                let copies = &mut lock_despite_poison(&copies);
                comparison.compare(key, &inspected, manifest, copies);
                events.send(RunEvent::RowInspected);
            };
            let settings = &self.session.settings;
            let stop = self.session.stop_listener.wait_for_stop();
            halt = self.runtime.block_on(pipeline::inspect_attachments(
                queries, workday, settings, &events, stop, &tell,
            ));
            drop(events);
            findings.requests += showing.finish().requests;
        }
        let mut copies = copies.into_inner().unwrap_or_else(PoisonError::into_inner);
        copies.leave_out_own(manifest, self.plan.earlier_results());
        findings.copies = copies;
        halt
    }

    fn show_progress(
        &self,
        what: &'static str,
        workload: Workload,
    ) -> (SendingProgress, EventSender) {
        let style = ProgressForm::choose(self.config.output.verbosity);
        SendingProgress::start(style, what, workload)
    }
}

impl RowWithoutRecord {
    /// Describes a row of the manifest, which was looked up.
    fn new(number: usize, manifest: &Manifest) -> Self {
        let row = manifest.row(number - 1);
        let object_type = row.object_type().parse();
        let object_type: ObjectType = object_type.expect("a row that was looked up has a type");
        let (column, kind) = match row.object_external_id() {
            "" => (Column::ObjectId, ProblemKind::UnknownObject(object_type)),
            _ => (
                Column::ObjectExternalId,
                ProblemKind::UnknownObjectExternalId(object_type),
            ),
        };
        let problem = ManifestProblem {
            row: u32::try_from(number).expect("rows are numbered in 32 bits"),
            column: Some(column),
            kind,
        };
        Self {
            row: number,
            line: row.line(),
            column: column.as_str(),
            value: row.cell(column).to_owned(),
            text: problem_line(&problem, manifest),
        }
    }
}

impl RecordLookFindings {
    /// Counts the findings.
    pub(super) fn into_forecast(self) -> LooksForecast {
        let is_available = self.unavailable.is_none();
        LooksForecast {
            unavailable: self.unavailable,
            requests: self.requests,
            records: is_available.then(|| self.records.forecast()),
            rows_without_record: self.rows_without_record,
            copies: is_available.then(|| self.copies.into_forecast()),
        }
    }
}

/// Counts of records, and of attachments that hang on the records already. Also a part of the JSON
/// summary.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct LooksForecast {
    /// Cause for which no record was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
    /// Requests of the looks, which an import does without.
    requests: u64,
    #[serde(flatten)]
    records: Option<RecordForecast>,
    /// The first rows whose record is not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows_without_record: Vec<RowWithoutRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copies: Option<CopyForecast>,
}

impl LooksForecast {
    /// Returns the line for a row whose record is not there.
    pub(super) fn line_for_row(&self, row: usize) -> Option<&str> {
        let place = self
            .rows_without_record
            .binary_search_by_key(&row, |one| one.row);
        Some(&self.rows_without_record[place.ok()?].text)
    }

    /// Returns the counts as lines for people.
    pub(super) fn for_people(&self) -> String {
        let mut text = String::new();
        if let Some(why) = &self.unavailable {
            let _ = writeln!(text, "records were not looked at: {}", escape(why));
        }
        text.push_str(
            &self
                .records
                .as_ref()
                .map_or_else(String::new, RecordForecast::for_people),
        );
        text.push_str(
            &self
                .copies
                .as_ref()
                .map_or_else(String::new, CopyForecast::for_people),
        );
        if self.requests > 0 {
            let _ = writeln!(
                text,
                "looking at records took {}, which the import does without",
                count_with_noun(self.requests, "request")
            );
        }
        text
    }
}
