//! Attachments that earlier runs left, with their bytes or while they were replacing them: how each
//! stands now, and what the user wants of it.

use std::io;

use tokio::io::{AsyncWrite, sink};

use super::replace::{Before, Stage, Swap};
use super::{AttachmentMachine, Next, State};
use crate::backup::Draft;
use crate::destination::archive::{Exhibit, Original, Shown};
use crate::destination::{AttachmentApi, Names, Presence};
use crate::http::{Digested, Fetched};
use crate::model::{AttachmentId, Content, Sha256Digest};
use crate::pipeline::Halt;
use crate::pipeline::inspect::MOST_EXPIRED;
use crate::pipeline::poller::Seen;
use crate::pipeline::requests::Unmet;
use crate::pipeline::requests::archive::Unfetched;
use crate::pipeline::verdict::Verdict;
use crate::plan::{Change, Giving, Holding, NextStep, Sighting, There};
use crate::results::journal::Journal;

/// What is wanted of the bytes of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Their digest.
    Digest,
    /// Their digest, where there are so many.
    DigestIf(u64),
    /// Their digest, and that they are kept.
    Kept,
}

/// What came of looking at the bytes of an attachment.
pub(super) enum Looked {
    /// It is there, with bytes.
    At(Box<Sight>),
    /// There is no such attachment.
    Absent,
    /// It has no bytes.
    Empty,
    /// They cannot be had. Says why.
    Unseen(String),
}

/// An attachment that was looked at.
pub(super) struct Sight {
    pub(super) exhibit: Exhibit,
    /// Its bytes, where they were wanted.
    pub(super) seen: Option<Digested>,
    /// The same in a file that has no name yet, where they are to be kept.
    pub(super) draft: Option<Box<dyn Draft>>,
}

impl Sight {
    fn of(exhibit: Exhibit) -> Self {
        Self {
            exhibit,
            seen: None,
            draft: None,
        }
    }

    /// What our lines say of the bytes, where they are those.
    pub(super) fn of_ours(&self, ours: Option<Content>) -> Option<Content> {
        ours.filter(|ours| match self.sha256() {
            Some(seen) => seen == ours.sha256,
            None => self.exhibit.size == Some(ours.stamp.size),
        })
    }

    pub(super) fn sha256(&self) -> Option<Sha256Digest> {
        self.seen.map(|seen| seen.sha256)
    }
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Goes on with an attachment that an earlier run left.
    pub(super) async fn there(&mut self, there: There) -> Next<D> {
        if let Change::Names | Change::LettingGo = there.change {
            self.drain().await;
        }
        let size = match self.look_at(&there).await {
            Ok(size) => size,
            Err(unmet) => return left(&there, unmet),
        };
        let sighting = Sighting::OfLeft {
            size,
            there: &there,
        };
        let step = self.next_step(&sighting);
        let was_let_go = !matches!(there.change, Change::None | Change::Names);
        // What was not let go of was not replaced.
        if was_let_go && step.finds_foreign_content() {
            self.row.changes.replaced = None;
        }
        self.go_on_with_left(step).await
    }

    /// Carries out what follows from how an attachment stands that an earlier run left.
    async fn go_on_with_left(&mut self, step: NextStep) -> Next<D> {
        if let NextStep::Send(_) | NextStep::Confirm(_) = step {
            self.swap = Some(self.swap_begun_earlier().await);
        }
        Ok(self.carry_out(step))
    }

    /// How many bytes the service shows: of an attachment of which nothing was begun with the next
    /// list of many, of another one at once.
    async fn look_at(&mut self, there: &There) -> Result<Holding<u64>, Unmet> {
        if there.change == Change::None {
            self.context.give_slots_back();
            let (owner, id) = (self.context.owner(), there.id.clone());
            let seen = self.common.poller.next_list_of(owner, id).await?;
            if let Seen::Shown(Presence::Stored { size, names, .. }) = seen {
                self.names = Some(names);
                return Ok(Holding::Bytes(size));
            }
        }
        // That a list does not name it does not prove that it is gone.
        let original = self
            .run
            .requests
            .original(self.context.owner(), &there.id)
            .await?;
        let Some(Original { exhibit, .. }) = original else {
            return Ok(Holding::NoAttachment);
        };
        let size = exhibit.size.map_or(Holding::NoBytes, Holding::Bytes);
        self.names = Some(names(exhibit));
        Ok(size)
    }

    /// A replacement that an earlier run began, of which the old bytes are gone.
    async fn swap_begun_earlier(&mut self) -> Swap {
        self.context.take_slots(1).await;
        let old = self.row.changes.replaced.as_ref();
        // The title was sent along with what let go of the bytes, and is shown without them, too.
        let shown = || Some(self.names.as_ref()?.title.value()?.to_owned());
        Swap {
            old: Giving {
                size: old.map_or(0, |former| former.size),
                uploaded_at: Shown::NotTold,
            },
            ours: None,
            before: Before {
                file_name: None,
                title: self.row.changes.previous_title.clone().or_else(shown),
            },
            title: self.title_to_send(),
            stage: Stage::LetGo,
        }
    }

    /// Nothing but the bytes can tell whether the new ones were stored by the run before.
    pub(super) async fn read_bytes(&mut self, there: There) -> Next<D> {
        let bytes = match self.look_at_bytes(&there.id, Wanted::Digest).await {
            Ok(Looked::At(sight)) => match sight.seen {
                Some(seen) => Holding::Bytes((seen.size, seen.sha256)),
                None => return Ok(Verdict::not_seen(&there, "its bytes were not read").into()),
            },
            Ok(Looked::Absent) => Holding::NoAttachment,
            Ok(Looked::Empty) => Holding::NoBytes,
            Ok(Looked::Unseen(why)) => return Ok(Verdict::not_seen(&there, &why).into()),
            Err(unmet) => return left(&there, unmet),
        };
        let sighting = Sighting::OfBytes {
            bytes,
            there: &there,
        };
        self.go_on_with_left(self.next_step(&sighting)).await
    }

    /// Looks at an attachment, and at its bytes as far as they are wanted.
    pub(super) async fn look_at_bytes(
        &self,
        id: &AttachmentId,
        wanted: Wanted,
    ) -> Result<Looked, Unmet> {
        let (owner, requests) = (self.context.owner(), &self.run.requests);
        let mut expired = 0;
        loop {
            requests.leave_to_fetch(owner).await;
            let Some(Original { exhibit, place }) = requests.original(owner, id).await? else {
                return Ok(Looked::Absent);
            };
            let Some(size) = exhibit.size else {
                return Ok(Looked::Empty);
            };
            if matches!(wanted, Wanted::DigestIf(wanted) if wanted != size) {
                return Ok(Looked::At(Box::new(Sight::of(exhibit))));
            }
            let place = match place {
                Ok(place) => place,
                Err(why) => return Ok(Looked::Unseen(why.to_string())),
            };
            let mut draft = match (wanted, self.common.vault) {
                (Wanted::Kept, Some(vault)) => Some(vault.begin().await.map_err(lost)?),
                _ => None,
            };
            let mut nowhere = sink();
            let into: &mut (dyn AsyncWrite + Unpin + Send) = match &mut draft {
                Some(draft) => draft,
                None => &mut nowhere,
            };
            match requests.fetch(owner, &place, size, into).await {
                Ok(fetched) => {
                    return Ok(match whole(fetched, size) {
                        Ok(seen) => Looked::At(Box::new(Sight {
                            exhibit,
                            seen: Some(seen),
                            draft,
                        })),
                        Err(why) => Looked::Unseen(why),
                    });
                }
                Err(Unfetched::Halt(halt)) => return Err(halt.into()),
                Err(Unfetched::Again) => {}
                Err(Unfetched::Expired) if expired < MOST_EXPIRED => expired += 1,
                Err(Unfetched::Expired) => {
                    let why = "the storage refuses each address as soon as it is given".to_owned();
                    return Ok(Looked::Unseen(why));
                }
                Err(Unfetched::GivenUp(why)) => return Ok(Looked::Unseen(why)),
            }
        }
    }
}

/// A backup could not be written: the run ends, as it does where its results cannot be.
#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
pub(super) fn lost(cause: io::Error) -> Halt {
    Halt::Backup(cause.to_string())
}

/// A row that cannot be gone on with in this run. Its line goes on saying what was begun.
fn left<T>(there: &There, unmet: Unmet) -> Result<State<T>, Halt> {
    let why = unmet.words()?;
    Ok(Verdict::not_seen(there, &why).into())
}

/// What came, provided that it is as much as the service shows.
pub(super) fn whole(fetched: Fetched, size: u64) -> Result<Digested, String> {
    match fetched {
        Fetched::File(seen) | Fetched::WebPage(seen) if seen.size == size => Ok(seen),
        Fetched::WebPage(_) => Err(
            "a web page came in place of the file; is a proxy or a sign-in page in between?".into(),
        ),
        Fetched::File(seen) => Err(format!(
            "the service shows {size} bytes, and the storage holds {}",
            seen.size
        )),
        Fetched::Longer => Err(format!(
            "the service shows {size} bytes, and the storage holds more"
        )),
    }
}

/// What an attachment is called.
pub(super) fn names(exhibit: Exhibit) -> Names {
    Names {
        external_id: exhibit.external_id,
        title: exhibit.title,
    }
}
