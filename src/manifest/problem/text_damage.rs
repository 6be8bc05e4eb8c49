//! Damage that leaves a plausible text: characters that were replaced or misread on their way.

use super::problem_kind::Severity;
use crate::text::{quoted, undo_mojibake};

/// Damage of a text by a program that has converted the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextDamage {
    /// U+FFFD stands in the place of a character that a program could not read.
    ReplacementCharacter,
    /// UTF-8 was read as Windows-1252: `VertrÃ¤ge` for `Verträge`.
    Mojibake,
}

impl TextDamage {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ReplacementCharacter => "replacement_character",
            Self::Mojibake => "mojibake",
        }
    }

    pub(super) fn severity(self) -> Severity {
        match self {
            Self::ReplacementCharacter => Severity::Error,
            Self::Mojibake => Severity::Warning,
        }
    }

    /// Returns the damage in words.
    pub(super) fn predicate(self, value: &str) -> String {
        match self {
            Self::ReplacementCharacter => {
                "contains U+FFFD, which a program has put in the place of a character that the \
                 program could not read"
                    .to_owned()
            }
            Self::Mojibake => {
                let undone = undo_mojibake(value).unwrap_or_default();
                format!(
                    "was probably {}: a program has read UTF-8 as Windows-1252",
                    quoted(&undone)
                )
            }
        }
    }

    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::ReplacementCharacter => {
                "the character is lost: export the text again from where it came, as UTF-8"
            }
            Self::Mojibake => "if so, export the text again from where it came, as UTF-8",
        }
    }
}
