//! Strategies for the property tests of several modules.
//!
//! A failing property prints the smallest failing input. The input is then kept as an ordinary
//! test, so proptest writes no file of seeds into the tree.

use proptest::prelude::*;
use proptest::sample::select;

use crate::digest::sha256;
use crate::model::{AttachmentId, CheckedContent, FileStamp};

/// Returns a configuration with the given number of cases and without a file of failures.
pub(crate) fn proptest_config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Generates any text, with an extra share of characters with a meaning in CSV, in a
/// spreadsheet or on a terminal.
pub(crate) fn arbitrary_text() -> impl Strategy<Value = String> {
    let special = select(vec![
        ",", ";", "\t", "\"", "'", "\n", "\r", "\r\n", "=", "+", "-", "@", " ", "\u{a0}", "\0",
        "\u{1b}", "\u{202e}", "\u{feff}", "\u{2028}", "a", "ä", "a\u{308}",
    ]);
    let piece = prop_oneof![
        3 => special.prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Generates fewer than `most` bytes, with an extra share of bytes with a meaning in text.
pub(crate) fn arbitrary_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), select(b",;\t\"'\n\r=-<>0a".to_vec())];
    prop::collection::vec(byte, 0..most)
}

/// Generates one of a few contents, so that two contents are often equal or differ in one field.
pub(crate) fn arbitrary_content() -> impl Strategy<Value = CheckedContent> {
    (select(vec!["", "text", "TEXT", "longer"]), 0_i64..2).prop_map(|(text, modified)| {
        CheckedContent {
            stamp: FileStamp {
                size: text.len() as u64,
                modified: jiff::Timestamp::new(modified, 1).unwrap(),
            },
            sha256: sha256(text.as_bytes()),
        }
    })
}

/// Generates one of three attachment ids.
pub(crate) fn arbitrary_attachment_id() -> impl Strategy<Value = AttachmentId> {
    select(vec!["1", "12", "a-Z_9"]).prop_map(|id| AttachmentId::parse(id).unwrap())
}
