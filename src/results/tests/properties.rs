//! Laws of every results file, for any cells and any damage.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::arbitrary::{attachment_id, bytes, cases, text};
use crate::text::{formula_restored, formula_safe};

/// Any line of a run.
fn any_entry() -> impl Strategy<Value = Entry> {
    let texts = [(); 6].map(|()| unbroken());
    let known = prop_oneof![
        Just(Known::Nothing),
        any::<u64>().prop_map(Known::Size),
        (any::<u64>(), moment(1), any::<[u8; 32]>()).prop_map(|(size, modified, sha256)| {
            Known::Content(Content {
                stamp: FileStamp { size, modified },
                sha256: crate::model::Sha256Digest(sha256),
            })
        }),
    ];
    let verified = [Verified::No, Verified::Size, Verified::Etag];
    (
        (option::of(1_usize..99), texts, select(Status::ALL.to_vec())),
        (
            option::of(attachment_id()),
            known,
            select(verified.to_vec()),
        ),
        (any::<u32>(), moment(1_000_000), changes()),
    )
        .prop_map(
            |(
                (
                    row,
                    [
                        file_path,
                        object_type,
                        object_id,
                        external_id,
                        destination,
                        message,
                    ],
                    status,
                ),
                (attachment_id, known, verified),
                (attempts, updated_at, changes),
            )| Entry {
                row,
                file_path,
                object_type,
                object_id,
                external_id,
                status,
                reason: Reason::NoAnswer,
                attachment_id,
                known,
                verified,
                attempts,
                destination,
                updated_at,
                message,
                changes,
            },
        )
}

fn changes() -> impl Strategy<Value = Changes> {
    let words = || option::of(text().prop_filter("empty is none", |text| !text.is_empty()));
    let backup = prop_oneof![
        Just(Backup::Waived),
        text()
            .prop_filter("of a file", |text| !["", "waived"].contains(&&**text))
            .prop_map(Backup::Kept),
    ];
    let sha256 = option::of(any::<[u8; 32]>().prop_map(crate::model::Sha256Digest));
    let former = (any::<u64>(), sha256, backup).prop_map(|(size, sha256, backup)| Former {
        size,
        sha256,
        backup,
    });
    (option::of(former), words(), words()).prop_map(|(replaced, previous_title, renamed_to)| {
        Changes {
            replaced,
            previous_title,
            renamed_to,
        }
    })
}

fn unbroken() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.trim_start_matches(['\n', '\r']).to_owned())
}

/// Any moment of a calendar, in whole multiples of `grain` nanoseconds.
fn moment(grain: i32) -> impl Strategy<Value = jiff::Timestamp> {
    let range = jiff::Timestamp::MIN.as_second() + 1..jiff::Timestamp::MAX.as_second();
    (range, 0..1_000_000_000 / grain)
        .prop_map(move |(second, part)| jiff::Timestamp::new(second, part * grain).unwrap())
}

/// Lines of different rows, each with the cell of a column of the manifest's.
///
/// No cell begins with a line break. The quote before a leading line break looks like the end of a
/// cell, so an earlier cell without its own closing quote could end there as if it had been written
/// so.
fn lines() -> impl Strategy<Value = Vec<(Entry, String)>> {
    let line = (any_entry(), unbroken());
    prop::collection::vec(line, 1..5).prop_map(|mut lines| {
        for (number, (entry, _)) in lines.iter_mut().enumerate() {
            entry.external_id.insert_str(0, &format!("A{number}"));
            if entry.status == Status::Invalid {
                entry.status = Status::Failed;
            }
        }
        lines
    })
}

/// Returns a file of these lines, the last `appended` of them written by the journal.
fn file_of(column: &str, lines: &[(Entry, String)], appended: usize) -> Vec<u8> {
    let folder = Folder::new();
    let (mut file, _) = ResultsFile::begin(&folder.path).unwrap();
    let (whole, journal) = lines.split_at(lines.len() - appended);
    let whole = whole.iter().map(|(entry, extra)| Line {
        entry: entry.clone(),
        extras: vec![extra.clone()],
    });
    file.replace(&[column.to_owned()], whole).unwrap();
    for (entry, _) in journal {
        file.append(std::slice::from_ref(entry)).unwrap();
    }
    drop(file);
    fs::read(&folder.path).unwrap()
}

/// Returns the offset at which each line of a file ends, the header first.
fn ends(text: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(text).unwrap();
    let lengths = lines_of(text).into_iter().map(|line| line.len());
    lengths
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect()
}

/// Damage to one byte of a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Replaced(u8),
    Inserted(u8),
    Removed,
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![any::<u8>(), select(b"\"\n\r,;' 0a".to_vec())];
    prop_oneof![
        byte().prop_map(Damage::Replaced),
        byte().prop_map(Damage::Inserted),
        Just(Damage::Removed),
    ]
}

impl Damage {
    fn befall(self, text: &mut Vec<u8>, at: usize) {
        match self {
            Self::Replaced(byte) => text[at] = byte,
            Self::Inserted(byte) => text.insert(at, byte),
            Self::Removed => {
                text.remove(at);
            }
        }
    }
}

/// Fails if a line is believed that was not written.
fn only_what_was_written_is_believed(
    previous: &Previous,
    lines: &[(Entry, String)],
) -> Result<(), TestCaseError> {
    for id in previous.external_ids() {
        let believed = previous.get(id).unwrap();
        prop_assert!(
            lines.iter().any(|(entry, _)| *entry == believed),
            "{:?}",
            believed
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn any_lines_read_back_as_they_were_written(
        lines in lines(), column in text(), appended in any::<Index>(),
    ) {
        prop_assume!(column != LINE_CHECK && !COLUMNS.contains(&&*column));
        let appended = appended.index(lines.len() + 1);
        let previous = Folder::parse(file_of(&column, &lines, appended));
        prop_assert_eq!(&previous.damaged, &[]);
        prop_assert_eq!(previous.torn, None);
        for (number, (entry, extra)) in lines.iter().enumerate() {
            prop_assert_eq!(previous.get(&entry.external_id), Some(entry.clone()));
            let extra = if number < lines.len() - appended { extra } else { "" };
            prop_assert_eq!(previous.extra(&entry.external_id, &column), extra);
        }
        prop_assert_eq!(previous.next_serial(), lines.len() as u64 + 1);
    }

    #[test]
    fn a_damaged_byte_costs_the_lines_that_it_touches_and_no_others(
        lines in lines(), appended in any::<Index>(), at in any::<Index>(), damage in damage(),
    ) {
        let mut text = file_of("department", &lines, appended.index(lines.len() + 1));
        let ends = ends(&text);
        let at = at.index(text.len());
        damage.befall(&mut text, at);
        let Ok(previous) = Previous::parse(text, Path::new("m.results.csv")) else {
            // Without its header the file is no results file, and is not written over.
            prop_assert!(at < ends[0]);
            return Ok(());
        };
        only_what_was_written_is_believed(&previous, &lines)?;
        for (line, (entry, _)) in ends.windows(2).zip(&lines) {
            // A damaged header may move all columns; then each line is named. And without its line
            // break, the line before runs into this one.
            let is_touched = at < ends[0] || (line[0] - 1..line[1]).contains(&at);
            let believed = previous.get(&entry.external_id);
            prop_assert!(is_touched || believed.as_ref() == Some(entry), "lost {:?}", entry);
        }
    }

    #[test]
    fn a_file_torn_anywhere_loses_the_line_where_it_is_torn_and_no_other(
        lines in lines(), appended in any::<Index>(), at in any::<Index>(),
    ) {
        let mut text = file_of("department", &lines, appended.index(lines.len() + 1));
        let ends = ends(&text);
        text.truncate(ends[0] + at.index(text.len() - ends[0]));
        let length = text.len();
        let previous = Folder::parse(text);
        only_what_was_written_is_believed(&previous, &lines)?;
        prop_assert_eq!(&previous.damaged, &[]);
        for (end, (entry, _)) in ends[1..].iter().zip(&lines) {
            let believed = previous.get(&entry.external_id);
            prop_assert!(length < *end || believed.as_ref() == Some(entry), "lost {:?}", entry);
        }
    }

    #[test]
    fn any_bytes_are_read_and_none_of_them_are_believed(
        has_header in any::<bool>(), rest in bytes(200),
    ) {
        let header = format!("{},{LINE_CHECK},department\n", COLUMNS.join(","));
        let text = if has_header { [header.into_bytes(), rest].concat() } else { rest };
        if let Ok(previous) = Previous::parse(text, Path::new("m.results.csv")) {
            prop_assert_eq!(previous.external_ids(), Vec::<&str>::new());
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_each_reads_back(cell in text()) {
        let safe = formula_safe(&cell);
        prop_assert!(!safe.starts_with(['=', '+', '-', '@', '\t', '\r']));
        prop_assert_eq!(formula_restored(&safe), &*cell);
    }
}
