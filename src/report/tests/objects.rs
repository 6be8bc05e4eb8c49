//! Statements about the records on which the attachments hang.

use super::*;

/// Returns the report on done rows, each verified with a proof for its record.
fn report_with_proofs(proofs: &[ObjectProof]) -> Report {
    let entries: Vec<_> = (1..=proofs.len())
        .map(|row| entry(row, Status::Uploaded))
        .collect();
    let lines: Vec<_> = entries
        .iter()
        .zip(proofs)
        .map(|(entry, proof)| {
            let outcome = match proof {
                ObjectProof::OtherObject => VerificationOutcome::OtherObject,
                ObjectProof::Unknown => VerificationOutcome::Error,
                ObjectProof::Proven | ObjectProof::NotAskedFor => VerificationOutcome::Match,
            };
            VerificationLine {
                object: *proof,
                message: proof.as_str().to_owned(),
                ..checked(entry, outcome)
            }
        })
        .collect();
    report(&entries, &CompanionFile::Verification(&lines))
}

/// Returns the sentences that contain `words`.
fn sentences<'r>(all: &'r [String], words: &str) -> Vec<&'r str> {
    let all = all.iter().map(String::as_str);
    all.filter(|sentence| sentence.contains(words)).collect()
}

const TIME: &str = ", at 2026-11-23 00:00:00 UTC";

#[test]
fn attachments_that_all_their_records_list_are_proven_to_hang_there() {
    let report = report_with_proofs(&[ObjectProof::Proven; 3]);
    assert!(
        report
            .verdict
            .contains(" Each of the 3 attachments is listed by its record."),
        "{}",
        report.verdict
    );
    assert_eq!(
        sentences(&report.proven, "listed by"),
        [format!(
            "Each of the 3 attachments is listed by its record: consign verify asked the records \
             for their attachments{TIME}."
        )]
    );
    assert_eq!(sentences(&report.not_proven, "record each"), [""; 0]);
    assert_eq!(sentences(&report.not_proven, "hang on"), [""; 0]);
    let counts = report.verification.unwrap().objects;
    assert_eq!([counts.proven.0, counts.not_asked.0], [3, 0]);
    let alone = report_with_proofs(&[ObjectProof::Proven]);
    assert_eq!(
        sentences(&alone.proven, "listed by"),
        [format!(
            "The only attachment is listed by its record, which consign verify asked for its \
             attachments{TIME}."
        )]
    );
}

#[test]
fn attachments_without_proof_are_counted_by_what_is_known_and_others_are_exceptions() {
    let report = report_with_proofs(&[
        ObjectProof::Proven,
        ObjectProof::OtherObject,
        ObjectProof::Unknown,
        ObjectProof::NotAskedFor,
    ]);
    assert!(
        report.verdict.ends_with(
            " Verified: 4 by the size that the service showed. 1 of the 4 attachments is listed by \
             its record. 1 attachment is not on the record that the results name: see the \
             exceptions. consign verify found no clear answer for 1 row."
        ),
        "{}",
        report.verdict
    );
    assert_eq!(
        sentences(&report.proven, "listed by"),
        [format!(
            "1 of the 4 attachments is listed by its record: consign verify asked the records \
             for their attachments{TIME}."
        )]
    );
    assert_eq!(
        sentences(&report.not_proven, "hang on their records"),
        [
            "3 of the 4 attachments are not proven to hang on their records: 1 is not on the record \
             that the results name (see the exceptions); 1 is on a record that was not read, or whose answer \
             proves nothing (the verification says why); 1 is without a record that was asked. consign \
             verify --objects asks the records."
        ]
    );
    let group = &report.exceptions[0];
    assert_eq!((group.what, group.rows.count.0), ("other_object", 1));
    assert_eq!(group.rows.listed[0].object_proof, Some("other"));
    assert_eq!(report.row_list.listed[3].object_proof, None);
}

#[test]
fn records_that_nobody_asked_leave_it_open_and_the_report_says_how_to_ask() {
    for report in [
        report_with_proofs(&[ObjectProof::NotAskedFor; 2]),
        report(&[entry(1, Status::Uploaded)], &CompanionFile::Nothing),
    ] {
        assert_eq!(sentences(&report.proven, "listed by"), [""; 0]);
        let [open] = sentences(&report.not_proven, "On which record each attachment hangs")[..]
        else {
            panic!("{:?}", report.not_proven);
        };
        assert!(
            open.contains("consign verify --objects asks the records"),
            "{open}"
        );
    }
}

#[test]
fn rows_that_were_there_already_hang_where_their_record_lists_them() {
    let skipped = entry(1, Status::Skipped);
    for (proof, words) in [
        (
            ObjectProof::NotAskedFor,
            "which record it hangs on is not known; nor is its content",
        ),
        (
            ObjectProof::Unknown,
            "which record it hangs on is known only where the record lists it",
        ),
        (
            ObjectProof::Proven,
            "Unless this import made it, its content is known only",
        ),
    ] {
        let line = VerificationLine {
            object: proof,
            ..checked(&skipped, VerificationOutcome::Match)
        };
        let lines = [line];
        let report = report(
            std::slice::from_ref(&skipped),
            &CompanionFile::Verification(&lines),
        );
        assert_eq!(
            sentences(&report.not_proven, words).len(),
            1,
            "{:?}",
            report.not_proven
        );
    }
}
