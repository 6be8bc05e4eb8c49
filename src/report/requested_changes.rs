//! Changes on request: content, titles and keys, each with the value before the change.
//!
//! The results name changes in one line for each row, so that of content replaced twice only the
//! last replacement is known. The report does not look for backups, because then the same report
//! would differ in another folder; `verify` looks for backups.

use serde::Serialize;

use super::bounded_list::{BoundedList, HtmlSize, ListLimits};
use super::values::{ByteCount, ItemCount, UntrustedText};
use crate::results::ledger::Ledger;
use crate::results::{BackupOutcome, FormerContent, ResultsEntry, Status};

/// Limits of each list of changes. Two digests take room.
const CHANGE_LIST_LIMITS: ListLimits = ListLimits {
    items: 50,
    html_bytes: 40 * 1024,
};

/// Changes on request. Rows of any status count, rows that have left the manifest included: the
/// status reports a change that is unfinished or was undone.
#[derive(Debug, Clone, Serialize)]
pub struct RequestedChanges {
    /// Attachments whose content was replaced.
    pub content: BoundedList<ReplacedContent>,
    /// Attachments with a new title.
    pub titles: BoundedList<ChangedTitle>,
    /// Attachments with a new key.
    pub external_ids: BoundedList<ChangedExternalId>,
    /// Counts for the sentences of the report.
    #[serde(skip)]
    pub(super) tally: ChangeTally,
}

/// Counts of changes on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChangeTally {
    /// Done rows whose content was replaced.
    pub(super) content: ItemCount,
    /// Done rows whose title was changed.
    pub(super) titles: ItemCount,
    /// Done rows whose key was changed.
    pub(super) external_ids: ItemCount,
    /// Rows, done or not, whose former content was kept in a backup.
    pub(super) backed_up: ItemCount,
    /// Rows, done or not, whose former content was not kept, as the user chose.
    pub(super) waived: ItemCount,
}

/// Row and attachment of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedAttachment {
    /// Row number in the manifest; null if the row has left the manifest.
    pub row: Option<usize>,
    /// The user's key of the row.
    pub external_id: UntrustedText,
    /// Id of the attachment in the service.
    pub attachment_id: Option<UntrustedText>,
    /// Status of the row.
    pub status: &'static str,
}

/// Replaced content of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplacedContent {
    /// Row and attachment.
    #[serde(flatten)]
    pub attachment: ChangedAttachment,
    /// Size of the former content.
    pub previous_size: ByteCount,
    /// SHA-256 of the former content; null if the import has not seen the bytes.
    pub previous_sha256: Option<String>,
    /// Size of the content named by the line of the row now.
    pub size: Option<ByteCount>,
    /// SHA-256 of the content named by the line of the row now.
    pub sha256: Option<String>,
    /// Path of the backup of the former content; null if the user did without a backup.
    pub backup: Option<UntrustedText>,
}

/// New title of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedTitle {
    /// Row and attachment.
    #[serde(flatten)]
    pub attachment: ChangedAttachment,
    /// Title before the change; null if there was none.
    pub previous_title: Option<UntrustedText>,
    /// Title in the manifest.
    pub title: UntrustedText,
}

/// New key of one attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedExternalId {
    /// Row and attachment. The row is known by the former key.
    #[serde(flatten)]
    pub attachment: ChangedAttachment,
    /// Key after the change.
    pub renamed_to: UntrustedText,
}

impl Default for RequestedChanges {
    fn default() -> Self {
        Self {
            content: BoundedList::with_limits(CHANGE_LIST_LIMITS),
            titles: BoundedList::with_limits(CHANGE_LIST_LIMITS),
            external_ids: BoundedList::with_limits(CHANGE_LIST_LIMITS),
            tally: ChangeTally::default(),
        }
    }
}

impl RequestedChanges {
    /// True if nothing was changed.
    pub fn is_nothing(&self) -> bool {
        self.content.is_empty() && self.titles.is_empty() && self.external_ids.is_empty()
    }

    /// Adds the changes of a line of the results.
    pub fn take_line(&mut self, ledger: &Ledger, entry: &ResultsEntry) {
        let changes = &entry.changes;
        let done = u64::from(entry.status.is_done());
        if let Some(former) = &changes.replaced {
            self.tally.content.0 += done;
            match former.backup {
                BackupOutcome::Kept(_) => self.tally.backed_up.increase(),
                BackupOutcome::Waived => self.tally.waived.increase(),
            }
            self.content.push(|| ReplacedContent::new(entry, former));
        }
        if changes.previous_title.is_some() || entry.status == Status::Updated {
            self.tally.titles.0 += done;
            self.titles.push(|| ChangedTitle {
                attachment: ChangedAttachment::new(entry),
                previous_title: changes.previous_title.as_deref().map(UntrustedText::new),
                title: UntrustedText::new(&ledger.extra_cell(entry, "title")),
            });
        }
        if let Some(new) = &changes.renamed_to {
            self.tally.external_ids.0 += done;
            self.external_ids.push(|| ChangedExternalId {
                attachment: ChangedAttachment::new(entry),
                renamed_to: UntrustedText::new(new),
            });
        }
    }
}

impl ChangedAttachment {
    fn new(entry: &ResultsEntry) -> Self {
        Self {
            row: entry.row,
            external_id: UntrustedText::new(&entry.external_id),
            attachment_id: entry
                .attachment_id
                .as_ref()
                .map(|id| UntrustedText::new(id.as_str())),
            status: entry.status.as_str(),
        }
    }

    fn html_bytes(&self) -> usize {
        let id = self
            .attachment_id
            .as_ref()
            .map_or(0, UntrustedText::html_bytes);
        170 + self.external_id.html_bytes() + id
    }
}

impl ReplacedContent {
    fn new(entry: &ResultsEntry, former: &FormerContent) -> Self {
        Self {
            attachment: ChangedAttachment::new(entry),
            previous_size: ByteCount(former.size),
            previous_sha256: former.sha256.map(|digest| digest.to_string()),
            size: entry.known_content.size().map(ByteCount),
            sha256: entry
                .known_content
                .content()
                .map(|known| known.sha256.to_string()),
            backup: match &former.backup {
                BackupOutcome::Kept(path) => Some(UntrustedText::new(path)),
                BackupOutcome::Waived => None,
            },
        }
    }
}

impl HtmlSize for ReplacedContent {
    fn html_bytes(&self) -> usize {
        380 + self.attachment.html_bytes()
            + self.backup.as_ref().map_or(0, UntrustedText::html_bytes)
    }
}

impl HtmlSize for ChangedTitle {
    fn html_bytes(&self) -> usize {
        let previous = self
            .previous_title
            .as_ref()
            .map_or(0, UntrustedText::html_bytes);
        40 + self.attachment.html_bytes() + previous + self.title.html_bytes()
    }
}

impl HtmlSize for ChangedExternalId {
    fn html_bytes(&self) -> usize {
        30 + self.attachment.html_bytes() + self.renamed_to.html_bytes()
    }
}
