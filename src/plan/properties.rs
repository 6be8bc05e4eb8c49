//! Laws of planning, for every earlier line and every answer.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::record_findings::{
    BegunRecordFinding, LookUpFinding, classify_begun_record, classify_look_up,
};
use super::*;
use crate::arbitrary::{arbitrary_attachment_id, arbitrary_content, proptest_config};
use crate::destination::{AttachmentNames, AttachmentPresence};
use crate::model::{ExternalId, ObjectExternalId, ObjectRef, ObjectType};
use crate::results::{AttachmentChanges, Status};

/// A row on one of a few objects, under one of a few names, with one of two files.
fn row() -> impl Strategy<Value = ManifestRow> {
    let named = option::of(select(vec!["CW-7", "CW-8"]));
    (object(), named, select(vec!["a.pdf", "b/a.pdf"])).prop_map(|(object, named, file_path)| {
        ManifestRow {
            number: 1,
            line: 2,
            file_path: file_path.into(),
            object,
            object_external_id: named.map(|id| ObjectExternalId::parse(id).unwrap()),
            external_id: ExternalId::parse("A1").unwrap(),
            title: None,
            file_name: None,
            sha256: None,
            new_external_id: None,
        }
    })
}

fn object() -> impl Strategy<Value = ObjectRef> {
    let kinds = select(vec![ObjectType::Contract, ObjectType::Event]);
    let ids = select(vec!["7", "8"]);
    (kinds, ids).prop_map(|(kind, id)| ObjectRef::parse(kind, id).unwrap())
}

fn file() -> impl Strategy<Value = RowFile> {
    prop_oneof![
        4 => arbitrary_content().prop_map(RowFile::Ready),
        1 => Just(RowFile::GoneAfterDone),
        1 => Just(RowFile::Unfit),
    ]
}

fn known() -> impl Strategy<Value = KnownContent> {
    prop_oneof![
        Just(KnownContent::Nothing),
        (0_u64..9).prop_map(KnownContent::Size),
        arbitrary_content().prop_map(KnownContent::Complete),
    ]
}

/// A line of any run. The content of a done row is known, whichever client stored the content.
fn entry() -> impl Strategy<Value = ResultsEntry> {
    prop_oneof![done_entry(), undone_entry()]
}

/// A line of a row done once.
fn done_entry() -> impl Strategy<Value = ResultsEntry> {
    let statuses = select(vec![Status::Uploaded, Status::Skipped, Status::Conflict]);
    (any_entry(), statuses, arbitrary_content()).prop_map(|(entry, status, content)| ResultsEntry {
        status,
        known_content: KnownContent::Complete(content),
        ..entry
    })
}

/// A line of a row not done yet.
fn undone_entry() -> impl Strategy<Value = ResultsEntry> {
    let statuses = [
        Status::Conflict,
        Status::Failed,
        Status::Invalid,
        Status::Creating,
        Status::Created,
        Status::Pending,
    ];
    (any_entry(), select(statuses.to_vec())).prop_map(|(entry, status)| ResultsEntry {
        status,
        known_content: match (status, entry.known_content) {
            (Status::Conflict, KnownContent::Complete(content)) => {
                KnownContent::Size(content.stamp.size)
            }
            (_, known) => known,
        },
        ..entry
    })
}

fn any_entry() -> impl Strategy<Value = ResultsEntry> {
    let reasons = [
        StatusReason::None,
        StatusReason::SizeNotShown,
        StatusReason::ObjectChanged,
        StatusReason::FileChanged,
        StatusReason::StoredOtherSize,
        StatusReason::NoAnswer,
        StatusReason::NotReached,
        StatusReason::NotLookedUp,
    ];
    let verified = [VerifiedBy::Nothing, VerifiedBy::Size, VerifiedBy::Etag];
    (
        row(),
        select(Status::ALL.to_vec()),
        select(reasons.to_vec()),
        option::of(arbitrary_attachment_id()),
        known(),
        select(verified.to_vec()),
    )
        .prop_map(
            |(row, status, reason, attachment_id, known, verified)| ResultsEntry {
                row: Some(1),
                object_external_id: row.object_external_id_text().to_owned(),
                file_path: row.file_path,
                object_type: row.object.object_type().to_string(),
                object_id: row.object.id().to_string(),
                external_id: "A1".into(),
                status,
                reason,
                attachment_id,
                known_content: known,
                verified_by: verified,
                attempts: 3,
                destination: "here".into(),
                updated_at: jiff::Timestamp::UNIX_EPOCH,
                message: "as it was".into(),
                changes: AttachmentChanges::default(),
            },
        )
}

fn other_object() -> impl Strategy<Value = OtherObject> {
    object().prop_map(|object| OtherObject {
        object_type: object.object_type().to_string(),
        object_id: object.id().to_string(),
        object_external_id: String::new(),
    })
}

fn begun() -> impl Strategy<Value = BegunRecord> {
    let progress = select(vec![
        BegunProgress::Unknown,
        BegunProgress::Sent,
        BegunProgress::AddressRenewing,
    ]);
    (
        arbitrary_attachment_id(),
        option::of(arbitrary_content()),
        option::of(other_object()),
        progress,
    )
        .prop_map(|(id, content, elsewhere, progress)| BegunRecord {
            id,
            file_path: "a.pdf".into(),
            content,
            other_object: elsewhere,
            progress,
        })
}

fn posted() -> impl Strategy<Value = PriorCreate> {
    prop_oneof![
        Just(PriorCreate::NoneUnanswered),
        Just(PriorCreate::Unanswered),
        Just(PriorCreate::UnansweredWithoutLookUp),
        other_object().prop_map(PriorCreate::UnansweredForOtherObject),
    ]
}

fn presence() -> impl Strategy<Value = AttachmentPresence> {
    prop_oneof![
        Just(AttachmentPresence::Absent),
        arbitrary_attachment_id().prop_map(AttachmentPresence::pending_without_names),
        (arbitrary_attachment_id(), 0_u64..9).prop_map(|(id, size)| AttachmentPresence::Stored {
            id,
            size,
            names: AttachmentNames::default()
        }),
        Just(AttachmentPresence::Mismatch {
            external_id: "B".into()
        }),
    ]
}

fn same_object(row: &ManifestRow, entry: &ResultsEntry) -> bool {
    (
        row.object.object_type().as_str(),
        &*row.object.id().to_string(),
    ) == (&*entry.object_type, &*entry.object_id)
}

proptest! {
    #![proptest_config(proptest_config(2_000))]

    #[test]
    fn a_row_that_was_done_never_sends_a_request_and_any_other_does(
        row in row(), file in file(), entry in entry(),
    ) {
        let sends = matches!(plan_row(&row, file, Some(entry.clone()), UpdatePolicy::default(), FailedJobPolicy::Leave), RowPlan::SendRequests(_));
        prop_assert_eq!(sends, !entry.was_done());
    }

    #[test]
    fn a_line_that_was_just_written_is_kept(row in row(), file in file(), entry in entry()) {
        if let RowPlan::RecordLine(line) = plan_row(&row, file, Some(entry), UpdatePolicy::default(), FailedJobPolicy::Leave) {
            prop_assert_eq!(plan_row(&row, file, Some(*line), UpdatePolicy::default(), FailedJobPolicy::Leave), RowPlan::KeepLine);
        }
    }

    #[test]
    fn the_line_of_a_done_row_has_the_name_of_its_own_object(
        row in row(), file in file(), entry in done_entry(),
    ) {
        let kept = entry.object_external_id.clone();
        let expected = if same_object(&row, &entry) { row.object_external_id_text() } else { &kept };
        let line = match plan_row(&row, file, Some(entry.clone()), UpdatePolicy::default(), FailedJobPolicy::Leave) {
            RowPlan::RecordLine(line) => *line,
            _ => entry,
        };
        prop_assert_eq!(&*line.object_external_id, expected);
    }

    #[test]
    fn a_new_line_forgets_nothing_of_what_is_stored(
        row in row(), file in file(), entry in entry(),
    ) {
        if let RowPlan::RecordLine(line) = plan_row(&row, file, Some(entry.clone()), UpdatePolicy::default(), FailedJobPolicy::Leave) {
            prop_assert!(line.was_done());
            prop_assert_eq!(&line.attachment_id, &entry.attachment_id);
            prop_assert_eq!(line.verified_by, entry.verified_by);
            prop_assert_eq!(&line.destination, &entry.destination);
            prop_assert_eq!((&line.object_type, &line.object_id), (&entry.object_type, &entry.object_id));
            prop_assert_eq!(line.message.is_empty(), line.status.is_done());
            if let Some(stored) = entry.known_content.content() {
                prop_assert_eq!(line.known_content.content().unwrap().sha256, stored.sha256);
            }
        }
    }

    #[test]
    fn what_changed_since_a_row_was_done_is_a_conflict_and_nothing_else_is(
        row in row(), file in file(), entry in done_entry(),
    ) {
        let changed = match (file, entry.known_content.content()) {
            (RowFile::Ready(now), Some(then)) => now.sha256 != then.sha256,
            _ => false,
        };
        let status = match plan_row(&row, file, Some(entry.clone()), UpdatePolicy::default(), FailedJobPolicy::Leave) {
            RowPlan::RecordLine(line) => line.status,
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
        match plan_row(&row, file, Some(entry.clone()), UpdatePolicy::default(), FailedJobPolicy::Leave) {
            RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::BegunRecord(begun))) => {
                prop_assert_eq!(Some(begun.id), chosen);
                prop_assert_eq!(begun.other_object.is_some(), elsewhere);
                prop_assert_eq!(begun.content, entry.known_content.content());
            }
            RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::LookUp(posted))) => {
                prop_assert_eq!(None, chosen);
                let creating = entry.status == Status::Creating;
                let changed = entry.reason == StatusReason::ObjectChanged;
                let unseen = entry.reason == StatusReason::NotLookedUp;
                let posted_here = creating && !elsewhere && !changed;
                prop_assert_eq!(posted == PriorCreate::Unanswered, posted_here && !unseen);
                prop_assert_eq!(posted == PriorCreate::UnansweredWithoutLookUp, posted_here && unseen);
                let waits = (elsewhere && (creating || changed)) || (creating && changed);
                prop_assert_eq!(matches!(posted, PriorCreate::UnansweredForOtherObject(_)), waits);
            }
            RowPlan::SendRequests(ProtocolStart::Attachment(AttachmentStart::New)) => {
                prop_assert_eq!((chosen, elsewhere), (None, false));
                prop_assert!(matches!(entry.status, Status::Pending | Status::Invalid));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_record_may_be_made_only_where_a_look_up_found_nothing_and_one_is_ours_only_after_a_lost_post(
        presence in presence(), posted in posted(), content in arbitrary_content(), row in row(),
    ) {
        let found = classify_look_up(&presence, &posted, &content, &row);
        prop_assert_eq!(found == LookUpFinding::Nothing, presence == AttachmentPresence::Absent);
        let is_pending = matches!(presence, AttachmentPresence::Pending { .. });
        let is_ours = is_pending && posted == PriorCreate::Unanswered;
        prop_assert_eq!(matches!(found, LookUpFinding::Ours(_)), is_ours);
        prop_assert_eq!(matches!(found, LookUpFinding::Unfinished(_)), is_pending && !is_ours);
        if let AttachmentPresence::Stored { id, size, .. } = presence {
            let same = size == content.stamp.size;
            prop_assert_eq!(found, if same { LookUpFinding::SameSize(id) } else { LookUpFinding::OtherSize(id, size) });
        }
    }

    #[test]
    fn a_begun_record_stands_as_the_service_shows_it_and_as_its_row_has_changed_since(
        presence in presence(), begun in begun(), content in arbitrary_content(),
    ) {
        let standing = classify_begun_record(&presence, &begun, &content);
        let same_content = begun.content.is_none_or(|then| then.sha256 == content.sha256);
        let elsewhere = begun.other_object.is_some();
        let expected = match presence {
            AttachmentPresence::Absent => BegunRecordFinding::Gone,
            AttachmentPresence::Mismatch { .. } => {
                BegunRecordFinding::Mismatch
            }
            AttachmentPresence::Pending { .. } if elsewhere => BegunRecordFinding::NoBytesOnOtherObject,
            AttachmentPresence::Pending { .. } => match begun.progress {
                BegunProgress::Sent if same_content => BegunRecordFinding::Sent,
                _ => BegunRecordFinding::NoBytes,
            },
            AttachmentPresence::Stored { size, .. } => match (elsewhere, same_content) {
                (false, true) => BegunRecordFinding::Stored(size),
                _ => BegunRecordFinding::StoredBeforeTheChange(size),
            },
        };
        prop_assert_eq!(standing, expected);
    }
}
