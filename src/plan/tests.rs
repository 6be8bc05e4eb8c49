//! The consequence of each kind of earlier line, and of each answer.

use super::record_findings::{LookUpFinding, classify_look_up};
use super::*;
use crate::destination::{AttachmentNames, AttachmentPresence};
use crate::digest::sha256;
use crate::model::{ExternalId, FileStamp, ObjectExternalId, ObjectRef, ObjectType};
use crate::results::Status;

fn content(text: &str, modified: i64) -> CheckedContent {
    CheckedContent {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::new(modified, 0).unwrap(),
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

fn earlier_line(status: Status) -> ResultsEntry {
    ResultsEntry {
        row: Some(1),
        file_path: "a.pdf".into(),
        object_type: "contract".into(),
        object_id: "7".into(),
        object_external_id: String::new(),
        external_id: "A1".into(),
        status,
        reason: StatusReason::None,
        attachment_id: None,
        known_content: KnownContent::Complete(content("text", 1)),
        verified_by: VerifiedBy::Nothing,
        attempts: 1,
        destination: "here".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: crate::results::AttachmentChanges::default(),
    }
}

fn line_with_attachment(status: Status, verified: VerifiedBy) -> ResultsEntry {
    ResultsEntry {
        attachment_id: Some(AttachmentId::parse("12").unwrap()),
        verified_by: verified,
        ..earlier_line(status)
    }
}

fn plan_after(earlier_entry: ResultsEntry, file: RowFile) -> RowPlan {
    plan_row(
        &row(),
        file,
        Some(earlier_entry),
        UpdatePolicy::default(),
        FailedJobPolicy::Leave,
    )
}

fn ready(text: &str, modified: i64) -> RowFile {
    RowFile::Ready(content(text, modified))
}

#[test]
fn only_a_row_of_which_nothing_is_begun_may_begin_without_a_look_up() {
    let renamed_row = ManifestRow {
        new_external_id: Some(ExternalId::parse("A2").unwrap()),
        ..row()
    };
    let line = |status, reason| ResultsEntry {
        reason,
        ..earlier_line(status)
    };
    let not_reached = || line(Status::Pending, StatusReason::NotReached);
    let on_other_object = ResultsEntry {
        object_id: "8".into(),
        ..not_reached()
    };
    let changed = ResultsEntry {
        changes: AttachmentChanges {
            renamed_to: Some("A0".into()),
            ..AttachmentChanges::default()
        },
        ..not_reached()
    };
    let new = || AttachmentStart::New;
    let look_up = |posted| AttachmentStart::LookUp(posted);
    let none = || look_up(PriorCreate::NoneUnanswered);
    for (row, earlier_entry, start) in [
        (row(), None, new()),
        (renamed_row.clone(), None, none()),
        (row(), Some(not_reached()), new()),
        (
            row(),
            Some(line(Status::Invalid, StatusReason::NotFit)),
            new(),
        ),
        (renamed_row, Some(not_reached()), none()),
        (row(), Some(on_other_object), none()),
        (row(), Some(changed), none()),
        // An attachment is likely to be there.
        (
            row(),
            Some(line(Status::Pending, StatusReason::PendingElsewhere)),
            none(),
        ),
        (
            row(),
            Some(line(Status::Failed, StatusReason::Refused)),
            none(),
        ),
        (
            row(),
            Some(line(Status::Pending, StatusReason::NoAnswer)),
            none(),
        ),
        (
            row(),
            Some(line(Status::Creating, StatusReason::None)),
            look_up(PriorCreate::Unanswered),
        ),
        (
            row(),
            Some(line(Status::Creating, StatusReason::NotLookedUp)),
            look_up(PriorCreate::UnansweredWithoutLookUp),
        ),
    ] {
        let step = plan_row(
            &row,
            ready("text", 1),
            earlier_entry.clone(),
            UpdatePolicy::default(),
            FailedJobPolicy::Leave,
        );
        let expected = RowPlan::SendRequests(ProtocolStart::Attachment(start));
        assert_eq!(step, expected, "{earlier_entry:?}");
    }
}

#[test]
fn a_done_row_costs_nothing_not_even_a_line() {
    for previous in [
        line_with_attachment(Status::Uploaded, VerifiedBy::Etag),
        line_with_attachment(Status::Skipped, VerifiedBy::Nothing),
    ] {
        assert_eq!(
            plan_after(previous.clone(), ready("text", 1)),
            RowPlan::KeepLine
        );
        assert_eq!(
            plan_after(previous, RowFile::GoneAfterDone),
            RowPlan::KeepLine
        );
    }
}

#[test]
fn a_done_row_whose_file_was_only_touched_or_moved_gets_a_line_that_says_so() {
    let previous = line_with_attachment(Status::Uploaded, VerifiedBy::Size);
    let RowPlan::RecordLine(line) = plan_after(previous.clone(), ready("text", 2)) else {
        panic!("a line is expected");
    };
    assert_eq!(
        line.known_content,
        KnownContent::Complete(content("text", 2))
    );
    assert_eq!(line.status, Status::Uploaded);
    let moved = ResultsEntry {
        file_path: "old.pdf".into(),
        ..previous
    };
    let RowPlan::RecordLine(line) = plan_after(moved, ready("text", 1)) else {
        panic!("a line is expected");
    };
    assert_eq!(line.file_path, "a.pdf");
}

#[test]
fn a_done_row_whose_file_or_object_changed_is_a_conflict_until_that_is_undone() {
    for (done, verified) in [
        (Status::Uploaded, VerifiedBy::Etag),
        (Status::Skipped, VerifiedBy::Nothing),
    ] {
        let previous = line_with_attachment(done, verified);
        let RowPlan::RecordLine(changed) = plan_after(previous.clone(), ready("TEXT", 2)) else {
            panic!("a line is expected");
        };
        assert_eq!(
            (changed.status, &changed.reason),
            (Status::Conflict, &StatusReason::FileChanged)
        );
        assert_eq!(
            changed.known_content, previous.known_content,
            "of what is stored"
        );
        assert_eq!(changed.attachment_id, previous.attachment_id);
        assert_eq!(
            plan_after((*changed).clone(), ready("TEXT", 2)),
            RowPlan::KeepLine
        );
        let RowPlan::RecordLine(restored) = plan_after(*changed, ready("text", 3)) else {
            panic!("a line is expected");
        };
        assert_eq!((restored.status, restored.message), (done, String::new()));

        let elsewhere = ResultsEntry {
            object_id: "8".into(),
            ..previous
        };
        let RowPlan::RecordLine(moved) = plan_after(elsewhere, ready("text", 1)) else {
            panic!("a line is expected");
        };
        assert_eq!(
            (moved.status, &moved.reason),
            (Status::Conflict, &StatusReason::ObjectChanged)
        );
        assert_eq!(moved.object_id, "8", "where it is, not where it should be");
        assert_eq!(
            plan_after((*moved).clone(), ready("text", 1)),
            RowPlan::KeepLine
        );
        let touched = plan_after(*moved, ready("text", 2));
        assert_eq!(touched, RowPlan::KeepLine, "one line for one conflict");
    }
}

/// Returns the row with its record named by an external id.
fn row_named(external_id: Option<&str>) -> ManifestRow {
    ManifestRow {
        object_external_id: external_id.map(|id| ObjectExternalId::parse(id).unwrap()),
        ..row()
    }
}

fn plan_named(row: &ManifestRow, earlier_entry: ResultsEntry) -> RowPlan {
    plan_row(
        row,
        ready("text", 1),
        Some(earlier_entry),
        UpdatePolicy::default(),
        FailedJobPolicy::Leave,
    )
}

#[test]
fn a_done_row_whose_record_has_another_name_now_takes_the_name_and_stays_done() {
    for (earlier, now) in [
        ("", Some("CW-1")),
        ("CW-1", Some("CW-2")),
        ("CW-1", None),
        ("CW-1", Some("CW-1")),
        ("", None),
    ] {
        let previous = ResultsEntry {
            object_external_id: earlier.into(),
            ..line_with_attachment(Status::Uploaded, VerifiedBy::Etag)
        };
        let row = row_named(now);
        let plan = plan_named(&row, previous.clone());
        if earlier == now.unwrap_or_default() {
            assert_eq!(plan, RowPlan::KeepLine);
            continue;
        }
        let renamed = ResultsEntry {
            object_external_id: now.unwrap_or_default().into(),
            ..previous
        };
        assert_eq!(plan, RowPlan::RecordLine(Box::new(renamed.clone())));
        assert_eq!(plan_named(&row, renamed), RowPlan::KeepLine);
    }
}

#[test]
fn a_conflict_over_the_object_keeps_the_name_of_the_object_that_has_the_attachment() {
    // Otherwise the line would prove next time that the new name means the old object.
    let previous = ResultsEntry {
        object_id: "8".into(),
        object_external_id: "CW-8".into(),
        ..line_with_attachment(Status::Uploaded, VerifiedBy::Etag)
    };
    let row = row_named(Some("CW-7"));
    let RowPlan::RecordLine(moved) = plan_named(&row, previous) else {
        panic!("a line is expected");
    };
    assert_eq!(moved.state(), RowState::ConflictOnOtherObject);
    assert_eq!(
        (&*moved.object_id, &*moved.object_external_id),
        ("8", "CW-8")
    );
    assert_eq!(plan_named(&row, *moved), RowPlan::KeepLine);
}

#[test]
fn what_was_begun_for_another_object_keeps_the_name_of_this_object() {
    let begun_elsewhere = |previous: ResultsEntry| {
        let previous = ResultsEntry {
            object_id: "8".into(),
            object_external_id: "CW-8".into(),
            ..previous
        };
        let RowPlan::SendRequests(ProtocolStart::Attachment(start)) =
            plan_named(&row_named(Some("CW-7")), previous)
        else {
            panic!("requests are expected");
        };
        match start {
            AttachmentStart::LookUp(PriorCreate::UnansweredForOtherObject(object)) => object,
            AttachmentStart::BegunRecord(begun) => begun.other_object.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    for previous in [
        earlier_line(Status::Creating),
        line_with_attachment(Status::Created, VerifiedBy::Nothing),
        line_with_attachment(Status::Pending, VerifiedBy::Nothing),
    ] {
        let object = begun_elsewhere(previous);
        assert_eq!(
            (&*object.object_id, &*object.object_external_id),
            ("8", "CW-8")
        );
    }
}

#[test]
fn a_conflict_with_somebody_elses_attachment_is_looked_up_again() {
    let previous = ResultsEntry {
        known_content: KnownContent::Size(9),
        reason: StatusReason::StoredOtherSize,
        ..line_with_attachment(Status::Conflict, VerifiedBy::Nothing)
    };
    assert_eq!(
        plan_after(previous, ready("text", 1)),
        RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::LookUp(
            PriorCreate::NoneUnanswered
        )))
    );
}

#[test]
fn a_chosen_record_is_gone_on_with_whatever_became_of_the_row() {
    for status in [Status::Created, Status::Pending, Status::Failed] {
        let previous = line_with_attachment(status, VerifiedBy::Nothing);
        let RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::BegunRecord(begun))) =
            plan_after(previous, ready("text", 1))
        else {
            panic!("{status} has a record");
        };
        assert_eq!(begun.id.as_str(), "12");
        assert_eq!(
            (begun.other_object, begun.progress),
            (None, BegunProgress::Unknown)
        );
    }
    let sent = ResultsEntry {
        reason: StatusReason::SizeNotShown,
        ..line_with_attachment(Status::Pending, VerifiedBy::Nothing)
    };
    let RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::BegunRecord(begun))) =
        plan_after(sent, ready("text", 1))
    else {
        panic!("it has a record");
    };
    assert_eq!(begun.progress, BegunProgress::Sent);
}

#[test]
fn a_record_without_bytes_is_ours_only_while_a_post_may_have_gone_unheard() {
    let start = |previous| match plan_after(previous, ready("text", 1)) {
        RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::LookUp(posted))) => posted,
        other => panic!("a look-up is expected, not {other:?}"),
    };
    assert_eq!(
        start(earlier_line(Status::Creating)),
        PriorCreate::Unanswered
    );
    assert_eq!(
        start(earlier_line(Status::Pending)),
        PriorCreate::NoneUnanswered
    );
    assert_eq!(
        start(earlier_line(Status::Failed)),
        PriorCreate::NoneUnanswered
    );
    let elsewhere = ResultsEntry {
        object_type: "event".into(),
        ..earlier_line(Status::Creating)
    };
    let other = OtherObject {
        object_type: "event".into(),
        object_id: "7".into(),
        object_external_id: String::new(),
    };
    assert_eq!(
        start(elsewhere),
        PriorCreate::UnansweredForOtherObject(other)
    );

    let id = AttachmentId::parse("12").unwrap();
    let found = |prior_create| {
        let presence: AttachmentPresence = AttachmentPresence::pending_without_names(id.clone());
        classify_look_up(&presence, &prior_create, &content("text", 1), &row())
    };
    assert_eq!(
        found(PriorCreate::Unanswered),
        LookUpFinding::Ours(id.clone())
    );
    // Of a POST without a look-up before, the refusal may be lost: the record may be anybody's.
    for unknown in [
        PriorCreate::NoneUnanswered,
        PriorCreate::UnansweredWithoutLookUp,
    ] {
        assert_eq!(found(unknown), LookUpFinding::Unfinished(None));
    }
    assert_eq!(
        found(PriorCreate::UnansweredWithoutLookUp.once_nothing_was_found()),
        LookUpFinding::Ours(id.clone())
    );
}

#[test]
fn what_is_stored_is_told_apart_by_its_size() {
    let id = AttachmentId::parse("12").unwrap();
    let found = |presence: AttachmentPresence| {
        classify_look_up(
            &presence,
            &PriorCreate::Unanswered,
            &content("text", 1),
            &row(),
        )
    };
    let stored = |size| AttachmentPresence::Stored {
        names: AttachmentNames::default(),
        id: id.clone(),
        size,
    };
    assert_eq!(found(AttachmentPresence::Absent), LookUpFinding::Nothing);
    assert_eq!(found(stored(4)), LookUpFinding::SameSize(id.clone()));
    assert_eq!(found(stored(5)), LookUpFinding::OtherSize(id.clone(), 5));
    let external_id = "B".to_owned();
    assert_eq!(
        found(AttachmentPresence::Mismatch { external_id }),
        LookUpFinding::Mismatch("B".into())
    );
}
