//! Changes to an attachment on request of the user, and the content and names before the changes.

use std::borrow::Cow;

use super::entry_cell::{BadCell, bad_cell};
use crate::model::Sha256Digest;

/// Word of the column `backup` where the user did without a backup.
const WAIVED: &str = "waived";

/// Changes made to a row's attachment on request, with the old values for a user who wants them
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttachmentChanges {
    /// Content that was replaced, or is being replaced.
    pub replaced: Option<FormerContent>,
    /// Title of the attachment before the change.
    pub previous_title: Option<String>,
    /// Present `external_id` of the attachment.
    pub renamed_to: Option<String>,
}

/// Content replaced by other content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerContent {
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes; `None` where consign never saw the bytes.
    pub sha256: Option<Sha256Digest>,
    /// Outcome of the backup of the bytes.
    pub backup: BackupOutcome,
}

/// Outcome of the backup of replaced bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupOutcome {
    /// The bytes are in the file at this path.
    Kept(String),
    /// The user did without a backup.
    Waived,
}

impl AttachmentChanges {
    pub(super) fn from_cells(
        replaced: (Option<u64>, Option<Sha256Digest>, &str),
        previous_title: &str,
        renamed_to: &str,
    ) -> Result<Self, BadCell> {
        let replaced = match replaced {
            (None, None, "") => None,
            (None, _, backup) => return Err(bad_cell("backup", backup)),
            (Some(_), _, "") => return Err(bad_cell("backup", "")),
            (Some(size), sha256, backup) => Some(FormerContent {
                size,
                sha256,
                backup: match backup {
                    WAIVED => BackupOutcome::Waived,
                    path => BackupOutcome::Kept(path.to_owned()),
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

impl BackupOutcome {
    /// Returns the text of the column `backup`: a path, or the word `waived`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Kept(path) => path,
            Self::Waived => WAIVED,
        }
    }
}
