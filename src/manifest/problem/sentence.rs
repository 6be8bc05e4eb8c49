//! Words for each kind of mistake: the subject and the predicate of its sentence.

use std::borrow::Cow;

use super::hidden_characters;
use super::problem_kind::ProblemKind;
use crate::manifest::{Column, Manifest};
use crate::model::{
    MAX_FILE_SIZE, MAX_KEELVAR_DOCUMENT_SIZE, NonFileKind, ObjectType, ProcurementService,
};
use crate::text::{
    WindowsNameFault, count_with_noun, escape, group_thousands, hidden_form, quoted,
};

const DATE_LIKE_ID: &str = "looks like a date, and other ids of the column do not: a spreadsheet may \
                            have rewritten the id";

const ROUNDED_NUMBER: &str = "has nothing but zeros after its fifteenth digit: a spreadsheet may have \
                              rounded the id";

impl ProblemKind {
    /// Returns the mistake as a sentence.
    pub(super) fn sentence(&self, value: &str, manifest: &Manifest) -> String {
        match self {
            Self::Sheet(unusual) => unusual.sentence(),
            Self::SheetCell(fault) => fault.sentence(value),
            _ => {
                let predicate = self.predicate(value, manifest);
                format!("{} {predicate}", self.subject(value, manifest))
            }
        }
    }

    /// Returns the mistake and the remedy in words, for a value that stands in no row.
    pub(in crate::manifest) fn advice_on_value(&self, value: &str) -> String {
        let predicate = self.predicate_about_value(value);
        format!("{} {predicate}; {}", quoted(value), self.remedy(value))
    }

    fn subject(&self, value: &str, manifest: &Manifest) -> String {
        match self {
            Self::DamagedCarriedText { position, .. } => {
                let name = manifest.column_name_at(*position);
                format!("{} in the column {}", quoted(value), quoted(name))
            }
            Self::MisreadLines(lines) => lines.subject(),
            Self::RaggedRow { .. } => "the row".to_owned(),
            Self::Quote(wrong) => wrong.subject(),
            Self::MisspeltColumn { name, .. } => format!("the column {}", quoted(name)),
            Self::UnnamedColumn { number } => format!("column number {number}"),
            Self::EmptyCell | Self::NoObjectId => "the cell".to_owned(),
            Self::ObjectExternalIdUnsupported if value.is_empty() => "the column".to_owned(),
            Self::UnknownObject(_)
            | Self::UnknownObjectExternalId(_)
            | Self::AmbiguousObjectExternalId { .. }
            | Self::ObjectNotLookedUp { .. } => format!("{}:", quoted(value)),
            Self::Path(wrong) => wrong.subject(value),
            _ => quoted(value),
        }
    }

    fn predicate(&self, value: &str, manifest: &Manifest) -> Cow<'static, str> {
        match self {
            Self::DuplicateId { other } => {
                format!("is also in {}", manifest.row_place(*other)).into()
            }
            Self::SimilarId { other, column } => {
                similar_id_predicate(value, *other, *column, manifest).into()
            }
            Self::NewIdInUse { other } => {
                let place = manifest.row_place(*other);
                format!("is the external_id of {place}").into()
            }
            Self::File(warning) => warning.predicate(manifest).into(),
            Self::Path(wrong) => wrong.predicate(manifest).into(),
            Self::OtherService {
                first_row: first,
                manifest_service: ours,
            } => other_service_predicate(*first, *ours, manifest).into(),
            _ => self.predicate_about_value(value),
        }
    }

    /// Returns the predicate without places of other rows.
    fn predicate_about_value(&self, value: &str) -> Cow<'static, str> {
        let plain = match self {
            Self::RaggedRow {
                header_cells: expected,
                row_cells: found,
                last_line,
            } => return ragged_row_predicate(*expected, *found, *last_line).into(),
            Self::DroppedZeros { width } => return dropped_zeros_predicate(*width).into(),
            Self::FileMissing { .. } if value.chars().any(|c| hidden_form(c).is_some()) => {
                let hidden = hidden_characters::predicate(value);
                return format!("does not exist, and {hidden}").into();
            }
            Self::HiddenCharacter(_) => return hidden_characters::predicate(value).into(),
            Self::TooLong(limit) => return limit.predicate(value).into(),
            Self::DamagedText(damage) | Self::DamagedCarriedText { damage, .. } => {
                return damage.predicate(value).into();
            }
            Self::MisreadLines(lines) => return lines.predicate().into(),
            Self::FolderMissing { folder } => {
                return format!("does not exist: there is no folder {}", quoted(folder)).into();
            }
            Self::UnreachableName { part, fault } => {
                return unreachable_name_predicate(part, *fault).into();
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
            Self::Quote(wrong) => return wrong.predicate().into(),
            Self::DuplicateId { .. } => "is also in another row",
            Self::SimilarId { .. } => {
                "differs only in case or in the encoding of accents from an id in another row"
            }
            Self::NewIdInUse { .. } => "is the external_id of another row",
            Self::File(_) => "is a file that may be sent by mistake",
            Self::Path(_) => "is not a path below the root",
            Self::OtherService { .. } => "is not an object type of the manifest's service",
            Self::MisspeltColumn { .. } => "is not known",
            Self::UnnamedColumn { .. } => "has no name in the header",
            // Their sentences are complete.
            Self::Sheet(_) | Self::SheetCell(_) => "",
            Self::EmptyCell => "is empty",
            Self::ControlCharacter => "contains a control character",
            Self::BidiCharacter => "contains a character that changes the direction of writing",
            Self::BlanksAround => "has blanks around it",
            Self::DotSegment => "means a folder and cannot be a name",
            Self::RewrittenNumber => "was rewritten by a spreadsheet",
            Self::DateLikeId => DATE_LIKE_ID,
            Self::RoundedNumber => ROUNDED_NUMBER,
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
            Self::InvalidSha256 => "is not a SHA-256",
            Self::AbsolutePath => "is an absolute path",
            Self::ParentFolder => "contains the part `..`",
            Self::NetworkPath => "is a path to another computer",
            Self::DriveLetter => "begins with a drive letter",
            Self::SeparatorInFileName => "contains a `/` or a `\\`",
            Self::FileMissing { .. } => "does not exist",
            Self::NameNotUtf8 => "is there, but its name on the disk is not UTF-8",
            Self::OutsideRoot => "leads out of the root through a symbolic link",
            Self::NotAFile(NonFileKind::Folder) => "is a folder, not a file",
            Self::NotAFile(NonFileKind::Pipe) => "is a named pipe, not a file",
            Self::NotAFile(NonFileKind::Device) => "is a device or a socket, not a file",
            Self::EmptyFile => "is an empty file",
            Self::FileInUse => "is in use by another program",
            Self::ChangedWhileRead => "changed while it was being read",
        };
        plain.into()
    }
}

fn dropped_zeros_predicate(width: u32) -> String {
    format!(
        "is shorter than {width} digits, the length of all ids that begin with 0: a spreadsheet may \
         have dropped its zeros"
    )
}

fn unreachable_name_predicate(part: &str, fault: WindowsNameFault) -> String {
    let part = quoted(part);
    let reason = match fault {
        WindowsNameFault::DeviceName => format!("{part} is the name of a device"),
        WindowsNameFault::DotOrBlankAtEnd => format!("{part} ends in a dot or a blank"),
        WindowsNameFault::ForbiddenCharacter(c) => {
            format!("{part} contains {}", quoted(c.encode_utf8(&mut [0; 4])))
        }
    };
    format!("is the path of no file on Windows: {reason}")
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

fn similar_id_predicate(value: &str, other: u32, column: Column, manifest: &Manifest) -> String {
    let row = manifest.row_numbered(other);
    let other_id = row.cell(column);
    format!(
        "differs only in {} from {} in {}",
        hidden_characters::difference(value, other_id),
        quoted(other_id),
        manifest.row_place(other)
    )
}

fn other_service_predicate(first: u32, ours: ProcurementService, manifest: &Manifest) -> String {
    let first_type = quoted(manifest.row_numbered(first).object_type());
    let place = manifest.row_place(first);
    format!(
        "is not an object type of {ours}, the service that {first_type} in {place} sets for \
             the manifest"
    )
}
