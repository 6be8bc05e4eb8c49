//! Whether the service finds ids with unusual characters again, proven before any bytes hang on one.
//!
//! A look-up by `external_id` is a path, and routers differ in what they take for one: a dot is enough
//! for some to answer 404 to everything. A file that was stored under such an id would never be found
//! again, and so be stored once more. Letters, digits, `_` and `-` are safe everywhere; each other
//! character is proven by the first row of a run that has it: its record is made, and looked up by its
//! `external_id` before it gets any bytes, while other rows with that character wait. Whatever a
//! look-up finds proves the characters of its id. A record without bytes goes by itself.
//!
//! Rows that wait hold no slot, so that the others go on, whatever they wait for.

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

/// The characters of ids that are known to lead to attachments, and those that are being tried.
#[derive(Debug, Default)]
pub(super) struct RoutingProof {
    known: Mutex<KnownCharacters>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct KnownCharacters {
    proven: HashSet<char>,
    on_trial: HashSet<char>,
    /// No further trial begins: the run ends.
    closed: bool,
}

/// How a row may go on that has an id.
#[derive(Debug)]
pub(super) enum Clearance<'a> {
    /// No character of its id needs a proof any more.
    Routes,
    /// It is the one to prove those that do.
    Tries(RoutingTrial<'a>),
    /// Another row is about to prove some of them.
    Waits,
}

/// The sole right to prove some characters. Given back where it ends without a proof.
#[derive(Debug)]
pub(super) struct RoutingTrial<'a> {
    proof: &'a RoutingProof,
    characters: BTreeSet<char>,
}

impl RoutingProof {
    /// The characters of an id that some router might stumble over, and no look-up has proven yet.
    pub(super) fn unproven(&self, id: &ExternalId) -> BTreeSet<char> {
        let known = lock(&self.known);
        unusual(id).filter(|c| !known.proven.contains(c)).collect()
    }

    /// Takes note of a look-up that found something under an id.
    pub(super) fn found(&self, id: &ExternalId) {
        lock(&self.known).proven.extend(unusual(id));
        self.changed.notify_waiters();
    }

    /// Decides how a row may go on that has an id.
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

    /// Waits until something has come of what others try, so that this row can go on or try itself.
    pub(super) async fn wait(&self, id: &ExternalId) -> Result<(), Halt> {
        loop {
            let changed = self.changed.notified();
            if self.may_go_on(id)? {
                return Ok(());
            }
            changed.await;
        }
    }

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

    /// Lets nobody begin a trial any more, or wait for one.
    pub(super) fn close(&self) {
        lock(&self.known).closed = true;
        self.changed.notify_waiters();
    }
}

impl KnownCharacters {
    /// Whether nobody else tries one of these.
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

/// The characters of an id that some router might stumble over.
fn unusual(id: &ExternalId) -> impl Iterator<Item = char> {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    id.as_str().chars().filter(move |c| !is_safe(c))
}

/// Characters in words.
fn in_words(characters: &BTreeSet<char>) -> String {
    let quoted: Vec<String> = characters.iter().map(|c| quoted(&c.to_string())).collect();
    quoted.join(" or ")
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks an attachment up by an `external_id`. Whatever is found proves that the id routes.
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

    /// Waits until a record under an id may be made. Returns whether it had to: then the newest
    /// look-up is one of old.
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

    /// Sees to it that the record of the row is found by its `external_id`, before it gets any bytes.
    /// Returns how the row goes on where that could not be found out.
    pub(super) async fn prove_routing(
        &mut self,
        id: &AttachmentId,
    ) -> Result<Option<State<D::Target>>, Halt> {
        if self.swap.is_some() {
            // There were bytes under this id before, and they have been let go of.
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

    /// The service takes an id and does not find it again, so nobody tries another one like it. Says
    /// what was done about this one.
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
