//! Reports on made-up results.

mod lists;
mod objects;
mod requested_changes;

use std::path::Path;

use tempfile::TempDir;

use super::evidence::EvidenceLevel;
use super::facts::{InputFile, ManifestAtHand, Report, ReportInputs};
use super::{html_path_for, json_path_for, manifest_paths_for, sums_path_for};
use crate::digest::sha256;
use crate::manifest::{self, ManifestOptions};
use crate::model::{AttachmentId, CheckedContent, FileStamp};
use crate::results::ledger::Ledger;
use crate::results::results_file::{LineToWrite, ResultsFile};
use crate::results::{KnownContent, ResultsEntry, Status, StatusReason, VerifiedBy};
use crate::text::csv_dialect::CsvDialect;
use crate::verification::verification_file::{VerificationFile, path_for, write};
use crate::verification::{
    ContentFacts, DownloadScope, ExpectedNames, ObjectProof, VerificationLine, VerificationOutcome,
};

fn entry(row: usize, status: Status) -> ResultsEntry {
    ResultsEntry {
        row: Some(row),
        file_path: format!("{row}.pdf"),
        object_type: "contract".into(),
        object_id: "7".into(),
        object_external_id: String::new(),
        external_id: format!("A{row}"),
        status,
        reason: StatusReason::None,
        attachment_id: Some(AttachmentId::parse("12").unwrap()),
        known_content: KnownContent::Complete(CheckedContent {
            stamp: FileStamp {
                size: 1_000,
                modified: "2020-08-18T12:48:42Z".parse().unwrap(),
            },
            sha256: sha256(b"hello"),
        }),
        verified_by: VerifiedBy::Size,
        attempts: 1,
        destination: "emulator".into(),
        updated_at: "2026-11-22T00:00:00Z".parse().unwrap(),
        message: String::new(),
        changes: crate::results::AttachmentChanges::default(),
    }
}

fn checked(entry: &ResultsEntry, outcome: VerificationOutcome) -> VerificationLine {
    VerificationLine {
        row: entry.row,
        external_id: entry.external_id.clone(),
        attachment_id: entry.attachment_id.clone(),
        outcome,
        object: ObjectProof::NotAskedFor,
        expected: ContentFacts::from_entry(entry),
        found: ContentFacts {
            size: entry.known_content.size(),
            sha256: None,
        },
        expected_names: ExpectedNames::default(),
        checked_at: "2026-11-23T00:00:00Z".parse().unwrap(),
        download: DownloadScope::None,
        local_file: None,
        destination: entry.destination.clone(),
        message: String::new(),
    }
}

/// Returns a checked line for each entry, with the outcome at the same place.
fn each_checked<const N: usize>(
    entries: &[ResultsEntry],
    outcomes: [VerificationOutcome; N],
) -> Vec<VerificationLine> {
    let both = entries.iter().zip(outcomes);
    both.map(|(entry, outcome)| checked(entry, outcome))
        .collect()
}

/// File beside the results, for a report.
enum CompanionFile<'a> {
    Nothing,
    Manifest(&'a str),
    Verification(&'a [VerificationLine]),
}

fn report(entries: &[ResultsEntry], with: &CompanionFile<'_>) -> Report {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.results.csv");
    let written = folder.path().join("written.results.csv");
    let (mut file, _) = ResultsFile::begin(&written).unwrap();
    let lines = entries.iter().map(|entry| LineToWrite {
        entry: entry.clone(),
        extras: Vec::new(),
    });
    file.rewrite_before_run(CsvDialect::Comma, &[], lines)
        .unwrap();
    drop(file);
    // A process that another test starts at this moment may still hold the lock of the written
    // file.
    std::fs::copy(&written, &path).unwrap();
    let ledger = Ledger::read(&path).unwrap();
    let about = InputFile::new(Path::new("somewhere/x.csv"), sha256(b""), 0);
    let mut inputs = ReportInputs {
        ledger: &ledger,
        verification: None,
        manifest: ManifestAtHand::Absent,
    };
    match with {
        CompanionFile::Nothing => Report::gather(&inputs, ledger.entries()),
        CompanionFile::Manifest(rows) => {
            let manifest = folder.path().join("m.csv");
            let header = "file_path,object_type,object_id,external_id";
            std::fs::write(&manifest, format!("{header}\n{rows}")).unwrap();
            let read = manifest::read_manifest(&manifest, &ManifestOptions::default()).unwrap();
            inputs.manifest = ManifestAtHand::Read(&read.manifest, &about);
            Report::gather(&inputs, ledger.entries())
        }
        CompanionFile::Verification(lines) => {
            write(&path_for(&path), CsvDialect::Comma, lines.iter()).unwrap();
            let text = std::fs::read(path_for(&path)).unwrap();
            let read = VerificationFile::parse(text, None).unwrap();
            inputs.verification = Some((&read, &about));
            Report::gather(&inputs, ledger.entries())
        }
    }
}

#[test]
fn the_strongest_evidence_counts_and_a_contradiction_counts_more() {
    let of = |status, verified, kind: &str| ResultsEntry {
        verified_by: verified,
        object_type: kind.into(),
        ..entry(1, status)
    };
    let uploaded = of(Status::Uploaded, VerifiedBy::Etag, "contract");
    let in_a_job = of(Status::Uploaded, VerifiedBy::Nothing, "sourcing_event");
    for (entry, level) in [
        (uploaded.clone(), Some(EvidenceLevel::Etag)),
        (
            of(Status::Uploaded, VerifiedBy::Size, "event"),
            Some(EvidenceLevel::Size),
        ),
        (in_a_job.clone(), Some(EvidenceLevel::Job)),
        (
            of(Status::Uploaded, VerifiedBy::Etag, "sourcing_event"),
            Some(EvidenceLevel::Etag),
        ),
        (
            of(Status::Skipped, VerifiedBy::Nothing, "contract"),
            Some(EvidenceLevel::SameSize),
        ),
        (
            of(Status::Uploaded, VerifiedBy::Nothing, "who knows"),
            Some(EvidenceLevel::Unrecorded),
        ),
        (of(Status::Failed, VerifiedBy::Etag, "contract"), None),
    ] {
        assert_eq!(EvidenceLevel::from_entry(&entry, None), level);
    }
    let mut line = checked(&uploaded, VerificationOutcome::Match);
    assert_eq!(
        EvidenceLevel::from_entry(&uploaded, Some(&line)),
        Some(EvidenceLevel::Etag)
    );
    line.found.sha256 = line.expected.sha256;
    assert_eq!(
        EvidenceLevel::from_entry(&uploaded, Some(&line)),
        Some(EvidenceLevel::Content)
    );
    line.outcome = VerificationOutcome::Renamed;
    assert_eq!(
        EvidenceLevel::from_entry(&uploaded, Some(&line)),
        Some(EvidenceLevel::Content)
    );
    for outcome in [
        VerificationOutcome::Missing,
        VerificationOutcome::Pending,
        VerificationOutcome::SizeDiffers,
        VerificationOutcome::ContentDiffers,
    ] {
        line.outcome = outcome;
        assert_eq!(
            EvidenceLevel::from_entry(&uploaded, Some(&line)),
            Some(EvidenceLevel::Contradicted)
        );
    }
    let unknown = checked(&in_a_job, VerificationOutcome::Unverifiable);
    assert_eq!(
        EvidenceLevel::from_entry(&in_a_job, Some(&unknown)),
        Some(EvidenceLevel::Job)
    );
}

#[test]
fn rows_and_bytes_of_all_statuses_are_all_rows_and_bytes() {
    let entries: Vec<ResultsEntry> = (1..)
        .zip(Status::ALL)
        .map(|(row, status)| entry(row, status))
        .collect();
    let report = report(&entries, &CompanionFile::Nothing);
    let rows: u64 = report.statuses.iter().map(|one| one.rows.0).sum();
    let bytes: u64 = report.statuses.iter().map(|one| one.bytes.0).sum();
    assert_eq!((rows, bytes), (12, 12_000));
    assert_eq!((report.rows.0, report.bytes.0), (12, 12_000));
    assert_eq!(
        (
            report.rows_done.0,
            report.rows_not_done.0,
            report.bytes_done.0
        ),
        (5, 7, 5_000)
    );
    let evidence: u64 = report.evidence.iter().map(|level| level.rows.0).sum();
    assert_eq!(evidence, 5);
    let told: u64 = report
        .exceptions
        .iter()
        .map(|group| group.rows.count.0)
        .sum();
    assert_eq!((told, report.serious_exceptions().0), (7, 7));
    assert_eq!(report.done_over_time.last().unwrap().rows_so_far.0, 5);
    assert_eq!(
        report.sizes.iter().map(|range| range.rows.0).sum::<u64>(),
        5
    );
}

#[test]
fn a_row_of_which_no_size_is_known_is_counted_as_such() {
    let unknown = ResultsEntry {
        known_content: KnownContent::Nothing,
        ..entry(1, Status::Pending)
    };
    let report = report(&[unknown], &CompanionFile::Nothing);
    assert_eq!(report.statuses[0].rows_without_size.0, 1);
    assert_eq!(report.bytes.0, 0);
    assert!(
        report.verdict.starts_with("0 of 1 row is done; 1 is not."),
        "{}",
        report.verdict
    );
}

#[test]
fn rows_agree_with_the_manifest_where_all_four_cells_do() {
    let entries = [entry(1, Status::Uploaded), entry(2, Status::Uploaded)];
    let agreeing = "1.pdf,contract,7,A1\n2.pdf,contract,7,A2\n";
    let found = report(&entries, &CompanionFile::Manifest(agreeing)).reconciliation;
    assert!(found.complete);
    assert_eq!(found.rows_that_agree.unwrap().0, 2);
    for (manifest, column) in [
        ("x.pdf,contract,7,A1\n2.pdf,contract,7,A2\n", "file_path"),
        ("1.pdf,event,7,A1\n2.pdf,contract,7,A2\n", "object_type"),
        ("1.pdf,contract,8,A1\n2.pdf,contract,7,A2\n", "object_id"),
        ("1.pdf,contract,7,B1\n2.pdf,contract,7,A2\n", "external_id"),
    ] {
        let found = report(&entries, &CompanionFile::Manifest(manifest)).reconciliation;
        assert!(!found.complete);
        assert_eq!(found.rows_that_agree.unwrap().0, 1);
        assert_eq!(found.cells_that_differ.listed[0].column, column);
    }
}

#[test]
fn rows_without_a_line_and_lines_without_a_row_are_told_apart() {
    let entries = [entry(2, Status::Uploaded), entry(4, Status::Uploaded)];
    let manifest = "1.pdf,contract,7,A1\n2.pdf,contract,7,A2\n3.pdf,contract,7,A3\n";
    let found = report(&entries, &CompanionFile::Manifest(manifest)).reconciliation;
    let without: Vec<usize> = found
        .rows_without_line
        .listed
        .iter()
        .map(|one| one.row)
        .collect();
    assert_eq!(without, [1, 3]);
    assert_eq!(found.surplus_lines.listed[0].row, 4);
    assert_eq!((found.rows_expected.0, found.rows_with_line.0), (3, 1));
}

#[test]
fn a_row_number_that_nobody_could_have_written_takes_no_time() {
    let entries = [
        entry(1, Status::Uploaded),
        entry(usize::MAX, Status::Uploaded),
    ];
    let found = report(&entries, &CompanionFile::Nothing).reconciliation;
    assert_eq!(found.rows_expected.0, usize::MAX as u64);
    assert_eq!(found.rows_without_line.count.0, usize::MAX as u64 - 2);
    assert_eq!(found.rows_without_line.listed.len(), 50);
}

#[test]
fn reasons_that_nobody_knows_do_not_make_groups_without_end() {
    let entries: Vec<ResultsEntry> = (1..=100)
        .map(|row| {
            let entry = entry(row, Status::Failed);
            let cells = entry.cells().map(std::borrow::Cow::into_owned);
            let reason = format!("made_up_{row}");
            let mut cells = cells.each_ref().map(String::as_str);
            cells[6] = &reason;
            ResultsEntry::from_cells(cells).unwrap()
        })
        .collect();
    let report = report(&entries, &CompanionFile::Nothing);
    assert_eq!(report.exceptions.len(), 41);
    assert_eq!(report.serious_exceptions().0, 100);
    let others = report
        .exceptions
        .iter()
        .find(|group| group.rows.count.0 > 1)
        .unwrap();
    assert_eq!(
        (others.reason.to_string().as_str(), others.rows.count.0),
        ("(other reasons)", 60)
    );
}

#[test]
fn what_nobody_can_verify_is_told_and_is_no_fault() {
    let in_a_job = ResultsEntry {
        object_type: "sourcing_event".into(),
        verified_by: VerifiedBy::Nothing,
        ..entry(1, Status::Uploaded)
    };
    let line = checked(&in_a_job, VerificationOutcome::Unverifiable);
    let report = report(&[in_a_job], &CompanionFile::Verification(&[line]));
    assert_eq!(report.service.as_deref(), Some("Keelvar"));
    assert_eq!(report.serious_exceptions().0, 0);
    assert_eq!(report.exceptions[0].what, "unverifiable");
    let open = report.not_proven.join("\n");
    assert!(
        open.contains("Keelvar has no way to list or download what a job attached."),
        "{open}"
    );
    assert!(
        !open.contains("On which record each attachment hangs"),
        "{open}"
    );
}

#[test]
fn what_is_proven_and_what_is_not_follows_from_the_figures() {
    let (one, other) = (entry(1, Status::Uploaded), entry(2, Status::Skipped));
    let mut line = checked(&one, VerificationOutcome::Match);
    line.found.sha256 = line.expected.sha256;
    line.download = "50% seed 7".parse().unwrap();
    let report = report(&[one, other], &CompanionFile::Verification(&[line]));
    let (proven, open) = (report.proven.join("\n"), report.not_proven.join("\n"));
    assert!(
        proven.starts_with("1 row: the bytes that the service held were downloaded"),
        "{proven}"
    );
    for sentence in [
        "1 row was skipped because an attachment had the external_id already",
        "The stored bytes of 1 row that is done were not downloaded since the import, or did not have the SHA-256",
        "The bytes of a sample were downloaded (50% seed 7)",
        "1 row is not covered by the verification.",
        "after 2026-11-23 00:00:00 UTC, when it was looked at last, is not known.",
        "On which record each attachment hangs: no answer about an attachment shows its record.",
        "The manifest was not at hand",
        "the results do not record it",
        "finds accidents, not forgeries",
    ] {
        assert!(open.contains(sentence), "{sentence} is not in\n{open}");
    }
}

#[test]
fn rows_that_were_there_already_are_not_taken_for_none() {
    let report = report(&[entry(1, Status::Skipped)], &CompanionFile::Nothing);
    assert_eq!(
        report.proven,
        [
            "1 row: before anything was sent, the service showed an attachment of the file's size \
             under the external_id."
        ]
    );
    let unrecorded = ResultsEntry {
        verified_by: VerifiedBy::Nothing,
        ..entry(1, Status::Uploaded)
    };
    let report = self::report(&[unrecorded], &CompanionFile::Nothing);
    assert_eq!(report.proven, Vec::<String>::new());
    let html = super::html::render(&report);
    assert!(
        html.contains("Nothing: what evidence there is for the rows that are done is no proof.")
    );
}

#[test]
fn a_verification_of_other_results_finds_nothing_out() {
    let one = entry(1, Status::Uploaded);
    let mut line = checked(&one, VerificationOutcome::Match);
    line.expected.size = Some(7);
    let report = report(&[one], &CompanionFile::Verification(&[line]));
    let html = super::html::render(&report);
    assert!(html.contains("<p>None: every row that has a line is done.</p>"));
    let open = report.not_proven.join("\n");
    assert!(
        open.contains("count for nothing here: 0 altered since, and 1 about what the results no"),
        "{open}"
    );
}

#[test]
fn what_verify_found_besides_is_in_the_verdict() {
    let entries: Vec<ResultsEntry> = (1..=4).map(|row| entry(row, Status::Uploaded)).collect();
    let outcomes = [
        VerificationOutcome::Match,
        VerificationOutcome::Renamed,
        VerificationOutcome::Error,
        VerificationOutcome::Error,
    ];
    let lines = each_checked(&entries, outcomes);
    let report = report(&entries, &CompanionFile::Verification(&lines));
    assert_eq!(
        report.verdict,
        "All 4 rows are done. Verified: 4 by the size that the service showed. consign verify found \
         another external_id or title for 1 row, and no clear answer for 2 rows."
    );
}

#[test]
fn the_service_was_asked_when_it_told_of_a_row_and_not_when_it_could_not() {
    let (one, other) = (entry(1, Status::Uploaded), entry(2, Status::Failed));
    let lines = [
        checked(&one, VerificationOutcome::Error),
        checked(&other, VerificationOutcome::NotDone),
    ];
    let report = report(&[one, other], &CompanionFile::Verification(&lines));
    let found = report.verification.as_ref().unwrap();
    assert_eq!(
        (found.first_checked_at, found.last_checked_at),
        (None, None)
    );
    let open = report.not_proven.join("\n");
    assert!(!open.contains("when it was looked at last"), "{open}");
    assert!(
        open.contains("The verification got no answer for any row that is done"),
        "{open}"
    );
}

#[test]
fn one_row_is_not_spoken_of_as_many() {
    let verdict = |status| report(&[entry(1, status)], &CompanionFile::Nothing).verdict;
    assert_eq!(verdict(Status::Failed), "0 of 1 row is done; 1 is not.");
    let done = verdict(Status::Uploaded);
    assert!(done.starts_with("The only row is done."), "{done}");
}

#[test]
fn a_report_on_nothing_claims_nothing() {
    let report = report(&[], &CompanionFile::Nothing);
    assert_eq!(report.verdict, "There are no rows.");
    assert_eq!(report.proven, Vec::<String>::new());
    assert!(super::html::render(&report).contains("Nothing: no row is done."));
    assert!(super::json::render(&report).contains("\"rows\": 0,"));
}

#[test]
fn everything_stands_beside_the_results() {
    let results = Path::new("a/m.results.csv");
    assert_eq!(html_path_for(results), Path::new("a/m.results.report.html"));
    assert_eq!(json_path_for(results), Path::new("a/m.results.report.json"));
    assert_eq!(sums_path_for(results), Path::new("a/m.results.SHA256SUMS"));
    assert_eq!(
        manifest_paths_for(results),
        [Path::new("a/m.csv"), Path::new("a/m.xlsx")]
    );
    assert!(manifest_paths_for(Path::new("a/done.csv")).is_empty());
}
