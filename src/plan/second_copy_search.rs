//! The search for rows about to store a file a second time, by lines and rows alone.
//!
//! A service asked by `external_id` answers for the given id only, and a service with jobs cannot
//! be asked at all. A row with a changed key, or a row in two manifests, therefore looks new to the
//! service; only the lines of earlier runs record the stored file.

use std::collections::HashMap;

use crate::manifest::ManifestRow;
use crate::model::{
    AttachmentId, CheckedContent, NamedObject, ObjectExternalId, ObjectRef, ObjectType,
    ProcurementService, Sha256Digest,
};
use crate::results::{ResultsEntry, RowState};

/// A content on an object: the pair must not be stored twice.
///
/// `O` is the object, regardless of the spelling of its id, or the object as a manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileOnObject<O = ObjectRef> {
    /// The object.
    pub object: O,
    /// Digest of the content.
    pub sha256: Sha256Digest,
}

/// A file stored, or begun to be stored, by an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierCopy {
    /// The content and its object.
    pub file_on_object: FileOnObject,
    /// External id of the object; `None` where the line has none.
    pub object_external_id: Option<ObjectExternalId>,
    /// Number of the row in its manifest; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// Key of the row.
    pub external_id: String,
    /// Present key of the attachment; `None` if the attachment was not renamed.
    pub renamed_to: Option<String>,
    /// Id of the attachment or the job, once chosen.
    pub attachment_id: Option<AttachmentId>,
    /// Path of the file, as the manifest names it.
    pub file_path: String,
    /// Results file with the line, as an index into the results files read.
    pub results_index: usize,
}

/// A row to be sent, with nothing begun for the row yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// The content and the object. An object whose own id is not known yet has the external id of
    /// the manifest.
    pub file_on_object: FileOnObject<NamedObject>,
    /// Number of the row.
    pub row: usize,
    /// Line of the manifest on which the row begins.
    pub line: u64,
    /// Key of the row.
    pub external_id: String,
    /// Key for the attachment to get; `None` if the key stays.
    pub new_external_id: Option<String>,
    /// Path of the row's file.
    pub file_path: String,
}

/// A row about to store a file a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondCopy {
    /// The row.
    pub row: NewRow,
    /// The first copy.
    pub first_copy: EarlierCopy,
}

/// All rows about to store a file a second time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecondCopiesFound {
    /// Rows whose file is stored for another row of the same results, no more in the manifest: most
    /// likely the same row under another key.
    pub renamed: Vec<SecondCopy>,
    /// Rows whose file is stored by an import with other results.
    pub in_other_results: Vec<SecondCopy>,
}

/// True if the line says that its row's file was stored, or begun to be stored.
///
/// The attachment of a conflict that was never done belongs to another client. Nothing is certain
/// to be stored of a job that failed without having got or attached a file, and of a record not
/// found again before any bytes were sent.
pub fn is_begun(entry: &ResultsEntry) -> bool {
    match entry.state() {
        RowState::Conflict(_) | RowState::ConflictOnOtherObject => entry.was_done(),
        RowState::NotFoundAgain => false,
        RowState::FailedWithoutBytes(_) if entry.service() == Some(ProcurementService::Keelvar) => false,
        RowState::Done(..)
        | RowState::Creating(_)
        | RowState::CreatingWithoutLookUp
        | RowState::CreatingOnOtherObject
        // A record may have been made for the object that the row had then.
        | RowState::UnfinishedOnOtherObject
        | RowState::Created
        | RowState::CreatedThenUnknown(_)
        | RowState::AddressRenewing
        | RowState::SizeUnconfirmed(_)
        | RowState::JobSending
        | RowState::Replacing(_) => true,
        RowState::NotBegun(_)
        | RowState::Unfit(_)
        | RowState::JobWaiting
        | RowState::JobRunning
        | RowState::ChangingName(_)
        | RowState::Failed(_)
        | RowState::FailedWithoutBytes(_)
        | RowState::JobFailed => entry.attachment_id.is_some(),
    }
}

impl EarlierCopy {
    /// Returns the copy stored or begun by the line; `None` where the line records no copy, or does
    /// not have all parts of one.
    pub fn from_entry(entry: ResultsEntry, results: usize) -> Option<Self> {
        if !is_begun(&entry) {
            return None;
        }
        let kind: ObjectType = entry.object_type.parse().ok()?;
        Some(Self {
            file_on_object: FileOnObject {
                object: ObjectRef::parse(kind, &entry.object_id).ok()?,
                sha256: entry.known_content.content()?.sha256,
            },
            object_external_id: ObjectExternalId::parse(&entry.object_external_id).ok(),
            row: entry.row,
            external_id: entry.external_id,
            renamed_to: entry.changes.renamed_to,
            attachment_id: entry.attachment_id,
            file_path: entry.file_path,
            results_index: results,
        })
    }

    /// Returns the content and its object under each name that a row can have for the object.
    fn names_of_file(&self) -> impl Iterator<Item = FileOnObject<NamedObject>> {
        let FileOnObject { object, sha256 } = self.file_on_object;
        let by_external_id = self
            .object_external_id
            .clone()
            .map(|id| NamedObject::ByExternalId(object.object_type(), id));
        [NamedObject::Known(object)]
            .into_iter()
            .chain(by_external_id)
            .map(move |object| FileOnObject { object, sha256 })
    }

    /// Returns the present key of the attachment at the service, as far as the line knows.
    pub fn current_external_id(&self) -> &str {
        self.renamed_to.as_deref().unwrap_or(&self.external_id)
    }

    /// True if the row has left the manifest. `has` decides if some row of the manifest has a key.
    pub fn has_left_manifest(&self, has: impl Fn(&str) -> bool) -> bool {
        !has(&self.external_id) && !self.renamed_to.as_deref().is_some_and(has)
    }
}

impl NewRow {
    /// Makes a new row from a row and the content of its file.
    pub fn from_row(row: ManifestRow<NamedObject>, content: &CheckedContent) -> Self {
        Self {
            file_on_object: FileOnObject {
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

    /// True if the look-ups of the row find this copy: the service is asked by the row's key, and
    /// where nothing has the row's key, by the new key.
    fn look_up_finds(&self, service: ProcurementService, copy: &EarlierCopy) -> bool {
        let present = copy.current_external_id();
        let is_asked_for =
            self.external_id == present || self.new_external_id.as_deref() == Some(present);
        match service {
            ProcurementService::Workday => is_asked_for,
            ProcurementService::Keelvar => false,
        }
    }
}

/// Finds the rows about to store a file a second time.
///
/// `left` are the copies of rows no more in the manifest, `beside` the copies in other results.
/// Where more rows have a file than have left with it, any of these rows may be the one that
/// stayed, so all are named. A row whose object is not known yet is compared by the external id of
/// the object, byte for byte.
pub fn find_second_copies(
    service: ProcurementService,
    rows: impl IntoIterator<Item = NewRow>,
    left: Vec<EarlierCopy>,
    beside: Vec<EarlierCopy>,
) -> SecondCopiesFound {
    let left = group_by_file(left);
    let beside = group_by_file(beside);
    let mut found = SecondCopiesFound::default();
    let mut renamed: HashMap<FileOnObject<NamedObject>, Vec<NewRow>> = HashMap::new();
    for row in rows {
        if first_copy_not_found(service, left.get(&row.file_on_object), &row).is_some() {
            let file = row.file_on_object.clone();
            renamed.entry(file).or_default().push(row);
        } else if let Some(first) =
            first_copy_not_found(service, beside.get(&row.file_on_object), &row)
        {
            let first = first.clone();
            found.in_other_results.push(SecondCopy {
                row,
                first_copy: first,
            });
        }
    }
    for (what, rows) in renamed {
        found
            .renamed
            .extend(pair_rows_with_copies(rows, &left[&what]));
    }
    found.renamed.sort_by_key(|copy| copy.row.row);
    found
}

/// Groups the copies by content and object. A copy whose object has an external id is in two groups.
fn group_by_file(copies: Vec<EarlierCopy>) -> HashMap<FileOnObject<NamedObject>, Vec<EarlierCopy>> {
    let mut by_file: HashMap<_, Vec<_>> = HashMap::new();
    for copy in copies {
        for file in copy.names_of_file() {
            by_file.entry(file).or_default().push(copy.clone());
        }
    }
    by_file
}

/// Returns the first copy of a row's file; `None` where there is no copy, or the look-ups of the
/// row find a copy.
fn first_copy_not_found<'c>(
    service: ProcurementService,
    copies: Option<&'c Vec<EarlierCopy>>,
    row: &NewRow,
) -> Option<&'c EarlierCopy> {
    let copies = copies?;
    let is_found = copies.iter().any(|copy| row.look_up_finds(service, copy));
    if is_found { None } else { copies.first() }
}

/// Pairs each row with its most likely copy: the copy with the same path, or else the next copy.
fn pair_rows_with_copies(rows: Vec<NewRow>, copies: &[EarlierCopy]) -> Vec<SecondCopy> {
    let mut free: Vec<&EarlierCopy> = copies.iter().collect();
    let mut pairs = Vec::with_capacity(rows.len());
    let mut others = Vec::new();
    for row in rows {
        match free.iter().position(|copy| copy.file_path == row.file_path) {
            Some(at) => pairs.push(SecondCopy {
                row,
                first_copy: free.remove(at).clone(),
            }),
            None => others.push(row),
        }
    }
    let mut free = free.into_iter();
    for row in others {
        let first = free.next().unwrap_or(&copies[0]).clone();
        pairs.push(SecondCopy {
            row,
            first_copy: first,
        });
    }
    pairs
}

#[cfg(test)]
mod tests;
