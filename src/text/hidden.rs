//! Characters that a reader cannot recognise: some are drawn as nothing at all, others look like a
//! plain blank or a plain hyphen.
//!
//! The characters drawn as nothing are Unicode's `Default_Ignorable_Code_Point`s, without the
//! characters for the direction of writing (see [`is_bidi`](super::is_bidi)), and a few that fonts
//! leave out as well. The characters that look plain are the blanks of general category `Zs`, and
//! hyphens with the same shape as `-`.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Form in which a hidden character meets the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenForm {
    /// The character has no glyph.
    Unseen,
    /// The character looks like a plain blank.
    PlainBlank,
    /// The character looks like a plain hyphen.
    PlainHyphen,
}

impl HiddenForm {
    /// Returns the plain character of the same look; `None` for a character without a glyph.
    pub fn plain_character(self) -> Option<char> {
        match self {
            Self::Unseen => None,
            Self::PlainBlank => Some(' '),
            Self::PlainHyphen => Some('-'),
        }
    }
}

/// Returns the form of a hidden character, and `None` for any other character.
pub fn hidden_form(c: char) -> Option<HiddenForm> {
    if c.is_ascii() {
        None
    } else if is_invisible(c) {
        Some(HiddenForm::Unseen)
    } else if is_blank_lookalike(c) {
        Some(HiddenForm::PlainBlank)
    } else if matches!(c, '\u{2010}' | '\u{2011}' | '\u{fe63}' | '\u{ff0d}') {
        Some(HiddenForm::PlainHyphen)
    } else {
        None
    }
}

/// Returns `true` if nothing is drawn for the character. Characters for the direction of writing,
/// control characters and blanks do not count.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        // Hints for line breaks and hyphenation, which web pages and word processors copy along.
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
        // Hints for the joining of letters and for sorting.
        | '\u{34f}' | '\u{200c}' | '\u{200d}'
        // Signs of formulas that are spoken and not written, and shaping signs that Unicode advises
        // against.
        | '\u{2061}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        // Fillers in place of a Korean letter, and vowels and separators of Khmer and Mongolian
        // without a shape.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        // Choices among the shapes of the character before.
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
        // Marks around annotations, and the place of an object that was not copied with the text.
        | '\u{fff0}'..='\u{fffc}'
        // Format characters of shorthand and of musical notation.
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tags: a whole hidden alphabet.
        | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}'
    )
}

/// Returns `true` for a blank of any width other than the plain blank.
fn is_blank_lookalike(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
        // The empty pattern of Braille is no blank by its category, but drawn as one.
        | '\u{2800}'
    )
}

/// Returns the text as a reader sees the text: without characters that have no glyph, and with
/// plain blanks and hyphens.
pub fn plain_reading(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || text.chars().all(|c| hidden_form(c).is_none()) {
        return Cow::Borrowed(text);
    }
    let plain = text.chars().filter_map(|c| match hidden_form(c) {
        None => Some(c),
        Some(form) => form.plain_character(),
    });
    Cow::Owned(plain.collect())
}

/// Returns `true` for a dash longer than a hyphen. Many fonts hardly show the difference, and word
/// processors replace typed hyphens with dashes.
pub fn is_long_dash(c: char) -> bool {
    matches!(c, '\u{2012}'..='\u{2015}' | '\u{2212}')
}

/// Returns the [`plain_reading`] of a text, with a hyphen for each dash.
pub fn as_seen(text: &str) -> Cow<'_, str> {
    match plain_reading(text) {
        plain if plain.contains(is_long_dash) => plain.replace(is_long_dash, "-").into(),
        plain => plain,
    }
}

/// Returns `true` if a hidden character has a visible effect beside its neighbours, so that an
/// escape in its place would only spoil the text.
///
/// Persian and Indic words are written with zero-width joiners and non-joiners, emoji with joiners
/// and variation selectors, Japanese names with variation selectors, and Japanese text with a blank
/// as wide as a letter.
pub(super) fn is_at_home(before: Option<char>, c: char, after: Option<char>) -> bool {
    let before_is = |test: fn(char) -> bool| before.is_some_and(test);
    match c {
        '\u{200c}' | '\u{200d}' => {
            before_is(is_joining_letter) || before_is(is_wide) || before == Some('\u{fe0f}')
        }
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            before_is(is_wide) || before_is(is_symbol)
        }
        '\u{3000}' => before_is(is_wide) || after.is_some_and(is_wide),
        _ => false,
    }
}

/// Returns `true` for a letter or a sign from the scripts between Arabic and Mongolian, whose
/// letters change their shape beside each other.
fn is_joining_letter(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{1caf}' | '\u{a800}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}')
        && !is_invisible(c)
}

/// Returns `true` for an East Asian character or an emoji.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fff}' | '\u{3001}'..='\u{3163}' | '\u{3165}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff01}'..='\u{ff9f}'
        | '\u{1f000}'..='\u{3ffff}')
}

/// Returns `true` for arrows and other symbols with an emoji form.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{2049}' | '\u{2122}'..='\u{27bf}'
        | '\u{2900}'..='\u{2bff}')
}

/// Returns the code point of a character and, for the common hidden characters, the Unicode name:
/// `U+200B ZERO WIDTH SPACE`.
pub fn character_name(c: char) -> String {
    let mut name = format!("U+{:04X}", u32::from(c));
    if let Some(words) = unicode_name(c) {
        let _ = write!(name, " {words}");
    }
    name
}

/// Returns the Unicode name of a hidden character common in manifests.
fn unicode_name(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{a0}' => "NO-BREAK SPACE",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{34f}' => "COMBINING GRAPHEME JOINER",
        '\u{3164}' => "HANGUL FILLER",
        '\u{180e}' => "MONGOLIAN VOWEL SEPARATOR",
        '\u{2002}' => "EN SPACE",
        '\u{2003}' => "EM SPACE",
        '\u{2007}' => "FIGURE SPACE",
        '\u{2009}' => "THIN SPACE",
        '\u{200a}' => "HAIR SPACE",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{2010}' => "HYPHEN",
        '\u{2011}' => "NON-BREAKING HYPHEN",
        '\u{2012}' => "FIGURE DASH",
        '\u{2013}' => "EN DASH",
        '\u{2014}' => "EM DASH",
        '\u{2015}' => "HORIZONTAL BAR",
        '\u{202f}' => "NARROW NO-BREAK SPACE",
        '\u{2212}' => "MINUS SIGN",
        '\u{205f}' => "MEDIUM MATHEMATICAL SPACE",
        '\u{2060}' => "WORD JOINER",
        '\u{3000}' => "IDEOGRAPHIC SPACE",
        '\u{fe0e}' => "VARIATION SELECTOR-15",
        '\u{fe0f}' => "VARIATION SELECTOR-16",
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE",
        '\u{fffc}' => "OBJECT REPLACEMENT CHARACTER",
        '\u{ff0d}' => "FULLWIDTH HYPHEN-MINUS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_hidden_if_it_cannot_be_told_from_nothing_a_blank_or_a_hyphen() {
        for c in "\u{ad}\u{34f}\u{115f}\u{1160}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\
                  \u{3164}\u{fe0f}\u{feff}\u{fff9}\u{fffb}\u{e0001}\u{e0041}\u{e0100}"
            .chars()
        {
            assert_eq!(hidden_form(c), Some(HiddenForm::Unseen), "{c:?}");
        }
        for c in "\u{a0}\u{1680}\u{2000}\u{200a}\u{202f}\u{205f}\u{2800}\u{3000}".chars() {
            assert_eq!(hidden_form(c), Some(HiddenForm::PlainBlank), "{c:?}");
        }
        for c in "\u{2010}\u{2011}\u{fe63}\u{ff0d}".chars() {
            assert_eq!(hidden_form(c), Some(HiddenForm::PlainHyphen), "{c:?}");
        }
        // The characters for the direction of writing have a rule of their own.
        for c in
            " -aZ0~é\u{301}契あ\u{2013}\u{2014}\u{2212}\u{fffd}\u{200e}\u{202e}\u{1f600}".chars()
        {
            assert_eq!(hidden_form(c), None, "{c:?}");
        }
    }

    #[test]
    fn a_text_reads_as_it_is_seen() {
        for (text, seen) in [
            ("MAR-11", "MAR-11"),
            ("Müller", "Müller"),
            ("MAR\u{2011}11", "MAR-11"),
            ("\u{feff}MAR\u{a0}11\u{200b}", "MAR 11"),
            ("\u{200b}", ""),
        ] {
            assert_eq!(plain_reading(text), seen, "{text:?}");
        }
    }

    #[test]
    fn a_dash_passes_for_a_hyphen_at_a_glance() {
        for text in ["A-1", "A\u{2013}1", "A\u{2212}\u{200b}1", "A\u{2011}1"] {
            assert_eq!(as_seen(text), "A-1", "{text:?}");
        }
    }

    #[test]
    fn a_character_has_its_code_point_and_often_its_name() {
        for (c, name) in [
            ('\u{200b}', "U+200B ZERO WIDTH SPACE"),
            ('\u{a0}', "U+00A0 NO-BREAK SPACE"),
            ('\u{e0041}', "U+E0041"),
        ] {
            assert_eq!(character_name(c), name);
        }
    }
}
