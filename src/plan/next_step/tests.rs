//! The next step after each kind of evidence, under each policy.

mod existing_attachments;

use super::*;
use crate::destination::AttachmentNames;
use crate::digest::sha256;
use crate::model::{ExternalId, FileStamp, ObjectRef, ObjectType};
use crate::plan::{BegunProgress, OtherObject};
use crate::results::{
    BackupOutcome, CompletedAction, ContentMatch, FormerContent, Status, StatusReason, VerifiedBy,
};

const POLICIES: [ConflictPolicy; 3] = [
    ConflictPolicy::Fail,
    ConflictPolicy::Skip,
    ConflictPolicy::Replace,
];

fn content(text: &str) -> CheckedContent {
    CheckedContent {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(text.as_bytes()),
    }
}

fn row() -> ManifestRow {
    ManifestRow {
        number: 1,
        line: 2,
        file_path: "a.pdf".into(),
        object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
        object_external_id: None,
        external_id: ExternalId::parse("A1").unwrap(),
        title: None,
        file_name: None,
        sha256: None,
        new_external_id: None,
    }
}

/// Content of the row's file.
fn file() -> CheckedContent {
    content("text")
}

fn id() -> AttachmentId {
    AttachmentId::parse("12").unwrap()
}

fn stored(size: u64) -> AttachmentPresence {
    AttachmentPresence::Stored {
        id: id(),
        size,
        names: AttachmentNames::default(),
    }
}

fn pending() -> AttachmentPresence {
    AttachmentPresence::pending_without_names(id())
}

fn elsewhere() -> OtherObject {
    OtherObject {
        object_type: "event".into(),
        object_id: "8".into(),
        object_external_id: String::new(),
    }
}

/// Returns the next step of a row with these changes by earlier runs.
fn next_step_after_changes(
    sighting: &AttachmentEvidence<'_>,
    on_conflict: ConflictPolicy,
    changes: &AttachmentChanges,
) -> NextStep {
    let row = RowFacts {
        row: &row(),
        content: &file(),
        changes,
        update_policy: UpdatePolicy {
            on_conflict,
            ..UpdatePolicy::default()
        },
    };
    next_step(sighting, row)
}

fn next_step_under(sighting: &AttachmentEvidence<'_>, on_conflict: ConflictPolicy) -> NextStep {
    next_step_after_changes(sighting, on_conflict, &AttachmentChanges::default())
}

/// Returns the next steps under the policies, in the order of [`POLICIES`].
fn next_steps(sighting: &AttachmentEvidence<'_>) -> [NextStep; 3] {
    POLICIES.map(|on_conflict| next_step_under(sighting, on_conflict))
}

fn same_for_all(step: impl Into<NextStep>) -> [NextStep; 3] {
    let step = step.into();
    [step.clone(), step.clone(), step]
}

fn after_look_up(present: &AttachmentPresence, prior_create: &PriorCreate) -> [NextStep; 3] {
    after_both_look_ups(present, &AttachmentPresence::Absent, prior_create)
}

/// Returns the steps after look-ups by the present and the new name.
fn after_both_look_ups(
    present: &AttachmentPresence,
    under_new: &AttachmentPresence,
    prior_create: &PriorCreate,
) -> [NextStep; 3] {
    next_steps(&AttachmentEvidence::LookUps {
        under_current_id: present,
        under_new_id: under_new,
        prior_create,
    })
}

fn keep_existing(known_content: KnownContent) -> NextStep {
    RowEnd::KeptExisting {
        id: id(),
        known_content,
    }
    .into()
}

fn replace(size: u64, ours: Option<CheckedContent>) -> NextStep {
    let id = id();
    NextStep::Replace {
        id,
        size,
        our_content: ours,
    }
}

#[test]
fn a_record_is_made_where_a_look_up_finds_nothing() {
    for prior_create in [
        PriorCreate::NoneUnanswered,
        PriorCreate::Unanswered,
        PriorCreate::UnansweredForOtherObject(elsewhere()),
    ] {
        let steps = after_look_up(&AttachmentPresence::Absent, &prior_create);
        assert_eq!(steps, same_for_all(NextStep::Create));
    }
}

#[test]
fn a_record_without_bytes_is_ours_only_after_a_lost_post_for_the_same_object() {
    let steps = after_look_up(&pending(), &PriorCreate::Unanswered);
    assert_eq!(steps, same_for_all(NextStep::SendFile(begun())));
    let steps = after_look_up(&pending(), &PriorCreate::NoneUnanswered);
    assert_eq!(steps, same_for_all(RowEnd::RecordWithoutBytes(None)));
    let steps = after_look_up(
        &pending(),
        &PriorCreate::UnansweredForOtherObject(elsewhere()),
    );
    assert_eq!(
        steps,
        same_for_all(RowEnd::RecordWithoutBytes(Some(elsewhere())))
    );
}

#[test]
fn as_many_bytes_are_the_same_unless_others_are_to_be_replaced() {
    let same = NextStep::from(RowEnd::SameSize(id()));
    assert_eq!(
        after_look_up(&stored(4), &PriorCreate::NoneUnanswered),
        [same.clone(), same, NextStep::ReplaceUnlessSame(id())]
    );
}

#[test]
fn what_becomes_of_another_size_is_up_to_the_user() {
    let steps = after_look_up(&stored(5), &PriorCreate::NoneUnanswered);
    let refused = RowEnd::StoredOtherSize { id: id(), size: 5 };
    assert_eq!(
        steps,
        [
            refused.into(),
            keep_existing(KnownContent::Size(5)),
            replace(5, None)
        ]
    );
    assert!(steps.iter().all(NextStep::finds_foreign_content));
}

#[test]
fn after_an_answer_about_another_id_a_record_that_may_be_there_is_not_forgotten() {
    let other = || "B".to_owned();
    let mismatch = AttachmentPresence::Mismatch {
        external_id: other(),
    };
    for (posted, status, reason) in [
        (
            PriorCreate::NoneUnanswered,
            Status::Failed,
            StatusReason::LookupMismatch,
        ),
        (
            PriorCreate::Unanswered,
            Status::Creating,
            StatusReason::LookupMismatch,
        ),
        (
            PriorCreate::UnansweredWithoutLookUp,
            Status::Creating,
            StatusReason::NotLookedUp,
        ),
        (
            PriorCreate::UnansweredForOtherObject(elsewhere()),
            Status::Creating,
            StatusReason::ObjectChanged,
        ),
    ] {
        let end = RowEnd::LookUpMismatch {
            other_external_id: other(),
            prior_create: posted.clone(),
        };
        assert_eq!(end.state().encode(), (status, reason));
        assert_eq!(after_look_up(&mismatch, &posted), same_for_all(end));
    }
}

#[test]
fn of_what_has_the_new_name_no_post_is_the_reason() {
    let steps = after_both_look_ups(
        &AttachmentPresence::Absent,
        &stored(4),
        &PriorCreate::NoneUnanswered,
    );
    assert_eq!(steps[0], RowEnd::SameSize(id()).into());
    let steps = after_both_look_ups(
        &AttachmentPresence::Absent,
        &pending(),
        &PriorCreate::Unanswered,
    );
    assert_eq!(steps, same_for_all(RowEnd::RecordWithoutBytes(None)));
}

#[test]
fn nothing_is_replaced_while_another_attachment_has_the_new_name() {
    let steps = after_both_look_ups(&stored(5), &pending(), &PriorCreate::NoneUnanswered);
    assert_eq!(steps[2], RowEnd::NewIdTaken.into());
    // Otherwise the new name is looked up before it is given.
    assert_eq!(
        steps[..2],
        after_look_up(&stored(5), &PriorCreate::NoneUnanswered)[..2]
    );
    assert!(needs_look_up_by_new_id(
        &AttachmentPresence::Absent,
        UpdatePolicy::default()
    ));
    assert!(!needs_look_up_by_new_id(
        &stored(5),
        UpdatePolicy::default()
    ));
}

#[test]
fn what_has_a_name_of_an_attachment_that_was_renamed_and_is_gone_is_another_one() {
    let changes = AttachmentChanges {
        renamed_to: Some("N1".into()),
        ..AttachmentChanges::default()
    };
    for on_conflict in POLICIES {
        let seen = |present: &AttachmentPresence, under_new: &AttachmentPresence| {
            let prior_create = &PriorCreate::NoneUnanswered;
            let sighting = AttachmentEvidence::LookUps {
                under_current_id: present,
                under_new_id: under_new,
                prior_create,
            };
            next_step_after_changes(&sighting, on_conflict, &changes)
        };
        let absent = &AttachmentPresence::Absent;
        let gone = NextStep::from(RowEnd::GoneAfterRename("N1".into()));
        assert_eq!(seen(&stored(4), absent), gone);
        assert_eq!(seen(absent, &stored(4)), gone);
        assert_eq!(seen(&stored(4), &stored(5)), gone);
        assert_eq!(seen(absent, absent), NextStep::Create);
    }
}

fn begun() -> BegunRecord {
    BegunRecord {
        id: id(),
        file_path: "a.pdf".into(),
        content: Some(file()),
        other_object: None,
        progress: BegunProgress::Unknown,
    }
}

#[track_caller]
fn begun_leads_to(
    begun: &BegunRecord,
    presence: &AttachmentPresence,
    expected: impl Into<NextStep>,
) {
    let steps = next_steps(&AttachmentEvidence::BegunRecordAnswer { presence, begun });
    assert_eq!(steps, same_for_all(expected));
}

#[test]
fn a_begun_record_is_gone_on_with_as_the_service_shows_it() {
    begun_leads_to(&begun(), &AttachmentPresence::Absent, NextStep::LookUp);
    begun_leads_to(&begun(), &pending(), NextStep::SendFile(begun()));
    let sent = BegunRecord {
        progress: BegunProgress::Sent,
        ..begun()
    };
    begun_leads_to(&sent, &pending(), NextStep::ConfirmSize(id()));
    begun_leads_to(&begun(), &stored(4), RowEnd::Uploaded(id()));
    let mismatch = RowEnd::SizeMismatch { id: id(), size: 5 };
    begun_leads_to(&begun(), &stored(5), mismatch);
    let external_id = "B".into();
    let other = AttachmentPresence::Mismatch { external_id };
    begun_leads_to(&begun(), &other, RowEnd::AnswerAboutAnother(begun()));
}

#[test]
fn a_begun_record_of_another_file_or_object_is_left_as_it_is_under_each_policy() {
    let of_another_file = BegunRecord {
        content: Some(content("TEXT")),
        ..begun()
    };
    let moved = BegunRecord {
        other_object: Some(elsewhere()),
        ..begun()
    };
    let sent = NextStep::SendFile(of_another_file.clone());
    begun_leads_to(&of_another_file, &pending(), sent);
    let moved_away = RowEnd::BegunOnOtherObject(moved.clone());
    begun_leads_to(&moved, &pending(), moved_away);
    for (begun, reason) in [
        (of_another_file, StatusReason::FileChanged),
        (moved, StatusReason::ObjectChanged),
    ] {
        let end = RowEnd::StoredBeforeTheChange {
            begun: begun.clone(),
            size: 4,
        };
        assert_eq!(end.state().encode(), (Status::Conflict, reason));
        begun_leads_to(&begun, &stored(4), end);
    }
}

#[test]
fn a_name_is_ours_where_our_attachment_has_it() {
    let holder = |found: &AttachmentPresence| name_holder(found, &id());
    assert_eq!(holder(&AttachmentPresence::Absent), NameHolder::Nobody);
    assert_eq!(holder(&stored(4)), NameHolder::Ours);
    assert_eq!(holder(&pending()), NameHolder::Ours);
    let another = AttachmentPresence::pending_without_names(AttachmentId::parse("13").unwrap());
    assert_eq!(holder(&another), NameHolder::Another);
    let external_id = "B".into();
    let mismatch = AttachmentPresence::Mismatch { external_id };
    assert_eq!(holder(&mismatch), NameHolder::Another);
}
