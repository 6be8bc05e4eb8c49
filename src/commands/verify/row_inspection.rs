//! Inspection of rows: asks the service about each claim, and settles each row as soon as its
//! answer comes.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use jiff::Timestamp;

use crate::commands::session::{ServiceClient, Session};
use crate::event::{EventSender, RunEvent};
use crate::model::AttachmentId;
use crate::mutex::lock_despite_poison;
use crate::pipeline::{self, HaltReason, InspectionDepth, InspectionQuery};
use crate::verification::DownloadScope;
use crate::verification::row::VerificationRow;

/// Draws the rows whose attachments are to be downloaded. Returns indices into `rows`.
pub(super) fn rows_to_download(
    rows: &[VerificationRow],
    download: DownloadScope,
) -> HashSet<usize> {
    let places: Vec<usize> = (0..rows.len())
        .filter(|place| rows[*place].is_download_candidate())
        .collect();
    let keys = places.iter().map(|place| &*rows[*place].line.external_id);
    let drawn = download.draw(keys);
    drawn.into_iter().map(|index| places[index]).collect()
}

/// Inspects all rows. Returns the settled rows, and the reason for an early stop, or `None`.
pub(super) async fn inspect_rows(
    rows: Vec<VerificationRow>,
    drawn: &HashSet<usize>,
    session: &Session,
    events: &EventSender,
) -> (Vec<VerificationRow>, Option<HaltReason>) {
    let stop = session.stop_listener.wait_for_stop();
    let settings = &session.settings;
    match &session.client {
        ServiceClient::Workday(workday) => {
            let questions = questions(&rows, drawn);
            let rows = Mutex::new(rows);
            let tell = |place: usize, seen| {
                events.send(RunEvent::RowInspected);
                lock_despite_poison(&rows)[place]
                    .record_comparison(Timestamp::now(), |claim| claim.compare(&seen));
            };
            let asked = pipeline::inspect_attachments(
                &questions, &**workday, settings, events, stop, &tell,
            );
            let halt = asked.await;
            (into_rows(rows), halt)
        }
        ServiceClient::Keelvar(keelvar) => {
            let (jobs, of_jobs) = jobs_and_their_rows(&rows);
            let rows = Mutex::new(rows);
            let tell = |id: AttachmentId, job| {
                for place in of_jobs.get(&id).into_iter().flatten() {
                    events.send(RunEvent::RowInspected);
                    let row = &mut lock_despite_poison(&rows)[*place];
                    row.record_comparison(Timestamp::now(), |claim| claim.compare_with_job(&job));
                }
            };
            let asked = pipeline::inspect_jobs(jobs, &**keelvar, settings, events, stop, &tell);
            let halt = asked.await;
            (into_rows(rows), halt)
        }
    }
}

fn into_rows(rows: Mutex<Vec<VerificationRow>>) -> Vec<VerificationRow> {
    rows.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn questions(rows: &[VerificationRow], drawn: &HashSet<usize>) -> Vec<InspectionQuery> {
    let question = |(place, row): (usize, &VerificationRow)| {
        let (id, size) = row.attachment_to_check()?;
        let bytes = match size {
            Some(size) if drawn.contains(&place) => InspectionDepth::DigestIfSize { size },
            _ => InspectionDepth::MetadataOnly,
        };
        let id = id.clone();
        Some(InspectionQuery {
            key: place,
            id,
            depth: bytes,
        })
    };
    rows.iter().enumerate().filter_map(question).collect()
}

/// Returns the jobs in the order of their first rows, and the indices of the rows of each job.
fn jobs_and_their_rows(
    rows: &[VerificationRow],
) -> (Vec<AttachmentId>, HashMap<AttachmentId, Vec<usize>>) {
    let mut jobs = Vec::new();
    let mut of_jobs: HashMap<AttachmentId, Vec<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        if let Some((id, _)) = row.attachment_to_check() {
            let places = of_jobs.entry(id.clone()).or_default();
            if places.is_empty() {
                jobs.push(id.clone());
            }
            places.push(place);
        }
    }
    (jobs, of_jobs)
}
