//! Survey of an import for a dry run, by requests without an effect: predicts the outcome of each
//! row.
//!
//! Open this file first; `predicted_outcome` turns next steps into predictions, and `job_survey`
//! predicts the rows of jobs.

mod job_survey;
mod predicted_outcome;

use std::collections::HashMap;

use futures::future::try_join_all;

pub use predicted_outcome::{PredictedNameChange, PredictedOutcome, RowSurvey};

use super::inspection::run_in_slots;
use super::request_sender::{RequestFailure, RequestOwner, RequestSender};
use super::upload_slots::HeldSlots;
use super::{AttachmentTask, HaltReason, JobTask, RunSettings};
use crate::destination::{
    AttachmentApi, AttachmentPresence, Destination, JobApi, MAX_IDS_PER_LIST,
};
use crate::event::{EventSender, RunEvent};
use crate::model::AttachmentId;
use crate::plan::{
    AttachmentBytes, AttachmentEvidence, AttachmentStart, BegunRecord, ChangeStage,
    ExistingAttachment, NextStep, PriorCreate, RowFacts, UpdatePolicy, next_step,
};
use crate::results::{Status, StatusReason};
use predicted_outcome::{RowPrediction, predict_from_step, unless_new_id_is_taken};

/// Highest number of surveys under way at once, including surveys without an answer.
const MAX_SURVEYS_AT_ONCE: usize = 2_000;

/// Predictions for rows surveyed together, as far as known today: the rows of a job, or the rows of
/// many attachments in the same list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSurvey {
    /// Prediction for each row.
    pub rows: Vec<RowSurvey>,
    /// Number of look-ups with which an import of the rows would begin.
    pub initial_look_ups: u64,
}

/// Surveys all rows of a service with attachments. Returns the surveys, and the reason for an early
/// stop.
pub async fn survey_attachments<D: AttachmentApi>(
    tasks: impl Iterator<Item = AttachmentTask>,
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
) -> (Vec<BatchSurvey>, Option<HaltReason>) {
    let requests = RequestSender::new(destination, settings, events);
    let look =
        async |tasks, slot| survey_batch(&requests, settings.update_policy, tasks, slot).await;
    survey_batches(batch_listed_tasks(tasks), &requests, look, events, stop).await
}

/// Surveys all rows of a service with jobs. The result is as in [`survey_attachments`].
pub async fn survey_jobs<D: JobApi>(
    tasks: impl Iterator<Item = JobTask>,
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
) -> (Vec<BatchSurvey>, Option<HaltReason>) {
    let requests = RequestSender::new(destination, settings, events);
    let look = async |task, slot| job_survey::survey_job(&requests, task, slot).await;
    survey_batches(tasks, &requests, look, events, stop).await
}

/// Surveys all pieces of work, in any order, and returns the surveys in the order of the pieces.
async fn survey_batches<'a, D: Destination, W>(
    work: impl Iterator<Item = W>,
    requests: &'a RequestSender<'a, D>,
    look: impl AsyncFn(W, HeldSlots<'a>) -> Result<BatchSurvey, HaltReason>,
    events: &EventSender,
    stop: impl Future<Output = ()>,
) -> (Vec<BatchSurvey>, Option<HaltReason>) {
    let begin =
        async |(nth, work): (usize, W), slot: HeldSlots<'a>| Ok((nth, look(work, slot).await?));
    let mut seen = Vec::new();
    let tell = |(nth, one): (usize, BatchSurvey)| {
        for row in &one.rows {
            events.send(RunEvent::RowEnded {
                status: row.predicted_outcome.status(),
            });
        }
        seen.push((nth, one));
    };
    let halt = run_in_slots(
        requests,
        work.enumerate(),
        MAX_SURVEYS_AT_ONCE,
        begin,
        stop,
        tell,
    )
    .await;
    // The order of the manifest, whichever survey came first.
    seen.sort_by_key(|(nth, _)| *nth);
    (seen.into_iter().map(|(_, one)| one).collect(), halt)
}

/// Groups tasks whose attachments fit into the same list. Any other task stays alone.
fn batch_listed_tasks(
    tasks: impl Iterator<Item = AttachmentTask>,
) -> impl Iterator<Item = Vec<AttachmentTask>> {
    let mut tasks = tasks.peekable();
    std::iter::from_fn(move || {
        let first = tasks.next()?;
        let most = match listable_attachment(&first) {
            Some(_) => MAX_IDS_PER_LIST,
            None => 1,
        };
        let mut batch = vec![first];
        while batch.len() < most
            && let Some(next) = tasks.next_if(|next| listable_attachment(next).is_some())
        {
            batch.push(next);
        }
        Some(batch)
    })
}

/// Returns the attachment of a task that earlier runs left as wanted.
fn listable_attachment(task: &AttachmentTask) -> Option<&AttachmentId> {
    match &task.start {
        AttachmentStart::ExistingAttachment(there)
            if there.change_stage == ChangeStage::NotBegun =>
        {
            Some(&there.id)
        }
        _ => None,
    }
}

/// Surveys the rows of a group, with a list where possible.
async fn survey_batch<D: AttachmentApi>(
    requests: &RequestSender<'_, D>,
    update_policy: UpdatePolicy,
    tasks: Vec<AttachmentTask>,
    slot: HeldSlots<'_>,
) -> Result<BatchSurvey, HaltReason> {
    let number = |task: &AttachmentTask| task.row.number;
    let _at_work: Vec<_> = tasks
        .iter()
        .map(|task| requests.register_row_at_work(number(task)))
        .collect();
    let ids: Vec<AttachmentId> = tasks
        .iter()
        .filter_map(listable_attachment)
        .cloned()
        .collect();
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
        Err(RequestFailure::Halt(halt)) => return Err(halt),
        // A refused list may be due to any of its attachments, so each is asked for alone.
        Err(_) => HashMap::new(),
    };
    let has_new_name = |task: &&AttachmentTask| task.row.new_external_id.is_some();
    let new_names = tasks.iter().filter(has_new_name);
    let look_ups = 1 + new_names.count() as u64;
    let slots = if tasks.len() > 1 { 0 } else { owner.slots };
    let looks = tasks.iter().map(|task| {
        let shown = listable_attachment(task).and_then(|id| list.remove(id));
        let owner = RequestOwner {
            row: number(task),
            slots,
        };
        survey_row(requests, owner, update_policy, task, shown)
    });
    let rows = try_join_all(looks.collect::<Vec<_>>()).await?;
    Ok(BatchSurvey {
        rows,
        initial_look_ups: look_ups,
    })
}

/// Surveys a row. `shown` is the answer of the list, if there is any.
async fn survey_row<D: AttachmentApi>(
    requests: &RequestSender<'_, D>,
    owner: RequestOwner,
    update_policy: UpdatePolicy,
    task: &AttachmentTask,
    shown: Option<AttachmentPresence>,
) -> Result<RowSurvey, HaltReason> {
    let foreseen = match &task.start {
        AttachmentStart::New => {
            let posted = &PriorCreate::NoneUnanswered;
            predict_from_look_up(requests, owner, task, posted, update_policy).await
        }
        AttachmentStart::LookUp(posted) => {
            predict_from_look_up(requests, owner, task, posted, update_policy).await
        }
        AttachmentStart::BegunRecord(begun) => {
            predict_from_begun_record(requests, owner, task, begun, update_policy).await
        }
        AttachmentStart::ExistingAttachment(there) => {
            predict_from_existing_attachment(requests, owner, task, there, shown, update_policy)
                .await
        }
    };
    let foreseen = match foreseen {
        Ok(foreseen) => foreseen,
        Err(unmet) => (outcome_after_failure(unmet)?, Vec::new()),
    };
    let is_new = task.start == AttachmentStart::New;
    Ok(RowSurvey {
        new_row_object: is_new.then_some(task.row.object),
        ..RowSurvey::new(task, foreseen)
    })
}

/// Returns the outcome of a row after a failed look-up. Fails with the [`HaltReason`] of a failure
/// that stops the run.
fn outcome_after_failure(failure: RequestFailure) -> Result<PredictedOutcome, HaltReason> {
    Ok(match failure {
        RequestFailure::Halt(halt) | RequestFailure::HaltEffectUnknown(halt) => return Err(halt),
        RequestFailure::Forbidden(_) => {
            PredictedOutcome::NotDone(Status::Failed, StatusReason::Forbidden)
        }
        RequestFailure::Refused(_) => {
            PredictedOutcome::NotDone(Status::Failed, StatusReason::Refused)
        }
        RequestFailure::NotSent | RequestFailure::EffectUnknown(_) | RequestFailure::GivenUp(_) => {
            PredictedOutcome::NotDone(Status::Pending, StatusReason::NoAnswer)
        }
    })
}

/// Predicts the outcome of a row that starts with a look-up.
async fn predict_from_look_up<D: AttachmentApi>(
    requests: &RequestSender<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
    prior_create: &PriorCreate,
    update_policy: UpdatePolicy,
) -> Result<RowPrediction, RequestFailure> {
    let present = requests
        .get_by_external_id(owner, &task.row.external_id)
        .await?;
    let under_new = find_by_new_external_id(requests, owner, task).await?;
    let sighting = AttachmentEvidence::LookUps {
        under_current_id: &present,
        under_new_id: &under_new,
        prior_create,
    };
    let step = next_step(&sighting, row_facts(task, update_policy));
    let seen = match present {
        AttachmentPresence::Absent => &under_new,
        _ => &present,
    };
    let foreseen = predict_from_step(&step, seen, task, update_policy);
    Ok(match seen {
        AttachmentPresence::Pending { id, .. } | AttachmentPresence::Stored { id, .. } => {
            unless_new_id_is_taken(foreseen, &under_new, id)
        }
        _ => foreseen,
    })
}

/// Predicts the outcome of a row with a begun record.
async fn predict_from_begun_record<D: AttachmentApi>(
    requests: &RequestSender<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
    begun: &BegunRecord,
    update_policy: UpdatePolicy,
) -> Result<RowPrediction, RequestFailure> {
    let presence = requests.get_by_id(owner, &begun.id).await?;
    let sighting = AttachmentEvidence::BegunRecordAnswer {
        presence: &presence,
        begun,
    };
    let step = next_step(&sighting, row_facts(task, update_policy));
    if step == NextStep::LookUp {
        return predict_from_look_up(
            requests,
            owner,
            task,
            &PriorCreate::NoneUnanswered,
            update_policy,
        )
        .await;
    }
    let foreseen = predict_from_step(&step, &presence, task, update_policy);
    let under_new = find_by_new_external_id(requests, owner, task).await?;
    Ok(unless_new_id_is_taken(foreseen, &under_new, &begun.id))
}

/// Predicts the outcome of a row with an existing attachment. `shown` is the answer of the list, if
/// there is any.
async fn predict_from_existing_attachment<D: AttachmentApi>(
    requests: &RequestSender<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
    existing: &ExistingAttachment,
    shown: Option<AttachmentPresence>,
    update_policy: UpdatePolicy,
) -> Result<RowPrediction, RequestFailure> {
    let presence = match shown {
        Some(presence @ AttachmentPresence::Stored { .. }) => presence,
        // A gap in a list does not prove that the attachment is gone.
        _ => requests.get_by_id(owner, &existing.id).await?,
    };
    let size = match &presence {
        AttachmentPresence::Stored { size, .. } => AttachmentBytes::Bytes(*size),
        AttachmentPresence::Pending { .. } => AttachmentBytes::NoBytes,
        AttachmentPresence::Absent | AttachmentPresence::Mismatch { .. } => {
            AttachmentBytes::NoAttachment
        }
    };
    let sighting: AttachmentEvidence<'_> = AttachmentEvidence::ExistingAttachmentSize {
        size,
        attachment: existing,
    };
    let step = next_step(&sighting, row_facts(task, update_policy));
    if step == NextStep::LookUp {
        return predict_from_look_up(
            requests,
            owner,
            task,
            &PriorCreate::NoneUnanswered,
            update_policy,
        )
        .await;
    }
    let foreseen = predict_from_step(&step, &presence, task, update_policy);
    let under_new = find_by_new_external_id(requests, owner, task).await?;
    Ok(unless_new_id_is_taken(foreseen, &under_new, &existing.id))
}

/// Returns the facts of a row that decide its next step.
fn row_facts(task: &AttachmentTask, update_policy: UpdatePolicy) -> RowFacts<'_> {
    RowFacts {
        row: &task.row,
        content: &task.content,
        changes: &task.changes,
        update_policy,
    }
}

/// Looks up the new `external_id` of a row. Finds nothing for a row without a new `external_id`.
async fn find_by_new_external_id<D: AttachmentApi>(
    requests: &RequestSender<'_, D>,
    owner: RequestOwner,
    task: &AttachmentTask,
) -> Result<AttachmentPresence, RequestFailure> {
    match &task.row.new_external_id {
        Some(new_name) => requests.get_by_external_id(owner, new_name).await,
        None => Ok(AttachmentPresence::Absent),
    }
}
