//! Changes to an attachment on request of the user, and the content and names before the changes.

use std::borrow::Cow;

use super::cell::{BadCell, bad};
use crate::model::Sha256Digest;

/// Word of the column `backup` where the user did without a backup.
const WAIVED: &str = "waived";

/// Changes made to a row's attachment on request, with the old values for a user who wants them
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Content that was replaced, or is being replaced.
    pub replaced: Option<Former>,
    /// Title of the attachment before the change.
    pub previous_title: Option<String>,
    /// Present `external_id` of the attachment.
    pub renamed_to: Option<String>,
}

/// Content that gave way to other content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes; `None` where consign never saw the bytes.
    pub sha256: Option<Sha256Digest>,
    /// Outcome of the backup of the bytes.
    pub backup: Backup,
}

/// Outcome of the backup of replaced bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backup {
    /// The bytes are in the file at this path.
    Kept(String),
    /// The user did without a backup.
    Waived,
}

impl Changes {
    pub(super) fn of(
        replaced: (Option<u64>, Option<Sha256Digest>, &str),
        previous_title: &str,
        renamed_to: &str,
    ) -> Result<Self, BadCell> {
        let replaced = match replaced {
            (None, None, "") => None,
            (None, _, backup) => return Err(bad("backup", backup)),
            (Some(_), _, "") => return Err(bad("backup", "")),
            (Some(size), sha256, backup) => Some(Former {
                size,
                sha256,
                backup: match backup {
                    WAIVED => Backup::Waived,
                    path => Backup::Kept(path.to_owned()),
                },
            }),
        };
        let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Self {
            replaced,
            previous_title: told(previous_title),
            renamed_to: told(renamed_to),
        })
    }

    pub(super) fn cells(&self) -> [Cow<'_, str>; 5] {
        let former = self.replaced.as_ref();
        let owned = |text: Option<String>| Cow::Owned(text.unwrap_or_default());
        let text = |text: &'_ Option<String>| Cow::Owned(text.clone().unwrap_or_default());
        [
            owned(former.map(|former| former.size.to_string())),
            owned(former.and_then(|former| Some(former.sha256?.to_string()))),
            former.map_or("", |former| former.backup.as_str()).into(),
            text(&self.previous_title),
            text(&self.renamed_to),
        ]
    }
}

impl Backup {
    /// Returns the text of the column `backup`: a path, or the word `waived`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Kept(path) => path,
            Self::Waived => WAIVED,
        }
    }
}
