//! What was changed on request, and what became of what was there before.

use std::borrow::Cow;

use super::cell::{BadCell, bad};
use crate::model::Sha256Digest;

/// What stands in the column `backup` where the user did without one.
const WAIVED: &str = "waived";

/// What was changed on request: what stood there before, as far as somebody may want it back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The content that was replaced, or is being replaced.
    pub replaced: Option<Former>,
    /// The title that the attachment had before.
    pub previous_title: Option<String>,
    /// The `external_id` that the attachment has now.
    pub renamed_to: Option<String>,
}

/// Content that gave way to other content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes, where they were seen.
    pub sha256: Option<Sha256Digest>,
    /// Where its bytes are now.
    pub backup: Backup,
}

/// What became of the bytes that gave way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backup {
    /// They are in this file.
    Kept(String),
    /// The user did without them.
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
    /// The text in the results file: a path, or the word for none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Kept(path) => path,
            Self::Waived => WAIVED,
        }
    }
}
