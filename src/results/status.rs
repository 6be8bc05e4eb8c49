//! The words of the columns `status` and `verified`: stable, since scripts go by them.

use std::fmt;

/// Status of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The bytes are stored, and the service confirmed their size.
    Uploaded,
    /// New bytes are stored instead of the old bytes, and the service confirmed their size.
    Replaced,
    /// The attachment was given another `external_id`.
    Renamed,
    /// The attachment was given another title.
    Updated,
    /// The `external_id` was there already, with the same size, before any run of ours began the
    /// row.
    Skipped,
    /// The `external_id` is there with other content, or the file or object of a done row changed.
    Conflict,
    /// The row was tried and cannot succeed as it is.
    Failed,
    /// The row or its file is not fit to send.
    Invalid,
    /// Journal: the release of the old bytes was requested, and the new bytes are not yet
    /// confirmed.
    Replacing,
    /// Journal: a POST was announced, and may or may not have made a record.
    Creating,
    /// Journal: a record was made, and its bytes are not yet confirmed.
    Created,
    /// The row was not reached, or is to be tried again by `--resume`.
    Pending,
}

impl Status {
    /// Every status, in the order of summaries.
    pub const ALL: [Self; 12] = [
        Self::Uploaded,
        Self::Replaced,
        Self::Renamed,
        Self::Updated,
        Self::Skipped,
        Self::Conflict,
        Self::Failed,
        Self::Invalid,
        Self::Replacing,
        Self::Creating,
        Self::Created,
        Self::Pending,
    ];

    /// Returns the word in the results file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Replaced => "replaced",
            Self::Renamed => "renamed",
            Self::Updated => "updated",
            Self::Skipped => "skipped",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Replacing => "replacing",
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Pending => "pending",
        }
    }

    /// True if nothing is left to do for the row.
    pub fn is_done(self) -> bool {
        matches!(
            self,
            Self::Uploaded | Self::Replaced | Self::Renamed | Self::Updated | Self::Skipped
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Evidence by which the storage or the service confirmed the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerifiedBy {
    /// No evidence so far.
    #[default]
    Nothing,
    /// The service's size equals ours.
    Size,
    /// The storage's MD5 equals ours (and the service's size, too).
    Etag,
}

impl VerifiedBy {
    pub(super) const ALL: [Self; 3] = [Self::Nothing, Self::Size, Self::Etag];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Size => "size",
            Self::Etag => "etag",
        }
    }
}
