//! What attachments held when somebody could see it: nothing of that is ever lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::memory_service::{Memory, StoredAttachment};
use consign::destination::Presence;
use consign::model::{AttachmentId, Sha256Digest};
use consign::results::{Backup, Entry, Former, Status};

use crate::machine::Disk;

/// What the attachments of one story held.
pub(crate) struct Bytes {
    service: Arc<Memory>,
    disk: Arc<Disk>,
    seen: Mutex<BTreeMap<u64, Held>>,
}

/// What one of them held.
#[derive(Debug, Clone)]
struct Held {
    /// All that was seen, the newest last.
    contents: Vec<Sha256Digest>,
    /// What it was called when it was first seen.
    title: Option<String>,
}

impl Bytes {
    /// Nothing was seen yet.
    pub(super) fn new(service: Arc<Memory>, disk: Arc<Disk>) -> Self {
        Self {
            service,
            disk,
            seen: Mutex::default(),
        }
    }

    /// An answer has shown how an attachment stands.
    pub(super) fn shown<E>(&self, id: &AttachmentId, answer: &Result<Presence, E>) {
        if let Ok(Presence::Stored { .. }) = answer {
            self.seen(id);
        }
    }

    /// What an attachment holds can be seen.
    pub(crate) fn seen(&self, id: &AttachmentId) {
        let Some(stored) = self.stored(private(id)) else {
            return;
        };
        let mut seen = self.seen.lock().unwrap();
        let held = seen.entry(stored.id).or_insert_with(|| Held {
            contents: Vec::new(),
            title: stored.title.clone(),
        });
        if held.contents.last() != Some(&stored.sha256) {
            held.contents.push(stored.sha256);
        }
    }

    /// What an attachment was called when it was first seen.
    pub(crate) fn first_title(&self, id: u64) -> Option<String> {
        self.seen.lock().unwrap().get(&id)?.title.clone()
    }

    /// Whether an attachment has held something: the one that a row has now, or one before it that
    /// was removed because its bytes never came.
    pub(crate) fn were_seen(&self, sha256: Sha256Digest) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.values().any(|held| held.contents.contains(&sha256))
    }

    /// Whether what an attachment holds now is what its line says that was kept of it.
    pub(super) fn are_kept(&self, id: &AttachmentId) -> bool {
        let Some(stored) = self.stored(private(id)) else {
            return true;
        };
        let lines = self.disk.durable_of(id);
        lines.iter().any(|line| self.keeps(line, stored.sha256))
    }

    /// Each attachment holds what it held, or other bytes; or else a durable line says that it waits
    /// for some, and what it held is safe, or nobody wanted that.
    pub(crate) fn are_safe(&self) -> Result<(), String> {
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
            let is_safe = if self.service.contains(*id) {
                let lines = self.disk.durable_of(&public);
                let mut replacing = lines.iter().filter(|l| l.status == Status::Replacing);
                replacing.any(|line| self.keeps(line, *last))
            } else {
                // It was removed because no bytes came.
                let lines = self.disk.history_of(&public);
                lines.iter().any(|line| self.keeps(line, *last))
            };
            if !is_safe {
                let lines = self.disk.durable_of(&public);
                return Err(format!("attachment {id} is empty, but {lines:?}"));
            }
        }
        Ok(())
    }

    /// Whether a line says what became of some bytes, and that is so.
    pub(crate) fn keeps(&self, line: &Entry, sha256: Sha256Digest) -> bool {
        match &line.changes.replaced {
            None => false,
            Some(Former {
                backup: Backup::Waived,
                sha256: told,
                ..
            }) => told.is_none_or(|told| told == sha256),
            Some(Former {
                backup: Backup::Kept(path),
                sha256: told,
                ..
            }) => *told == Some(sha256) && self.disk.durable_backup(path) == Some(sha256),
        }
    }

    fn stored(&self, id: u64) -> Option<StoredAttachment> {
        self.service.stored().into_iter().find(|one| one.id == id)
    }
}

fn private(id: &AttachmentId) -> u64 {
    id.as_str().parse().unwrap()
}
