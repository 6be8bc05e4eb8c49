//! A row on its way: what the record that it is in has of its bytes, and the sending of them.

use std::time::Duration;

use super::requests::files::MOST_MISSES;
use super::requests::{RequestOwner, Unput};
use super::{Halt, Run, TaskRow};
use crate::clock::Since;
use crate::destination::file_names::paired;
use crate::destination::{Destination, NewFile, Place};
use crate::http::{Receipt, UnsafeTarget};
use crate::model::Content;
use crate::plan::{Begun, Sent, Start};
use crate::results::Changes;
use crate::results::journal::Journal;

/// A row of a unit.
pub(super) struct Member {
    pub(super) task: TaskRow,
    pub(super) attempts: u32,
    /// The job that an earlier run began for it, for as long as it is in that one.
    pub(super) begun: Option<Begun>,
    /// What the record has of its bytes.
    pub(super) sent: Sent,
    /// What the storage said of them.
    pub(super) receipt: Option<Receipt>,
    /// What was changed on request, over all runs.
    pub(super) changes: Changes,
}

/// How the sending of one file ended.
pub(super) enum Put {
    Taken,
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

impl Member {
    pub(super) fn new(task: TaskRow) -> Self {
        let begun = match &task.start {
            Start::Job(begun) => begun.clone(),
            Start::LookUp(_) | Start::Resume(_) | Start::There(_) => None,
        };
        let sent = begun.as_ref().map(|begun| Sent::told_by(begun.progress));
        Self {
            attempts: task.attempts + 1,
            begun,
            sent: sent.unwrap_or(Sent::No),
            receipt: None,
            changes: task.changes.clone(),
            task,
        }
    }

    pub(super) fn content(&self) -> Content {
        self.task.content
    }

    /// The name by which the record that it is in knows its file.
    pub(super) fn file_name(&self) -> &str {
        let row = &self.task.row;
        let begun = self.begun.as_ref();
        begun.map_or_else(|| row.file_name(), |begun| begun.file_name(row))
    }

    pub(super) fn new_file(&self) -> NewFile {
        let row = &self.task.row;
        NewFile {
            external_id: row.external_id.clone(),
            file_name: row.file_name().to_owned(),
            title: row.title.clone(),
        }
    }

    /// Whether its bytes are still to be sent to the record that it is in.
    pub(super) fn wants_bytes(&self) -> bool {
        let same = |begun: &Begun| begun.is_for(&self.task.content);
        self.sent != Sent::All && self.begun.as_ref().is_none_or(same)
    }
}

impl<D: Destination, J: Journal> Run<'_, D, J> {
    /// Sends the bytes of one row, with leave, for as long as its address lives.
    pub(super) async fn put(
        &self,
        owner: RequestOwner,
        member: &mut Member,
        target: Result<&D::Target, UnsafeTarget>,
        issued: Since,
        life: Duration,
    ) -> Result<Put, Halt> {
        let target = match target {
            Ok(target) => target,
            Err(why) => return Ok(Put::Unsafe(why)),
        };
        let content = member.content();
        let mut misses = 0;
        loop {
            if issued.elapsed() > life {
                return Ok(Put::Stale);
            }
            let put = self
                .requests
                .put(owner, target, &member.task.source, &content);
            return Ok(match put.await {
                Ok(receipt) => {
                    member.sent = Sent::All;
                    member.receipt = Some(receipt);
                    Put::Taken
                }
                Err(Unput::NotSent) => {
                    member.attempts += 1;
                    continue;
                }
                Err(Unput::Again) => {
                    member.sent = Sent::Perhaps;
                    member.attempts += 1;
                    continue;
                }
                Err(Unput::GivenUp(why)) => {
                    member.sent = Sent::Perhaps;
                    Put::GivenUp(why)
                }
                Err(Unput::OutOfReach(why)) => Put::GivenUp(why),
                Err(Unput::Expired) => Put::Expired,
                Err(Unput::Refused(why)) => Put::Refused(why),
                Err(Unput::Unsafe(why)) => Put::Unsafe(why),
                Err(Unput::Unreadable(_)) if misses < MOST_MISSES => {
                    misses += 1;
                    continue;
                }
                Err(Unput::Unreadable(why) | Unput::SourceChanged(why)) => Put::SourceChanged(why),
                Err(Unput::Halt(halt)) => return Err(halt),
            });
        }
    }
}

/// The place among these for the file of each row, where there is one.
pub(super) fn places_of<'p, T>(
    members: &[Member],
    places: &'p [Place<T>],
) -> Vec<Option<&'p Place<T>>> {
    let names: Vec<&str> = members.iter().map(Member::file_name).collect();
    let theirs: Vec<&str> = places.iter().map(|place| &*place.file_name).collect();
    let pairs = paired(&names, &theirs).into_iter();
    pairs.map(|pair| pair.map(|place| &places[place])).collect()
}

/// Where the bytes go that a place is for.
pub(super) fn target_of<T>(place: Option<&Place<T>>) -> Result<&T, UnsafeTarget> {
    match place {
        Some(place) => place.target.as_ref().map_err(Clone::clone),
        None => Err(UnsafeTarget(
            "the service names no upload address for this file".into(),
        )),
    }
}
