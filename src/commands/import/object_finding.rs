//! Search for records named by external ids, before anything is sent: the records with their rows,
//! the requests, the lines of rows whose records were found, and the problems of the other rows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};

use super::result_lines::{self, LineExtent, LineSources};
use super::results_opening::results_not_begun;
use super::run_end::EndedRun;
use super::service_dispatch;
use super::work_list::WorkList;
use crate::commands::session::{Session, StopPolicy};
use crate::config::ImportPlan;
use crate::destination::ObjectDetails;
use crate::error::CommandError;
use crate::manifest::problem::{ManifestProblem, ProblemKind};
use crate::manifest::{Column, Manifest};
use crate::model::{NamedObject, ObjectRef};
use crate::mutex::lock_despite_poison;
use crate::pipeline::{HaltReason, ObjectFinding};
use crate::plan::FoundObjects;
use crate::progress::{ProgressForm, RunTally, SendingProgress, Workload};
use crate::results::earlier_results::EarlierResults;
use crate::results::journal::{self, Journal, JournalClosed};
use crate::results::results_file::ResultsFile;
use crate::results::{ResultsEntry, is_untried_row};
use crate::text::{count_with_noun_and_verb, escape, write_stderr};

/// Largest number of records whose lines are written at once. Bounds the memory for lines; a sync
/// costs little beside so many lines.
const MAX_RECORDS_PER_SYNC: usize = 1_000;

/// Records to look up, each once, with their rows.
#[derive(Debug, Default)]
pub(super) struct RecordsToFind {
    names: Vec<NamedObject>,
    /// Indices of the rows of the record at the same place.
    rows: Vec<Vec<u32>>,
}

impl RecordsToFind {
    /// Gathers the records of rows, in the order of the rows.
    pub(super) fn of_rows(manifest: &Manifest, rows: &[u32]) -> Self {
        let mut records = Self::default();
        let mut places = HashMap::new();
        for index in rows {
            let Ok(row) = manifest.row(*index as usize).parse() else {
                continue;
            };
            let place = *places.entry(row.object.clone()).or_insert_with(|| {
                records.names.push(row.object);
                records.rows.push(Vec::new());
                records.names.len() - 1
            });
            records.rows[place].push(*index);
        }
        records
    }

    /// True if no record has to be looked up.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the indices of all rows, in ascending order.
    pub(super) fn row_indices(&self) -> Vec<u32> {
        let mut rows = self.rows.concat();
        rows.sort_unstable();
        rows
    }

    /// Returns the records found.
    pub(super) fn found(&self, findings: &RecordFindings) -> FoundObjects {
        let mut found = FoundObjects::default();
        for (name, finding) in self.names.iter().zip(&findings.0) {
            if let Some(ObjectFinding::Found(details)) = finding {
                found.insert(name.clone(), details.object);
            }
        }
        found
    }

    /// Returns the problems of the rows whose records were looked up and not found.
    pub(super) fn problems(
        &self,
        findings: &RecordFindings,
        manifest: &Manifest,
    ) -> Vec<ManifestProblem> {
        let mut problems = Vec::new();
        for ((name, rows), finding) in self.names.iter().zip(&self.rows).zip(&findings.0) {
            let Some(kind) = finding.as_ref().and_then(|one| problem_kind(name, one)) else {
                continue;
            };
            let column = match name {
                NamedObject::Known(_) => Column::ObjectId,
                NamedObject::ByExternalId(..) => Column::ObjectExternalId,
            };
            let of_row = |index: &u32| {
                manifest
                    .row(*index as usize)
                    .problem(Some(column), kind.clone())
            };
            problems.extend(rows.iter().map(of_row));
        }
        problems
    }

    /// Returns the lines to record for the rows of a found record. A row tried by an earlier run
    /// keeps its line, since the line tells more.
    fn lines_of_found<'a>(
        &'a self,
        FoundRecord { place, object }: FoundRecord,
        lines: &'a LineSources<'_>,
        earlier: &'a EarlierResults,
    ) -> impl Iterator<Item = ResultsEntry> + 'a {
        let rows = self.rows[place].iter();
        rows.map(|index| lines.manifest.row(*index as usize))
            .filter(|row| {
                let line = earlier.latest_entry(row.external_id());
                line.is_none_or(|line| is_untried_row(&line))
            })
            .map(move |row| lines.entry_with_object(&row, object, Timestamp::now()))
    }
}

/// Record that was found, by the place of its query.
#[derive(Debug, Clone, Copy)]
struct FoundRecord {
    place: usize,
    object: ObjectRef,
}

/// Results of a search, in the order of the records; `None` for a record not looked up.
pub(super) struct RecordFindings(Vec<Option<ObjectFinding>>);

impl RecordFindings {
    /// Returns the records found, as the service shows them.
    pub(super) fn into_details(self) -> Vec<ObjectDetails> {
        let findings = self.0.into_iter().flatten();
        let found = findings.filter_map(|finding| match finding {
            ObjectFinding::Found(details) => Some(details),
            _ => None,
        });
        found.collect()
    }
}

/// Returns the mistake that a finding shows in the name of a record; `None` for a record found.
fn problem_kind(name: &NamedObject, finding: &ObjectFinding) -> Option<ProblemKind> {
    let object_type = name.object_type();
    Some(match (finding, name) {
        (ObjectFinding::Found(_), _) => return None,
        (ObjectFinding::Missing, NamedObject::Known(_)) => ProblemKind::UnknownObject(object_type),
        (ObjectFinding::Missing, NamedObject::ByExternalId(..)) => {
            ProblemKind::UnknownObjectExternalId(object_type)
        }
        (ObjectFinding::Ambiguous(count), _) => ProblemKind::AmbiguousObjectExternalId {
            object_type,
            count: u32::try_from(*count).unwrap_or(u32::MAX),
        },
        (ObjectFinding::Unknown(cause), _) => ProblemKind::ObjectNotLookedUp {
            cause: cause.as_str().into(),
        },
    })
}

/// End of a search.
pub(super) struct SearchEnd {
    pub(super) findings: RecordFindings,
    /// Reason for an early stop, if any.
    pub(super) halt: Option<HaltReason>,
    pub(super) tally: RunTally,
}

/// Looks up all records, and writes nothing.
pub(super) fn find_records(
    config: &ImportPlan,
    records: &RecordsToFind,
    session: &Session,
    runtime: &Runtime,
) -> SearchEnd {
    let stop = session.stop_listener.wait_for_stop();
    runtime.block_on(search(config, records, session, stop, &|_, _| {}))
}

/// Looks up all records, and writes each found record into the results of its rows: after a kill
/// meanwhile, the next run knows the found records from the lines.
pub(super) fn find_and_record(
    config: &ImportPlan,
    records: &RecordsToFind,
    session: &Session,
    runtime: &Runtime,
    plan: &WorkList<'_>,
    mut results: ResultsFile,
) -> Result<(RecordFindings, EndedRun), CommandError> {
    let label = &session.settings.destination;
    let (lines, earlier) = (plan.line_sources(label), plan.earlier_results());
    let known = result_lines::result_lines(&lines, earlier, LineExtent::KnownRows);
    let manifest = plan.manifest();
    results
        .rewrite_before_run(manifest.output_dialect(), manifest.extra_columns(), known)
        .map_err(results_not_begun)?;
    let (journal, writer) = journal::start_journal(results);
    // The queue holds records, not lines: a walk tells of all its records at once, and a line is many
    // times as large as a record.
    let (found_records, queue) = mpsc::unbounded_channel();
    let is_closed = Notify::new();
    let searching = async {
        let stop = async {
            tokio::select! {
                () = session.stop_listener.wait_for_stop() => {}
                () = is_closed.notified() => {}
            }
        };
        let tell = |place: usize, finding: &ObjectFinding| {
            if let ObjectFinding::Found(details) = finding {
                let object = details.object;
                // A journal that is closed ends the search by itself.
                let _ = found_records.send(FoundRecord { place, object });
            }
        };
        let end = search(config, records, session, stop, &tell).await;
        drop(found_records);
        end
    };
    let recording = async {
        let lines_of = |found| records.lines_of_found(found, &lines, earlier);
        let recorded = record_lines(&journal, queue, lines_of).await;
        is_closed.notify_one();
        recorded
    };
    let (end, recorded) = runtime.block_on(async { tokio::join!(searching, recording) });
    let halt = match recorded {
        Ok(()) => end.halt,
        Err(JournalClosed) => Some(HaltReason::JournalUnusable),
    };
    let written = writer.finish(journal);
    let ended = EndedRun::read_back(halt, end.tally, written, plan, label)?;
    Ok((end.findings, ended))
}

/// Leaves the results of a run without a change at the service: in order, or, where the run made the file and
/// found no record, not at all.
pub(super) fn leave_results(
    config: &ImportPlan,
    mut results: ResultsFile,
    plan: &WorkList<'_>,
    destination: &str,
    found: &FoundObjects,
) -> Result<(), CommandError> {
    if found.is_empty() && results.is_new() {
        return results.discard().map_err(results_not_begun);
    }
    let rows = plan.line_sources(destination);
    let lines = result_lines::result_lines(&rows, plan.earlier_results(), LineExtent::AllRows);
    let manifest = plan.manifest();
    results
        .rewrite_before_run(manifest.output_dialect(), manifest.extra_columns(), lines)
        .map_err(results_not_begun)?;
    if !found.is_empty() && config.shows_notices() {
        write_stderr(&format!(
            "{} found and noted in {}: the same command does not look them up again\n",
            count_with_noun_and_verb(found.len() as u64, "record", ["was", "were"]),
            escape(&results.path().to_string_lossy())
        ));
    }
    Ok(())
}

/// Records the lines of found records as the records come, many at once, until no more can come.
async fn record_lines<L: Iterator<Item = ResultsEntry>>(
    journal: &impl Journal,
    mut queue: mpsc::UnboundedReceiver<FoundRecord>,
    lines_of: impl Fn(FoundRecord) -> L,
) -> Result<(), JournalClosed> {
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, MAX_RECORDS_PER_SYNC).await > 0 {
        let lines = waiting.drain(..).flat_map(&lines_of).collect();
        journal.record(lines).await?;
    }
    Ok(())
}

async fn search(
    config: &ImportPlan,
    records: &RecordsToFind,
    session: &Session,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(usize, &ObjectFinding) + Sync),
) -> SearchEnd {
    let style = ProgressForm::choose(config.output.verbosity);
    let workload = Workload::Records(records.names.len() as u64);
    let (progress, events) = SendingProgress::start(style, "finding", workload);
    let findings = Mutex::new(vec![None; records.names.len()]);
    let note = |place: usize, finding: ObjectFinding| {
        tell(place, &finding);
        lock_despite_poison(&findings)[place] = Some(finding);
    };
    let stop_listener = &session.stop_listener;
    stop_listener.set_policy(StopPolicy::AbandonRequests);
    let halt = service_dispatch::find_records(
        &session.client,
        &records.names,
        (&session.settings, &events),
        stop,
        &note,
    )
    .await;
    stop_listener.set_policy(StopPolicy::FinishRequests);
    drop(events);
    let findings = findings.into_inner();
    SearchEnd {
        findings: RecordFindings(findings.unwrap_or_else(PoisonError::into_inner)),
        halt,
        tally: progress.finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectExternalId, ObjectType};

    #[test]
    fn each_finding_but_a_record_is_a_problem_of_the_cell_that_names_the_record() {
        let object = ObjectRef::parse(ObjectType::Event, "7").unwrap();
        let external_id = ObjectExternalId::parse("EV-1").unwrap();
        let by_external_id = NamedObject::ByExternalId(ObjectType::Event, external_id);
        let unknown = || ObjectFinding::Unknown("status 400".to_owned());
        let not_looked_up = || ProblemKind::ObjectNotLookedUp {
            cause: "status 400".into(),
        };
        for (name, finding, kind) in [
            (
                NamedObject::Known(object),
                ObjectFinding::Missing,
                ProblemKind::UnknownObject(ObjectType::Event),
            ),
            (NamedObject::Known(object), unknown(), not_looked_up()),
            (
                by_external_id.clone(),
                ObjectFinding::Missing,
                ProblemKind::UnknownObjectExternalId(ObjectType::Event),
            ),
            (
                by_external_id.clone(),
                ObjectFinding::Ambiguous(3),
                ProblemKind::AmbiguousObjectExternalId {
                    object_type: ObjectType::Event,
                    count: 3,
                },
            ),
            (by_external_id, unknown(), not_looked_up()),
        ] {
            assert_eq!(problem_kind(&name, &finding), Some(kind));
        }
    }
}
