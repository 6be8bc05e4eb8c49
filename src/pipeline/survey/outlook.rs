//! Predictions of a dry run for a row. Nothing is decided here, but by
//! [`next_step`](crate::plan::next_step).

use crate::destination::archive::Shown;
use crate::destination::{Names, Presence};
use crate::manifest::Row;
use crate::model::AttachmentId;
use crate::plan::{NameHolder, NextStep, Renaming, RowEnd, Wishes, name_holder, renaming};
use crate::results::{Reason, Status};

use super::super::{AttachmentTask, TaskRow};

/// Prediction for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSurvey {
    /// Number of the row.
    pub row: usize,
    /// Key of the row.
    pub external_id: String,
    /// Size of the row's file in bytes.
    pub size: u64,
    /// Predicted outcome.
    pub outlook: Outlook,
    /// Predicted changes of names, in their order.
    pub names: Vec<NewName>,
}

/// Predicted outcome of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// A record is made, and the file sent.
    Create,
    /// The file is sent to a record begun by an earlier run.
    GoOn,
    /// The file replaces other content.
    Replace {
        /// Size of the replaced content in bytes.
        old: u64,
    },
    /// The stored content is downloaded, and replaced unless it is the same as the file's.
    Compare,
    /// Other content is stored, and stays.
    Keep,
    /// The row is done without sending its file.
    Done(Status),
    /// The row is not done, for the given reason.
    NotDone(Status, Reason),
}

/// Predicted change of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewName {
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
    pub(super) fn of<S>(task: &TaskRow<S>, (outlook, names): Foreseen) -> Self {
        Self {
            row: task.row.number,
            external_id: task.row.external_id.to_string(),
            size: task.content.stamp.size,
            outlook,
            names,
        }
    }
}

impl Outlook {
    /// Returns the status of the row, leaving its changes of names aside.
    pub fn status(&self) -> Status {
        match self {
            Self::Create | Self::GoOn => Status::Uploaded,
            Self::Replace { .. } | Self::Compare => Status::Replaced,
            Self::Keep => Status::Skipped,
            Self::Done(status) | Self::NotDone(status, _) => *status,
        }
    }
}

/// Predicted outcome, with predicted changes of names.
pub(super) type Foreseen = (Outlook, Vec<NewName>);

/// Predicts the outcome of a row from its next step, other than a further look-up.
pub(super) fn foreseen(
    step: &NextStep,
    presence: &Presence,
    task: &AttachmentTask,
    wishes: Wishes,
) -> Foreseen {
    let file = task.content.stamp.size;
    let outlook = match step {
        NextStep::LookUp | NextStep::Create => Outlook::Create,
        NextStep::Send(_) | NextStep::Confirm(_) => Outlook::GoOn,
        NextStep::ReadBytes(_) | NextStep::ReplaceUnlessSame(_) => Outlook::Compare,
        // The import downloads the old content, and finds out if it is the same.
        NextStep::Replace { size, ours, .. } if ours.is_none() && *size == file => Outlook::Compare,
        NextStep::Replace { size, .. } => Outlook::Replace { old: *size },
        NextStep::End(RowEnd::Kept { .. }) => Outlook::Keep,
        NextStep::End(end) => match end.state().encode() {
            (status, _) if status.is_done() => Outlook::Done(status),
            (status, reason) => Outlook::NotDone(status, reason),
        },
    };
    named(outlook, names_of(presence, &task.row), task, wishes)
}

/// Returns the prediction, or a conflict if another attachment has the new `external_id`: such a
/// row is not done, whatever else was predicted.
pub(super) fn unless_taken(
    foreseen: Foreseen,
    new_name: &Presence,
    ours: &AttachmentId,
) -> Foreseen {
    let is_done = !matches!(foreseen.0, Outlook::NotDone(..));
    if is_done && name_holder(new_name, ours) == NameHolder::Another {
        let (status, reason) = RowEnd::NewIdTaken.state().encode();
        return (Outlook::NotDone(status, reason), Vec::new());
    }
    foreseen
}

/// Returns the names of an attachment. Without bytes so far, the names are those of the row.
fn names_of(presence: &Presence, row: &Row) -> Names {
    match presence {
        Presence::Stored { names, .. } => names.clone(),
        _ => Names {
            external_id: Shown::of(row.external_id.as_str()),
            title: row.title.as_deref().map_or(Shown::Nothing, Shown::of),
        },
    }
}

/// Adds the changes of names to an outcome, unless the row is not done.
fn named(outlook: Outlook, mut names: Names, task: &AttachmentTask, wishes: Wishes) -> Foreseen {
    let mut new_names = Vec::new();
    if matches!(outlook, Outlook::NotDone(..)) {
        return (outlook, new_names);
    }
    while let Some(next) = renaming(&task.row, wishes, &names, &task.changes) {
        match next {
            Renaming::Title { from, to } => {
                names.title = Shown::of(&to);
                new_names.push(NewName::Title { from, to });
            }
            Renaming::ExternalId { to, .. } => {
                names.external_id = Shown::of(to.as_str());
                new_names.push(NewName::ExternalId(to.to_string()));
            }
            Renaming::Unexpected(_) => {
                let outlook = Outlook::NotDone(Status::Conflict, Reason::RenamedElsewhere);
                return (outlook, Vec::new());
            }
        }
    }
    (outlook, new_names)
}
