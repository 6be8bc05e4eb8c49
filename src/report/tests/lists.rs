//! Lists of a report: items, order, and size in HTML.

use super::*;
use crate::report::bounded_list::{BoundedList, HtmlSize};
use crate::report::facts::DamagedLine;
use crate::report::html::render;
use crate::report::reconciliation::{CellDifference, UnmatchedItem};
use crate::report::values::UntrustedText;

#[test]
fn a_second_line_of_a_row_is_one_too_many() {
    let second = ResultsEntry {
        external_id: "B1".into(),
        ..entry(1, Status::Uploaded)
    };
    let entries = [
        entry(1, Status::Uploaded),
        second,
        entry(2, Status::Uploaded),
    ];
    for with in [
        CompanionFile::Nothing,
        CompanionFile::Manifest("1.pdf,contract,7,A1\n2.pdf,contract,7,A2\n"),
    ] {
        let found = report(&entries, &with).reconciliation;
        assert_eq!((found.rows_expected.0, found.rows_with_line.0), (2, 2));
        assert!(!found.complete);
        assert_eq!(found.surplus_lines.count.0, 1);
        let line = &found.surplus_lines.listed[0];
        assert_eq!((line.row, line.external_id.to_string()), (1, "B1".into()));
    }
}

#[test]
fn what_contradicts_the_results_comes_first_and_what_nobody_can_verify_last() {
    let entries: Vec<ResultsEntry> = (1..=4)
        .map(|row| ResultsEntry {
            status: if row == 2 {
                Status::Failed
            } else {
                Status::Uploaded
            },
            ..entry(row, Status::Uploaded)
        })
        .collect();
    let outcomes = [
        VerificationOutcome::Unverifiable,
        VerificationOutcome::NotDone,
        VerificationOutcome::Missing,
        VerificationOutcome::Match,
    ];
    let lines = each_checked(&entries, outcomes);
    let report = report(&entries, &CompanionFile::Verification(&lines));
    let groups: Vec<_> = report
        .exceptions
        .iter()
        .map(|group| (group.found_by, group.what, group.rows.count.0))
        .collect();
    assert_eq!(
        groups,
        [
            ("verify", "missing", 1),
            ("results", "failed", 1),
            ("verify", "unverifiable", 1),
        ]
    );
    assert_eq!(report.serious_exceptions().0, 2);
}

/// Compares the size in HTML of one more item with the estimate.
#[track_caller]
fn assert_html_bytes_fit(more: &Report, less: &Report, weight: usize) {
    let taken = render(more).len() - render(less).len();
    assert!(
        taken <= weight && weight <= 2 * taken + 60,
        "it takes {taken} bytes, and is said to take {weight}"
    );
}

const HOSTILE: &str = "<b>\"é\u{202e}\" & 'co'";

#[test]
fn a_row_takes_about_as_much_room_as_the_list_of_all_rows_expects() {
    for word in ["", HOSTILE, &"x".repeat(900)] {
        let row = |row| ResultsEntry {
            file_path: format!("{row}{word}"),
            external_id: format!("A{row}{word}"),
            ..entry(row, Status::Uploaded)
        };
        let rows = [row(1), row(2), row(3)];
        let [more, less] = [3, 2].map(|count| report(&rows[..count], &CompanionFile::Nothing));
        assert_html_bytes_fit(&more, &less, more.row_list.listed[2].html_bytes());
    }
}

/// Adds items to a list of a report, and compares the size in HTML of the second item with its
/// estimate.
#[track_caller]
pub(super) fn assert_list_html_bytes_fit<T: HtmlSize>(
    list: impl Fn(&mut Report) -> &mut BoundedList<T>,
    thing: impl Fn(UntrustedText) -> T,
) {
    let mut more = report(&[entry(1, Status::Uploaded)], &CompanionFile::Nothing);
    for word in ["x", HOSTILE, &"x".repeat(900)] {
        let thing = || thing(UntrustedText::new(word));
        list(&mut more).push(thing);
        let less = more.clone();
        list(&mut more).push(thing);
        assert_html_bytes_fit(&more, &less, thing().html_bytes());
    }
}

#[test]
fn what_does_not_add_up_takes_about_as_much_room_as_its_lists_expect() {
    let differing = |text: UntrustedText| CellDifference {
        row: 7,
        column: "external_id",
        in_manifest: text.clone(),
        in_results: text,
    };
    let place = |external_id| UnmatchedItem {
        row: 7,
        external_id,
    };
    assert_list_html_bytes_fit(
        |report| &mut report.reconciliation.cells_that_differ,
        differing,
    );
    assert_list_html_bytes_fit(|report| &mut report.reconciliation.rows_without_line, place);
    assert_list_html_bytes_fit(|report| &mut report.reconciliation.surplus_lines, place);
}

#[test]
fn a_damaged_line_takes_about_as_much_room_as_its_list_expects() {
    let damaged = |text: UntrustedText| DamagedLine {
        line: 7,
        external_id: text.clone(),
        why: text,
    };
    assert_list_html_bytes_fit(|report| &mut report.damage.damaged_lines, damaged);
}

/// Returns the CSS class of the verdict.
fn colour(report: &Report) -> String {
    let html = render(report);
    let (_, rest) = html.split_once("<p class=\"verdict ").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn the_verdict_has_the_colour_of_the_worst_that_is_known() {
    let done = |row| entry(row, Status::Uploaded);
    assert_eq!(
        colour(&report(&[done(1), done(2)], &CompanionFile::Nothing)),
        "good"
    );
    let gap = report(&[done(1), done(3)], &CompanionFile::Nothing);
    assert_eq!(colour(&gap), "unsure");
    let mut damaged = report(&[done(1)], &CompanionFile::Nothing);
    damaged.damage.torn_line = Some(3);
    assert_eq!(colour(&damaged), "unsure");

    let open = report(
        &[done(1), entry(2, Status::Pending)],
        &CompanionFile::Nothing,
    );
    assert_eq!(colour(&open), "open");
    let missing = checked(&done(1), VerificationOutcome::Missing);
    let missing = report(&[done(1)], &CompanionFile::Verification(&[missing]));
    assert_eq!(missing.rows_not_done.0, 0);
    assert_eq!(colour(&missing), "open");
    let in_a_job = ResultsEntry {
        object_type: "sourcing_event".into(),
        ..done(1)
    };
    let unverifiable = checked(&in_a_job, VerificationOutcome::Unverifiable);
    let unverifiable = report(&[in_a_job], &CompanionFile::Verification(&[unverifiable]));
    assert_eq!(colour(&unverifiable), "good", "it is no fault of a row");
}

#[test]
fn what_was_begun_is_called_by_the_name_that_its_service_has_for_it() {
    for (kind, meaning) in [
        (
            "contract",
            "Their record was made, and its bytes are not yet confirmed.",
        ),
        (
            "sourcing_event",
            "Their job was made, and has not been sent their files.",
        ),
    ] {
        let begun = ResultsEntry {
            object_type: kind.into(),
            ..entry(1, Status::Created)
        };
        let groups = report(&[begun], &CompanionFile::Nothing).exceptions;
        assert_eq!(groups[0].meaning, meaning);
    }
}
