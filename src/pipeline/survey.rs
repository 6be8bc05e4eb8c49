//! What an import would do, found out with requests that change nothing.

use futures::{StreamExt as _, stream};

use super::requests::{Requests, Unmet};
use super::{Halt, Settings, Task, TaskRow};
use crate::destination::{Destination, End, Presence};
use crate::event::{Event, Events};
use crate::plan::{Begun, Found, Outcome, Posted, Sent, Standing, Start, found, outcome, standing};
use crate::results::{Reason, Status};

/// What an import would do with the rows of one record, as far as can be told today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What it would do with each row.
    pub rows: Vec<RowSurvey>,
}

/// What an import would do with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSurvey {
    /// The row's number.
    pub row: usize,
    /// Its key.
    pub external_id: String,
    /// The size of its file, in bytes.
    pub size: u64,
    /// What would happen.
    pub outlook: Outlook,
}

/// What would happen with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// A record would be made, and the file sent.
    Create,
    /// The file would be sent to a record that an earlier run began.
    GoOn,
    /// The row would be done without anything being sent.
    Done(Status),
    /// It would not be done, for this reason.
    NotDone(Status, Reason),
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
        .map(|task| look(&requests, task))
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

impl Outlook {
    /// The status that the row would have.
    pub fn status(&self) -> Status {
        match self {
            Self::Create | Self::GoOn => Status::Uploaded,
            Self::Done(status) | Self::NotDone(status, _) => *status,
        }
    }
}

async fn look<D: Destination>(requests: &Requests<'_, D>, task: Task) -> Result<Survey, Halt> {
    let mut job = None;
    let mut rows = Vec::with_capacity(task.rows.len());
    for row in &task.rows {
        let outlook = match &row.start {
            Start::LookUp(posted) => look_up(requests, row, posted).await,
            Start::Resume(begun) => resume(requests, row, begun).await,
            Start::There(there) => Ok(Outlook::Done(there.status)),
            Start::Job(None) => Ok(Outlook::Create),
            Start::Job(Some(begun)) => {
                if job.is_none() {
                    job = Some(requests.get(&begun.id).await);
                }
                job.clone()
                    .unwrap_or(Ok(Presence::Absent))
                    .map(|job| in_job(&job, row, begun))
            }
        };
        let outlook = match outlook {
            Ok(outlook) => outlook,
            Err(Unmet::Halt(halt)) => return Err(halt),
            Err(Unmet::Forbidden(_)) => Outlook::NotDone(Status::Failed, Reason::FORBIDDEN),
            Err(Unmet::Refused(_)) => Outlook::NotDone(Status::Failed, Reason::REFUSED),
            Err(Unmet::NotSent | Unmet::Unknown(_)) => {
                Outlook::NotDone(Status::Pending, Reason::NO_ANSWER)
            }
        };
        rows.push(RowSurvey {
            row: row.row.number,
            external_id: row.row.external_id.to_string(),
            size: row.content.stamp.size,
            outlook,
        });
    }
    Ok(Survey { rows })
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

async fn look_up<D: Destination>(
    requests: &Requests<'_, D>,
    task: &TaskRow,
    posted: &Posted,
) -> Result<Outlook, Unmet> {
    let presence = requests.find(&task.row.external_id).await?;
    Ok(match found(presence, posted, &task.content) {
        Found::Nothing => Outlook::Create,
        Found::Ours(_) => Outlook::GoOn,
        Found::SameSize(_) => Outlook::Done(Status::Skipped),
        Found::OtherSize(..) => Outlook::NotDone(Status::Conflict, Reason::STORED_OTHER_SIZE),
        Found::Mismatch(_) => Outlook::NotDone(Status::Failed, Reason::LOOKUP_MISMATCH),
        Found::Unfinished(Some(_)) => Outlook::NotDone(Status::Pending, Reason::OBJECT_CHANGED),
        Found::Unfinished(None) => Outlook::NotDone(Status::Pending, Reason::PENDING_ELSEWHERE),
    })
}

async fn resume<D: Destination>(
    requests: &Requests<'_, D>,
    task: &TaskRow,
    begun: &Begun,
) -> Result<Outlook, Unmet> {
    let presence = requests.get(&begun.id).await?;
    Ok(match standing(&presence, begun, &task.content) {
        Standing::Gone => return look_up(requests, task, &Posted::No).await,
        Standing::Empty | Standing::Sent => Outlook::GoOn,
        Standing::EmptyElsewhere => Outlook::NotDone(Status::Pending, Reason::OBJECT_CHANGED),
        Standing::Stored(size) if size == task.content.stamp.size => {
            Outlook::Done(Status::Uploaded)
        }
        Standing::Stored(_) => Outlook::NotDone(Status::Failed, Reason::SIZE_MISMATCH),
        Standing::StoredBeforeTheChange(_) if begun.elsewhere.is_some() => {
            Outlook::NotDone(Status::Conflict, Reason::OBJECT_CHANGED)
        }
        Standing::StoredBeforeTheChange(_) => {
            Outlook::NotDone(Status::Conflict, Reason::FILE_CHANGED)
        }
        Standing::Mismatch => Outlook::NotDone(Status::Created, Reason::NO_ANSWER),
    })
}
