//! Upload of a file to a target, repeated while the target may be used.

use std::time::Duration;

use super::request_sender::source_tries::{SourceRetry, SourceTries, SourceTrouble};
use super::request_sender::{RequestOwner, UploadFailure};
use super::{HaltReason, ImportRun};
use crate::clock::SleepAwareInstant;
use crate::destination::Destination;
use crate::http::{PutReceipt, UnsafeTargetError};
use crate::model::CheckedContent;
use crate::results::journal::Journal;
use crate::upload_source::UploadSource;

/// Target for bytes, and the time until which it may be used.
#[derive(Debug)]
pub(super) struct ExpiringTarget<'t, T> {
    /// Address of the bytes, or the reason for which sending them there would not be safe.
    pub(super) target: Result<&'t T, UnsafeTargetError>,
    /// Time at which the service gave the target.
    pub(super) issued_at: SleepAwareInstant,
    /// Time after `issued_at` until which the target is used.
    pub(super) lifetime: Duration,
}

/// Finished upload of a file, successful or not.
#[derive(Debug)]
pub(super) struct FinishedUpload {
    pub(super) outcome: UploadOutcome,
    /// `true` if some bytes may have arrived although the storage never confirmed them.
    pub(super) may_have_arrived: bool,
    /// Number of attempts after the first.
    pub(super) repetitions: u32,
}

/// Outcome of the upload of a file.
#[derive(Debug)]
pub(super) enum UploadOutcome {
    /// The storage took the file.
    Accepted(PutReceipt),
    /// The target has become too old to be used, by our clock.
    TargetTooOld,
    /// The storage calls the target expired.
    TargetExpired,
    /// The service gave an unsafe target, to which nothing was sent.
    UnsafeTarget(UnsafeTargetError),
    /// The storage refused the file.
    Refused(String),
    /// No try gets the file to the storage, for a reason that is the row's own.
    GivenUp(String),
    /// The file cannot be read, or is not the file that was checked.
    SourceChanged(String),
    /// Another program held the file at each try.
    SourceInUse,
}

impl<D: Destination, J: Journal> ImportRun<'_, D, J> {
    /// Sends the bytes of a file. Repeats a try that was not sent or was interrupted, until the
    /// target is too old.
    ///
    /// The caller has waited for the permission to upload.
    pub(super) async fn upload_file(
        &self,
        owner: RequestOwner,
        source: &UploadSource,
        content: &CheckedContent,
        to: ExpiringTarget<'_, D::Target>,
    ) -> Result<FinishedUpload, HaltReason> {
        let mut upload = FinishedUpload {
            outcome: UploadOutcome::TargetTooOld,
            may_have_arrived: false,
            repetitions: 0,
        };
        let target = match to.target {
            Ok(target) => target,
            Err(why) => {
                upload.outcome = UploadOutcome::UnsafeTarget(why);
                return Ok(upload);
            }
        };
        let mut tries = SourceTries::default();
        loop {
            if to.issued_at.elapsed() > to.lifetime {
                return Ok(upload);
            }
            upload.outcome = match self
                .requests
                .put_file_once(owner, target, source, content)
                .await
            {
                Ok(receipt) => UploadOutcome::Accepted(receipt),
                Err(UploadFailure::NotSent) => {
                    upload.repetitions += 1;
                    continue;
                }
                Err(UploadFailure::Interrupted) => {
                    upload.may_have_arrived = true;
                    upload.repetitions += 1;
                    continue;
                }
                Err(UploadFailure::GivenUp(why)) => {
                    upload.may_have_arrived = true;
                    UploadOutcome::GivenUp(why)
                }
                Err(UploadFailure::GivenUpNotSent(why)) => UploadOutcome::GivenUp(why),
                Err(UploadFailure::TargetExpired) => UploadOutcome::TargetExpired,
                Err(UploadFailure::Refused(why)) => UploadOutcome::Refused(why),
                Err(UploadFailure::UnsafeTarget(why)) => UploadOutcome::UnsafeTarget(why),
                Err(UploadFailure::SourceUnreadable(why)) => {
                    let trouble = SourceTrouble::Unreadable;
                    match self
                        .requests
                        .retry_source(source, &mut tries, trouble)
                        .await
                    {
                        SourceRetry::Again => continue,
                        SourceRetry::GiveUp => UploadOutcome::SourceChanged(why),
                    }
                }
                Err(UploadFailure::SourceInUse) => {
                    let trouble = SourceTrouble::InUse;
                    match self
                        .requests
                        .retry_source(source, &mut tries, trouble)
                        .await
                    {
                        SourceRetry::Again => continue,
                        SourceRetry::GiveUp => UploadOutcome::SourceInUse,
                    }
                }
                Err(UploadFailure::SourceChanged(why)) => UploadOutcome::SourceChanged(why),
                Err(UploadFailure::Halt(halt)) => return Err(halt),
            };
            return Ok(upload);
        }
    }
}
