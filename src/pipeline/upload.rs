//! Upload of a file to a target, repeated while the target may be used.

use std::time::Duration;

use super::requests::files::MOST_MISSES;
use super::requests::{RequestOwner, Unput};
use super::{Halt, Run};
use crate::clock::Since;
use crate::destination::Destination;
use crate::http::{Receipt, UnsafeTarget};
use crate::model::Content;
use crate::results::journal::Journal;
use crate::source::Source;

/// Target for bytes, and the time until which it may be used.
#[derive(Debug)]
pub(super) struct Address<'t, T> {
    /// Address of the bytes, or the reason for which sending them there would not be safe.
    pub(super) target: Result<&'t T, UnsafeTarget>,
    /// Time at which the service gave the target.
    pub(super) issued: Since,
    /// Time after `issued` until which the target is used.
    pub(super) life: Duration,
}

/// Finished upload of a file, successful or not.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) end: UploadEnd,
    /// `true` if some bytes may have arrived although the storage never confirmed them.
    pub(super) may_have_arrived: bool,
    /// Number of attempts after the first.
    pub(super) repetitions: u32,
}

/// Outcome of the upload of a file.
#[derive(Debug)]
pub(super) enum UploadEnd {
    /// The storage took the file.
    Taken(Receipt),
    /// The target has become too old to be used, by our clock.
    Stale,
    /// The storage calls the target expired.
    Expired,
    /// The service gave an unsafe target, to which nothing was sent.
    Unsafe(UnsafeTarget),
    /// The storage refused the file.
    Refused(String),
    /// The storage did not answer, for a reason that is the row's own.
    GivenUp(String),
    /// The file cannot be read, or is not the file that was checked.
    SourceChanged(String),
}

impl<D: Destination, J: Journal> Run<'_, D, J> {
    /// Sends the bytes of a file, again after each interruption, until the target is too old.
    ///
    /// The caller has waited for the permission to upload.
    pub(super) async fn upload(
        &self,
        owner: RequestOwner,
        source: &Source,
        content: &Content,
        to: Address<'_, D::Target>,
    ) -> Result<Upload, Halt> {
        let mut upload = Upload {
            end: UploadEnd::Stale,
            may_have_arrived: false,
            repetitions: 0,
        };
        let target = match to.target {
            Ok(target) => target,
            Err(why) => {
                upload.end = UploadEnd::Unsafe(why);
                return Ok(upload);
            }
        };
        let mut misses = 0;
        loop {
            if to.issued.elapsed() > to.life {
                return Ok(upload);
            }
            upload.end = match self.requests.put(owner, target, source, content).await {
                Ok(receipt) => UploadEnd::Taken(receipt),
                Err(Unput::NotSent) => {
                    upload.repetitions += 1;
                    continue;
                }
                Err(Unput::Again) => {
                    upload.may_have_arrived = true;
                    upload.repetitions += 1;
                    continue;
                }
                Err(Unput::GivenUp(why)) => {
                    upload.may_have_arrived = true;
                    UploadEnd::GivenUp(why)
                }
                Err(Unput::OutOfReach(why)) => UploadEnd::GivenUp(why),
                Err(Unput::Expired) => UploadEnd::Expired,
                Err(Unput::Refused(why)) => UploadEnd::Refused(why),
                Err(Unput::Unsafe(why)) => UploadEnd::Unsafe(why),
                Err(Unput::Unreadable(_)) if misses < MOST_MISSES => {
                    misses += 1;
                    continue;
                }
                Err(Unput::Unreadable(why) | Unput::SourceChanged(why)) => {
                    UploadEnd::SourceChanged(why)
                }
                Err(Unput::Halt(halt)) => return Err(halt),
            };
            return Ok(upload);
        }
    }
}
