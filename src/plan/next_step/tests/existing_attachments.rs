//! The next step for an attachment left by an earlier run, as its size and its bytes show.

use super::*;

fn existing_attachment() -> ExistingAttachment {
    ExistingAttachment {
        id: id(),
        known_content: KnownContent::Complete(file()),
        verified_by: VerifiedBy::Size,
        completed_action: CompletedAction::Uploaded,
        content_match: ContentMatch::AsVerified,
        other_object: None,
        change_stage: ChangeStage::NotBegun,
    }
}

fn after_size(existing: &ExistingAttachment, size: AttachmentBytes<u64>) -> [NextStep; 3] {
    next_steps(&AttachmentEvidence::ExistingAttachmentSize {
        size,
        attachment: existing,
    })
}

#[test]
fn an_attachment_that_was_left_is_right_gone_or_looked_for_anew() {
    assert_eq!(
        after_size(&existing_attachment(), AttachmentBytes::Bytes(4)),
        same_for_all(RowEnd::AlreadyRight(existing_attachment()))
    );
    for size in [AttachmentBytes::NoAttachment, AttachmentBytes::NoBytes] {
        assert_eq!(
            after_size(&existing_attachment(), size),
            same_for_all(RowEnd::Gone(existing_attachment()))
        );
    }
    let let_go = ExistingAttachment {
        change_stage: ChangeStage::Released,
        ..existing_attachment()
    };
    assert_eq!(
        after_size(&let_go, AttachmentBytes::NoAttachment),
        same_for_all(NextStep::LookUp)
    );
    assert_eq!(
        after_size(&let_go, AttachmentBytes::NoBytes),
        same_for_all(NextStep::SendFile(begun()))
    );
    let sent = ExistingAttachment {
        change_stage: ChangeStage::NewBytesSent,
        ..existing_attachment()
    };
    assert_eq!(
        after_size(&sent, AttachmentBytes::NoBytes),
        same_for_all(NextStep::ConfirmSize(id()))
    );
    assert_eq!(
        after_size(&sent, AttachmentBytes::Bytes(4)),
        same_for_all(NextStep::ReadBytes(sent.clone()))
    );
}

#[test]
fn only_the_size_of_what_was_skipped_is_known_so_that_it_is_read_before_it_is_replaced() {
    let skipped = ExistingAttachment {
        verified_by: VerifiedBy::Nothing,
        completed_action: CompletedAction::Skipped,
        ..existing_attachment()
    };
    let right = NextStep::from(RowEnd::AlreadyRight(skipped.clone()));
    assert_eq!(
        after_size(&skipped, AttachmentBytes::Bytes(4)),
        [right.clone(), right, NextStep::ReplaceUnlessSame(id())]
    );
}

#[test]
fn other_content_than_the_file_is_left_or_replaced_as_the_user_wants() {
    let before = content("TEXT");
    let of_another_file = ExistingAttachment {
        known_content: KnownContent::Complete(before),
        ..existing_attachment()
    };
    let changed = RowEnd::FileChanged {
        id: id(),
        stored: before,
    };
    assert_eq!(
        after_size(&of_another_file, AttachmentBytes::Bytes(4)),
        [
            changed.into(),
            keep_existing(KnownContent::Complete(before)),
            replace(4, Some(before))
        ]
    );
    let refused = RowEnd::StoredOtherSize { id: id(), size: 5 };
    assert_eq!(
        after_size(&existing_attachment(), AttachmentBytes::Bytes(5)),
        [
            refused.into(),
            keep_existing(KnownContent::Size(5)),
            replace(5, None)
        ]
    );
}

#[test]
fn content_that_the_user_has_let_stay_stays_until_it_is_to_be_replaced() {
    let known = KnownContent::Size(5);
    let let_stay = ExistingAttachment {
        known_content: known,
        verified_by: VerifiedBy::Nothing,
        completed_action: CompletedAction::Skipped,
        content_match: ContentMatch::KeptExisting,
        ..existing_attachment()
    };
    assert_eq!(
        after_size(&let_stay, AttachmentBytes::Bytes(5)),
        [keep_existing(known), keep_existing(known), replace(5, None)]
    );
}

#[test]
fn an_attachment_on_another_object_is_not_touched() {
    for (change, expected, status) in [
        (
            ChangeStage::NameSent,
            RowEnd::OnOtherObject as fn(ExistingAttachment) -> RowEnd,
            Status::Conflict,
        ),
        (
            ChangeStage::ReleaseRequested,
            RowEnd::ReplacingOnOtherObject,
            Status::Replacing,
        ),
    ] {
        let moved = ExistingAttachment {
            other_object: Some(elsewhere()),
            change_stage: change,
            ..existing_attachment()
        };
        let expected = expected(moved.clone());
        assert_eq!(
            expected.state().encode(),
            (status, StatusReason::ObjectChanged)
        );
        assert_eq!(
            after_size(&moved, AttachmentBytes::Bytes(4)),
            same_for_all(expected)
        );
    }
}

#[test]
fn the_bytes_of_an_attachment_that_was_being_replaced_tell_what_it_holds() {
    let before = content("TEXT");
    let letting_go = ExistingAttachment {
        known_content: KnownContent::Complete(before),
        change_stage: ChangeStage::ReleaseRequested,
        ..existing_attachment()
    };
    let read = |bytes| {
        next_steps(&AttachmentEvidence::ExistingAttachmentBytes {
            bytes,
            attachment: &letting_go,
        })
    };
    assert_eq!(
        read(AttachmentBytes::NoAttachment),
        same_for_all(NextStep::LookUp)
    );
    let of_before = BegunRecord {
        content: Some(before),
        ..begun()
    };
    assert_eq!(
        read(AttachmentBytes::NoBytes),
        same_for_all(NextStep::SendFile(of_before))
    );
    assert_eq!(
        read(AttachmentBytes::Bytes((4, file().sha256))),
        same_for_all(RowEnd::AlreadyRight(letting_go.clone()))
    );
    let changed = RowEnd::FileChanged {
        id: id(),
        stored: before,
    };
    assert_eq!(
        read(AttachmentBytes::Bytes((4, before.sha256))),
        [
            changed.into(),
            keep_existing(KnownContent::Complete(before)),
            replace(4, Some(before))
        ]
    );
    assert_eq!(
        read(AttachmentBytes::Bytes((4, content("else").sha256)))[2],
        replace(4, None)
    );
}

#[test]
fn what_was_replaced_before_tells_old_bytes_from_new_ones() {
    let changes = AttachmentChanges {
        replaced: Some(FormerContent {
            size: 9,
            sha256: None,
            backup: BackupOutcome::Waived,
        }),
        ..AttachmentChanges::default()
    };
    let letting_go = ExistingAttachment {
        change_stage: ChangeStage::ReleaseRequested,
        ..existing_attachment()
    };
    let size = AttachmentBytes::Bytes(4);
    let existing = &letting_go;
    let step = next_step_after_changes(
        &AttachmentEvidence::ExistingAttachmentSize {
            size,
            attachment: existing,
        },
        ConflictPolicy::Fail,
        &changes,
    );
    let end = RowEnd::AlreadyRight(letting_go.clone());
    assert_eq!(end.state().encode().0, Status::Uploaded);
    assert_eq!(step, end.into());
}
