//! A line of the results file: the columns, the typed cells, and the check that guards the cells.

use std::borrow::Cow;

use jiff::Timestamp;

use super::entry_cell::{BadCell, bad_cell, parse_cell, parse_optional_cell, parse_word_cell};
use super::{AttachmentChanges, RowState, Status, StatusReason, VerifiedBy};
use crate::digest::sha256;
use crate::model::{
    AttachmentId, CheckedContent, FileStamp, ObjectType, ProcurementService, Sha256Digest,
};

/// The columns before [`LINE_CHECK_COLUMN`], in order. Fixed: scripts go by the names.
pub const COLUMNS: [&str; 23] = [
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
    LINES_COLUMN,
    "object_external_id",
];

/// Column with the number of lines in the file: in a line written with the whole file, the number
/// of lines in the whole file; in an appended line, the number up to and with the appended line.
pub const LINES_COLUMN: &str = "lines";

/// Number of [`COLUMNS`] in each version of the file, the first version first.
pub(super) const COLUMN_COUNTS_BY_VERSION: [usize; 4] = [16, 21, 22, COLUMNS.len()];

/// The cells of all columns besides [`LINES_COLUMN`], in the order of [`COLUMNS`].
pub(super) type EntryCells<T> = [T; COLUMNS.len() - 1];

/// Number of [`EntryCells`] before [`LINES_COLUMN`].
pub(super) const CELLS_BEFORE_LINES: usize = 21;

/// Column with the check of the columns before it; the manifest's other columns come after this
/// column.
pub const LINE_CHECK_COLUMN: &str = "line_check";

/// Knowledge about the content of a line's attachment.
///
/// Of an attachment stored by another client only the size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KnownContent {
    /// Nothing is known.
    #[default]
    Nothing,
    /// The size in bytes, as reported by the service.
    Size(u64),
    /// The content is known in full.
    Complete(CheckedContent),
}

impl KnownContent {
    fn from_parts(
        size: Option<u64>,
        modified: Option<Timestamp>,
        sha256: Option<Sha256Digest>,
    ) -> Self {
        match (size, modified, sha256) {
            (Some(size), Some(modified), Some(sha256)) => Self::Complete(CheckedContent {
                stamp: FileStamp { size, modified },
                sha256,
            }),
            (Some(size), _, _) => Self::Size(size),
            (None, _, _) => Self::Nothing,
        }
    }

    /// Returns the content, if known in full.
    pub fn content(&self) -> Option<CheckedContent> {
        match self {
            Self::Complete(content) => Some(*content),
            Self::Nothing | Self::Size(_) => None,
        }
    }

    /// Returns the size in bytes, if known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Size(size) => Some(*size),
            Self::Complete(content) => Some(content.stamp.size),
        }
    }
}

/// The typed cells of a line, besides the cell of [`LINES_COLUMN`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsEntry {
    /// Number of the manifest row, from 1; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// Path of the file, as the manifest names it.
    pub file_path: String,
    /// Type of the object, as the manifest names it.
    pub object_type: String,
    /// Id of the object: the cell of the manifest, or the id found for `object_external_id`. Empty
    /// while the id is unknown.
    pub object_id: String,
    /// External id of the object, where the manifest named the object of `object_id` so; otherwise
    /// empty.
    pub object_external_id: String,
    /// Key of the row.
    pub external_id: String,
    /// Status of the row.
    pub status: Status,
    /// Reason for the status.
    pub reason: StatusReason,
    /// Id of the attachment or the job, once chosen.
    pub attachment_id: Option<AttachmentId>,
    /// Knowledge about the content.
    pub known_content: KnownContent,
    /// Evidence for the content: the size or the `ETag`.
    pub verified_by: VerifiedBy,
    /// Number of attempts, over all runs.
    pub attempts: u32,
    /// Destination of the attachment: host and path of the service's base, or `emulator`.
    pub destination: String,
    /// Time of the line's writing.
    pub updated_at: Timestamp,
    /// Message for a person: the event, and what to do.
    pub message: String,
    /// Changes made on request, over all runs.
    pub changes: AttachmentChanges,
}

impl ResultsEntry {
    /// Returns the service of the row's record, if this version knows the object's type.
    pub fn service(&self) -> Option<ProcurementService> {
        let kind: ObjectType = self.object_type.parse().ok()?;
        Some(kind.service())
    }

    /// Returns the state of the row's protocol.
    pub fn state(&self) -> RowState {
        RowState::decode(self.status, &self.reason)
    }

    /// True if the row was done once. A conflict with content known in full is a done row whose
    /// file or object changed; content stored by another client is known by its size alone.
    pub fn was_done(&self) -> bool {
        match self.state() {
            RowState::Done(..) => true,
            RowState::Conflict(_) | RowState::ConflictOnOtherObject => {
                self.known_content.content().is_some()
            }
            _ => false,
        }
    }

    /// True if the attachment of the row has its bytes, as far as the line knows, and the file is
    /// not needed any more: the row was done once, or only its names were still to be changed.
    pub fn has_stored_bytes(&self) -> bool {
        self.was_done() || matches!(self.state(), RowState::ChangingName(_))
    }

    /// Returns the cells of all columns besides [`LINES_COLUMN`], in the order of [`COLUMNS`], not
    /// yet escaped.
    pub fn cells(&self) -> EntryCells<Cow<'_, str>> {
        let content = self.known_content.content();
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
            owned(self.known_content.size().map(|size| size.to_string())),
            owned(content.map(|content| format!("{:.9}", content.stamp.modified))),
            owned(content.map(|content| content.sha256.to_string())),
            self.verified_by.as_str().into(),
            self.attempts.to_string().into(),
            (&*self.destination).into(),
            format!("{:.3}", self.updated_at).into(),
            (&*self.message).into(),
            previous_size,
            previous_sha256,
            backup,
            previous_title,
            renamed_to,
            (&*self.object_external_id).into(),
        ]
    }

    /// Parses the cells written by [`Self::cells`]. Fails with the first [`BadCell`].
    pub fn from_cells(cells: EntryCells<&str>) -> Result<Self, BadCell> {
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
            object_external_id,
        ] = cells;
        let replaced = (
            parse_optional_cell("previous_size", previous_size)?,
            parse_optional_cell("previous_sha256", previous_sha256)?,
            backup,
        );
        Ok(Self {
            row: parse_optional_cell("row", row)?,
            file_path: file_path.to_owned(),
            object_type: object_type.to_owned(),
            object_id: object_id.to_owned(),
            object_external_id: object_external_id.to_owned(),
            external_id: external_id.to_owned(),
            status: parse_word_cell("status", status, Status::ALL, Status::as_str)?,
            reason: reason.into(),
            attachment_id: match attachment_id {
                "" => None,
                id => Some(AttachmentId::parse(id).map_err(|_| bad_cell("attachment_id", id))?),
            },
            known_content: KnownContent::from_parts(
                parse_optional_cell("size", size)?,
                parse_optional_cell("modified_at", modified_at)?,
                parse_optional_cell("sha256", sha256)?,
            ),
            verified_by: parse_word_cell(
                "verified",
                verified,
                VerifiedBy::ALL,
                VerifiedBy::as_str,
            )?,
            attempts: parse_cell("attempts", attempts)?,
            destination: destination.to_owned(),
            updated_at: parse_cell("updated_at", updated_at)?,
            message: message.to_owned(),
            changes: AttachmentChanges::from_cells(replaced, previous_title, renamed_to)?,
        })
    }
}

/// Number of letters in a check.
const CHECK_LETTER_COUNT: usize = 8;

/// Serial number of a line, which orders the lines of a file: the line with the highest serial of a
/// row counts.
pub type LineSerial = u64;

/// Returns the check of a line, such as `17-kqzmwbtd`: the line's serial, and eight letters
/// computed from the serial and each value. An altered or torn line does not match its check. (The
/// check is no secret: the check finds accidents, not forgeries.)
pub fn line_check<'a>(values: impl IntoIterator<Item = &'a str>, serial: LineSerial) -> String {
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
    let letters: String = (0..CHECK_LETTER_COUNT)
        .map(|_| {
            let letter = u8::try_from(number % 26).expect("a remainder of 26 fits");
            number /= 26;
            char::from(b'a' + letter)
        })
        .collect();
    format!("{serial}-{letters}")
}

/// Returns the serial in a check, if the check has the right form.
pub fn parse_serial(check: &str) -> Option<LineSerial> {
    check.split_once('-')?.0.parse().ok()
}

/// True if a cell has the form of a check, whether the check matches or not.
pub(super) fn looks_like_check(cell: &str) -> bool {
    let letters = cell.split_once('-').map_or("", |(_, letters)| letters);
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    parse_serial(cell).is_some()
        && letters.len() == CHECK_LETTER_COUNT
        && letters.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{BackupOutcome, FormerContent};

    fn entry() -> ResultsEntry {
        ResultsEntry {
            row: Some(3),
            file_path: "a b.pdf".into(),
            object_type: "contract".into(),
            object_id: "7".into(),
            object_external_id: "CW-2019/17".into(),
            external_id: "AT1".into(),
            status: Status::Uploaded,
            reason: StatusReason::None,
            attachment_id: Some(AttachmentId::parse("12").unwrap()),
            known_content: KnownContent::Complete(CheckedContent {
                stamp: FileStamp {
                    size: 5,
                    modified: "2020-08-18T12:48:42.978000001Z".parse().unwrap(),
                },
                sha256: sha256(b"hello"),
            }),
            verified_by: VerifiedBy::Etag,
            attempts: 1,
            destination: "emulator".into(),
            updated_at: "2026-11-22T00:00:00.5Z".parse().unwrap(),
            message: "line one, \"quoted\"".into(),
            changes: AttachmentChanges {
                replaced: Some(FormerContent {
                    size: 3,
                    sha256: Some(sha256(b"old")),
                    backup: BackupOutcome::Kept("backups/AT1.12.pdf".into()),
                }),
                previous_title: Some("Old".into()),
                renamed_to: Some("EU-AT1".into()),
            },
        }
    }

    fn read_back(entry: &ResultsEntry) -> Result<ResultsEntry, BadCell> {
        ResultsEntry::from_cells(entry.cells().each_ref().map(AsRef::as_ref))
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let full = entry();
        assert_eq!(read_back(&full), Ok(full));
        let bare = ResultsEntry {
            row: None,
            attachment_id: None,
            known_content: KnownContent::Nothing,
            verified_by: VerifiedBy::Nothing,
            status: Status::Creating,
            reason: StatusReason::Purged,
            changes: AttachmentChanges::default(),
            ..entry()
        };
        assert_eq!(read_back(&bare), Ok(bare));
        let waived = ResultsEntry {
            status: Status::Replacing,
            changes: AttachmentChanges {
                replaced: Some(FormerContent {
                    size: 0,
                    sha256: None,
                    backup: BackupOutcome::Waived,
                }),
                ..AttachmentChanges::default()
            },
            ..entry()
        };
        assert_eq!(read_back(&waived), Ok(waived));
    }

    #[test]
    fn the_number_of_lines_stands_between_the_cells_of_a_line() {
        assert_eq!(COLUMNS[CELLS_BEFORE_LINES], LINES_COLUMN);
    }

    #[test]
    fn a_cell_that_holds_something_else_is_named() {
        let entry = entry();
        let mut cells = entry.cells();
        cells[8] = "1.0E+3".into();
        let read = ResultsEntry::from_cells(cells.each_ref().map(AsRef::as_ref));
        assert_eq!(read.unwrap_err(), bad_cell("size", "1.0E+3"));
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
        assert_eq!(parse_serial(&base), Some(17));
        assert_eq!(parse_serial("seventeen"), None);
    }
}
