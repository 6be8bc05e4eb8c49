//! One line of the results file: its columns, what they hold, and the check that guards them.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use super::cell::{BadCell, bad, optional, parsed, word};
use crate::digest::sha256;
use crate::model::{AttachmentId, Content, FileStamp, ObjectType, Service, Sha256Digest};

/// The columns that consign writes before [`LINE_CHECK`], in order. Fixed: scripts go by them.
pub const COLUMNS: [&str; 21] = [
    "row",
    "file_path",
    "object_type",
    "object_id",
    "external_id",
    "status",
    "reason",
    "attachment_id",
    "size",
    "modified_at",
    "sha256",
    "verified",
    "attempts",
    "destination",
    "updated_at",
    "message",
    "previous_size",
    "previous_sha256",
    "backup",
    "previous_title",
    "renamed_to",
];

/// So many of [`COLUMNS`] are in every results file; those after them came with later versions.
pub(super) const FIRST_COLUMNS: usize = 16;

/// The cells before [`LINE_CHECK`], in the order of [`COLUMNS`].
pub(super) type Cells<T> = [T; COLUMNS.len()];

/// What stands in the column `backup` where the user did without one.
const WAIVED: &str = "waived";

/// The column that guards the ones before it; the manifest's other columns stand after it.
pub const LINE_CHECK: &str = "line_check";

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

/// A stable word that says why a row stands as it does. Scripts may go by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// There is nothing to explain.
    pub const NONE: Self = Self(Cow::Borrowed(""));
    /// The run ended before the row's turn came.
    pub const NOT_REACHED: Self = Self(Cow::Borrowed("not_reached"));
    /// A record without bytes has the `external_id`, and it is not known to be ours.
    pub const PENDING_ELSEWHERE: Self = Self(Cow::Borrowed("pending_elsewhere"));
    /// An attachment of another size has the `external_id`.
    pub const STORED_OTHER_SIZE: Self = Self(Cow::Borrowed("stored_other_size"));
    /// The file of a done row is another one now.
    pub const FILE_CHANGED: Self = Self(Cow::Borrowed("file_changed"));
    /// The manifest names another object than the one the row was begun for.
    pub const OBJECT_CHANGED: Self = Self(Cow::Borrowed("object_changed"));
    /// The service answered a look-up with another `external_id`.
    pub const LOOKUP_MISMATCH: Self = Self(Cow::Borrowed("lookup_mismatch"));
    /// The service refused to make the record.
    pub const REFUSED: Self = Self(Cow::Borrowed("refused"));
    /// The keys may not do this for this row, though they work for others.
    pub const FORBIDDEN: Self = Self(Cow::Borrowed("forbidden"));
    /// The service gave an upload address that is not safe to send to.
    pub const UNSAFE_UPLOAD_URL: Self = Self(Cow::Borrowed("unsafe_upload_url"));
    /// The storage refused the bytes.
    pub const UPLOAD_REFUSED: Self = Self(Cow::Borrowed("upload_refused"));
    /// This row's requests stay without an answer while those of others get one.
    pub const NO_ANSWER: Self = Self(Cow::Borrowed("no_answer"));
    /// The file changed, or went away, after it was checked.
    pub const SOURCE_CHANGED: Self = Self(Cow::Borrowed("source_changed"));
    /// The storage took the bytes, but the service did not show their size in time.
    pub const SIZE_NOT_SHOWN: Self = Self(Cow::Borrowed("size_not_shown"));
    /// A new address was asked for, and how that ended is not recorded.
    pub const RENEWING: Self = Self(Cow::Borrowed("renewing"));
    /// The service shows another size than was sent.
    pub const SIZE_MISMATCH: Self = Self(Cow::Borrowed("size_mismatch"));
    /// The service removed the record after its bytes were sent, twice.
    pub const PURGED: Self = Self(Cow::Borrowed("purged"));
    /// The bytes are being sent to a job, and how that ended is not recorded.
    pub const SENDING: Self = Self(Cow::Borrowed("sending"));
    /// The job did not say in time where its files go; nothing was sent.
    pub const JOB_WAITING: Self = Self(Cow::Borrowed("job_waiting"));
    /// The storage took the file, but its job did not end in time.
    pub const JOB_RUNNING: Self = Self(Cow::Borrowed("job_running"));
    /// The job failed, and nobody knows whether it attached the file before.
    pub const JOB_FAILED: Self = Self(Cow::Borrowed("job_failed"));
    /// The job failed without having attached the file.
    pub const NOT_ATTACHED: Self = Self(Cow::Borrowed("not_attached"));
    /// Other content is stored, and the user wants it to stay.
    pub const KEPT_EXISTING: Self = Self(Cow::Borrowed("kept_existing"));
    /// What is stored was downloaded, and is what was to be put in its place.
    pub const SAME_CONTENT: Self = Self(Cow::Borrowed("same_content"));
    /// A new title was sent, and how that ended is not recorded.
    pub const UPDATING: Self = Self(Cow::Borrowed("updating"));
    /// A new `external_id` was sent, and how that ended is not recorded.
    pub const RENAMING: Self = Self(Cow::Borrowed("renaming"));
    /// Another attachment has the new `external_id`.
    pub const NEW_ID_TAKEN: Self = Self(Cow::Borrowed("new_id_taken"));
    /// The attachment has an `external_id` that neither the manifest nor an earlier run gave it.
    pub const RENAMED_ELSEWHERE: Self = Self(Cow::Borrowed("renamed_elsewhere"));
    /// The bytes that were to be replaced could not be kept, or not be compared.
    pub const NO_BACKUP: Self = Self(Cow::Borrowed("no_backup"));
    /// The service has no such attachment any more, or it has lost its bytes.
    pub const GONE: Self = Self(Cow::Borrowed("gone"));
    /// What is stored became other content while it was being replaced.
    pub const STORED_CHANGED: Self = Self(Cow::Borrowed("stored_changed"));
    /// The row or its file is not fit to send.
    pub const NOT_FIT: Self = Self(Cow::Borrowed("not_fit"));

    /// The word in the results file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
    const ALL: [Self; 3] = [Self::No, Self::Size, Self::Etag];

    fn as_str(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Size => "size",
            Self::Etag => "etag",
        }
    }
}

/// What is known of the content that a line speaks of.
///
/// Of an attachment that somebody else stored only the size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// The size that the service shows.
    Size(u64),
    /// All of it.
    Content(Content),
}

impl Known {
    fn of(size: Option<u64>, modified: Option<Timestamp>, sha256: Option<Sha256Digest>) -> Self {
        match (size, modified, sha256) {
            (Some(size), Some(modified), Some(sha256)) => Self::Content(Content {
                stamp: FileStamp { size, modified },
                sha256,
            }),
            (Some(size), _, _) => Self::Size(size),
            (None, _, _) => Self::Nothing,
        }
    }

    /// The content, where all of it is known.
    pub fn content(&self) -> Option<Content> {
        match self {
            Self::Content(content) => Some(*content),
            Self::Nothing | Self::Size(_) => None,
        }
    }

    /// The size in bytes, where it is known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Size(size) => Some(*size),
            Self::Content(content) => Some(content.stamp.size),
        }
    }
}

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
    fn of(
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

    fn cells(&self) -> [Cow<'_, str>; 5] {
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

/// What one line says: the cells before [`LINE_CHECK`], typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The manifest row's number, from 1; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// The file, as the manifest names it.
    pub file_path: String,
    /// The object's type, as the manifest names it.
    pub object_type: String,
    /// The object's id, as the manifest names it.
    pub object_id: String,
    /// The key of the row.
    pub external_id: String,
    /// How the row stands.
    pub status: Status,
    /// Why it stands so, as a stable word.
    pub reason: Reason,
    /// The attachment, once one was chosen.
    pub attachment_id: Option<AttachmentId>,
    /// What is known of the content.
    pub known: Known,
    /// By what the content was confirmed.
    pub verified: Verified,
    /// How often the row was tried, over all runs.
    pub attempts: u32,
    /// Where it went: host and path of the service's base, or `emulator`.
    pub destination: String,
    /// When the line was written.
    pub updated_at: Timestamp,
    /// What happened and what to do, for a person.
    pub message: String,
    /// What was changed on request, over all runs.
    pub changes: Changes,
}

impl Entry {
    /// The service that the row's record is of, where its type is known.
    pub fn service(&self) -> Option<Service> {
        let kind: ObjectType = self.object_type.parse().ok()?;
        Some(kind.service())
    }

    /// The cells before [`LINE_CHECK`], in the order of [`COLUMNS`], not yet escaped.
    pub fn cells(&self) -> Cells<Cow<'_, str>> {
        let content = self.known.content();
        let owned = |text: Option<String>| Cow::Owned(text.unwrap_or_default());
        let [
            previous_size,
            previous_sha256,
            backup,
            previous_title,
            renamed_to,
        ] = self.changes.cells();
        [
            owned(self.row.map(|row| row.to_string())),
            (&*self.file_path).into(),
            (&*self.object_type).into(),
            (&*self.object_id).into(),
            (&*self.external_id).into(),
            self.status.as_str().into(),
            self.reason.as_str().into(),
            self.attachment_id
                .as_ref()
                .map_or("", AttachmentId::as_str)
                .into(),
            owned(self.known.size().map(|size| size.to_string())),
            owned(content.map(|content| format!("{:.9}", content.stamp.modified))),
            owned(content.map(|content| content.sha256.to_string())),
            self.verified.as_str().into(),
            self.attempts.to_string().into(),
            (&*self.destination).into(),
            format!("{:.3}", self.updated_at).into(),
            (&*self.message).into(),
            previous_size,
            previous_sha256,
            backup,
            previous_title,
            renamed_to,
        ]
    }

    /// Reads what [`Self::cells`] wrote.
    pub fn from_cells(cells: Cells<&str>) -> Result<Self, BadCell> {
        let [
            row,
            file_path,
            object_type,
            object_id,
            external_id,
            status,
            reason,
            attachment_id,
            size,
            modified_at,
            sha256,
            verified,
            attempts,
            destination,
            updated_at,
            message,
            previous_size,
            previous_sha256,
            backup,
            previous_title,
            renamed_to,
        ] = cells;
        let replaced = (
            optional("previous_size", previous_size)?,
            optional("previous_sha256", previous_sha256)?,
            backup,
        );
        Ok(Self {
            row: optional("row", row)?,
            file_path: file_path.to_owned(),
            object_type: object_type.to_owned(),
            object_id: object_id.to_owned(),
            external_id: external_id.to_owned(),
            status: word("status", status, Status::ALL, Status::as_str)?,
            reason: Reason(reason.to_owned().into()),
            attachment_id: match attachment_id {
                "" => None,
                id => Some(AttachmentId::parse(id).map_err(|_| bad("attachment_id", id))?),
            },
            known: Known::of(
                optional("size", size)?,
                optional("modified_at", modified_at)?,
                optional("sha256", sha256)?,
            ),
            verified: word("verified", verified, Verified::ALL, Verified::as_str)?,
            attempts: parsed("attempts", attempts)?,
            destination: destination.to_owned(),
            updated_at: parsed("updated_at", updated_at)?,
            message: message.to_owned(),
            changes: Changes::of(replaced, previous_title, renamed_to)?,
        })
    }
}

/// The number that orders the lines of a file: the highest of a row counts.
pub type Serial = u64;

/// The cell that guards the cells before it, such as `17-kqzmwbtd`: the line's serial number, and
/// eight letters that depend on it and on each value. A line that somebody has altered, or that
/// was torn, does not match. (No secret: it finds accidents, not forgeries.)
pub fn line_check<'a>(values: impl IntoIterator<Item = &'a str>, serial: Serial) -> String {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(&serial.to_le_bytes());
    for value in values {
        // The length keeps `ab,c` and `a,bc` apart.
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    let digest = sha256(&bytes).0;
    let mut number = digest[..8]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let letters: String = (0..8)
        .map(|_| {
            let letter = u8::try_from(number % 26).expect("a remainder of 26 fits");
            number /= 26;
            char::from(b'a' + letter)
        })
        .collect();
    format!("{serial}-{letters}")
}

/// The serial number of a check, where its form is right.
pub fn serial_of(check: &str) -> Option<Serial> {
    check.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            row: Some(3),
            file_path: "a b.pdf".into(),
            object_type: "contract".into(),
            object_id: "7".into(),
            external_id: "AT1".into(),
            status: Status::Uploaded,
            reason: Reason::NONE,
            attachment_id: Some(AttachmentId::parse("12").unwrap()),
            known: Known::Content(Content {
                stamp: FileStamp {
                    size: 5,
                    modified: "2020-08-18T12:48:42.978000001Z".parse().unwrap(),
                },
                sha256: sha256(b"hello"),
            }),
            verified: Verified::Etag,
            attempts: 1,
            destination: "emulator".into(),
            updated_at: "2026-11-22T00:00:00.5Z".parse().unwrap(),
            message: "line one, \"quoted\"".into(),
            changes: Changes {
                replaced: Some(Former {
                    size: 3,
                    sha256: Some(sha256(b"old")),
                    backup: Backup::Kept("backups/AT1.12.pdf".into()),
                }),
                previous_title: Some("Old".into()),
                renamed_to: Some("EU-AT1".into()),
            },
        }
    }

    fn read_back(entry: &Entry) -> Result<Entry, BadCell> {
        Entry::from_cells(entry.cells().each_ref().map(AsRef::as_ref))
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let full = entry();
        assert_eq!(read_back(&full), Ok(full));
        let bare = Entry {
            row: None,
            attachment_id: None,
            known: Known::Nothing,
            verified: Verified::No,
            status: Status::Creating,
            reason: Reason::PURGED,
            changes: Changes::default(),
            ..entry()
        };
        assert_eq!(read_back(&bare), Ok(bare));
        let waived = Entry {
            status: Status::Replacing,
            changes: Changes {
                replaced: Some(Former {
                    size: 0,
                    sha256: None,
                    backup: Backup::Waived,
                }),
                ..Changes::default()
            },
            ..entry()
        };
        assert_eq!(read_back(&waived), Ok(waived));
    }

    #[test]
    fn a_cell_that_holds_something_else_is_named() {
        let entry = entry();
        let mut cells = entry.cells();
        cells[8] = "1.0E+3".into();
        let read = Entry::from_cells(cells.each_ref().map(AsRef::as_ref));
        assert_eq!(read.unwrap_err(), bad("size", "1.0E+3"));
    }

    #[test]
    fn a_check_depends_on_every_value_on_their_borders_and_on_the_serial() {
        let base = line_check(["ab", "c"], 17);
        assert!(base.starts_with("17-"));
        assert_eq!(base.len(), "17-".len() + 8);
        for other in [
            line_check(["a", "bc"], 17),
            line_check(["ab", "d"], 17),
            line_check(["ab", "c"], 18),
            line_check(["ab", "c", ""], 17),
        ] {
            assert_ne!(base[3..], other[3..]);
        }
        assert_eq!(serial_of(&base), Some(17));
        assert_eq!(serial_of("seventeen"), None);
    }
}
