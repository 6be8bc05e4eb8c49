//! The sending of one file to an address, for as long as that lives.

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

/// An address for bytes, and until when it may be used.
#[derive(Debug)]
pub(super) struct Address<'t, T> {
    /// Where the bytes go, or why it would not be safe to send them there.
    pub(super) target: Result<&'t T, UnsafeTarget>,
    /// When the service gave it.
    pub(super) issued: Since,
    /// So long after that it is not used any more.
    pub(super) life: Duration,
}

/// What came of the sending of one file.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) end: UploadEnd,
    /// Whether some of its bytes may have got there, although the storage never said so.
    pub(super) may_have_arrived: bool,
    /// So many attempts more than one were made.
    pub(super) repetitions: u32,
}

/// How the sending of one file ended.
#[derive(Debug)]
pub(super) enum UploadEnd {
    Taken(Receipt),
    /// The address is too old to be used, as far as we know.
    Stale,
    /// The storage says that it has expired.
    Expired,
    /// The service gave an address to which nothing was sent.
    Unsafe(UnsafeTarget),
    Refused(String),
    GivenUp(String),
    SourceChanged(String),
}

impl<D: Destination, J: Journal> Run<'_, D, J> {
    /// Sends the bytes of one file, with leave, for as long as its address lives.
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
