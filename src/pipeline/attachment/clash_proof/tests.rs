//! The stages of the proof, and the judgement of its two POSTs.

use super::*;
use crate::http::RequestRefusal;
use crate::model::ObjectType;

fn object(kind: ObjectType, id: &str) -> ObjectRef {
    ObjectRef::parse(kind, id).unwrap()
}

fn contract(id: &str) -> ObjectRef {
    object(ObjectType::Contract, id)
}

fn event(id: &str) -> ObjectRef {
    object(ObjectType::Event, id)
}

fn refused(kind: RefusalKind) -> RequestFailure {
    RequestFailure::Refused(RequestRefusal {
        kind,
        message: "status 4xx".into(),
    })
}

#[test]
fn a_proof_begins_when_two_fitting_objects_have_records_and_a_row_needs_it() {
    let proof = ClashProof::new(ClashScope::Company);
    let found = |proof: &ClashProof| match proof.finding() {
        ClashFinding::NotProven(why) => why,
        ClashFinding::Proven(_) => panic!("nothing was tried"),
    };
    assert_eq!(found(&proof), NotProvenReason::NoRecordMade);
    proof.note_created(contract("7"));
    proof.note_created(contract("7"));
    assert_eq!(found(&proof), NotProvenReason::OneObject);
    // The same number is no other id.
    proof.note_created(event("7"));
    for id in ["8", "9", "10"] {
        proof.note_created(contract(id));
    }
    assert_eq!(proof.first_request(), FirstRequest::AfterProof);
    let pair = match &lock_despite_poison(&proof.state).stage {
        ProofStage::Wanted(pair) => *pair,
        other => panic!("{other:?}"),
    };
    assert_eq!((pair.first, pair.second), (event("7"), contract("8")));
    assert_eq!(found(&proof), NotProvenReason::RunEnded);
}

#[test]
fn objects_of_one_type_prove_the_refusal_within_the_type_alone() {
    let several = ClashProof::new(ClashScope::Company);
    let one = ClashProof::new(ClashScope::WithinType(ObjectType::Contract));
    for proof in [&several, &one] {
        for id in ["7", "8", "9"] {
            proof.note_created(contract(id));
        }
    }
    assert_eq!(several.first_request(), FirstRequest::LookUp);
    assert_eq!(
        several.finding(),
        ClashFinding::NotProven(NotProvenReason::NoFittingPair)
    );
    assert_eq!(
        one.finding(),
        ClashFinding::NotProven(NotProvenReason::NotNeeded)
    );
    assert_eq!(one.first_request(), FirstRequest::AfterProof);
}

#[test]
fn a_run_that_was_stopped_says_so_whatever_was_still_missing_for_the_proof() {
    for objects in [&[][..], &["7"], &["7", "8"]] {
        let proof = ClashProof::new(ClashScope::WithinType(ObjectType::Contract));
        for id in objects {
            proof.note_created(contract(id));
        }
        proof.close();
        assert_eq!(
            proof.finding(),
            ClashFinding::NotProven(NotProvenReason::RunEnded),
            "{objects:?}"
        );
    }
}

#[test]
fn only_409_and_422_on_the_second_post_are_proof() {
    let proven = Ok(ClashFinding::Proven(ClashScope::Company));
    let not = |why| Ok(ClashFinding::NotProven(why));
    let said = || "status 4xx".to_owned();
    let halt = HaltReason::JournalUnusable;
    for (made, first, second) in [
        (Ok(()), Ok(None), not(NotProvenReason::SecondAccepted)),
        (
            Err(refused(RefusalKind::ConflictOrInvalid)),
            Ok(Some(NotProvenReason::FirstRefused(said()))),
            proven,
        ),
        (
            Err(refused(RefusalKind::Other)),
            Ok(Some(NotProvenReason::FirstRefused(said()))),
            not(NotProvenReason::SecondRefusedOtherwise(said())),
        ),
        (
            Err(RequestFailure::Forbidden(said())),
            Ok(Some(NotProvenReason::FirstRefused(said()))),
            not(NotProvenReason::SecondRefusedOtherwise(said())),
        ),
        (
            Err(RequestFailure::EffectUnknown(said())),
            Ok(Some(NotProvenReason::NoAnswer(said()))),
            not(NotProvenReason::NoAnswer(said())),
        ),
        (
            Err(RequestFailure::GivenUp(said())),
            Ok(Some(NotProvenReason::NoAnswer(said()))),
            not(NotProvenReason::NoAnswer(said())),
        ),
        (
            Err(RequestFailure::HaltEffectUnknown(halt.clone())),
            Err(halt.clone()),
            Err(halt),
        ),
    ] {
        assert_eq!(judge_first_post(made.clone()), first, "{made:?}");
        assert_eq!(
            judge_second_post(made.clone(), ClashScope::Company),
            second,
            "{made:?}"
        );
    }
}

#[test]
fn no_row_waits_for_a_proof_once_the_run_ends() {
    let proof = ClashProof::new(ClashScope::Company);
    proof.close();
    let waited = futures::FutureExt::now_or_never(proof.wait_until_concluded());
    assert_eq!(waited, Some(Err(HaltReason::RowAbandoned)));
}

#[test]
fn throwaway_ids_differ_from_run_to_run() {
    let [one, other] = [1, 2].map(throwaway_id);
    assert_ne!(one, other);
    assert!(one.as_str().starts_with(PROOF_ID_PREFIX));
    assert_eq!(one.as_str().len(), 34);
}
