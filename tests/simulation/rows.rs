//! Rows of a story, and the changes that people make to their files and objects.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use consign::digest::sha256;
use consign::manifest::ManifestRow;
use consign::model::{CheckedContent, ExternalId, FileStamp, ObjectRef, ObjectType};
use consign::pipeline::TaskRow;
use consign::results::{AttachmentChanges, ResultsEntry};
use consign::root::Root;
use consign::upload_source::UploadSource;
use fastrand::Rng;

/// Row of a story, with the changes made by people.
pub(crate) struct SimulatedRow {
    pub(crate) row: ManifestRow,
    pub(crate) content: CheckedContent,
    /// `true` if the file or the object was changed between two runs.
    pub(crate) changed: bool,
    /// Attachment of other people with the `external_id` of the row.
    pub(crate) foreign_attachment: ForeignAttachment,
}

/// Attachment of other people under a row's `external_id`, compared with the row's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForeignAttachment {
    None,
    SameSize,
    OtherSize,
    WithoutBytes,
}

impl SimulatedRow {
    pub(crate) fn new(number: usize, object: ObjectRef) -> Self {
        Self {
            row: ManifestRow {
                number,
                line: number as u64 + 1,
                file_path: format!("{number}.pdf"),
                object,
                object_external_id: None,
                external_id: ExternalId::parse(&format!("A{number}")).unwrap(),
                title: None,
                file_name: None,
                sha256: None,
                new_external_id: None,
            },
            content: content_of_text(&format!("the text of row {number}")),
            changed: false,
            foreign_attachment: ForeignAttachment::None,
        }
    }

    /// Gives the row an `external_id` with a dot, which does not route everywhere.
    pub(crate) fn use_dotted_external_id(&mut self) {
        let id = format!("A.{}", self.row.number);
        self.row.external_id = ExternalId::parse(&id).unwrap();
    }

    /// Saves another version of the file or attaches the row elsewhere, rarely. Returns `true`
    /// after a change.
    pub(crate) fn maybe_change(&mut self, elsewhere: ObjectRef, random: &mut Rng) -> bool {
        match random.u8(0..60) {
            0 => self.content = content_of_text(&format!("a newer text, {}", random.u8(0..100))),
            // As long as the first text.
            1 => self.content = content_of_text("THE TEXT OF ROW N"),
            2 => self.row.object = elsewhere,
            _ => return false,
        }
        self.changed = true;
        true
    }

    /// Returns the task of the row, with the attempts and changes of its last line.
    pub(crate) fn task<S>(&self, start: S, previous: Option<&ResultsEntry>) -> TaskRow<S> {
        TaskRow {
            row: self.row.clone(),
            source: unopened_source(&self.row.file_path),
            content: self.content,
            start,
            attempts: previous.map_or(0, |line| line.attempts),
            changes: previous.map_or_else(AttachmentChanges::default, |line| line.changes.clone()),
        }
    }

    pub(crate) fn key(&self) -> &str {
        self.row.external_id.as_str()
    }
}

/// Returns a contract, an object for attachments.
pub(crate) fn contract_with_id(id: u64) -> ObjectRef {
    ObjectRef::parse(ObjectType::Contract, &id.to_string()).unwrap()
}

/// Returns a sourcing event, an object for jobs.
pub(crate) fn event_with_id(id: u64) -> ObjectRef {
    let id = format!("00000000-0000-4000-8000-{id:012}");
    ObjectRef::parse(ObjectType::SourcingEvent, &id).unwrap()
}

/// Returns the content of a file with the text.
pub(crate) fn content_of_text(text: &str) -> CheckedContent {
    CheckedContent {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(text.as_bytes()),
    }
}

/// Returns the file of a row. The service in memory never opens the file.
pub(crate) fn unopened_source(file_path: &str) -> UploadSource {
    static ROOT: LazyLock<Arc<Root>> =
        LazyLock::new(|| Arc::new(Root::from_path(Path::new(".")).unwrap()));
    UploadSource::new(Arc::clone(&ROOT), file_path.to_owned())
}
