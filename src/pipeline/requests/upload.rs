//! Single attempts to send bytes, and the consequences of their failures.

use super::files::Reach;
use super::{RequestOwner, Requests, Unmet};
use crate::destination::Destination;
use crate::event::Event;
use crate::http::{PutFailure, Receipt, UnsafeTarget};
use crate::model::Content;
use crate::pipeline::Halt;
use crate::source::Source;
use crate::throttle::Suspect;
use crate::throttle::breakers::Circuit;

/// Failure to send bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) enum Unput {
    /// The run stops.
    Halt(Halt),
    /// The address is no longer valid.
    Expired,
    /// The bytes were not sent; the same address may be used again.
    NotSent,
    /// The connection broke on the way; the same address may be used again.
    Again,
    /// The storage never takes a connection, for a reason that is the row's own.
    OutOfReach(String),
    /// The connection breaks each time, for a reason that is the row's own.
    GivenUp(String),
    /// The storage refuses the bytes.
    Refused(String),
    /// The file is not as checked.
    SourceChanged(String),
    /// The address is not safe for the file.
    Unsafe(UnsafeTarget),
    /// The file cannot be read, although its folder is there.
    Unreadable(String),
}

impl From<Halt> for Unput {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl<D: Destination> Requests<'_, D> {
    /// Sends bytes once, with permission. After an interruption the pause is over, and the
    /// permission for the next try is given.
    pub(in crate::pipeline) async fn put(
        &self,
        owner: RequestOwner,
        target: &D::Target,
        source: &Source,
        content: &Content,
    ) -> Result<Receipt, Unput> {
        let looked = self.look_through_fence().await;
        looked.map_err(|_| Halt::Journal)?;
        let sent = |bytes| self.events.send(Event::Sent(bytes));
        let answer = self.destination.put(target, source, content, &sent).await;
        let (why, unsent) = match answer {
            Err(PutFailure::NotSent(why)) => (why, true),
            Err(PutFailure::Interrupted(why)) => (why, false),
            Err(PutFailure::Hopeless(why)) => return Err(Unput::Halt(Halt::Hopeless(why))),
            Err(PutFailure::SourceChanged(why)) => return Err(Unput::SourceChanged(why)),
            Err(PutFailure::Unsafe(why)) => return Err(Unput::Unsafe(why)),
            Err(PutFailure::SourceUnreadable(why)) => {
                return Err(match self.reach(source).await? {
                    Reach::There => Unput::Unreadable(why),
                    Reach::Back => Unput::NotSent,
                });
            }
            Ok(receipt) => {
                self.note_answer(Circuit::Uploads, owner);
                return Ok(receipt);
            }
            Err(PutFailure::Expired) => {
                self.note_answer(Circuit::Uploads, owner);
                return Err(Unput::Expired);
            }
            Err(PutFailure::Refused(why)) => {
                self.note_answer(Circuit::Uploads, owner);
                return Err(Unput::Refused(why));
            }
        };
        match self.pause(Circuit::Uploads, Suspect::Row(owner.row), why) {
            Ok(pause) => {
                self.wait_for_leave(owner, Circuit::Uploads, pause).await;
                Err(if unsent { Unput::NotSent } else { Unput::Again })
            }
            Err(Unmet::Halt(halt)) => Err(Unput::Halt(halt)),
            Err(unmet) => {
                let why = unmet.words()?;
                Err(if unsent {
                    Unput::OutOfReach(why)
                } else {
                    Unput::GivenUp(why)
                })
            }
        }
    }
}
