//! The catalogue of what can be wrong with a row: for each mistake its stable word, its weight,
//! and what is said about it.
//!
//! Where the mistake stands, and how many rows share it, is not known here.

use std::borrow::Cow;

use crate::manifest::{Column, Manifest};
use crate::model::{
    BadObjectId, MAX_FILE_SIZE, MAX_KEELVAR_DOCUMENT, NotAFile, Service, Sha256Digest,
};
use crate::text::{counted, escape, grouped, quoted};

/// Whether a problem keeps its row from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The row cannot be sent as it is.
    Error,
    /// The row can be sent; somebody should look at it first.
    Warning,
}

impl Severity {
    /// The word in the problems file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What is wrong with a row or one of its cells.
///
/// Kept small, because a manifest of a million rows may have a million of them: the value itself
/// is read from the manifest again when the problem is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The row has another number of cells than the header.
    Ragged {
        /// The cells of the header.
        expected: u32,
        /// The cells of the row.
        found: u32,
        /// The line on which the row ends, where it is not the one on which it begins.
        last_line: Option<u32>,
    },
    /// Text follows the quote that closes a cell.
    BrokenQuote {
        /// The line on which the cell begins.
        opened: u32,
    },
    /// A header name is nearly that of a known column, which the manifest does not have.
    NearlyKnownColumn {
        /// The name as it stands there.
        name: Box<str>,
        /// The column that may be meant.
        known: Column,
    },
    /// A column has cells but no name, so the results cannot carry it.
    UnnamedColumn {
        /// Which one, the first being 1.
        number: u32,
    },
    /// A cell that must not be empty is.
    Empty,
    /// A control character, such as a line break or a tab.
    ControlCharacter,
    /// A character that turns the direction of writing.
    BidiCharacter,
    /// White space before or after the value.
    BlanksAround,
    /// More characters (or, for a file name, bytes) than can be stored.
    TooLong,
    /// `.` or `..` where a name is expected.
    DotSegment,
    /// A long number that a spreadsheet made `1.00E+15` of.
    Rewritten,
    /// An error value of a spreadsheet, such as `#N/A`.
    ErrorValue,
    /// A number shorter than all those that begin with a zero.
    DroppedZeros {
        /// How many digits the others have.
        width: u32,
    },
    /// Another row has the same `external_id`.
    Duplicate {
        /// The other row's number.
        other: u32,
    },
    /// An id of another row differs in nothing that people see or mean.
    Similar {
        /// The other row's number.
        other: u32,
        /// Where the id stands in it.
        column: Column,
    },
    /// The new id is the `external_id` of another row.
    NewIdInUse {
        /// The other row's number.
        other: u32,
    },
    /// A new id where the service cannot rename.
    NeverRenamed,
    /// Another row's file would hang on the same record under the same name.
    SameName {
        /// The other row's number.
        other: u32,
    },
    /// A record of another service than those of the rows before.
    OtherService {
        /// The number of the first row of a known type, which says what the manifest is for.
        first: u32,
        /// The service that it is for.
        ours: Service,
    },
    /// A title where the service has none.
    TitleNotSent,
    /// No type that a service knows.
    UnknownObjectType,
    /// No id of a record of the row's type.
    BadObjectId(BadObjectId),
    /// Not 64 hexadecimal digits.
    BadSha256,
    /// A path that begins at the root of the file system.
    AbsolutePath,
    /// A path with a `..` in it.
    ParentFolder,
    /// A path to another computer, `\\server\share`.
    NetworkPath,
    /// A path with a drive letter.
    DriveLetter,
    /// A path with `\` between its parts.
    Backslash,
    /// A file name with a `/` or `\` in it.
    Separator,
    /// There is no such file.
    FileMissing {
        /// The file that is there under nearly the same name.
        nearly: Option<Box<str>>,
    },
    /// There is no such folder.
    FolderMissing {
        /// The first folder of the path that is not there.
        folder: Box<str>,
    },
    /// There is such a file, but its name on the disk is not UTF-8.
    NameNotUtf8,
    /// A symbolic link leads out of the root.
    OutsideRoot,
    /// Something else stands there.
    NotAFile(NotAFile),
    /// A file without a byte.
    EmptyFile,
    /// More bytes than one upload can carry.
    FileTooLarge {
        /// Its size.
        size: u64,
    },
    /// More bytes than Keelvar's app takes for one document.
    LargeDocument {
        /// Its size.
        size: u64,
    },
    /// The file cannot be opened or read.
    Unreadable {
        /// What the system said.
        cause: Box<str>,
    },
    /// The file was being written while it was read.
    Changing,
    /// The file has another digest than the manifest says.
    OtherDigest {
        /// The digest of the file.
        found: Box<Sha256Digest>,
    },
}

impl Wrong {
    /// A word for scripts, which stays the same when the message is reworded.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "ragged_row",
            Self::BrokenQuote { .. } => "broken_quote",
            Self::NearlyKnownColumn { .. } => "nearly_known_column",
            Self::UnnamedColumn { .. } => "unnamed_column",
            Self::Empty => "empty",
            Self::ControlCharacter => "control_character",
            Self::BidiCharacter => "bidi_character",
            Self::BlanksAround => "blanks_around",
            Self::TooLong => "too_long",
            Self::DotSegment => "dot_segment",
            Self::Rewritten => "rewritten_number",
            Self::ErrorValue => "error_value",
            Self::DroppedZeros { .. } => "dropped_zeros",
            Self::Duplicate { .. } => "duplicate",
            Self::Similar { .. } => "similar",
            Self::NewIdInUse { .. } => "new_id_in_use",
            Self::NeverRenamed => "never_renamed",
            Self::SameName { .. } => "same_name",
            Self::OtherService { .. } => "other_service",
            Self::TitleNotSent => "title_not_sent",
            Self::UnknownObjectType => "unknown_object_type",
            Self::BadObjectId(_) => "bad_object_id",
            Self::BadSha256 => "bad_sha256",
            Self::AbsolutePath => "absolute_path",
            Self::ParentFolder => "parent_folder",
            Self::NetworkPath => "network_path",
            Self::DriveLetter => "drive_letter",
            Self::Backslash => "backslash",
            Self::Separator => "separator",
            Self::FileMissing { .. } => "file_missing",
            Self::FolderMissing { .. } => "folder_missing",
            Self::NameNotUtf8 => "name_not_utf8",
            Self::OutsideRoot => "outside_root",
            Self::NotAFile(_) => "not_a_file",
            Self::EmptyFile => "empty_file",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::LargeDocument { .. } => "large_document",
            Self::Unreadable { .. } => "unreadable",
            Self::Changing => "changing",
            Self::OtherDigest { .. } => "other_digest",
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NearlyKnownColumn { .. }
            | Self::UnnamedColumn { .. }
            | Self::DroppedZeros { .. }
            | Self::SameName { .. }
            | Self::TitleNotSent
            | Self::LargeDocument { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What all rows with one cause have in common besides the kind, for the grouping of messages.
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::FolderMissing { folder } => Some(folder),
            Self::Unreadable { cause } => Some(cause),
            _ => None,
        }
    }

    /// What is wrong, as a sentence.
    pub(super) fn sentence(&self, value: &str, manifest: &Manifest) -> String {
        format!("{} {}", self.subject(value), self.predicate(manifest))
    }

    fn subject(&self, value: &str) -> String {
        match self {
            Self::Ragged { .. } => "the row".to_owned(),
            Self::BrokenQuote { opened } => format!("the quote that opens on line {opened}"),
            Self::NearlyKnownColumn { name, .. } => format!("the column {}", quoted(name)),
            Self::UnnamedColumn { number } => format!("column number {number}"),
            Self::Empty => "the cell".to_owned(),
            _ => quoted(value),
        }
    }

    fn predicate(&self, manifest: &Manifest) -> Cow<'static, str> {
        let plain = match self {
            Self::Ragged {
                expected,
                found,
                last_line,
            } => return ragged(*expected, *found, *last_line).into(),
            Self::DroppedZeros { width } => {
                return format!(
                    "is shorter than the {width} digits of those that begin with 0: a \
                     spreadsheet may have dropped its zeros"
                )
                .into();
            }
            Self::Duplicate { other } => {
                return format!("stands in {} too", place_of(*other, manifest)).into();
            }
            Self::Similar { other, column } => {
                return similar_to(*other, *column, manifest).into();
            }
            Self::NewIdInUse { other } => {
                let place = place_of(*other, manifest);
                return format!("is the external_id of {place}").into();
            }
            Self::SameName { other } => {
                return format!(
                    "goes under the same name to the same record as {} in {}",
                    quoted(manifest.row_numbered(*other).file_path()),
                    place_of(*other, manifest)
                )
                .into();
            }
            Self::OtherService { first, ours } => {
                return other_service(*first, *ours, manifest).into();
            }
            Self::FolderMissing { folder } => {
                return format!("does not exist: there is no folder {}", quoted(folder)).into();
            }
            Self::FileTooLarge { size } => {
                return format!(
                    "has {} bytes, and {} (5 GiB) is the most that one upload carries",
                    grouped(*size),
                    grouped(MAX_FILE_SIZE)
                )
                .into();
            }
            Self::LargeDocument { size } => {
                return format!(
                    "has {} bytes, and Keelvar's app takes {} (3 GB) for one document; whether a \
                     job takes more is not documented",
                    grouped(*size),
                    grouped(MAX_KEELVAR_DOCUMENT)
                )
                .into();
            }
            Self::Unreadable { cause } => {
                return format!("cannot be read: {}", escape(cause)).into();
            }
            Self::OtherDigest { found } => {
                return format!("is not the SHA-256 of the file, which is {found}").into();
            }
            Self::BadObjectId(why) => return why.to_string().into(),
            Self::BrokenQuote { .. } => "closes in the middle of a cell",
            Self::NearlyKnownColumn { .. } => "is not known",
            Self::UnnamedColumn { .. } => "has no name in the header",
            Self::Empty => "is empty",
            Self::ControlCharacter => "contains a control character",
            Self::BidiCharacter => "contains a character that turns the direction of writing",
            Self::BlanksAround => "has blanks around it",
            Self::TooLong => "is longer than 255, the most that can be stored",
            Self::DotSegment => "means a folder and cannot be a name",
            Self::Rewritten => "was rewritten by a spreadsheet",
            Self::ErrorValue => "is an error value of a spreadsheet",
            Self::UnknownObjectType => "is not an object type",
            Self::TitleNotSent => "is not sent: Keelvar's jobs have no titles",
            Self::NeverRenamed => {
                "is no wish that can be met: Keelvar's jobs can neither find nor change what is \
                 attached"
            }
            Self::BadSha256 => "is not a SHA-256",
            Self::AbsolutePath => "is an absolute path",
            Self::ParentFolder => "leads out of a folder with `..`",
            Self::NetworkPath => "is a path to another computer",
            Self::DriveLetter => "begins with a drive letter",
            Self::Backslash => "has a `\\` between its parts",
            Self::Separator => "contains a `/` or a `\\`",
            Self::FileMissing { .. } => "does not exist",
            Self::NameNotUtf8 => "is there, but its name on the disk is not UTF-8",
            Self::OutsideRoot => "leads out of the root through a symbolic link",
            Self::NotAFile(NotAFile::Folder) => "is a folder, not a file",
            Self::NotAFile(NotAFile::Pipe) => "is a named pipe, not a file",
            Self::NotAFile(NotAFile::Device) => "is a device or a socket, not a file",
            Self::EmptyFile => "is an empty file",
            Self::Changing => "changed while it was being read",
        };
        plain.into()
    }
}

fn ragged(expected: u32, found: u32, last_line: Option<u32>) -> String {
    let cells = counted(u64::from(found), "cell");
    match last_line {
        None => format!("has {cells} where the header has {expected}"),
        Some(line) => format!(
            "has {cells} where the header has {expected}, and runs to line {line}: a quote may be \
             missing"
        ),
    }
}

fn place_of(row: u32, manifest: &Manifest) -> String {
    let line = manifest.row_numbered(row).line();
    format!("line {line} (row {row})")
}

fn similar_to(other: u32, column: Column, manifest: &Manifest) -> String {
    format!(
        "differs only in case or in the encoding of accents from {} in {}",
        quoted(manifest.row_numbered(other).cell(column)),
        place_of(other, manifest)
    )
}

fn other_service(first: u32, ours: Service, manifest: &Manifest) -> String {
    let first_type = quoted(manifest.row_numbered(first).object_type());
    let place = place_of(first, manifest);
    format!("is no object type of {ours}, for which the manifest is since {first_type} in {place}")
}
