//! Proof that the service finds ids with unusual characters again, before any bytes depend on an
//! id.
//!
//! A look-up by `external_id` is a path, and routers read paths differently: a dot makes some
//! answer 404 to everything. A file stored under such an id would never be found again, and so be
//! stored once more. Letters, digits, `_` and `-` are safe everywhere. Each other character is
//! proven by the first row of a run with the character: its record is made and looked up by its
//! `external_id` before any bytes are sent, while other rows with the character wait, without a
//! slot, so that further rows continue. Anything found by a look-up proves the characters of its
//! id. A record without bytes vanishes by itself.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::look_up_and_create::SEARCH_WAITS;
use super::{AttachmentMachine, AttachmentProtocolState};
use crate::destination::{AttachmentApi, AttachmentPresence};
use crate::model::{AttachmentId, ExternalId};
use crate::mutex::lock_despite_poison;
use crate::pipeline::HaltReason;
use crate::pipeline::request_sender::RequestFailure;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::PriorCreate;
use crate::results::journal::Journal;
use crate::text::quoted;

/// Characters of ids known to lead to attachments, and characters on trial.
#[derive(Debug, Default)]
pub(super) struct RoutingProof {
    proofs: Mutex<CharacterProofs>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct CharacterProofs {
    proven: HashSet<char>,
    on_trial: HashSet<char>,
    /// `true` once the run ends: no further trial begins.
    closed: bool,
}

/// Permission of a row to make or rename a record under an id.
#[derive(Debug)]
pub(super) enum RoutingClearance<'a> {
    /// No character of the id needs a proof any more.
    NoTrialNeeded,
    /// The row holds the trial of the unproven characters.
    HoldsTrial(RoutingTrial<'a>),
    /// Another row holds the trial of some characters.
    MustWait,
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
        let known = lock_despite_poison(&self.proofs);
        unusual_characters(id)
            .filter(|c| !known.proven.contains(c))
            .collect()
    }

    /// Notes a look-up that found an attachment under an id.
    pub(super) fn note_found(&self, id: &ExternalId) {
        lock_despite_poison(&self.proofs)
            .proven
            .extend(unusual_characters(id));
        self.changed.notify_waiters();
    }

    /// Decides how a row with an id may continue. Fails with [`HaltReason::RowAbandoned`] if a
    /// trial is needed and the run ends.
    pub(super) fn clearance(&self, id: &ExternalId) -> Result<RoutingClearance<'_>, HaltReason> {
        let characters = self.unproven(id);
        let mut known = lock_despite_poison(&self.proofs);
        if characters.is_empty() {
            Ok(RoutingClearance::NoTrialNeeded)
        } else if known.closed {
            Err(HaltReason::RowAbandoned)
        } else if known.may_try(&characters) {
            known.on_trial.extend(&characters);
            Ok(RoutingClearance::HoldsTrial(RoutingTrial {
                proof: self,
                characters,
            }))
        } else {
            Ok(RoutingClearance::MustWait)
        }
    }

    /// Waits until the trials of other rows have ended, so that the row can continue or hold a
    /// trial itself.
    pub(super) async fn wait_for_trials(&self, id: &ExternalId) -> Result<(), HaltReason> {
        loop {
            let changed = self.changed.notified();
            if self.may_go_on(id)? {
                return Ok(());
            }
            changed.await;
        }
    }

    /// Returns `true` if the row can continue or hold a trial itself.
    fn may_go_on(&self, id: &ExternalId) -> Result<bool, HaltReason> {
        let characters = self.unproven(id);
        let known = lock_despite_poison(&self.proofs);
        if characters.is_empty() || known.may_try(&characters) {
            return Ok(true);
        }
        if known.closed {
            return Err(HaltReason::RowAbandoned);
        }
        Ok(false)
    }

    /// Ends the waits for trials, and allows no further trial.
    pub(super) fn close(&self) {
        lock_despite_poison(&self.proofs).closed = true;
        self.changed.notify_waiters();
    }
}

impl CharacterProofs {
    /// Returns `true` if no row holds a trial of any of these characters.
    fn may_try(&self, characters: &BTreeSet<char>) -> bool {
        characters.iter().all(|c| !self.on_trial.contains(c))
    }
}

impl Drop for RoutingTrial<'_> {
    fn drop(&mut self) {
        let mut known = lock_despite_poison(&self.proof.proofs);
        known.on_trial.retain(|c| !self.characters.contains(c));
        drop(known);
        self.proof.changed.notify_waiters();
    }
}

/// Returns the characters of an id that some router might stumble over.
fn unusual_characters(id: &ExternalId) -> impl Iterator<Item = char> {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    id.as_str().chars().filter(move |c| !is_safe(c))
}

/// Returns characters in words.
fn list_characters(characters: &BTreeSet<char>) -> String {
    let quoted: Vec<String> = characters.iter().map(|c| quoted(&c.to_string())).collect();
    quoted.join(" or ")
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks an attachment up by an `external_id`. Any find proves the characters of the id.
    pub(super) async fn find_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> Result<AttachmentPresence, RequestFailure> {
        let routing = &self.shared.routing;
        match self
            .run
            .requests
            .get_by_external_id(self.context.owner(), external_id)
            .await
        {
            Ok(found) => {
                if let AttachmentPresence::Pending { .. } | AttachmentPresence::Stored { .. } =
                    found
                {
                    routing.note_found(external_id);
                }
                Ok(found)
            }
            Err(RequestFailure::GivenUp(why)) => {
                let unproven = routing.unproven(external_id);
                Err(RequestFailure::GivenUp(if unproven.is_empty() {
                    why
                } else {
                    format!(
                        "{why}; no look-up of an id with {} has found anything so far: some \
                         services take no such paths",
                        list_characters(&unproven)
                    )
                }))
            }
            Err(unmet) => Err(unmet),
        }
    }

    /// Waits until a record under an id may be made. Returns `true` after a wait: the newest
    /// look-up is outdated by then.
    pub(super) async fn wait_for_routing_trial(
        &mut self,
        id: &ExternalId,
    ) -> Result<bool, HaltReason> {
        if self.routing_trial.is_some() {
            return Ok(false);
        }
        let run = self.run;
        match self.shared.routing.clearance(id)? {
            RoutingClearance::NoTrialNeeded => Ok(false),
            RoutingClearance::HoldsTrial(trial) => {
                self.routing_trial = Some(trial);
                Ok(false)
            }
            RoutingClearance::MustWait => {
                self.context.give_slots_back();
                let _blocked = run.requests.register_blocked_row(self.context.owner().row);
                self.shared.routing.wait_for_trials(id).await?;
                Ok(true)
            }
        }
    }

    /// Ensures that the record of the row is found by its `external_id`, before any bytes are sent.
    /// Returns the state that ends the row if the look-ups fail.
    pub(super) async fn prove_routing(
        &mut self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentProtocolState<D::Target>>, HaltReason> {
        if self.replacement.is_some() {
            // The id led to bytes before, which have been released.
            return Ok(None);
        }
        let external_id = self.row.row.external_id.clone();
        while self.wait_for_routing_trial(&external_id).await? {}
        let mut searches = SEARCH_WAITS.into_iter();
        while !self.shared.routing.unproven(&external_id).is_empty() {
            let Some(wait) = searches.next() else {
                self.record_verdict(&RowVerdict::not_found_again(id.clone()))
                    .await?;
                let done = "no bytes were sent, and the service removes the record within an hour";
                return Err(self.not_routed_halt("external_id", &external_id, done));
            };
            self.context.give_slots_back();
            sleep(wait).await;
            if let Err(unmet) = self.find_by_external_id(&external_id).await {
                return self
                    .after_failed_request(unmet, Some(id.clone()), &PriorCreate::NoneUnanswered)
                    .map(Some);
            }
        }
        self.routing_trial = None;
        self.context.take_slots(1).await;
        Ok(None)
    }

    /// Returns the reason to stop, after an id was taken by the service and not found again. No
    /// further id of the kind is tried. `done` says how the record of the id was left.
    pub(super) fn not_routed_halt(&self, column: &str, id: &ExternalId, done: &str) -> HaltReason {
        let routing = &self.shared.routing;
        routing.close();
        HaltReason::ExternalIdNotRouted(format!(
            "row {}, column {column}: the service took {} and does not find it again, probably \
             because of {}; a later run would store the file once more; {done}",
            self.row.row.number,
            quoted(id.as_str()),
            list_characters(&routing.unproven(id)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external_id(text: &str) -> ExternalId {
        ExternalId::parse(text).unwrap()
    }

    #[test]
    fn letters_digits_underscores_and_hyphens_need_no_proof() {
        let proof = RoutingProof::default();
        assert!(proof.unproven(&external_id("AZaz_09-")).is_empty());
        let harmless = proof.clearance(&external_id("A-1")).unwrap();
        assert!(matches!(harmless, RoutingClearance::NoTrialNeeded));
        let unproven = proof.unproven(&external_id("a.b/c.d é"));
        assert_eq!(list_characters(&unproven), r#"" " or "." or "/" or "é""#);
    }

    #[test]
    fn each_character_is_proven_once_by_whatever_is_found_under_an_id_that_has_it() {
        let proof = RoutingProof::default();
        proof.note_found(&external_id("A.1 B"));
        let found = proof.clearance(&external_id("C.2")).unwrap();
        assert!(matches!(found, RoutingClearance::NoTrialNeeded));
        assert_eq!(
            proof.unproven(&external_id("C.2/3 D")),
            BTreeSet::from(['/'])
        );
    }

    #[test]
    fn one_row_tries_a_character_and_those_that_share_it_wait() {
        let proof = RoutingProof::default();
        let RoutingClearance::HoldsTrial(trial) = proof.clearance(&external_id("A.1/2")).unwrap()
        else {
            panic!("nobody else tries it");
        };
        let waits = |text| {
            matches!(
                proof.clearance(&external_id(text)),
                Ok(RoutingClearance::MustWait)
            )
        };
        let tries = |text| {
            matches!(
                proof.clearance(&external_id(text)),
                Ok(RoutingClearance::HoldsTrial(_))
            )
        };
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
        let refused = proof.clearance(&external_id("A.1")).map(|_| ());
        assert_eq!(refused, Err(HaltReason::RowAbandoned));
        let harmless = proof.clearance(&external_id("A1"));
        assert!(matches!(harmless, Ok(RoutingClearance::NoTrialNeeded)));
    }
}
