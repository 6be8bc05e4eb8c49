//! What a comparison of the results with the service found, row by row: the verification file's
//! vocabulary. How the service is asked is the business of `pipeline::inspect`.

pub mod backups;
pub mod compare;
pub mod download;
pub mod file;
pub mod row;

use std::fmt;

use jiff::Timestamp;

use crate::model::{AttachmentId, Sha256Digest};
use crate::results::{Entry, Status};

pub use download::Download;

/// How what a row claims compares with what the service holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The attachment is there, under its key, with its size; and with its bytes, where they were
    /// downloaded.
    Match,
    /// There is no such attachment.
    Missing,
    /// The attachment is there, without its bytes.
    Pending,
    /// It has another size.
    SizeDiffers,
    /// It has its size, and its bytes where they were downloaded, but another `external_id` or title.
    Renamed,
    /// The service shows its size, and gives other bytes.
    ContentDiffers,
    /// The results do not claim that the row is done.
    NotDone,
    /// The service has no way to tell: Keelvar knows of a job that it ended, and no more.
    Unverifiable,
    /// It could not be found out.
    Error,
}

impl Outcome {
    /// Every outcome, in the order in which summaries list them.
    pub const ALL: [Self; 9] = [
        Self::Match,
        Self::Missing,
        Self::Pending,
        Self::SizeDiffers,
        Self::Renamed,
        Self::ContentDiffers,
        Self::NotDone,
        Self::Unverifiable,
        Self::Error,
    ];

    /// The word in the verification file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Missing => "missing",
            Self::Pending => "pending",
            Self::SizeDiffers => "size_differs",
            Self::Renamed => "renamed",
            Self::ContentDiffers => "content_differs",
            Self::NotDone => "not_done",
            Self::Unverifiable => "unverifiable",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the row's file stood on the machine of a verification of an earlier version, which looked at
/// it. It had no part in the outcome: what counts is what the service holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalFile {
    /// It was what had been imported.
    Unchanged,
    /// It held something else.
    Changed,
    /// It was not there.
    Gone,
}

impl LocalFile {
    const ALL: [Self; 3] = [Self::Unchanged, Self::Changed, Self::Gone];

    /// The word in the verification file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// One line of the verification file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The manifest row's number, from 1; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// The key of the row.
    pub external_id: String,
    /// The attachment (for Keelvar the job) that was asked for.
    pub attachment_id: Option<AttachmentId>,
    /// What came of it.
    pub outcome: Outcome,
    /// What the results say.
    pub expected: Facts,
    /// What the service holds; the digest only where the bytes were downloaded.
    pub found: Facts,
    /// Under which names the attachment was expected; none where it was not.
    pub expected_as: KnownAs,
    /// When the service was asked last.
    pub checked_at: Timestamp,
    /// Which rows' bytes were to be downloaded: the same for all lines of one verification.
    pub download: Download,
    /// How the file on this machine stood. Read from verifications of earlier versions, and never
    /// written.
    pub local_file: Option<LocalFile>,
    /// Which service was asked: host and path of its base.
    pub destination: String,
    /// What differs, or why it could not be found out, for a person.
    pub message: String,
}

/// The names of an attachment, as far as they are claimed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownAs {
    /// Its key, which is not that of its row where it was renamed.
    pub external_id: Option<String>,
    /// Its title.
    pub title: Option<String>,
}

/// What one side says of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// The size in bytes.
    pub size: Option<u64>,
    /// The digest of the bytes.
    pub sha256: Option<Sha256Digest>,
}

impl Facts {
    /// What a line of the results says.
    pub fn of(entry: &Entry) -> Self {
        Self {
            size: entry.known.size(),
            sha256: entry.known.content().map(|content| content.sha256),
        }
    }
}

impl Checked {
    /// Whether this was found out about what a line of the results says, and not about what an
    /// earlier one said. The times have no say in it: the two files may have been written on
    /// machines whose clocks differ.
    pub fn is_about(&self, entry: &Entry) -> bool {
        self.row == entry.row
            && self.external_id == entry.external_id
            && self.attachment_id == entry.attachment_id
            && self.destination == entry.destination
            && self.expected == Facts::of(entry)
            && (self.outcome == Outcome::NotDone) != entry.status.is_done()
            && (self.outcome == Outcome::NotDone || self.names_are_those_of(entry))
    }

    /// Whether it was found out after the import gave the attachment the names that it has now, as far
    /// as the import gave it others than it had.
    fn names_are_those_of(&self, entry: &Entry) -> bool {
        let KnownAs { external_id, title } = &self.expected_as;
        // Verifications of earlier versions do not name it, and know of nothing that was renamed.
        let expected = external_id.as_ref().unwrap_or(&self.external_id);
        let changes = &entry.changes;
        let has_new_title = entry.status == Status::Updated || changes.previous_title.is_some();
        expected == changes.renamed_to.as_ref().unwrap_or(&entry.external_id)
            && (!has_new_title || (title.is_some() && *title != changes.previous_title))
    }

    /// Whether it says no more than that a line of the results is not believed.
    pub fn is_about_damage(&self) -> bool {
        self.row.is_none()
            && self.attachment_id.is_none()
            && self.outcome == Outcome::Error
            && self.expected == Facts::default()
    }

    /// Whether the stored bytes were downloaded, and had the expected digest.
    pub fn content_proven(&self) -> bool {
        self.found.sha256.is_some() && self.found.sha256 == self.expected.sha256
    }
}

#[cfg(test)]
mod tests;
