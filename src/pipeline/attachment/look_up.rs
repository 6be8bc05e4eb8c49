//! Look-up of an attachment by the row's `external_id`, and the POST that creates a missing
//! attachment.
//!
//! After a POST without an answer, no other POST follows before all look-ups over [`SEARCHES`]
//! found nothing.

use std::time::Duration;

use tokio::time::sleep;

use super::{AttachmentMachine, Next, State};
use crate::clock::Since;
use crate::destination::{AttachmentApi, CreatedAttachment, NewAttachment, Presence};
use crate::event::Event;
use crate::pipeline::Halt;
use crate::pipeline::requests::Unmet;
use crate::pipeline::verdict::Verdict;
use crate::plan::{NextStep, Posted, Sighting, decides_by_new_name};
use crate::results::journal::Journal;
use crate::results::{Reason, RowState};

/// Waits before the look-ups for the record of a lost POST, each counted from the look-up before.
pub(super) const SEARCHES: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks the attachment up by its present and its new `external_id`, and decides the next step.
    pub(super) async fn look_up(&mut self, posted: Posted) -> Next<D> {
        // The row may have to prove another id, once its attachment is found.
        self.trial = None;
        self.context.take_slots(1).await;
        let (present, under_new) = match self.find_by_names().await {
            Ok(found) => found,
            Err(unmet) => return self.unmet(unmet, None, &posted),
        };
        if present == Presence::Absent && under_new == Presence::Absent {
            // The new name of a vanished attachment says nothing of its successor.
            self.row.changes.renamed_to = None;
        }
        // A single look-up after a lost POST is not enough, not even after a restart.
        let nothing = match &posted {
            Posted::No => State::Create(Posted::No),
            Posted::Perhaps | Posted::ForAnotherObject(_) => State::Search(0, posted.clone()),
        };
        Ok(self.after_look_up(&present, &under_new, &posted, nothing))
    }

    /// Looks the attachment up by its present `external_id`.
    async fn find(&self) -> Result<Presence, Unmet> {
        let external_id = &self.row.row.external_id;
        self.find_by(external_id).await
    }

    /// Looks up the present `external_id` and, where needed, the new `external_id`: an attachment
    /// to be renamed may have been renamed already.
    async fn find_by_names(&self) -> Result<(Presence, Presence), Unmet> {
        let present = self.find().await?;
        let under_new = match &self.row.row.new_external_id {
            Some(new) if decides_by_new_name(&present, self.run.settings.wishes) => {
                self.find_by(new).await?
            }
            _ => Presence::Absent,
        };
        Ok((present, under_new))
    }

    /// Decides the state after a look-up. `nothing` is the state for a missing attachment.
    fn after_look_up(
        &mut self,
        present: &Presence,
        under_new: &Presence,
        posted: &Posted,
        nothing: State<D::Target>,
    ) -> State<D::Target> {
        if let Presence::Stored { names, .. } = present {
            self.names = Some(names.clone());
        } else if let Presence::Stored { names, .. } = under_new {
            self.names = Some(names.clone());
        }
        let sighting = Sighting::ByName {
            present,
            under_new,
            posted,
        };
        match self.next_step(&sighting) {
            NextStep::Create => nothing,
            step => self.carry_out(step),
        }
    }

    /// Creates the attachment, once its id may be tried and the newest look-up is recent.
    pub(super) async fn create(&mut self, posted: Posted) -> Next<D> {
        let external_id = self.row.row.external_id.clone();
        if self.is_kept_waiting(&external_id).await? {
            return Ok(State::LookUp(posted));
        }
        self.context.take_slots(1).await;
        if self.context.waited_to_change().await {
            // The newest look-up is outdated after the wait.
            return Ok(State::LookUp(posted));
        }
        let new = NewAttachment {
            object: self.row.row.object,
            file: self.row.new_file(),
        };
        let announced = Verdict::plain(RowState::Creating(Reason::None), None).after(&posted);
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

    /// Records the new attachment, and goes on with its bytes.
    async fn created(&mut self, made: CreatedAttachment<D::Target>) -> Next<D> {
        let CreatedAttachment { id, place } = made;
        self.run.events.send(Event::Created);
        self.receipt = None;
        self.record(&Verdict::plain(RowState::Created, Some(id.clone())))
            .await?;
        Ok(State::Put {
            id,
            place,
            issued: Since::now(),
        })
    }

    /// Takes the announcement of a POST back, since the run stops and the POST certainly had no
    /// effect. Without the line, the next run would take anybody's attachment for its own.
    async fn withdraw(&mut self, posted: &Posted, halt: Halt) -> Next<D> {
        if *posted == Posted::No {
            self.record(&Verdict::not_reached()).await?;
        }
        Err(halt)
    }

    /// Decides the state after a failed POST.
    async fn not_created(&mut self, unmet: Unmet, posted: Posted) -> Next<D> {
        match unmet {
            Unmet::NotSent => Ok(State::LookUp(posted)),
            Unmet::Unknown(_) => Ok(self.post_lost(posted)),
            // The POST may have been carried out, too.
            Unmet::GivenUp(_) => {
                self.row.attempts += 1;
                self.unmet(unmet, None, &after_a_loss(posted))
            }
            Unmet::Refused(why) => self.post_refused(&posted, &why).await,
            unmet => self.unmet(unmet, None, &posted),
        }
    }

    /// Begins the search for the record of a lost POST.
    fn post_lost(&mut self, posted: Posted) -> State<D::Target> {
        self.row.attempts += 1;
        // Another row may have more luck in proving that similar ids are found.
        self.trial = None;
        // Other rows need not wait for the search.
        self.context.give_slots_back();
        State::Search(0, after_a_loss(posted))
    }

    /// Looks for the record of a lost POST, before another POST may follow.
    pub(super) async fn search(&mut self, nth: usize, posted: Posted) -> Next<D> {
        let Some(wait) = SEARCHES.get(nth) else {
            return Ok(State::Create(posted));
        };
        sleep(*wait).await;
        match self.find().await {
            Ok(presence) => {
                let nothing = State::Search(nth + 1, posted.clone());
                Ok(self.after_look_up(&presence, &Presence::Absent, &posted, nothing))
            }
            Err(unmet) => self.unmet(unmet, None, &posted),
        }
    }

    /// Looks the attachment up after a refused POST: the refusal may be due to an existing
    /// attachment.
    async fn post_refused(&mut self, posted: &Posted, why: &str) -> Next<D> {
        match self.find().await {
            Ok(presence) => {
                let refused = Verdict::refused(None, why);
                Ok(self.after_look_up(&presence, &Presence::Absent, posted, refused.into()))
            }
            Err(unmet) => self.unmet(unmet, None, posted),
        }
    }
}

/// Returns the knowledge about earlier POSTs after one more lost POST.
fn after_a_loss(posted: Posted) -> Posted {
    match posted {
        Posted::No | Posted::Perhaps => Posted::Perhaps,
        elsewhere @ Posted::ForAnotherObject(_) => elsewhere,
    }
}
