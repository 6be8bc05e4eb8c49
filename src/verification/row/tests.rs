//! Tests of the claims in lines of results, and of the rows which make a verification fail.

use super::*;
use crate::destination::attachment_metadata::{AttachmentMetadata, Reported};
use crate::digest::sha256;
use crate::model::{CheckedContent, FileStamp};
use crate::pipeline::{InspectedAttachment, InspectedBytes};
use crate::results::results_file::{LineToWrite, ResultsFile};
use crate::results::{
    AttachmentChanges, BackupOutcome, FormerContent, KnownContent, Status, StatusReason, VerifiedBy,
};
use crate::text::csv_dialect::CsvDialect;
use crate::verification::object_proof::UnprovenCause;

fn entry(status: Status) -> ResultsEntry {
    ResultsEntry {
        row: Some(1),
        file_path: "contracts/2026/a.pdf".into(),
        object_type: "contract".into(),
        object_id: "7".into(),
        object_external_id: String::new(),
        external_id: "A1".into(),
        status,
        reason: StatusReason::None,
        attachment_id: AttachmentId::parse("12").ok(),
        known_content: KnownContent::Complete(CheckedContent {
            stamp: FileStamp {
                size: 5,
                modified: Timestamp::UNIX_EPOCH,
            },
            sha256: sha256(b"hello"),
        }),
        verified_by: VerifiedBy::Size,
        attempts: 1,
        destination: "here".into(),
        updated_at: Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: AttachmentChanges::default(),
    }
}

fn occasion() -> VerificationRun {
    VerificationRun {
        started_at: Timestamp::UNIX_EPOCH,
        download: DownloadScope::None,
        destination: "here".into(),
    }
}

/// Returns the row of a results file with one line, one title and one file name.
fn row_with(entry: &ResultsEntry, title: &str, file_name: &str) -> VerificationRow {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.results.csv");
    let written = path.with_file_name("written.results.csv");
    let (mut file, _) = ResultsFile::begin(&written).unwrap();
    let line = LineToWrite {
        entry: entry.clone(),
        extras: vec![title.to_owned(), file_name.to_owned()],
    };
    let columns = ["title", "file_name"].map(str::to_owned);
    file.rewrite_before_run(CsvDialect::Comma, &columns, [line].into_iter())
        .unwrap();
    drop(file);
    // A process which another test starts at this moment may still hold the lock of the written
    // file.
    std::fs::copy(&written, &path).unwrap();
    let ledger = Ledger::read(&path).unwrap();
    VerificationRow::new(&ledger, entry, &occasion())
}

fn row(entry: &ResultsEntry) -> VerificationRow {
    row_with(entry, "", "")
}

#[test]
fn a_row_that_is_done_claims_what_its_line_says_and_counts_for_nothing_before_it_was_asked_for() {
    let row = row_with(&entry(Status::Uploaded), "Master agreement", "b.pdf");
    let claim = row.claim.clone().unwrap();
    assert_eq!(claim.external_id, "A1");
    assert_eq!(claim.title.as_deref(), Some("Master agreement"));
    assert_eq!(claim.file_name, "b.pdf");
    assert_eq!(claim.expected.size, Some(5));
    let (id, size) = row.attachment_to_check().unwrap();
    assert_eq!((id.as_str(), size), ("12", Some(5)));
    assert_eq!(row.line.outcome, VerificationOutcome::Error);
    assert_eq!(
        row.line.message,
        "the verification ended before this row was checked"
    );
    assert!(row.fails_verification());
}

#[test]
fn a_file_without_a_name_of_its_own_is_known_by_the_last_part_of_its_path() {
    let claim = row(&entry(Status::Uploaded)).claim.unwrap();
    assert_eq!((claim.file_name.as_str(), claim.title), ("a.pdf", None));
    let flat = ResultsEntry {
        file_path: "a.pdf".into(),
        ..entry(Status::Uploaded)
    };
    assert_eq!(row(&flat).claim.unwrap().file_name, "a.pdf");
}

#[test]
fn a_row_that_is_not_done_claims_nothing_and_says_how_it_stands() {
    let failed = ResultsEntry {
        reason: StatusReason::Refused,
        ..entry(Status::Failed)
    };
    for (entry, message) in [
        (entry(Status::Pending), "the row is pending"),
        (failed, "the row is failed, refused"),
    ] {
        let mut row = row(&entry);
        assert_eq!(row.attachment_to_check(), None);
        assert_eq!(
            (row.line.outcome, &*row.line.message),
            (VerificationOutcome::NotDone, message)
        );
        row.record_comparison(Timestamp::MAX, |_| {
            unreachable!("there is nothing to compare")
        });
        assert_eq!(row.line.checked_at, Timestamp::UNIX_EPOCH);
    }
}

#[test]
fn a_row_that_is_done_without_an_attachment_is_not_asked_for_and_objects() {
    let nameless = ResultsEntry {
        attachment_id: None,
        ..entry(Status::Uploaded)
    };
    let row = row(&nameless);
    assert_eq!(row.attachment_to_check(), None);
    assert_eq!(row.line.message, "the results name no attachment");
    assert!(row.fails_verification());
}

#[test]
fn what_was_found_out_stands_in_the_line_with_its_time() {
    let mut row = row(&entry(Status::Uploaded));
    let metadata = AttachmentMetadata {
        file_name: Reported::NotReported,
        uploaded_at: Reported::NotReported,
        external_id: Reported::NotReported,
        title: Reported::NotReported,
        size: Some(5),
    };
    let seen = InspectedAttachment::Found(metadata, InspectedBytes::NotDownloaded);
    row.record_comparison(Timestamp::MAX, |claim| claim.compare(&seen));
    assert_eq!(
        (row.line.outcome, &*row.line.message),
        (VerificationOutcome::Match, "")
    );
    assert_eq!(row.line.found.size, Some(5));
    assert_eq!(row.line.checked_at, Timestamp::MAX);
    assert!(!row.fails_verification());
}

#[test]
fn what_has_left_the_manifest_objects_by_what_it_claims_alone() {
    for (status, of_the_manifest, objects) in [
        (Status::Pending, Some(1), true),
        (Status::Pending, None, false),
        (Status::Uploaded, None, true),
    ] {
        let entry = ResultsEntry {
            row: of_the_manifest,
            ..entry(status)
        };
        assert_eq!(
            row(&entry).fails_verification(),
            objects,
            "{status} {of_the_manifest:?}"
        );
    }
    let damaged = VerificationRow::from_damaged_line("A1", "torn".into(), &occasion());
    assert_eq!(
        (damaged.line.outcome, &*damaged.line.message),
        (VerificationOutcome::Error, "torn")
    );
    assert!(damaged.fails_verification());
}

fn replaced(backup: BackupOutcome) -> AttachmentChanges {
    AttachmentChanges {
        replaced: Some(FormerContent {
            size: 3,
            sha256: Some(sha256(b"old")),
            backup,
        }),
        ..AttachmentChanges::default()
    }
}

#[test]
fn what_was_renamed_is_claimed_under_its_new_name_and_its_line_under_the_old_one() {
    let renamed = ResultsEntry {
        changes: AttachmentChanges {
            renamed_to: Some("EU-A1".into()),
            ..AttachmentChanges::default()
        },
        ..entry(Status::Renamed)
    };
    let row = row(&renamed);
    let claim = row.claim.unwrap();
    assert_eq!(claim.external_id, "EU-A1");
    assert_eq!(claim.key_source, KeySource::Rename);
    assert_eq!(row.line.external_id, "A1");
    assert_eq!(
        row.line.expected_names.external_id.as_deref(),
        Some("EU-A1")
    );
}

#[test]
fn a_title_is_claimed_where_the_import_gave_it_and_nowhere_else() {
    let retitled = AttachmentChanges {
        previous_title: Some("Old".into()),
        ..AttachmentChanges::default()
    };
    let of = |status, verified, changes: &AttachmentChanges| ResultsEntry {
        verified_by: verified,
        changes: changes.clone(),
        ..entry(status)
    };
    let (none, kept) = (
        AttachmentChanges::default(),
        replaced(BackupOutcome::Waived),
    );
    let both = AttachmentChanges {
        previous_title: Some("Old".into()),
        ..kept.clone()
    };
    for (entry, is_claimed) in [
        (of(Status::Uploaded, VerifiedBy::Size, &none), true),
        (of(Status::Skipped, VerifiedBy::Nothing, &none), false),
        (of(Status::Updated, VerifiedBy::Nothing, &retitled), true),
        // The attachment had no title before.
        (of(Status::Updated, VerifiedBy::Nothing, &none), true),
        (of(Status::Replaced, VerifiedBy::Etag, &kept), false),
        (of(Status::Replaced, VerifiedBy::Etag, &both), true),
        (of(Status::Renamed, VerifiedBy::Nothing, &none), false),
        (of(Status::Renamed, VerifiedBy::Nothing, &retitled), true),
        (of(Status::Renamed, VerifiedBy::Size, &none), true),
        (of(Status::Renamed, VerifiedBy::Size, &kept), false),
    ] {
        let claim = row_with(&entry, "New", "").claim.unwrap();
        let expected = is_claimed.then_some("New");
        assert_eq!(claim.title.as_deref(), expected, "{entry:?}");
    }
}

#[test]
fn what_somebody_else_stored_and_the_user_kept_is_not_downloaded() {
    let kept = ResultsEntry {
        reason: StatusReason::KeptExisting,
        known_content: KnownContent::Size(7),
        ..entry(Status::Skipped)
    };
    let row = row(&kept);
    assert_eq!(row.attachment_to_check().unwrap().1, Some(7));
    assert!(!row.is_download_candidate());
}

#[test]
fn what_waits_for_bytes_says_so_with_what_to_do_and_objects_even_from_outside_the_manifest() {
    let kept = || BackupOutcome::Kept("old/A1.12.pdf".into());
    for (reason, backup, told, message) in [
        (
            StatusReason::SourceChanged,
            kept(),
            "the file changed; mend the cause, and run the import again with --resume",
            "the attachment waits for bytes: the old bytes were released, and the new bytes are \
             not confirmed; the file changed; mend the cause, and run the import again with \
             --resume",
        ),
        (
            StatusReason::None,
            kept(),
            "",
            "the attachment waits for bytes: the old bytes were released, and the new bytes are \
             not confirmed; run the import again with --resume; the old content is in \
             \"old/A1.12.pdf\"",
        ),
        (
            StatusReason::Renewing,
            BackupOutcome::Waived,
            "",
            "the attachment may be without bytes: its content was about to be replaced; run the \
             import again with --resume; the old content was not kept (--no-backup)",
        ),
    ] {
        let waiting = ResultsEntry {
            row: None,
            reason,
            message: told.into(),
            changes: replaced(backup),
            ..entry(Status::Replacing)
        };
        let row = row(&waiting);
        assert_eq!(
            (row.line.outcome, &*row.line.message),
            (VerificationOutcome::NotDone, message)
        );
        assert_eq!(
            (row.attachment_to_check(), row.awaited_bytes),
            (None, AwaitedBytes::FromReplacement)
        );
        assert!(row.fails_verification());
    }
}

/// Returns a row with the outcome of a comparison of its attachment.
fn compared(
    entry: &ResultsEntry,
    outcome: VerificationOutcome,
    size: Option<u64>,
) -> VerificationRow {
    let mut row = row(entry);
    row.record_comparison(Timestamp::UNIX_EPOCH, |_| ClaimComparison {
        outcome,
        found: ContentFacts { size, sha256: None },
        message: match outcome {
            VerificationOutcome::Match => String::new(),
            other => format!("it is {other}"),
        },
    });
    row
}

#[test]
fn only_an_attachment_that_the_service_has_shown_is_looked_for_on_its_record() {
    use VerificationOutcome as Outcome;
    for (outcome, size, bytes) in [
        (Outcome::Match, Some(5), Some(BytesAtService::Stored)),
        (Outcome::Renamed, Some(5), Some(BytesAtService::Stored)),
        (Outcome::SizeDiffers, Some(6), Some(BytesAtService::Stored)),
        (Outcome::ContentDiffers, None, Some(BytesAtService::Stored)),
        (Outcome::Pending, None, Some(BytesAtService::None)),
        // The bytes could not be downloaded.
        (Outcome::Error, Some(5), Some(BytesAtService::Stored)),
        (Outcome::Error, None, None),
        (Outcome::Missing, None, None),
    ] {
        let row = compared(&entry(Status::Uploaded), outcome, size);
        let wanted = row.attachment_to_place();
        assert_eq!(wanted.map(|wanted| wanted.bytes), bytes, "{outcome}");
        if let Some(wanted) = wanted {
            assert_eq!(wanted.id.as_str(), "12");
            assert_eq!(
                wanted.claimed.map(|object| object.to_string()),
                Ok("contract 7".into())
            );
        }
    }
    assert_eq!(row(&entry(Status::Failed)).attachment_to_place(), None);
}

#[test]
fn results_that_name_no_record_are_told_by_the_cell_that_is_wrong() {
    for (object_type, object_id, fault) in [
        ("contract", "", "object_id is empty"),
        (
            "contract",
            "4.8E+04",
            "object_id \"4.8E+04\" is not a positive whole number in plain digits",
        ),
        (
            "offer",
            "7",
            "object_type \"offer\" is not one of contract, event, project, supplier_company, \
             sourcing_event, sourcing_request",
        ),
    ] {
        let nameless = ResultsEntry {
            object_type: object_type.into(),
            object_id: object_id.into(),
            ..entry(Status::Uploaded)
        };
        let row = compared(&nameless, VerificationOutcome::Match, Some(5));
        let claimed = row.attachment_to_place().unwrap().claimed;
        assert_eq!(claimed.unwrap_err(), fault);
    }
}

#[test]
fn the_state_of_the_attachment_is_graver_than_its_record_and_both_are_told() {
    use VerificationOutcome as Outcome;
    let claimed = ObjectRef::parse(ObjectType::Contract, "7").unwrap();
    let other = || ObjectVerdict::OtherObject {
        attachment: AttachmentId::parse("12").unwrap(),
        claimed,
        shown_on: None,
    };
    let unknown = || ObjectVerdict::Unknown {
        claimed: Some(claimed),
        cause: UnprovenCause::NotMentioned,
    };
    for (before, verdict, after) in [
        (Outcome::Match, ObjectVerdict::Proven, Outcome::Match),
        (Outcome::Renamed, ObjectVerdict::Proven, Outcome::Renamed),
        (Outcome::Match, other(), Outcome::OtherObject),
        (Outcome::Error, other(), Outcome::OtherObject),
        (Outcome::Pending, other(), Outcome::Pending),
        (Outcome::SizeDiffers, other(), Outcome::SizeDiffers),
        (Outcome::ContentDiffers, other(), Outcome::ContentDiffers),
        (Outcome::Renamed, other(), Outcome::Renamed),
        (Outcome::Match, unknown(), Outcome::Error),
        (Outcome::Renamed, unknown(), Outcome::Renamed),
    ] {
        let mut row = compared(&entry(Status::Uploaded), before, Some(5));
        let mut told: Vec<String> = vec![row.line.message.clone()];
        told.extend(verdict.message());
        told.retain(|message| !message.is_empty());
        row.record_object_verdict(verdict.clone(), Some(Timestamp::MAX));
        assert_eq!(row.line.outcome, after, "{before} {verdict:?}");
        assert_eq!(row.line.object, verdict.proof());
        assert_eq!(row.line.message, told.join("; "));
        assert_eq!(row.line.checked_at, Timestamp::MAX);
    }
}
