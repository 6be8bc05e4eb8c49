//! Reports on changed content, titles and keys, and on other content that was kept.

use super::lists::assert_list_html_bytes_fit;
use super::*;
use crate::report::html::render;
use crate::report::requested_changes::{
    ChangedAttachment, ChangedExternalId, ChangedTitle, ReplacedContent,
};
use crate::report::values::{ByteCount, UntrustedText};
use crate::results::{AttachmentChanges, BackupOutcome, FormerContent};

fn former(size: u64, backup: BackupOutcome) -> AttachmentChanges {
    AttachmentChanges {
        replaced: Some(FormerContent {
            size,
            sha256: Some(sha256(b"old")),
            backup,
        }),
        ..AttachmentChanges::default()
    }
}

fn backup() -> BackupOutcome {
    BackupOutcome::Kept("old/A1.12.pdf".into())
}

fn replaced(row: usize, size: u64, backup: BackupOutcome) -> ResultsEntry {
    ResultsEntry {
        changes: former(size, backup),
        ..entry(row, Status::Replaced)
    }
}

fn renamed(row: usize) -> ResultsEntry {
    ResultsEntry {
        changes: AttachmentChanges {
            renamed_to: Some(format!("EU-A{row}")),
            ..AttachmentChanges::default()
        },
        ..entry(row, Status::Renamed)
    }
}

fn kept(row: usize) -> ResultsEntry {
    ResultsEntry {
        reason: StatusReason::KeptExisting,
        known_content: KnownContent::Size(7),
        verified_by: VerifiedBy::Nothing,
        ..entry(row, Status::Skipped)
    }
}

#[test]
fn content_counts_as_seen_by_the_import_where_it_had_to_download_it() {
    let same = ResultsEntry {
        reason: StatusReason::SameContent,
        ..entry(1, Status::Skipped)
    };
    for (entry, level) in [
        (same, EvidenceLevel::ContentAtImport),
        (replaced(1, 1_000, backup()), EvidenceLevel::ContentAtImport),
        (replaced(1, 999, backup()), EvidenceLevel::Size),
    ] {
        assert_eq!(
            EvidenceLevel::from_entry(&entry, None),
            Some(level),
            "{entry:?}"
        );
        let mut line = checked(&entry, VerificationOutcome::Match);
        line.found.sha256 = line.expected.sha256;
        assert_eq!(
            EvidenceLevel::from_entry(&entry, Some(&line)),
            Some(EvidenceLevel::Content)
        );
        line.outcome = VerificationOutcome::Missing;
        assert_eq!(
            EvidenceLevel::from_entry(&entry, Some(&line)),
            Some(EvidenceLevel::Contradicted)
        );
    }
}

#[test]
fn what_was_only_given_a_name_is_known_as_well_as_it_was_before() {
    let of = |verified, known| ResultsEntry {
        known_content: known,
        verified_by: verified,
        ..renamed(1)
    };
    let content = renamed(1).known_content;
    for (entry, level) in [
        (of(VerifiedBy::Etag, content), EvidenceLevel::Etag),
        (of(VerifiedBy::Nothing, content), EvidenceLevel::SameSize),
        (
            of(VerifiedBy::Nothing, KnownContent::Size(7)),
            EvidenceLevel::KeptExisting,
        ),
    ] {
        assert_eq!(
            EvidenceLevel::from_entry(&entry, None),
            Some(level),
            "{entry:?}"
        );
    }
}

#[test]
fn what_was_kept_is_never_taken_for_the_file_whatever_was_downloaded() {
    // A file changed after its import.
    let ours = ResultsEntry {
        reason: StatusReason::KeptExisting,
        ..entry(1, Status::Skipped)
    };
    let mut line = checked(&ours, VerificationOutcome::Match);
    line.found.sha256 = line.expected.sha256;
    assert!(line.is_content_proven());
    for entry in [&ours, &kept(1)] {
        assert_eq!(
            EvidenceLevel::from_entry(entry, Some(&line)),
            Some(EvidenceLevel::KeptExisting)
        );
    }
    let report = report(&[ours, kept(2)], &CompanionFile::Nothing);
    assert_eq!(
        report.verdict,
        "All 2 rows are done. 2 rows leave other content than that of the file in place."
    );
    let open = report.not_proven.join("\n");
    assert!(open.contains("The file is not in the service."), "{open}");
    assert!(!open.contains("The stored bytes of"), "{open}");
}

#[test]
fn the_file_of_what_was_kept_is_not_among_the_digests() {
    use crate::report::sha256_sums::Sha256Sums;

    let mut sums = Sha256Sums::default();
    let ours = ResultsEntry {
        reason: StatusReason::KeptExisting,
        ..entry(1, Status::Skipped)
    };
    for entry in [&ours, &kept(2), &replaced(3, 5, backup())] {
        sums.take_line(entry);
    }
    let text = sums.render();
    assert!(
        text.ends_with("  3.pdf\n") && text.lines().count() == 1,
        "{text}"
    );
}

#[test]
fn changes_are_counted_in_the_verdict_as_far_as_they_came_to_their_end() {
    let waiting = ResultsEntry {
        changes: former(5, BackupOutcome::Waived),
        ..entry(4, Status::Replacing)
    };
    let entries = [
        replaced(1, 5, backup()),
        replaced(2, 6, BackupOutcome::Waived),
        renamed(3),
        waiting,
    ];
    let report = report(&entries, &CompanionFile::Nothing);
    assert_eq!(
        report.verdict,
        "3 of 4 rows are done; 1 is not. Verified: 3 by the size that the service showed. Changed on \
         request: the content of 2 rows; the external_id of 1 row. 1 attachment may be without \
         content: see the exceptions."
    );
    assert_eq!(report.changed.content.count.0, 3);
    let (proven, open) = (report.proven.join("\n"), report.not_proven.join("\n"));
    assert!(
        proven.contains("1 row: before the content was replaced"),
        "{proven}"
    );
    for sentence in [
        "1 row: a replacement has not come to its end",
        "2 rows: the former content was replaced without a backup",
        "this report did not look",
    ] {
        assert!(open.contains(sentence), "{sentence} is not in\n{open}");
    }
}

#[test]
fn an_attachment_that_waits_for_bytes_is_an_exception_even_where_its_row_has_left_the_manifest() {
    let waiting = ResultsEntry {
        row: None,
        changes: former(5, backup()),
        ..entry(1, Status::Replacing)
    };
    let report = report(&[waiting], &CompanionFile::Nothing);
    assert_eq!(report.serious_exceptions().0, 1);
    assert_eq!(report.exceptions[0].what, "replacing");
    assert_eq!(report.changed.content.listed[0].attachment.row, None);
}

#[test]
fn a_report_on_an_import_that_changed_nothing_has_no_section_for_it() {
    let html = render(&report(
        &[entry(1, Status::Uploaded)],
        &CompanionFile::Nothing,
    ));
    assert!(!html.contains("What was changed"), "{html}");
    let html = render(&report(&[renamed(1)], &CompanionFile::Nothing));
    assert!(html.contains("<h2 id=\"changes-title\">What was changed</h2>"));
    assert!(!html.contains("Content that was replaced"));
}

#[test]
fn what_was_changed_takes_about_as_much_room_as_its_lists_expect() {
    let of = |external_id| ChangedAttachment {
        row: Some(7),
        external_id,
        attachment_id: Some(UntrustedText::new("12")),
        status: "replaced",
    };
    let digest = || Some(sha256(b"").to_string());
    assert_list_html_bytes_fit(
        |report| &mut report.changed.content,
        |text: UntrustedText| ReplacedContent {
            attachment: of(text.clone()),
            previous_size: ByteCount(1_000),
            previous_sha256: digest(),
            size: Some(ByteCount(2_000)),
            sha256: digest(),
            backup: Some(text),
        },
    );
    assert_list_html_bytes_fit(
        |report| &mut report.changed.titles,
        |text: UntrustedText| ChangedTitle {
            attachment: of(text.clone()),
            previous_title: Some(text.clone()),
            title: text,
        },
    );
    assert_list_html_bytes_fit(
        |report| &mut report.changed.external_ids,
        |text: UntrustedText| ChangedExternalId {
            attachment: of(text.clone()),
            renamed_to: text,
        },
    );
}
