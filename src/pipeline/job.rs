//! What is particular to jobs: nothing finds them but their id, they say where their files go once
//! they have started, and what came of it when they end.
//!
//! - A row goes into another job only when its job has ended, and certainly without the row's file.
//! - A POST without an answer leaves a job to which nobody can send anything, and which fails by
//!   itself; the rows go into another one.
//! - All files of a job are sent at once, since its addresses live for a minute.

use std::time::Duration;

use super::Halt;
use super::member::{Member, Put, places_of};
use super::requests::{Leave, Unmet};
use super::turns::JobTurn;
use super::unit::{Next, State, Unit};
use super::verdict::Verdict;
use super::watch::{Seen, Until};
use crate::clock::Since;
use crate::destination::archive::Archive;
use crate::destination::{End, Fate, Place, Presence};
use crate::http::Receipt;
use crate::model::AttachmentId;
use crate::plan::{Outcome, Posted, Sent, outcome};
use crate::results::Verified;
use crate::results::journal::Journal;
use crate::throttle::breakers::Admitted;

/// So many jobs are made for a row in one run.
const MOST_JOBS: u32 = 3;

/// No job waits for its files for a shorter time: so long its addresses live.
const SHORTEST_WAIT: Duration = Duration::from_mins(1);

/// So often a job is asked for addresses again because those it gave have expired.
const MOST_REFRESHES: u32 = 2;

impl<'a, D: Archive, J: Journal> Unit<'a, D, J> {
    /// Waits until a job may be made.
    pub(super) async fn turn_of_a_job(&mut self) -> Result<JobTurn<'a>, Halt> {
        self.may_start().await;
        // Its addresses are short-lived, and so the storage has to be there, as far as is known.
        if let Admitted::AfterAWait = self.leave_to_upload(self.owner()).await {
            self.upload_leave = Leave::Given;
        }
        self.run.requests.turn_of_a_job().await
    }

    /// Waits until there are few enough jobs that have not said where their files go.
    async fn may_start(&mut self) {
        if self.starting.is_none() {
            let starting = self.run.starting.acquire().await;
            self.starting = Some(starting.expect("this semaphore is never closed"));
        }
    }

    /// What follows from a POST that gave no job.
    pub(super) async fn no_job(&mut self, unmet: Unmet) -> Next<D> {
        match unmet {
            Unmet::NotSent => Ok(State::Create(Posted::No)),
            Unmet::Unknown(_) => {
                self.another_attempt();
                // Others need not wait for another try.
                self.slot = None;
                self.run.requests.pause_between_changes(self.owner()).await;
                Ok(State::Create(Posted::No))
            }
            // Given up, too: what was made can get no bytes, and nothing hangs on it.
            unmet => self.unmet(unmet, None, &Posted::No),
        }
    }

    /// Waits until the job says where its files go, or has ended.
    pub(super) async fn await_places(&mut self, id: AttachmentId) -> Next<D> {
        if !self.members.iter().any(Member::wants_bytes) {
            return Ok(State::Confirm(id));
        }
        self.take_slot().await;
        self.may_start().await;
        let timeout = self.run.job_timeout();
        let seen = self
            .run
            .watcher
            .watch(self.owner(), id.clone(), Until::Places, timeout)
            .await?;
        self.starting = None;
        Ok(match seen {
            Seen::Shown(Presence::Running { places, .. }) if !places.is_empty() => {
                // It has no others to give than those that have expired, or nothing to gain.
                if places == self.tried || self.is_in_vain(&places) {
                    return Ok(State::Confirm(id));
                }
                self.had_places = true;
                State::Put {
                    id,
                    places,
                    issued: Since::now(),
                }
            }
            seen => return self.ended_or_not(id, seen).await,
        })
    }

    /// Whether a job that has nothing yet wants a file that no row here will send: one that changed
    /// since, or of which a loss of power took the line. It will fail, and where it never got a
    /// byte, all rows can go into another one without anybody having to look.
    fn is_in_vain(&self, places: &[Place<D::Target>]) -> bool {
        let members = self.members.iter().zip(places_of(&self.members, places));
        let coming = members.filter(|(member, place)| place.is_some() && member.wants_bytes());
        let has_nothing = self.members.iter().all(|member| member.sent == Sent::No);
        has_nothing && coming.count() < places.len()
    }

    /// What follows from the sending of the files; `ends` is for each row what came of it, where
    /// anything was to be sent.
    pub(super) async fn job_put(&mut self, id: AttachmentId, ends: Vec<Option<Put>>) -> Next<D> {
        let members = std::mem::take(&mut self.members);
        let mut ended = Vec::new();
        let mut stale = false;
        for (member, put) in members.into_iter().zip(ends) {
            let id = id.clone();
            let verdict = match put {
                Some(Put::Unsafe(why)) => Some(Verdict::unsafe_address(id, &why)),
                Some(Put::Refused(why)) => Some(Verdict::upload_refused(id, &why)),
                Some(Put::SourceChanged(why)) => Some(Verdict::source_changed(id, &why)),
                Some(Put::Stale | Put::Expired) => {
                    stale = true;
                    None
                }
                Some(Put::Taken | Put::GivenUp(_)) | None => None,
            };
            // Of one that may have got bytes before, the job's end has to tell.
            match verdict.filter(|_| member.sent == Sent::No) {
                Some(verdict) => ended.push((member, verdict)),
                None => self.members.push(member),
            }
        }
        self.end(ended).await?;
        if self.members.is_empty() {
            return Ok(State::Over);
        }
        self.renewals += u32::from(stale);
        if stale && self.renewals <= MOST_REFRESHES {
            return Ok(State::Await(id));
        }
        Ok(State::Confirm(id))
    }

    /// Waits for the end of the job.
    pub(super) async fn confirm_job(&mut self, id: AttachmentId, timeout: Duration) -> Next<D> {
        self.slot = None;
        let seen = self
            .run
            .watcher
            .watch(self.owner(), id.clone(), Until::End, timeout)
            .await?;
        self.ended_or_not(id, seen).await
    }

    async fn ended_or_not(&mut self, id: AttachmentId, seen: Seen<D::Target>) -> Next<D> {
        match seen {
            Seen::Shown(Presence::Ended(end)) => self.job_ended(id, end).await,
            Seen::Shown(Presence::Running { word, .. }) => self.goes_on(&id, &word).await,
            // It was there once, and what it did then nobody can tell any more.
            Seen::Shown(_) => self.job_ended(id, End::unknown("not found")).await,
            Seen::Unmet(unmet) => {
                let why = unmet.words()?;
                self.goes_on(&id, &why).await
            }
        }
    }

    /// The job goes on for longer than we are ready to wait, as far as is known. The lines go on
    /// saying what it has of each file, whatever was answered.
    async fn goes_on(&mut self, id: &AttachmentId, word: &str) -> Next<D> {
        let members = std::mem::take(&mut self.members);
        let verdict = |member: &Member| Verdict::job_goes_on(id.clone(), member.sent, word);
        let ends = members.into_iter().map(|member| {
            let verdict = verdict(&member);
            (member, verdict)
        });
        self.end(ends.collect()).await?;
        Ok(State::Over)
    }

    /// The job has ended: each row ends with it, or goes into another one.
    async fn job_ended(&mut self, id: AttachmentId, end: End) -> Next<D> {
        let refused = self.was_refused();
        let members = std::mem::take(&mut self.members);
        let names: Vec<&str> = members.iter().map(Member::file_name).collect();
        let fates: Vec<Fate> = end.fates(&names).into_iter().cloned().collect();
        let mut ended = Vec::new();
        for (member, fate) in members.into_iter().zip(&fates) {
            match self.end_of(&member, &id, (fate, &end.word), refused) {
                Some(verdict) => ended.push((member, verdict)),
                None => self.members.push(member),
            }
        }
        self.end(ended).await?;
        if self.members.is_empty() {
            return Ok(State::Over);
        }
        self.slot = None;
        self.renewals = 0;
        self.another_attempt();
        Ok(State::Create(Posted::No))
    }

    /// Whether this run's job failed for its own sake: before it said where its files go, and too
    /// soon to have waited for them. One that failed later may have said so when nobody could ask,
    /// unless that happens again and again.
    fn was_refused(&self) -> bool {
        let too_soon = self.made.elapsed() <= SHORTEST_WAIT;
        self.jobs_made > 0 && !self.had_places && (too_soon || self.jobs_made >= MOST_JOBS)
    }

    /// How a row ends with its job, by what that did with its file and said at its end; none, where
    /// it goes into another one.
    fn end_of(
        &self,
        member: &Member,
        id: &AttachmentId,
        (fate, word): (&Fate, &str),
        refused: bool,
    ) -> Option<Verdict> {
        let begun = member.begun.as_ref();
        let outcome = outcome(fate, member.sent, begun, &member.content());
        let id = id.clone();
        Some(match outcome {
            Outcome::Attached => Verdict::uploaded(id, verified(member.receipt)),
            Outcome::AttachedBeforeTheChange => Verdict::attached_before_the_change(begun?),
            Outcome::Rejected(why) => Verdict::rejected(id, &why),
            Outcome::Unknown => Verdict::job_failed(id, word),
            Outcome::Again if refused => Verdict::job_refused(id, word),
            Outcome::Again if self.jobs_made >= MOST_JOBS => Verdict::never_attached(word),
            Outcome::Again => return None,
        })
    }
}

fn verified(receipt: Option<Receipt>) -> Verified {
    match receipt {
        Some(Receipt::Checksummed) => Verified::Etag,
        Some(Receipt::Taken) | None => Verified::No,
    }
}
