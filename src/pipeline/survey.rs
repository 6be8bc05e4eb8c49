//! What an import would do, found out with requests that change nothing.

use futures::{StreamExt as _, stream};

use super::requests::{Requests, Unmet};
use super::{Halt, Settings, Task};
use crate::destination::Destination;
use crate::event::{Event, Events};
use crate::plan::{Begun, Found, Posted, Standing, Start, found, standing};
use crate::results::{Reason, Status};

/// What an import would do with one row, as far as can be told today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
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
                    events.send(Event::Ended { status: one.outlook.status() });
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
    let outlook = match &task.start {
        Start::LookUp(posted) => look_up(requests, &task, posted).await,
        Start::Resume(begun) => resume(requests, &task, begun).await,
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
    Ok(Survey {
        row: task.row.number,
        external_id: task.row.external_id.to_string(),
        size: task.content.stamp.size,
        outlook,
    })
}

async fn look_up<D: Destination>(
    requests: &Requests<'_, D>,
    task: &Task,
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
    task: &Task,
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
