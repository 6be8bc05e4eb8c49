//! Laws of planning, for every earlier line and every answer.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::arbitrary::{attachment_id, cases, content};
use crate::destination::Names;
use crate::model::{ExternalId, ObjectRef, ObjectType};
use crate::results::{Changes, Status};

/// A row on one of a few objects, with one of two files.
fn row() -> impl Strategy<Value = Row> {
    (object(), select(vec!["a.pdf", "b/a.pdf"])).prop_map(|(object, file_path)| Row {
        number: 1,
        line: 2,
        file_path: file_path.into(),
        object,
        external_id: ExternalId::parse("A1").unwrap(),
        title: None,
        file_name: None,
        sha256: None,
        new_external_id: None,
    })
}

fn object() -> impl Strategy<Value = ObjectRef> {
    let kinds = select(vec![ObjectType::Contract, ObjectType::Event]);
    let ids = select(vec!["7", "8"]);
    (kinds, ids).prop_map(|(kind, id)| ObjectRef::parse(kind, id).unwrap())
}

fn file() -> impl Strategy<Value = RowFile> {
    prop_oneof![
        4 => content().prop_map(RowFile::Ready),
        1 => Just(RowFile::Gone),
        1 => Just(RowFile::Unfit),
    ]
}

fn known() -> impl Strategy<Value = Known> {
    prop_oneof![
        Just(Known::Nothing),
        (0_u64..9).prop_map(Known::Size),
        content().prop_map(Known::Content),
    ]
}

/// A line of any run. The content of a done row is known, whoever stored it.
fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![done_entry(), undone_entry()]
}

/// A line of a row done once.
fn done_entry() -> impl Strategy<Value = Entry> {
    let statuses = select(vec![Status::Uploaded, Status::Skipped, Status::Conflict]);
    (any_entry(), statuses, content()).prop_map(|(entry, status, content)| Entry {
        status,
        known: Known::Content(content),
        ..entry
    })
}

/// A line of a row not done yet.
fn undone_entry() -> impl Strategy<Value = Entry> {
    let statuses = [
        Status::Conflict,
        Status::Failed,
        Status::Invalid,
        Status::Creating,
        Status::Created,
        Status::Pending,
    ];
    (any_entry(), select(statuses.to_vec())).prop_map(|(entry, status)| Entry {
        status,
        known: match (status, entry.known) {
            (Status::Conflict, Known::Content(content)) => Known::Size(content.stamp.size),
            (_, known) => known,
        },
        ..entry
    })
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let reasons = [
        Reason::None,
        Reason::SizeNotShown,
        Reason::ObjectChanged,
        Reason::FileChanged,
        Reason::StoredOtherSize,
        Reason::NoAnswer,
    ];
    let verified = [Verified::No, Verified::Size, Verified::Etag];
    (
        row(),
        select(Status::ALL.to_vec()),
        select(reasons.to_vec()),
        option::of(attachment_id()),
        known(),
        select(verified.to_vec()),
    )
        .prop_map(
            |(row, status, reason, attachment_id, known, verified)| Entry {
                row: Some(1),
                file_path: row.file_path,
                object_type: row.object.kind().to_string(),
                object_id: row.object.id().to_string(),
                external_id: "A1".into(),
                status,
                reason,
                attachment_id,
                known,
                verified,
                attempts: 3,
                destination: "here".into(),
                updated_at: jiff::Timestamp::UNIX_EPOCH,
                message: "as it was".into(),
                changes: Changes::default(),
            },
        )
}

fn other_object() -> impl Strategy<Value = OtherObject> {
    object().prop_map(|object| OtherObject {
        kind: object.kind().to_string(),
        id: object.id().to_string(),
    })
}

fn begun() -> impl Strategy<Value = Begun> {
    let progress = select(vec![Progress::Unknown, Progress::Sent, Progress::Renewing]);
    (
        attachment_id(),
        option::of(content()),
        option::of(other_object()),
        progress,
    )
        .prop_map(|(id, content, elsewhere, progress)| Begun {
            id,
            file_path: "a.pdf".into(),
            content,
            elsewhere,
            progress,
        })
}

fn posted() -> impl Strategy<Value = Posted> {
    prop_oneof![
        Just(Posted::No),
        Just(Posted::Perhaps),
        other_object().prop_map(Posted::ForAnotherObject),
    ]
}

fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![
        Just(Presence::Absent),
        attachment_id().prop_map(|id| Presence::Pending { id }),
        (attachment_id(), 0_u64..9).prop_map(|(id, size)| Presence::Stored {
            id,
            size,
            names: Names::default()
        }),
        Just(Presence::Mismatch {
            external_id: "B".into()
        }),
    ]
}

fn same_object(row: &Row, entry: &Entry) -> bool {
    (row.object.kind().as_str(), &*row.object.id().to_string())
        == (&*entry.object_type, &*entry.object_id)
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_row_that_was_done_never_sends_a_request_and_any_other_does(
        row in row(), file in file(), entry in entry(),
    ) {
        let sends = matches!(step(&row, file, Some(entry.clone()), Wishes::default(), FailedJobs::Leave), Step::Send(_));
        prop_assert_eq!(sends, !entry.was_done());
    }

    #[test]
    fn a_line_that_was_just_written_is_kept(row in row(), file in file(), entry in entry()) {
        if let Step::Record(line) = step(&row, file, Some(entry), Wishes::default(), FailedJobs::Leave) {
            prop_assert_eq!(step(&row, file, Some(*line), Wishes::default(), FailedJobs::Leave), Step::Keep);
        }
    }

    #[test]
    fn a_new_line_forgets_nothing_of_what_is_stored(
        row in row(), file in file(), entry in entry(),
    ) {
        if let Step::Record(line) = step(&row, file, Some(entry.clone()), Wishes::default(), FailedJobs::Leave) {
            prop_assert!(line.was_done());
            prop_assert_eq!(&line.attachment_id, &entry.attachment_id);
            prop_assert_eq!(line.verified, entry.verified);
            prop_assert_eq!(&line.destination, &entry.destination);
            prop_assert_eq!((&line.object_type, &line.object_id), (&entry.object_type, &entry.object_id));
            prop_assert_eq!(line.message.is_empty(), line.status.is_done());
            if let Some(stored) = entry.known.content() {
                prop_assert_eq!(line.known.content().unwrap().sha256, stored.sha256);
            }
        }
    }

    #[test]
    fn what_changed_since_a_row_was_done_is_a_conflict_and_nothing_else_is(
        row in row(), file in file(), entry in done_entry(),
    ) {
        let changed = match (file, entry.known.content()) {
            (RowFile::Ready(now), Some(then)) => now.sha256 != then.sha256,
            _ => false,
        };
        let status = match step(&row, file, Some(entry.clone()), Wishes::default(), FailedJobs::Leave) {
            Step::Record(line) => line.status,
            _ => entry.status,
        };
        let is_conflict = changed || !same_object(&row, &entry);
        prop_assert_eq!(status == Status::Conflict, is_conflict);
    }

    #[test]
    fn a_row_goes_on_with_the_record_that_was_chosen_for_it_and_with_no_other(
        row in row(), file in file(), entry in undone_entry(),
    ) {
        let chosen = entry.attachment_id.clone().filter(|_| entry.status != Status::Conflict);
        let elsewhere = !same_object(&row, &entry);
        match step(&row, file, Some(entry.clone()), Wishes::default(), FailedJobs::Leave) {
            Step::Send(Start::Attachment(AttachmentStart::Resume(begun))) => {
                prop_assert_eq!(Some(begun.id), chosen);
                prop_assert_eq!(begun.elsewhere.is_some(), elsewhere);
                prop_assert_eq!(begun.content, entry.known.content());
            }
            Step::Send(Start::Attachment(AttachmentStart::LookUp(posted))) => {
                prop_assert_eq!(None, chosen);
                let creating = entry.status == Status::Creating;
                let changed = entry.reason == Reason::ObjectChanged;
                prop_assert_eq!(posted == Posted::Perhaps, creating && !elsewhere && !changed);
                let waits = (elsewhere && (creating || changed)) || (creating && changed);
                prop_assert_eq!(matches!(posted, Posted::ForAnotherObject(_)), waits);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_record_may_be_made_only_where_a_look_up_found_nothing_and_one_is_ours_only_after_a_lost_post(
        presence in presence(), posted in posted(), content in content(),
    ) {
        let found = found(&presence, &posted, &content);
        prop_assert_eq!(found == Found::Nothing, presence == Presence::Absent);
        let is_pending = matches!(presence, Presence::Pending { .. });
        let is_ours = is_pending && posted == Posted::Perhaps;
        prop_assert_eq!(matches!(found, Found::Ours(_)), is_ours);
        prop_assert_eq!(matches!(found, Found::Unfinished(_)), is_pending && !is_ours);
        if let Presence::Stored { id, size, .. } = presence {
            let same = size == content.stamp.size;
            prop_assert_eq!(found, if same { Found::SameSize(id) } else { Found::OtherSize(id, size) });
        }
    }

    #[test]
    fn a_begun_record_stands_as_the_service_shows_it_and_as_its_row_has_changed_since(
        presence in presence(), begun in begun(), content in content(),
    ) {
        let standing = standing(&presence, &begun, &content);
        let same_content = begun.content.is_none_or(|then| then.sha256 == content.sha256);
        let elsewhere = begun.elsewhere.is_some();
        let expected = match presence {
            Presence::Absent => Standing::Gone,
            Presence::Mismatch { .. } => {
                Standing::Mismatch
            }
            Presence::Pending { .. } if elsewhere => Standing::EmptyElsewhere,
            Presence::Pending { .. } => match begun.progress {
                Progress::Sent if same_content => Standing::Sent,
                _ => Standing::Empty,
            },
            Presence::Stored { size, .. } => match (elsewhere, same_content) {
                (false, true) => Standing::Stored(size),
                _ => Standing::StoredBeforeTheChange(size),
            },
        };
        prop_assert_eq!(standing, expected);
    }
}
