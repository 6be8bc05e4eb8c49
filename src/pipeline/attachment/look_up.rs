//! An attachment is found by the row's `external_id`, or made.
//!
//! After a POST without an answer no other one follows before look-ups over [`SEARCHES`] all found
//! nothing.

use std::time::Duration;

use tokio::time::sleep;

use super::{AttachmentMachine, Next, State};
use crate::clock::Since;
use crate::destination::{AttachmentApi, CreatedAttachment, NewAttachment, Presence};
use crate::event::Event;
use crate::pipeline::Halt;
use crate::pipeline::requests::Unmet;
use crate::pipeline::verdict::Verdict;
use crate::plan::{Found, OnConflict, Posted, found};
use crate::results::journal::Journal;
use crate::results::{Known, Status};

/// When to look for the record of a POST whose answer was lost, counted from one look to the next.
pub(super) const SEARCHES: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// What look-ups by the names of a row have found.
enum ByName {
    /// This, under the one that it has now; or nothing under any.
    Present(Presence),
    /// This, under the one that it is to get, and nothing under the other.
    New(Presence),
    /// Something under the one that it is to get that is not, or need not be, the row's.
    Taken,
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    pub(super) async fn look_up(&mut self, posted: Posted) -> Next<D> {
        // Once the row is found, it may have to prove another id.
        self.trial = None;
        self.context.take_slots(1).await;
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
    fn after_one_that_is_gone(&mut self, found: &ByName) -> Option<Verdict> {
        if let ByName::Present(Presence::Absent) = found {
            // What it was called says nothing of the next one.
            self.row.changes.renamed_to = None;
            return None;
        }
        let renamed = self.row.changes.renamed_to.as_deref()?;
        Some(Verdict::gone_since(renamed))
    }

    async fn find(&self) -> Result<Presence, Unmet> {
        let external_id = &self.row.row.external_id;
        self.find_by(external_id).await
    }

    /// A row whose attachment is to be renamed may have been renamed already.
    async fn or_by_its_new_name(&mut self, presence: Presence) -> Result<ByName, Unmet> {
        let Some(new) = self.row.row.new_external_id.clone() else {
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
        let row = &self.row.row;
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
        presence: &Presence,
        posted: &Posted,
        nothing: State<D::Target>,
    ) -> State<D::Target> {
        let content = self.row.content;
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

    /// Makes the attachment, once its id may be tried and the newest look-up is no old one.
    pub(super) async fn create(&mut self, posted: Posted) -> Next<D> {
        let external_id = self.row.row.external_id.clone();
        if self.is_kept_waiting(&external_id).await? {
            return Ok(State::LookUp(posted));
        }
        self.context.take_slots(1).await;
        if self.context.waited_to_change().await {
            // What the newest look-up found is old by now.
            return Ok(State::LookUp(posted));
        }
        let new = NewAttachment {
            object: self.row.row.object,
            file: self.row.new_file(),
        };
        let announced = Verdict::plain(Status::Creating, None).after(&posted);
        if let Err(halt) = self.record(&announced).await {
            return self.withdraw(&posted, halt).await;
        }
        let (owner, leave) = (self.context.owner(), self.context.leave_to_change());
        let made = self
            .run
            .requests
            .change(owner, leave, async |service| service.create(&new).await)
            .await;
        match made {
            Ok(made) => self.created(made).await,
            Err(Unmet::Halt(halt)) => self.withdraw(&posted, halt).await,
            Err(unmet) => self.not_created(unmet, posted).await,
        }
    }

    async fn created(&mut self, made: CreatedAttachment<D::Target>) -> Next<D> {
        let CreatedAttachment { id, place } = made;
        self.run.events.send(Event::Created);
        self.receipt = None;
        self.record(&Verdict::plain(Status::Created, Some(id.clone())))
            .await?;
        Ok(State::Put {
            id,
            place,
            issued: Since::now(),
        })
    }

    /// The run stops, and the POST that was announced certainly had no effect. Without this line
    /// the next run would take anybody's attachment for its own.
    async fn withdraw(&mut self, posted: &Posted, halt: Halt) -> Next<D> {
        if *posted == Posted::No {
            self.record(&Verdict::not_reached()).await?;
        }
        Err(halt)
    }

    /// What follows from a POST that gave no record.
    async fn not_created(&mut self, unmet: Unmet, posted: Posted) -> Next<D> {
        match unmet {
            Unmet::NotSent => Ok(State::LookUp(posted)),
            Unmet::Unknown(_) => Ok(self.post_lost(posted)),
            // It may have been carried out, too.
            Unmet::GivenUp(_) => {
                self.row.attempts += 1;
                self.unmet(unmet, None, &after_a_loss(posted))
            }
            Unmet::Refused(why) => self.post_refused(&posted, &why).await,
            unmet => self.unmet(unmet, None, &posted),
        }
    }

    fn post_lost(&mut self, posted: Posted) -> State<D::Target> {
        self.row.attempts += 1;
        // Another row may have more luck in proving that ids like this one are found.
        self.trial = None;
        // Others need not wait for what the look-ups come to.
        self.context.give_slots_back();
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
}

/// What is known of POSTs after one whose answer was lost.
fn after_a_loss(posted: Posted) -> Posted {
    match posted {
        Posted::No | Posted::Perhaps => Posted::Perhaps,
        elsewhere @ Posted::ForAnotherObject(_) => elsewhere,
    }
}
