//! Survey of an import for a dry run, by requests without an effect: predicts the outcome of each
//! row.
//!
//! Open this file first; `outlook` turns next steps into predictions, and `jobs` predicts the rows
//! of jobs.

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

/// Highest number of surveys under way at once, including surveys without an answer.
const MOST_SURVEYS: usize = 2_000;

/// Predictions for rows surveyed together, as far as known today: the rows of a job, or the rows of
/// many attachments in the same list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Prediction for each row.
    pub rows: Vec<RowSurvey>,
    /// Number of look-ups with which an import of the rows would begin.
    pub look_ups: u64,
}

/// Surveys all rows of a service with attachments. Returns the surveys, and the reason for an early
/// stop.
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

/// Surveys all rows of a service with jobs. The result is as in [`survey_attachments`].
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

/// Surveys all pieces of work, in any order, and returns the surveys in the order of the pieces.
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
    // The order of the manifest, whichever survey came first.
    seen.sort_by_key(|(nth, _)| *nth);
    (seen.into_iter().map(|(_, one)| one).collect(), halt)
}

/// Groups tasks whose attachments fit into the same list. Any other task stays alone.
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

/// Returns the attachment of a task that earlier runs left as wanted.
fn listed(task: &AttachmentTask) -> Option<&AttachmentId> {
    match &task.start {
        AttachmentStart::There(there) if there.change == Change::None => Some(&there.id),
        _ => None,
    }
}

/// Surveys the rows of a group, with a list where possible.
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
        // A refused list may be due to any of its attachments, so each is asked for alone.
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

/// Surveys a row. `shown` is the answer of the list, if there is any.
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

/// Returns the outcome of a row after a failed look-up. Fails with the [`Halt`] of a failure that
/// stops the run.
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

/// Predicts the outcome of a row that starts with a look-up.
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

/// Predicts the outcome of a row with a begun record.
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

/// Predicts the outcome of a row with an existing attachment. `shown` is the answer of the list, if
/// there is any.
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
        // A gap in a list does not prove that the attachment is gone.
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

/// Returns the facts of a row that decide its next step.
fn facts(task: &AttachmentTask, wishes: Wishes) -> RowFacts<'_> {
    RowFacts {
        row: &task.row,
        content: &task.content,
        changes: &task.changes,
        wishes,
    }
}

/// Looks up the new `external_id` of a row. Finds nothing for a row without a new `external_id`.
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
