//! Comparison of file names written on another system or typed by hand.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

use super::{fold_case_and_accents, plain_reading};

/// Returns `true` if two names are the same letters, apart from upper and lower case and from the
/// encoding of accents (NFC or NFD).
///
/// Stricter than [`fold_case_and_accents`]: `ß` and `ss` differ.
pub fn have_same_letters(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let letters =
        |name: &str| -> String { name.nfd().flat_map(char::to_lowercase).nfd().collect() };
    letters(one) == letters(other)
}

/// Returns one spelling for all names of the same look: without regard to case, accents, hidden
/// characters, blanks at the ends, the kind of apostrophes, quotes and dashes, and
/// percent-encoding.
///
/// Names with the same letters have the same spelling here, save for the rare capital `ẞ`.
pub fn lookalike_spelling(name: &str) -> Cow<'_, str> {
    let decoded = if name.contains('%') {
        // Bytes that are no text stay as they are written.
        percent_decode_str(name)
            .decode_utf8()
            .unwrap_or(Cow::Borrowed(name))
    } else {
        Cow::Borrowed(name)
    };
    if decoded.is_ascii() && !decoded.contains('`') {
        return match decoded {
            Cow::Borrowed(plain) => fold_case_and_accents(plain.trim()),
            Cow::Owned(plain) => Cow::Owned(fold_case_and_accents(plain.trim()).into_owned()),
        };
    }
    let plain: String = plain_reading(&decoded)
        .chars()
        .map(plain_punctuation)
        .collect();
    Cow::Owned(fold_case_and_accents(plain.trim()).into_owned())
}

/// Returns the character of a typewriter in place of the characters of print that word processors
/// put in its place.
fn plain_punctuation(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | 'ʼ' | '′' | '´' | '`' => '\'',
        '“' | '”' | '„' | '‟' | '″' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_the_encoding_of_accents_do_not_make_other_letters() {
        for (one, other, same) in [
            ("a.pdf", "A.PDF", true),
            ("Verträge", "VERTRA\u{308}GE", true),
            ("Straße", "STRAßE", true),
            ("Straße", "STRASSE", false),
            ("a-b", "a–b", false),
            ("a\u{200b}", "a", false),
            ("a", "ä", false),
            ("a ", "a", false),
        ] {
            assert_eq!(have_same_letters(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn names_that_a_reader_takes_for_the_same_have_one_spelling() {
        for (one, other) in [
            ("a.pdf", " A.PDF "),
            ("Verträge", "VERTRA\u{308}GE"),
            ("Straße", "STRASSE"),
            ("O’Brien", "O'Brien"),
            ("O`Brien", "O‘Brien"),
            ("2023–2024 a", "2023-2024 a"),
            ("2023—2024", "2023\u{2011}2024"),
            ("a%20b.pdf", "a b.pdf"),
            ("Vertr%C3%A4ge", "Vertra\u{308}ge"),
            ("VERTR%c3%84GE", "verträge"),
            ("a\u{a0}b\u{200b}", "a b"),
            ("„a“", "\"a\""),
            ("100%", "100%"),
        ] {
            assert_eq!(lookalike_spelling(one), lookalike_spelling(other), "{one}");
        }
        for (one, other) in [("a", "b"), ("ab", "a b"), ("a", "ä"), ("%E4", "ä")] {
            assert_ne!(lookalike_spelling(one), lookalike_spelling(other), "{one}");
        }
    }
}
