//! The decisions about a row, made from known facts without doing anything.
//!
//! [`step`] decides from the earlier line of a row where its protocol starts, [`next_step()`]
//! decides from an answer about an attachment, and [`outcome`] from the end of a job. All are
//! total: each combination of facts has exactly one answer. [`second_copies()`] finds rows about to
//! store a file a second time, and [`units()`] groups rows into jobs.
//!
//! The module stops before requests and lines: `pipeline` carries out the decisions, and the dry
//! run tells of them. Open the file of [`next_step()`] first for attachments, and the file of
//! [`outcome`] for jobs.

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

/// Decision about a row, made from its earlier line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The earlier line stays, and no request is sent.
    Keep,
    /// A new line is written, and no request is sent.
    Record(Box<Entry>),
    /// Requests are sent, from the given start on.
    Send(Start),
}

/// Start of a row's protocol. Each service has its own use of files, and so its own protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The row's file becomes an attachment.
    Attachment(AttachmentStart),
    /// The row's file goes into a job.
    Job(JobStart),
}

/// Start of the protocol of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentStart {
    /// A look-up by `external_id`.
    LookUp(Posted),
    /// The record chosen for the row by an earlier run.
    Resume(Begun),
    /// The attachment left by an earlier run, with its bytes or in the middle of a replacement.
    There(There),
}

/// Start of the protocol of a row whose file goes into a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStart {
    /// A new job.
    New,
    /// The job into which an earlier run put the row.
    Earlier(Begun),
}

impl JobStart {
    /// Returns the earlier run's job; `None` for a new job.
    pub fn job(&self) -> Option<&AttachmentId> {
        match self {
            Self::New => None,
            Self::Earlier(begun) => Some(&begun.id),
        }
    }
}

/// Possible outcome of earlier POSTs of a row without an answer. Only after such a POST is a record
/// without bytes under the row's `external_id` known to be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// There was no POST, or each POST was answered.
    No,
    /// A POST for the object in the present manifest may have made a record.
    Perhaps,
    /// A POST for another object may have made a record. The record cannot be moved, and has to go
    /// first; and since a record does not tell its object, no record found is known to be ours.
    ForAnotherObject(OtherObject),
}

/// A record chosen for a row by an earlier run. Only the absence of the record permits another
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Id of the record.
    pub id: AttachmentId,
    /// Path of the file in the manifest of the earlier run.
    pub file_path: String,
    /// Content sent, or being sent, by the earlier run; `None` where the line does not tell any
    /// more.
    pub content: Option<Content>,
    /// Object of the record; `None` for the object in the present manifest.
    pub elsewhere: Option<OtherObject>,
    /// Stage reached by the earlier run.
    pub progress: Progress,
}

impl Begun {
    /// Returns a record of a row, with nothing known about its bytes.
    fn of(id: AttachmentId, row: &Row) -> Self {
        Self {
            id,
            file_path: row.file_path.clone(),
            content: None,
            elsewhere: None,
            progress: Progress::Unknown,
        }
    }

    /// Returns a record of a row for the present object and file.
    pub fn now(id: AttachmentId, row: &Row, content: Content) -> Self {
        Self {
            content: Some(content),
            ..Self::of(id, row)
        }
    }
}

/// An object named in an earlier line and no more in the manifest. The text stays as the line has
/// it, so the next line says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherObject {
    /// Type of the object.
    pub kind: String,
    /// Id of the object.
    pub id: String,
}

/// Stage reached with a record by an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No bytes were sent.
    NotSent,
    /// Bytes may or may not have been sent.
    Unknown,
    /// All bytes were sent, and only the result did not show.
    Sent,
    /// A new upload address was requested, and the request may still arrive: the request detaches
    /// all bytes sent before its arrival.
    Renewing,
    /// The job failed, perhaps after having attached the file, and the user wants another job.
    Failed,
}

/// Decides from the earlier line of a row how the row goes on.
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
    // The attachment of a conflict that was never done is somebody else's.
    if !state.is_conflict()
        && let Some(there) = There::of(row, previous)
    {
        return AttachmentStart::There(there);
    }
    let elsewhere = other_object(row, previous);
    // The id in the line of a conflict is somebody else's.
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
        // The manifest names the first object again, but there was a POST for another object, too.
        (None, RowState::CreatingElsewhere) => Posted::ForAnotherObject(object_of(previous)),
        (None, RowState::Creating(_)) => Posted::Perhaps,
        _ => Posted::No,
    })
}

impl Progress {
    /// Returns the stage of an attachment from the state of its row.
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
    // An attachment on another object, or in a job, can neither be moved nor changed.
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
            // Earlier changes stay changes, whatever else is wanted now.
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
    // The line of content that differs from the file speaks of the stored content, wherever the
    // file is now.
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

/// Returns the advice about a file unlike its stored content.
pub(crate) fn remedies(service: Service) -> &'static str {
    match service {
        Service::Workday => Reason::FileChanged.remedy(),
        // A file in a job can neither be replaced nor taken out.
        Service::Keelvar => "restore the file, or give the new one an external_id of its own",
    }
}

/// True if a file is known to differ from its stored content.
fn is_other(file: RowFile, previous: &Entry) -> bool {
    match (file, previous.known.content()) {
        (RowFile::Ready(now), Some(then)) => now.sha256 != then.sha256,
        // Of content stored by somebody else, only the size is known.
        (RowFile::Ready(_), None) => previous.state().is_kept(),
        _ => false,
    }
}

/// True if the attachment of a done row has to be looked at, since a change may be due.
fn is_to_be_changed(row: &Row, file: RowFile, previous: &Entry, wishes: Wishes) -> bool {
    let is_other = is_other(file, previous);
    let state = previous.state();
    let is_right = !is_other || state.is_kept() || wishes.on_conflict == OnConflict::Skip;
    let is_unproven = there::is_unproven(previous.verified, state.done_content());
    match wishes.on_conflict {
        OnConflict::Replace if is_other => true,
        // An equal number of bytes does not prove equal bytes.
        OnConflict::Replace if is_unproven && file != RowFile::Gone => true,
        _ => is_right && there::may_be_renamed(row, previous, wishes),
    }
}

/// Returns the state of a row done before, with nothing to be said against it.
fn still_done(row: &Row, file: RowFile, previous: &Entry) -> RowState {
    match previous.state() {
        RowState::Done(done_as, DoneContent::KeptExisting) if file != RowFile::Gone => {
            return RowState::Done(done_as, DoneContent::AsVerified);
        }
        done @ RowState::Done(..) => return done,
        _ => {}
    }
    // The size of an attachment that we uploaded was confirmed, and no file in a job was ever there
    // before.
    let otherwise = match (row.object.kind().service(), previous.verified) {
        (Service::Workday, Verified::No) => DoneAs::Skipped,
        (Service::Keelvar, _) | (_, Verified::Size | Verified::Etag) => DoneAs::Uploaded,
    };
    RowState::Done(
        changed_as(&previous.changes).unwrap_or(otherwise),
        DoneContent::AsVerified,
    )
}

/// True if the line of a done row with the same content should be brought up to date: the next run
/// then need not hash.
fn file_moved(row: &Row, file: RowFile, previous: &Entry) -> bool {
    match (file, previous.known.content()) {
        (RowFile::Ready(now), Some(then)) => {
            now.stamp != then.stamp || row.file_path != previous.file_path
        }
        _ => false,
    }
}

/// Meaning of a look-up by `external_id` for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// Nothing has the `external_id`: a record may be made.
    Nothing,
    /// Our own record has no bytes: the row goes on with the record.
    Ours(AttachmentId),
    /// A record without bytes is ours but hangs on another object, or is somebody else's. The
    /// record will get bytes or be purged; until then the row waits.
    Unfinished(Option<OtherObject>),
    /// The stored content has the size of the file.
    SameSize(AttachmentId),
    /// The stored content has another size.
    OtherSize(AttachmentId, u64),
    /// The answer speaks of another `external_id`.
    Mismatch(String),
}

/// Decides the meaning of a look-up by `external_id`.
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

/// Meaning of an answer about a begun record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// The record is gone: another record may be made.
    Gone,
    /// The record has no bytes, so a new upload address detaches none.
    Empty,
    /// The file's bytes were sent, and do not show yet.
    Sent,
    /// The record has no bytes, and hangs on another object: the record has to go first.
    EmptyElsewhere,
    /// The record has this many bytes, sent from the present file.
    Stored(u64),
    /// The record has this many bytes, sent before the file or the object was changed.
    StoredBeforeTheChange(u64),
    /// The answer speaks of another record.
    Mismatch,
}

/// Decides the meaning of an answer about a begun record.
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
