//! Catalogue of all mistakes in rows: for each mistake its stable word, its severity and its
//! message.
//!
//! The place of a mistake, and the number of rows with the same mistake, are not known here.

use std::borrow::Cow;

use crate::manifest::{Column, Manifest};
use crate::model::{
    InvalidObjectId, MAX_FILE_SIZE, MAX_KEELVAR_DOCUMENT_SIZE, NonFileKind, ObjectType,
    ProcurementService, Sha256Digest,
};
use crate::text::{count_with_noun, escape, group_thousands, quoted};

/// Severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The row cannot be sent.
    Error,
    /// The row can be sent, but the user should look at it first.
    Warning,
}

impl Severity {
    /// Returns the word in the problems file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Kind of a mistake in a row or a cell.
///
/// The type is small, because a manifest of a million rows may have a million mistakes: messages
/// read the value from the manifest again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// The row and the header differ in their number of cells.
    RaggedRow {
        /// Number of cells in the header.
        header_cells: u32,
        /// Number of cells in the row.
        row_cells: u32,
        /// Line on which the row ends, if different from the line on which the row begins.
        last_line: Option<u32>,
    },
    /// Text follows the closing quote of a cell.
    BrokenQuote {
        /// Line on which the cell begins.
        opened: u32,
    },
    /// A header name is similar to an absent known column.
    MisspeltColumn {
        /// Name as written in the header.
        name: Box<str>,
        /// Known column that the name probably means.
        known: Column,
    },
    /// A column has cells but no name, so the results cannot carry the column.
    UnnamedColumn {
        /// Number of the column, the first being 1.
        number: u32,
    },
    /// A required cell is empty.
    EmptyCell,
    /// The cell contains a control character, such as a line break or a tab.
    ControlCharacter,
    /// The cell contains a character that changes the direction of writing.
    BidiCharacter,
    /// The value has white space before or after it.
    BlanksAround,
    /// The value has more characters (for a file name: bytes) than can be stored.
    TooLong,
    /// The cell is `.` or `..` in place of a name.
    DotSegment,
    /// A spreadsheet has rewritten a long number as `1.00E+15`.
    RewrittenNumber,
    /// The cell is an error value of a spreadsheet, such as `#N/A`.
    ErrorValue,
    /// The number is shorter than all numbers with a leading zero.
    DroppedZeros {
        /// Number of digits of the other numbers.
        width: u32,
    },
    /// Another row has the same id in the same column.
    DuplicateId {
        /// Number of the other row.
        other: u32,
    },
    /// An id of another row differs only in case or in the encoding of accents.
    SimilarId {
        /// Number of the other row.
        other: u32,
        /// Column of the other id.
        column: Column,
    },
    /// The new id is the `external_id` of another row.
    NewIdInUse {
        /// Number of the other row.
        other: u32,
    },
    /// The row requests a new id, but the service cannot rename.
    RenamingUnsupported,
    /// Another row attaches a file with the same name to the same record.
    DuplicateFileName {
        /// Number of the other row.
        other: u32,
    },
    /// The record belongs to another service than the manifest.
    OtherService {
        /// Number of the first row with a valid object type, which sets the service of the
        /// manifest.
        first_row: u32,
        /// Service of the manifest.
        manifest_service: ProcurementService,
    },
    /// The row has a title, but the service knows no titles.
    TitleNotSent,
    /// The cell is not an object type of any service.
    UnknownObjectType,
    /// The cell is not an id of the row's object type.
    InvalidObjectId(InvalidObjectId),
    /// Neither `object_id` nor `object_external_id` is filled in.
    NoObjectId,
    /// Both `object_id` and `object_external_id` are filled in.
    TwoObjectIds,
    /// The row names a record of Keelvar by an external id, which Keelvar's records do not have.
    ObjectExternalIdUnsupported,
    /// The external id has more characters than a request can carry.
    ObjectExternalIdTooLong,
    /// No record of the type has the id.
    UnknownObject(ObjectType),
    /// No record of the type has the external id.
    UnknownObjectExternalId(ObjectType),
    /// Several records of the type have the external id.
    AmbiguousObjectExternalId {
        /// Type of the records.
        object_type: ObjectType,
        /// Number of the records.
        count: u32,
    },
    /// The service did not tell if there is a record with the id or the external id.
    ObjectNotLookedUp {
        /// Reason in words.
        cause: Box<str>,
    },
    /// The cell is not 64 hexadecimal digits.
    InvalidSha256,
    /// The path begins at the root of the file system.
    AbsolutePath,
    /// The path contains `..`.
    ParentFolder,
    /// The path leads to another computer: `\\server\share`.
    NetworkPath,
    /// The path begins with a drive letter.
    DriveLetter,
    /// The path has `\` between its parts.
    Backslash,
    /// The file name contains `/` or `\`.
    SeparatorInFileName,
    /// No file has the path.
    FileMissing {
        /// Existing file with a similar path.
        similar_path: Option<Box<str>>,
    },
    /// A folder of the path is missing.
    FolderMissing {
        /// First missing folder of the path.
        folder: Box<str>,
    },
    /// The file exists, but its name on the disk is not UTF-8.
    NameNotUtf8,
    /// A symbolic link leads out of the root.
    OutsideRoot,
    /// The path leads to something other than a file.
    NotAFile(NonFileKind),
    /// The file has no bytes.
    EmptyFile,
    /// The file has more bytes than one upload can carry.
    FileTooLarge {
        /// Size of the file in bytes.
        size: u64,
    },
    /// The file has more bytes than Keelvar's app accepts for one document.
    LargeDocument {
        /// Size of the file in bytes.
        size: u64,
    },
    /// The file cannot be opened or read.
    Unreadable {
        /// Error text of the system.
        cause: Box<str>,
    },
    /// The file changed while it was read.
    ChangedWhileRead,
    /// The file's digest differs from the digest in the manifest.
    DigestMismatch {
        /// Digest of the file.
        file_digest: Box<Sha256Digest>,
    },
}

impl ProblemKind {
    /// Returns the word for scripts, which stays the same when the message changes.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RaggedRow { .. } => "ragged_row",
            Self::BrokenQuote { .. } => "broken_quote",
            Self::MisspeltColumn { .. } => "nearly_known_column",
            Self::UnnamedColumn { .. } => "unnamed_column",
            Self::EmptyCell => "empty",
            Self::ControlCharacter => "control_character",
            Self::BidiCharacter => "bidi_character",
            Self::BlanksAround => "blanks_around",
            Self::TooLong | Self::ObjectExternalIdTooLong => "too_long",
            Self::DotSegment => "dot_segment",
            Self::RewrittenNumber => "rewritten_number",
            Self::ErrorValue => "error_value",
            Self::DroppedZeros { .. } => "dropped_zeros",
            Self::DuplicateId { .. } => "duplicate",
            Self::SimilarId { .. } => "similar",
            Self::NewIdInUse { .. } => "new_id_in_use",
            Self::RenamingUnsupported => "never_renamed",
            Self::DuplicateFileName { .. } => "same_name",
            Self::OtherService { .. } => "other_service",
            Self::TitleNotSent => "title_not_sent",
            Self::UnknownObjectType => "unknown_object_type",
            Self::InvalidObjectId(_) => "bad_object_id",
            Self::NoObjectId => "no_object_id",
            Self::TwoObjectIds => "two_object_ids",
            Self::ObjectExternalIdUnsupported => "no_external_ids",
            Self::UnknownObject(_) => "unknown_object",
            Self::UnknownObjectExternalId(_) => "unknown_object_external_id",
            Self::AmbiguousObjectExternalId { .. } => "ambiguous_object_external_id",
            Self::ObjectNotLookedUp { .. } => "object_not_looked_up",
            Self::InvalidSha256 => "bad_sha256",
            Self::AbsolutePath => "absolute_path",
            Self::ParentFolder => "parent_folder",
            Self::NetworkPath => "network_path",
            Self::DriveLetter => "drive_letter",
            Self::Backslash => "backslash",
            Self::SeparatorInFileName => "separator",
            Self::FileMissing { .. } => "file_missing",
            Self::FolderMissing { .. } => "folder_missing",
            Self::NameNotUtf8 => "name_not_utf8",
            Self::OutsideRoot => "outside_root",
            Self::NotAFile(_) => "not_a_file",
            Self::EmptyFile => "empty_file",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::LargeDocument { .. } => "large_document",
            Self::Unreadable { .. } => "unreadable",
            Self::ChangedWhileRead => "changing",
            Self::DigestMismatch { .. } => "other_digest",
        }
    }

    /// Returns the severity of the mistake.
    pub fn severity(&self) -> Severity {
        match self {
            Self::MisspeltColumn { .. }
            | Self::UnnamedColumn { .. }
            | Self::DroppedZeros { .. }
            | Self::DuplicateFileName { .. }
            | Self::TitleNotSent
            | Self::LargeDocument { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// Returns the detail, besides the kind, by which messages are grouped.
    pub(super) fn grouping_cause(&self) -> Option<&str> {
        match self {
            Self::FolderMissing { folder } => Some(folder),
            Self::Unreadable { cause } | Self::ObjectNotLookedUp { cause } => Some(cause),
            _ => None,
        }
    }

    /// Returns the mistake as a sentence.
    pub(super) fn sentence(&self, value: &str, manifest: &Manifest) -> String {
        format!("{} {}", self.subject(value), self.predicate(manifest))
    }

    fn subject(&self, value: &str) -> String {
        match self {
            Self::RaggedRow { .. } => "the row".to_owned(),
            Self::BrokenQuote { opened } => format!("the quote that opens on line {opened}"),
            Self::MisspeltColumn { name, .. } => format!("the column {}", quoted(name)),
            Self::UnnamedColumn { number } => format!("column number {number}"),
            Self::EmptyCell | Self::NoObjectId => "the cell".to_owned(),
            Self::ObjectExternalIdUnsupported if value.is_empty() => "the column".to_owned(),
            Self::UnknownObject(_)
            | Self::UnknownObjectExternalId(_)
            | Self::AmbiguousObjectExternalId { .. }
            | Self::ObjectNotLookedUp { .. } => format!("{}:", quoted(value)),
            _ => quoted(value),
        }
    }

    fn predicate(&self, manifest: &Manifest) -> Cow<'static, str> {
        let plain = match self {
            Self::RaggedRow {
                header_cells: expected,
                row_cells: found,
                last_line,
            } => return ragged_row_predicate(*expected, *found, *last_line).into(),
            Self::DroppedZeros { width } => {
                return format!(
                    "is shorter than {width} digits, the length of all ids that begin with 0: a \
                     spreadsheet may have dropped its zeros"
                )
                .into();
            }
            Self::DuplicateId { other } => {
                return format!("is also in {}", row_place(*other, manifest)).into();
            }
            Self::SimilarId { other, column } => {
                return similar_id_predicate(*other, *column, manifest).into();
            }
            Self::NewIdInUse { other } => {
                let place = row_place(*other, manifest);
                return format!("is the external_id of {place}").into();
            }
            Self::DuplicateFileName { other } => {
                return format!(
                    "goes under the same name to the same record as {} in {}",
                    quoted(manifest.row_numbered(*other).file_path()),
                    row_place(*other, manifest)
                )
                .into();
            }
            Self::OtherService {
                first_row: first,
                manifest_service: ours,
            } => {
                return other_service_predicate(*first, *ours, manifest).into();
            }
            Self::FolderMissing { folder } => {
                return format!("does not exist: there is no folder {}", quoted(folder)).into();
            }
            Self::FileTooLarge { size } => return file_too_large_predicate(*size).into(),
            Self::LargeDocument { size } => return large_document_predicate(*size).into(),
            Self::Unreadable { cause } => {
                return format!("cannot be read: {}", escape(cause)).into();
            }
            Self::DigestMismatch { file_digest: found } => {
                return format!("is not the SHA-256 of the file, which is {found}").into();
            }
            Self::InvalidObjectId(why) => return why.to_string().into(),
            Self::UnknownObject(kind) => return format!("no {} has this id", kind.noun()).into(),
            Self::UnknownObjectExternalId(kind) => {
                return format!("no {} has this external id", kind.noun()).into();
            }
            Self::AmbiguousObjectExternalId { object_type, count } => {
                return ambiguous_id_predicate(*object_type, *count).into();
            }
            Self::ObjectNotLookedUp { cause } => {
                return format!("the record could not be looked up: {}", escape(cause)).into();
            }
            Self::BrokenQuote { .. } => "closes in the middle of a cell",
            Self::MisspeltColumn { .. } => "is not known",
            Self::UnnamedColumn { .. } => "has no name in the header",
            Self::EmptyCell => "is empty",
            Self::ControlCharacter => "contains a control character",
            Self::BidiCharacter => "contains a character that changes the direction of writing",
            Self::BlanksAround => "has blanks around it",
            Self::TooLong => "is longer than 255, the most that can be stored",
            Self::DotSegment => "means a folder and cannot be a name",
            Self::RewrittenNumber => "was rewritten by a spreadsheet",
            Self::ErrorValue => "is an error value of a spreadsheet",
            Self::UnknownObjectType => "is not an object type",
            Self::TitleNotSent => "is not sent: Keelvar's jobs have no titles",
            Self::RenamingUnsupported => {
                "cannot be applied: Keelvar's jobs can neither find nor rename an attached file"
            }
            Self::NoObjectId => "is empty, and so is object_external_id",
            Self::TwoObjectIds => "stands beside an object_id, and may name another record",
            Self::ObjectExternalIdUnsupported => {
                "cannot name the record: Keelvar's records have no external ids"
            }
            Self::ObjectExternalIdTooLong => "is longer than 1,000 characters",
            Self::InvalidSha256 => "is not a SHA-256",
            Self::AbsolutePath => "is an absolute path",
            Self::ParentFolder => "contains the part `..`",
            Self::NetworkPath => "is a path to another computer",
            Self::DriveLetter => "begins with a drive letter",
            Self::Backslash => "has a `\\` between its parts",
            Self::SeparatorInFileName => "contains a `/` or a `\\`",
            Self::FileMissing { .. } => "does not exist",
            Self::NameNotUtf8 => "is there, but its name on the disk is not UTF-8",
            Self::OutsideRoot => "leads out of the root through a symbolic link",
            Self::NotAFile(NonFileKind::Folder) => "is a folder, not a file",
            Self::NotAFile(NonFileKind::Pipe) => "is a named pipe, not a file",
            Self::NotAFile(NonFileKind::Device) => "is a device or a socket, not a file",
            Self::EmptyFile => "is an empty file",
            Self::ChangedWhileRead => "changed while it was being read",
        };
        plain.into()
    }
}

fn file_too_large_predicate(size: u64) -> String {
    format!(
        "has {} bytes, and {} (5 GiB) is the most that one upload carries",
        group_thousands(size),
        group_thousands(MAX_FILE_SIZE)
    )
}

fn large_document_predicate(size: u64) -> String {
    format!(
        "has {} bytes, and Keelvar's app takes {} (3 GB) for one document; whether a job takes \
         more is not documented",
        group_thousands(size),
        group_thousands(MAX_KEELVAR_DOCUMENT_SIZE)
    )
}

fn ragged_row_predicate(expected: u32, found: u32, last_line: Option<u32>) -> String {
    let cells = count_with_noun(u64::from(found), "cell");
    match last_line {
        None => format!("has {cells} where the header has {expected}"),
        Some(line) => format!(
            "has {cells} where the header has {expected}, and runs to line {line}: a quote may be \
             missing"
        ),
    }
}

fn ambiguous_id_predicate(object_type: ObjectType, count: u32) -> String {
    let count = group_thousands(u64::from(count));
    format!(
        "{count} {} have this external id",
        object_type.plural_noun()
    )
}

fn row_place(row: u32, manifest: &Manifest) -> String {
    let line = manifest.row_numbered(row).line();
    format!("line {line} (row {row})")
}

fn similar_id_predicate(other: u32, column: Column, manifest: &Manifest) -> String {
    format!(
        "differs only in case or in the encoding of accents from {} in {}",
        quoted(manifest.row_numbered(other).cell(column)),
        row_place(other, manifest)
    )
}

fn other_service_predicate(first: u32, ours: ProcurementService, manifest: &Manifest) -> String {
    let first_type = quoted(manifest.row_numbered(first).object_type());
    let place = row_place(first, manifest);
    format!(
        "is not an object type of {ours}, the service that {first_type} in {place} sets for \
             the manifest"
    )
}
