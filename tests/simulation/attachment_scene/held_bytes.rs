//! History of the contents seen in attachments: no such content is ever lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::memory_service::{MemoryAttachment, MemoryAttachmentService};
use consign::destination::AttachmentPresence;
use consign::model::{AttachmentId, Sha256Digest};
use consign::results::{BackupOutcome, FormerContent, ResultsEntry, Status};

use crate::power_and_disk::SimulatedDisk;

/// Histories of all attachments of a story.
pub(crate) struct HeldBytes {
    service: Arc<MemoryAttachmentService>,
    disk: Arc<SimulatedDisk>,
    seen: Mutex<BTreeMap<u64, AttachmentHistory>>,
}

/// History of an attachment.
#[derive(Debug, Clone)]
struct AttachmentHistory {
    /// Contents that were visible, the newest last.
    contents: Vec<Sha256Digest>,
    /// Title at the first observation of the attachment.
    first_title: Option<String>,
}

impl HeldBytes {
    /// Returns an empty history.
    pub(super) fn new(service: Arc<MemoryAttachmentService>, disk: Arc<SimulatedDisk>) -> Self {
        Self {
            service,
            disk,
            seen: Mutex::default(),
        }
    }

    /// Notes the content of an attachment if an answer shows the attachment as stored.
    pub(super) fn note_answer<E>(&self, id: &AttachmentId, answer: &Result<AttachmentPresence, E>) {
        if let Ok(AttachmentPresence::Stored { .. }) = answer {
            self.note_content(id);
        }
    }

    /// Notes the present content of an attachment as visible.
    pub(crate) fn note_content(&self, id: &AttachmentId) {
        let Some(stored) = self.stored(internal_id(id)) else {
            return;
        };
        let mut seen = self.seen.lock().unwrap();
        let held = seen.entry(stored.id).or_insert_with(|| AttachmentHistory {
            contents: Vec::new(),
            first_title: stored.title.clone(),
        });
        if held.contents.last() != Some(&stored.sha256) {
            held.contents.push(stored.sha256);
        }
    }

    /// Returns the title of an attachment at its first observation. `None` if the attachment was
    /// never seen or had no title.
    pub(crate) fn first_title(&self, id: u64) -> Option<String> {
        self.seen.lock().unwrap().get(&id)?.first_title.clone()
    }

    /// Returns `true` if an attachment ever held the content: the attachment of a row now, or an
    /// earlier attachment, removed because its bytes never arrived.
    pub(crate) fn was_ever_held(&self, sha256: Sha256Digest) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.values().any(|held| held.contents.contains(&sha256))
    }

    /// Returns `true` if the present content of an attachment is kept as a line says, or if there
    /// is none.
    pub(super) fn current_content_is_kept(&self, id: &AttachmentId) -> bool {
        let Some(stored) = self.stored(internal_id(id)) else {
            return true;
        };
        let lines = self.disk.durable_lines_naming(id);
        lines
            .iter()
            .any(|line| self.line_accounts_for(line, stored.sha256))
    }

    /// Checks that each attachment seen with bytes has bytes, or is announced as waiting for bytes
    /// by a durable line, with the old content in a durable backup or the backup waived by the
    /// user.
    pub(crate) fn check_safe(&self) -> Result<(), String> {
        let seen = self.seen.lock().unwrap();
        let stored = self.service.stored();
        for (id, held) in &*seen {
            if stored.iter().any(|one| one.id == *id) {
                continue;
            }
            let Some(last) = held.contents.last() else {
                continue;
            };
            let public = AttachmentId::parse(&id.to_string()).unwrap();
            let is_safe = if self.service.contains_record(*id) {
                let lines = self.disk.durable_lines_naming(&public);
                let mut replacing = lines.iter().filter(|l| l.status == Status::Replacing);
                replacing.any(|line| self.line_accounts_for(line, *last))
            } else {
                // The record was removed because no bytes arrived.
                let lines = self.disk.all_durable_lines_naming(&public);
                lines.iter().any(|line| self.line_accounts_for(line, *last))
            };
            if !is_safe {
                let lines = self.disk.durable_lines_naming(&public);
                return Err(format!("attachment {id} is empty, but {lines:?}"));
            }
        }
        Ok(())
    }

    /// Returns `true` if a line accounts for replaced content: the user waived the backup, or the
    /// line names a durable backup with the digest.
    pub(crate) fn line_accounts_for(&self, line: &ResultsEntry, sha256: Sha256Digest) -> bool {
        match &line.changes.replaced {
            None => false,
            Some(FormerContent {
                backup: BackupOutcome::Waived,
                sha256: told,
                ..
            }) => told.is_none_or(|told| told == sha256),
            Some(FormerContent {
                backup: BackupOutcome::Kept(path),
                sha256: told,
                ..
            }) => *told == Some(sha256) && self.disk.durable_backup_digest(path) == Some(sha256),
        }
    }

    fn stored(&self, id: u64) -> Option<MemoryAttachment> {
        self.service.stored().into_iter().find(|one| one.id == id)
    }
}

/// Returns the number of an id, as the service in memory has it.
fn internal_id(id: &AttachmentId) -> u64 {
    id.as_str().parse().unwrap()
}
