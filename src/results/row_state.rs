//! The state of a row's protocol, and its two words in the results file.
//!
//! The columns `status` and `reason` are words for people and scripts, and only some of their pairs
//! decide the next step. [`RowState::decode`] alone reads such pairs, and [`RowState::encode`]
//! alone writes them. A state carries a reason where the reason is for people, and decides nothing.

use super::{Status, StatusReason};

/// State of a row's protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Nothing begun for the row is known to be left.
    NotBegun(StatusReason),
    /// The row or its file is not fit to send.
    Unfit(StatusReason),
    /// A POST was announced, and may or may not have made a record.
    Creating(StatusReason),
    /// A POST was announced, with no look-up before it, and may or may not have made a record. A
    /// record without bytes may be another client's, and the reason for a refusal of the POST.
    CreatingWithoutLookUp,
    /// A POST was announced for another object than the manifest names now. Its record cannot be
    /// moved.
    CreatingOnOtherObject,
    /// A record without bytes hangs on another object than the manifest names now, and has to go
    /// first.
    UnfinishedOnOtherObject,
    /// A record was made, and no bytes are announced. (Bytes for an attachment may be on their
    /// way.)
    Created,
    /// A record was made, and the outcome of the requests after the POST is unknown.
    CreatedThenUnknown(StatusReason),
    /// A record was made, and the service does not find the record again. No bytes were sent to the
    /// record.
    NotFoundAgain,
    /// A new upload address was requested, and the request may still arrive: the request detaches
    /// all bytes sent before its arrival.
    AddressRenewing,
    /// The bytes were sent to an attachment, and the service did not report their size.
    SizeUnconfirmed(SizeAnswer),
    /// Bytes may be on their way to a job.
    JobSending,
    /// A job has not said where its files go; nothing was sent.
    JobWaiting,
    /// All bytes were sent to a job, and the job has not ended.
    JobRunning,
    /// The bytes of an attachment are being replaced.
    Replacing(ReplacementStage),
    /// The bytes of an attachment are right, and a new name may be on its way to the attachment.
    ChangingName(NameKind),
    /// Nothing is left to do.
    Done(CompletedAction, ContentMatch),
    /// The stored attachment differs from the row, and was left as it is.
    Conflict(StatusReason),
    /// The stored attachment hangs on another object than the manifest names now.
    ConflictOnOtherObject,
    /// The row cannot succeed as it is.
    Failed(StatusReason),
    /// The row cannot succeed as it is, and its record certainly has none of its bytes.
    FailedWithoutBytes(StatusReason),
    /// The job failed, and only a person who looks can decide whether the job attached the file
    /// before.
    JobFailed,
}

/// Last answer of the service to the question for the size of sent bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeAnswer {
    /// The service reports no size yet.
    NoSizeYet,
    /// The service does not answer.
    NoAnswer,
}

/// Stage of the replacement of an attachment's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplacementStage {
    /// The release of the old bytes was requested, and the request may still arrive.
    ReleaseRequested,
    /// The old bytes were released, and no new bytes are known to have been sent.
    Released(StatusReason),
    /// The new bytes were sent, and the service did not report their size.
    NewBytesSent,
}

/// Kind of name of an attachment, for a change of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// The title.
    Title,
    /// The `external_id`.
    ExternalId,
}

/// The greatest action carried out for a done row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletedAction {
    /// The bytes were stored.
    Uploaded,
    /// The bytes replaced other bytes.
    Replaced,
    /// An existing attachment got another `external_id`.
    Renamed,
    /// An existing attachment got another title.
    Updated,
    /// No action: the attachment existed already.
    Skipped,
}

impl CompletedAction {
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
pub enum ContentMatch {
    /// The stored content is the file, as far as the column `verified` says.
    AsVerified,
    /// The stored content was downloaded, and is the file.
    SameWhenDownloaded,
    /// The stored content differs from the file, and stays because the user said so.
    KeptExisting,
}

impl ContentMatch {
    fn from_reason(reason: &StatusReason) -> Self {
        match reason {
            StatusReason::SameContent => Self::SameWhenDownloaded,
            StatusReason::KeptExisting => Self::KeptExisting,
            _ => Self::AsVerified,
        }
    }

    fn reason(self) -> StatusReason {
        match self {
            Self::AsVerified => StatusReason::None,
            Self::SameWhenDownloaded => StatusReason::SameContent,
            Self::KeptExisting => StatusReason::KeptExisting,
        }
    }
}

impl RowState {
    /// Reads the words written by [`Self::encode`]. A pair that no version writes gets the reading
    /// under which nothing is sent before the service was asked.
    pub fn decode(status: Status, reason: &StatusReason) -> Self {
        let done = |done_as| Self::Done(done_as, ContentMatch::from_reason(reason));
        match (status, reason) {
            (Status::Uploaded, _) => done(CompletedAction::Uploaded),
            (Status::Replaced, _) => done(CompletedAction::Replaced),
            (Status::Renamed, _) => done(CompletedAction::Renamed),
            (Status::Updated, _) => done(CompletedAction::Updated),
            (Status::Skipped, _) => done(CompletedAction::Skipped),
            (Status::Replacing, _) => Self::from_replacement_reason(reason.clone()),
            (Status::Conflict, StatusReason::ObjectChanged) => Self::ConflictOnOtherObject,
            (Status::Conflict, _) => Self::Conflict(reason.clone()),
            (Status::Creating, StatusReason::ObjectChanged) => Self::CreatingOnOtherObject,
            (Status::Creating, StatusReason::NotLookedUp) => Self::CreatingWithoutLookUp,
            (Status::Creating, _) => Self::Creating(reason.clone()),
            (_, StatusReason::ObjectChanged) => Self::UnfinishedOnOtherObject,
            (Status::Created, StatusReason::None) => Self::Created,
            (Status::Created, StatusReason::NotFoundAgain) => Self::NotFoundAgain,
            (Status::Created, StatusReason::Renewing) => Self::AddressRenewing,
            (Status::Created, StatusReason::Sending) => Self::JobSending,
            (Status::Created, StatusReason::SizeNotShown) => {
                Self::SizeUnconfirmed(SizeAnswer::NoAnswer)
            }
            (Status::Created, _) => Self::CreatedThenUnknown(reason.clone()),
            (Status::Pending, StatusReason::SizeNotShown) => {
                Self::SizeUnconfirmed(SizeAnswer::NoSizeYet)
            }
            (Status::Pending, StatusReason::JobWaiting) => Self::JobWaiting,
            (Status::Pending, StatusReason::JobRunning) => Self::JobRunning,
            (Status::Pending, StatusReason::Updating) => Self::ChangingName(NameKind::Title),
            (Status::Pending, StatusReason::Renaming) => Self::ChangingName(NameKind::ExternalId),
            (Status::Pending, _) => Self::NotBegun(reason.clone()),
            (Status::Failed, _) => Self::from_failure(reason.clone()),
            (Status::Invalid, _) => Self::Unfit(reason.clone()),
        }
    }

    /// Returns the words of the columns `status` and `reason`.
    pub fn encode(self) -> (Status, StatusReason) {
        match self {
            Self::NotBegun(reason) => (Status::Pending, reason),
            Self::Unfit(reason) => (Status::Invalid, reason),
            Self::Creating(reason) => (Status::Creating, reason),
            Self::CreatingWithoutLookUp => (Status::Creating, StatusReason::NotLookedUp),
            Self::CreatingOnOtherObject => (Status::Creating, StatusReason::ObjectChanged),
            Self::UnfinishedOnOtherObject => (Status::Pending, StatusReason::ObjectChanged),
            Self::Created => (Status::Created, StatusReason::None),
            Self::CreatedThenUnknown(reason) => (Status::Created, reason),
            Self::NotFoundAgain => (Status::Created, StatusReason::NotFoundAgain),
            Self::AddressRenewing => (Status::Created, StatusReason::Renewing),
            Self::SizeUnconfirmed(SizeAnswer::NoSizeYet) => {
                (Status::Pending, StatusReason::SizeNotShown)
            }
            Self::SizeUnconfirmed(SizeAnswer::NoAnswer) => {
                (Status::Created, StatusReason::SizeNotShown)
            }
            Self::JobSending => (Status::Created, StatusReason::Sending),
            Self::JobWaiting => (Status::Pending, StatusReason::JobWaiting),
            Self::JobRunning => (Status::Pending, StatusReason::JobRunning),
            Self::Replacing(ReplacementStage::ReleaseRequested) => {
                (Status::Replacing, StatusReason::Renewing)
            }
            Self::Replacing(ReplacementStage::Released(reason)) => (Status::Replacing, reason),
            Self::Replacing(ReplacementStage::NewBytesSent) => {
                (Status::Replacing, StatusReason::SizeNotShown)
            }
            Self::ChangingName(NameKind::Title) => (Status::Pending, StatusReason::Updating),
            Self::ChangingName(NameKind::ExternalId) => (Status::Pending, StatusReason::Renaming),
            Self::Done(done_as, content) => (done_as.status(), content.reason()),
            Self::Conflict(reason) => (Status::Conflict, reason),
            Self::ConflictOnOtherObject => (Status::Conflict, StatusReason::ObjectChanged),
            Self::Failed(reason) | Self::FailedWithoutBytes(reason) => (Status::Failed, reason),
            Self::JobFailed => (Status::Failed, StatusReason::JobFailed),
        }
    }

    /// Returns the state of a row that cannot succeed as it is, for this reason.
    pub fn from_failure(reason: StatusReason) -> Self {
        match reason {
            StatusReason::JobFailed => Self::JobFailed,
            StatusReason::SourceChanged
            | StatusReason::UploadRefused
            | StatusReason::UnsafeUploadUrl
            | StatusReason::NotAttached
            | StatusReason::Refused => Self::FailedWithoutBytes(reason),
            _ => Self::Failed(reason),
        }
    }

    /// Returns the state of a replacement that has come to a halt for this reason.
    fn from_replacement_reason(reason: StatusReason) -> Self {
        Self::Replacing(match reason {
            StatusReason::Renewing => ReplacementStage::ReleaseRequested,
            StatusReason::SizeNotShown => ReplacementStage::NewBytesSent,
            reason => ReplacementStage::Released(reason),
        })
    }

    /// Returns the state of an attachment that waits for bytes that replace others, where a new
    /// attachment would be in this state.
    #[must_use]
    pub fn while_replacing(self) -> Self {
        Self::from_replacement_reason(self.reason())
    }

    /// Returns the word of the column `status`.
    pub fn status(&self) -> Status {
        self.clone().encode().0
    }

    /// Returns the word of the column `reason`.
    pub fn reason(&self) -> StatusReason {
        self.clone().encode().1
    }

    /// Returns the relation of the stored content to the file; `None` for a row that is not done.
    pub fn content_match(&self) -> Option<ContentMatch> {
        match self {
            Self::Done(_, content) => Some(*content),
            _ => None,
        }
    }

    /// True if the stored content differs from the row's file, and stays so on request.
    pub fn keeps_existing_content(&self) -> bool {
        self.content_match() == Some(ContentMatch::KeptExisting)
    }

    /// True if the stored attachment differs from the row, and was left as it is.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::ConflictOnOtherObject)
    }

    /// True if a POST was announced, and may or may not have made a record.
    pub fn is_creating(&self) -> bool {
        matches!(
            self,
            Self::Creating(_) | Self::CreatingWithoutLookUp | Self::CreatingOnOtherObject
        )
    }
}

#[cfg(test)]
mod tests;
