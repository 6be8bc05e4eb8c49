//! What follows for an attachment that is there already, and may have to be changed because the user
//! asks for it.

use super::{OtherObject, other_object};
use crate::destination::Names;
use crate::destination::archive::Shown;
use crate::manifest::Row;
use crate::model::{AttachmentId, Content, ExternalId};
use crate::results::{
    Changes, DoneAs, DoneContent, Entry, Former, Known, Replacement, RowState, Verified,
};

/// What the user wants where a row's attachment is there already, and is not what the row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// What becomes of other content.
    pub on_conflict: OnConflict,
    /// What becomes of other titles.
    pub titles: Titles,
}

/// What becomes of an attachment that holds other content than its row's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// It stays, and its row is not done.
    #[default]
    Fail,
    /// It stays, and its row is done.
    Skip,
    /// It gets the content of the file.
    Replace,
}

/// What becomes of an attachment that has another title than its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Titles {
    /// It stays as it is.
    #[default]
    Leave,
    /// It gets the title of the row, where that has one.
    Update,
}

impl Wishes {
    /// The title that the user wants a row's attachment to have.
    pub fn title(self, row: &Row) -> Option<&str> {
        match self.titles {
            Titles::Leave => None,
            Titles::Update => row.title.as_deref(),
        }
    }
}

/// An attachment that earlier runs left with its bytes, or without any while they were replacing
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// The attachment.
    pub id: AttachmentId,
    /// What its line says of its content: that which is stored, or is to be.
    pub known: Known,
    /// By what that was confirmed.
    pub verified: Verified,
    /// What was done for its row, where nothing further is changed.
    pub done_as: DoneAs,
    /// The relation of its content to the file.
    pub content: DoneContent,
    /// What it hangs on, where that is not the object that the manifest names now.
    pub elsewhere: Option<OtherObject>,
    /// How far an earlier run came with changing it.
    pub change: Change,
}

/// How far an earlier run came with changing an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing was begun.
    None,
    /// A new name was sent, and the request may still arrive.
    Names,
    /// Its bytes were to be let go of, and the request may still arrive.
    LettingGo,
    /// Its bytes were let go of, and no new ones are known to have been sent.
    LetGo,
    /// New bytes were sent, and only their size did not show.
    Sent,
}

impl There {
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

    /// Whether nothing but the size of what is stored was ever seen.
    pub fn is_unproven(&self) -> bool {
        is_unproven(self.verified, Some(self.content))
    }

    /// Whether the user has let other content stay.
    pub fn is_kept(&self) -> bool {
        self.content == DoneContent::KeptExisting
    }
}

impl Change {
    /// How far a run came that left a row so; nothing of one that has no attachment with bytes, or has
    /// none that is to be changed.
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

/// Whether of what is stored nothing but the size was ever seen: neither did we send it, nor look at
/// it.
pub(super) fn is_unproven(verified: Verified, content: Option<DoneContent>) -> bool {
    verified == Verified::No && content != Some(DoneContent::Downloaded)
}

/// Whether an attachment may have to be called otherwise than an earlier line knows it.
pub(super) fn may_be_renamed(row: &Row, previous: &Entry, wishes: Wishes) -> bool {
    let id = row.new_external_id.as_ref().map(ExternalId::as_str);
    let is_renamed = id.is_none() || id == previous.changes.renamed_to.as_deref();
    !is_renamed || wishes.title(row).is_some()
}

/// How the row of an attachment that earlier runs left goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Course {
    /// It is gone, or has no bytes any more, and not because of us.
    Gone,
    /// It went after its bytes were let go of: another one may be made.
    Anew,
    /// Its bytes were let go of: the new ones are to be sent.
    Send,
    /// The new bytes were sent, and do not show yet.
    Await,
    /// It holds what the row's file does.
    Right,
    /// It holds something else.
    Other {
        /// How many bytes.
        size: u64,
        /// All of it, where we sent it.
        ours: Option<Content>,
    },
    /// Nothing but its bytes can tell what it holds.
    Bytes,
}

/// An attachment as it is seen, with what was asked about its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding<B> {
    /// There is no such attachment.
    NoAttachment,
    /// It has no bytes.
    NoBytes,
    /// It has these.
    Bytes(B),
}

/// Decides how a row goes on whose attachment an earlier run left, by the size that the service shows
/// now.
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
            // That there were as many bytes did not prove that they were those of the file then.
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

/// What an attachment is to be called next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renaming {
    /// It gets another title.
    Title {
        /// The one that it has, fit to be shown.
        from: Option<String>,
        /// The one that it gets.
        to: String,
    },
    /// It gets another `external_id`.
    ExternalId {
        /// The one that it has.
        from: ExternalId,
        /// The one that it gets.
        to: ExternalId,
    },
    /// It has an `external_id` that nobody here gave it. Says which, fit to be shown.
    Unexpected(String),
}

/// Decides what an attachment that is right otherwise is to be called next; nothing where it has
/// its names. The titles come first, because requests for them go by the service's own id.
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
        // It was found under this one, or an earlier run gave it to it.
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

/// The greatest thing that was changed on request.
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

/// What is seen of an attachment whose bytes are being replaced, just before they are let go of, or
/// when it is not known whether they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// It has no bytes.
    Empty,
    /// It has the old ones, as they were kept.
    Old,
    /// It has as many as the new ones are, and the old ones were not.
    New,
    /// Nothing but its bytes can tell.
    Unclear,
    /// It has others.
    Other,
}

/// The bytes that are to give way, as they were seen when they were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giving {
    /// How many there were.
    pub size: u64,
    /// The word of the service that changes with them.
    pub uploaded_at: Shown,
}

/// Decides what an attachment has whose bytes are being replaced. Whether new ones may have been
/// `sent` matters where they cannot be told from others.
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
