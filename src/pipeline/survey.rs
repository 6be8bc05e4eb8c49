//! What an import would do, found out with requests that change nothing.

mod jobs;
mod outlook;

use std::collections::HashMap;

use futures::future::try_join_all;

pub use outlook::{NewName, Outlook, RowSurvey};

use super::inspect::through;
use super::requests::{RequestOwner, Requests, Unmet};
use super::slots::Slot;
use super::{AttachmentTask, Halt, JobTask, Settings};
use crate::destination::{AttachmentApi, Destination, JobApi, LISTED_AT_ONCE, Presence};
use crate::event::{Event, Events};
use crate::model::AttachmentId;
use crate::plan::{
    AttachmentStart, Begun, Change, Holding, NextStep, Posted, RowFacts, Sighting, There, Wishes,
    next_step,
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

/// Looks all rows of a service up that keeps attachments. Returns what it found, and why it stopped
/// early if it did.
pub async fn survey_attachments<D: AttachmentApi>(
    tasks: impl Iterator<Item = AttachmentTask>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> (Vec<Survey>, Option<Halt>) {
    let requests = Requests::new(destination, settings, events);
    let look = async |tasks, slot| look(&requests, settings.wishes, tasks, slot).await;
    survey(together(tasks), &requests, look, events, stop).await
}

/// Looks all rows of a service up that makes jobs. The same holds as of [`survey_attachments`].
pub async fn survey_jobs<D: JobApi>(
    tasks: impl Iterator<Item = JobTask>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> (Vec<Survey>, Option<Halt>) {
    let requests = Requests::new(destination, settings, events);
    let look = async |task, slot| jobs::look(&requests, task, slot).await;
    survey(tasks, &requests, look, events, stop).await
}

async fn survey<'a, D: Destination, W>(
    work: impl Iterator<Item = W>,
    requests: &'a Requests<'a, D>,
    look: impl AsyncFn(W, Slot<'a>) -> Result<Survey, Halt>,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> (Vec<Survey>, Option<Halt>) {
    let begin = async |(nth, work): (usize, W), slot: Slot<'a>| Ok((nth, look(work, slot).await?));
    let mut seen = Vec::new();
    let tell = |(nth, one): (usize, Survey)| {
        for row in &one.rows {
            events.send(Event::Ended {
                status: row.outlook.status(),
            });
        }
        seen.push((nth, one));
    };
    let halt = through(requests, work.enumerate(), MOST_SURVEYS, begin, stop, tell).await;
    // In the order of the manifest, whichever came first.
    seen.sort_by_key(|(nth, _)| *nth);
    (seen.into_iter().map(|(_, one)| one).collect(), halt)
}

/// Puts tasks together of which one request shows how they stand. Any other stays alone.
fn together(
    tasks: impl Iterator<Item = AttachmentTask>,
) -> impl Iterator<Item = Vec<AttachmentTask>> {
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
fn listed(task: &AttachmentTask) -> Option<&AttachmentId> {
    match &task.start {
        AttachmentStart::There(there) if there.change == Change::None => Some(&there.id),
        _ => None,
    }
}

async fn look<D: AttachmentApi>(
    requests: &Requests<'_, D>,
    wishes: Wishes,
    tasks: Vec<AttachmentTask>,
    slot: Slot<'_>,
) -> Result<Survey, Halt> {
    let number = |task: &AttachmentTask| task.row.number;
    let _at_work: Vec<_> = tasks
        .iter()
        .map(|task| requests.at_work(number(task)))
        .collect();
    let ids: Vec<AttachmentId> = tasks.iter().filter_map(listed).cloned().collect();
    let owner = RequestOwner {
        row: tasks.first().map_or(0, number),
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
    let has_new_name = |task: &&AttachmentTask| task.row.new_external_id.is_some();
    let new_names = tasks.iter().filter(has_new_name);
    let look_ups = 1 + new_names.count() as u64;
    let slots = if tasks.len() > 1 { 0 } else { owner.slots };
    let looks = tasks.iter().map(|task| {
        let shown = listed(task).and_then(|id| list.remove(id));
        let owner = RequestOwner {
            row: number(task),
            slots,
        };
        look_at(requests, owner, wishes, task, shown)
    });
    let rows = try_join_all(looks.collect::<Vec<_>>()).await?;
    Ok(Survey { rows, look_ups })
}

/// Looks a row up, unless it was `shown` already.
async fn look_at<D: AttachmentApi>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    wishes: Wishes,
    task: &AttachmentTask,
    shown: Option<Presence>,
) -> Result<RowSurvey, Halt> {
    let foreseen = match &task.start {
        AttachmentStart::LookUp(posted) => look_up(requests, owner, task, posted, wishes).await,
        AttachmentStart::Resume(begun) => resume(requests, owner, task, begun, wishes).await,
        AttachmentStart::There(there) => left(requests, owner, task, there, shown, wishes).await,
    };
    let foreseen = match foreseen {
        Ok(foreseen) => foreseen,
        Err(unmet) => (unseen(unmet)?, Vec::new()),
    };
    Ok(RowSurvey::of(task, foreseen))
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

async fn look_up<D: AttachmentApi>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
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

async fn resume<D: AttachmentApi>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
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
async fn left<D: AttachmentApi>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
    there: &There,
    shown: Option<Presence>,
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
        Presence::Absent | Presence::Mismatch { .. } => Holding::NoAttachment,
    };
    let sighting: Sighting<'_> = Sighting::OfLeft { size, there };
    let step = next_step(&sighting, facts(task, wishes));
    if step == NextStep::LookUp {
        return look_up(requests, owner, task, &Posted::No, wishes).await;
    }
    let foreseen = foreseen(&step, &presence, task, wishes);
    let under_new = look_new_name_up(requests, owner, task).await?;
    Ok(unless_taken(foreseen, &under_new, &there.id))
}

fn facts(task: &AttachmentTask, wishes: Wishes) -> RowFacts<'_> {
    RowFacts {
        row: &task.row,
        content: &task.content,
        changes: &task.changes,
        wishes,
    }
}

/// What is there under the name that a row's attachment is to get; nothing where it keeps its own.
async fn look_new_name_up<D: AttachmentApi>(
    requests: &Requests<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
) -> Result<Presence, Unmet> {
    match &task.row.new_external_id {
        Some(new_name) => requests.find(owner, new_name).await,
        None => Ok(Presence::Absent),
    }
}
