//! Routes of the attachments API, parsed from method and path. No bodies, keys or state are looked
//! at here.
//!
//! A path is matched as sent and only then percent-decoded, so that an external id may contain a
//! `/` or a `%`.

use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::emulator::operation::EmulatorOperation;

/// Base path of the attachments API, below the emulator's own address.
pub(in crate::emulator) const ATTACHMENTS_BASE: &str = "/services/attachments/v1";

/// Base path of the upload and download URLs of attachments, below the emulator's own address.
pub(super) const ATTACHMENT_OBJECTS_BASE: &str = "/storage/uploads";

/// Identifier of an attachment in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) enum AttachmentIdentifier {
    /// Number given by the service.
    Id(u64),
    /// External id given by the user, percent-decoded.
    ExternalId(String),
}

/// Request to the attachments API, by method and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) enum AttachmentRoute {
    List,
    Create,
    Get(AttachmentIdentifier),
    Update(AttachmentIdentifier),
    /// Existing path, with an unsupported method.
    WrongMethod {
        /// Methods of the path, as the `Allow` header lists them.
        allowed: &'static str,
    },
    UnknownPath,
}

impl AttachmentRoute {
    /// Parses a method and a path below the base.
    pub(in crate::emulator) fn parse(method: &Method, path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["attachments"] => match *method {
                Method::GET => Self::List,
                Method::POST => Self::Create,
                _ => Self::WrongMethod {
                    allowed: "GET, POST",
                },
            },
            ["attachments", id] => {
                Self::for_attachment(method, parse_number(id).map(AttachmentIdentifier::Id))
            }
            ["attachments", external_id, "external_id"] => Self::for_attachment(
                method,
                decode_segment(external_id).map(AttachmentIdentifier::ExternalId),
            ),
            _ => Self::UnknownPath,
        }
    }

    /// Operation under which the request is logged.
    pub(in crate::emulator) fn operation(&self) -> EmulatorOperation {
        match self {
            Self::List => EmulatorOperation::List,
            Self::Create => EmulatorOperation::Create,
            Self::Get(AttachmentIdentifier::Id(_)) => EmulatorOperation::Get,
            Self::Get(AttachmentIdentifier::ExternalId(_)) => EmulatorOperation::GetByExternalId,
            Self::Update(AttachmentIdentifier::Id(_)) => EmulatorOperation::Update,
            Self::Update(AttachmentIdentifier::ExternalId(_)) => {
                EmulatorOperation::UpdateByExternalId
            }
            Self::WrongMethod { .. } | Self::UnknownPath => EmulatorOperation::Other,
        }
    }

    fn for_attachment(method: &Method, name: Option<AttachmentIdentifier>) -> Self {
        match (name, method) {
            (None, _) => Self::UnknownPath,
            (Some(name), &Method::GET) => Self::Get(name),
            (Some(name), &Method::PATCH) => Self::Update(name),
            (Some(_), _) => Self::WrongMethod {
                allowed: "GET, PATCH",
            },
        }
    }
}

/// Parses a number of the service; `None` if the segment is not made of digits alone.
pub(in crate::emulator) fn parse_number(segment: &str) -> Option<u64> {
    // `parse` alone would take `+7` for 7.
    segment
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| segment.parse().ok())?
}

/// Decodes a segment of a path; `None` if the segment is empty or is not UTF-8.
pub(in crate::emulator) fn decode_segment(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> AttachmentRoute {
        AttachmentRoute::parse(&Method::GET, path)
    }

    fn by_external_id(text: &str) -> AttachmentRoute {
        AttachmentRoute::Get(AttachmentIdentifier::ExternalId(text.to_owned()))
    }

    #[test]
    fn an_external_id_in_a_path_may_hold_any_character() {
        for (sent, meant) in [
            ("AT1", "AT1"),
            ("a%2Fb", "a/b"),
            ("100%25", "100%"),
            ("a+b", "a+b"),
            ("a%2Bb", "a+b"),
            ("a%20b", "a b"),
            ("CTR$1", "CTR$1"),
            ("%C2%A73", "§3"),
            ("%E6%96%87%E6%9B%B8", "文書"),
            ("external_id", "external_id"),
            ("%252F", "%2F"),
        ] {
            let route = get(&format!("attachments/{sent}/external_id"));
            assert_eq!(route, by_external_id(meant), "{sent}");
        }
    }

    #[test]
    fn a_path_that_names_no_attachment_is_unknown() {
        for path in [
            "attachments/abc",
            "attachments/+7",
            "attachments/",
            "attachments//external_id",
            "attachments/%FF/external_id",
            "attachments/1/2/3",
            "contracts",
            "",
        ] {
            assert_eq!(get(path), AttachmentRoute::UnknownPath, "{path}");
        }
    }
}
