//! How a row stands, why, and by what that was confirmed: words that scripts may go by.

use std::fmt;

/// How a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The bytes are stored, and the service confirmed their size.
    Uploaded,
    /// New bytes are stored in the old ones' place, and the service confirmed their size.
    Replaced,
    /// The attachment was given another `external_id`.
    Renamed,
    /// The attachment was given another title.
    Updated,
    /// The `external_id` was there already, with the same size, before any run of ours began it.
    Skipped,
    /// The `external_id` is there with other content, or the file or object of a done row changed.
    Conflict,
    /// The row was tried and cannot succeed as it is.
    Failed,
    /// The row or its file is not fit to send.
    Invalid,
    /// Journal: the old bytes are being, or were, let go of, and the new ones are not yet confirmed.
    Replacing,
    /// Journal: a record is being made; nobody knows yet whether it was.
    Creating,
    /// Journal: a record was made, its bytes are not yet confirmed.
    Created,
    /// Not reached, or to be tried again by `--resume`.
    Pending,
}

impl Status {
    /// Every status, in the order in which summaries list them.
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

    /// The word in the results file.
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

    /// Whether nothing is left to do for the row.
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

/// Makes [`Reason`] and its words, so that none can be without the other.
macro_rules! reasons {
    ($($(#[$said:meta])* $name:ident = $word:literal,)+) => {
        /// A stable word that says why a row stands as it does. Scripts may go by it.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub enum Reason {
            /// There is nothing to explain.
            #[default]
            None,
            $($(#[$said])* $name,)+
            /// A word of another version of consign.
            Other(String),
        }

        impl Reason {
            /// The word in the results file.
            pub fn as_str(&self) -> &str {
                match self {
                    Self::None => "",
                    $(Self::$name => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for Reason {
            fn from(word: &str) -> Self {
                match word {
                    "" => Self::None,
                    $($word => Self::$name,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

reasons! {
    /// The run ended before the row's turn came.
    NotReached = "not_reached",
    /// A record without bytes has the `external_id`, and it is not known to be ours.
    PendingElsewhere = "pending_elsewhere",
    /// An attachment of another size has the `external_id`.
    StoredOtherSize = "stored_other_size",
    /// The file of a done row is another one now.
    FileChanged = "file_changed",
    /// The manifest names another object than the one the row was begun for.
    ObjectChanged = "object_changed",
    /// The service answered a look-up with another `external_id`.
    LookupMismatch = "lookup_mismatch",
    /// The service refused to make the record.
    Refused = "refused",
    /// The keys may not do this for this row, though they work for others.
    Forbidden = "forbidden",
    /// The service gave an upload address that is not safe to send to.
    UnsafeUploadUrl = "unsafe_upload_url",
    /// The storage refused the bytes.
    UploadRefused = "upload_refused",
    /// This row's requests stay without an answer while those of others get one.
    NoAnswer = "no_answer",
    /// The file changed, or went away, after it was checked.
    SourceChanged = "source_changed",
    /// The service took the `external_id`, and does not find it again; no bytes were sent.
    NotFoundAgain = "not_found_again",
    /// The storage took the bytes, but the service did not show their size in time.
    SizeNotShown = "size_not_shown",
    /// A new address was asked for, and how that ended is not recorded.
    Renewing = "renewing",
    /// The service shows another size than was sent.
    SizeMismatch = "size_mismatch",
    /// The service removed the record after its bytes were sent, twice.
    Purged = "purged",
    /// The bytes are being sent to a job, and how that ended is not recorded.
    Sending = "sending",
    /// The job did not say in time where its files go; nothing was sent.
    JobWaiting = "job_waiting",
    /// The storage took the file, but its job did not end in time.
    JobRunning = "job_running",
    /// The job failed, and nobody knows whether it attached the file before.
    JobFailed = "job_failed",
    /// The job failed without having attached the file.
    NotAttached = "not_attached",
    /// Other content is stored, and the user wants it to stay.
    KeptExisting = "kept_existing",
    /// What is stored was downloaded, and is what was to be put in its place.
    SameContent = "same_content",
    /// A new title was sent, and how that ended is not recorded.
    Updating = "updating",
    /// A new `external_id` was sent, and how that ended is not recorded.
    Renaming = "renaming",
    /// Another attachment has the new `external_id`.
    NewIdTaken = "new_id_taken",
    /// The attachment has an `external_id` that neither the manifest nor an earlier run gave it.
    RenamedElsewhere = "renamed_elsewhere",
    /// The bytes that were to be replaced could not be kept, or not be compared.
    NoBackup = "no_backup",
    /// The service has no such attachment any more, or it has lost its bytes.
    Gone = "gone",
    /// The row or its file is not fit to send.
    NotFit = "not_fit",
}

/// By what the storage or the service confirmed the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verified {
    /// Not at all, so far.
    #[default]
    No,
    /// The service's size equals ours.
    Size,
    /// The storage's MD5 equals ours (and the service's size, too).
    Etag,
}

impl Verified {
    pub(super) const ALL: [Self; 3] = [Self::No, Self::Size, Self::Etag];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Size => "size",
            Self::Etag => "etag",
        }
    }
}
