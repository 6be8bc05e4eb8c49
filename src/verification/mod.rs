//! Vocabulary of the verification file: outcomes and lines of a comparison of the results with the
//! service, row by row. `pipeline::inspection` sends the requests; nothing here does.
//!
//! Open [`compare`] first for the decisions, `object_proof` for the decisions about records,
//! `object_queries` for the records to be asked, `row` for the state of a row during a verification,
//! `verification_file` for reading and writing.

pub mod backups;
pub mod compare;
pub mod download_scope;
pub mod object_proof;
pub mod object_queries;
pub mod row;
pub mod verification_file;

use std::fmt;

use jiff::Timestamp;

use crate::model::{AttachmentId, Sha256Digest};
use crate::results::{ResultsEntry, Status};

pub use download_scope::DownloadScope;
pub use object_proof::ObjectProof;

/// Outcome of the comparison of a row's claim with the state at the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VerificationOutcome {
    /// The attachment has its external id and its size, and its bytes where they were downloaded.
    Match,
    /// The attachment does not exist.
    Missing,
    /// The attachment has no bytes.
    Pending,
    /// The attachment has another size.
    SizeDiffers,
    /// The attachment has its size, and its bytes where they were downloaded, but another
    /// `external_id` or title.
    Renamed,
    /// The service reports the right size, and the downloaded bytes are others.
    ContentDiffers,
    /// The attachment is there as the results say, and hangs on another record.
    OtherObject,
    /// The results do not claim the row to be done.
    NotDone,
    /// The service cannot answer: Keelvar knows only the end of a job.
    Unverifiable,
    /// The state at the service could not be read.
    Error,
}

impl VerificationOutcome {
    /// Every outcome, in the order in which summaries list them.
    pub const ALL: [Self; 10] = [
        Self::Match,
        Self::Missing,
        Self::Pending,
        Self::SizeDiffers,
        Self::Renamed,
        Self::ContentDiffers,
        Self::OtherObject,
        Self::NotDone,
        Self::Unverifiable,
        Self::Error,
    ];

    /// Word in the verification file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Missing => "missing",
            Self::Pending => "pending",
            Self::SizeDiffers => "size_differs",
            Self::Renamed => "renamed",
            Self::ContentDiffers => "content_differs",
            Self::OtherObject => "other_object",
            Self::NotDone => "not_done",
            Self::Unverifiable => "unverifiable",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for VerificationOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// State of a row's file on the machine of a verification of an earlier version, which looked at
/// the file. The state had no part in the outcome: only the state at the service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalFileState {
    /// The file held the imported bytes.
    Unchanged,
    /// The file held other bytes.
    Changed,
    /// The file did not exist.
    Gone,
}

impl LocalFileState {
    const ALL: [Self; 3] = [Self::Unchanged, Self::Changed, Self::Gone];

    /// Word in the verification file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// Line of the verification file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationLine {
    /// Number of the manifest row, from 1; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// External id of the row.
    pub external_id: String,
    /// Id of the attachment, or of the job for Keelvar.
    pub attachment_id: Option<AttachmentId>,
    /// Outcome of the comparison.
    pub outcome: VerificationOutcome,
    /// Proof that the attachment hangs on the record of the row.
    pub object: ObjectProof,
    /// Content which the results claim.
    pub expected: ContentFacts,
    /// Content at the service. The digest is known only where the bytes were downloaded.
    pub found: ContentFacts,
    /// Names which the attachment was expected to have; empty where none was expected.
    pub expected_names: ExpectedNames,
    /// Time of the last request about the row.
    pub checked_at: Timestamp,
    /// Attachments to be downloaded: the same value in all lines of one verification.
    pub download: DownloadScope,
    /// State of the row's file on this machine. Read from verifications of earlier versions, never
    /// written.
    pub local_file: Option<LocalFileState>,
    /// Host and path of the service's base.
    pub destination: String,
    /// Differences, or the reason why the state could not be read, for people.
    pub message: String,
}

/// Names of an attachment as a row claims them; `None` for a name which is not claimed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedNames {
    /// External id, which is not the row's where the import renamed the attachment.
    pub external_id: Option<String>,
    /// Title of the attachment.
    pub title: Option<String>,
}

/// Size and digest of a content, each as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentFacts {
    /// Size in bytes.
    pub size: Option<u64>,
    /// SHA-256 digest of the bytes.
    pub sha256: Option<Sha256Digest>,
}

impl ContentFacts {
    /// Returns the content which a line of the results claims.
    pub fn from_entry(entry: &ResultsEntry) -> Self {
        Self {
            size: entry.known_content.size(),
            sha256: entry.known_content.content().map(|content| content.sha256),
        }
    }
}

impl VerificationLine {
    /// True if the line was made for the current state of an entry, not for an earlier one. Times
    /// are not compared, because the two files may come from machines whose clocks differ.
    pub fn is_current_for(&self, entry: &ResultsEntry) -> bool {
        self.row == entry.row
            && self.external_id == entry.external_id
            && self.attachment_id == entry.attachment_id
            && self.destination == entry.destination
            && self.expected == ContentFacts::from_entry(entry)
            && (self.outcome == VerificationOutcome::NotDone) != entry.status.is_done()
            && (self.outcome == VerificationOutcome::NotDone || self.expects_names_of(entry))
    }

    /// True if the line was made after the import gave the attachment its current names, as far as
    /// the import changed them.
    fn expects_names_of(&self, entry: &ResultsEntry) -> bool {
        let ExpectedNames { external_id, title } = &self.expected_names;
        // Verifications of earlier versions have no such column, and know no renamed rows.
        let expected = external_id.as_ref().unwrap_or(&self.external_id);
        let changes = &entry.changes;
        let has_new_title = entry.status == Status::Updated || changes.previous_title.is_some();
        expected == changes.renamed_to.as_ref().unwrap_or(&entry.external_id)
            && (!has_new_title || (title.is_some() && *title != changes.previous_title))
    }

    /// True if the line only reports that a line of the results is damaged.
    pub fn reports_damaged_line(&self) -> bool {
        self.row.is_none()
            && self.attachment_id.is_none()
            && self.outcome == VerificationOutcome::Error
            && self.expected == ContentFacts::default()
    }

    /// True if the bytes were downloaded and have the expected digest.
    pub fn is_content_proven(&self) -> bool {
        self.found.sha256.is_some() && self.found.sha256 == self.expected.sha256
    }
}

#[cfg(test)]
mod tests;
