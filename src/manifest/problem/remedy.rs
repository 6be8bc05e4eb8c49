//! Advice for each kind of mistake. Where the right value is clear, the advice spells out the
//! value.

use uuid::Uuid;

use super::length_limit::LengthLimit;
use super::path_problem;
use super::problem_kind::ProblemKind;
use crate::manifest::ColumnHeading;
use crate::model::{InvalidObjectId, NonFileKind, ObjectType};
use crate::text::{looks_the_same, nearest_word};

impl ProblemKind {
    /// Returns the advice for the mistake.
    pub(super) fn remedy(&self, value: &str) -> String {
        let remedy = match self {
            Self::UnknownObjectType => return object_type_remedy(value),
            Self::InvalidObjectId(why) => return object_id_remedy(*why, value),
            Self::HiddenCharacter(place) => return place.remedy(value),
            Self::MisreadLines(lines) => return lines.remedy(),
            Self::DamagedText(damage) | Self::DamagedCarriedText { damage, .. } => damage.remedy(),
            Self::FileMissing { similar_paths } if !similar_paths.is_empty() => {
                return did_you_mean(value, similar_paths);
            }
            Self::MisspeltColumn { name, known } => {
                let option = ColumnHeading {
                    column: *known,
                    heading: name.to_string(),
                };
                return format!(
                    "rename the column to {known} or say {option} if {known} is meant, or ignore this \
                     warning"
                );
            }
            Self::RaggedRow { .. } => {
                "give the row as many cells as the header, with quotes around a cell that holds \
                 the delimiter or a line break"
            }
            Self::Quote(wrong) => wrong.remedy(),
            Self::UnnamedColumn { .. } => "name the column if the results should carry its cells",
            Self::Sheet(unusual) => unusual.remedy(),
            Self::SheetCell(fault) => fault.remedy(),
            Self::EmptyCell => "fill in the cell",
            Self::ControlCharacter | Self::BidiCharacter => "remove the character",
            Self::BlanksAround => "remove the blanks",
            Self::TooLong(LengthLimit::ObjectExternalId)
            | Self::UnknownObjectExternalId(_)
            | Self::AmbiguousObjectExternalId { .. } => {
                "correct the cell, or give the record's own id in object_id"
            }
            Self::TooLong(_) => "shorten the value",
            Self::DotSegment => "write a name",
            Self::RewrittenNumber => "export the column as text",
            Self::ErrorValue => "mend the formula and export again",
            Self::DroppedZeros { .. } => "if so, export the column as text",
            Self::DateLikeId | Self::RoundedNumber => {
                "if so, write the id anew and export the column as text"
            }
            Self::DuplicateId { .. } => "give each row an id of its own",
            Self::SimilarId { .. } => {
                "correct one of the two ids, or allow similar ids with \
                                       --allow-similar-ids"
            }
            Self::NewIdInUse { .. } => {
                "choose another id, or rename that row first, with a separate manifest"
            }
            Self::RenamingUnsupported => "leave the cell empty",
            Self::File(warning) => warning.remedy(),
            Self::OtherService { .. } => {
                "put the rows of each service into a manifest of their own"
            }
            Self::TitleNotSent => "the results carry the title; people see the name of the file",
            Self::NoObjectId => "fill in one of the two",
            Self::TwoObjectIds => "leave one of the two cells empty",
            Self::ObjectExternalIdUnsupported => {
                "write the record's UUID, which Keelvar's app shows, into object_id, and leave \
                 object_external_id empty"
            }
            Self::UnknownObject(_) => "correct the object_id or the object_type",
            Self::ObjectNotLookedUp { .. } => "run the import again later",
            Self::InvalidSha256 => "write 64 hexadecimal digits, or leave the cell empty",
            Self::ParentFolder => "set --root to a folder that all files are in",
            Self::AbsolutePath | Self::NetworkPath | Self::DriveLetter => {
                "take the beginning of the paths off with --strip-prefix, or write the path relative \
                 to the root, which --root sets"
            }
            Self::Path(wrong) => return wrong.remedy(),
            Self::SeparatorInFileName => "write only the name of the file",
            Self::FileMissing { .. } | Self::FolderMissing { .. } => {
                "correct the path, which is relative to the manifest's folder or to --root"
            }
            Self::NameNotUtf8 => "rename the file",
            Self::UnreachableName { .. } => {
                "correct the path, or rename the file on the system that it comes from"
            }
            Self::OutsideRoot => "set --root to a folder that all files are in, or copy the file",
            Self::NotAFile(NonFileKind::Folder) => "name a file in the folder",
            Self::NotAFile(_) => "name a regular file",
            Self::EmptyFile => "the service stores no empty file: put in the right one",
            Self::FileTooLarge { .. } => "split or compress the file",
            Self::LargeDocument { .. } => {
                "send the file alone first, or split or compress the \
                                           file"
            }
            Self::Unreadable { .. } => "make the file readable for your user",
            Self::FileInUse => "close the program that has it open, then run the command again",
            Self::ChangedWhileRead => "wait until no program writes to the file",
            Self::DigestMismatch { .. } => "put in the right file, or correct the digest",
        };
        remedy.to_owned()
    }
}

/// Suggests names. Names that differ only in the encoding of accents look the same, so the message
/// explains the difference.
fn did_you_mean(value: &str, names: &[Box<str>]) -> String {
    let words = path_problem::listed(names, "or");
    match names {
        [name] if looks_the_same(value, name) => format!(
            "did you mean {words}, which looks the same but encodes its accents otherwise (NFC or NFD)?"
        ),
        _ => format!("did you mean {words}?"),
    }
}

fn object_type_remedy(value: &str) -> String {
    let words = ObjectType::ALL.map(ObjectType::as_str);
    match nearest_word(value.trim(), words) {
        Some(word) => format!("did you mean {word}? Allowed are {}", words.join(", ")),
        None => format!("allowed are {}", words.join(", ")),
    }
}

/// Suggests the id if the right id is clear. An id in the form of the other service is probably
/// right, and the object type wrong.
fn object_id_remedy(why: InvalidObjectId, value: &str) -> String {
    match why {
        InvalidObjectId::NotANumber if Uuid::try_parse(value).is_ok() => {
            "the value looks like an id of Keelvar, whose object types are sourcing_event and \
             sourcing_request: correct the object_type or the object_id"
                .to_owned()
        }
        InvalidObjectId::NotANumber => number_remedy(value),
        InvalidObjectId::NotAUuid => uuid_remedy(value),
        InvalidObjectId::NilUuid => {
            "write the record's own UUID, which Keelvar's app shows".to_owned()
        }
    }
}

fn uuid_remedy(value: &str) -> String {
    if let Ok(uuid) = Uuid::try_parse(value) {
        return format!("write {uuid}");
    }
    let looks = if value.bytes().all(|b| b.is_ascii_digit()) {
        "the value looks like an id of Workday: correct the object_type, or "
    } else {
        ""
    };
    format!(
        "{looks}write the record's UUID, which Keelvar's app shows, in the form \
         3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    )
}

fn number_remedy(value: &str) -> String {
    let digits = value.trim().trim_start_matches('+').trim_start_matches('0');
    let is_a_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_a_number && digits.parse::<u64>().is_ok() && digits != value {
        format!("write {digits}")
    } else {
        "write the id that the service's API has for the record, digits only; the number that people \
         see on a contract or a project is another one"
            .to_owned()
    }
}
