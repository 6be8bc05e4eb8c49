//! Changes on request: content, titles and keys, each with the value before the change.
//!
//! The results name changes in one line for each row, so that of content replaced twice only the
//! last replacement is known. The report does not look for backups, because then the same report
//! would differ in another folder; `verify` looks for backups.

use serde::Serialize;

use super::listed::{Listed, Room, Weigh};
use super::value::{Bytes, Count, Text};
use crate::results::ledger::Ledger;
use crate::results::{Backup, Entry, Former, Status};

/// Limits of each list of changes. Two digests take room.
const ROOM: Room = Room {
    things: 50,
    bytes: 40 * 1024,
};

/// Changes on request. Rows of any status count, rows that have left the manifest included: the
/// status tells of a change that is unfinished or was undone.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// Attachments whose content was replaced.
    pub content: Listed<Replaced>,
    /// Attachments with a new title.
    pub titles: Listed<Retitled>,
    /// Attachments with a new key.
    pub external_ids: Listed<Renamed>,
    /// Counts for the sentences of the report.
    #[serde(skip)]
    pub(super) tally: Tally,
}

/// Counts of changes on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Done rows whose content was replaced.
    pub(super) content: Count,
    /// Done rows whose title was changed.
    pub(super) titles: Count,
    /// Done rows whose key was changed.
    pub(super) external_ids: Count,
    /// Rows, done or not, whose former content was kept in a backup.
    pub(super) backed_up: Count,
    /// Rows, done or not, whose former content was not kept, as the user wished.
    pub(super) waived: Count,
}

/// Row and attachment of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Row number in the manifest; null if the row has left the manifest.
    pub row: Option<usize>,
    /// The user's key of the row.
    pub external_id: Text,
    /// Id of the attachment in the service.
    pub attachment_id: Option<Text>,
    /// Status of the row.
    pub status: &'static str,
}

/// Replaced content of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Row and attachment.
    #[serde(flatten)]
    pub of: Subject,
    /// Size of the former content.
    pub previous_size: Bytes,
    /// SHA-256 of the former content; null if the import has not seen the bytes.
    pub previous_sha256: Option<String>,
    /// Size of the content named by the line of the row now.
    pub size: Option<Bytes>,
    /// SHA-256 of the content named by the line of the row now.
    pub sha256: Option<String>,
    /// Path of the backup of the former content; null if the user did without a backup.
    pub backup: Option<Text>,
}

/// New title of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retitled {
    /// Row and attachment.
    #[serde(flatten)]
    pub of: Subject,
    /// Title before the change; null if there was none.
    pub previous_title: Option<Text>,
    /// Title in the manifest.
    pub title: Text,
}

/// New key of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Row and attachment. The row is known by the former key.
    #[serde(flatten)]
    pub of: Subject,
    /// Key after the change.
    pub renamed_to: Text,
}

impl Default for Changed {
    fn default() -> Self {
        Self {
            content: Listed::with(ROOM),
            titles: Listed::with(ROOM),
            external_ids: Listed::with(ROOM),
            tally: Tally::default(),
        }
    }
}

impl Changed {
    /// True if nothing was changed.
    pub fn is_nothing(&self) -> bool {
        self.content.is_empty() && self.titles.is_empty() && self.external_ids.is_empty()
    }

    /// Adds the changes of a line of the results.
    pub fn take(&mut self, ledger: &Ledger, entry: &Entry) {
        let changes = &entry.changes;
        let done = u64::from(entry.status.is_done());
        if let Some(former) = &changes.replaced {
            self.tally.content.0 += done;
            match former.backup {
                Backup::Kept(_) => self.tally.backed_up.increase(),
                Backup::Waived => self.tally.waived.increase(),
            }
            self.content.push(|| Replaced::of(entry, former));
        }
        if changes.previous_title.is_some() || entry.status == Status::Updated {
            self.tally.titles.0 += done;
            self.titles.push(|| Retitled {
                of: Subject::of(entry),
                previous_title: changes.previous_title.as_deref().map(Text::of),
                title: Text::of(&ledger.extra(entry, "title")),
            });
        }
        if let Some(new) = &changes.renamed_to {
            self.tally.external_ids.0 += done;
            self.external_ids.push(|| Renamed {
                of: Subject::of(entry),
                renamed_to: Text::of(new),
            });
        }
    }
}

impl Subject {
    fn of(entry: &Entry) -> Self {
        Self {
            row: entry.row,
            external_id: Text::of(&entry.external_id),
            attachment_id: entry.attachment_id.as_ref().map(|id| Text::of(id.as_str())),
            status: entry.status.as_str(),
        }
    }

    fn weight(&self) -> usize {
        let id = self.attachment_id.as_ref().map_or(0, Text::weight);
        170 + self.external_id.weight() + id
    }
}

impl Replaced {
    fn of(entry: &Entry, former: &Former) -> Self {
        Self {
            of: Subject::of(entry),
            previous_size: Bytes(former.size),
            previous_sha256: former.sha256.map(|digest| digest.to_string()),
            size: entry.known.size().map(Bytes),
            sha256: entry.known.content().map(|known| known.sha256.to_string()),
            backup: match &former.backup {
                Backup::Kept(path) => Some(Text::of(path)),
                Backup::Waived => None,
            },
        }
    }
}

impl Weigh for Replaced {
    fn weight(&self) -> usize {
        380 + self.of.weight() + self.backup.as_ref().map_or(0, Text::weight)
    }
}

impl Weigh for Retitled {
    fn weight(&self) -> usize {
        let previous = self.previous_title.as_ref().map_or(0, Text::weight);
        40 + self.of.weight() + previous + self.title.weight()
    }
}

impl Weigh for Renamed {
    fn weight(&self) -> usize {
        30 + self.of.weight() + self.renamed_to.weight()
    }
}
