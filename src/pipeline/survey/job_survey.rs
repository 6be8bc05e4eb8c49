//! Survey of the rows of a job.

use super::predicted_outcome::{PredictedOutcome, RowSurvey};
use super::{BatchSurvey, outcome_after_failure};
use crate::destination::{JobApi, JobOutcome, JobPresence};
use crate::pipeline::request_sender::{RequestOwner, RequestSender};
use crate::pipeline::upload_slots::HeldSlots;
use crate::pipeline::{HaltReason, JobTask, TaskRow};
use crate::plan::{BegunRecord, JobRowOutcome, JobStart, SentBytes, job_row_outcome};
use crate::results::{Status, StatusReason};
use crate::throttle::quota::RequestUrgency;

/// Surveys rows, with a look at their job if an earlier run made any.
pub(super) async fn survey_job<D: JobApi>(
    requests: &RequestSender<'_, D>,
    task: JobTask,
    slot: HeldSlots<'_>,
) -> Result<BatchSurvey, HaltReason> {
    let _at_work = requests.register_row_at_work(task.first_row_number());
    let owner = RequestOwner {
        row: task.first_row_number(),
        slots: slot.count(),
    };
    let job = match task.earlier_job() {
        Some(id) => Some(requests.get_job(owner, id, RequestUrgency::Urgent).await),
        None => None,
    };
    let mut rows = Vec::with_capacity(task.row_count());
    for row in task.iter() {
        let outlook = match (&row.start, &job) {
            (JobStart::Earlier(begun), Some(Ok(job))) => predict_from_job(job, row, begun),
            (JobStart::Earlier(_), Some(Err(unmet))) => outcome_after_failure(unmet.clone())?,
            (JobStart::New, _) | (JobStart::Earlier(_), None) => PredictedOutcome::Create,
        };
        rows.push(RowSurvey::new(row, (outlook, Vec::new())));
    }
    Ok(BatchSurvey {
        rows,
        initial_look_ups: 1,
    })
}

/// Predicts the outcome of a row in a job of an earlier run.
fn predict_from_job<T>(
    job: &JobPresence<T>,
    row: &TaskRow<JobStart>,
    begun: &BegunRecord,
) -> PredictedOutcome {
    let end = match job {
        JobPresence::Running { .. } => return PredictedOutcome::SendToBegunRecord,
        JobPresence::Ended(end) => end,
        JobPresence::Absent => &JobOutcome::with_unknown_files("not found"),
    };
    let sent = SentBytes::from_progress(begun.progress);
    let outcome = end.file_outcome(begun.file_name_in_job(&row.row));
    match job_row_outcome(outcome, sent, Some(begun), &row.content) {
        JobRowOutcome::Attached => PredictedOutcome::DoneWithoutSending(Status::Uploaded),
        JobRowOutcome::AttachedBeforeTheChange if begun.other_object.is_some() => {
            PredictedOutcome::NotDone(Status::Conflict, StatusReason::ObjectChanged)
        }
        JobRowOutcome::AttachedBeforeTheChange => {
            PredictedOutcome::NotDone(Status::Conflict, StatusReason::FileChanged)
        }
        JobRowOutcome::AnotherJob => PredictedOutcome::Create,
        JobRowOutcome::Rejected(_) => {
            PredictedOutcome::NotDone(Status::Failed, StatusReason::NotAttached)
        }
        JobRowOutcome::Unknown => {
            PredictedOutcome::NotDone(Status::Failed, StatusReason::JobFailed)
        }
    }
}
