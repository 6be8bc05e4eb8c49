//! Record as a manifest names it: by the service's own id, or by the customer's external id.

use std::fmt;

use super::object::{ObjectRef, ObjectType};

/// Longest external id of a record in characters. No document gives a limit; the bound keeps the
/// path of a look-up below the length that servers take.
pub const MAX_OBJECT_EXTERNAL_ID_CHARS: usize = 1_000;

/// Customer's own id of a record, such as the number of a contract.
///
/// Guarantees: 1 to 1,000 characters, no control characters, and no
/// blanks at either end. Ids are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectExternalId(Box<str>);

/// Reason for which a text is not an [`ObjectExternalId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectExternalId {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text has more than 1,000 characters.
    #[error(
        "has {chars} characters; {MAX_OBJECT_EXTERNAL_ID_CHARS} characters is the most that a \
         request can carry"
    )]
    TooLong {
        /// Number of characters of the text.
        chars: usize,
    },
    /// The text contains a control character.
    #[error("contains a control character")]
    ControlCharacter,
    /// The text starts or ends with white space.
    #[error("has blanks around it")]
    BlanksAround,
}

impl ObjectExternalId {
    /// Checks and copies a text of the manifest.
    pub fn parse(text: &str) -> Result<Self, InvalidObjectExternalId> {
        if text.is_empty() {
            return Err(InvalidObjectExternalId::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidObjectExternalId::ControlCharacter);
        }
        if text.trim() != text {
            return Err(InvalidObjectExternalId::BlanksAround);
        }
        let chars = text.chars().count();
        if chars > MAX_OBJECT_EXTERNAL_ID_CHARS {
            return Err(InvalidObjectExternalId::TooLong { chars });
        }
        Ok(Self(text.into()))
    }

    /// Returns the id as written by the user.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if every router takes the id for one segment of a path: letters, digits, `-` and `_`
    /// alone. Another id is looked up by a filter.
    pub fn routes_everywhere(&self) -> bool {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        self.0.bytes().all(is_safe)
    }
}

impl fmt::Display for ObjectExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Record as a row of the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NamedObject {
    /// Record with the service's own id.
    Known(ObjectRef),
    /// Record with an external id, whose own id the service has to tell.
    ByExternalId(ObjectType, ObjectExternalId),
}

impl NamedObject {
    /// Returns the type of the record.
    pub fn object_type(&self) -> ObjectType {
        match self {
            Self::Known(object) => object.object_type(),
            Self::ByExternalId(kind, _) => *kind,
        }
    }

    /// Returns the external id; `None` where the row has the service's own id.
    pub fn external_id(&self) -> Option<&ObjectExternalId> {
        match self {
            Self::Known(_) => None,
            Self::ByExternalId(_, external_id) => Some(external_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_of_a_record_is_any_text_without_controls_or_blanks_around() {
        for good in ["CW-2019/17", "Vertrag 7 §3", ".", "é", "0"] {
            assert_eq!(ObjectExternalId::parse(good).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(1_001);
        for (bad, why) in [
            ("", InvalidObjectExternalId::Empty),
            (" a", InvalidObjectExternalId::BlanksAround),
            ("a\tb", InvalidObjectExternalId::ControlCharacter),
            (
                too_long.as_str(),
                InvalidObjectExternalId::TooLong { chars: 1_001 },
            ),
        ] {
            assert_eq!(ObjectExternalId::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn only_letters_digits_hyphens_and_underscores_route_everywhere() {
        let routes = |text| ObjectExternalId::parse(text).unwrap().routes_everywhere();
        assert!(routes("CW_2019-17"));
        for odd in ["a.b", "a/b", "a b", "é", "."] {
            assert!(!routes(odd), "{odd}");
        }
    }
}
