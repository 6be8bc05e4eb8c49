//! The vocabulary of the product: checked values, each with one fallible constructor.
//!
//! Nothing here does I/O, and nothing here depends on another module. Whoever holds one of these
//! values holds the guarantees that its documentation lists.

mod object;
mod row_numbers;
mod status_word;

use std::fmt;
use std::str::FromStr;

pub use object::{BadObjectId, ObjectRef, ObjectType, Service};
pub use row_numbers::{RowNumbers, SecondCopies};
pub use status_word::StatusWord;

/// The longest `external_id` and `title` that the Workday Strategic Sourcing Attachments API
/// takes, in characters (`maxLength: 255` in the vendor's specification).
pub const MAX_TEXT: usize = 255;

/// The largest file that one PUT to S3 carries: 5 GiB (the rule of the storage, not of the API).
pub const MAX_FILE_SIZE: u64 = 5 * 1024 * 1024 * 1024;

/// The largest supporting document that Keelvar's app takes: 3 GB. It is documented of the app
/// alone, so nobody knows whether it is a limit of jobs, too.
pub const MAX_KEELVAR_DOCUMENT: u64 = 3_000_000_000;

/// The key under which the user knows an attachment, unique in a manifest.
///
/// Guarantees: 1 to 255 characters, no control characters, no blanks around it, and neither `.`
/// nor `..`, which URL libraries collapse even when they are percent-encoded.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(Box<str>);

/// Why a text is not an [`ExternalId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadExternalId {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Over [`MAX_TEXT`] characters.
    #[error("is longer than 255 characters, the most that the service takes")]
    TooLong,
    /// A control character inside.
    #[error("contains a control character")]
    ControlCharacter,
    /// White space at its start or end.
    #[error("has blanks around it")]
    BlanksAround,
    /// `.` or `..`.
    #[error("cannot be addressed: `.` and `..` mean a folder in a URL")]
    DotSegment,
}

impl ExternalId {
    /// Checks a text as it stands in the manifest.
    pub fn parse(text: &str) -> Result<Self, BadExternalId> {
        Self::check(text).map(|()| Self(text.into()))
    }

    /// Whether [`Self::parse`] would take the text, for those who need no copy of it.
    pub fn check(text: &str) -> Result<(), BadExternalId> {
        if text.is_empty() {
            return Err(BadExternalId::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(BadExternalId::ControlCharacter);
        }
        if text.trim() != text {
            return Err(BadExternalId::BlanksAround);
        }
        if text.chars().count() > MAX_TEXT {
            return Err(BadExternalId::TooLong);
        }
        if matches!(text, "." | "..") {
            return Err(BadExternalId::DotSegment);
        }
        Ok(())
    }

    /// The id as the user wrote it.
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

/// The service's own id of an attachment.
///
/// Guarantees: 1 to 64 ASCII letters, digits, `-` or `_`, so that it can stand in a URL and in a
/// comma-separated filter as it is. (The specification says integer and shows strings.)
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachmentId(Box<str>);

/// The text is not an [`AttachmentId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an attachment id: 1 to 64 letters, digits, `-` or `_` are expected")]
pub struct BadAttachmentId;

impl AttachmentId {
    /// Checks an id as the service or a results file gives it.
    pub fn parse(text: &str) -> Result<Self, BadAttachmentId> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        fits.then(|| Self(text.into())).ok_or(BadAttachmentId)
    }

    /// The id as text.
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

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a SHA-256: 64 hexadecimal digits are expected")]
pub struct BadSha256;

impl FromStr for Sha256Digest {
    type Err = BadSha256;

    fn from_str(text: &str) -> Result<Self, BadSha256> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(BadSha256);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte =
                hex_value(pair[0]).ok_or(BadSha256)? << 4 | hex_value(pair[1]).ok_or(BadSha256)?;
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

/// An MD5 digest, which is only ever compared with what a storage calls an `ETag`.
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

/// What a file was when it was looked at: enough to notice later that it is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Its size in bytes.
    pub size: u64,
    /// Its time of modification.
    pub modified: jiff::Timestamp,
}

/// A file as it was checked: what must be sent, to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its size and time of modification.
    pub stamp: FileStamp,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
}

/// What stands where a file is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAFile {
    /// A folder.
    Folder,
    /// A named pipe.
    Pipe,
    /// A socket, or a block or character device.
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
            ("", BadExternalId::Empty),
            (".", BadExternalId::DotSegment),
            ("..", BadExternalId::DotSegment),
            (" a", BadExternalId::BlanksAround),
            ("a\u{a0}", BadExternalId::BlanksAround),
            ("a\tb", BadExternalId::ControlCharacter),
            (too_long.as_str(), BadExternalId::TooLong),
        ] {
            assert_eq!(ExternalId::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_reads_back_as_it_is_written() {
        let digest = Sha256Digest([0xA5; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("zz".repeat(32).parse::<Sha256Digest>(), Err(BadSha256));
        assert_eq!("é".repeat(32).parse::<Sha256Digest>(), Err(BadSha256));
        assert_eq!("ab".parse::<Sha256Digest>(), Err(BadSha256));
    }

    #[test]
    fn an_attachment_id_can_stand_in_a_url_as_it_is() {
        assert!(AttachmentId::parse("4711").is_ok());
        for bad in ["", "1,2", "../1", "1 2", &"9".repeat(65)] {
            assert!(AttachmentId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
