//! What was changed on request: content, titles and keys, each with what stood there before.
//!
//! The results say it, one line for each row, so that of a content that was replaced twice only the
//! last one is known. Whether the backups are still there is no part of a report, which would say
//! something else in another folder; `verify` looks at them.

use serde::Serialize;

use super::listed::{Listed, Room, Weigh};
use super::value::{Bytes, Count, Text};
use crate::results::ledger::Ledger;
use crate::results::{Backup, Entry, Former, Status};

/// So much of each list. Two digests take room.
const ROOM: Room = Room {
    things: 50,
    bytes: 40 * 1024,
};

/// What was changed. Rows that have left the manifest are among them, and rows of any status: where a
/// change has not come to its end, or was undone, the status says so.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// Content that other content took the place of.
    pub content: Listed<Replaced>,
    /// Attachments that were given another title.
    pub titles: Listed<Retitled>,
    /// Attachments that were given another key.
    pub external_ids: Listed<Renamed>,
    /// The same in numbers, for the sentences of the report.
    #[serde(skip)]
    pub(super) tally: Tally,
}

/// How much was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Rows that are done, and whose content was replaced.
    pub(super) content: Count,
    /// Those whose title was changed.
    pub(super) titles: Count,
    /// Those whose key was changed.
    pub(super) external_ids: Count,
    /// Rows, done or not, whose former content was kept in a backup.
    pub(super) backed_up: Count,
    /// Those whose former content nobody kept, as the user wished.
    pub(super) waived: Count,
}

/// Which row, and which attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The manifest row's number, or null where the row has left the manifest.
    pub row: Option<usize>,
    /// The user's key of the row.
    pub external_id: Text,
    /// The attachment.
    pub attachment_id: Option<Text>,
    /// How the row stands.
    pub status: &'static str,
}

/// Content that other content took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Of which row.
    #[serde(flatten)]
    pub of: Subject,
    /// The size of the content that was there.
    pub previous_size: Bytes,
    /// Its SHA-256, where its bytes were seen.
    pub previous_sha256: Option<String>,
    /// The size of the content that the row's line names now.
    pub size: Option<Bytes>,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// The file that the former content was kept in, or null where the user did without one.
    pub backup: Option<Text>,
}

/// An attachment that was given another title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retitled {
    /// Of which row.
    #[serde(flatten)]
    pub of: Subject,
    /// The title that it had; null where it had none.
    pub previous_title: Option<Text>,
    /// The one that the manifest gives it.
    pub title: Text,
}

/// An attachment that was given another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Of which row, which is known by the key that the attachment had.
    #[serde(flatten)]
    pub of: Subject,
    /// The key that it has now.
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
    /// Whether nothing was changed.
    pub fn is_nothing(&self) -> bool {
        self.content.is_empty() && self.titles.is_empty() && self.external_ids.is_empty()
    }

    /// Takes a line of the results.
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
