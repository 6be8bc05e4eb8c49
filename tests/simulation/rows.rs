//! The rows of a story, and what happens to them that is nobody's fault.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use consign::digest::sha256;
use consign::manifest::Row;
use consign::model::{Content, ExternalId, FileStamp, ObjectRef, ObjectType};
use consign::root::Root;
use consign::source::Source;

/// A row, and what happens to it that is nobody's fault.
pub(crate) struct TheRow {
    pub(crate) row: Row,
    pub(crate) content: Content,
    /// Whether its file or its object was changed between two runs.
    pub(crate) changed: bool,
    /// Whether somebody else had an attachment with its `external_id`.
    pub(crate) foreign: Foreign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    No,
    SameSize,
    OtherSize,
    WithoutBytes,
}

impl TheRow {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            row: Row {
                number,
                line: number as u64 + 1,
                file_path: format!("{number}.pdf"),
                object: object(7),
                external_id: ExternalId::parse(&format!("A{number}")).unwrap(),
                title: None,
                file_name: None,
                sha256: None,
            },
            content: content(&format!("the text of row {number}")),
            changed: false,
            foreign: Foreign::No,
        }
    }

    pub(crate) fn key(&self) -> &str {
        self.row.external_id.as_str()
    }
}

pub(crate) fn object(id: u64) -> ObjectRef {
    ObjectRef::parse(ObjectType::Contract, &id.to_string()).unwrap()
}

pub(crate) fn content(text: &str) -> Content {
    Content {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(text.as_bytes()),
    }
}

/// The file of a row. The service in memory never opens it.
pub(crate) fn source(file_path: &str) -> Source {
    static ROOT: LazyLock<Arc<Root>> =
        LazyLock::new(|| Arc::new(Root::at(Path::new(".")).unwrap()));
    Source::new(Arc::clone(&ROOT), file_path.to_owned())
}
