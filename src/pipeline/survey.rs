//! What an import would do, found out with requests that change nothing.

mod outlook;

use std::collections::HashMap;

use futures::future::try_join_all;

pub use outlook::{NewName, Outlook, RowSurvey};

use super::inspect::through;
use super::requests::{RequestOwner, Requests, Unmet};
use super::slots::Slot;
use super::{Halt, Settings, Task, TaskRow};
use crate::destination::{Destination, End, LISTED_AT_ONCE, Presence};
use crate::event::{Event, Events};
use crate::model::AttachmentId;
use crate::plan::{
    Begun, Change, Holding, NextStep, Outcome, Posted, RowFacts, Sent, Sighting, Start, There,
    Wishes, next_step, outcome,
};
use crate::results::{Reason, Status};
use outlook::{Foreseen, foreseen, unless_taken};

/// So many rows or lists of them may be under way at once, those included that stay without an answer.
const MOST_SURVEYS: usize = 2_000;

/// What an import would do with rows that are looked up together, as far as can be told today: those
/// of one record, or those of many of which one request shows all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What it would do with each row.
    pub rows: Vec<RowSurvey>,
    /// How many look-ups it would begin with.
    pub look_ups: u64,
}

/// Looks all rows up. Returns what it found, and why it stopped early if it did.
pub async fn survey<D: Destination>(
    tasks: impl Iterator<Item = Task>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> (Vec<Survey>, Option<Halt>) {
    let requests = Requests::new(destination, settings, events);
    let work = together(tasks).enumerate();
    let begin = async |(nth, tasks): (usize, Vec<Task>), slot: Slot<'_>| {
        let survey = look(&requests, settings.wishes, tasks, slot).await?;
        Ok((nth, survey))
    };
    let mut seen = Vec::new();
    let tell = |(nth, one): (usize, Survey)| {
        for row in &one.rows {
            events.send(Event::Ended {
                status: row.outlook.status(),
            });
        }
        seen.push((nth, one));
    };
    let halt = through(&requests, work, MOST_SURVEYS, begin, stop, tell).await;
    // In the order of the manifest, whichever came first.
    seen.sort_by_key(|(nth, _)| *nth);
    (seen.into_iter().map(|(_, one)| one).collect(), halt)
}

/// Puts tasks together of which one request shows how they stand. Any other stays alone.
fn together(tasks: impl Iterator<Item = Task>) -> impl Iterator<Item = Vec<Task>> {
    let mut tasks = tasks.peekable();
    std::iter::from_fn(move || {
        let first = tasks.next()?;
        let most = match listed(&first) {
            Some(_) => LISTED_AT_ONCE,
            None => 1,
        };
        let mut batch = vec![first];
        while batch.len() < most
            && let Some(next) = tasks.next_if(|next| listed(next).is_some())
        {
            batch.push(next);
        }
        Some(batch)
    })
}

/// The attachment of a task, if it is one that earlier runs left as it was to be.
fn listed(task: &Task) -> Option<&AttachmentId> {
    match &task.rows.first()?.start {
        Start::There(there) if there.change == Change::None => Some(&there.id),
        _ => None,
    }
}

async fn look<D: Destination>(
    requests: &Requests<'_, D>,
    wishes: Wishes,
    tasks: Vec<Task>,
    slot: Slot<'_>,
) -> Result<Survey, Halt> {
    let first = |task: &Task| task.rows.first().map_or(0, |row| row.row.number);
    let _at_work: Vec<_> = tasks
        .iter()
        .map(|task| requests.at_work(first(task)))
        .collect();
    let ids: Vec<AttachmentId> = tasks.iter().filter_map(listed).cloned().collect();
    let owner = RequestOwner {
        row: tasks.first().map_or(0, first),
        slots: slot.count(),
    };
    let list = if ids.is_empty() {
        Ok(HashMap::new())
    } else {
        requests.list(owner, &ids).await
    };
    let mut list = match list {
        Ok(list) => list,
        Err(Unmet::Halt(halt)) => return Err(halt),
        // Each for itself, then: one of them may be what spoils the list.
        Err(_) => HashMap::new(),
    };
    let new_names = tasks.iter().flat_map(|task| &task.rows);
    let new_names = new_names.filter(|row| row.row.new_external_id.is_some());
    let look_ups = 1 + new_names.count() as u64;
    let slots = if tasks.len() > 1 { 0 } else { owner.slots };
    let looks = tasks.iter().map(|task| {
        let shown = listed(task).and_then(|id| list.remove(id));
        let owner = RequestOwner {
            row: first(task),
            slots,
        };
        look_at(requests, owner, wishes, task, shown)
    });
    let rows: Vec<Vec<RowSurvey>> = try_join_all(looks.collect::<Vec<_>>()).await?;
    Ok(Survey {
        rows: rows.into_iter().flatten().collect(),
        look_ups,
    })
}

/// Looks the rows of one record up, unless it was `shown` already.
async fn look_at<D: Destination>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    wishes: Wishes,
    task: &Task,
    shown: Option<Presence<D::Target>>,
) -> Result<Vec<RowSurvey>, Halt> {
    let mut job = None;
    let mut shown = shown;
    let mut rows = Vec::with_capacity(task.rows.len());
    for row in &task.rows {
        let foreseen = match &row.start {
            Start::LookUp(posted) => look_up(requests, owner, row, posted, wishes).await,
            Start::Resume(begun) => resume(requests, owner, row, begun, wishes).await,
            Start::There(there) => left(requests, owner, row, there, shown.take(), wishes).await,
            Start::Job(None) => Ok((Outlook::Create, Vec::new())),
            Start::Job(Some(begun)) => {
                if job.is_none() {
                    job = Some(requests.get(owner, &begun.id).await);
                }
                job.clone()
                    .unwrap_or(Ok(Presence::Absent))
                    .map(|job| (in_job(&job, row, begun), Vec::new()))
            }
        };
        let foreseen = match foreseen {
            Ok(foreseen) => foreseen,
            Err(unmet) => (unseen(unmet)?, Vec::new()),
        };
        rows.push(RowSurvey::of(row, foreseen));
    }
    Ok(rows)
}

/// What would happen with a row that could not be looked up, unless nothing can.
fn unseen(unmet: Unmet) -> Result<Outlook, Halt> {
    Ok(match unmet {
        Unmet::Halt(halt) | Unmet::HaltUnknown(halt) => return Err(halt),
        Unmet::Forbidden(_) => Outlook::NotDone(Status::Failed, Reason::Forbidden),
        Unmet::Refused(_) => Outlook::NotDone(Status::Failed, Reason::Refused),
        Unmet::NotSent | Unmet::Unknown(_) | Unmet::GivenUp(_) => {
            Outlook::NotDone(Status::Pending, Reason::NoAnswer)
        }
    })
}

/// What would happen with a row that an earlier run put into a job.
fn in_job<T>(job: &Presence<T>, row: &TaskRow, begun: &Begun) -> Outlook {
    let end = match job {
        Presence::Running { .. } => return Outlook::GoOn,
        Presence::Ended(end) => end,
        _ => &End::unknown("not found"),
    };
    let sent = Sent::told_by(begun.progress);
    let fate = end.fate(begun.file_name(&row.row));
    match outcome(fate, sent, Some(begun), &row.content) {
        Outcome::Attached => Outlook::Done(Status::Uploaded),
        Outcome::AttachedBeforeTheChange if begun.elsewhere.is_some() => {
            Outlook::NotDone(Status::Conflict, Reason::ObjectChanged)
        }
        Outcome::AttachedBeforeTheChange => Outlook::NotDone(Status::Conflict, Reason::FileChanged),
        Outcome::Again => Outlook::Create,
        Outcome::Rejected(_) => Outlook::NotDone(Status::Failed, Reason::NotAttached),
        Outcome::Unknown => Outlook::NotDone(Status::Failed, Reason::JobFailed),
    }
}

async fn look_up<D: Destination>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &TaskRow,
    posted: &Posted,
    wishes: Wishes,
) -> Result<Foreseen, Unmet> {
    let present = requests.find(owner, &task.row.external_id).await?;
    let under_new = look_new_name_up(requests, owner, task).await?;
    let sighting = Sighting::ByName {
        present: &present,
        under_new: &under_new,
        posted,
    };
    let step = next_step(&sighting, facts(task, wishes));
    let seen = match present {
        Presence::Absent => &under_new,
        _ => &present,
    };
    let foreseen = foreseen(&step, seen, task, wishes);
    Ok(match seen {
        Presence::Pending { id } | Presence::Stored { id, .. } => {
            unless_taken(foreseen, &under_new, id)
        }
        _ => foreseen,
    })
}

async fn resume<D: Destination>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &TaskRow,
    begun: &Begun,
    wishes: Wishes,
) -> Result<Foreseen, Unmet> {
    let presence = requests.get(owner, &begun.id).await?;
    let sighting = Sighting::OfBegun {
        presence: &presence,
        begun,
    };
    let step = next_step(&sighting, facts(task, wishes));
    if step == NextStep::LookUp {
        return look_up(requests, owner, task, &Posted::No, wishes).await;
    }
    let foreseen = foreseen(&step, &presence, task, wishes);
    let under_new = look_new_name_up(requests, owner, task).await?;
    Ok(unless_taken(foreseen, &under_new, &begun.id))
}

/// What would happen with an attachment that an earlier run left, which a list may have shown.
async fn left<D: Destination>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &TaskRow,
    there: &There,
    shown: Option<Presence<D::Target>>,
    wishes: Wishes,
) -> Result<Foreseen, Unmet> {
    let presence = match shown {
        Some(presence @ Presence::Stored { .. }) => presence,
        // That a list does not name it does not prove that it is gone.
        _ => requests.get(owner, &there.id).await?,
    };
    let size = match &presence {
        Presence::Stored { size, .. } => Holding::Bytes(*size),
        Presence::Pending { .. } => Holding::NoBytes,
        _ => Holding::NoAttachment,
    };
    let sighting: Sighting<'_, D::Target> = Sighting::OfLeft { size, there };
    let step = next_step(&sighting, facts(task, wishes));
    if step == NextStep::LookUp {
        return look_up(requests, owner, task, &Posted::No, wishes).await;
    }
    let foreseen = foreseen(&step, &presence, task, wishes);
    let under_new = look_new_name_up(requests, owner, task).await?;
    Ok(unless_taken(foreseen, &under_new, &there.id))
}

fn facts(task: &TaskRow, wishes: Wishes) -> RowFacts<'_> {
    RowFacts {
        content: &task.content,
        changes: &task.changes,
        wishes,
    }
}

/// What is there under the name that a row's attachment is to get; nothing where it keeps its own.
async fn look_new_name_up<D: Destination>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &TaskRow,
) -> Result<Presence<D::Target>, Unmet> {
    match &task.row.new_external_id {
        Some(new_name) => requests.find(owner, new_name).await,
        None => Ok(Presence::Absent),
    }
}
