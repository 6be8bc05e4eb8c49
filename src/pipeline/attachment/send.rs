//! Bytes of an attachment: the renewable address, the PUT, and the size that confirms the content.
//!
//! The PATCH for a new address detaches the stored bytes. The PATCH is sent only if the newest GET
//! showed no bytes. After a PATCH without an answer, of the present run or of an interrupted run,
//! nothing is sent before [`DRAIN`] has passed and another GET has answered.

use std::time::Duration;

use tokio::time::sleep;

use super::replace::Stage;
use super::{AttachmentMachine, Next, State};
use crate::clock::Since;
use crate::destination::{AttachmentApi, Place, Presence};
use crate::http::Receipt;
use crate::model::AttachmentId;
use crate::pipeline::poller::Seen;
use crate::pipeline::requests::{Leave, Unmet};
use crate::pipeline::upload::{Address, UploadEnd};
use crate::pipeline::verdict::Verdict;
use crate::plan::{Begun, Posted, Progress, Sighting};
use crate::results::journal::Journal;
use crate::results::{Known, RowState, Verified};

/// Time after which an address is not used any more; the service's limit is 15 minutes.
const ADDRESS_LIFE: Duration = Duration::from_mins(14);

/// Time after which a lost PATCH has been carried out or never will be: longer than any request may
/// take.
const DRAIN: Duration = Duration::from_mins(1);

/// Number of new addresses to ask for before a refusal by the storage counts as final for the row.
const MOST_RENEWALS: u32 = 5;

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Sends the bytes, once the attachment is known to be found again.
    pub(super) async fn put(
        &mut self,
        id: AttachmentId,
        place: Place<D::Target>,
        issued: Since,
    ) -> Next<D> {
        if let Some(next) = self.prove_routing(&id).await? {
            return Ok(next);
        }
        let owner = self.context.owner();
        self.context.leave_to_upload(owner).await;
        let to = address(&place, issued);
        let (source, content) = (&self.row.source, &self.row.content);
        let upload = self.run.upload(owner, source, content, to).await?;
        self.row.attempts += upload.repetitions;
        self.context.set_upload_leave(match upload.end {
            // The permission came too late for the old address, but not for the next address.
            UploadEnd::Stale => Leave::Given,
            _ => Leave::Needed,
        });
        Ok(self.after_put(id, upload.end))
    }

    /// Decides the state after an upload.
    fn after_put(&mut self, id: AttachmentId, end: UploadEnd) -> State<D::Target> {
        match end {
            UploadEnd::Taken(receipt) => {
                self.receipt = Some(receipt);
                State::Confirm(id)
            }
            UploadEnd::Stale => State::Resume(self.begun(id)),
            UploadEnd::Expired => self.expired(id),
            UploadEnd::Unsafe(why) => Verdict::unsafe_address(id, &why).into(),
            UploadEnd::Refused(why) => Verdict::upload_refused(id, &why).into(),
            UploadEnd::GivenUp(why) => Verdict::no_answer(Some(id), &why).into(),
            UploadEnd::SourceChanged(why) => Verdict::source_changed(id, &why).into(),
        }
    }

    /// Asks for a new address after an expired address, up to [`MOST_RENEWALS`] times.
    fn expired(&mut self, id: AttachmentId) -> State<D::Target> {
        self.expired += 1;
        if self.expired <= MOST_RENEWALS {
            return State::Resume(self.begun(id));
        }
        Verdict::upload_refused(id, "it called each new address expired or not valid").into()
    }

    /// Announces the PATCH for a new address, and sends it.
    pub(super) async fn patch(&mut self, begun: Begun) -> Next<D> {
        self.record(&Verdict::renewing(&begun)).await?;
        self.renew(begun).await
    }

    /// Asks for a new address, which releases the stored bytes. The PATCH is announced, and the
    /// newest answer showed no bytes or only bytes to be replaced.
    pub(super) async fn renew(&mut self, begun: Begun) -> Next<D> {
        if self.context.waited_to_change().await {
            // The newest GET is outdated after the wait.
            return Ok(State::Resume(begun));
        }
        let (owner, leave) = (self.context.owner(), self.context.leave_to_change());
        let stage = self.swap.as_ref().map(|swap| swap.stage);
        self.swap_is_at(stage.max(Some(Stage::Asked)));
        let title = self.swap.as_ref().and_then(|swap| swap.title.as_deref());
        let (id, file_name) = (&begun.id, self.row.row.file_name());
        let renewed = self
            .run
            .requests
            .change_once(owner, leave, async |service| {
                service.renew(id, file_name, title).await
            })
            .await;
        if let Err(Unmet::NotSent | Unmet::Refused(_) | Unmet::Forbidden(_)) = &renewed {
            self.swap_is_at(stage);
        }
        match renewed {
            Ok(place) => {
                self.swap_is_at(Some(Stage::LetGo));
                // The record gets the file's present bytes from here on, and not before: until the
                // PATCH, the record may have held other bytes whose size just did not show.
                let created = Verdict::plain(RowState::Created, Some(begun.id.clone()));
                self.record(&created).await?;
                self.receipt = None;
                Ok(State::Put {
                    id: begun.id,
                    place,
                    issued: Since::now(),
                })
            }
            Err(Unmet::NotSent) => Ok(State::Resume(begun)),
            Err(unmet @ (Unmet::Unknown(_) | Unmet::GivenUp(_))) => {
                self.patch_lost(begun, unmet).await
            }
            // The record may have been removed or filled since the GET: another GET tells.
            Err(Unmet::Refused(_) | Unmet::Forbidden(_))
                if self.renewals_refused < MOST_RENEWALS && stage != Some(Stage::Kept) =>
            {
                self.renewals_refused += 1;
                Ok(State::Resume(begun))
            }
            Err(unmet) => self.no_further(unmet, begun),
        }
    }

    /// Notes the state of the old bytes, during a replacement.
    fn swap_is_at(&mut self, stage: Option<Stage>) {
        if let (Some(swap), Some(stage)) = (&mut self.swap, stage) {
            swap.stage = stage;
        }
    }

    /// Waits after a lost PATCH. A late PATCH would detach bytes sent meanwhile, so nothing is sent
    /// while a late PATCH may still arrive.
    async fn patch_lost(&mut self, begun: Begun, unmet: Unmet) -> Next<D> {
        self.row.attempts += 1;
        self.drain().await;
        match unmet {
            Unmet::Unknown(_) => Ok(State::Resume(begun)),
            unmet => self.no_further(unmet, begun),
        }
    }

    /// Waits until a PATCH with an unknown effect cannot arrive any more.
    pub(super) async fn drain(&mut self) {
        self.context.give_slots_back();
        sleep(DRAIN).await;
        self.context.take_slots(1).await;
    }

    /// Waits until the service shows the size of the new bytes.
    pub(super) async fn confirm(&mut self, id: AttachmentId) -> Next<D> {
        self.context.give_slots_back();
        let old = self.old_size();
        let owner = self.context.owner();
        let presence = match self.common.poller.size_of(owner, id.clone(), old).await? {
            Seen::Shown(presence) => presence,
            Seen::Unmet(Unmet::Halt(halt)) => return Err(halt),
            Seen::Unmet(unmet) => {
                let why = unmet.words()?;
                return Ok(Verdict::unconfirmed(id, &why).into());
            }
        };
        match presence {
            // The service goes on showing the replaced bytes for longer than the run waits.
            Presence::Stored { size, .. } if Some(size) == old => {
                Ok(Verdict::size_not_shown(id).into())
            }
            Presence::Stored { size, names, .. } => {
                self.names = Some(names);
                Ok(self.shown(id, size))
            }
            Presence::Absent => self.not_listed(id).await,
            _ => Ok(Verdict::size_not_shown(id).into()),
        }
    }

    /// Asks for an attachment that a list left out: a gap in a list does not prove that the
    /// attachment is gone.
    async fn not_listed(&mut self, id: AttachmentId) -> Next<D> {
        match self.run.requests.get(self.context.owner(), &id).await {
            Ok(Presence::Stored { size, names, .. }) => {
                self.names = Some(names);
                Ok(self.shown(id, size))
            }
            Ok(Presence::Absent) if self.purged => Ok(Verdict::purged(id).into()),
            Ok(Presence::Absent) => {
                self.purged = true;
                self.swap = None;
                self.row.attempts += 1;
                Ok(State::LookUp(Posted::No))
            }
            Ok(_) => Ok(Verdict::size_not_shown(id).into()),
            Err(unmet) => self.unmet(unmet, Some(id), &Posted::No),
        }
    }

    /// Returns the size of the replaced bytes, if it differs from the size of the new bytes.
    fn old_size(&self) -> Option<u64> {
        let old = self.swap.as_ref()?.old.size;
        (old != self.row.content.stamp.size).then_some(old)
    }

    /// Decides the state after the service has shown the size of the attachment.
    pub(super) fn shown(&self, id: AttachmentId, size: u64) -> State<D::Target> {
        let row = &self.row;
        if size != row.content.stamp.size {
            return Verdict::size_mismatch(id, size, row.content).into();
        }
        match &self.swap {
            Some(swap) if swap.old.size == size => State::Prove(id),
            _ => self.confirmed(id),
        }
    }

    /// Returns the verdict of an upload, with the evidence for the content.
    pub(super) fn confirmed(&self, id: AttachmentId) -> State<D::Target> {
        let verified = match self.receipt {
            Some(Receipt::Checksummed) => Verified::Etag,
            Some(Receipt::Taken) | None => Verified::Size,
        };
        Verdict::uploaded(id, verified).into()
    }

    /// Continues a record begun by an earlier run or by the present run.
    pub(super) async fn resume(&mut self, mut begun: Begun) -> Next<D> {
        // From here on, only the record's own answers count.
        self.receipt = None;
        if begun.progress == Progress::Renewing {
            self.drain().await;
            begun.progress = Progress::Unknown;
        }
        let presence = match self.run.requests.get(self.context.owner(), &begun.id).await {
            Ok(presence) => presence,
            Err(unmet) => return self.no_further(unmet, begun),
        };
        if let Presence::Stored { names, .. } = &presence {
            self.names = Some(names.clone());
        }
        let sighting = Sighting::OfBegun {
            presence: &presence,
            begun: &begun,
        };
        Ok(self.carry_out(self.next_step(&sighting)))
    }

    /// Returns a record of the row, for the present object and file.
    pub(super) fn begun(&self, id: AttachmentId) -> Begun {
        Begun::now(id, &self.row.row, self.row.content)
    }

    /// Ends a row whose begun record cannot be continued. The line still names what was begun,
    /// because the record may hold the begun content and not the present file.
    pub(super) fn no_further(&self, unmet: Unmet, begun: Begun) -> Next<D> {
        let state = self.unmet(unmet, Some(begun.id), &Posted::No)?;
        Ok(match state {
            State::End(verdict) => Verdict {
                known: begun.content.map(Known::Content).or(verdict.known),
                elsewhere: begun.elsewhere,
                ..*verdict
            }
            .into(),
            other => other,
        })
    }
}

/// Returns the address of a record, and the time until which the address may be used.
pub(super) fn address<T>(place: &Place<T>, issued: Since) -> Address<'_, T> {
    Address {
        target: place.target.as_ref().map_err(Clone::clone),
        issued,
        life: ADDRESS_LIFE,
    }
}
