//! Predictions of a dry run for a row. Nothing is decided here, but by
//! [`next_step`](crate::plan::next_step).

use crate::destination::attachment_metadata::Reported;
use crate::destination::{AttachmentNames, AttachmentPresence};
use crate::manifest::ManifestRow;
use crate::model::{AttachmentId, ObjectRef};
use crate::plan::{
    NameHolder, NextNameChange, NextStep, RowEnd, UpdatePolicy, name_holder, next_name_change,
};
use crate::results::{Status, StatusReason};

use super::super::{AttachmentTask, TaskRow};

/// Prediction for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSurvey {
    /// Number of the row.
    pub row: usize,
    /// Record of the row.
    pub object: ObjectRef,
    /// Key of the row.
    pub external_id: String,
    /// Object of a row of which nothing is begun, and whose record may be made without a look-up.
    /// `None` for other rows.
    pub new_row_object: Option<ObjectRef>,
    /// Size of the row's file in bytes.
    pub size: u64,
    /// Predicted outcome.
    pub predicted_outcome: PredictedOutcome,
    /// Predicted changes of names, in their order.
    pub name_changes: Vec<PredictedNameChange>,
}

/// Predicted outcome of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PredictedOutcome {
    /// A record is made, and the file sent.
    Create,
    /// The file is sent to a record begun by an earlier run.
    SendToBegunRecord,
    /// The file replaces other content.
    Replace {
        /// Size of the replaced content in bytes.
        old_size: u64,
    },
    /// The stored content is downloaded, and replaced unless it is the same as the file's.
    ReplaceUnlessSame,
    /// Other content is stored, and stays.
    KeepOtherContent,
    /// The row is done without sending its file.
    DoneWithoutSending(Status),
    /// The row is not done, for the given reason.
    NotDone(Status, StatusReason),
}

/// Predicted change of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PredictedNameChange {
    /// New title.
    Title {
        /// Present title, fit to be shown. `None` if there is none.
        from: Option<String>,
        /// Title after the change.
        to: String,
    },
    /// New `external_id`.
    ExternalId(String),
}

impl RowSurvey {
    /// Creates the prediction for a row.
    pub(super) fn new<S>(
        task: &TaskRow<S>,
        (predicted_outcome, name_changes): RowPrediction,
    ) -> Self {
        Self {
            row: task.row.number,
            object: task.row.object,
            external_id: task.row.external_id.to_string(),
            new_row_object: None,
            size: task.content.stamp.size,
            predicted_outcome,
            name_changes,
        }
    }
}

impl PredictedOutcome {
    /// Returns the status of the row, leaving its changes of names aside.
    pub fn status(&self) -> Status {
        match self {
            Self::Create | Self::SendToBegunRecord => Status::Uploaded,
            Self::Replace { .. } | Self::ReplaceUnlessSame => Status::Replaced,
            Self::KeepOtherContent => Status::Skipped,
            Self::DoneWithoutSending(status) | Self::NotDone(status, _) => *status,
        }
    }
}

/// Predicted outcome, with predicted changes of names.
pub(super) type RowPrediction = (PredictedOutcome, Vec<PredictedNameChange>);

/// Predicts the outcome of a row from its next step, other than a further look-up.
pub(super) fn predict_from_step(
    step: &NextStep,
    presence: &AttachmentPresence,
    task: &AttachmentTask,
    update_policy: UpdatePolicy,
) -> RowPrediction {
    let file = task.content.stamp.size;
    let outlook = match step {
        NextStep::LookUp | NextStep::Create => PredictedOutcome::Create,
        NextStep::SendFile(_) | NextStep::ConfirmSize(_) => PredictedOutcome::SendToBegunRecord,
        NextStep::ReadBytes(_) | NextStep::ReplaceUnlessSame(_) => {
            PredictedOutcome::ReplaceUnlessSame
        }
        // The import downloads the old content, and finds out if it is the same.
        NextStep::Replace {
            size,
            our_content: ours,
            ..
        } if ours.is_none() && *size == file => PredictedOutcome::ReplaceUnlessSame,
        NextStep::Replace { size, .. } => PredictedOutcome::Replace { old_size: *size },
        NextStep::End(RowEnd::KeptExisting { .. }) => PredictedOutcome::KeepOtherContent,
        NextStep::End(end) => match end.state().encode() {
            (status, _) if status.is_done() => PredictedOutcome::DoneWithoutSending(status),
            (status, reason) => PredictedOutcome::NotDone(status, reason),
        },
    };
    with_name_changes(
        outlook,
        current_names(presence, &task.row),
        task,
        update_policy,
    )
}

/// Returns the prediction, or a conflict if another attachment has the new `external_id`: such a
/// row is not done, whatever else was predicted.
pub(super) fn unless_new_id_is_taken(
    foreseen: RowPrediction,
    new_name: &AttachmentPresence,
    ours: &AttachmentId,
) -> RowPrediction {
    let is_done = !matches!(foreseen.0, PredictedOutcome::NotDone(..));
    if is_done && name_holder(new_name, ours) == NameHolder::Another {
        let (status, reason) = RowEnd::NewIdTaken.state().encode();
        return (PredictedOutcome::NotDone(status, reason), Vec::new());
    }
    foreseen
}

/// Returns the names of an attachment. Without bytes so far, the names are those of the row.
fn current_names(presence: &AttachmentPresence, row: &ManifestRow) -> AttachmentNames {
    match presence {
        AttachmentPresence::Stored { names, .. } => names.clone(),
        _ => AttachmentNames {
            external_id: Reported::from_own_text(row.external_id.as_str()),
            title: row
                .title
                .as_deref()
                .map_or(Reported::Null, Reported::from_own_text),
        },
    }
}

/// Adds the changes of names to an outcome, unless the row is not done.
fn with_name_changes(
    outlook: PredictedOutcome,
    mut names: AttachmentNames,
    task: &AttachmentTask,
    update_policy: UpdatePolicy,
) -> RowPrediction {
    let mut new_names = Vec::new();
    if matches!(outlook, PredictedOutcome::NotDone(..)) {
        return (outlook, new_names);
    }
    while let Some(next) = next_name_change(&task.row, update_policy, &names, &task.changes) {
        match next {
            NextNameChange::Title { from, to } => {
                names.title = Reported::from_own_text(&to);
                new_names.push(PredictedNameChange::Title { from, to });
            }
            NextNameChange::ExternalId { to, .. } => {
                names.external_id = Reported::from_own_text(to.as_str());
                new_names.push(PredictedNameChange::ExternalId(to.to_string()));
            }
            NextNameChange::UnexpectedExternalId(_) => {
                let outlook =
                    PredictedOutcome::NotDone(Status::Conflict, StatusReason::RenamedElsewhere);
                return (outlook, Vec::new());
            }
        }
    }
    (outlook, new_names)
}
