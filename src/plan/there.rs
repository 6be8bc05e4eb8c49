//! The decisions about an existing attachment: replacement and renaming, on request of the user.

use super::{OtherObject, other_object};
use crate::destination::Names;
use crate::destination::archive::Shown;
use crate::manifest::Row;
use crate::model::{AttachmentId, Content, ExternalId};
use crate::results::{
    Changes, DoneAs, DoneContent, Entry, Former, Known, Replacement, RowState, Verified,
};

/// Policy of the user for existing attachments unlike their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// Policy for other content.
    pub on_conflict: OnConflict,
    /// Policy for other titles.
    pub titles: Titles,
}

/// Policy for an attachment with other content than its row's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// The content stays, and the row is not done.
    #[default]
    Fail,
    /// The content stays, and the row is done.
    Skip,
    /// The attachment gets the content of the file.
    Replace,
}

/// Policy for an attachment with another title than its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Titles {
    /// The title stays.
    #[default]
    Leave,
    /// The attachment gets the title of the row, where the row has a title.
    Update,
}

impl Wishes {
    /// Returns the title for a row's attachment; `None` where the user wants none, or the row has
    /// none.
    pub fn title(self, row: &Row) -> Option<&str> {
        match self.titles {
            Titles::Leave => None,
            Titles::Update => row.title.as_deref(),
        }
    }
}

/// An attachment left by earlier runs, with its bytes or in the middle of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// Id of the attachment.
    pub id: AttachmentId,
    /// Knowledge about the content in the row's line: the stored content, or the content to be
    /// stored.
    pub known: Known,
    /// Evidence for the content.
    pub verified: Verified,
    /// Action in the row's line, unless something further is changed.
    pub done_as: DoneAs,
    /// Relation of the stored content to the file.
    pub content: DoneContent,
    /// Object of the attachment; `None` for the object in the present manifest.
    pub elsewhere: Option<OtherObject>,
    /// Stage of an earlier run's change.
    pub change: Change,
}

/// Stage of an earlier run's change to an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No change was begun.
    None,
    /// A new name was sent, and the request may still arrive.
    Names,
    /// The release of the old bytes was requested, and the request may still arrive.
    LettingGo,
    /// The old bytes were released, and no new bytes are known to have been sent.
    LetGo,
    /// New bytes were sent, and the service did not show their size.
    Sent,
}

impl There {
    /// Returns the attachment in the earlier line of a row; `None` for a line without an attachment
    /// to keep or to change.
    pub(super) fn of(row: &Row, previous: &Entry) -> Option<Self> {
        let state = previous.state();
        let by_verified = match previous.verified {
            Verified::No => DoneAs::Skipped,
            Verified::Size | Verified::Etag => DoneAs::Uploaded,
        };
        let (done_as, content) = match state {
            RowState::Done(done_as, content) => (done_as, content),
            _ => (by_verified, DoneContent::AsVerified),
        };
        Some(Self {
            id: previous.attachment_id.clone()?,
            known: previous.known,
            verified: previous.verified,
            done_as,
            content,
            elsewhere: other_object(row, previous),
            change: Change::told_by(&state)?,
        })
    }

    /// True if nothing but the size of the stored content was ever seen.
    pub fn is_unproven(&self) -> bool {
        is_unproven(self.verified, Some(self.content))
    }

    /// True if the user has let other content stay.
    pub fn is_kept(&self) -> bool {
        self.content == DoneContent::KeptExisting
    }
}

impl Change {
    /// Returns the stage of a change from the state of its row; `None` unless the row has an
    /// attachment with bytes, or with bytes in the middle of a replacement.
    fn told_by(state: &RowState) -> Option<Self> {
        match state {
            RowState::Replacing(Replacement::LettingGo) => Some(Self::LettingGo),
            RowState::Replacing(Replacement::LetGo(_)) => Some(Self::LetGo),
            RowState::Replacing(Replacement::Sent) => Some(Self::Sent),
            RowState::Naming(_) => Some(Self::Names),
            RowState::Done(..) | RowState::Conflict(_) | RowState::ConflictElsewhere => {
                Some(Self::None)
            }
            _ => None,
        }
    }
}

/// True if nothing but the size of the stored content was ever seen: consign neither sent the
/// content nor looked at it.
pub(super) fn is_unproven(verified: Verified, content: Option<DoneContent>) -> bool {
    verified == Verified::No && content != Some(DoneContent::Downloaded)
}

/// True if an attachment may need another name than in its earlier line.
pub(super) fn may_be_renamed(row: &Row, previous: &Entry, wishes: Wishes) -> bool {
    let id = row.new_external_id.as_ref().map(ExternalId::as_str);
    let is_renamed = id.is_none() || id == previous.changes.renamed_to.as_deref();
    !is_renamed || wishes.title(row).is_some()
}

/// Meaning of the present size of an attachment left by earlier runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Course {
    /// The attachment is gone, or has lost its bytes, and not because of us.
    Gone,
    /// The attachment went after the release of its bytes: another attachment may be made.
    Anew,
    /// The attachment has no bytes after their release: the new bytes are to be sent.
    Send,
    /// The new bytes were sent, and do not show yet.
    Await,
    /// The attachment holds the content of the row's file.
    Right,
    /// The attachment holds other content.
    Other {
        /// Size in bytes.
        size: u64,
        /// The content in full; `None` for content not sent by us.
        ours: Option<Content>,
    },
    /// Only the bytes can tell the content of the attachment.
    Bytes,
}

/// Answer to a question about the bytes of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding<B> {
    /// The attachment does not exist.
    NoAttachment,
    /// The attachment has no bytes.
    NoBytes,
    /// The attachment has bytes, with the given property.
    Bytes(B),
}

/// Decides the meaning of the present size of an attachment left by earlier runs.
pub(super) fn course(
    size: Holding<u64>,
    there: &There,
    former: Option<&Former>,
    content: &Content,
) -> Course {
    let is_same = |then: &Content| then.sha256 == content.sha256;
    let then = there.known.content();
    let in_hand = |size, then: Content| {
        if is_same(&then) {
            Course::Right
        } else {
            // An equal number of bytes did not prove that the bytes were those of the file then.
            let ours = Some(then).filter(|_| !there.is_unproven());
            Course::Other { size, ours }
        }
    };
    match (there.change, size) {
        (Change::None | Change::Names, Holding::NoAttachment | Holding::NoBytes) => Course::Gone,
        (Change::None | Change::Names, Holding::Bytes(size)) => match then {
            Some(then) if then.stamp.size == size => in_hand(size, then),
            _ => Course::Other { size, ours: None },
        },
        (_, Holding::NoAttachment) => Course::Anew,
        (Change::Sent, Holding::NoBytes) if then.as_ref().is_some_and(is_same) => Course::Await,
        (_, Holding::NoBytes) => Course::Send,
        (change, Holding::Bytes(size)) => {
            let is_old = former.is_none_or(|former| former.size == size);
            match then {
                None => Course::Bytes,
                Some(then) if then.stamp.size == size && is_old => Course::Bytes,
                Some(then) if then.stamp.size == size => in_hand(size, then),
                Some(then) if is_old && change == Change::Sent && is_same(&then) => Course::Await,
                Some(_) => Course::Other { size, ours: None },
            }
        }
    }
}

/// Next change of a name of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renaming {
    /// The attachment gets another title.
    Title {
        /// Present title, fit to be shown.
        from: Option<String>,
        /// New title.
        to: String,
    },
    /// The attachment gets another `external_id`.
    ExternalId {
        /// Present `external_id`.
        from: ExternalId,
        /// New `external_id`.
        to: ExternalId,
    },
    /// The attachment has this `external_id`, fit to be shown, and no run of ours gave it.
    Unexpected(String),
}

/// Decides the next change of a name of an attachment whose content is right; `None` where no
/// change is left. The title comes first, because requests for titles go by the service's own id.
pub fn renaming(row: &Row, wishes: Wishes, names: &Names, changes: &Changes) -> Option<Renaming> {
    if let Some(title) = wishes.title(row)
        && names.title.value() != Some(title)
    {
        return Some(Renaming::Title {
            from: names.title.words().map(ToOwned::to_owned),
            to: title.to_owned(),
        });
    }
    let to = row.new_external_id.as_ref()?;
    let renamed = changes.renamed_to.as_deref();
    let from = match &names.external_id {
        Shown::Text { value, .. } if *value == *to.as_str() => return None,
        Shown::Text { value, .. } if *value == *row.external_id.as_str() => row.external_id.clone(),
        Shown::Text { value, words } => match ExternalId::parse(value) {
            Ok(id) if renamed == Some(value) => id,
            _ => return Some(Renaming::Unexpected(words.clone())),
        },
        // The attachment was found under the row's `external_id`, or an earlier run renamed it.
        Shown::NotTold | Shown::Nothing => match renamed.map(ExternalId::parse) {
            Some(Ok(id)) => id,
            _ => row.external_id.clone(),
        },
    };
    (from != *to).then(|| Renaming::ExternalId {
        from,
        to: to.clone(),
    })
}

/// Returns the greatest change made on request; `None` where nothing was changed.
pub fn changed_as(changes: &Changes) -> Option<DoneAs> {
    if changes.replaced.is_some() {
        Some(DoneAs::Replaced)
    } else if changes.renamed_to.is_some() {
        Some(DoneAs::Renamed)
    } else if changes.previous_title.is_some() {
        Some(DoneAs::Updated)
    } else {
        None
    }
}

/// Bytes of an attachment in the middle of a replacement: seen just before the release of the old
/// bytes, or when the outcome of the release is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// The attachment has no bytes.
    Empty,
    /// The attachment still has the old bytes.
    Old,
    /// The attachment has as many bytes as the new content, and the old content had another number.
    New,
    /// Only the bytes can tell.
    Unclear,
    /// The attachment has other bytes.
    Other,
}

/// Bytes about to give way, as seen at the time of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giving {
    /// Number of bytes.
    pub size: u64,
    /// Word of the service that changes with the bytes.
    pub uploaded_at: Shown,
}

/// Decides which bytes an attachment has in the middle of a replacement. `sent` is true if new
/// bytes may have been sent, which matters where new bytes cannot be told from others.
pub fn swapped(
    (size, uploaded_at): (Option<u64>, &Shown),
    old: &Giving,
    new: &Content,
    sent: bool,
) -> Swapped {
    let Some(size) = size else {
        return Swapped::Empty;
    };
    let tells_them_apart = *uploaded_at != Shown::NotTold;
    let is_old = size == old.size && *uploaded_at == old.uploaded_at;
    let is_new = sent && size == new.stamp.size;
    match (is_old, is_new) {
        (true, false) => Swapped::Old,
        (true, true) if tells_them_apart => Swapped::Old,
        (true, true) => Swapped::Unclear,
        (false, true) if size == old.size => Swapped::Unclear,
        (false, true) => Swapped::New,
        (false, false) => Swapped::Other,
    }
}
