//! What an import would do, found out with requests that change nothing.

mod outlook;

use futures::{StreamExt as _, stream};

pub use outlook::{NewName, Outlook, RowSurvey};

use super::requests::{Requests, Unmet};
use super::{Halt, Settings, Task, TaskRow};
use crate::destination::{Destination, End, Presence};
use crate::event::{Event, Events};
use crate::plan::{Begun, Outcome, Posted, Sent, Start, There, Wishes, outcome};
use crate::results::{Reason, Status};
use outlook::{Foreseen, of_begun, of_found, of_there, under};

/// What an import would do with the rows of one record, as far as can be told today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What it would do with each row.
    pub rows: Vec<RowSurvey>,
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
    let mut answers = stream::iter(tasks)
        .map(|task| look(&requests, settings.wishes, task))
        .buffered(settings.concurrency);
    let mut seen = Vec::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return (seen, Some(Halt::Interrupted)),
            answer = answers.next() => match answer {
                None => return (seen, None),
                Some(Err(halt)) => return (seen, Some(halt)),
                Some(Ok(one)) => {
                    for row in &one.rows {
                        events.send(Event::Ended { status: row.outlook.status() });
                    }
                    seen.push(one);
                }
            }
        }
    }
}

async fn look<D: Destination>(
    requests: &Requests<'_, D>,
    wishes: Wishes,
    task: Task,
) -> Result<Survey, Halt> {
    let mut job = None;
    let mut rows = Vec::with_capacity(task.rows.len());
    for row in &task.rows {
        let foreseen = match &row.start {
            Start::LookUp(posted) => look_up(requests, row, posted, wishes).await,
            Start::Resume(begun) => resume(requests, row, begun, wishes).await,
            Start::There(there) => be_there(requests, row, there, wishes).await,
            Start::Job(None) => Ok((Outlook::Create, Vec::new())),
            Start::Job(Some(begun)) => {
                if job.is_none() {
                    job = Some(requests.get(&begun.id).await);
                }
                job.clone()
                    .unwrap_or(Ok(Presence::Absent))
                    .map(|job| (in_job(&job, row, begun), Vec::new()))
            }
        };
        let (outlook, names) = match foreseen {
            Ok(foreseen) => foreseen,
            Err(unmet) => (unseen(unmet)?, Vec::new()),
        };
        rows.push(RowSurvey {
            row: row.row.number,
            external_id: row.row.external_id.to_string(),
            size: row.content.stamp.size,
            look_ups: 1 + u64::from(row.row.new_external_id.is_some()),
            outlook,
            names,
        });
    }
    Ok(Survey { rows })
}

/// What would happen with a row that could not be looked up, unless nothing can.
fn unseen(unmet: Unmet) -> Result<Outlook, Halt> {
    Ok(match unmet {
        Unmet::Halt(halt) => return Err(halt),
        Unmet::Forbidden(_) => Outlook::NotDone(Status::Failed, Reason::FORBIDDEN),
        Unmet::Refused(_) => Outlook::NotDone(Status::Failed, Reason::REFUSED),
        Unmet::NotSent | Unmet::Unknown(_) => Outlook::NotDone(Status::Pending, Reason::NO_ANSWER),
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
    match outcome(
        end,
        begun.file_name(&row.row),
        sent,
        Some(begun),
        &row.content,
    ) {
        Outcome::Attached => Outlook::Done(Status::Uploaded),
        Outcome::AttachedBeforeTheChange if begun.elsewhere.is_some() => {
            Outlook::NotDone(Status::Conflict, Reason::OBJECT_CHANGED)
        }
        Outcome::AttachedBeforeTheChange => {
            Outlook::NotDone(Status::Conflict, Reason::FILE_CHANGED)
        }
        Outcome::Again => Outlook::Create,
        Outcome::Rejected(_) => Outlook::NotDone(Status::Failed, Reason::NOT_ATTACHED),
        Outcome::Unknown => Outlook::NotDone(Status::Failed, Reason::JOB_FAILED),
    }
}

async fn be_there<D: Destination>(
    requests: &Requests<'_, D>,
    task: &TaskRow,
    there: &There,
    wishes: Wishes,
) -> Result<Foreseen, Unmet> {
    let presence = requests.get(&there.id).await?;
    Ok(of_there(&presence, there, task, wishes))
}

async fn look_up<D: Destination>(
    requests: &Requests<'_, D>,
    task: &TaskRow,
    posted: &Posted,
    wishes: Wishes,
) -> Result<Foreseen, Unmet> {
    let name = requests.find(&task.row.external_id).await?;
    let new_name = look_new_name_up(requests, task).await?;
    Ok(of_found(under(name, new_name, task), task, posted, wishes))
}

async fn resume<D: Destination>(
    requests: &Requests<'_, D>,
    task: &TaskRow,
    begun: &Begun,
    wishes: Wishes,
) -> Result<Foreseen, Unmet> {
    let presence = requests.get(&begun.id).await?;
    if let Presence::Absent = presence {
        return look_up(requests, task, &Posted::No, wishes).await;
    }
    let new_name = look_new_name_up(requests, task).await?;
    Ok(of_begun(&presence, &new_name, begun, task, wishes))
}

/// What is there under the name that a row's attachment is to get; nothing where it keeps its own.
async fn look_new_name_up<D: Destination>(
    requests: &Requests<'_, D>,
    task: &TaskRow,
) -> Result<Presence<D::Target>, Unmet> {
    match &task.row.new_external_id {
        Some(new_name) => requests.find(new_name).await,
        None => Ok(Presence::Absent),
    }
}
