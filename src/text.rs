//! Text for people: escaping for display, comparison of names as people compare them, and
//! suggestions for misspelt words.
//!
//! No function here knows the meaning of a text. `decode` turns bytes into text, `csv_dialect` knows
//! the form of our tables, `line_counter` numbers the lines of a text, `hidden` lists the characters
//! that a reader cannot recognise, `lookalike` compares the names of files, `mixed_encodings` surveys
//! the lines of a text in two encodings, `mojibake` undoes a wrong decoding, `command_shell` quotes
//! commands for the shells into which users paste them, and `windows_name` knows the names that
//! Windows does not take.

mod command_shell;
pub mod csv_dialect;
pub mod decode;
mod hidden;
mod line_counter;
mod lookalike;
mod mixed_encodings;
mod mojibake;
mod windows_name;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

use unicode_normalization::UnicodeNormalization as _;

pub use command_shell::{CommandShell, path_argument};
pub use hidden::{
    HiddenForm, as_seen, character_name, hidden_form, is_invisible, is_long_dash, plain_reading,
};
pub use line_counter::{LineCounter, count_line_breaks};
pub use lookalike::{have_same_letters, lookalike_spelling};
pub use mojibake::undo_mojibake;
pub use windows_name::{WindowsNameFault, is_device_name};

/// Longest part of a value shown in a message, in characters.
const MAX_QUOTED_CHARS: usize = 120;

/// Characters written out in a text for people, besides those on which a terminal would act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WrittenOut {
    /// Characters for which nothing is drawn.
    Unseen,
    /// Characters for which nothing is drawn, and those that look like a plain blank or hyphen.
    AllHidden,
}

/// Returns the text with every character written out (`\u{1b}`) on which a terminal would act, or
/// for which nothing is drawn.
///
/// A terminal acts on control characters (an escape sequence can move the cursor or rename the
/// window), on the characters for the direction of writing (they make `fdp.exe` read as `exe.pdf`),
/// and on the line separators outside of the control characters. Unseen characters stay where the
/// script of their neighbours needs them, such as the joiners in a Persian word.
pub fn escape(text: &str) -> Cow<'_, str> {
    write_out(text, WrittenOut::Unseen)
}

/// Returns `true` if the text has a character for which nothing is drawn, unless the script of its
/// neighbours needs the character.
pub fn has_unseen_character(text: &str) -> bool {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_invisible(c) && !hidden::is_at_home(before, c, rest.peek().copied()) {
            return true;
        }
        before = Some(c);
    }
    false
}

/// Returns a value for a message: escaped, in quotes, and cut after 120 characters with its length
/// behind the cut.
///
/// Blanks and hyphens that only look plain are written out as well, because the value is shown to be
/// looked at. The wide blank stays in East Asian text.
pub fn quoted(value: &str) -> String {
    let mut shown = String::from("\"");
    match value.char_indices().nth(MAX_QUOTED_CHARS) {
        None => shown.push_str(&write_out(value, WrittenOut::AllHidden)),
        Some((end, _)) => {
            let length = value.chars().count();
            let start = write_out(&value[..end], WrittenOut::AllHidden);
            let _ = write!(shown, "{start}… ({length} characters)");
        }
    }
    shown.push('"');
    shown
}

fn write_out(text: &str, which: WrittenOut) -> Cow<'_, str> {
    let is_meant = |c: char| {
        is_unsafe_to_print(c)
            || match which {
                WrittenOut::Unseen => is_invisible(c),
                WrittenOut::AllHidden => hidden_form(c).is_some(),
            }
    };
    if !text.chars().any(is_meant) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_meant(c) && !hidden::is_at_home(before, c, rest.peek().copied()) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// Returns `true` if a terminal or a pager would act on the character instead of showing it.
pub fn is_unsafe_to_print(c: char) -> bool {
    c.is_control() || is_bidi(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns `true` if the character changes the direction of writing and is invisible.
pub fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns `true` if two texts look the same. Accents in NFC and NFD count as equal.
pub fn looks_the_same(one: &str, other: &str) -> bool {
    one.nfc().eq(other.nfc())
}

/// Returns the text in one spelling: accents in NFC, one blank for each run of blanks, and no
/// blanks at either end.
pub fn normalise_spelling(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

/// Returns the text with accents in NFC and without any blanks.
pub fn without_blanks(text: &str) -> String {
    let visible = text.chars().filter(|c| !c.is_whitespace());
    visible.nfc().collect()
}

/// Returns the text without differences of no meaning to people: upper and lower case, and accents
/// in NFC or NFD.
pub fn fold_case_and_accents(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    // Upper case comes first, because upper case makes `ß` and `SS` equal.
    let folded = text
        .nfd()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfd();
    Cow::Owned(folded.collect())
}

/// Returns the text without differences between two ids that a reader would take for the same: case,
/// the encoding of accents, dashes, and characters that a reader cannot recognise.
pub fn fold_id(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return fold_case_and_accents(text);
    }
    Cow::Owned(fold_case_and_accents(&as_seen(text)).into_owned())
}

/// Returns the candidate nearest to a word, or `None` if no candidate is near enough.
///
/// The limit is a third of the candidate's letters, and at least one mistake.
pub fn nearest_word<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = fold_case_and_accents(word);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&word, &fold_case_and_accents(candidate)),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Escapes a cell by a leading `'`, so that no spreadsheet takes the cell for a formula.
///
/// The escaping is reversible: a cell with quotes before the first character of a formula gets one
/// more quote, and any other cell stays unchanged.
pub fn escape_formula(cell: &str) -> Cow<'_, str> {
    if looks_like_formula(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// Reverses [`escape_formula`].
pub fn unescape_formula(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if looks_like_formula(rest) => rest,
        _ => cell,
    }
}

fn looks_like_formula(cell: &str) -> bool {
    let unquoted = cell.trim_start_matches('\'');
    unquoted.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Writes to standard error and ignores a failed write. Work continues when standard error is gone,
/// for example after its terminal was closed.
pub fn write_stderr(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Returns a count with its thousands set apart: `1,000,000`.
pub fn group_thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Returns a count with its noun in the singular or the plural: `1 row`, `2 rows`.
pub fn count_with_noun(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", group_thousands(count))
}

/// Returns a count with its noun and the matching form of the verb: `1 row is`, `2 rows are`. The
/// caller gives the verb in the singular and in the plural.
pub fn count_with_noun_and_verb(count: u64, noun: &str, [one, many]: [&str; 2]) -> String {
    let verb = if count == 1 { one } else { many };
    format!("{} {verb}", count_with_noun(count, noun))
}

/// Returns the beginning of a list of values for a message, each quoted: `"a", "b" and 3 more`.
pub fn quote_first<'v>(values: impl ExactSizeIterator<Item = &'v str>, most: usize) -> String {
    let further = values.len().saturating_sub(most) as u64;
    let first: Vec<String> = values.take(most).map(quoted).collect();
    let first = first.join(", ");
    match further {
        0 => first,
        further => format!("{first} and {} more", group_thousands(further)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_written_out() {
        for (text, shown) in [
            ("Vertrag §3.pdf", "Vertrag §3.pdf"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("two\nlines", "two\\u{a}lines"),
            ("\u{202e}fdp.exe", "\\u{202e}fdp.exe"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(escape(text), shown);
        }
    }

    #[test]
    fn what_nobody_sees_is_written_out_except_where_its_script_needs_it() {
        for (text, shown, shown_as_value) in [
            ("A\u{200b}1", "A\\u{200b}1", "A\\u{200b}1"),
            ("\u{feff}A", "\\u{feff}A", "\\u{feff}A"),
            ("A\u{fe0f}", "A\\u{fe0f}", "A\\u{fe0f}"),
            ("A\u{a0}1", "A\u{a0}1", "A\\u{a0}1"),
            ("MAR\u{2011}11", "MAR\u{2011}11", "MAR\\u{2011}11"),
            ("A\u{3000}1", "A\u{3000}1", "A\\u{3000}1"),
            ("契約\u{3000}書", "契約\u{3000}書", "契約\u{3000}書"),
            ("می\u{200c}شود", "می\u{200c}شود", "می\u{200c}شود"),
            ("葛\u{e0100}", "葛\u{e0100}", "葛\u{e0100}"),
            ("\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}"),
            (
                "می\u{200c}\u{200b}",
                "می\u{200c}\\u{200b}",
                "می\u{200c}\\u{200b}",
            ),
        ] {
            assert_eq!(escape(text), shown);
            assert_eq!(quoted(text), format!("\"{shown_as_value}\""));
        }
    }

    #[test]
    fn a_very_long_value_is_cut_and_its_length_is_told() {
        let shown = quoted(&"ä".repeat(10_000));
        assert!(shown.ends_with("ä… (10000 characters)\""), "{shown}");
        assert!(shown.chars().count() < 160);
    }

    #[test]
    fn names_that_people_take_for_the_same_fold_to_the_same() {
        for (one, other) in [
            ("AT1", "at1"),
            ("Verträge", "VERTRA\u{308}GE"),
            ("Straße", "STRASSE"),
            ("\u{212b}", "å"),
        ] {
            assert_eq!(
                fold_case_and_accents(one),
                fold_case_and_accents(other),
                "{one} and {other}"
            );
        }
        assert_ne!(fold_case_and_accents("a"), fold_case_and_accents("ä"));
    }

    #[test]
    fn the_nearest_word_is_named_only_when_it_is_near() {
        let words = ["contract", "event", "project", "supplier_company"];
        for (word, meant) in [
            ("Contract", Some("contract")),
            ("contarct", Some("contract")),
            ("suplier company", Some("supplier_company")),
            ("events", Some("event")),
            ("invoice", None),
            ("", None),
        ] {
            assert_eq!(nearest_word(word, words), meant, "{word}");
        }
    }

    #[test]
    fn a_formula_is_disarmed_and_nothing_else_is_touched() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("'quoted'", "'quoted'"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(escape_formula(cell), safe);
            assert_eq!(unescape_formula(safe), cell);
        }
    }

    #[test]
    fn counts_read_as_people_write_them() {
        assert_eq!(group_thousands(0), "0");
        assert_eq!(group_thousands(999), "999");
        assert_eq!(group_thousands(1_234_567), "1,234,567");
        assert_eq!(count_with_noun(1, "row"), "1 row");
        assert_eq!(count_with_noun(1_000, "row"), "1,000 rows");
        assert_eq!(
            count_with_noun_and_verb(1, "row", ["is", "are"]),
            "1 row is"
        );
        assert_eq!(
            count_with_noun_and_verb(2, "row", ["is", "are"]),
            "2 rows are"
        );
    }
}
