//! Survey of the rows of a job.

use super::outlook::{Outlook, RowSurvey};
use super::{Survey, unseen};
use crate::destination::{End, JobApi, JobPresence};
use crate::pipeline::requests::{RequestOwner, Requests};
use crate::pipeline::slots::Slot;
use crate::pipeline::{Halt, JobTask, TaskRow};
use crate::plan::{Begun, JobStart, Outcome, Sent, outcome};
use crate::results::{Reason, Status};
use crate::throttle::quota::Urgency;

/// Surveys rows, with a look at their job if an earlier run made any.
pub(super) async fn look<D: JobApi>(
    requests: &Requests<'_, D>,
    task: JobTask,
    slot: Slot<'_>,
) -> Result<Survey, Halt> {
    let _at_work = requests.at_work(task.number());
    let owner = RequestOwner {
        row: task.number(),
        slots: slot.count(),
    };
    let job = match task.earlier_job() {
        Some(id) => Some(requests.job(owner, id, Urgency::Urgent).await),
        None => None,
    };
    let mut rows = Vec::with_capacity(task.rows());
    for row in task.iter() {
        let outlook = match (&row.start, &job) {
            (JobStart::Earlier(begun), Some(Ok(job))) => in_job(job, row, begun),
            (JobStart::Earlier(_), Some(Err(unmet))) => unseen(unmet.clone())?,
            (JobStart::New, _) | (JobStart::Earlier(_), None) => Outlook::Create,
        };
        rows.push(RowSurvey::of(row, (outlook, Vec::new())));
    }
    Ok(Survey { rows, look_ups: 1 })
}

/// Predicts the outcome of a row in a job of an earlier run.
fn in_job<T>(job: &JobPresence<T>, row: &TaskRow<JobStart>, begun: &Begun) -> Outlook {
    let end = match job {
        JobPresence::Running { .. } => return Outlook::GoOn,
        JobPresence::Ended(end) => end,
        JobPresence::Absent => &End::unknown("not found"),
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
