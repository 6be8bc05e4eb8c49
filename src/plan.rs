//! What is to be done for a row: decided from what is known, without doing anything.
//!
//! [`step`] reads what earlier runs left, [`next_step()`] what the service says of an attachment, and
//! [`outcome`] what it says of a job. All are total: each combination has exactly one answer.

mod job;
mod next_step;
mod second_copies;
mod there;
mod units;

use crate::destination::Presence;
use crate::manifest::Row;
use crate::model::{AttachmentId, Content, Service};
use crate::prepare::RowFile;
use crate::results::{DoneAs, DoneContent, Entry, Known, Reason, RowState, Verified};

pub use job::{FailedJobs, Outcome, Sent, is_for_people, outcome};
pub use next_step::{
    NameHolder, NextStep, RowEnd, RowFacts, Sighting, decides_by_new_name, name_holder, next_step,
};
pub use second_copies::{
    EarlierCopy, NewRow, SecondCopiesFound, SecondCopy, is_begun, second_copies,
};
pub use there::{
    Change, Giving, Holding, OnConflict, Renaming, Swapped, There, Titles, Wishes, changed_as,
    renaming, swapped,
};
pub use units::{Candidate, Limits, units};

/// What follows for a row from its earlier line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: its line says all that there is to say.
    Keep,
    /// A new line, and no request.
    Record(Box<Entry>),
    /// Requests.
    Send(Start),
}

/// Where the protocol of a row starts, which depends on what its service makes of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The row's file becomes an attachment.
    Attachment(AttachmentStart),
    /// The row's file goes into a job.
    Job(JobStart),
}

/// Where the protocol of an attachment starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentStart {
    /// With a look-up by `external_id`.
    LookUp(Posted),
    /// With the attachment that an earlier run chose for the row.
    Resume(Begun),
    /// With the attachment that an earlier run left with its bytes, or while it was replacing them.
    There(There),
}

/// Where the protocol of a row starts whose file goes into a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStart {
    /// With a new job.
    New,
    /// With the job that an earlier run put the row into.
    Earlier(Begun),
}

impl JobStart {
    /// The job that it starts with, where that is an earlier run's.
    pub fn job(&self) -> Option<&AttachmentId> {
        match self {
            Self::New => None,
            Self::Earlier(begun) => Some(&begun.id),
        }
    }
}

/// Whether a POST of this row may have been carried out without our knowing of the record it made.
/// Only then is a record without bytes that is found under the row's `external_id` ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// No: there was none, or each one was answered.
    No,
    /// Yes, for the object that the manifest names now.
    Perhaps,
    /// Yes, but for another object. Its record cannot be moved, so it has to go first; and since
    /// a record does not tell its object, none that is found is known to be ours.
    ForAnotherObject(OtherObject),
}

/// A record that an earlier run chose for a row. Only its absence permits another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The record.
    pub id: AttachmentId,
    /// The file, as the manifest named it then.
    pub file_path: String,
    /// What was being sent, or was sent, where the line still tells.
    pub content: Option<Content>,
    /// What it hangs on, where that is not the object that the manifest names now.
    pub elsewhere: Option<OtherObject>,
    /// How far the earlier run came.
    pub progress: Progress,
}

impl Begun {
    /// A record of a row, of whose bytes nothing is known.
    fn of(id: AttachmentId, row: &Row) -> Self {
        Self {
            id,
            file_path: row.file_path.clone(),
            content: None,
            elsewhere: None,
            progress: Progress::Unknown,
        }
    }

    /// A record of a row, for the object and the file as they are now.
    pub fn now(id: AttachmentId, row: &Row, content: Content) -> Self {
        Self {
            content: Some(content),
            ..Self::of(id, row)
        }
    }
}

/// An object that an earlier line names, and the manifest no longer does. Kept as the line has it,
/// so that the next line says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherObject {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// How far an earlier run came with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// None of its bytes were sent.
    NotSent,
    /// Its bytes may or may not have been sent.
    Unknown,
    /// Its bytes were sent, and only what came of that did not show.
    Sent,
    /// A new address was asked for, and the request may still arrive: it would detach bytes that
    /// were sent before it did.
    Renewing,
    /// Its job failed, perhaps after having attached them, and the user wants another.
    Failed,
}

/// Decides what follows for a row from its earlier line.
pub fn step(
    row: &Row,
    file: RowFile,
    previous: Option<Entry>,
    wishes: Wishes,
    failed_jobs: FailedJobs,
) -> Step {
    if row.object.kind().service() == Service::Keelvar {
        return job::step(row, file, previous, failed_jobs);
    }
    match previous {
        None => Step::Send(Start::Attachment(AttachmentStart::LookUp(Posted::No))),
        Some(previous) if previous.was_done() => done(row, file, previous, wishes),
        Some(previous) => Step::Send(Start::Attachment(go_on(row, &previous))),
    }
}

fn go_on(row: &Row, previous: &Entry) -> AttachmentStart {
    let state = previous.state();
    // Of a conflict that was not done, the attachment is somebody else's.
    if !state.is_conflict()
        && let Some(there) = There::of(row, previous)
    {
        return AttachmentStart::There(there);
    }
    let elsewhere = other_object(row, previous);
    // The id of a conflict is somebody else's.
    let chosen = (!state.is_conflict())
        .then_some(previous.attachment_id.clone())
        .flatten();
    if let Some(id) = chosen {
        return AttachmentStart::Resume(Begun {
            id,
            file_path: previous.file_path.clone(),
            content: previous.known.content(),
            elsewhere,
            progress: Progress::with_attachment(&state),
        });
    }
    AttachmentStart::LookUp(match (elsewhere, state) {
        (
            Some(object),
            RowState::Creating(_)
            | RowState::CreatingElsewhere
            | RowState::UnfinishedElsewhere
            | RowState::ConflictElsewhere,
        ) => Posted::ForAnotherObject(object),
        // The manifest names the first object again, but there was a POST for another one, too.
        (None, RowState::CreatingElsewhere) => Posted::ForAnotherObject(object_of(previous)),
        (None, RowState::Creating(_)) => Posted::Perhaps,
        _ => Posted::No,
    })
}

impl Progress {
    /// How far an earlier run came with an attachment that it left so.
    fn with_attachment(state: &RowState) -> Self {
        match state {
            RowState::SizeUnconfirmed(_) => Self::Sent,
            RowState::AddressRenewing => Self::Renewing,
            _ => Self::Unknown,
        }
    }
}

fn other_object(row: &Row, previous: &Entry) -> Option<OtherObject> {
    let same = previous.object_type == row.object.kind().as_str()
        && previous.object_id == row.object.id().to_string();
    (!same).then(|| object_of(previous))
}

fn object_of(previous: &Entry) -> OtherObject {
    OtherObject {
        kind: previous.object_type.clone(),
        id: previous.object_id.clone(),
    }
}

fn done(row: &Row, file: RowFile, previous: Entry, wishes: Wishes) -> Step {
    let elsewhere = other_object(row, &previous);
    let is_other = is_other(file, &previous);
    // What hangs on another object, or is in a job, can neither be moved nor changed.
    if elsewhere.is_none()
        && row.object.kind().service() == Service::Workday
        && is_to_be_changed(row, file, &previous, wishes)
        && let Some(there) = There::of(row, &previous)
    {
        return Step::Send(Start::Attachment(AttachmentStart::There(there)));
    }
    let before = previous.state();
    let is_kept = before.is_kept() || wishes.on_conflict == OnConflict::Skip;
    let (state, message) = match elsewhere {
        Some(object) => (
            RowState::ConflictElsewhere,
            format!(
                "it was attached to {} {}, and the manifest now says {}; an attachment cannot be \
                 moved: correct the manifest, or give the row a new external_id",
                object.kind, object.id, row.object
            ),
        ),
        None if is_other && is_kept => (
            // What was changed before stays changed, whatever else is wanted now.
            RowState::Done(
                changed_as(&previous.changes).unwrap_or(DoneAs::Skipped),
                DoneContent::KeptExisting,
            ),
            String::new(),
        ),
        None if is_other => (
            RowState::Conflict(Reason::FileChanged),
            format!(
                "the file has changed since it was stored, and the stored one was left as it is; {}",
                remedies(row.object.kind().service())
            ),
        ),
        None => (still_done(row, file, &previous), String::new()),
    };
    // The line of what is other than the file speaks of what is stored, wherever the file is now.
    let is_right = matches!(state, RowState::Done(..)) && !state.is_kept();
    let renamed = is_right && file_moved(row, file, &previous);
    if before == state && !renamed {
        return Step::Keep;
    }
    let refreshed = match file {
        RowFile::Ready(content) if is_right => Known::Content(content),
        _ => previous.known,
    };
    let (status, reason) = state.encode();
    Step::Record(Box::new(Entry {
        file_path: if is_right {
            row.file_path.clone()
        } else {
            previous.file_path.clone()
        },
        status,
        reason,
        known: refreshed,
        message,
        ..previous
    }))
}

/// What can be done about a file that is not what is stored for it.
pub(crate) fn remedies(service: Service) -> &'static str {
    match service {
        Service::Workday => Reason::FileChanged.remedy(),
        // What is in a job can neither be replaced nor taken out.
        Service::Keelvar => "restore the file, or give the new one an external_id of its own",
    }
}

/// Whether a file is known to be other than what is stored for it.
fn is_other(file: RowFile, previous: &Entry) -> bool {
    match (file, previous.known.content()) {
        (RowFile::Ready(now), Some(then)) => now.sha256 != then.sha256,
        // Of what somebody else stored, nothing but its size is known.
        (RowFile::Ready(_), None) => previous.state().is_kept(),
        _ => false,
    }
}

/// Whether the attachment of a done row has to be looked at, because it may have to be changed.
fn is_to_be_changed(row: &Row, file: RowFile, previous: &Entry, wishes: Wishes) -> bool {
    let is_other = is_other(file, previous);
    let state = previous.state();
    let is_right = !is_other || state.is_kept() || wishes.on_conflict == OnConflict::Skip;
    let is_unproven = there::is_unproven(previous.verified, state.done_content());
    match wishes.on_conflict {
        OnConflict::Replace if is_other => true,
        // That there are as many bytes does not prove that they are the same.
        OnConflict::Replace if is_unproven && file != RowFile::Gone => true,
        _ => is_right && there::may_be_renamed(row, previous, wishes),
    }
}

/// The state of a row that was done, and that nothing speaks against.
fn still_done(row: &Row, file: RowFile, previous: &Entry) -> RowState {
    match previous.state() {
        RowState::Done(done_as, DoneContent::KeptExisting) if file != RowFile::Gone => {
            return RowState::Done(done_as, DoneContent::AsVerified);
        }
        done @ RowState::Done(..) => return done,
        _ => {}
    }
    // Of an attachment that we uploaded, the size was confirmed, and nothing that is in a job was ever
    // there before.
    let otherwise = match (row.object.kind().service(), previous.verified) {
        (Service::Workday, Verified::No) => DoneAs::Skipped,
        (Service::Keelvar, _) | (_, Verified::Size | Verified::Etag) => DoneAs::Uploaded,
    };
    RowState::Done(
        changed_as(&previous.changes).unwrap_or(otherwise),
        DoneContent::AsVerified,
    )
}

/// Whether the line of a done row, whose content is the same, should be brought up to date, so that
/// the next run need not hash.
fn file_moved(row: &Row, file: RowFile, previous: &Entry) -> bool {
    match (file, previous.known.content()) {
        (RowFile::Ready(now), Some(then)) => {
            now.stamp != then.stamp || row.file_path != previous.file_path
        }
        _ => false,
    }
}

/// What a look-up by `external_id` means for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// Nothing is there: a record may be made.
    Nothing,
    /// Our own record, without bytes: the row goes on with it.
    Ours(AttachmentId),
    /// A record without bytes that is ours but hangs on another object, or that is somebody
    /// else's. It will get bytes or be purged; until then the row waits.
    Unfinished(Option<OtherObject>),
    /// The same size is stored.
    SameSize(AttachmentId),
    /// Another size is stored.
    OtherSize(AttachmentId, u64),
    /// The answer was about something else.
    Mismatch(String),
}

/// Decides what a look-up by `external_id` means.
fn found(presence: &Presence, posted: &Posted, content: &Content) -> Found {
    match presence {
        Presence::Absent => Found::Nothing,
        Presence::Pending { id } => match posted {
            Posted::Perhaps => Found::Ours(id.clone()),
            Posted::No => Found::Unfinished(None),
            Posted::ForAnotherObject(object) => Found::Unfinished(Some(object.clone())),
        },
        Presence::Stored { id, size, .. } if *size == content.stamp.size => {
            Found::SameSize(id.clone())
        }
        Presence::Stored { id, size, .. } => Found::OtherSize(id.clone(), *size),
        Presence::Mismatch { external_id } => Found::Mismatch(external_id.clone()),
    }
}

/// How a begun record stands, and so how its row goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It is gone: another record may be made.
    Gone,
    /// It has no bytes, so a new address for them detaches none.
    Empty,
    /// Its bytes, which are those of the file, were sent, and do not show yet.
    Sent,
    /// It has no bytes, and hangs on another object: it has to go first.
    EmptyElsewhere,
    /// It has bytes of this size, of the file as it is now.
    Stored(u64),
    /// It has bytes of this size, but the file or the object was another one then.
    StoredBeforeTheChange(u64),
    /// The answer was about something else.
    Mismatch,
}

/// Decides how a begun record stands.
fn standing(presence: &Presence, begun: &Begun, content: &Content) -> Standing {
    let same_content = begun
        .content
        .is_none_or(|then| then.sha256 == content.sha256);
    match presence {
        Presence::Absent => Standing::Gone,
        Presence::Pending { .. } if begun.elsewhere.is_some() => Standing::EmptyElsewhere,
        Presence::Pending { .. } if begun.progress == Progress::Sent && same_content => {
            Standing::Sent
        }
        Presence::Pending { .. } => Standing::Empty,
        Presence::Stored { size, .. } if same_content && begun.elsewhere.is_none() => {
            Standing::Stored(*size)
        }
        Presence::Stored { size, .. } => Standing::StoredBeforeTheChange(*size),
        Presence::Mismatch { .. } => Standing::Mismatch,
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
