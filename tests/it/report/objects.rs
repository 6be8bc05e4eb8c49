//! Sections of a report on a verification which asked the records for their attachments, compared
//! with `golden/objects.html`. `UPDATE_GOLDEN=1` writes the file anew.

use std::fs;

use consign::text::csv_dialect::CsvDialect;
use consign::verification::verification_file;
use consign::verification::{ObjectProof, VerificationLine, VerificationOutcome};

use super::golden::golden;
use super::inputs::checked;
use super::{HTML, VERIFICATION, report, uploaded, with_results};

/// Returns a line of the verification with a proof for the record of the attachment.
fn line(
    row: usize,
    outcome: VerificationOutcome,
    object: ObjectProof,
    message: &str,
) -> VerificationLine {
    VerificationLine {
        object,
        message: message.to_owned(),
        ..checked(row, outcome)
    }
}

#[test]
fn what_the_records_list_is_proven_and_what_they_do_not_is_an_exception() {
    let test = with_results((1..=4).map(uploaded));
    let lines = [
        line(1, VerificationOutcome::Match, ObjectProof::Proven, ""),
        line(2, VerificationOutcome::Match, ObjectProof::Proven, ""),
        line(
            3,
            VerificationOutcome::OtherObject,
            ObjectProof::OtherObject,
            "attachment 3 hangs on contract 2, not on contract 3: find out which record is right",
        ),
        line(
            4,
            VerificationOutcome::Error,
            ObjectProof::Unknown,
            "contract 4 does not mention its attachments in its answer: look at it in the service",
        ),
    ];
    verification_file::write(&test.path(VERIFICATION), CsvDialect::Comma, lines.iter()).unwrap();
    report(&test).with_any_stderr().exits(0);
    let html = test.read(HTML);
    let section = |id: &str| {
        let (_, from) = html.split_once(&format!("<section id=\"{id}\"")).unwrap();
        let (section, _) = from.split_once("\n</section>").unwrap();
        format!("<section id=\"{id}\"{section}\n</section>\n")
    };
    let version = concat!("consign ", env!("CARGO_PKG_VERSION"));
    let found = ["evidence", "proof", "exceptions", "rows"].map(section);
    let found = found.concat().replace(version, "consign [version]");
    let path = golden("objects.html");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &found).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), found);
}
