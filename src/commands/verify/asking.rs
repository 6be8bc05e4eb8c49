//! Inspection of rows: asks the service about each claim, and settles each row as soon as its
//! answer comes.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use jiff::Timestamp;

use crate::commands::session::{Client, Session};
use crate::event::{Event, Events};
use crate::model::AttachmentId;
use crate::pipeline::{self, Halt, Question, Wanted};
use crate::sync::lock;
use crate::verification::Download;
use crate::verification::row::Row;

/// Draws the rows whose attachments are to be downloaded. Returns indices into `rows`.
pub(super) fn drawn(rows: &[Row], download: Download) -> HashSet<usize> {
    let places: Vec<usize> = (0..rows.len())
        .filter(|place| rows[*place].is_worth_a_download())
        .collect();
    let keys = places.iter().map(|place| &*rows[*place].line.external_id);
    let drawn = download.drawn(keys);
    drawn.into_iter().map(|index| places[index]).collect()
}

/// Inspects all rows. Returns the settled rows, and the reason for an early stop, or `None`.
pub(super) async fn ask(
    rows: Vec<Row>,
    drawn: &HashSet<usize>,
    session: &Session,
    events: &Events,
) -> (Vec<Row>, Option<Halt>) {
    let stop = session.stopping.requested();
    let settings = &session.settings;
    match &session.client {
        Client::Workday(workday) => {
            let questions = questions(&rows, drawn);
            let rows = Mutex::new(rows);
            let tell = |place: usize, seen| {
                events.send(Event::Inspected);
                lock(&rows)[place].settle(Timestamp::now(), |claim| claim.compare(&seen));
            };
            let asked = pipeline::inspect(questions, &**workday, settings, events, stop, &tell);
            let halt = asked.await;
            (into_inner(rows), halt)
        }
        Client::Keelvar(keelvar) => {
            let (jobs, of_jobs) = jobs(&rows);
            let rows = Mutex::new(rows);
            let tell = |id: AttachmentId, job| {
                for place in of_jobs.get(&id).into_iter().flatten() {
                    events.send(Event::Inspected);
                    let row = &mut lock(&rows)[*place];
                    row.settle(Timestamp::now(), |claim| claim.compare_with_job(&job));
                }
            };
            let asked = pipeline::inspect_jobs(jobs, &**keelvar, settings, events, stop, &tell);
            let halt = asked.await;
            (into_inner(rows), halt)
        }
    }
}

fn into_inner(rows: Mutex<Vec<Row>>) -> Vec<Row> {
    rows.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn questions(rows: &[Row], drawn: &HashSet<usize>) -> Vec<Question> {
    let question = |(place, row): (usize, &Row)| {
        let (id, size) = row.to_ask()?;
        let bytes = match size {
            Some(size) if drawn.contains(&place) => Wanted::Digest { size },
            _ => Wanted::Nothing,
        };
        let id = id.clone();
        Some(Question { place, id, bytes })
    };
    rows.iter().enumerate().filter_map(question).collect()
}

/// Returns the jobs in the order of their first rows, and the indices of the rows of each job.
fn jobs(rows: &[Row]) -> (Vec<AttachmentId>, HashMap<AttachmentId, Vec<usize>>) {
    let mut jobs = Vec::new();
    let mut of_jobs: HashMap<AttachmentId, Vec<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        if let Some((id, _)) = row.to_ask() {
            let places = of_jobs.entry(id.clone()).or_default();
            if places.is_empty() {
                jobs.push(id.clone());
            }
            places.push(place);
        }
    }
    (jobs, of_jobs)
}
