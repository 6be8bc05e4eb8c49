//! What is particular to attachments: they are looked up by the row's `external_id`, have an
//! address that can be renewed, and show the size of what they hold.
//!
//! - After a POST without an answer no other one follows before look-ups over [`SEARCHES`] all
//!   found nothing.
//! - The PATCH that gives a new address detaches what is stored, so it is sent only when the newest
//!   GET said that nothing is, and after a PATCH without an answer, of this run or of one that ended
//!   in the middle of it, nothing is sent before [`DRAIN`] has passed and another GET has said how
//!   things stand.

use std::time::Duration;

use tokio::time::sleep;

use super::member::Put;
use super::replace::Stage;
use super::requests::Unmet;
use super::unit::{Next, State, Unit};
use super::verdict::Verdict;
use super::watch::Seen;
use crate::clock::Since;
use crate::destination::Presence;
use crate::destination::archive::Archive;
use crate::http::Receipt;
use crate::model::AttachmentId;
use crate::plan::{Begun, Found, OnConflict, Posted, Progress, Standing, found, standing};
use crate::results::journal::Journal;
use crate::results::{Known, Status, Verified};

/// When to look for the record of a POST whose answer was lost, counted from one look to the next.
pub(super) const SEARCHES: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// After so long a PATCH whose answer was lost has been carried out, or never will be: longer than
/// any request may take.
const DRAIN: Duration = Duration::from_mins(1);

/// So many new addresses are asked for before the storage is believed to refuse the row itself.
const MOST_RENEWALS: u32 = 5;

/// What look-ups by the names of a row have found.
enum ByName<T> {
    /// This, under the one that it has now; or nothing under any.
    Present(Presence<T>),
    /// This, under the one that it is to get, and nothing under the other.
    New(Presence<T>),
    /// Something under the one that it is to get that is not, or need not be, the row's.
    Taken,
}

impl<D: Archive, J: Journal> Unit<'_, D, J> {
    pub(super) async fn look_up(&mut self, posted: Posted) -> Next<D> {
        // Once the row is found, it may have to prove another id.
        self.trial = None;
        self.take_slot().await;
        let found = match self.find().await {
            Ok(presence) => self.or_by_its_new_name(presence).await,
            Err(unmet) => Err(unmet),
        };
        if let Ok(found) = &found
            && let Some(verdict) = self.after_one_that_is_gone(found)
        {
            return Ok(verdict.into());
        }
        match found {
            Ok(ByName::Taken) => Ok(self.name_taken()),
            // Of a record under the new name, none of our POSTs can be the reason.
            Ok(ByName::New(presence)) => {
                let nothing = State::LookUp(posted);
                Ok(self.after_look_up(&presence, &Posted::No, nothing))
            }
            Ok(ByName::Present(presence)) => {
                // After a lost POST one look is not enough, not even after a restart.
                let nothing = match &posted {
                    Posted::No => State::Create(Posted::No),
                    Posted::Perhaps | Posted::ForAnotherObject(_) => {
                        State::Search(0, posted.clone())
                    }
                };
                Ok(self.after_look_up(&presence, &posted, nothing))
            }
            Err(unmet) => self.unmet(unmet, None, &posted),
        }
    }

    /// The row's attachment had a new name, and is gone: whatever has a name of it now is another
    /// one.
    fn after_one_that_is_gone(&mut self, found: &ByName<D::Target>) -> Option<Verdict> {
        if let ByName::Present(Presence::Absent) = found {
            // What it was called says nothing of the next one.
            self.changes_mut().renamed_to = None;
            return None;
        }
        let renamed = self.only().changes.renamed_to.as_deref()?;
        Some(Verdict::gone_since(renamed))
    }

    async fn find(&self) -> Result<Presence<D::Target>, Unmet> {
        let external_id = &self.only().task.row.external_id;
        self.find_by(external_id).await
    }

    /// A row whose attachment is to be renamed may have been renamed already.
    async fn or_by_its_new_name(
        &mut self,
        presence: Presence<D::Target>,
    ) -> Result<ByName<D::Target>, Unmet> {
        let Some(new) = self.only().task.row.new_external_id.clone() else {
            return Ok(ByName::Present(presence));
        };
        let is_there = presence != Presence::Absent;
        if is_there && self.run.settings.wishes.on_conflict != OnConflict::Replace {
            // Before it is renamed, the new name is looked up anyway.
            return Ok(ByName::Present(presence));
        }
        let under_the_new = self.find_by(&new).await?;
        Ok(match (is_there, under_the_new) {
            (_, Presence::Absent) => ByName::Present(presence),
            (true, _) => ByName::Taken,
            (false, under_the_new) => ByName::New(under_the_new),
        })
    }

    /// An attachment that is not known to be the row's has the name that it is to get.
    fn name_taken(&self) -> State<D::Target> {
        let row = &self.only().task.row;
        let verdict = Verdict {
            known: Some(Known::Nothing),
            ..Verdict::plain(Status::Conflict, None)
        };
        match &row.new_external_id {
            Some(to) => verdict.new_id_taken(to, "already").into(),
            None => verdict.into(),
        }
    }

    /// What follows from a look-up; `nothing` is what follows where nothing is there.
    fn after_look_up(
        &mut self,
        presence: &Presence<D::Target>,
        posted: &Posted,
        nothing: State<D::Target>,
    ) -> State<D::Target> {
        let content = self.only().content();
        if let Presence::Stored { names, .. } = presence {
            self.names = Some(names.clone());
        }
        let is_compared = self.run.settings.wishes.on_conflict == OnConflict::Replace;
        match found(presence, posted, &content) {
            Found::Nothing => nothing,
            Found::Ours(id) => State::Patch(self.begun(id)),
            Found::Unfinished(elsewhere) => Verdict::unfinished(elsewhere).into(),
            // That there are as many bytes does not prove that they are the same.
            Found::SameSize(id) if is_compared => State::Replace(id, None),
            Found::SameSize(id) => Verdict::plain(Status::Skipped, Some(id)).into(),
            Found::OtherSize(id, size) => self.differs(id, size, None, false),
            Found::Mismatch(other) => Verdict::mismatch(&other).after(posted).into(),
        }
    }

    /// What follows from a POST that gave no record.
    pub(super) async fn not_created(&mut self, unmet: Unmet, posted: Posted) -> Next<D> {
        match unmet {
            Unmet::NotSent => Ok(State::LookUp(posted)),
            Unmet::Unknown(_) => Ok(self.post_lost(posted)),
            // It may have been carried out, too.
            Unmet::GivenUp(_) => {
                self.another_attempt();
                self.unmet(unmet, None, &after_a_loss(posted))
            }
            Unmet::Refused(why) => self.post_refused(&posted, &why).await,
            unmet => self.unmet(unmet, None, &posted),
        }
    }

    fn post_lost(&mut self, posted: Posted) -> State<D::Target> {
        self.another_attempt();
        // Another row may have more luck in proving that ids like this one are found.
        self.trial = None;
        // Others need not wait for what the look-ups come to.
        self.slot = None;
        State::Search(0, after_a_loss(posted))
    }

    /// Looks for the record of a POST whose answer was lost, before there may be another one.
    pub(super) async fn search(&mut self, nth: usize, posted: Posted) -> Next<D> {
        let Some(wait) = SEARCHES.get(nth) else {
            return Ok(State::Create(posted));
        };
        sleep(*wait).await;
        match self.find().await {
            Ok(presence) => {
                let nothing = State::Search(nth + 1, posted.clone());
                Ok(self.after_look_up(&presence, &posted, nothing))
            }
            Err(unmet) => self.unmet(unmet, None, &posted),
        }
    }

    /// The service says that it will not make the record, perhaps because there is one.
    async fn post_refused(&mut self, posted: &Posted, why: &str) -> Next<D> {
        match self.find().await {
            Ok(presence) => {
                let refused = Verdict::refused(None, why);
                Ok(self.after_look_up(&presence, posted, refused.into()))
            }
            Err(unmet) => self.unmet(unmet, None, posted),
        }
    }

    /// What follows from the sending of the bytes.
    pub(super) fn attachment_put(&mut self, id: AttachmentId, put: Put) -> State<D::Target> {
        match put {
            Put::Taken => State::Confirm(id),
            Put::Stale => State::Resume(self.begun(id)),
            Put::Expired => self.expired(id),
            Put::Unsafe(why) => Verdict::unsafe_address(id, &why).into(),
            Put::Refused(why) => Verdict::upload_refused(id, &why).into(),
            Put::GivenUp(why) => Verdict::no_answer(Status::Created, Some(id), &why).into(),
            Put::SourceChanged(why) => Verdict::source_changed(id, &why).into(),
        }
    }

    fn expired(&mut self, id: AttachmentId) -> State<D::Target> {
        self.renewals += 1;
        if self.renewals <= MOST_RENEWALS {
            return State::Resume(self.begun(id));
        }
        Verdict::upload_refused(id, "it called each new address expired or not valid").into()
    }

    pub(super) async fn patch(&mut self, begun: Begun) -> Next<D> {
        self.record(&Verdict::renewing(&begun)).await?;
        self.renew(begun).await
    }

    /// Asks for a new address, which lets go of what is stored. It is announced, and the newest answer
    /// showed that nothing is stored, or what is to give way.
    pub(super) async fn renew(&mut self, begun: Begun) -> Next<D> {
        if self.waited_to_change().await {
            // What the newest GET showed is old by now.
            return Ok(State::Resume(begun));
        }
        let (owner, leave) = (self.owner(), self.leave_to_change());
        let stage = self.swap.as_ref().map(|swap| swap.stage);
        self.swap_is_at(stage.max(Some(Stage::Asked)));
        let title = self.swap.as_ref().and_then(|swap| swap.title.as_deref());
        let (id, file_name) = (&begun.id, self.only().file_name());
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
                // From here on its bytes are those of the file as it is now, and not before: until
                // this moment they may have been others, whose size just did not show.
                let created = Verdict::plain(Status::Created, Some(begun.id.clone()));
                self.record(&created).await?;
                self.forget_what_was_sent();
                Ok(State::Put {
                    id: begun.id,
                    places: vec![place],
                    issued: Since::now(),
                })
            }
            Err(Unmet::NotSent) => Ok(State::Resume(begun)),
            Err(unmet @ (Unmet::Unknown(_) | Unmet::GivenUp(_))) => {
                self.patch_lost(begun, unmet).await
            }
            // The record may have been removed since the GET, or have got its bytes: another one
            // tells.
            Err(Unmet::Refused(_) | Unmet::Forbidden(_))
                if self.renewals < MOST_RENEWALS && stage != Some(Stage::Kept) =>
            {
                self.renewals += 1;
                Ok(State::Resume(begun))
            }
            Err(unmet) => self.no_further(unmet, begun),
        }
    }

    fn swap_is_at(&mut self, stage: Option<Stage>) {
        if let (Some(swap), Some(stage)) = (&mut self.swap, stage) {
            swap.stage = stage;
        }
    }

    /// A PATCH that arrives late would detach what was sent meanwhile, so nothing is sent before
    /// it cannot arrive any more.
    async fn patch_lost(&mut self, begun: Begun, unmet: Unmet) -> Next<D> {
        self.another_attempt();
        self.drain().await;
        match unmet {
            Unmet::Unknown(_) => Ok(State::Resume(begun)),
            unmet => self.no_further(unmet, begun),
        }
    }

    /// Waits until a PATCH of unknown fate cannot arrive any more.
    pub(super) async fn drain(&mut self) {
        self.slot = None;
        sleep(DRAIN).await;
        self.take_slot().await;
    }

    pub(super) async fn confirm_attachment(&mut self, id: AttachmentId) -> Next<D> {
        self.slot = None;
        let old = self.old_size();
        let owner = self.owner();
        let presence = match self.run.watcher.size_of(owner, id.clone(), old).await? {
            Seen::Shown(presence) => presence,
            Seen::Unmet(Unmet::Halt(halt)) => return Err(halt),
            Seen::Unmet(unmet) => {
                let why = unmet.words()?;
                return Ok(Verdict::unconfirmed(id, &why).into());
            }
        };
        match presence {
            // The one that gave way shows longer than we are ready to wait.
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

    /// The list does not name the attachment. That alone does not prove that it is gone.
    async fn not_listed(&mut self, id: AttachmentId) -> Next<D> {
        match self.run.requests.get(self.owner(), &id).await {
            Ok(Presence::Stored { size, names, .. }) => {
                self.names = Some(names);
                Ok(self.shown(id, size))
            }
            Ok(Presence::Absent) if self.purged => Ok(Verdict::purged(id).into()),
            Ok(Presence::Absent) => {
                self.purged = true;
                self.swap = None;
                self.another_attempt();
                Ok(State::LookUp(Posted::No))
            }
            Ok(_) => Ok(Verdict::size_not_shown(id).into()),
            Err(unmet) => self.unmet(unmet, Some(id), &Posted::No),
        }
    }

    /// The size of the bytes that gave way, where it can be told from that of the new ones.
    fn old_size(&self) -> Option<u64> {
        let old = self.swap.as_ref()?.old.size;
        (old != self.only().content().stamp.size).then_some(old)
    }

    pub(super) fn shown(&self, id: AttachmentId, size: u64) -> State<D::Target> {
        let member = self.only();
        if size != member.content().stamp.size {
            return Verdict::size_mismatch(id, size, member.content()).into();
        }
        match &self.swap {
            Some(swap) if swap.old.size == size => State::Prove(id),
            _ => self.confirmed(id),
        }
    }

    pub(super) fn confirmed(&self, id: AttachmentId) -> State<D::Target> {
        let member = self.only();
        let verified = match member.receipt {
            Some(Receipt::Checksummed) => Verified::Etag,
            Some(Receipt::Taken) | None => Verified::Size,
        };
        Verdict::uploaded(id, verified).into()
    }

    /// Goes on with a record that was begun, by an earlier run or by this one.
    pub(super) async fn resume(&mut self, mut begun: Begun) -> Next<D> {
        // What the record shows is what counts from here on.
        self.forget_what_was_sent();
        if begun.progress == Progress::Renewing {
            self.drain().await;
            begun.progress = Progress::Unknown;
        }
        let presence = match self.run.requests.get(self.owner(), &begun.id).await {
            Ok(presence) => presence,
            Err(unmet) => return self.no_further(unmet, begun),
        };
        if let Presence::Stored { names, .. } = &presence {
            self.names = Some(names.clone());
        }
        Ok(match standing(&presence, &begun, &self.only().content()) {
            Standing::Gone => State::LookUp(Posted::No),
            Standing::Empty => State::Patch(begun),
            Standing::Sent => State::Confirm(begun.id),
            Standing::EmptyElsewhere => {
                Verdict::begun_elsewhere(begun, self.only().task.row.object).into()
            }
            Standing::Stored(size) => self.shown(begun.id, size),
            Standing::StoredBeforeTheChange(size) => {
                Verdict::stored_before_the_change(begun, size).into()
            }
            Standing::Mismatch => {
                let why = "the answer speaks of another attachment".to_owned();
                return self.no_further(Unmet::Unknown(why), begun);
            }
        })
    }

    /// A record of this row, for the object and the file as they are now.
    pub(super) fn begun(&self, id: AttachmentId) -> Begun {
        Begun {
            id,
            file_path: self.only().task.row.file_path.clone(),
            content: Some(self.only().content()),
            elsewhere: None,
            progress: Progress::Unknown,
        }
    }

    /// The end of a row whose begun record cannot be gone on with. Its line goes on saying what was
    /// begun: what the record holds may be that, and not the file as it is now.
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

/// What is known of POSTs after one whose answer was lost.
fn after_a_loss(posted: Posted) -> Posted {
    match posted {
        Posted::No | Posted::Perhaps => Posted::Perhaps,
        elsewhere @ Posted::ForAnotherObject(_) => elsewhere,
    }
}
