//! Which rows would store a file where it is stored already: decided from lines and rows alone.
//!
//! A service that is asked by `external_id` answers for that id and no other, and a service that keeps
//! jobs cannot be asked at all. So a row whose key has changed, or which stands in another manifest as
//! well, looks new to it; only what earlier runs have written down tells that its file is there.

use std::collections::HashMap;

use crate::manifest::Row;
use crate::model::{AttachmentId, Content, ObjectRef, ObjectType, Service, Sha256Digest};
use crate::results::{Entry, RowState};

/// A content on an object: what must not be there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileOnObject {
    /// The object, whatever form its id was written in.
    pub object: ObjectRef,
    /// The digest of the content.
    pub sha256: Sha256Digest,
}

/// A file that an earlier run has stored, or has begun to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierCopy {
    /// The content and its object.
    pub what: FileOnObject,
    /// The row's number in its manifest, unless the row has left that.
    pub row: Option<usize>,
    /// The key of the row.
    pub external_id: String,
    /// The key that the attachment was given since, if it was given another one.
    pub renamed_to: Option<String>,
    /// The attachment or the job, once one was chosen.
    pub attachment_id: Option<AttachmentId>,
    /// The file, as its manifest named it.
    pub file_path: String,
    /// The results file that has the line, as an index into those that were read.
    pub results: usize,
}

/// A row that is to be sent, and for which nothing was begun yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// The content and its object.
    pub what: FileOnObject,
    /// The row's number.
    pub row: usize,
    /// The line of the manifest on which it begins.
    pub line: u64,
    /// Its key.
    pub external_id: String,
    /// The key that its attachment shall have, where that is another one.
    pub new_external_id: Option<String>,
    /// Its file.
    pub file_path: String,
}

/// A row that would store a file a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondCopy {
    /// The row.
    pub of: NewRow,
    /// The first copy.
    pub first: EarlierCopy,
}

/// The rows that would store a file a second time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecondCopiesFound {
    /// Those whose file is stored for a row of these results that has left the manifest: most likely the
    /// same row under another key.
    pub renamed: Vec<SecondCopy>,
    /// Those whose file is stored by an import with other results.
    pub elsewhere: Vec<SecondCopy>,
}

/// Whether a line says that something was stored for its row, or that it was begun.
///
/// The attachment of a conflict that was not done is somebody else's, and nothing is certain to be
/// stored of a job that failed without having got or attached a file, and of a record that was not
/// found again before it got any bytes.
pub fn is_begun(entry: &Entry) -> bool {
    match entry.state() {
        RowState::Conflict(_) | RowState::ConflictElsewhere => entry.was_done(),
        RowState::NotFoundAgain => false,
        RowState::FailedWithoutBytes(_) if entry.service() == Some(Service::Keelvar) => false,
        RowState::Done(..)
        | RowState::Creating(_)
        | RowState::CreatingElsewhere
        // A record may have been made for the object that the row had then.
        | RowState::UnfinishedElsewhere
        | RowState::Created
        | RowState::CreatedUnheard(_)
        | RowState::AddressRenewing
        | RowState::SizeUnconfirmed(_)
        | RowState::JobSending
        | RowState::Replacing(_) => true,
        RowState::Unbegun(_)
        | RowState::Unfit(_)
        | RowState::JobWaiting
        | RowState::JobRunning
        | RowState::Naming(_)
        | RowState::Failed(_)
        | RowState::FailedWithoutBytes(_)
        | RowState::JobFailed => entry.attachment_id.is_some(),
    }
}

impl EarlierCopy {
    /// What a line says to be stored or begun; nothing where it says neither, or not all of it.
    pub fn told_by(entry: Entry, results: usize) -> Option<Self> {
        if !is_begun(&entry) {
            return None;
        }
        let kind: ObjectType = entry.object_type.parse().ok()?;
        Some(Self {
            what: FileOnObject {
                object: ObjectRef::parse(kind, &entry.object_id).ok()?,
                sha256: entry.known.content()?.sha256,
            },
            row: entry.row,
            external_id: entry.external_id,
            renamed_to: entry.changes.renamed_to,
            attachment_id: entry.attachment_id,
            file_path: entry.file_path,
            results,
        })
    }

    /// The key under which the service has it, as far as the line knows.
    pub fn present_id(&self) -> &str {
        self.renamed_to.as_deref().unwrap_or(&self.external_id)
    }

    /// Whether its row has left the manifest, of which `has` tells whether some row has a key.
    pub fn has_left(&self, has: impl Fn(&str) -> bool) -> bool {
        !has(&self.external_id) && !self.renamed_to.as_deref().is_some_and(has)
    }
}

impl NewRow {
    /// A row whose file is this content.
    pub fn of(row: Row, content: &Content) -> Self {
        Self {
            what: FileOnObject {
                object: row.object,
                sha256: content.sha256,
            },
            row: row.number,
            line: row.line,
            external_id: row.external_id.to_string(),
            new_external_id: row.new_external_id.map(|id| id.to_string()),
            file_path: row.file_path,
        }
    }

    /// Whether the service is asked for the row in such a way that it shows this copy: by the row's key,
    /// and where that is not there, by its new one.
    fn finds(&self, service: Service, copy: &EarlierCopy) -> bool {
        let present = copy.present_id();
        let is_asked_for =
            self.external_id == present || self.new_external_id.as_deref() == Some(present);
        match service {
            Service::Workday => is_asked_for,
            Service::Keelvar => false,
        }
    }
}

/// Finds the rows that would store a file a second time.
///
/// `left` are the copies of rows that have left the manifest, `beside` those that other results tell
/// of. Where more rows have a file than have left with it, any of them may be the one that stayed, so
/// that all are named.
pub fn second_copies(
    service: Service,
    rows: impl IntoIterator<Item = NewRow>,
    left: Vec<EarlierCopy>,
    beside: Vec<EarlierCopy>,
) -> SecondCopiesFound {
    let left = by_file(left);
    let beside = by_file(beside);
    let mut found = SecondCopiesFound::default();
    let mut renamed: HashMap<FileOnObject, Vec<NewRow>> = HashMap::new();
    for row in rows {
        if hidden(service, left.get(&row.what), &row).is_some() {
            renamed.entry(row.what).or_default().push(row);
        } else if let Some(first) = hidden(service, beside.get(&row.what), &row) {
            let first = first.clone();
            found.elsewhere.push(SecondCopy { of: row, first });
        }
    }
    for (what, rows) in renamed {
        found.renamed.extend(paired(rows, &left[&what]));
    }
    found.renamed.sort_by_key(|copy| copy.of.row);
    found
}

fn by_file(copies: Vec<EarlierCopy>) -> HashMap<FileOnObject, Vec<EarlierCopy>> {
    let mut by_file: HashMap<_, Vec<_>> = HashMap::new();
    for copy in copies {
        by_file.entry(copy.what).or_default().push(copy);
    }
    by_file
}

/// The first of the copies of a row's file, where the service shows none of them to the row.
fn hidden<'c>(
    service: Service,
    copies: Option<&'c Vec<EarlierCopy>>,
    row: &NewRow,
) -> Option<&'c EarlierCopy> {
    let copies = copies?;
    let is_found = copies.iter().any(|copy| row.finds(service, copy));
    if is_found { None } else { copies.first() }
}

/// Each row with the copy that it most likely stands for: that of the same path, or else the next one.
fn paired(rows: Vec<NewRow>, copies: &[EarlierCopy]) -> Vec<SecondCopy> {
    let mut free: Vec<&EarlierCopy> = copies.iter().collect();
    let mut pairs = Vec::with_capacity(rows.len());
    let mut others = Vec::new();
    for row in rows {
        match free.iter().position(|copy| copy.file_path == row.file_path) {
            Some(at) => pairs.push(SecondCopy {
                of: row,
                first: free.remove(at).clone(),
            }),
            None => others.push(row),
        }
    }
    let mut free = free.into_iter();
    for row in others {
        let first = free.next().unwrap_or(&copies[0]).clone();
        pairs.push(SecondCopy { of: row, first });
    }
    pairs
}

#[cfg(test)]
mod tests;
