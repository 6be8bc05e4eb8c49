//! Paths of stored objects, written into URLs and parsed from requests. Nothing here
//! looks at bodies, signatures or state.

use std::fmt::Display;

use axum::http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::emulator::operation::EmulatorOperation;

/// Characters which are percent-encoded in a segment: all but those which RFC 3986 calls
/// unreserved.
const ENCODED_IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Route of a request to the storage. `Id` is the type of the owner's record ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) enum StorageRoute<Id> {
    Upload(ObjectPath<Id>),
    Download(ObjectPath<Id>),
    Unknown,
}

/// Path of an object: `{id}/{key}/{file name}` below the base of its owner. The file name only
/// makes the URL pleasant to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) struct ObjectPath<Id> {
    /// Id of the record for which the URL was issued.
    pub(in crate::emulator) id: Id,
    /// Storage key of the object: 32 hexadecimal digits, and therefore safe as the name of a file.
    pub(in crate::emulator) key: String,
}

impl<Id> StorageRoute<Id> {
    /// Parses a method and a path below the base of an owner. `id` parses the owner's ids.
    pub(in crate::emulator) fn parse(
        method: &Method,
        path: &str,
        id: impl FnOnce(&str) -> Option<Id>,
    ) -> Self {
        match (ObjectPath::parse(path, id), method) {
            (Some(object), &Method::PUT) => Self::Upload(object),
            (Some(object), &Method::GET) => Self::Download(object),
            _ => Self::Unknown,
        }
    }

    /// Returns the operation under which the request is logged.
    pub(in crate::emulator) fn operation(&self) -> EmulatorOperation {
        match self {
            Self::Upload(_) => EmulatorOperation::Upload,
            Self::Download(_) => EmulatorOperation::Download,
            Self::Unknown => EmulatorOperation::Other,
        }
    }
}

impl<Id> ObjectPath<Id> {
    fn parse(path: &str, id: impl FnOnce(&str) -> Option<Id>) -> Option<Self> {
        let mut segments = path.splitn(3, '/');
        let id = id(segments.next()?)?;
        let key = segments.next()?;
        segments.next()?;
        let is_key = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_key.then(|| Self {
            id,
            key: key.to_owned(),
        })
    }
}

/// Returns the path of an object below the base of its owner.
pub(in crate::emulator) fn object_path(
    base: &str,
    id: impl Display,
    key: &str,
    file_name: &str,
) -> String {
    let name = utf8_percent_encode(file_name, ENCODED_IN_SEGMENT);
    format!("{base}/{id}/{key}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_key_is_hexadecimal_and_so_cannot_leave_its_folder() {
        let asked = |key: &str| {
            let id = |id: &str| id.parse::<u64>().ok();
            StorageRoute::parse(&Method::PUT, &format!("7/{key}/a.pdf"), id)
        };
        let key = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            asked(key),
            StorageRoute::Upload(ObjectPath {
                id: 7,
                key: key.to_owned()
            })
        );
        for bad in ["..", "%2E%2E", "abc", "0123456789abcdef0123456789abcde%2F"] {
            assert_eq!(asked(bad), StorageRoute::Unknown, "{bad}");
        }
    }
}
