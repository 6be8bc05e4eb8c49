//! Catalogue of all mistakes in rows: for each mistake its stable word and its severity.
//!
//! The place of a mistake, and the number of rows with the same mistake, are not known here.

use super::file_warning::FileWarning;
use super::hidden_characters::HiddenCharacterPlace;
use super::length_limit::LengthLimit;
use super::path_problem::PathProblem;
use super::quote_problem::QuoteProblem;
use super::sheet_cell_fault::SheetCellFault;
use super::sheet_warning::SheetWarning;
use super::text_damage::TextDamage;
use crate::manifest::Column;
use crate::model::{InvalidObjectId, NonFileKind, ObjectType, ProcurementService, Sha256Digest};
use crate::text::WindowsNameFault;
use crate::text::decode::MisreadLines;

/// Largest number of rows with one mistake that a screen shows in full, for most mistakes.
const MAX_ROWS_IN_FULL: usize = 3;

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
    /// The quotes of the row or around the row are wrong, so that the cells are unsure.
    Quote(QuoteProblem),
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
    /// The sheet of a workbook is unusual.
    Sheet(SheetWarning),
    /// The cell of a workbook holds a value that cannot be used.
    SheetCell(SheetCellFault),
    /// A required cell is empty.
    EmptyCell,
    /// The cell contains a control character, such as a line break or a tab.
    ControlCharacter,
    /// The cell contains a character that changes the direction of writing.
    BidiCharacter,
    /// The value has white space before or after it.
    BlanksAround,
    /// The cell contains a character that cannot be seen, or that looks like a plain blank or
    /// hyphen.
    HiddenCharacter(HiddenCharacterPlace),
    /// The value is longer than its limit.
    TooLong(LengthLimit),
    /// The cell is `.` or `..` in place of a name.
    DotSegment,
    /// A spreadsheet has rewritten a long number as `1.00E+15`.
    RewrittenNumber,
    /// The cell is an error value of a spreadsheet, such as `#N/A`.
    ErrorValue,
    /// A program that converted the text has damaged the cell.
    DamagedText(TextDamage),
    /// The same in a column of the user's own.
    DamagedCarriedText {
        /// Kind of the damage.
        damage: TextDamage,
        /// Position of the column, the first being 0.
        position: u32,
    },
    /// Lines are UTF-8, though the user has named another encoding.
    MisreadLines(Box<MisreadLines>),
    /// The id looks like a date, and other ids of the column do not.
    DateLikeId,
    /// The id has only zeros after its fifteenth digit.
    RoundedNumber,
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
    /// An id of another row differs only in case, in the encoding of accents, in the form of a dash, or
    /// in characters that a reader cannot recognise.
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
    /// The file is rarely meant. The row can be sent.
    File(FileWarning),
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
    /// The path may mean several files, or a file in another spelling.
    Path(PathProblem),
    /// The file name contains `/` or `\`.
    SeparatorInFileName,
    /// No file has the path.
    FileMissing {
        /// Existing files that a reader may take for the missing file.
        similar_paths: Box<[Box<str>]>,
    },
    /// A folder of the path is missing.
    FolderMissing {
        /// First missing folder of the path.
        folder: Box<str>,
    },
    /// The present system reaches no file by the path.
    UnreachableName {
        /// First part of the path with a fault.
        part: Box<str>,
        /// Fault of the part.
        fault: WindowsNameFault,
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
    /// Another program holds the file.
    FileInUse,
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
            Self::Quote(wrong) => wrong.as_str(),
            Self::MisspeltColumn { .. } => "nearly_known_column",
            Self::UnnamedColumn { .. } => "unnamed_column",
            Self::Sheet(unusual) => unusual.as_str(),
            Self::SheetCell(fault) => fault.as_str(),
            Self::EmptyCell => "empty",
            Self::ControlCharacter => "control_character",
            Self::BidiCharacter => "bidi_character",
            Self::BlanksAround => "blanks_around",
            Self::HiddenCharacter(_) => "hidden_character",
            Self::TooLong(_) => "too_long",
            Self::DotSegment => "dot_segment",
            Self::RewrittenNumber => "rewritten_number",
            Self::ErrorValue => "error_value",
            Self::DamagedText(damage) | Self::DamagedCarriedText { damage, .. } => damage.as_str(),
            Self::MisreadLines(_) => "misread_lines",
            Self::DateLikeId => "looks_like_date",
            Self::RoundedNumber => "rounded_number",
            Self::DroppedZeros { .. } => "dropped_zeros",
            Self::DuplicateId { .. } => "duplicate",
            Self::SimilarId { .. } => "similar",
            Self::NewIdInUse { .. } => "new_id_in_use",
            Self::RenamingUnsupported => "never_renamed",
            Self::File(warning) => warning.as_str(),
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
            Self::Path(wrong) => wrong.as_str(),
            Self::SeparatorInFileName => "separator",
            Self::FileMissing { .. } => "file_missing",
            Self::FolderMissing { .. } => "folder_missing",
            Self::UnreachableName { .. } => "unreachable_name",
            Self::NameNotUtf8 => "name_not_utf8",
            Self::OutsideRoot => "outside_root",
            Self::NotAFile(_) => "not_a_file",
            Self::EmptyFile => "empty_file",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::LargeDocument { .. } => "large_document",
            Self::Unreadable { .. } => "unreadable",
            Self::FileInUse => "file_in_use",
            Self::ChangedWhileRead => "changing",
            Self::DigestMismatch { .. } => "other_digest",
        }
    }

    /// Returns the severity of the mistake.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Path(wrong) => wrong.severity(),
            Self::HiddenCharacter(place) => place.severity(),
            Self::DamagedText(damage) | Self::DamagedCarriedText { damage, .. } => {
                damage.severity()
            }
            Self::MisspeltColumn { .. }
            | Self::UnnamedColumn { .. }
            | Self::Sheet(_)
            | Self::MisreadLines(_)
            | Self::DateLikeId
            | Self::RoundedNumber
            | Self::DroppedZeros { .. }
            | Self::File(_)
            | Self::TitleNotSent
            | Self::LargeDocument { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// Returns the largest number of rows with this mistake that a screen shows in full; further
    /// rows are only counted. A warning about a harmless habit of a whole spreadsheet is shown once,
    /// and so are the rows inside a quote, which is shown itself.
    pub(super) fn max_rows_in_full(&self) -> usize {
        match self {
            Self::DamagedText(TextDamage::Mojibake)
            | Self::DamagedCarriedText {
                damage: TextDamage::Mojibake,
                ..
            }
            | Self::TitleNotSent
            | Self::HiddenCharacter(HiddenCharacterPlace::FilePath)
            | Self::File(_)
            | Self::Path(PathProblem::Respelt { .. })
            | Self::Quote(QuoteProblem::HoldsRow { .. }) => 1,
            _ => MAX_ROWS_IN_FULL,
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
}
