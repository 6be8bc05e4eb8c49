use super::*;

/// Returns every readable pair of status and reason.
fn readable_pairs() -> impl Iterator<Item = (Status, StatusReason)> {
    let reasons = || {
        let later = StatusReason::Other("of_a_later_version".into());
        StatusReason::all().into_iter().chain([later])
    };
    let statuses = Status::ALL.into_iter();
    statuses.flat_map(move |status| reasons().map(move |reason| (status, reason)))
}

/// True if no version writes the pair: the reason of a done row speaks of its content alone, and a
/// row whose object changed is neither created nor failed nor invalid, since the change was asked
/// for, or is in the way.
fn is_never_written(status: Status, reason: &StatusReason) -> bool {
    let of_done = [
        StatusReason::None,
        StatusReason::SameContent,
        StatusReason::KeptExisting,
    ];
    match (status, reason) {
        (Status::Created | Status::Failed | Status::Invalid, StatusReason::ObjectChanged) => true,
        (status, reason) => status.is_done() && !of_done.contains(reason),
    }
}

#[test]
fn every_pair_that_is_written_reads_back_as_it_was_written() {
    for (status, reason) in readable_pairs() {
        let state = RowState::decode(status, &reason);
        let is_same = state.encode() == (status, reason.clone());
        assert_eq!(
            is_same,
            !is_never_written(status, &reason),
            "{status} {reason:?}"
        );
    }
}

#[test]
fn every_state_reads_back_as_it_was_written() {
    for (status, reason) in readable_pairs() {
        let state = RowState::decode(status, &reason);
        let (status, reason) = state.clone().encode();
        assert_eq!(RowState::decode(status, &reason), state);
    }
}

#[test]
fn a_word_of_another_version_stays_with_its_status() {
    let word = StatusReason::Other("of_a_later_version".into());
    for status in Status::ALL.into_iter().filter(|status| !status.is_done()) {
        let state = RowState::decode(status, &word);
        assert_eq!(state.encode(), (status, word.clone()));
    }
}

#[test]
fn whatever_the_reason_a_done_row_is_done_and_no_other_is() {
    for (status, reason) in readable_pairs() {
        let state = RowState::decode(status, &reason);
        assert_eq!(matches!(state, RowState::Done(..)), status.is_done());
        assert_eq!(state.is_conflict(), status == Status::Conflict);
        assert_eq!(state.is_creating(), status == Status::Creating);
    }
}
