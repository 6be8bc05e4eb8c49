//! Mojibake: UTF-8 that a program has read as Windows-1252, such as `VertrÃ¤ge` for `Verträge`.
//!
//! The damage is reversible, and the reversal is the proof: the text in Windows-1252 must be valid
//! UTF-8 with characters beyond ASCII. A few texts fit by chance, most of them an accented capital
//! before a no-break space or a quotation mark, so the result must consist of usual characters, too.

use encoding_rs::WINDOWS_1252;

/// Returns the text before it was misread, or `None` for a text that is probably right.
pub fn undo_mojibake(text: &str) -> Option<String> {
    if text.is_ascii() || !may_be_mojibake(text) {
        return None;
    }
    let (bytes, _, has_unmappable) = WINDOWS_1252.encode(text);
    if has_unmappable {
        return None;
    }
    let undone = String::from_utf8(bytes.into_owned()).ok()?;
    let (mut usual, mut rare) = (0, 0);
    for c in undone.chars().filter(|c| !c.is_ascii()) {
        if is_usual(c) {
            usual += 1;
        } else if is_from_other_script(c) {
            rare += 1;
        } else {
            return None;
        }
    }
    // Characters of other scripts come in words, and by chance alone.
    (usual > 0 || rare > 1).then_some(undone)
}

/// Returns `true` if the first character beyond ASCII is one that the first byte of a character in
/// UTF-8 becomes, and another character beyond ASCII follows. Of right texts, few go on.
fn may_be_mojibake(text: &str) -> bool {
    let mut rest = text.chars().skip_while(char::is_ascii);
    let first = rest.next();
    first.is_some_and(|c| matches!(c, '\u{c2}'..='\u{f4}'))
        && rest.next().is_some_and(|c| !c.is_ascii())
}

/// Returns `true` for an accented letter of Europe, an accent in NFD, and usual signs.
fn is_usual(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{17f}' | '\u{300}'..='\u{30c}' | '\u{323}' | '\u{327}' | '\u{328}'
        | '\u{1e9e}' | '\u{2010}'..='\u{203a}' | '\u{20ac}' | '\u{2116}' | '\u{2122}' | '\u{feff}'
        | '\u{1f300}'..='\u{1faff}')
}

/// Returns `true` for a letter of a script in wide use beside the Latin one.
fn is_from_other_script(c: char) -> bool {
    matches!(c, '\u{218}'..='\u{21b}' | '\u{370}'..='\u{45f}' | '\u{490}' | '\u{491}'
        | '\u{5d0}'..='\u{5ea}' | '\u{620}'..='\u{6cc}' | '\u{900}'..='\u{97f}'
        | '\u{e00}'..='\u{e5b}' | '\u{1e00}'..='\u{1eff}' | '\u{3000}'..='\u{30ff}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misread(text: &str) -> String {
        WINDOWS_1252.decode(text.as_bytes()).0.into_owned()
    }

    #[test]
    fn a_misread_text_is_told_with_what_it_was() {
        assert_eq!(undo_mojibake("VertrÃ¤ge").as_deref(), Some("Verträge"));
        for text in [
            "Größe",
            "L’été",
            "5 €",
            "Vertra\u{308}ge",
            "Łódź",
            "Договор",
            "契約書",
            "n°\u{a0}5",
        ] {
            assert_eq!(undo_mojibake(&misread(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_right_text_is_left_alone() {
        for text in [
            "",
            "Contract",
            "Verträge",
            "Größe",
            "QUALITÉ\u{a0}: annexe",
            "«\u{a0}activité\u{a0}»",
            "10 ×\u{a0}20 cm",
            "LUNEDÌ\u{a0}: orario",
            "MAÇÃO",
            "São Paulo",
            "Ångström",
            "契約書",
            "Договор",
            "5\u{a0}€",
            "M\u{fffd}ller",
        ] {
            assert_eq!(undo_mojibake(text), None, "{text:?}");
        }
    }
}
