use proptest::prelude::*;

use super::*;

/// Returns the numbers of a file as written: `whole` lines at once, the first with the serial
/// `first`, and then an appended line for each row of `appended`.
fn written_numbers(first: LineSerial, whole: u64, appended: &[u32]) -> Vec<LineNumbers> {
    let of_whole = (0..whole).map(|place| LineNumbers {
        serial: first + place,
        file_line_count: Some(whole),
        row: u32::try_from(place + 1).ok(),
    });
    let of_journal = (whole..).zip(appended).map(|(place, row)| LineNumbers {
        serial: first + place,
        file_line_count: Some(place + 1),
        row: Some(*row),
    });
    of_whole.chain(of_journal).collect()
}

fn lost_of(lines: &[LineNumbers]) -> LostLines {
    let census = LostLineDetector {
        intact: lines.to_vec(),
        ..LostLineDetector::default()
    };
    census.into_lost_lines()
}

/// Returns the lost lines of the file without the lines at these indices.
fn lost_without(lines: &[LineNumbers], gone: &[usize]) -> LostLines {
    let left = lines.iter().enumerate();
    let left = left.filter(|(place, _)| !gone.contains(place));
    lost_of(&left.map(|(_, line)| *line).collect::<Vec<_>>())
}

#[test]
fn lines_of_a_whole_file_are_missed_wherever_they_stood_and_their_rows_are_known() {
    for (first, gone) in [
        (31, &[][..]),
        (31, &[0]),
        (31, &[5]),
        (1, &[5]),
        (1, &[4, 5]),
        (31, &[0, 5]),
        (31, &[2, 3]),
        (1, &[0, 1, 2, 3]),
        (31, &[1, 2, 3, 4, 5]),
    ] {
        let lost = lost_without(&written_numbers(first, 6, &[]), gone);
        assert_eq!((lost.line_count, lost.removed), (6, gone.len() as u64));
        // A single line that is left may have been appended, as far as the detector knows.
        if gone.len() < 5 {
            let rows = gone.iter().map(|place| u32::try_from(place + 1).unwrap());
            assert_eq!(lost.rows, Some(rows.collect()), "{gone:?}");
        }
        assert_eq!(lost.is_empty(), gone.is_empty());
    }
}

#[test]
fn lines_that_were_appended_are_missed_as_long_as_a_later_one_is_there() {
    let journal = written_numbers(1, 2, &[3, 3, 1, 3, 4]);
    for (gone, removed) in [
        (&[3][..], 1),
        (&[2, 3], 2),
        (&[0, 1, 2, 3, 4, 5], 6),
        (&[6], 0),
    ] {
        assert_eq!(lost_without(&journal, gone).removed, removed, "{gone:?}");
    }
}

fn latest_line(serial: LineSerial, row: u32, done: bool) -> LatestLine {
    LatestLine {
        serial,
        row_when_written: Some(row),
        was_done: done,
    }
}

#[test]
fn only_rows_that_a_lost_line_may_have_spoken_of_are_doubtful() {
    let whole = written_numbers(1, 4, &[]);
    let lost = lost_without(&whole, &[1]);
    let lines = [
        Some(latest_line(1, 1, true)),
        None,
        Some(latest_line(3, 3, false)),
        Some(latest_line(4, 4, true)),
    ];
    assert_eq!(lost.doubtful_rows(lines.into_iter()), [2]);
    // Row 5 is new.
    let with_a_new_one = lines.into_iter().chain([None]);
    assert_eq!(lost.doubtful_rows(with_a_new_one), [2]);
    // The rows have moved, so that nobody knows which of them had the number 2.
    let moved = [
        Some(latest_line(1, 1, true)),
        Some(latest_line(3, 3, false)),
        Some(latest_line(4, 4, true)),
        None,
        None,
    ];
    assert_eq!(lost.doubtful_rows(moved.into_iter()), [4, 5]);
}

#[test]
fn an_earlier_line_of_a_row_is_no_proof_that_the_lost_one_was_of_another_row() {
    let journal = written_numbers(1, 2, &[1, 2, 1, 2]);
    let lost = lost_without(&journal, &[3]);
    let lines = [
        Some(latest_line(5, 1, false)),
        Some(latest_line(6, 2, false)),
        None,
    ];
    assert_eq!(lost.doubtful_rows(lines.into_iter()), [3]);
    let lines = [
        Some(latest_line(5, 1, false)),
        Some(latest_line(2, 2, false)),
        Some(latest_line(1, 3, true)),
    ];
    assert_eq!(lost.doubtful_rows(lines.into_iter()), [2]);
}

#[test]
fn a_line_that_is_not_believed_is_no_line_that_was_removed() {
    let mut census = LostLineDetector::default();
    for line in written_numbers(7, 4, &[]).into_iter().take(3) {
        census.add_intact(line.serial, line.file_line_count, line.row);
    }
    census.add_damaged(Some(10));
    let lost = census.clone().into_lost_lines();
    assert_eq!((lost.removed, lost.damaged), (0, 1));
    assert_eq!(lost.rows, Some(vec![4]));
    let lines = [
        Some(latest_line(7, 1, true)),
        Some(latest_line(8, 2, false)),
        Some(latest_line(9, 3, true)),
        None,
    ];
    assert_eq!(lost.doubtful_rows(lines.into_iter()), [4]);
    // The serial of the line was damaged, too, so the line may be a later line of any row.
    census.damaged_serials = vec![None];
    let lost = census.into_lost_lines();
    assert_eq!(lost.doubtful_rows(lines.into_iter()), [2, 4]);
}

#[test]
fn a_torn_line_is_lost_only_where_it_was_whole_once() {
    let torn = |lines: &[LineNumbers]| {
        let census = LostLineDetector {
            intact: lines.to_vec(),
            is_torn: true,
            ..LostLineDetector::default()
        };
        census.into_lost_lines()
    };
    let whole = torn(&written_numbers(1, 4, &[])[..3]);
    assert_eq!((whole.removed, whole.is_torn), (0, true));
    assert_eq!(whole.rows, Some(vec![4]));
    let journal = torn(&written_numbers(1, 2, &[1, 2]));
    assert!(journal.is_empty());
    let without_one = torn(
        &[
            &written_numbers(1, 2, &[1, 2, 2])[..2],
            &written_numbers(1, 2, &[1, 2, 2])[3..],
        ]
        .concat(),
    );
    assert_eq!((without_one.removed, without_one.is_torn), (1, false));
}

#[test]
fn files_of_earlier_versions_tell_of_lines_between_others_alone() {
    let old: Vec<LineNumbers> = written_numbers(1, 5, &[])
        .into_iter()
        .map(|line| LineNumbers {
            file_line_count: None,
            ..line
        })
        .collect();
    assert_eq!(lost_without(&old, &[2]).removed, 1);
    assert_eq!(lost_without(&old, &[0, 4]).removed, 0);
    assert!(!lost_without(&old, &[2]).has_line_counts);
}

proptest! {
    /// Each lost line is missed, except lines appended last.
    #[test]
    fn lost_lines_are_counted(
        first in 1_u64..50,
        whole in 0_u64..8,
        appended in prop::collection::vec(1_u32..5, 0..8),
        is_gone in prop::collection::vec(any::<bool>(), 16),
    ) {
        let lines = written_numbers(first, whole, &appended);
        let left: Vec<LineNumbers> = lines
            .iter()
            .zip(&is_gone)
            .filter(|(_, is_gone)| !**is_gone)
            .map(|(line, _)| *line)
            .collect();
        let Some(last) = left.last() else { return Ok(()) };
        let end = last.serial.max(first + whole.max(1) - 1);
        let known = (end + 1 - first).saturating_sub(left.len() as u64);
        let lost = lost_of(&left);
        prop_assert_eq!(lost.removed, known);
        // No row is passed over if one of its lines is known to be gone.
        let newest = |row: u32| left.iter().rev().find(|line| line.row == Some(row));
        let counting = (1..10).map(|row| newest(row).map(|line| LatestLine {
            serial: line.serial,
            row_when_written: line.row,
            was_done: false,
        }));
        let doubtful = lost.doubtful_rows(counting);
        for gone in lines.iter().filter(|line| line.serial <= end && !left.contains(line)) {
            let row = gone.row.unwrap();
            let is_later = newest(row).is_some_and(|line| line.serial > gone.serial);
            prop_assert!(is_later || doubtful.contains(&(row as usize)), "{} of {:?}", row, lost);
        }
    }

    #[test]
    fn any_numbers_are_taken(
        numbers in prop::collection::vec((any::<u64>(), prop::option::of(any::<u64>()), any::<Option<u32>>()), 0..6),
        damaged in prop::collection::vec(any::<Option<u64>>(), 0..3),
    ) {
        let mut census = LostLineDetector::default();
        for (serial, lines, row) in numbers {
            census.add_intact(serial, lines, row);
        }
        for serial in damaged {
            census.add_damaged(serial);
        }
        let lost = census.into_lost_lines();
        let _ = lost.doubtful_rows([None, None].into_iter());
    }
}
