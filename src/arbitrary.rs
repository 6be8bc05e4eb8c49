//! What the properties in the tests of several modules are made of.
//!
//! A failing property prints the smallest input that it found; that input is kept as an ordinary
//! test, so no file of seeds is written into the tree.

use proptest::prelude::*;
use proptest::sample::select;

use crate::digest::sha256;
use crate::model::{AttachmentId, Content, FileStamp};

/// So many cases, and nothing written.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any text, with more than its share of what has a meaning in CSV, in a spreadsheet or on a
/// terminal.
pub(crate) fn text() -> impl Strategy<Value = String> {
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

/// Any bytes, with more than their share of those that have a meaning in text.
pub(crate) fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), select(b",;\t\"'\n\r=-<>0a".to_vec())];
    prop::collection::vec(byte, 0..most)
}

/// One of a few contents, so that two of them are often the same, or differ in one thing.
pub(crate) fn content() -> impl Strategy<Value = Content> {
    (select(vec!["", "text", "TEXT", "longer"]), 0_i64..2).prop_map(|(text, modified)| Content {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::new(modified, 1).unwrap(),
        },
        sha256: sha256(text.as_bytes()),
    })
}

/// One of a few ids.
pub(crate) fn attachment_id() -> impl Strategy<Value = AttachmentId> {
    select(vec!["1", "12", "a-Z_9"]).prop_map(|id| AttachmentId::parse(id).unwrap())
}
