//! Proof that the service finds ids with unusual characters again, before any bytes depend on an
//! id.
//!
//! A look-up by `external_id` is a path, and routers read paths differently: a dot makes some
//! answer 404 to everything. A file stored under such an id would never be found again, and so be
//! stored once more. Letters, digits, `_` and `-` are safe everywhere. Each other character is
//! proven by the first row of a run with the character: its record is made and looked up by its
//! `external_id` before any bytes are sent, while other rows with the character wait, without a
//! slot, so that further rows go on. Anything found by a look-up proves the characters of its id. A
//! record without bytes vanishes by itself.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::look_up::SEARCHES;
use super::{AttachmentMachine, State};
use crate::destination::{AttachmentApi, Presence};
use crate::model::{AttachmentId, ExternalId};
use crate::pipeline::Halt;
use crate::pipeline::requests::Unmet;
use crate::pipeline::verdict::Verdict;
use crate::plan::Posted;
use crate::results::journal::Journal;
use crate::sync::lock;
use crate::text::quoted;

/// Characters of ids known to lead to attachments, and characters on trial.
#[derive(Debug, Default)]
pub(super) struct RoutingProof {
    known: Mutex<KnownCharacters>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct KnownCharacters {
    proven: HashSet<char>,
    on_trial: HashSet<char>,
    /// `true` once the run ends: no further trial begins.
    closed: bool,
}

/// Permission of a row to make or rename a record under an id.
#[derive(Debug)]
pub(super) enum Clearance<'a> {
    /// No character of the id needs a proof any more.
    Routes,
    /// The row holds the trial of the unproven characters.
    Tries(RoutingTrial<'a>),
    /// Another row holds the trial of some characters.
    Waits,
}

/// Exclusive right to prove some characters. Dropping the trial gives the right back.
#[derive(Debug)]
pub(super) struct RoutingTrial<'a> {
    proof: &'a RoutingProof,
    characters: BTreeSet<char>,
}

impl RoutingProof {
    /// Returns the unusual characters of an id that no look-up has proven yet.
    pub(super) fn unproven(&self, id: &ExternalId) -> BTreeSet<char> {
        let known = lock(&self.known);
        unusual(id).filter(|c| !known.proven.contains(c)).collect()
    }

    /// Notes a look-up that found an attachment under an id.
    pub(super) fn found(&self, id: &ExternalId) {
        lock(&self.known).proven.extend(unusual(id));
        self.changed.notify_waiters();
    }

    /// Decides how a row with an id may go on. Fails with [`Halt::Abandoned`] if a trial is needed
    /// and the run ends.
    pub(super) fn clearance(&self, id: &ExternalId) -> Result<Clearance<'_>, Halt> {
        let characters = self.unproven(id);
        let mut known = lock(&self.known);
        if characters.is_empty() {
            Ok(Clearance::Routes)
        } else if known.closed {
            Err(Halt::Abandoned)
        } else if known.may_try(&characters) {
            known.on_trial.extend(&characters);
            Ok(Clearance::Tries(RoutingTrial {
                proof: self,
                characters,
            }))
        } else {
            Ok(Clearance::Waits)
        }
    }

    /// Waits until the trials of other rows have ended, so that the row can go on or hold a trial
    /// itself.
    pub(super) async fn wait(&self, id: &ExternalId) -> Result<(), Halt> {
        loop {
            let changed = self.changed.notified();
            if self.may_go_on(id)? {
                return Ok(());
            }
            changed.await;
        }
    }

    /// Returns `true` if the row can go on or hold a trial itself.
    fn may_go_on(&self, id: &ExternalId) -> Result<bool, Halt> {
        let characters = self.unproven(id);
        let known = lock(&self.known);
        if characters.is_empty() || known.may_try(&characters) {
            return Ok(true);
        }
        if known.closed {
            return Err(Halt::Abandoned);
        }
        Ok(false)
    }

    /// Ends the waits for trials, and allows no further trial.
    pub(super) fn close(&self) {
        lock(&self.known).closed = true;
        self.changed.notify_waiters();
    }
}

impl KnownCharacters {
    /// Returns `true` if no row holds a trial of any of these characters.
    fn may_try(&self, characters: &BTreeSet<char>) -> bool {
        characters.iter().all(|c| !self.on_trial.contains(c))
    }
}

impl Drop for RoutingTrial<'_> {
    fn drop(&mut self) {
        let mut known = lock(&self.proof.known);
        known.on_trial.retain(|c| !self.characters.contains(c));
        drop(known);
        self.proof.changed.notify_waiters();
    }
}

/// Returns the characters of an id that some router might stumble over.
fn unusual(id: &ExternalId) -> impl Iterator<Item = char> {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    id.as_str().chars().filter(move |c| !is_safe(c))
}

/// Returns characters in words.
fn in_words(characters: &BTreeSet<char>) -> String {
    let quoted: Vec<String> = characters.iter().map(|c| quoted(&c.to_string())).collect();
    quoted.join(" or ")
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks an attachment up by an `external_id`. Any find proves the characters of the id.
    pub(super) async fn find_by(&self, external_id: &ExternalId) -> Result<Presence, Unmet> {
        let routing = &self.common.routing;
        match self
            .run
            .requests
            .find(self.context.owner(), external_id)
            .await
        {
            Ok(found) => {
                if let Presence::Pending { .. } | Presence::Stored { .. } = found {
                    routing.found(external_id);
                }
                Ok(found)
            }
            Err(Unmet::GivenUp(why)) => {
                let unproven = routing.unproven(external_id);
                Err(Unmet::GivenUp(if unproven.is_empty() {
                    why
                } else {
                    format!(
                        "{why}; no look-up of an id with {} has found anything so far: some \
                         services take no such paths",
                        in_words(&unproven)
                    )
                }))
            }
            Err(unmet) => Err(unmet),
        }
    }

    /// Waits until a record under an id may be made. Returns `true` after a wait: the newest
    /// look-up is outdated by then.
    pub(super) async fn is_kept_waiting(&mut self, id: &ExternalId) -> Result<bool, Halt> {
        if self.trial.is_some() {
            return Ok(false);
        }
        let run = self.run;
        match self.common.routing.clearance(id)? {
            Clearance::Routes => Ok(false),
            Clearance::Tries(trial) => {
                self.trial = Some(trial);
                Ok(false)
            }
            Clearance::Waits => {
                self.context.give_slots_back();
                let _blocked = run.requests.blocked(self.context.owner().row);
                self.common.routing.wait(id).await?;
                Ok(true)
            }
        }
    }

    /// Ensures that the record of the row is found by its `external_id`, before any bytes are sent.
    /// Returns the state that ends the row if the look-ups fail.
    pub(super) async fn prove_routing(
        &mut self,
        id: &AttachmentId,
    ) -> Result<Option<State<D::Target>>, Halt> {
        if self.swap.is_some() {
            // The id led to bytes before, which have been released.
            return Ok(None);
        }
        let external_id = self.row.row.external_id.clone();
        while self.is_kept_waiting(&external_id).await? {}
        let mut searches = SEARCHES.into_iter();
        while !self.common.routing.unproven(&external_id).is_empty() {
            let Some(wait) = searches.next() else {
                self.record(&Verdict::not_found_again(id.clone())).await?;
                let done = "no bytes were sent, and the service removes the record within an hour";
                return Err(self.does_not_route("external_id", &external_id, done));
            };
            self.context.give_slots_back();
            sleep(wait).await;
            if let Err(unmet) = self.find_by(&external_id).await {
                return self.unmet(unmet, Some(id.clone()), &Posted::No).map(Some);
            }
        }
        self.trial = None;
        self.context.take_slots(1).await;
        Ok(None)
    }

    /// Returns the reason to stop, after an id was taken by the service and not found again. No
    /// further id of the kind is tried. `done` says how the record of the id was left.
    pub(super) fn does_not_route(&self, column: &str, id: &ExternalId, done: &str) -> Halt {
        let routing = &self.common.routing;
        routing.close();
        Halt::NotRouted(format!(
            "row {}, column {column}: {} was taken by the service and is not found again, as it seems \
             because of {}, so that a later run would store the file once more; {done}",
            self.row.row.number,
            quoted(id.as_str()),
            in_words(&routing.unproven(id)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ExternalId {
        ExternalId::parse(text).unwrap()
    }

    #[test]
    fn letters_digits_underscores_and_hyphens_need_no_proof() {
        let proof = RoutingProof::default();
        assert!(proof.unproven(&id("AZaz_09-")).is_empty());
        let harmless = proof.clearance(&id("A-1")).unwrap();
        assert!(matches!(harmless, Clearance::Routes));
        let unproven = proof.unproven(&id("a.b/c.d é"));
        assert_eq!(in_words(&unproven), r#"" " or "." or "/" or "é""#);
    }

    #[test]
    fn each_character_is_proven_once_by_whatever_is_found_under_an_id_that_has_it() {
        let proof = RoutingProof::default();
        proof.found(&id("A.1 B"));
        let found = proof.clearance(&id("C.2")).unwrap();
        assert!(matches!(found, Clearance::Routes));
        assert_eq!(proof.unproven(&id("C.2/3 D")), BTreeSet::from(['/']));
    }

    #[test]
    fn one_row_tries_a_character_and_those_that_share_it_wait() {
        let proof = RoutingProof::default();
        let Clearance::Tries(trial) = proof.clearance(&id("A.1/2")).unwrap() else {
            panic!("nobody else tries it");
        };
        let waits = |text| matches!(proof.clearance(&id(text)), Ok(Clearance::Waits));
        let tries = |text| matches!(proof.clearance(&id(text)), Ok(Clearance::Tries(_)));
        assert!(waits("B.3") && waits("B/3") && waits("B.+3"));
        assert!(tries("B+3"), "another character is nobody's");
        assert!(tries("B+3"), "and what came to nothing is free again");
        drop(trial);
        assert!(tries("B.3"));
    }

    #[test]
    fn nothing_begins_once_the_run_ends() {
        let proof = RoutingProof::default();
        proof.close();
        let refused = proof.clearance(&id("A.1")).map(|_| ());
        assert_eq!(refused, Err(Halt::Abandoned));
        let harmless = proof.clearance(&id("A1"));
        assert!(matches!(harmless, Ok(Clearance::Routes)));
    }
}
