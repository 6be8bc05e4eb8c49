//! What an import would do with a row, in the words of a dry run. Nothing is decided here: that is done
//! by [`next_step`](crate::plan::next_step).

use crate::destination::archive::Shown;
use crate::destination::{Names, Presence};
use crate::manifest::Row;
use crate::model::AttachmentId;
use crate::plan::{NameHolder, NextStep, Renaming, RowEnd, Wishes, name_holder, renaming};
use crate::results::{Reason, Status};

use super::super::{AttachmentTask, TaskRow};

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
    /// What its attachment would be called otherwise afterwards, in this order.
    pub names: Vec<NewName>,
}

/// What would happen with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// A record would be made, and the file sent.
    Create,
    /// The file would be sent to a record that an earlier run began.
    GoOn,
    /// The file would be sent in the place of other content.
    Replace {
        /// How many bytes would give way.
        old: u64,
    },
    /// What is stored would be downloaded, and give way to the file unless the two are the same.
    Compare,
    /// Other content is there, and would stay.
    Keep,
    /// The row would be done without its file being sent.
    Done(Status),
    /// It would not be done, for this reason.
    NotDone(Status, Reason),
}

/// A name that an attachment would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewName {
    /// Another title.
    Title {
        /// The one that it has, fit to be shown, where it has one.
        from: Option<String>,
        /// The one that it would get.
        to: String,
    },
    /// Another `external_id`.
    ExternalId(String),
}

impl RowSurvey {
    /// What was foreseen of a row.
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
    /// The status that the row would have, were its attachment called as it is to be.
    pub fn status(&self) -> Status {
        match self {
            Self::Create | Self::GoOn => Status::Uploaded,
            Self::Replace { .. } | Self::Compare => Status::Replaced,
            Self::Keep => Status::Skipped,
            Self::Done(status) | Self::NotDone(status, _) => *status,
        }
    }
}

/// An outlook, and the names that come with it.
pub(super) type Foreseen = (Outlook, Vec<NewName>);

/// What would happen with a row whose next step is known, and is not another look-up.
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
        // The import downloads what gives way, and finds that it is the same if it is.
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

/// The same, unless another attachment than ours has the name that ours is to get: then the row is not
/// done, whatever else is.
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

/// What an attachment is called; one that is still to be made or to get bytes is called what its row
/// says.
fn names_of(presence: &Presence, row: &Row) -> Names {
    match presence {
        Presence::Stored { names, .. } => names.clone(),
        _ => Names {
            external_id: Shown::of(row.external_id.as_str()),
            title: row.title.as_deref().map_or(Shown::Nothing, Shown::of),
        },
    }
}

/// The names that a row's attachment would get, provided that its content is, or would be, right.
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
