//! Replacement of stored bytes, the only operation that can destroy content.
//!
//! `KEEP -> ANNOUNCE -> LOOK -> LET GO -> PUT -> CONFIRM`. The PATCH, the PUT and their failures
//! are as for an attachment without bytes: see [`send`](super::send). Nothing is lost, because:
//! - before a durable line announces the change, the old bytes are in a file able to survive a loss
//!   of power, or the user has waived the backup;
//! - the line is durable before the PATCH to release the old bytes, and calls the attachment
//!   waiting for bytes until the new bytes are confirmed;
//! - the PATCH is sent only if the newest GET shows the kept bytes, or no bytes at all;
//! - the old bytes are put back if the new bytes cannot be sent after all.

use super::left::{Looked, Sight, Wanted, lost, names};
use super::send::address;
use super::{AttachmentMachine, Next, State};
use crate::backup::BackupName;
use crate::clock::Since;
use crate::destination::{AttachmentApi, Place, Presence};
use crate::model::{AttachmentId, Content};
use crate::pipeline::Halt;
use crate::pipeline::poller::Seen;
use crate::pipeline::requests::Unmet;
use crate::pipeline::upload::UploadEnd;
use crate::pipeline::verdict::Verdict;
use crate::plan::{Begun, Giving, Posted, Swapped, swapped};
use crate::results::journal::Journal;
use crate::results::{Backup, Former, Known, Reason, RowState, Status};
use crate::source::Source;
use crate::throttle::breakers::Circuit;

/// Number of times a replacement may begin because the stored content has changed meanwhile.
const MOST_BEGINNINGS: u32 = 3;

/// Number of attempts to send the old bytes back before they are left in their backup.
const MOST_RETURNS: u32 = 3;

/// Replacement of bytes under way.
#[derive(Debug)]
pub(super) struct Swap {
    /// Old content.
    pub(super) old: Giving,
    /// Old content in full, if sent by us.
    pub(super) ours: Option<Content>,
    /// Old names, needed to put the old content back.
    pub(super) before: Before,
    /// Title sent with the new bytes, since no documentation says whether the title would stay
    /// otherwise.
    pub(super) title: Option<String>,
    pub(super) stage: Stage,
}

/// Names of an attachment before the replacement of its bytes.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) file_name: Option<String>,
    pub(super) title: Option<String>,
}

/// Bytes of an attachment to which the new bytes could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Old,
    New,
    /// Other bytes, or unknown.
    Other,
}

/// State of the old bytes during a replacement in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The old bytes are stored: no request to release them was sent.
    Kept,
    /// The old bytes may have been released.
    Asked,
    /// The old bytes were released.
    LetGo,
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Keeps the old bytes, and checks for a difference from the file. `ours` is the stored content
    /// by our own lines, if sent by us.
    pub(super) async fn replace(&mut self, id: AttachmentId, ours: Option<Content>) -> Next<D> {
        self.context.take_slots(1).await;
        self.beginnings += 1;
        let content = self.row.content;
        let wanted = match self.common.vault {
            Some(_) => Wanted::Kept,
            None => Wanted::DigestIf(content.stamp.size),
        };
        let sight = match self.look_at_bytes(&id, wanted).await {
            Ok(Looked::At(sight)) => sight,
            Ok(Looked::Absent) => return Ok(State::LookUp(Posted::No)),
            Ok(Looked::Empty) => return Ok(Verdict::unfinished(None).into()),
            Ok(Looked::Unseen(why)) => return Ok(not_kept(id, ours, &why).into()),
            Err(unmet) => {
                let why = unmet.words()?;
                return Ok(not_kept(id, ours, &why).into());
            }
        };
        if sight.sha256() == Some(content.sha256) {
            self.names = Some(names(sight.exhibit));
            return Ok(Verdict::same_content(id).into());
        }
        if self.beginnings > MOST_BEGINNINGS {
            let why = "what is stored changes again and again";
            return Ok(not_kept(id, ours, why).into());
        }
        // The new bytes have to be at hand before the old bytes are released.
        let source = &self.row.source;
        if let Err(why) = self.run.requests.can_be_sent(source, &content).await? {
            let size = sight.exhibit.size.map_or(Known::Nothing, Known::Size);
            let known = sight.of_ours(ours).map_or(size, Known::Content);
            let message = format!(
                "the file changed after it was checked: {why}; what is stored was left as it is: \
                 run the import again with --resume to check the file as it is now"
            );
            let reason = Reason::SourceChanged;
            return Ok(Verdict::not_replaced(id, known, reason, message).into());
        }
        self.give_way(id, *sight, ours).await
    }

    /// Finishes the backup, and notes the old content and names for the announcement of the
    /// replacement.
    async fn give_way(&mut self, id: AttachmentId, sight: Sight, ours: Option<Content>) -> Next<D> {
        let size = sight.exhibit.size.unwrap_or_default();
        let ours = sight.of_ours(ours);
        let sha256 = sight.sha256().or(ours.map(|ours| ours.sha256));
        let file_name = sight.exhibit.file_name.value().map(ToOwned::to_owned);
        let backup = match (sight.draft, sha256) {
            (Some(draft), Some(sha256)) => {
                let external_id = &self.row.row.external_id;
                let name = BackupName::of(external_id, &id, sha256, file_name.as_deref());
                Backup::Kept(draft.keep(&name).await.map_err(lost)?)
            }
            _ => Backup::Waived,
        };
        let title = &sight.exhibit.title;
        let before = Before {
            file_name,
            title: title.value().map(ToOwned::to_owned),
        };
        let wished = self.run.settings.wishes.title(&self.row.row);
        let wished = wished.map(ToOwned::to_owned);
        let is_new = wished.is_some() && wished.as_deref() != title.value();
        let shown = title.words().map(ToOwned::to_owned);
        let changes = &mut self.row.changes;
        changes.replaced = Some(Former {
            size,
            sha256,
            backup,
        });
        if is_new {
            changes.previous_title = shown;
        }
        self.swap = Some(Swap {
            old: Giving {
                size,
                uploaded_at: sight.exhibit.uploaded_at.clone(),
            },
            ours,
            title: wished.or_else(|| before.title.clone()),
            before,
            stage: Stage::Kept,
        });
        self.names = Some(names(sight.exhibit));
        Ok(State::LetGo(id))
    }

    /// Returns the title to send with the new bytes of a replacement begun by an earlier run: the
    /// row's title, or else the title shown by the attachment.
    pub(super) fn title_to_send(&self) -> Option<String> {
        let wished = self.run.settings.wishes.title(&self.row.row);
        let shown = || self.names.as_ref()?.title.value();
        wished.or_else(shown).map(ToOwned::to_owned)
    }

    /// Announces the release of the old bytes, and checks the stored bytes against the kept bytes.
    ///
    /// `begun` describes the newest bytes sent to the record, if arrived: bytes of an earlier run
    /// may come from an earlier file.
    pub(super) async fn let_go(&mut self, begun: Begun) -> Next<D> {
        let id = begun.id.clone();
        let content = self.row.content;
        let same = |then: Content| then.sha256 == content.sha256;
        let is_for_the_file = begun.content.is_some_and(same);
        self.record(&Verdict::renewing(&begun)).await?;
        let exhibit = match self.run.requests.original(self.context.owner(), &id).await {
            Ok(Some(original)) => original.exhibit,
            Ok(None) => {
                self.swap = None;
                return Ok(State::LookUp(Posted::No));
            }
            Err(unmet) => return self.no_further(unmet, begun),
        };
        let Some(swap) = &mut self.swap else {
            return Ok(State::Resume(begun));
        };
        let seen = (exhibit.size, &exhibit.uploaded_at);
        let sent = swap.stage != Stage::Kept;
        match swapped(seen, &swap.old, &content, sent) {
            Swapped::Empty => {
                swap.stage = Stage::LetGo;
                self.renew(begun).await
            }
            Swapped::Old => {
                swap.stage = Stage::Kept;
                self.renew(begun).await
            }
            Swapped::New if is_for_the_file => Ok(self.shown(id, content.stamp.size)),
            Swapped::New | Swapped::Unclear => Ok(State::Prove(id)),
            Swapped::Other => {
                self.row.changes.replaced = None;
                self.swap = None;
                Ok(State::Replace(id, None))
            }
        }
    }

    /// Reads the new bytes, because they are as many as the old bytes and the size confirms
    /// nothing.
    pub(super) async fn prove(&mut self, id: AttachmentId) -> Next<D> {
        let content = self.row.content;
        let sight = match self.look_at_bytes(&id, Wanted::Digest).await {
            Ok(Looked::At(sight)) => sight,
            Ok(Looked::Absent) => {
                self.swap = None;
                return Ok(State::LookUp(Posted::No));
            }
            Ok(Looked::Empty) => return Ok(State::Resume(self.begun(id))),
            Ok(Looked::Unseen(why)) => {
                return Ok(Verdict::no_answer(Some(id), &why).into());
            }
            Err(unmet) => return self.no_further(unmet, self.begun(id)),
        };
        if sight.sha256() == Some(content.sha256) {
            return Ok(self.confirmed(id));
        }
        let former = self.row.changes.replaced.as_ref();
        let is_old = former.is_some_and(|former| former.sha256 == sight.sha256());
        if is_old && self.receipt.is_some() {
            return Ok(Verdict::size_not_shown(id).into());
        }
        if is_old {
            // The attachment may have changed during the download.
            return match self.run.requests.original(self.context.owner(), &id).await {
                Ok(Some(now)) if now.exhibit == sight.exhibit => self.renew(self.begun(id)).await,
                Ok(_) => Ok(State::Resume(self.begun(id))),
                Err(unmet) => self.no_further(unmet, self.begun(id)),
            };
        }
        self.row.changes.replaced = None;
        self.swap = None;
        Ok(State::Replace(id, None))
    }

    /// Ends a row during a replacement of bytes.
    pub(super) async fn conclude_swap(&mut self, swap: Swap, verdict: Verdict) -> Next<D> {
        match (verdict.state.status(), swap.stage, verdict.id.clone()) {
            (Status::Uploaded, _, _) => Ok(verdict.into()),
            (Status::Failed, Stage::Kept, Some(id)) => {
                self.forget_replacement();
                let known = known_of(&swap);
                let message = format!("{}; what is stored was left as it is", verdict.message);
                Ok(Verdict::not_replaced(id, known, verdict.state.reason(), message).into())
            }
            (Status::Failed, _, Some(id)) if leaves_nothing(&verdict.state) => {
                self.put_back(id, swap, verdict).await
            }
            _ => {
                let state = match verdict.state.status() {
                    Status::Created | Status::Pending if verdict.id.is_some() => {
                        verdict.state.in_replacement()
                    }
                    _ => verdict.state,
                };
                self.end(&Verdict { state, ..verdict }).await
            }
        }
    }

    fn forget_replacement(&mut self) {
        let changes = &mut self.row.changes;
        changes.replaced = None;
        changes.previous_title = None;
    }

    /// Puts the old bytes back, since the new bytes cannot be sent.
    async fn put_back(&mut self, id: AttachmentId, swap: Swap, why: Verdict) -> Next<D> {
        self.swap = Some(Swap {
            stage: Stage::LetGo,
            ..swap
        });
        let left = self.left_there(&id).await?;
        let is_back = match left {
            // The new bytes come from an attempt whose answer was lost.
            Left::New => return Ok(self.confirmed(id)),
            Left::Old => true,
            Left::Other => false,
            Left::Nothing => match self.backup().await {
                Some((source, content)) => self.send_back(&id, source, content).await?,
                None => false,
            },
        };
        let Some(swap) = self.swap.take() else {
            return Ok(why.into());
        };
        if is_back {
            self.forget_replacement();
            let message = format!("{}; the previous content was put back", why.message);
            return Ok(
                Verdict::not_replaced(id, known_of(&swap), why.state.reason(), message).into(),
            );
        }
        let now = match left {
            Left::Nothing => "THE ATTACHMENT HAS NO CONTENT NOW",
            _ => "NOBODY CAN TELL WHAT THE ATTACHMENT HOLDS NOW",
        };
        let former = self.row.changes.replaced.as_ref();
        let waiting = why.not_put_back(id, now, former.map(|former| &former.backup));
        self.end(&waiting).await
    }

    /// Returns the bytes that the attachment has after a failed replacement, as far as known.
    async fn left_there(&self, id: &AttachmentId) -> Result<Left, Halt> {
        let size = match self.run.requests.get(self.context.owner(), id).await {
            Ok(Presence::Stored { size, .. }) => size,
            Ok(Presence::Pending { .. }) => return Ok(Left::Nothing),
            Ok(_) => return Ok(Left::Other),
            Err(unmet) => return unmet.words().map(|_| Left::Other),
        };
        let new = self.row.content;
        let Some(old) = self.row.changes.replaced.clone() else {
            return Ok(Left::Other);
        };
        match (size == new.stamp.size, size == old.size) {
            (true, false) => return Ok(Left::New),
            (false, true) => return Ok(Left::Old),
            (false, false) => return Ok(Left::Other),
            (true, true) => {}
        }
        let seen = match self.look_at_bytes(id, Wanted::Digest).await {
            Ok(Looked::At(sight)) => sight.sha256(),
            Ok(_) => None,
            Err(unmet) => unmet.words().map(|_| None)?,
        };
        Ok(match seen {
            Some(seen) if seen == new.sha256 => Left::New,
            Some(seen) if Some(seen) == old.sha256 => Left::Old,
            _ => Left::Other,
        })
    }

    /// Opens the backup. Returns `None` if the backup is missing or has changed.
    async fn backup(&self) -> Option<(Source, Content)> {
        let former = self.row.changes.replaced.as_ref()?;
        let (Backup::Kept(path), Some(sha256)) = (&former.backup, former.sha256) else {
            return None;
        };
        let (source, stamp) = self.common.vault?.kept(path).await.ok()?;
        (stamp.size == former.size).then_some((source, Content { stamp, sha256 }))
    }

    /// Sends the old bytes. Returns `true` if the service shows the old bytes again.
    async fn send_back(
        &mut self,
        id: &AttachmentId,
        source: Source,
        content: Content,
    ) -> Result<bool, Halt> {
        let begun = self.begun(id.clone());
        for _ in 0..MOST_RETURNS {
            self.record(&Verdict::renewing(&begun)).await?;
            self.context.waited_to_change().await;
            match self.run.requests.get(self.context.owner(), id).await {
                Ok(Presence::Pending { .. }) => {}
                // The bytes come from an attempt whose answer was lost.
                Ok(Presence::Stored { size, .. }) => return Ok(size == content.stamp.size),
                Ok(_) => return Ok(false),
                Err(unmet) => {
                    unmet.words()?;
                    return Ok(false);
                }
            }
            let place = match self.ask_for_the_old_place(id).await {
                Ok(place) => place,
                Err(Unmet::Halt(halt) | Unmet::HaltUnknown(halt)) => return Err(halt),
                Err(Unmet::NotSent) => continue,
                Err(Unmet::Unknown(_) | Unmet::GivenUp(_)) => {
                    self.drain().await;
                    continue;
                }
                Err(Unmet::Refused(_) | Unmet::Forbidden(_)) => return Ok(false),
            };
            let owner = self.context.owner();
            self.run.requests.leave(owner, Circuit::Uploads).await;
            let to = address(&place, Since::now());
            let upload = self.run.upload(owner, &source, &content, to).await?;
            match upload.end {
                UploadEnd::Taken(_) => {
                    let shown = self.common.poller.size_of(owner, id.clone(), None).await?;
                    let is_back = |size| size == content.stamp.size;
                    return Ok(matches!(
                        shown,
                        Seen::Shown(Presence::Stored { size, .. }) if is_back(size)
                    ));
                }
                UploadEnd::Stale | UploadEnd::Expired => {}
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Asks for a new address for the old bytes, with the old names.
    async fn ask_for_the_old_place(
        &mut self,
        id: &AttachmentId,
    ) -> Result<Place<D::Target>, Unmet> {
        let (owner, leave) = (self.context.owner(), self.context.leave_to_change());
        let before = self.swap.as_ref().map(|swap| &swap.before);
        let file_name = before.and_then(|before| before.file_name.as_deref());
        let file_name = file_name.unwrap_or_else(|| self.row.row.file_name());
        let title = before.and_then(|before| before.title.as_deref());
        self.run
            .requests
            .change_once(owner, leave, async |service| {
                service.renew(id, file_name, title).await
            })
            .await
    }
}

/// Returns the verdict of a row whose old content could not be downloaded or kept.
fn not_kept(id: AttachmentId, ours: Option<Content>, why: &str) -> Verdict {
    let known = ours.map_or(Known::Nothing, Known::Content);
    let message = format!(
        "what is stored could not be downloaded ({why}), so that it was left as it is; run the import again \
         with --resume later"
    );
    Verdict::not_replaced(id, known, Reason::NoBackup, message)
}

/// Returns `true` if nothing is stored after a failure in this state.
fn leaves_nothing(state: &RowState) -> bool {
    matches!(
        state,
        RowState::FailedWithoutBytes(_) | RowState::Failed(Reason::Forbidden)
    )
}

/// Returns the knowledge about the old content.
fn known_of(swap: &Swap) -> Known {
    swap.ours.map_or(Known::Size(swap.old.size), Known::Content)
}
