//! Laws of every results file, for any cells and any damage.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::arbitrary::{arbitrary_attachment_id, arbitrary_bytes, arbitrary_text, proptest_config};
use crate::text::{escape_formula, unescape_formula};

/// Any line of a run.
fn any_entry() -> impl Strategy<Value = ResultsEntry> {
    let texts = [(); 7].map(|()| text_without_leading_break());
    let known = prop_oneof![
        Just(KnownContent::Nothing),
        any::<u64>().prop_map(KnownContent::Size),
        (any::<u64>(), any_timestamp(1), any::<[u8; 32]>()).prop_map(|(size, modified, sha256)| {
            KnownContent::Complete(CheckedContent {
                stamp: FileStamp { size, modified },
                sha256: crate::model::Sha256Digest(sha256),
            })
        }),
    ];
    let verified = [VerifiedBy::Nothing, VerifiedBy::Size, VerifiedBy::Etag];
    (
        (option::of(1_usize..99), texts, select(Status::ALL.to_vec())),
        (
            option::of(arbitrary_attachment_id()),
            known,
            select(verified.to_vec()),
        ),
        (any::<u32>(), any_timestamp(1_000_000), changes()),
    )
        .prop_map(
            |(
                (
                    row,
                    [
                        file_path,
                        object_type,
                        object_id,
                        object_external_id,
                        external_id,
                        destination,
                        message,
                    ],
                    status,
                ),
                (attachment_id, known, verified),
                (attempts, updated_at, changes),
            )| ResultsEntry {
                row,
                file_path,
                object_type,
                object_id,
                object_external_id,
                external_id,
                status,
                reason: StatusReason::NoAnswer,
                attachment_id,
                known_content: known,
                verified_by: verified,
                attempts,
                destination,
                updated_at,
                message,
                changes,
            },
        )
}

fn changes() -> impl Strategy<Value = AttachmentChanges> {
    let words =
        || option::of(arbitrary_text().prop_filter("empty is none", |text| !text.is_empty()));
    let backup = prop_oneof![
        Just(BackupOutcome::Waived),
        arbitrary_text()
            .prop_filter("of a file", |text| !["", "waived"].contains(&&**text))
            .prop_map(BackupOutcome::Kept),
    ];
    let sha256 = option::of(any::<[u8; 32]>().prop_map(crate::model::Sha256Digest));
    let former = (any::<u64>(), sha256, backup).prop_map(|(size, sha256, backup)| FormerContent {
        size,
        sha256,
        backup,
    });
    (option::of(former), words(), words()).prop_map(|(replaced, previous_title, renamed_to)| {
        AttachmentChanges {
            replaced,
            previous_title,
            renamed_to,
        }
    })
}

fn text_without_leading_break() -> impl Strategy<Value = String> {
    arbitrary_text().prop_map(|text| text.trim_start_matches(['\n', '\r']).to_owned())
}

/// Any moment of a calendar, in whole multiples of `grain` nanoseconds.
fn any_timestamp(grain: i32) -> impl Strategy<Value = jiff::Timestamp> {
    let range = jiff::Timestamp::MIN.as_second() + 1..jiff::Timestamp::MAX.as_second();
    (range, 0..1_000_000_000 / grain)
        .prop_map(move |(second, part)| jiff::Timestamp::new(second, part * grain).unwrap())
}

/// Lines of different rows, each with the cell of a column of the manifest's.
///
/// No cell begins with a line break. The quote before a leading line break looks like the end of a
/// cell, so an earlier cell without its own closing quote could end there as if it had been written
/// so.
fn lines() -> impl Strategy<Value = Vec<(ResultsEntry, String)>> {
    let line = (any_entry(), text_without_leading_break());
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

fn any_dialect() -> impl Strategy<Value = CsvDialect> {
    select(vec![CsvDialect::Comma, CsvDialect::Semicolon])
}

/// Returns a file of these lines, the last `appended` of them written by the journal.
fn written_bytes(
    dialect: CsvDialect,
    column: &str,
    lines: &[(ResultsEntry, String)],
    appended: usize,
) -> Vec<u8> {
    let folder = ResultsFolder::new();
    let (mut file, _) = ResultsFile::begin(&folder.path).unwrap();
    let (whole, journal) = lines.split_at(lines.len() - appended);
    let whole = whole.iter().map(|(entry, extra)| LineToWrite {
        entry: entry.clone(),
        extras: vec![extra.clone()],
    });
    file.rewrite_before_run(dialect, &[column.to_owned()], whole)
        .unwrap();
    for (entry, _) in journal {
        file.append(std::slice::from_ref(entry)).unwrap();
    }
    drop(file);
    fs::read(&folder.path).unwrap()
}

/// Returns the offset at which each line of a file ends, the header first.
fn record_ends(text: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(text).unwrap();
    let lengths = split_records(text).into_iter().map(|line| line.len());
    lengths
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect()
}

/// Damage to one byte of a file.
#[derive(Debug, Clone, Copy)]
enum ByteDamage {
    Replaced(u8),
    Inserted(u8),
    Removed,
}

fn damage() -> impl Strategy<Value = ByteDamage> {
    let byte = || prop_oneof![any::<u8>(), select(b"\"\n\r,;' 0a".to_vec())];
    prop_oneof![
        byte().prop_map(ByteDamage::Replaced),
        byte().prop_map(ByteDamage::Inserted),
        Just(ByteDamage::Removed),
    ]
}

impl ByteDamage {
    fn apply(self, text: &mut Vec<u8>, at: usize) {
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
fn assert_only_written_lines_believed(
    earlier: &EarlierResults,
    lines: &[(ResultsEntry, String)],
) -> Result<(), TestCaseError> {
    for id in earlier.external_ids() {
        let believed = earlier.latest_entry(id).unwrap();
        prop_assert!(
            lines.iter().any(|(entry, _)| *entry == believed),
            "{:?}",
            believed
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(proptest_config(150))]

    #[test]
    fn any_lines_read_back_as_they_were_written(
        dialect in any_dialect(), lines in lines(), column in arbitrary_text(),
        appended in any::<Index>(),
    ) {
        prop_assume!(column != LINE_CHECK_COLUMN && !COLUMNS.contains(&&*column));
        let appended = appended.index(lines.len() + 1);
        let previous = ResultsFolder::parse(written_bytes(dialect, &column, &lines, appended));
        prop_assert_eq!(&previous.damaged_lines, &[]);
        prop_assert_eq!(previous.torn_line, None);
        for (number, (entry, extra)) in lines.iter().enumerate() {
            prop_assert_eq!(previous.latest_entry(&entry.external_id), Some(entry.clone()));
            let extra = if number < lines.len() - appended { extra } else { "" };
            prop_assert_eq!(previous.extra_cell(&entry.external_id, &column), extra);
        }
        prop_assert_eq!(previous.next_serial(), lines.len() as u64 + 1);
    }

    #[test]
    fn a_damaged_byte_costs_the_lines_that_it_touches_and_no_others(
        dialect in any_dialect(), lines in lines(), appended in any::<Index>(), at in any::<Index>(),
        damage in damage(),
    ) {
        let appended = appended.index(lines.len() + 1);
        let mut text = written_bytes(dialect, "department", &lines, appended);
        let ends = record_ends(&text);
        let at = at.index(text.len());
        damage.apply(&mut text, at);
        let Ok(previous) = EarlierResults::parse(text, Path::new("m.results.csv")) else {
            // Without its header the file is no results file, and is not written over.
            prop_assert!(at < ends[0]);
            return Ok(());
        };
        assert_only_written_lines_believed(&previous, &lines)?;
        for (line, (entry, _)) in ends.windows(2).zip(&lines) {
            // A damaged header may move all columns; then each line is named. And without its line
            // break, the line before runs into this one.
            let is_touched = at < ends[0] || (line[0] - 1..line[1]).contains(&at);
            let believed = previous.latest_entry(&entry.external_id);
            prop_assert!(is_touched || believed.as_ref() == Some(entry), "lost {:?}", entry);
        }
    }

    #[test]
    fn a_file_torn_anywhere_loses_the_line_where_it_is_torn_and_no_other(
        dialect in any_dialect(), lines in lines(), appended in any::<Index>(), at in any::<Index>(),
    ) {
        let appended = appended.index(lines.len() + 1);
        let mut text = written_bytes(dialect, "department", &lines, appended);
        let ends = record_ends(&text);
        text.truncate(ends[0] + at.index(text.len() - ends[0]));
        let length = text.len();
        let previous = ResultsFolder::parse(text);
        assert_only_written_lines_believed(&previous, &lines)?;
        prop_assert_eq!(&previous.damaged_lines, &[]);
        for (end, (entry, _)) in ends[1..].iter().zip(&lines) {
            let believed = previous.latest_entry(&entry.external_id);
            prop_assert!(length < *end || believed.as_ref() == Some(entry), "lost {:?}", entry);
        }
    }

    #[test]
    fn any_bytes_are_read_and_none_of_them_are_believed(
        has_header in any::<bool>(), rest in arbitrary_bytes(200),
    ) {
        let header = format!("{},{LINE_CHECK_COLUMN},department\n", COLUMNS.join(","));
        let text = if has_header { [header.into_bytes(), rest].concat() } else { rest };
        if let Ok(previous) = EarlierResults::parse(text, Path::new("m.results.csv")) {
            prop_assert_eq!(previous.external_ids(), Vec::<&str>::new());
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_each_reads_back(cell in arbitrary_text()) {
        let safe = escape_formula(&cell);
        prop_assert!(!safe.starts_with(['=', '+', '-', '@', '\t', '\r']));
        prop_assert_eq!(unescape_formula(&safe), &*cell);
    }
}
