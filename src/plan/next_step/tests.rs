//! The next step after each kind of evidence, under each policy.

use super::*;
use crate::destination::Names;
use crate::digest::sha256;
use crate::model::{ExternalId, FileStamp, ObjectRef, ObjectType};
use crate::plan::{OtherObject, Progress};
use crate::results::{Backup, DoneAs, DoneContent, Former, Reason, Status, Verified};

const POLICIES: [OnConflict; 3] = [OnConflict::Fail, OnConflict::Skip, OnConflict::Replace];

fn content(text: &str) -> Content {
    Content {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(text.as_bytes()),
    }
}

fn row() -> Row {
    Row {
        number: 1,
        line: 2,
        file_path: "a.pdf".into(),
        object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
        external_id: ExternalId::parse("A1").unwrap(),
        title: None,
        file_name: None,
        sha256: None,
        new_external_id: None,
    }
}

/// Content of the row's file.
fn file() -> Content {
    content("text")
}

fn id() -> AttachmentId {
    AttachmentId::parse("12").unwrap()
}

fn stored(size: u64) -> Presence {
    Presence::Stored {
        id: id(),
        size,
        names: Names::default(),
    }
}

fn pending() -> Presence {
    Presence::Pending { id: id() }
}

fn elsewhere() -> OtherObject {
    OtherObject {
        kind: "event".into(),
        id: "8".into(),
    }
}

/// Returns the next step of a row with these changes by earlier runs.
fn changed(sighting: &Sighting<'_>, on_conflict: OnConflict, changes: &Changes) -> NextStep {
    let row = RowFacts {
        row: &row(),
        content: &file(),
        changes,
        wishes: Wishes {
            on_conflict,
            ..Wishes::default()
        },
    };
    next_step(sighting, row)
}

fn step(sighting: &Sighting<'_>, on_conflict: OnConflict) -> NextStep {
    changed(sighting, on_conflict, &Changes::default())
}

/// Returns the next steps under the policies, in the order of [`POLICIES`].
fn steps(sighting: &Sighting<'_>) -> [NextStep; 3] {
    POLICIES.map(|on_conflict| step(sighting, on_conflict))
}

fn same_for_all(step: impl Into<NextStep>) -> [NextStep; 3] {
    let step = step.into();
    [step.clone(), step.clone(), step]
}

fn found(present: &Presence, posted: &Posted) -> [NextStep; 3] {
    under_both(present, &Presence::Absent, posted)
}

/// Returns the steps after look-ups by the present and the new name.
fn under_both(present: &Presence, under_new: &Presence, posted: &Posted) -> [NextStep; 3] {
    steps(&Sighting::ByName {
        present,
        under_new,
        posted,
    })
}

fn kept(known: Known) -> NextStep {
    RowEnd::Kept { id: id(), known }.into()
}

fn replace(size: u64, ours: Option<Content>) -> NextStep {
    let id = id();
    NextStep::Replace { id, size, ours }
}

#[test]
fn a_record_is_made_where_a_look_up_finds_nothing() {
    for posted in [
        Posted::No,
        Posted::Perhaps,
        Posted::ForAnotherObject(elsewhere()),
    ] {
        let steps = found(&Presence::Absent, &posted);
        assert_eq!(steps, same_for_all(NextStep::Create));
    }
}

#[test]
fn a_record_without_bytes_is_ours_only_after_a_lost_post_for_the_same_object() {
    let steps = found(&pending(), &Posted::Perhaps);
    assert_eq!(steps, same_for_all(NextStep::Send(begun())));
    let steps = found(&pending(), &Posted::No);
    assert_eq!(steps, same_for_all(RowEnd::Unfinished(None)));
    let steps = found(&pending(), &Posted::ForAnotherObject(elsewhere()));
    assert_eq!(steps, same_for_all(RowEnd::Unfinished(Some(elsewhere()))));
}

#[test]
fn as_many_bytes_are_the_same_unless_others_are_to_be_replaced() {
    let same = NextStep::from(RowEnd::SameSize(id()));
    assert_eq!(
        found(&stored(4), &Posted::No),
        [same.clone(), same, NextStep::ReplaceUnlessSame(id())]
    );
}

#[test]
fn what_becomes_of_another_size_is_up_to_the_user() {
    let steps = found(&stored(5), &Posted::No);
    let refused = RowEnd::StoredOtherSize { id: id(), size: 5 };
    assert_eq!(
        steps,
        [refused.into(), kept(Known::Size(5)), replace(5, None)]
    );
    assert!(steps.iter().all(NextStep::finds_foreign_content));
}

#[test]
fn after_an_answer_about_another_id_a_record_that_may_be_there_is_not_forgotten() {
    let other = || "B".to_owned();
    let mismatch = Presence::Mismatch {
        external_id: other(),
    };
    for (posted, status, reason) in [
        (Posted::No, Status::Failed, Reason::LookupMismatch),
        (Posted::Perhaps, Status::Creating, Reason::LookupMismatch),
        (
            Posted::ForAnotherObject(elsewhere()),
            Status::Creating,
            Reason::ObjectChanged,
        ),
    ] {
        let end = RowEnd::Mismatch {
            other: other(),
            posted: posted.clone(),
        };
        assert_eq!(end.state().encode(), (status, reason));
        assert_eq!(found(&mismatch, &posted), same_for_all(end));
    }
}

#[test]
fn of_what_has_the_new_name_no_post_is_the_reason() {
    let steps = under_both(&Presence::Absent, &stored(4), &Posted::No);
    assert_eq!(steps[0], RowEnd::SameSize(id()).into());
    let steps = under_both(&Presence::Absent, &pending(), &Posted::Perhaps);
    assert_eq!(steps, same_for_all(RowEnd::Unfinished(None)));
}

#[test]
fn nothing_is_replaced_while_another_attachment_has_the_new_name() {
    let steps = under_both(&stored(5), &pending(), &Posted::No);
    assert_eq!(steps[2], RowEnd::NewIdTaken.into());
    // Otherwise the new name is looked up before it is given.
    assert_eq!(steps[..2], found(&stored(5), &Posted::No)[..2]);
    assert!(decides_by_new_name(&Presence::Absent, Wishes::default()));
    assert!(!decides_by_new_name(&stored(5), Wishes::default()));
}

#[test]
fn what_has_a_name_of_an_attachment_that_was_renamed_and_is_gone_is_another_one() {
    let changes = Changes {
        renamed_to: Some("N1".into()),
        ..Changes::default()
    };
    for on_conflict in POLICIES {
        let seen = |present: &Presence, under_new: &Presence| {
            let posted = &Posted::No;
            let sighting = Sighting::ByName {
                present,
                under_new,
                posted,
            };
            changed(&sighting, on_conflict, &changes)
        };
        let absent = &Presence::Absent;
        let gone = NextStep::from(RowEnd::GoneSince("N1".into()));
        assert_eq!(seen(&stored(4), absent), gone);
        assert_eq!(seen(absent, &stored(4)), gone);
        assert_eq!(seen(&stored(4), &stored(5)), gone);
        assert_eq!(seen(absent, absent), NextStep::Create);
    }
}

fn begun() -> Begun {
    Begun {
        id: id(),
        file_path: "a.pdf".into(),
        content: Some(file()),
        elsewhere: None,
        progress: Progress::Unknown,
    }
}

#[track_caller]
fn begun_leads_to(begun: &Begun, presence: &Presence, expected: impl Into<NextStep>) {
    let steps = steps(&Sighting::OfBegun { presence, begun });
    assert_eq!(steps, same_for_all(expected));
}

#[test]
fn a_begun_record_is_gone_on_with_as_the_service_shows_it() {
    begun_leads_to(&begun(), &Presence::Absent, NextStep::LookUp);
    begun_leads_to(&begun(), &pending(), NextStep::Send(begun()));
    let sent = Begun {
        progress: Progress::Sent,
        ..begun()
    };
    begun_leads_to(&sent, &pending(), NextStep::Confirm(id()));
    begun_leads_to(&begun(), &stored(4), RowEnd::Uploaded(id()));
    let mismatch = RowEnd::SizeMismatch { id: id(), size: 5 };
    begun_leads_to(&begun(), &stored(5), mismatch);
    let external_id = "B".into();
    let other = Presence::Mismatch { external_id };
    begun_leads_to(&begun(), &other, RowEnd::OfAnother(begun()));
}

#[test]
fn a_begun_record_of_another_file_or_object_is_left_as_it_is_under_each_policy() {
    let of_another_file = Begun {
        content: Some(content("TEXT")),
        ..begun()
    };
    let moved = Begun {
        elsewhere: Some(elsewhere()),
        ..begun()
    };
    let sent = NextStep::Send(of_another_file.clone());
    begun_leads_to(&of_another_file, &pending(), sent);
    let moved_away = RowEnd::BegunElsewhere(moved.clone());
    begun_leads_to(&moved, &pending(), moved_away);
    for (begun, reason) in [
        (of_another_file, Reason::FileChanged),
        (moved, Reason::ObjectChanged),
    ] {
        let end = RowEnd::StoredBeforeTheChange {
            begun: begun.clone(),
            size: 4,
        };
        assert_eq!(end.state().encode(), (Status::Conflict, reason));
        begun_leads_to(&begun, &stored(4), end);
    }
}

fn there() -> There {
    There {
        id: id(),
        known: Known::Content(file()),
        verified: Verified::Size,
        done_as: DoneAs::Uploaded,
        content: DoneContent::AsVerified,
        elsewhere: None,
        change: Change::None,
    }
}

fn left(there: &There, size: Holding<u64>) -> [NextStep; 3] {
    steps(&Sighting::OfLeft { size, there })
}

#[test]
fn an_attachment_that_was_left_is_right_gone_or_looked_for_anew() {
    assert_eq!(
        left(&there(), Holding::Bytes(4)),
        same_for_all(RowEnd::AsLeft(there()))
    );
    for size in [Holding::NoAttachment, Holding::NoBytes] {
        assert_eq!(left(&there(), size), same_for_all(RowEnd::Gone(there())));
    }
    let let_go = There {
        change: Change::LetGo,
        ..there()
    };
    assert_eq!(
        left(&let_go, Holding::NoAttachment),
        same_for_all(NextStep::LookUp)
    );
    assert_eq!(
        left(&let_go, Holding::NoBytes),
        same_for_all(NextStep::Send(begun()))
    );
    let sent = There {
        change: Change::Sent,
        ..there()
    };
    assert_eq!(
        left(&sent, Holding::NoBytes),
        same_for_all(NextStep::Confirm(id()))
    );
    assert_eq!(
        left(&sent, Holding::Bytes(4)),
        same_for_all(NextStep::ReadBytes(sent.clone()))
    );
}

#[test]
fn only_the_size_of_what_was_skipped_is_known_so_that_it_is_read_before_it_is_replaced() {
    let skipped = There {
        verified: Verified::No,
        done_as: DoneAs::Skipped,
        ..there()
    };
    let right = NextStep::from(RowEnd::AsLeft(skipped.clone()));
    assert_eq!(
        left(&skipped, Holding::Bytes(4)),
        [right.clone(), right, NextStep::ReplaceUnlessSame(id())]
    );
}

#[test]
fn other_content_than_the_file_is_left_or_replaced_as_the_user_wants() {
    let before = content("TEXT");
    let of_another_file = There {
        known: Known::Content(before),
        ..there()
    };
    let changed = RowEnd::FileChanged {
        id: id(),
        stored: before,
    };
    assert_eq!(
        left(&of_another_file, Holding::Bytes(4)),
        [
            changed.into(),
            kept(Known::Content(before)),
            replace(4, Some(before))
        ]
    );
    let refused = RowEnd::StoredOtherSize { id: id(), size: 5 };
    assert_eq!(
        left(&there(), Holding::Bytes(5)),
        [refused.into(), kept(Known::Size(5)), replace(5, None)]
    );
}

#[test]
fn content_that_the_user_has_let_stay_stays_until_it_is_to_be_replaced() {
    let known = Known::Size(5);
    let let_stay = There {
        known,
        verified: Verified::No,
        done_as: DoneAs::Skipped,
        content: DoneContent::KeptExisting,
        ..there()
    };
    assert_eq!(
        left(&let_stay, Holding::Bytes(5)),
        [kept(known), kept(known), replace(5, None)]
    );
}

#[test]
fn an_attachment_on_another_object_is_not_touched() {
    for (change, expected, status) in [
        (
            Change::Names,
            RowEnd::OnAnotherObject as fn(There) -> RowEnd,
            Status::Conflict,
        ),
        (
            Change::LettingGo,
            RowEnd::ReplacingElsewhere,
            Status::Replacing,
        ),
    ] {
        let moved = There {
            elsewhere: Some(elsewhere()),
            change,
            ..there()
        };
        let expected = expected(moved.clone());
        assert_eq!(expected.state().encode(), (status, Reason::ObjectChanged));
        assert_eq!(left(&moved, Holding::Bytes(4)), same_for_all(expected));
    }
}

#[test]
fn the_bytes_of_an_attachment_that_was_being_replaced_tell_what_it_holds() {
    let before = content("TEXT");
    let letting_go = There {
        known: Known::Content(before),
        change: Change::LettingGo,
        ..there()
    };
    let read = |bytes| {
        steps(&Sighting::OfBytes {
            bytes,
            there: &letting_go,
        })
    };
    assert_eq!(read(Holding::NoAttachment), same_for_all(NextStep::LookUp));
    let of_before = Begun {
        content: Some(before),
        ..begun()
    };
    assert_eq!(
        read(Holding::NoBytes),
        same_for_all(NextStep::Send(of_before))
    );
    assert_eq!(
        read(Holding::Bytes((4, file().sha256))),
        same_for_all(RowEnd::AsLeft(letting_go.clone()))
    );
    let changed = RowEnd::FileChanged {
        id: id(),
        stored: before,
    };
    assert_eq!(
        read(Holding::Bytes((4, before.sha256))),
        [
            changed.into(),
            kept(Known::Content(before)),
            replace(4, Some(before))
        ]
    );
    assert_eq!(
        read(Holding::Bytes((4, content("else").sha256)))[2],
        replace(4, None)
    );
}

#[test]
fn what_was_replaced_before_tells_old_bytes_from_new_ones() {
    let changes = Changes {
        replaced: Some(Former {
            size: 9,
            sha256: None,
            backup: Backup::Waived,
        }),
        ..Changes::default()
    };
    let letting_go = There {
        change: Change::LettingGo,
        ..there()
    };
    let size = Holding::Bytes(4);
    let there = &letting_go;
    let step = changed(
        &Sighting::OfLeft { size, there },
        OnConflict::Fail,
        &changes,
    );
    let end = RowEnd::AsLeft(letting_go.clone());
    assert_eq!(end.state().encode().0, Status::Uploaded);
    assert_eq!(step, end.into());
}

#[test]
fn a_name_is_ours_where_our_attachment_has_it() {
    let holder = |found: &Presence| name_holder(found, &id());
    assert_eq!(holder(&Presence::Absent), NameHolder::Nobody);
    assert_eq!(holder(&stored(4)), NameHolder::Ours);
    assert_eq!(holder(&pending()), NameHolder::Ours);
    let another = Presence::Pending {
        id: AttachmentId::parse("13").unwrap(),
    };
    assert_eq!(holder(&another), NameHolder::Another);
    let external_id = "B".into();
    let mismatch = Presence::Mismatch { external_id };
    assert_eq!(holder(&mismatch), NameHolder::Another);
}
