//! The state of a row's protocol, and its two words in the results file.
//!
//! The columns `status` and `reason` are words for people and scripts, and only some of their pairs
//! decide the next step. [`RowState::decode`] alone reads such pairs, and [`RowState::encode`]
//! alone writes them. A state carries a reason where the reason is for people, and decides nothing.

use super::{Reason, Status};

/// State of a row's protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Nothing begun for the row is known to be left.
    Unbegun(Reason),
    /// The row or its file is not fit to send.
    Unfit(Reason),
    /// A POST was announced, and may or may not have made a record.
    Creating(Reason),
    /// A POST was announced for another object than the manifest names now. Its record cannot be
    /// moved.
    CreatingElsewhere,
    /// A record without bytes hangs on another object than the manifest names now, and has to go
    /// first.
    UnfinishedElsewhere,
    /// A record was made, and no bytes are announced. (Bytes for an attachment may be on their
    /// way.)
    Created,
    /// A record was made, and the outcome of the requests after the POST is unknown.
    CreatedUnheard(Reason),
    /// A record was made, and the service does not find the record again. No bytes were sent to the
    /// record.
    NotFoundAgain,
    /// A new upload address was requested, and the request may still arrive: the request detaches
    /// all bytes sent before its arrival.
    AddressRenewing,
    /// The bytes were sent to an attachment, and the service did not show their size.
    SizeUnconfirmed(SizeAnswer),
    /// Bytes may be on their way to a job.
    JobSending,
    /// A job has not said where its files go; nothing was sent.
    JobWaiting,
    /// All bytes were sent to a job, and the job has not ended.
    JobRunning,
    /// The bytes of an attachment are giving way to others.
    Replacing(Replacement),
    /// The bytes of an attachment are right, and a new name may be on its way to the attachment.
    Naming(NewWord),
    /// Nothing is left to do.
    Done(DoneAs, DoneContent),
    /// The stored attachment differs from the row, and was left as it is.
    Conflict(Reason),
    /// The stored attachment hangs on another object than the manifest names now.
    ConflictElsewhere,
    /// The row cannot succeed as it is.
    Failed(Reason),
    /// The row cannot succeed as it is, and its record certainly has none of its bytes.
    FailedWithoutBytes(Reason),
    /// The job failed, and only a person who looks can tell whether the job attached the file
    /// before.
    JobFailed,
}

/// Last answer of the service to the question for the size of sent bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeAnswer {
    /// The service shows no size yet.
    NotYet,
    /// The service does not answer.
    None,
}

/// Stage of the replacement of an attachment's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// The release of the old bytes was requested, and the request may still arrive.
    LettingGo,
    /// The old bytes were released, and no new bytes are known to have been sent.
    LetGo(Reason),
    /// The new bytes were sent, and the service did not show their size.
    Sent,
}

/// Kind of name of an attachment, for a change of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewWord {
    /// The title.
    Title,
    /// The `external_id`.
    ExternalId,
}

/// The greatest action carried out for a done row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneAs {
    /// The bytes were stored.
    Uploaded,
    /// The bytes were stored in the place of others.
    Replaced,
    /// An existing attachment got another `external_id`.
    Renamed,
    /// An existing attachment got another title.
    Updated,
    /// No action: the attachment existed already.
    Skipped,
}

impl DoneAs {
    /// Returns the word of the column `status`.
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

/// Relation of the stored content of a done row to the row's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneContent {
    /// The stored content is the file, as far as the column `verified` tells.
    AsVerified,
    /// The stored content was downloaded, and is the file.
    Downloaded,
    /// The stored content differs from the file, and stays because the user said so.
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
    /// Reads the words written by [`Self::encode`]. A pair that no version writes gets the reading
    /// under which nothing is sent before the service was asked.
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

    /// Returns the words of the columns `status` and `reason`.
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

    /// Returns the state of a row that cannot succeed as it is, for this reason.
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

    /// Returns the state of a replacement that has come to a halt for this reason.
    fn replacing(reason: Reason) -> Self {
        Self::Replacing(match reason {
            Reason::Renewing => Replacement::LettingGo,
            Reason::SizeNotShown => Replacement::Sent,
            reason => Replacement::LetGo(reason),
        })
    }

    /// Returns the state of an attachment that waits for bytes in the place of others, where a new
    /// attachment would be in this state.
    #[must_use]
    pub fn in_replacement(self) -> Self {
        Self::replacing(self.reason())
    }

    /// Returns the word of the column `status`.
    pub fn status(&self) -> Status {
        self.clone().encode().0
    }

    /// Returns the word of the column `reason`.
    pub fn reason(&self) -> Reason {
        self.clone().encode().1
    }

    /// Returns the relation of the stored content to the file; `None` for a row that is not done.
    pub fn done_content(&self) -> Option<DoneContent> {
        match self {
            Self::Done(_, content) => Some(*content),
            _ => None,
        }
    }

    /// True if the stored content differs from the row's file, and stays so on request.
    pub fn is_kept(&self) -> bool {
        self.done_content() == Some(DoneContent::KeptExisting)
    }

    /// True if the stored attachment differs from the row, and was left as it is.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::ConflictElsewhere)
    }

    /// True if a POST was announced, and may or may not have made a record.
    pub fn is_creating(&self) -> bool {
        matches!(self, Self::Creating(_) | Self::CreatingElsewhere)
    }
}

#[cfg(test)]
mod tests;
