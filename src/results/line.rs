//! A line of the results file: the columns, the typed cells, and the check that guards the cells.

use std::borrow::Cow;

use jiff::Timestamp;

use super::cell::{BadCell, bad, optional, parsed, word};
use super::{Changes, Reason, RowState, Status, Verified};
use crate::digest::sha256;
use crate::model::{AttachmentId, Content, FileStamp, ObjectType, Service, Sha256Digest};

/// The columns before [`LINE_CHECK`], in order. Fixed: scripts go by the names.
pub const COLUMNS: [&str; 22] = [
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
    LINES,
];

/// Column with the number of lines in the file: in a line of a whole file, the number of lines in
/// the file; in an appended line, the number of lines so far.
pub const LINES: &str = "lines";

/// Number of [`COLUMNS`] in each version of the file, the first version first.
pub(super) const GENERATIONS: [usize; 3] = [16, 21, COLUMNS.len()];

/// The cells before [`LINES`], in the order of [`COLUMNS`].
pub(super) type Cells<T> = [T; COLUMNS.len() - 1];

/// Column with the check of the columns before it; the manifest's other columns stand after it.
pub const LINE_CHECK: &str = "line_check";

/// Knowledge about the content of a line's attachment.
///
/// Of an attachment stored by somebody else only the size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// Nothing is known.
    #[default]
    Nothing,
    /// The size in bytes, as the service shows it.
    Size(u64),
    /// The content is known in full.
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

    /// Returns the content, if known in full.
    pub fn content(&self) -> Option<Content> {
        match self {
            Self::Content(content) => Some(*content),
            Self::Nothing | Self::Size(_) => None,
        }
    }

    /// Returns the size in bytes, if known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Size(size) => Some(*size),
            Self::Content(content) => Some(content.stamp.size),
        }
    }
}

/// The typed cells of a line, up to [`LINES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number of the manifest row, from 1; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// Path of the file, as the manifest names it.
    pub file_path: String,
    /// Type of the object, as the manifest names it.
    pub object_type: String,
    /// Id of the object, as the manifest names it.
    pub object_id: String,
    /// Key of the row.
    pub external_id: String,
    /// Status of the row.
    pub status: Status,
    /// Reason for the status.
    pub reason: Reason,
    /// Id of the attachment or the job, once chosen.
    pub attachment_id: Option<AttachmentId>,
    /// Knowledge about the content.
    pub known: Known,
    /// Evidence for the content: the size or the `ETag`.
    pub verified: Verified,
    /// Number of attempts, over all runs.
    pub attempts: u32,
    /// Destination of the attachment: host and path of the service's base, or `emulator`.
    pub destination: String,
    /// Time of the line's writing.
    pub updated_at: Timestamp,
    /// Message for a person: the event, and what to do.
    pub message: String,
    /// Changes made on request, over all runs.
    pub changes: Changes,
}

impl Entry {
    /// Returns the service of the row's record, if this version knows the object's type.
    pub fn service(&self) -> Option<Service> {
        let kind: ObjectType = self.object_type.parse().ok()?;
        Some(kind.service())
    }

    /// Returns the state of the row's protocol.
    pub fn state(&self) -> RowState {
        RowState::decode(self.status, &self.reason)
    }

    /// True if the row was done once. A conflict with content known in full is a done row whose
    /// file or object changed; content stored by somebody else is known by its size alone.
    pub fn was_done(&self) -> bool {
        match self.state() {
            RowState::Done(..) => true,
            RowState::Conflict(_) | RowState::ConflictElsewhere => self.known.content().is_some(),
            _ => false,
        }
    }

    /// True if the attachment of the row has its bytes, as far as the line knows, and the file is
    /// not needed any more: the row was done once, or only its names were still to be changed.
    pub fn has_its_bytes(&self) -> bool {
        self.was_done() || matches!(self.state(), RowState::Naming(_))
    }

    /// Returns the cells before [`LINES`], in the order of [`COLUMNS`], not yet escaped.
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

    /// Parses the cells written by [`Self::cells`]. Fails with the first [`BadCell`].
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
            reason: reason.into(),
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

/// Number of letters in a check.
const CHECK_LETTERS: usize = 8;

/// Serial number of a line, which orders the lines of a file: the line with the highest serial of a
/// row counts.
pub type Serial = u64;

/// Returns the check of a line, such as `17-kqzmwbtd`: the line's serial, and eight letters
/// computed from the serial and each value. An altered or torn line does not match its check. (The
/// check is no secret: the check finds accidents, not forgeries.)
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
    let letters: String = (0..CHECK_LETTERS)
        .map(|_| {
            let letter = u8::try_from(number % 26).expect("a remainder of 26 fits");
            number /= 26;
            char::from(b'a' + letter)
        })
        .collect();
    format!("{serial}-{letters}")
}

/// Returns the serial in a check, if the check has the right form.
pub fn serial_of(check: &str) -> Option<Serial> {
    check.split_once('-')?.0.parse().ok()
}

/// True if a cell has the form of a check, whether the check matches or not.
pub(super) fn has_form_of_check(cell: &str) -> bool {
    let letters = cell.split_once('-').map_or("", |(_, letters)| letters);
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    serial_of(cell).is_some() && letters.len() == CHECK_LETTERS && letters.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Backup, Former};

    fn entry() -> Entry {
        Entry {
            row: Some(3),
            file_path: "a b.pdf".into(),
            object_type: "contract".into(),
            object_id: "7".into(),
            external_id: "AT1".into(),
            status: Status::Uploaded,
            reason: Reason::None,
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
            reason: Reason::Purged,
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
