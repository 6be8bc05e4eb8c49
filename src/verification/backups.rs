//! Whether the backups that the results name are still what was kept in them. They are files on this
//! machine; the service has no part in it, and neither has the outcome of a row.

use std::path::PathBuf;

use super::row::Row;
use crate::model::Sha256Digest;
use crate::results::{Backup, Former};

/// A backup, as a line of the results names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The manifest row's number; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// The key of the row.
    pub external_id: String,
    /// The file, relative to the folder in which the import was run.
    pub path: PathBuf,
    /// How many bytes were kept.
    pub size: u64,
    /// Their digest.
    pub sha256: Option<Sha256Digest>,
}

impl Named {
    /// The backup of a row, where one was kept.
    pub fn of(row: &Row) -> Option<Self> {
        let former = row.former.as_ref()?;
        let Former { size, sha256, .. } = *former;
        match &former.backup {
            Backup::Kept(path) => Some(Self {
                row: row.line.row,
                external_id: row.line.external_id.clone(),
                path: path.into(),
                size,
                sha256,
            }),
            Backup::Waived => None,
        }
    }
}

/// How a backup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is there, and what was kept.
    AsRecorded,
    /// It is not where the results say.
    Missing,
    /// It has another size.
    OtherSize,
    /// It has its size, and holds other bytes.
    OtherBytes,
    /// It cannot be read.
    Unreadable,
}

impl Standing {
    /// Every one, in the order in which summaries list them.
    pub const ALL: [Self; 5] = [
        Self::AsRecorded,
        Self::Missing,
        Self::OtherSize,
        Self::OtherBytes,
        Self::Unreadable,
    ];

    /// The word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsRecorded => "as_recorded",
            Self::Missing => "missing",
            Self::OtherSize => "other_size",
            Self::OtherBytes => "other_bytes",
            Self::Unreadable => "unreadable",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsRecorded => "as recorded",
            Self::Missing => "missing",
            Self::OtherSize => "with another size",
            Self::OtherBytes => "with other bytes",
            Self::Unreadable => "not readable",
        }
    }
}
