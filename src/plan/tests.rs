//! The consequence of each kind of earlier line, and of each answer.

use super::*;
use crate::destination::Names;
use crate::digest::sha256;
use crate::model::{ExternalId, FileStamp, ObjectRef, ObjectType};
use crate::results::Status;

fn content(text: &str, modified: i64) -> Content {
    Content {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::new(modified, 0).unwrap(),
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

fn line(status: Status) -> Entry {
    Entry {
        row: Some(1),
        file_path: "a.pdf".into(),
        object_type: "contract".into(),
        object_id: "7".into(),
        external_id: "A1".into(),
        status,
        reason: Reason::None,
        attachment_id: None,
        known: Known::Content(content("text", 1)),
        verified: Verified::No,
        attempts: 1,
        destination: "here".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: crate::results::Changes::default(),
    }
}

fn stored(status: Status, verified: Verified) -> Entry {
    Entry {
        attachment_id: Some(AttachmentId::parse("12").unwrap()),
        verified,
        ..line(status)
    }
}

fn after(previous: Entry, file: RowFile) -> Step {
    step(
        &row(),
        file,
        Some(previous),
        Wishes::default(),
        FailedJobs::Leave,
    )
}

fn ready(text: &str, modified: i64) -> RowFile {
    RowFile::Ready(content(text, modified))
}

#[test]
fn a_new_row_is_looked_up() {
    let step = step(
        &row(),
        ready("text", 1),
        None,
        Wishes::default(),
        FailedJobs::Leave,
    );
    assert_eq!(
        step,
        Step::Send(Start::Attachment(AttachmentStart::LookUp(Posted::No)))
    );
}

#[test]
fn a_done_row_costs_nothing_not_even_a_line() {
    for previous in [
        stored(Status::Uploaded, Verified::Etag),
        stored(Status::Skipped, Verified::No),
    ] {
        assert_eq!(after(previous.clone(), ready("text", 1)), Step::Keep);
        assert_eq!(after(previous, RowFile::Gone), Step::Keep);
    }
}

#[test]
fn a_done_row_whose_file_was_only_touched_or_moved_gets_a_line_that_says_so() {
    let previous = stored(Status::Uploaded, Verified::Size);
    let Step::Record(line) = after(previous.clone(), ready("text", 2)) else {
        panic!("a line is expected");
    };
    assert_eq!(line.known, Known::Content(content("text", 2)));
    assert_eq!(line.status, Status::Uploaded);
    let moved = Entry {
        file_path: "old.pdf".into(),
        ..previous
    };
    let Step::Record(line) = after(moved, ready("text", 1)) else {
        panic!("a line is expected");
    };
    assert_eq!(line.file_path, "a.pdf");
}

#[test]
fn a_done_row_whose_file_or_object_changed_is_a_conflict_until_that_is_undone() {
    for (done, verified) in [
        (Status::Uploaded, Verified::Etag),
        (Status::Skipped, Verified::No),
    ] {
        let previous = stored(done, verified);
        let Step::Record(changed) = after(previous.clone(), ready("TEXT", 2)) else {
            panic!("a line is expected");
        };
        assert_eq!(
            (changed.status, &changed.reason),
            (Status::Conflict, &Reason::FileChanged)
        );
        assert_eq!(changed.known, previous.known, "of what is stored");
        assert_eq!(changed.attachment_id, previous.attachment_id);
        assert_eq!(after((*changed).clone(), ready("TEXT", 2)), Step::Keep);
        let Step::Record(restored) = after(*changed, ready("text", 3)) else {
            panic!("a line is expected");
        };
        assert_eq!((restored.status, restored.message), (done, String::new()));

        let elsewhere = Entry {
            object_id: "8".into(),
            ..previous
        };
        let Step::Record(moved) = after(elsewhere, ready("text", 1)) else {
            panic!("a line is expected");
        };
        assert_eq!(
            (moved.status, &moved.reason),
            (Status::Conflict, &Reason::ObjectChanged)
        );
        assert_eq!(moved.object_id, "8", "where it is, not where it should be");
        assert_eq!(after((*moved).clone(), ready("text", 1)), Step::Keep);
        let touched = after(*moved, ready("text", 2));
        assert_eq!(touched, Step::Keep, "one line for one conflict");
    }
}

#[test]
fn a_conflict_with_somebody_elses_attachment_is_looked_up_again() {
    let previous = Entry {
        known: Known::Size(9),
        reason: Reason::StoredOtherSize,
        ..stored(Status::Conflict, Verified::No)
    };
    assert_eq!(
        after(previous, ready("text", 1)),
        Step::Send(Start::Attachment(AttachmentStart::LookUp(Posted::No)))
    );
}

#[test]
fn a_chosen_record_is_gone_on_with_whatever_became_of_the_row() {
    for status in [Status::Created, Status::Pending, Status::Failed] {
        let previous = stored(status, Verified::No);
        let Step::Send(Start::Attachment(AttachmentStart::Resume(begun))) =
            after(previous, ready("text", 1))
        else {
            panic!("{status} has a record");
        };
        assert_eq!(begun.id.as_str(), "12");
        assert_eq!((begun.elsewhere, begun.progress), (None, Progress::Unknown));
    }
    let sent = Entry {
        reason: Reason::SizeNotShown,
        ..stored(Status::Pending, Verified::No)
    };
    let Step::Send(Start::Attachment(AttachmentStart::Resume(begun))) =
        after(sent, ready("text", 1))
    else {
        panic!("it has a record");
    };
    assert_eq!(begun.progress, Progress::Sent);
}

#[test]
fn a_record_without_bytes_is_ours_only_while_a_post_may_have_gone_unheard() {
    let start = |previous| match after(previous, ready("text", 1)) {
        Step::Send(Start::Attachment(AttachmentStart::LookUp(posted))) => posted,
        other => panic!("a look-up is expected, not {other:?}"),
    };
    assert_eq!(start(line(Status::Creating)), Posted::Perhaps);
    assert_eq!(start(line(Status::Pending)), Posted::No);
    assert_eq!(start(line(Status::Failed)), Posted::No);
    let elsewhere = Entry {
        object_type: "event".into(),
        ..line(Status::Creating)
    };
    let other = OtherObject {
        kind: "event".into(),
        id: "7".into(),
    };
    assert_eq!(start(elsewhere), Posted::ForAnotherObject(other));

    let id = AttachmentId::parse("12").unwrap();
    let found = |posted| {
        let presence: Presence = Presence::Pending { id: id.clone() };
        found(&presence, &posted, &content("text", 1))
    };
    assert_eq!(found(Posted::Perhaps), Found::Ours(id.clone()));
    assert_eq!(found(Posted::No), Found::Unfinished(None));
}

#[test]
fn what_is_stored_is_told_apart_by_its_size() {
    let id = AttachmentId::parse("12").unwrap();
    let found = |presence: Presence| found(&presence, &Posted::Perhaps, &content("text", 1));
    let stored = |size| Presence::Stored {
        names: Names::default(),
        id: id.clone(),
        size,
    };
    assert_eq!(found(Presence::Absent), Found::Nothing);
    assert_eq!(found(stored(4)), Found::SameSize(id.clone()));
    assert_eq!(found(stored(5)), Found::OtherSize(id.clone(), 5));
    let external_id = "B".to_owned();
    assert_eq!(
        found(Presence::Mismatch { external_id }),
        Found::Mismatch("B".into())
    );
}
