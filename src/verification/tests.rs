//! Tests: which lines of a verification are current for which lines of the results.

use super::*;
use crate::digest::sha256;
use crate::model::{CheckedContent, FileStamp};
use crate::results::{AttachmentChanges, KnownContent, Status, StatusReason, VerifiedBy};

fn entry() -> ResultsEntry {
    ResultsEntry {
        row: Some(3),
        file_path: "3.pdf".into(),
        object_type: "contract".into(),
        object_id: "7".into(),
        object_external_id: String::new(),
        external_id: "A3".into(),
        status: Status::Uploaded,
        reason: StatusReason::None,
        attachment_id: AttachmentId::parse("12").ok(),
        known_content: known(5, b"hello"),
        verified_by: VerifiedBy::Size,
        attempts: 1,
        destination: "emulator".into(),
        updated_at: Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: AttachmentChanges::default(),
    }
}

fn known(size: u64, bytes: &[u8]) -> KnownContent {
    KnownContent::Complete(CheckedContent {
        stamp: FileStamp {
            size,
            modified: Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(bytes),
    })
}

fn checked(entry: &ResultsEntry, outcome: VerificationOutcome) -> VerificationLine {
    VerificationLine {
        row: entry.row,
        external_id: entry.external_id.clone(),
        attachment_id: entry.attachment_id.clone(),
        outcome,
        object: ObjectProof::NotAskedFor,
        expected: ContentFacts::from_entry(entry),
        found: ContentFacts::default(),
        expected_names: ExpectedNames::default(),
        checked_at: Timestamp::UNIX_EPOCH,
        download: DownloadScope::None,
        local_file: None,
        destination: entry.destination.clone(),
        message: String::new(),
    }
}

#[test]
fn a_line_is_about_the_same_row_record_and_content_and_about_nothing_else() {
    let entry = entry();
    let line = checked(&entry, VerificationOutcome::Missing);
    assert!(line.is_current_for(&entry));
    let later = ResultsEntry {
        updated_at: Timestamp::MAX,
        file_path: "moved/3.pdf".into(),
        verified_by: VerifiedBy::Etag,
        attempts: 2,
        status: Status::Skipped,
        ..entry.clone()
    };
    assert!(line.is_current_for(&later), "what was claimed is the same");
    let same = || entry.clone();
    let others = [
        ResultsEntry {
            row: Some(4),
            ..same()
        },
        ResultsEntry {
            row: None,
            ..same()
        },
        ResultsEntry {
            external_id: "a3".into(),
            ..same()
        },
        ResultsEntry {
            attachment_id: AttachmentId::parse("13").ok(),
            ..same()
        },
        ResultsEntry {
            attachment_id: None,
            ..same()
        },
        ResultsEntry {
            known_content: known(6, b"hello"),
            ..same()
        },
        ResultsEntry {
            known_content: known(5, b"HELLO"),
            ..same()
        },
        ResultsEntry {
            known_content: KnownContent::Nothing,
            ..same()
        },
        ResultsEntry {
            destination: "elsewhere".into(),
            ..same()
        },
        ResultsEntry {
            status: Status::Pending,
            ..same()
        },
    ];
    for other in others {
        assert!(!line.is_current_for(&other), "{other:?}");
    }
}

#[test]
fn what_was_not_done_then_is_about_what_is_not_done_now() {
    let open = ResultsEntry {
        status: Status::Failed,
        ..entry()
    };
    let line = checked(&open, VerificationOutcome::NotDone);
    assert!(line.is_current_for(&open));
    assert!(!line.is_current_for(&entry()), "it is done since");
}

fn expected_as(external_id: Option<&str>, title: Option<&str>) -> ExpectedNames {
    ExpectedNames {
        external_id: external_id.map(str::to_owned),
        title: title.map(str::to_owned),
    }
}

#[test]
fn a_line_from_before_the_import_gave_other_names_is_not_about_the_row_any_more() {
    let changed = |status, previous_title: Option<&str>, renamed_to: Option<&str>| ResultsEntry {
        status,
        changes: AttachmentChanges {
            previous_title: previous_title.map(str::to_owned),
            renamed_to: renamed_to.map(str::to_owned),
            ..AttachmentChanges::default()
        },
        ..entry()
    };
    let renamed = changed(Status::Renamed, None, Some("EU-A3"));
    let updated = changed(Status::Updated, Some("Old"), None);
    let entitled = changed(Status::Updated, None, None);
    for (entry, external_id, title, is_about) in [
        (entry(), Some("A3"), Some("Any"), true),
        // Verifications of earlier versions have no expected names.
        (entry(), None, None, true),
        (renamed.clone(), Some("EU-A3"), None, true),
        (renamed.clone(), Some("A3"), None, false),
        (renamed, None, None, false),
        (updated.clone(), Some("A3"), Some("New"), true),
        (updated.clone(), Some("A3"), Some("Old"), false),
        (updated, None, None, false),
        (entitled.clone(), Some("A3"), Some("New"), true),
        (entitled, Some("A3"), None, false),
    ] {
        let line = VerificationLine {
            expected_names: expected_as(external_id, title),
            ..checked(&entry, VerificationOutcome::Match)
        };
        let case = (&entry.changes, external_id, title);
        assert_eq!(line.is_current_for(&entry), is_about, "{case:?}");
    }
}

#[test]
fn what_was_not_done_was_expected_under_no_name() {
    let begun = ResultsEntry {
        status: Status::Pending,
        reason: StatusReason::Renaming,
        changes: AttachmentChanges {
            renamed_to: Some("EU-A3".into()),
            ..AttachmentChanges::default()
        },
        ..entry()
    };
    assert!(checked(&begun, VerificationOutcome::NotDone).is_current_for(&begun));
}
