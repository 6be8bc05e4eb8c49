//! What an import would do with a row, decided from what was looked up. Sends nothing.

use crate::destination::archive::Shown;
use crate::destination::{Names, Presence};
use crate::manifest::Row;
use crate::plan::{
    Begun, Course, Found, OnConflict, Posted, Standing, There, Titles, Wishes, course, found,
    standing,
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
    /// Under how many names its attachment was looked up: its own, and the one that it is to get.
    pub look_ups: u64,
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
pub(super) fn under<T>(name: Presence<T>, new_name: Presence<T>, task: &TaskRow) -> Under<T> {
    match (name, new_name) {
        (name, Presence::Absent) => Under::One(name),
        (Presence::Absent, renamed) => Under::One(renamed),
        // By then it will have another one.
        (name, _) if task.renamed_after.is_some() => Under::One(name),
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
    let names = names_of(&presence).cloned();
    let outlook = match found(presence, posted, &task.content) {
        Found::Nothing => Outlook::Create,
        Found::Ours(_) => Outlook::GoOn,
        Found::SameSize(_) if wishes.on_conflict == OnConflict::Replace => Outlook::Compare,
        Found::SameSize(_) => Outlook::Done(Status::Skipped),
        Found::OtherSize(_, size) => differing(size, Reason::STORED_OTHER_SIZE, wishes),
        Found::Mismatch(_) => Outlook::NotDone(Status::Failed, Reason::LOOKUP_MISMATCH),
        Found::Unfinished(Some(_)) => Outlook::NotDone(Status::Pending, Reason::OBJECT_CHANGED),
        Found::Unfinished(None) => Outlook::NotDone(Status::Pending, Reason::PENDING_ELSEWHERE),
    };
    named(outlook, names.as_ref(), &task.row, wishes)
}

/// What would happen with a row whose record an earlier run began, and which is not gone.
pub(super) fn of_begun<T>(
    presence: &Presence<T>,
    new_name: &Presence<T>,
    begun: &Begun,
    task: &TaskRow,
    wishes: Wishes,
) -> Foreseen {
    let is_taken = match new_name {
        Presence::Absent => false,
        Presence::Stored { id, .. } | Presence::Pending { id } => *id != begun.id,
        _ => true,
    };
    if is_taken && task.renamed_after.is_none() {
        return taken();
    }
    let outlook = match standing(presence, begun, &task.content) {
        Standing::Gone => Outlook::Create,
        Standing::Empty | Standing::Sent => Outlook::GoOn,
        Standing::EmptyElsewhere => Outlook::NotDone(Status::Pending, Reason::OBJECT_CHANGED),
        Standing::Stored(size) if size == task.content.stamp.size => {
            Outlook::Done(Status::Uploaded)
        }
        Standing::Stored(_) => Outlook::NotDone(Status::Failed, Reason::SIZE_MISMATCH),
        Standing::StoredBeforeTheChange(_) if begun.elsewhere.is_some() => {
            Outlook::NotDone(Status::Conflict, Reason::OBJECT_CHANGED)
        }
        Standing::StoredBeforeTheChange(size) => differing(size, Reason::FILE_CHANGED, wishes),
        Standing::Mismatch => Outlook::NotDone(Status::Created, Reason::NO_ANSWER),
    };
    named(outlook, names_of(presence), &task.row, wishes)
}

/// What would happen with a row whose attachment earlier runs left, with its bytes or while they were
/// replacing them.
pub(super) fn of_there<T>(
    presence: &Presence<T>,
    there: &There,
    task: &TaskRow,
    wishes: Wishes,
) -> Foreseen {
    let size = match presence {
        Presence::Stored { size, .. } => Some(Some(*size)),
        Presence::Pending { .. } => Some(None),
        _ => None,
    };
    let (former, content) = (task.changes.replaced.as_ref(), &task.content);
    let is_compared = there.is_unproven() && wishes.on_conflict == OnConflict::Replace;
    let outlook = match course(size, there, former, content) {
        Course::Gone => Outlook::NotDone(Status::Conflict, Reason::GONE),
        _ if there.elsewhere.is_some() => {
            Outlook::NotDone(Status::Conflict, Reason::OBJECT_CHANGED)
        }
        Course::Anew => Outlook::Create,
        Course::Send | Course::Await => Outlook::GoOn,
        Course::Right if is_compared => Outlook::Compare,
        Course::Right => Outlook::Done(there.status),
        Course::Bytes => Outlook::Compare,
        Course::Other { .. } if there.is_kept() && wishes.on_conflict == OnConflict::Fail => {
            Outlook::Keep
        }
        Course::Other { size, ours } => {
            let reason = match ours {
                Some(_) => Reason::FILE_CHANGED,
                None => Reason::STORED_OTHER_SIZE,
            };
            differing(size, reason, wishes)
        }
    };
    named(outlook, names_of(presence), &task.row, wishes)
}

fn taken() -> Foreseen {
    let outlook = Outlook::NotDone(Status::Conflict, Reason::NEW_ID_TAKEN);
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

/// What an attachment is called; of one without bytes, nothing.
fn names_of<T>(presence: &Presence<T>) -> Option<&Names> {
    match presence {
        Presence::Stored { names, .. } => Some(names),
        _ => None,
    }
}

/// The names that a row's attachment would get, provided that its content is, or would be, right.
fn named(outlook: Outlook, names: Option<&Names>, row: &Row, wishes: Wishes) -> Foreseen {
    if matches!(outlook, Outlook::NotDone(..)) {
        return (outlook, Vec::new());
    }
    let title = names.and_then(|names| new_title(&names.title, row, wishes));
    let has = names.and_then(|names| names.external_id.value());
    let new_id = row.new_external_id.as_ref();
    let other_id = new_id.filter(|new_id| has != Some(new_id.as_str()));
    let external_id = other_id.map(|new_id| NewName::ExternalId(new_id.to_string()));
    (outlook, title.into_iter().chain(external_id).collect())
}

fn new_title(has: &Shown, row: &Row, wishes: Wishes) -> Option<NewName> {
    let title = row.title.as_ref()?;
    let is_other = has.value() != Some(title);
    (wishes.titles == Titles::Update && is_other).then(|| NewName::Title {
        from: has.words().map(str::to_owned),
        to: title.clone(),
    })
}
