//! The next step for the row of an attachment, decided from a look-up or an answer.
//!
//! An import carries the step out, and a dry run tells of the step. Neither decides anything, so
//! the import does what the dry run says. The module stops at the step: requests, names and lines
//! are left to `pipeline`.

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

/// Evidence about the attachment of a row.
#[derive(Debug)]
pub enum Sighting<'a> {
    /// Look-ups by the names of the row.
    ByName {
        /// The attachment with the row's `external_id`.
        present: &'a Presence,
        /// The attachment with the row's new `external_id`. Absent where the row keeps its
        /// `external_id`, and where [`decides_by_new_name`] asks for no look-up.
        under_new: &'a Presence,
        /// Earlier POSTs of the row, one of which may have made the record found.
        posted: &'a Posted,
    },
    /// An answer about the record begun for the row.
    OfBegun {
        /// The answer.
        presence: &'a Presence,
        /// The record.
        begun: &'a Begun,
    },
    /// An answer about the attachment left by an earlier run.
    OfLeft {
        /// Number of bytes, as the service shows it.
        size: Holding<u64>,
        /// The attachment.
        there: &'a There,
    },
    /// The downloaded bytes of the attachment left by an earlier run.
    OfBytes {
        /// Number and digest of the bytes.
        bytes: Holding<(u64, Sha256Digest)>,
        /// The attachment.
        there: &'a There,
    },
}

/// Facts about a row, besides the evidence about its attachment.
#[derive(Debug, Clone, Copy)]
pub struct RowFacts<'a> {
    /// The row.
    pub row: &'a Row,
    /// Content of the row's file.
    pub content: &'a Content,
    /// Changes made on request by earlier runs.
    pub changes: &'a Changes,
    /// Policy of the user.
    pub wishes: Wishes,
}

/// Next step for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// A look-up by the row's names: the record begun for the row is gone.
    LookUp,
    /// A new record. After a POST whose answer was lost, more than one look-up has to find nothing
    /// before.
    Create,
    /// A new upload address and the bytes of the row's file, for this record without bytes.
    Send(Begun),
    /// A wait until the service shows the size of the sent bytes.
    Confirm(AttachmentId),
    /// A download, because only the stored bytes can tell the content of the attachment.
    ReadBytes(There),
    /// A download, and a replacement unless the stored bytes are the bytes of the file. Both have
    /// the same number of bytes.
    ReplaceUnlessSame(AttachmentId),
    /// A replacement of the stored content.
    Replace {
        /// Id of the attachment.
        id: AttachmentId,
        /// Number of bytes about to give way.
        size: u64,
        /// The stored content in full; `None` for content not sent by us.
        ours: Option<Content>,
    },
    /// No step: the row ends.
    End(RowEnd),
}

impl From<RowEnd> for NextStep {
    fn from(end: RowEnd) -> Self {
        Self::End(end)
    }
}

impl NextStep {
    /// True if the attachment holds content of unknown origin: no run of ours is known to have sent
    /// it.
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

/// Decides the next step for a row.
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

/// True if the attachment under a row's new `external_id` counts beside the attachment under the
/// present one. Where the present `external_id` is taken and no replacement is due, the new
/// `external_id` is looked up anyway before the renaming.
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
    // The row's attachment had a new name, and is gone: an attachment with one of its names now is
    // another one.
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
        // No POST of ours can be the reason for a record under the new name.
        (false, true) => of_found(under_new, &Posted::No, row),
        (_, false) => of_found(present, posted, row),
    }
}

fn of_found(presence: &Presence, posted: &Posted, row: RowFacts<'_>) -> NextStep {
    match found(presence, posted, row.content) {
        Found::Nothing => NextStep::Create,
        Found::Ours(id) => NextStep::Send(Begun::now(id, row.row, *row.content)),
        Found::Unfinished(elsewhere) => RowEnd::Unfinished(elsewhere).into(),
        // An equal number of bytes does not prove equal bytes.
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
        // An equal number of bytes does not prove equal bytes.
        Course::Right if there.is_unproven() && replaces(row.wishes) => {
            NextStep::ReplaceUnlessSame(id)
        }
        Course::Right => RowEnd::AsLeft(there.clone()).into(),
        Course::Other { size, ours } => differs_from_left(there, size, ours, row),
        Course::Bytes => NextStep::ReadBytes(there.clone()),
    }
}

/// Decides by the stored bytes, because nothing else could tell if the run before stored the new
/// bytes.
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

/// Returns the record of a replacement begun by an earlier run.
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
    // Content that the user has let stay once stays, unless the user wants a replacement now.
    if there.is_kept() && !replaces(row.wishes) {
        return kept(id, size, ours);
    }
    differs(id, size, ours, row)
}

/// Decides by the user's policy about an attachment with other content than the file.
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

/// Holder of an `external_id` wanted for an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameHolder {
    /// No attachment.
    Nobody,
    /// The attachment itself.
    Ours,
    /// Another attachment.
    Another,
}

/// Decides from a look-up of an `external_id` who holds it, where the attachment `ours` is to get
/// it.
pub fn name_holder(found: &Presence, ours: &AttachmentId) -> NameHolder {
    match found {
        Presence::Absent => NameHolder::Nobody,
        Presence::Pending { id } | Presence::Stored { id, .. } if id == ours => NameHolder::Ours,
        _ => NameHolder::Another,
    }
}

#[cfg(test)]
mod tests;
