//! What a service can show of the attachments that it keeps, to whoever wants proof of them.
//!
//! A service that makes jobs shows nothing: it forgets the files.

use crate::http::UnsafeTarget;

/// An attachment, as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhibit {
    /// The key by which the user knows it.
    pub external_id: Shown,
    /// Its title.
    pub title: Shown,
    /// The name of its file.
    pub file_name: Shown,
    /// When its bytes came, as a word that changes with them.
    pub uploaded_at: Shown,
    /// The size of its bytes; `None` while none are there.
    pub size: Option<u64>,
}

/// A text in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shown {
    /// The answer does not speak of it, so that nothing is known.
    #[default]
    NotTold,
    /// There is none.
    Nothing,
    /// This one.
    Text {
        /// As the service has it, to be compared. A service may repeat a key in it, so it is never
        /// shown.
        value: String,
        /// The same, fit to be shown.
        words: String,
    },
}

impl Shown {
    /// A text of ours, which holds nothing secret.
    pub fn of(text: &str) -> Self {
        Self::Text {
            value: text.to_owned(),
            words: text.to_owned(),
        }
    }

    /// The text as the service has it, where there is one.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Text { value, .. } => Some(value),
            Self::NotTold | Self::Nothing => None,
        }
    }

    /// The text, fit to be shown, where there is one.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text { words, .. } => Some(words),
            Self::NotTold | Self::Nothing => None,
        }
    }
}

/// An attachment, and where its bytes can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original<T> {
    /// What the service shows of it.
    pub exhibit: Exhibit,
    /// Where its bytes are: a secret, and short-lived.
    pub place: Result<T, UnsafeTarget>,
}
