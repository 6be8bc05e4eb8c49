//! Single attempts to send bytes, and the consequences of their failures.

use super::files_folder::FilesFolderState;
use super::{RequestFailure, RequestOwner, RequestSender};
use crate::destination::Destination;
use crate::event::RunEvent;
use crate::http::{PutFailure, PutReceipt, UnsafeTargetError};
use crate::model::CheckedContent;
use crate::pipeline::HaltReason;
use crate::throttle::FailureSuspect;
use crate::throttle::run_breakers::CircuitKind;
use crate::upload_source::UploadSource;

/// Failure to send bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) enum UploadFailure {
    /// The run stops.
    Halt(HaltReason),
    /// The address is no longer valid.
    TargetExpired,
    /// The bytes were not sent; the same address may be used again.
    NotSent,
    /// The connection broke on the way; the same address may be used again.
    Interrupted,
    /// The storage never takes a connection, for a reason that is the row's own.
    GivenUpNotSent(String),
    /// The connection breaks each time, for a reason that is the row's own.
    GivenUp(String),
    /// The storage refuses the bytes.
    Refused(String),
    /// The file is not as checked.
    SourceChanged(String),
    /// The address is not safe for the file.
    UnsafeTarget(UnsafeTargetError),
    /// The file cannot be read, although its folder is there.
    SourceUnreadable(String),
    /// Another program holds the file.
    SourceInUse,
}

impl From<HaltReason> for UploadFailure {
    fn from(halt: HaltReason) -> Self {
        Self::Halt(halt)
    }
}

impl<D: Destination> RequestSender<'_, D> {
    /// Sends bytes once, with permission. After an interruption the pause is over, and the
    /// permission for the next try is given.
    pub(in crate::pipeline) async fn put_file_once(
        &self,
        owner: RequestOwner,
        target: &D::Target,
        source: &UploadSource,
        content: &CheckedContent,
    ) -> Result<PutReceipt, UploadFailure> {
        let looked = self.check_fence().await;
        looked.map_err(|_| HaltReason::JournalUnusable)?;
        let sent = |bytes| self.events.send(RunEvent::BytesSent(bytes));
        let answer = self
            .destination
            .put_file(target, source, content, &sent)
            .await;
        let (why, unsent) = match answer {
            Err(PutFailure::NotSent(why)) => (why, true),
            Err(PutFailure::Interrupted(why)) => (why, false),
            Err(PutFailure::NeverPossible(why)) => {
                return Err(UploadFailure::Halt(HaltReason::NeverPossible(why)));
            }
            Err(PutFailure::SourceChanged(why)) => return Err(UploadFailure::SourceChanged(why)),
            Err(PutFailure::UnsafeTarget(why)) => return Err(UploadFailure::UnsafeTarget(why)),
            Err(PutFailure::SourceInUse) => return Err(UploadFailure::SourceInUse),
            Err(PutFailure::SourceUnreadable(why)) => {
                return Err(match self.wait_for_files_folder(source).await? {
                    FilesFolderState::Present => UploadFailure::SourceUnreadable(why),
                    FilesFolderState::Recovered => UploadFailure::NotSent,
                });
            }
            Ok(receipt) => {
                self.note_answer(CircuitKind::Uploads, owner);
                return Ok(receipt);
            }
            Err(PutFailure::Expired) => {
                self.note_answer(CircuitKind::Uploads, owner);
                return Err(UploadFailure::TargetExpired);
            }
            Err(PutFailure::Refused(why)) => {
                self.note_answer(CircuitKind::Uploads, owner);
                return Err(UploadFailure::Refused(why));
            }
        };
        match self.register_failure(CircuitKind::Uploads, FailureSuspect::Row(owner.row), why) {
            Ok(pause) => {
                self.wait_before_retry(owner, CircuitKind::Uploads, pause)
                    .await;
                Err(if unsent {
                    UploadFailure::NotSent
                } else {
                    UploadFailure::Interrupted
                })
            }
            Err(RequestFailure::Halt(halt)) => Err(UploadFailure::Halt(halt)),
            Err(unmet) => {
                let why = unmet.into_message()?;
                Err(if unsent {
                    UploadFailure::GivenUpNotSent(why)
                } else {
                    UploadFailure::GivenUp(why)
                })
            }
        }
    }
}
