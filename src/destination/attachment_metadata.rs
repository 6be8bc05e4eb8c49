//! Metadata and download address of an attachment, for replacements, renames and verification.
//!
//! A service of jobs reports no metadata, because the service forgets the files.

use crate::http::UnsafeTargetError;

/// Metadata of an attachment, as reported by the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentMetadata {
    /// Key which the user chose.
    pub external_id: Reported,
    /// Title of the attachment.
    pub title: Reported,
    /// Name of the attached file.
    pub file_name: Reported,
    /// Time at which the bytes came, as a text which changes whenever the bytes do.
    pub uploaded_at: Reported,
    /// Size of the stored bytes; `None` while no bytes are stored.
    pub size: Option<u64>,
}

/// Text in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reported {
    /// The answer does not mention the text, so nothing is known about it.
    #[default]
    NotReported,
    /// The answer says that there is no text.
    Null,
    /// The answer holds the text.
    Text {
        /// Text as the service has it, only for comparison. Never shown, because a service may
        /// repeat an API key.
        value: String,
        /// Text with API keys hidden, fit to be shown.
        redacted: String,
    },
}

impl Reported {
    /// Returns a text of our own, which holds no secret.
    pub fn from_own_text(text: &str) -> Self {
        Self::Text {
            value: text.to_owned(),
            redacted: text.to_owned(),
        }
    }

    /// Returns the text as the service has it, or `None` if there is none.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Text { value, .. } => Some(value),
            Self::NotReported | Self::Null => None,
        }
    }

    /// Returns the text with API keys hidden, or `None` if there is none.
    pub fn redacted(&self) -> Option<&str> {
        match self {
            Self::Text {
                redacted: words, ..
            } => Some(words),
            Self::NotReported | Self::Null => None,
        }
    }
}

/// Attachment with the address of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentDownload<T> {
    /// Metadata of the attachment.
    pub metadata: AttachmentMetadata,
    /// Address of the stored bytes, a short-lived secret; or the reason why the address in the
    /// answer is not used.
    pub download_target: Result<T, UnsafeTargetError>,
}
