//! Attachments left by earlier runs, with their bytes or during a replacement: the look at their
//! present state, and the steps that the user's policy asks for.

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

/// Amount of reading wanted from an attachment's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Digest of the bytes.
    Digest,
    /// Digest of the bytes if their number is as given, else only the metadata.
    DigestIf(u64),
    /// Digest of the bytes, and a backup draft.
    Kept,
}

/// Result of a look at an attachment and its bytes.
pub(super) enum Looked {
    /// The attachment exists and has bytes.
    At(Box<Sight>),
    /// There is no such attachment.
    Absent,
    /// The attachment has no bytes.
    Empty,
    /// The bytes cannot be downloaded. Holds the cause.
    Unseen(String),
}

/// Attachment as observed: metadata and, if wanted, bytes.
pub(super) struct Sight {
    pub(super) exhibit: Exhibit,
    /// Size and digest of the bytes. `None` if the bytes were not read.
    pub(super) seen: Option<Digested>,
    /// Unnamed file with the bytes. `None` if no backup was wanted.
    pub(super) draft: Option<Box<dyn Draft>>,
}

impl Sight {
    /// Creates the observation of an attachment whose bytes were not read.
    fn of(exhibit: Exhibit) -> Self {
        Self {
            exhibit,
            seen: None,
            draft: None,
        }
    }

    /// Returns `ours`, the content named by our lines, if the observed bytes may still be the same.
    pub(super) fn of_ours(&self, ours: Option<Content>) -> Option<Content> {
        ours.filter(|ours| match self.sha256() {
            Some(seen) => seen == ours.sha256,
            None => self.exhibit.size == Some(ours.stamp.size),
        })
    }

    /// Returns the digest of the bytes, if the bytes were read.
    pub(super) fn sha256(&self) -> Option<Sha256Digest> {
        self.seen.map(|seen| seen.sha256)
    }
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks at an attachment left by an earlier run, and decides the next step.
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
        // Bytes that were not released were not replaced.
        if was_let_go && step.finds_foreign_content() {
            self.row.changes.replaced = None;
        }
        self.go_on_with_left(step).await
    }

    /// Carries out the next step of an attachment left by an earlier run.
    async fn go_on_with_left(&mut self, step: NextStep) -> Next<D> {
        if let NextStep::Send(_) | NextStep::Confirm(_) = step {
            self.swap = Some(self.swap_begun_earlier().await);
        }
        Ok(self.carry_out(step))
    }

    /// Returns the number of bytes shown by the service. Waits for the next list if nothing was
    /// begun with the attachment, and asks at once otherwise.
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
        // A gap in a list does not prove that the attachment is gone.
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

    /// Returns the replacement begun by an earlier run, whose old bytes are gone.
    async fn swap_begun_earlier(&mut self) -> Swap {
        self.context.take_slots(1).await;
        let old = self.row.changes.replaced.as_ref();
        // The title was sent with the request that released the bytes, and is shown without bytes,
        // too.
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

    /// Reads the bytes, because nothing else can tell whether the run before stored the new bytes.
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

    /// Looks at an attachment, and reads its bytes as far as wanted.
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

/// Returns the reason to stop after a failed backup: the run ends, as after a failure of its
/// results.
#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
pub(super) fn lost(cause: io::Error) -> Halt {
    Halt::Backup(cause.to_string())
}

/// Ends a row that cannot be continued in this run. The line still names what was begun.
fn left<T>(there: &There, unmet: Unmet) -> Result<State<T>, Halt> {
    let why = unmet.words()?;
    Ok(Verdict::not_seen(there, &why).into())
}

/// Checks the length of a download against the size shown by the service.
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

/// Returns the names in the metadata of an attachment.
pub(super) fn names(exhibit: Exhibit) -> Names {
    Names {
        external_id: exhibit.external_id,
        title: exhibit.title,
    }
}
