//! The difference found for each state at the service.

use std::collections::BTreeMap;

use super::*;
use crate::destination::JobOutcome;
use crate::digest::sha256;
use crate::model::ObjectType;

fn claim() -> AttachmentClaim {
    AttachmentClaim {
        external_id: "A1".into(),
        key_source: KeySource::Creator,
        title: Some("Master agreement".into()),
        file_name: "A1.pdf".into(),
        object: ObjectRef::parse(ObjectType::Contract, "7").map_err(|error| error.to_string()),
        expected: ContentFacts {
            size: Some(5),
            sha256: Some(sha256(b"hello")),
        },
    }
}

fn text(text: &str) -> Reported {
    Reported::Text {
        value: text.into(),
        redacted: text.into(),
    }
}

fn metadata() -> AttachmentMetadata {
    AttachmentMetadata {
        external_id: text("A1"),
        title: text("Master agreement"),
        file_name: text("A1.pdf"),
        uploaded_at: Reported::NotReported,
        size: Some(5),
    }
}

fn bytes(bytes: &[u8]) -> DigestedBytes {
    DigestedBytes {
        size: bytes.len() as u64,
        sha256: sha256(bytes),
    }
}

fn compare(metadata: AttachmentMetadata, bytes: InspectedBytes) -> (VerificationOutcome, String) {
    let verdict = claim().compare(&InspectedAttachment::Found(metadata, bytes));
    (verdict.outcome, verdict.message)
}

#[test]
fn the_gravest_difference_is_the_outcome_and_all_of_them_are_told() {
    let cases = [
        (metadata(), VerificationOutcome::Match, ""),
        (
            AttachmentMetadata {
                size: None,
                ..metadata()
            },
            VerificationOutcome::Pending,
            "the attachment has no bytes",
        ),
        (
            AttachmentMetadata {
                size: Some(6),
                title: text("Other"),
                ..metadata()
            },
            VerificationOutcome::SizeDiffers,
            "the service shows 6 bytes, and 5 bytes were imported; the title is now \"Other\"",
        ),
        (
            AttachmentMetadata {
                external_id: Reported::Null,
                ..metadata()
            },
            VerificationOutcome::Renamed,
            "the attachment has no external_id any more",
        ),
        (
            AttachmentMetadata {
                external_id: text("a1"),
                ..metadata()
            },
            VerificationOutcome::Renamed,
            "the external_id is now \"a1\"",
        ),
        (
            AttachmentMetadata {
                external_id: Reported::NotReported,
                title: Reported::NotReported,
                ..metadata()
            },
            VerificationOutcome::Match,
            "",
        ),
    ];
    for (exhibit, outcome, message) in cases {
        assert_eq!(
            compare(exhibit, InspectedBytes::NotDownloaded),
            (outcome, message.to_owned())
        );
    }
}

#[test]
fn a_title_that_the_service_made_up_is_no_change() {
    let untitled = AttachmentClaim {
        title: None,
        ..claim()
    };
    let verdict = untitled.compare(&InspectedAttachment::Found(
        metadata(),
        InspectedBytes::NotDownloaded,
    ));
    assert_eq!(verdict.outcome, VerificationOutcome::Match);
}

#[test]
fn what_was_renamed_is_expected_under_its_new_name_and_no_other() {
    let renamed = AttachmentClaim {
        external_id: "EU-A1".into(),
        key_source: KeySource::Rename,
        ..claim()
    };
    for (now, outcome, message) in [
        (text("EU-A1"), VerificationOutcome::Match, ""),
        (Reported::NotReported, VerificationOutcome::Match, ""),
        (
            text("A1"),
            VerificationOutcome::Renamed,
            "the external_id is now \"A1\", but the import set \"EU-A1\"",
        ),
        (
            Reported::Null,
            VerificationOutcome::Renamed,
            "the attachment has no external_id any more, but the import set \"EU-A1\"",
        ),
    ] {
        let metadata = AttachmentMetadata {
            external_id: now,
            ..metadata()
        };
        let verdict = renamed.compare(&InspectedAttachment::Found(
            metadata,
            InspectedBytes::NotDownloaded,
        ));
        assert_eq!((verdict.outcome, &*verdict.message), (outcome, message));
    }
}

#[test]
fn of_what_somebody_else_stored_the_size_is_compared_and_nobody_says_that_it_was_imported() {
    let kept = AttachmentClaim {
        expected: ContentFacts {
            size: Some(5),
            sha256: None,
        },
        ..claim()
    };
    let of = |size| {
        let metadata = AttachmentMetadata { size, ..metadata() };
        let verdict = kept.compare(&InspectedAttachment::Found(
            metadata,
            InspectedBytes::NotDownloaded,
        ));
        (verdict.outcome, verdict.message)
    };
    assert_eq!(of(Some(5)), (VerificationOutcome::Match, String::new()));
    assert_eq!(
        of(Some(6)),
        (
            VerificationOutcome::SizeDiffers,
            "the service shows 6 bytes, and 5 bytes were there at the import".to_owned()
        )
    );
}

#[test]
fn bytes_are_what_was_imported_or_not() {
    for (fetched, outcome) in [
        (
            FetchedContent::File(bytes(b"hello")),
            VerificationOutcome::Match,
        ),
        (
            FetchedContent::WebPage(bytes(b"hello")),
            VerificationOutcome::Match,
        ),
        (
            FetchedContent::File(bytes(b"HELLO")),
            VerificationOutcome::ContentDiffers,
        ),
        (
            FetchedContent::File(bytes(b"hell")),
            VerificationOutcome::ContentDiffers,
        ),
        (
            FetchedContent::WebPage(bytes(b"<html")),
            VerificationOutcome::Error,
        ),
        (FetchedContent::TooLong, VerificationOutcome::ContentDiffers),
    ] {
        let (found, _) = compare(metadata(), InspectedBytes::Downloaded(fetched));
        assert_eq!(found, outcome, "{fetched:?}");
    }
    let (outcome, message) = compare(metadata(), InspectedBytes::Unavailable("status 404".into()));
    assert_eq!(outcome, VerificationOutcome::Error);
    assert_eq!(message, "the bytes could not be downloaded: status 404");
}

#[test]
fn a_digest_proves_the_content_where_the_results_know_no_size() {
    let expected = ContentFacts {
        size: None,
        ..claim().expected
    };
    let claim = AttachmentClaim {
        expected,
        ..claim()
    };
    let seen = InspectedAttachment::Found(
        metadata(),
        InspectedBytes::Downloaded(FetchedContent::File(bytes(b"hello"))),
    );
    assert_eq!(claim.compare(&seen).outcome, VerificationOutcome::Match);
}

#[test]
fn a_job_that_ended_in_success_passes_nothing() {
    let end = |file_outcome| {
        InspectedJob::Ended(JobOutcome {
            message: "COMPLETED".into(),
            named_files: BTreeMap::from([("A1.pdf".to_owned(), file_outcome)]),
            other_files: FileOutcome::Attached,
        })
    };
    for (job, outcome) in [
        (
            end(FileOutcome::Attached),
            VerificationOutcome::Unverifiable,
        ),
        (
            end(FileOutcome::NotAttached("too large".into())),
            VerificationOutcome::Missing,
        ),
        (end(FileOutcome::Unknown), VerificationOutcome::Error),
        (InspectedJob::Absent, VerificationOutcome::Unverifiable),
        (
            InspectedJob::Running("RUNNING".into()),
            VerificationOutcome::Pending,
        ),
        (
            InspectedJob::Unknown("status 500".into()),
            VerificationOutcome::Error,
        ),
    ] {
        assert_eq!(claim().compare_with_job(&job).outcome, outcome, "{job:?}");
    }
}
