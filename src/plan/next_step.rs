//! The next step of the row of an attachment, decided from what a look-up or an answer shows.
//!
//! An import carries the step out, and a dry run tells of it. Neither decides anything itself, so that
//! the one does what the other says.

mod row_end;

use super::there::{Course, course};
use super::{
    Begun, Change, Found, Holding, OnConflict, Posted, Standing, There, Wishes, found, standing,
};
use crate::destination::Presence;
use crate::manifest::Row;
use crate::model::{AttachmentId, Content, Sha256Digest};
use crate::results::{Changes, Known};

pub use row_end::RowEnd;

/// Evidence of how the attachment of a row stands.
#[derive(Debug)]
pub enum Sighting<'a> {
    /// Look-ups by the names of the row.
    ByName {
        /// The attachment that has the row's `external_id`.
        present: &'a Presence,
        /// The attachment that has the `external_id` which the row's is to get. Absent where it keeps
        /// its own, and where [`decides_by_new_name`] asks for no look-up.
        under_new: &'a Presence,
        /// POSTs of the row whose record may be what was found.
        posted: &'a Posted,
    },
    /// An answer about the record that was begun for the row.
    OfBegun {
        /// The answer.
        presence: &'a Presence,
        /// The record.
        begun: &'a Begun,
    },
    /// An answer about the attachment that an earlier run left.
    OfLeft {
        /// The number of its bytes that the service shows.
        size: Holding<u64>,
        /// The attachment.
        there: &'a There,
    },
    /// The bytes of the attachment that an earlier run left.
    OfBytes {
        /// Their number and digest.
        bytes: Holding<(u64, Sha256Digest)>,
        /// The attachment.
        there: &'a There,
    },
}

/// The facts about a row that count besides what is seen of its attachment.
#[derive(Debug, Clone, Copy)]
pub struct RowFacts<'a> {
    /// The row.
    pub row: &'a Row,
    /// The content of its file.
    pub content: &'a Content,
    /// The changes that earlier runs made on request.
    pub changes: &'a Changes,
    /// The user's policy.
    pub wishes: Wishes,
}

/// The next step of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// A look-up by its names: what was begun for it is gone.
    LookUp,
    /// A new record. After a POST whose answer was lost, more than one look-up has to find nothing
    /// before.
    Create,
    /// A new address and the bytes of its file, for this record, which has none.
    Send(Begun),
    /// A wait until the size of the bytes shows that were sent.
    Confirm(AttachmentId),
    /// A download, because nothing but the stored bytes can tell what the attachment holds.
    ReadBytes(There),
    /// A download, and a replacement unless the stored bytes, which are as many as those of the file,
    /// are the same.
    ReplaceUnlessSame(AttachmentId),
    /// A replacement of what is stored.
    Replace {
        /// The attachment.
        id: AttachmentId,
        /// The number of bytes that give way.
        size: u64,
        /// All of them, where we sent them.
        ours: Option<Content>,
    },
    /// Nothing: the row ends.
    End(RowEnd),
}

impl From<RowEnd> for NextStep {
    fn from(end: RowEnd) -> Self {
        Self::End(end)
    }
}

impl NextStep {
    /// Tells whether the attachment holds content that nobody here is known to have sent.
    pub fn finds_foreign_content(&self) -> bool {
        matches!(
            self,
            Self::Replace { ours: None, .. }
                | Self::End(
                    RowEnd::StoredOtherSize { .. }
                        | RowEnd::Kept {
                            known: Known::Size(_),
                            ..
                        }
                )
        )
    }
}

/// Decides the next step of a row.
pub fn next_step(sighting: &Sighting<'_>, row: RowFacts<'_>) -> NextStep {
    match sighting {
        Sighting::ByName {
            present,
            under_new,
            posted,
        } => by_name(present, under_new, posted, row),
        Sighting::OfBegun { presence, begun } => of_begun(presence, begun, row),
        Sighting::OfLeft { size, there } => of_left(*size, there, row),
        Sighting::OfBytes { bytes, there } => of_bytes(*bytes, there, row),
    }
}

/// Tells whether the attachment under the new `external_id` of a row counts beside what has the present
/// one. Where something has the present one, and is not going to be replaced, the new one is looked up
/// before it is given anyway.
pub fn decides_by_new_name(present: &Presence, wishes: Wishes) -> bool {
    matches!(present, Presence::Absent) || wishes.on_conflict == OnConflict::Replace
}

fn by_name(
    present: &Presence,
    under_new: &Presence,
    posted: &Posted,
    row: RowFacts<'_>,
) -> NextStep {
    let is_there = !matches!(present, Presence::Absent);
    let is_new_there =
        !matches!(under_new, Presence::Absent) && decides_by_new_name(present, row.wishes);
    // The row's attachment had a new name, and is gone: whatever has a name of it now is another one.
    if let Some(renamed) = row
        .changes
        .renamed_to
        .as_ref()
        .filter(|_| is_there || is_new_there)
    {
        return RowEnd::GoneSince(renamed.clone()).into();
    }
    match (is_there, is_new_there) {
        (true, true) => RowEnd::NewIdTaken.into(),
        // Of a record under the new name, none of our POSTs can be the reason.
        (false, true) => of_found(under_new, &Posted::No, row),
        (_, false) => of_found(present, posted, row),
    }
}

fn of_found(presence: &Presence, posted: &Posted, row: RowFacts<'_>) -> NextStep {
    match found(presence, posted, row.content) {
        Found::Nothing => NextStep::Create,
        Found::Ours(id) => NextStep::Send(Begun::now(id, row.row, *row.content)),
        Found::Unfinished(elsewhere) => RowEnd::Unfinished(elsewhere).into(),
        // That there are as many bytes does not prove that they are the same.
        Found::SameSize(id) if replaces(row.wishes) => NextStep::ReplaceUnlessSame(id),
        Found::SameSize(id) => RowEnd::SameSize(id).into(),
        Found::OtherSize(id, size) => differs(id, size, None, row),
        Found::Mismatch(other) => RowEnd::Mismatch {
            other,
            posted: posted.clone(),
        }
        .into(),
    }
}

fn of_begun(presence: &Presence, begun: &Begun, row: RowFacts<'_>) -> NextStep {
    let (id, ours) = (begun.id.clone(), || begun.clone());
    match standing(presence, begun, row.content) {
        Standing::Gone => NextStep::LookUp,
        Standing::Empty => NextStep::Send(ours()),
        Standing::Sent => NextStep::Confirm(id),
        Standing::EmptyElsewhere => RowEnd::BegunElsewhere(ours()).into(),
        Standing::Stored(size) if size == row.content.stamp.size => RowEnd::Uploaded(id).into(),
        Standing::Stored(size) => RowEnd::SizeMismatch { id, size }.into(),
        Standing::StoredBeforeTheChange(size) => {
            let begun = ours();
            RowEnd::StoredBeforeTheChange { begun, size }.into()
        }
        Standing::Mismatch => RowEnd::OfAnother(ours()).into(),
    }
}

fn of_left(size: Holding<u64>, there: &There, row: RowFacts<'_>) -> NextStep {
    let id = there.id.clone();
    let course = course(size, there, row.changes.replaced.as_ref(), row.content);
    let is_gone = matches!(course, Course::Gone | Course::Anew);
    if there.elsewhere.is_some() && !is_gone {
        return match there.change {
            Change::None | Change::Names => RowEnd::OnAnotherObject(there.clone()).into(),
            Change::LettingGo | Change::LetGo | Change::Sent => {
                RowEnd::ReplacingElsewhere(there.clone()).into()
            }
        };
    }
    match course {
        Course::Gone => RowEnd::Gone(there.clone()).into(),
        Course::Anew => NextStep::LookUp,
        Course::Send => NextStep::Send(begun_earlier(there, row.row)),
        Course::Await => NextStep::Confirm(id),
        // That there are as many bytes does not prove that they are the same.
        Course::Right if there.is_unproven() && replaces(row.wishes) => {
            NextStep::ReplaceUnlessSame(id)
        }
        Course::Right => RowEnd::AsLeft(there.clone()).into(),
        Course::Other { size, ours } => differs_from_left(there, size, ours, row),
        Course::Bytes => NextStep::ReadBytes(there.clone()),
    }
}

/// Nothing but the bytes could tell whether the new ones were stored by the run before.
fn of_bytes(bytes: Holding<(u64, Sha256Digest)>, there: &There, row: RowFacts<'_>) -> NextStep {
    match bytes {
        Holding::NoAttachment => NextStep::LookUp,
        Holding::NoBytes => NextStep::Send(begun_earlier(there, row.row)),
        Holding::Bytes((_, sha256)) if sha256 == row.content.sha256 => {
            RowEnd::AsLeft(there.clone()).into()
        }
        Holding::Bytes((size, sha256)) => {
            let then = there.known.content();
            let ours = then.filter(|then| then.sha256 == sha256);
            differs_from_left(there, size, ours, row)
        }
    }
}

/// The record of a replacement that an earlier run began.
fn begun_earlier(there: &There, row: &Row) -> Begun {
    Begun {
        content: there.known.content(),
        ..Begun::of(there.id.clone(), row)
    }
}

fn differs_from_left(
    there: &There,
    size: u64,
    ours: Option<Content>,
    row: RowFacts<'_>,
) -> NextStep {
    let id = there.id.clone();
    // What the user has let stay once stays, unless it is to be replaced.
    if there.is_kept() && !replaces(row.wishes) {
        return kept(id, size, ours);
    }
    differs(id, size, ours, row)
}

/// The attachment holds other content than the file: the user's policy decides.
fn differs(id: AttachmentId, size: u64, ours: Option<Content>, row: RowFacts<'_>) -> NextStep {
    match (row.wishes.on_conflict, ours) {
        (OnConflict::Replace, ours) => NextStep::Replace { id, size, ours },
        (OnConflict::Skip, ours) => kept(id, size, ours),
        (OnConflict::Fail, Some(stored)) => RowEnd::FileChanged { id, stored }.into(),
        (OnConflict::Fail, None) => RowEnd::StoredOtherSize { id, size }.into(),
    }
}

fn kept(id: AttachmentId, size: u64, ours: Option<Content>) -> NextStep {
    let known = ours.map_or(Known::Size(size), Known::Content);
    RowEnd::Kept { id, known }.into()
}

fn replaces(wishes: Wishes) -> bool {
    wishes.on_conflict == OnConflict::Replace
}

/// The holder of an `external_id` that an attachment is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameHolder {
    /// No attachment.
    Nobody,
    /// The attachment that is to get it.
    Ours,
    /// Another attachment.
    Another,
}

/// Tells who has an `external_id`, by a look-up of it, that the attachment `ours` is to get.
pub fn name_holder(found: &Presence, ours: &AttachmentId) -> NameHolder {
    match found {
        Presence::Absent => NameHolder::Nobody,
        Presence::Pending { id } | Presence::Stored { id, .. } if id == ours => NameHolder::Ours,
        _ => NameHolder::Another,
    }
}

#[cfg(test)]
mod tests;
