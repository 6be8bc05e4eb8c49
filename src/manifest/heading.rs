//! Headings of columns: one spelling for the comparison, and one for messages.

use unicode_normalization::UnicodeNormalization as _;

use crate::text::{is_bidi, plain_reading};

/// Returns the spelling in which headings are compared: `external_id` for `External ID`,
/// `external-id` and ` EXTERNAL_ID `.
///
/// Case, the kind and the number of blanks, hyphens and underscores, line breaks, invisible
/// characters and the encoding of accents make no difference.
pub(super) fn normalise_heading(heading: &str) -> String {
    let mut normalised = String::with_capacity(heading.len());
    let mut is_between_words = false;
    for c in visible(heading).trim().nfc().flat_map(char::to_lowercase) {
        if c.is_whitespace() || c == '-' || c == '_' {
            is_between_words = true;
            continue;
        }
        if std::mem::take(&mut is_between_words) {
            normalised.push('_');
        }
        normalised.push(c);
    }
    if is_between_words {
        normalised.push('_');
    }
    normalised
}

/// Returns a heading on one line, without invisible characters. The heading stays the same for the
/// comparison of headings.
pub(super) fn without_line_breaks(heading: &str) -> String {
    let visible = visible(heading);
    let words: Vec<&str> = visible.split_whitespace().collect();
    words.join(" ")
}

/// Returns a heading as it seems to read.
fn visible(heading: &str) -> String {
    let is_drawn = |c: &char| !is_bidi(*c);
    plain_reading(heading).chars().filter(is_drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_that_people_take_for_the_same_are_the_same() {
        for heading in [
            "external_id",
            "External ID",
            " EXTERNAL-ID ",
            "external  id",
            "external\tid",
            "External\nID",
            "External\r\n ID",
            "external\u{a0}id",
            "\u{200b}external_id",
            "\u{feff}external_id",
            "exter\u{ad}nal_id",
            "external\u{2011}id",
            "external - id",
            "external__id",
        ] {
            assert_eq!(normalise_heading(heading), "external_id", "{heading:?}");
        }
        assert_eq!(
            normalise_heading("Vertrags\u{308}nr"),
            normalise_heading("vertrags\u{308}NR")
        );
        assert_eq!(
            normalise_heading("A\u{308}nderung"),
            normalise_heading("änderung")
        );
    }

    #[test]
    fn other_headings_stay_different() {
        for (one, other) in [
            ("externalid", "external_id"),
            ("external_id*", "external_id"),
            ("external_id:", "external_id"),
            ("Betrag", "Betrag -"),
            ("Betrag", "Betrag_"),
            ("_id", "id"),
        ] {
            assert_ne!(normalise_heading(one), normalise_heading(other));
        }
        assert_eq!(normalise_heading(" \u{200b} "), "");
    }

    #[test]
    fn a_heading_is_shown_on_one_line() {
        assert_eq!(without_line_breaks(" File\n  Path\u{200b} "), "File Path");
    }
}
