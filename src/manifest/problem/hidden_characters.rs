//! Words about characters that a reader cannot recognise, and about ids that differ in nothing else.

use super::problem_kind::Severity;
use crate::text::{
    as_seen, character_name, fold_case_and_accents, hidden_form, is_long_dash, plain_reading,
    quoted,
};

/// Largest number of characters named in one message.
const MAX_CHARACTERS_NAMED: usize = 3;

/// Kind of the cell with a character that a reader cannot recognise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenCharacterPlace {
    /// Key of a fixed form, such as a number, to which the character cannot belong.
    FixedKey,
    /// Id of the user's own. The user may accept the character, which some scripts need.
    RefusedId,
    /// Id of the user's own, in which the user has accepted such characters.
    AcceptedId,
    /// Name under which the file is stored, which is no key.
    FileName,
    /// Path of a file that has the character in its name as well.
    FilePath,
}

impl HiddenCharacterPlace {
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::FixedKey | Self::RefusedId => Severity::Error,
            Self::AcceptedId | Self::FileName | Self::FilePath => Severity::Warning,
        }
    }

    pub(super) fn remedy(self, value: &str) -> String {
        let plain = quoted(plain_reading(value).trim());
        match self {
            Self::FixedKey => format!("write {plain}"),
            Self::RefusedId => {
                format!("write {plain}, or accept such characters with --allow-similar-ids")
            }
            Self::AcceptedId => "--allow-similar-ids accepts the id as it is".to_owned(),
            Self::FilePath => {
                format!(
                    "the file has it, too: rename the file to {plain} unless the character is meant"
                )
            }
            Self::FileName => format!("write {plain} unless the character is meant"),
        }
    }
}

/// Returns the mistake in words, with the name of each character.
pub(super) fn predicate(value: &str) -> String {
    let (mut unseen, mut lookalikes) = (Vec::new(), Vec::new());
    for c in value.chars() {
        let Some(form) = hidden_form(c) else { continue };
        let of_form = match form.plain_character() {
            None => &mut unseen,
            Some(_) => &mut lookalikes,
        };
        if !of_form.contains(&c) {
            of_form.push(c);
        }
    }
    let mut said = Vec::new();
    if !unseen.is_empty() {
        said.push(format!("{}, which cannot be seen", names(&unseen)));
    }
    if !lookalikes.is_empty() {
        said.push(format!(
            "{}, {} like a plain blank or hyphen",
            names(&lookalikes),
            if lookalikes.len() == 1 {
                "which looks"
            } else {
                "which look"
            }
        ));
    }
    format!("contains {}", said.join(", and "))
}

/// Returns in words in which respects two similar ids differ.
pub(super) fn difference(one: &str, other: &str) -> String {
    const CASE_AND_ACCENTS: &str = "case or in the encoding of accents";
    let folded = |id: &str| fold_case_and_accents(id).into_owned();
    if folded(one) == folded(other) {
        return CASE_AND_ACCENTS.to_owned();
    }
    let mut characters = Vec::new();
    for c in one.chars().chain(other.chars()) {
        let is_meant = hidden_form(c).is_some() || is_long_dash(c);
        if is_meant && !characters.contains(&c) {
            characters.push(c);
        }
    }
    let characters = names(&characters);
    if as_seen(one) == as_seen(other) {
        characters
    } else {
        format!("{CASE_AND_ACCENTS} and in {characters}")
    }
}

/// Returns the first few of some characters by their names, and the number of the others.
fn names(characters: &[char]) -> String {
    let mut named: Vec<String> = characters
        .iter()
        .take(MAX_CHARACTERS_NAMED)
        .map(|c| character_name(*c))
        .collect();
    match characters.len().saturating_sub(MAX_CHARACTERS_NAMED) {
        0 => {}
        1 => named.push("1 other character".to_owned()),
        others => named.push(format!("{others} other characters")),
    }
    let last = named.pop().unwrap_or_default();
    if named.is_empty() {
        return last;
    }
    format!("{} and {last}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_named_with_its_looks() {
        for (value, said) in [
            (
                "A\u{200b}1",
                "contains U+200B ZERO WIDTH SPACE, which cannot be seen",
            ),
            (
                "A\u{a0}1\u{a0}\u{2011}",
                "contains U+00A0 NO-BREAK SPACE and U+2011 NON-BREAKING HYPHEN, which look like a \
                 plain blank or hyphen",
            ),
            (
                "A\u{2060}1\u{a0}",
                "contains U+2060 WORD JOINER, which cannot be seen, and U+00A0 NO-BREAK SPACE, \
                 which looks like a plain blank or hyphen",
            ),
            (
                "\u{e0041}\u{e0042}\u{e0043}\u{e0044}\u{e0045}",
                "contains U+E0041, U+E0042, U+E0043 and 2 other characters, which cannot be seen",
            ),
        ] {
            assert_eq!(predicate(value), said);
        }
    }

    #[test]
    fn two_similar_ids_differ_in_case_or_in_named_characters_or_in_both() {
        for (one, other, said) in [
            ("at1", "AT1", "case or in the encoding of accents"),
            ("AT1", "AT\u{200b}1", "U+200B ZERO WIDTH SPACE"),
            ("MAR-1", "MAR\u{2013}1", "U+2013 EN DASH"),
            (
                "at-1",
                "AT\u{2011}1",
                "case or in the encoding of accents and in U+2011 NON-BREAKING HYPHEN",
            ),
        ] {
            assert_eq!(difference(one, other), said);
        }
    }
}
