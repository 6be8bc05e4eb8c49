//! The state of the protocol of a row, as its line tells it.
//!
//! The columns `status` and `reason` are words for people and scripts, and only some of their pairs
//! decide what is to be done. [`RowState::decode`] alone reads such pairs, and [`RowState::encode`]
//! alone writes them. A state carries a reason where that is for people, and decides nothing.

use super::{Reason, Status};

/// The point that the protocol of a row has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Nothing is begun of which anything is known to be left.
    Unbegun(Reason),
    /// The row or its file is not fit to send.
    Unfit(Reason),
    /// A POST was announced, and nobody knows whether it made a record.
    Creating(Reason),
    /// A POST was announced for another object than the manifest names now. Its record cannot be moved.
    CreatingElsewhere,
    /// A record without bytes hangs on another object than the manifest names now, and has to go first.
    UnfinishedElsewhere,
    /// A record was made, and no bytes are announced. (To an attachment they may be on their way.)
    Created,
    /// A record was made, and what became of the requests after that is not known.
    CreatedUnheard(Reason),
    /// A record was made, and the service does not find it again. It got no bytes.
    NotFoundAgain,
    /// A new address was asked for, and the request may still arrive: it detaches bytes that were sent
    /// before it does.
    AddressRenewing,
    /// The bytes were sent to an attachment, and their size did not show.
    SizeUnconfirmed(SizeAnswer),
    /// Bytes may be on their way to a job.
    JobSending,
    /// A job has not said where its files go; nothing was sent.
    JobWaiting,
    /// All bytes were sent to a job, and it has not ended.
    JobRunning,
    /// The bytes of an attachment are giving way to others.
    Replacing(Replacement),
    /// The bytes of an attachment are right, and a new name may be on its way to it.
    Naming(NewWord),
    /// Nothing is left to do.
    Done(DoneAs, DoneContent),
    /// What is stored is not what the row says, and was left as it is.
    Conflict(Reason),
    /// What is stored hangs on another object than the manifest names now.
    ConflictElsewhere,
    /// The row cannot succeed as it is.
    Failed(Reason),
    /// The same, and its record certainly has none of its bytes.
    FailedWithoutBytes(Reason),
    /// The job failed, and only somebody who looks can tell whether it attached the file before.
    JobFailed,
}

/// The service's answer to the question of a size that does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeAnswer {
    /// It shows no size yet.
    NotYet,
    /// It does not answer.
    None,
}

/// The point that the replacement of an attachment's bytes has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// The old bytes were to be let go of, and the request may still arrive.
    LettingGo,
    /// The old bytes were let go of, and no new ones are known to have been sent.
    LetGo(Reason),
    /// The new bytes were sent, and only their size did not show.
    Sent,
}

/// The name of an attachment that was to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewWord {
    /// Its title.
    Title,
    /// Its `external_id`.
    ExternalId,
}

/// The greatest thing that was done for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneAs {
    /// Its bytes were stored.
    Uploaded,
    /// Its bytes were stored in the place of others.
    Replaced,
    /// Its attachment, which was there, got another `external_id`.
    Renamed,
    /// Its attachment, which was there, got another title.
    Updated,
    /// Nothing: its attachment was there.
    Skipped,
}

impl DoneAs {
    /// The word for it.
    pub fn status(self) -> Status {
        match self {
            Self::Uploaded => Status::Uploaded,
            Self::Replaced => Status::Replaced,
            Self::Renamed => Status::Renamed,
            Self::Updated => Status::Updated,
            Self::Skipped => Status::Skipped,
        }
    }
}

/// The relation of what is stored for a done row to its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneContent {
    /// It is the file, as far as the column `verified` tells.
    AsVerified,
    /// It was downloaded, and is the file.
    Downloaded,
    /// It is something else, and stays because the user said so.
    KeptExisting,
}

impl DoneContent {
    fn told_by(reason: &Reason) -> Self {
        match reason {
            Reason::SameContent => Self::Downloaded,
            Reason::KeptExisting => Self::KeptExisting,
            _ => Self::AsVerified,
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::AsVerified => Reason::None,
            Self::Downloaded => Reason::SameContent,
            Self::KeptExisting => Reason::KeptExisting,
        }
    }
}

impl RowState {
    /// Reads what [`Self::encode`] wrote. Of pairs that no version writes, the reading counts after which
    /// nothing is sent before the service was asked.
    pub fn decode(status: Status, reason: &Reason) -> Self {
        let done = |done_as| Self::Done(done_as, DoneContent::told_by(reason));
        match (status, reason) {
            (Status::Uploaded, _) => done(DoneAs::Uploaded),
            (Status::Replaced, _) => done(DoneAs::Replaced),
            (Status::Renamed, _) => done(DoneAs::Renamed),
            (Status::Updated, _) => done(DoneAs::Updated),
            (Status::Skipped, _) => done(DoneAs::Skipped),
            (Status::Replacing, _) => Self::replacing(reason.clone()),
            (Status::Conflict, Reason::ObjectChanged) => Self::ConflictElsewhere,
            (Status::Conflict, _) => Self::Conflict(reason.clone()),
            (Status::Creating, Reason::ObjectChanged) => Self::CreatingElsewhere,
            (Status::Creating, _) => Self::Creating(reason.clone()),
            (_, Reason::ObjectChanged) => Self::UnfinishedElsewhere,
            (Status::Created, Reason::None) => Self::Created,
            (Status::Created, Reason::NotFoundAgain) => Self::NotFoundAgain,
            (Status::Created, Reason::Renewing) => Self::AddressRenewing,
            (Status::Created, Reason::Sending) => Self::JobSending,
            (Status::Created, Reason::SizeNotShown) => Self::SizeUnconfirmed(SizeAnswer::None),
            (Status::Created, _) => Self::CreatedUnheard(reason.clone()),
            (Status::Pending, Reason::SizeNotShown) => Self::SizeUnconfirmed(SizeAnswer::NotYet),
            (Status::Pending, Reason::JobWaiting) => Self::JobWaiting,
            (Status::Pending, Reason::JobRunning) => Self::JobRunning,
            (Status::Pending, Reason::Updating) => Self::Naming(NewWord::Title),
            (Status::Pending, Reason::Renaming) => Self::Naming(NewWord::ExternalId),
            (Status::Pending, _) => Self::Unbegun(reason.clone()),
            (Status::Failed, _) => Self::failed(reason.clone()),
            (Status::Invalid, _) => Self::Unfit(reason.clone()),
        }
    }

    /// The words of the columns `status` and `reason`.
    pub fn encode(self) -> (Status, Reason) {
        match self {
            Self::Unbegun(reason) => (Status::Pending, reason),
            Self::Unfit(reason) => (Status::Invalid, reason),
            Self::Creating(reason) => (Status::Creating, reason),
            Self::CreatingElsewhere => (Status::Creating, Reason::ObjectChanged),
            Self::UnfinishedElsewhere => (Status::Pending, Reason::ObjectChanged),
            Self::Created => (Status::Created, Reason::None),
            Self::CreatedUnheard(reason) => (Status::Created, reason),
            Self::NotFoundAgain => (Status::Created, Reason::NotFoundAgain),
            Self::AddressRenewing => (Status::Created, Reason::Renewing),
            Self::SizeUnconfirmed(SizeAnswer::NotYet) => (Status::Pending, Reason::SizeNotShown),
            Self::SizeUnconfirmed(SizeAnswer::None) => (Status::Created, Reason::SizeNotShown),
            Self::JobSending => (Status::Created, Reason::Sending),
            Self::JobWaiting => (Status::Pending, Reason::JobWaiting),
            Self::JobRunning => (Status::Pending, Reason::JobRunning),
            Self::Replacing(Replacement::LettingGo) => (Status::Replacing, Reason::Renewing),
            Self::Replacing(Replacement::LetGo(reason)) => (Status::Replacing, reason),
            Self::Replacing(Replacement::Sent) => (Status::Replacing, Reason::SizeNotShown),
            Self::Naming(NewWord::Title) => (Status::Pending, Reason::Updating),
            Self::Naming(NewWord::ExternalId) => (Status::Pending, Reason::Renaming),
            Self::Done(done_as, content) => (done_as.status(), content.reason()),
            Self::Conflict(reason) => (Status::Conflict, reason),
            Self::ConflictElsewhere => (Status::Conflict, Reason::ObjectChanged),
            Self::Failed(reason) | Self::FailedWithoutBytes(reason) => (Status::Failed, reason),
            Self::JobFailed => (Status::Failed, Reason::JobFailed),
        }
    }

    /// A row that cannot succeed as it is, for this reason.
    pub fn failed(reason: Reason) -> Self {
        match reason {
            Reason::JobFailed => Self::JobFailed,
            Reason::SourceChanged
            | Reason::UploadRefused
            | Reason::UnsafeUploadUrl
            | Reason::NotAttached
            | Reason::Refused => Self::FailedWithoutBytes(reason),
            _ => Self::Failed(reason),
        }
    }

    /// A replacement that has come to a halt for this reason.
    fn replacing(reason: Reason) -> Self {
        Self::Replacing(match reason {
            Reason::Renewing => Replacement::LettingGo,
            Reason::SizeNotShown => Replacement::Sent,
            reason => Replacement::LetGo(reason),
        })
    }

    /// The state of an attachment that waits for bytes in the place of others, where a new one would be in
    /// this state.
    #[must_use]
    pub fn in_replacement(self) -> Self {
        Self::replacing(self.reason())
    }

    /// The word of the column `status`.
    pub fn status(&self) -> Status {
        self.clone().encode().0
    }

    /// The word of the column `reason`.
    pub fn reason(&self) -> Reason {
        self.clone().encode().1
    }

    /// The relation of what is stored to the file, of a row that is done.
    pub fn done_content(&self) -> Option<DoneContent> {
        match self {
            Self::Done(_, content) => Some(*content),
            _ => None,
        }
    }

    /// Whether the row's content is something else than its file, and stays so on request.
    pub fn is_kept(&self) -> bool {
        self.done_content() == Some(DoneContent::KeptExisting)
    }

    /// Whether something that is stored, and is not what the row says, was left as it is.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::ConflictElsewhere)
    }

    /// Whether a POST was announced, and nobody knows whether it made a record.
    pub fn is_creating(&self) -> bool {
        matches!(self, Self::Creating(_) | Self::CreatingElsewhere)
    }
}

#[cfg(test)]
mod tests;
