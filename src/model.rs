//! Vocabulary of the product: checked values, each with one fallible constructor.
//!
//! No item here does I/O or depends on another module. The documentation of a type lists the
//! guarantees of the values. `look_up_policy` holds look-ups before records are made, `object` records and
//! services, `named_object` records as a
//! manifest names them, `row_numbers` the rows named by a user, `status_word` the status words of
//! jobs.

mod look_up_policy;
mod named_object;
mod object;
mod row_numbers;
mod status_word;

use std::fmt;
use std::str::FromStr;

pub use look_up_policy::{ClashScope, LookUpMode, LookUpPolicy};
pub use named_object::{
    InvalidObjectExternalId, MAX_OBJECT_EXTERNAL_ID_CHARS, NamedObject, ObjectExternalId,
};
pub use object::{InvalidObjectId, ObjectId, ObjectRef, ObjectType, ProcurementService};
pub use row_numbers::{RowNumbers, SecondCopyPolicy};
pub use status_word::StatusWord;

/// Longest `external_id` and `title` in characters: 255. Source: `maxLength: 255` in the vendor's
/// specification of the Workday Strategic Sourcing Attachments API.
pub const MAX_TEXT_CHARS: usize = 255;

/// Largest file in bytes for one PUT to S3: 5 GiB. The limit is a rule of the storage, not of the
/// API.
pub const MAX_FILE_SIZE: u64 = 5 * 1024 * 1024 * 1024;

/// Largest supporting document in bytes for Keelvar's app: 3 GB. Documented for the app alone; a
/// limit of jobs is unknown.
pub const MAX_KEELVAR_DOCUMENT_SIZE: u64 = 3_000_000_000;

/// User's own key of an attachment, unique in a manifest.
///
/// Guarantees: 1 to 255 characters, no control characters, no blanks at either end, and neither `.`
/// nor `..`, because URL libraries collapse these two even when percent-encoded.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(Box<str>);

/// Reason for which a text is not an [`ExternalId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExternalId {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text has more than [`MAX_TEXT_CHARS`] characters.
    #[error(
        "has {chars} characters; {MAX_TEXT_CHARS} characters is the most that the service takes"
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
    /// The text is `.` or `..`.
    #[error("cannot be addressed: `.` and `..` mean a folder in a URL")]
    DotSegment,
}

impl ExternalId {
    /// Checks and copies a text of the manifest.
    pub fn parse(text: &str) -> Result<Self, InvalidExternalId> {
        Self::check(text).map(|()| Self(text.into()))
    }

    /// Checks a text as [`Self::parse`] does, without a copy.
    pub fn check(text: &str) -> Result<(), InvalidExternalId> {
        if text.is_empty() {
            return Err(InvalidExternalId::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidExternalId::ControlCharacter);
        }
        if text.trim() != text {
            return Err(InvalidExternalId::BlanksAround);
        }
        // A text has at least as many bytes as characters.
        if text.len() > MAX_TEXT_CHARS {
            let chars = text.chars().count();
            if chars > MAX_TEXT_CHARS {
                return Err(InvalidExternalId::TooLong { chars });
            }
        }
        if matches!(text, "." | "..") {
            return Err(InvalidExternalId::DotSegment);
        }
        Ok(())
    }

    /// Returns the id as written by the user.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Service's own id of an attachment.
///
/// Guarantees: 1 to 64 ASCII letters, digits, `-` or `_`, so that an id needs no escaping in a URL
/// or in a comma-separated filter. (The specification declares an integer and shows strings.)
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachmentId(Box<str>);

/// Refusal of a text as an [`AttachmentId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an attachment id: 1 to 64 letters, digits, `-` or `_` are expected")]
pub struct InvalidAttachmentId;

impl AttachmentId {
    /// Checks an id from the service or from a results file.
    pub fn parse(text: &str) -> Result<Self, InvalidAttachmentId> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        fits.then(|| Self(text.into())).ok_or(InvalidAttachmentId)
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

/// Refusal of a text other than 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a SHA-256: 64 hexadecimal digits are expected")]
pub struct InvalidSha256;

impl FromStr for Sha256Digest {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, InvalidSha256> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(InvalidSha256);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_value(pair[0]).ok_or(InvalidSha256)? << 4
                | hex_value(pair[1]).ok_or(InvalidSha256)?;
        }
        Ok(Self(bytes))
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

/// MD5 digest. Its only use is the comparison with an `ETag` of a storage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Md5Digest(pub [u8; 16]);

impl fmt::Display for Md5Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Md5Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Size and time of modification of a file at one moment. A later difference shows that the file
/// has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Size in bytes.
    pub size: u64,
    /// Time of modification.
    pub modified: jiff::Timestamp,
}

/// State of a checked file: the size and the digest of the bytes to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedContent {
    /// Size and time of modification when the file was checked.
    pub stamp: FileStamp,
    /// Digest of the file's bytes.
    pub sha256: Sha256Digest,
}

/// Kind of a thing found in place of a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonFileKind {
    /// Folder.
    Folder,
    /// Named pipe.
    Pipe,
    /// Socket, block device or character device.
    Device,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_may_hold_anything_that_can_be_addressed() {
        for good in ["AT1", "CTR$1", "a/b", "Vertrag Nr. 7 §3", "...", "%2E"] {
            assert_eq!(ExternalId::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(
            ExternalId::parse(&"é".repeat(255)).map(|_| ()),
            Ok(()),
            "the limit is in characters"
        );
    }

    #[test]
    fn an_external_id_that_cannot_be_addressed_is_refused() {
        let too_long = "x".repeat(256);
        for (bad, why) in [
            ("", InvalidExternalId::Empty),
            (".", InvalidExternalId::DotSegment),
            ("..", InvalidExternalId::DotSegment),
            (" a", InvalidExternalId::BlanksAround),
            ("a\u{a0}", InvalidExternalId::BlanksAround),
            ("a\tb", InvalidExternalId::ControlCharacter),
            (too_long.as_str(), InvalidExternalId::TooLong { chars: 256 }),
        ] {
            assert_eq!(ExternalId::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_reads_back_as_it_is_written() {
        let digest = Sha256Digest([0xA5; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("zz".repeat(32).parse::<Sha256Digest>(), Err(InvalidSha256));
        assert_eq!("é".repeat(32).parse::<Sha256Digest>(), Err(InvalidSha256));
        assert_eq!("ab".parse::<Sha256Digest>(), Err(InvalidSha256));
    }

    #[test]
    fn an_attachment_id_can_stand_in_a_url_as_it_is() {
        assert!(AttachmentId::parse("4711").is_ok());
        for bad in ["", "1,2", "../1", "1 2", &"9".repeat(65)] {
            assert!(AttachmentId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
