//! What an import would do with a row, decided from what was looked up. Sends nothing.

use crate::destination::archive::Shown;
use crate::destination::{Names, Presence};
use crate::manifest::Row;
use crate::model::AttachmentId;
use crate::plan::{
    Begun, Course, Found, OnConflict, Posted, Renaming, Standing, There, Wishes, course, found,
    renaming, standing,
};
use crate::results::{Reason, Status};

use super::super::TaskRow;

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
    pub(super) fn of(task: &TaskRow, (outlook, names): Foreseen) -> Self {
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

/// What is there under the two names that a row's attachment may have.
pub(super) enum Under<T> {
    /// This is the row's.
    One(Presence<T>),
    /// Somebody else has the name that it is to get.
    Taken,
}

/// Which of two is the row's: what is there under its name, or what is there under the one that it
/// is to get.
pub(super) fn under<T>(name: Presence<T>, new_name: Presence<T>) -> Under<T> {
    match (name, new_name) {
        (name, Presence::Absent) => Under::One(name),
        (Presence::Absent, renamed) => Under::One(renamed),
        _ => Under::Taken,
    }
}

/// What would happen with a row whose attachment was looked up by name.
pub(super) fn of_found<T>(
    under: Under<T>,
    task: &TaskRow,
    posted: &Posted,
    wishes: Wishes,
) -> Foreseen {
    let presence = match under {
        Under::One(presence) => presence,
        Under::Taken => return taken(),
    };
    let names = names_of(&presence, &task.row);
    let outlook = match found(presence, posted, &task.content) {
        Found::Nothing => Outlook::Create,
        Found::Ours(_) => Outlook::GoOn,
        Found::SameSize(_) if wishes.on_conflict == OnConflict::Replace => Outlook::Compare,
        Found::SameSize(_) => Outlook::Done(Status::Skipped),
        Found::OtherSize(_, size) => differing(size, Reason::StoredOtherSize, wishes),
        Found::Mismatch(_) => Outlook::NotDone(Status::Failed, Reason::LookupMismatch),
        Found::Unfinished(Some(_)) => Outlook::NotDone(Status::Pending, Reason::ObjectChanged),
        Found::Unfinished(None) => Outlook::NotDone(Status::Pending, Reason::PendingElsewhere),
    };
    named(outlook, names, task, wishes)
}

/// What would happen with a row whose record an earlier run began, and which is not gone.
pub(super) fn of_begun<T>(
    presence: &Presence<T>,
    begun: &Begun,
    task: &TaskRow,
    wishes: Wishes,
) -> Foreseen {
    let outlook = match standing(presence, begun, &task.content) {
        Standing::Gone => Outlook::Create,
        Standing::Empty | Standing::Sent => Outlook::GoOn,
        Standing::EmptyElsewhere => Outlook::NotDone(Status::Pending, Reason::ObjectChanged),
        Standing::Stored(size) if size == task.content.stamp.size => {
            Outlook::Done(Status::Uploaded)
        }
        Standing::Stored(_) => Outlook::NotDone(Status::Failed, Reason::SizeMismatch),
        Standing::StoredBeforeTheChange(_) if begun.elsewhere.is_some() => {
            Outlook::NotDone(Status::Conflict, Reason::ObjectChanged)
        }
        Standing::StoredBeforeTheChange(size) => differing(size, Reason::FileChanged, wishes),
        Standing::Mismatch => Outlook::NotDone(Status::Created, Reason::NoAnswer),
    };
    named(outlook, names_of(presence, &task.row), task, wishes)
}

/// What would happen with a row whose attachment an earlier run left; nothing where it has to be
/// looked up by its name.
pub(super) fn of_left<T>(
    presence: &Presence<T>,
    there: &There,
    task: &TaskRow,
    wishes: Wishes,
) -> Option<Foreseen> {
    let size = match presence {
        Presence::Stored { size, .. } => Some(Some(*size)),
        Presence::Pending { .. } => Some(None),
        _ => None,
    };
    let former = task.changes.replaced.as_ref();
    let is_compared = there.is_unproven() && wishes.on_conflict == OnConflict::Replace;
    let course = course(size, there, former, &task.content);
    let is_gone = matches!(course, Course::Gone | Course::Anew);
    let outlook = match course {
        _ if there.elsewhere.is_some() && !is_gone => {
            Outlook::NotDone(Status::Replacing, Reason::ObjectChanged)
        }
        Course::Gone => Outlook::NotDone(Status::Conflict, Reason::Gone),
        Course::Anew => return None,
        Course::Send | Course::Await => Outlook::GoOn,
        Course::Right if is_compared => Outlook::Compare,
        Course::Right => Outlook::Done(there.status),
        Course::Bytes => Outlook::Compare,
        Course::Other { .. } if there.is_kept() && wishes.on_conflict == OnConflict::Fail => {
            Outlook::Keep
        }
        Course::Other { size, ours: None }
            if size == task.content.stamp.size && wishes.on_conflict == OnConflict::Replace =>
        {
            Outlook::Compare
        }
        Course::Other { size, ours } => {
            let reason = match ours {
                Some(_) => Reason::FileChanged,
                None => Reason::StoredOtherSize,
            };
            differing(size, reason, wishes)
        }
    };
    Some(named(outlook, names_of(presence, &task.row), task, wishes))
}

/// The same, unless another attachment than ours has the name that ours is to get, and keeps it.
pub(super) fn unless_taken<T>(
    foreseen: Foreseen,
    new_name: &Presence<T>,
    ours: &AttachmentId,
) -> Foreseen {
    let is_free = match new_name {
        Presence::Absent => true,
        Presence::Stored { id, .. } | Presence::Pending { id } => id == ours,
        _ => false,
    };
    let is_done = !matches!(foreseen.0, Outlook::NotDone(..));
    if is_done && !is_free {
        return taken();
    }
    foreseen
}

fn taken() -> Foreseen {
    let outlook = Outlook::NotDone(Status::Conflict, Reason::NewIdTaken);
    (outlook, Vec::new())
}

/// What becomes of content that is other than the file's.
fn differing(old: u64, reason: Reason, wishes: Wishes) -> Outlook {
    match wishes.on_conflict {
        OnConflict::Fail => Outlook::NotDone(Status::Conflict, reason),
        OnConflict::Skip => Outlook::Keep,
        OnConflict::Replace => Outlook::Replace { old },
    }
}

/// What an attachment is called; one that is still to be made or to get bytes is called what its row
/// says.
fn names_of<T>(presence: &Presence<T>, row: &Row) -> Names {
    match presence {
        Presence::Stored { names, .. } => names.clone(),
        _ => Names {
            external_id: Shown::of(row.external_id.as_str()),
            title: row.title.as_deref().map_or(Shown::Nothing, Shown::of),
        },
    }
}

/// The names that a row's attachment would get, provided that its content is, or would be, right.
fn named(outlook: Outlook, mut names: Names, task: &TaskRow, wishes: Wishes) -> Foreseen {
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
