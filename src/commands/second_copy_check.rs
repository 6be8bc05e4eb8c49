//! Second copies: rows whose content is attached already, under another key or by another import,
//! and would be attached again.
//!
//! Earlier copies are gathered here, from the results of this import and from results files beside
//! those results. Which rows are second copies is decided by [`plan`](crate::plan).

mod messages;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::error::CommandError;
use crate::manifest::Manifest;
use crate::model::{NamedObject, ProcurementService, RowNumbers, SecondCopyPolicy, Sha256Digest};
use crate::plan::{
    EarlierCopy, FoundObjects, NewRow, ObjectResolution, SecondCopiesFound, SecondCopy,
    find_second_copies, is_begun, resolve_object,
};
use crate::prepare::{PreparedFiles, RowFile};
use crate::results::earlier_results::{EarlierResults, describe_damaged_lines};
use crate::results::other_results;
use crate::root::parent_folder;

pub(super) use messages::removed_lines_notice;

/// Inputs of the search for second copies.
pub(super) struct SecondCopyCheck<'a> {
    /// Manifest whose rows are checked.
    pub(super) manifest: &'a Manifest,
    /// Hashed files of the rows.
    pub(super) prepared: &'a PreparedFiles,
    /// Results of earlier runs of this import.
    pub(super) earlier: &'a EarlierResults,
    /// Records found in this run. A row whose record is not known is compared by the record's
    /// external id.
    pub(super) objects: &'a FoundObjects,
    /// Path of the results file, which may not exist yet.
    pub(super) results: &'a Path,
    /// Destinations of the files.
    pub(super) destinations: &'a ImportDestinations,
}

/// Destinations of an import, labelled as in results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ImportDestinations {
    /// Set of possible destinations.
    Known(BTreeSet<String>),
    /// No destination has been named yet.
    Unknown,
}

impl ImportDestinations {
    /// Returns the destinations of earlier results: the next run sends its files there, too.
    pub(super) fn from_results(earlier: &EarlierResults) -> Self {
        match &earlier.destinations {
            none if none.is_empty() => Self::Unknown,
            some => Self::Known(some.clone()),
        }
    }

    /// True if results with the destination `theirs` count for this import.
    fn includes(&self, theirs: &str) -> bool {
        match self {
            Self::Known(ours) => ours.contains(theirs),
            Self::Unknown => true,
        }
    }
}

/// Second copies found, and the results files compared.
pub(super) struct SecondCopyFindings<'a> {
    service: ProcurementService,
    manifest: &'a Path,
    results: &'a Path,
    destinations: &'a ImportDestinations,
    found: SecondCopiesFound,
    /// Other results files compared.
    other_results: Vec<PathBuf>,
    /// Notices about unreadable or incomplete other results files.
    unread_notices: String,
}

/// Second copies divided by the user's consent: rows that stop the run, and allowed rows.
pub(super) struct SecondCopyDecision<'a> {
    findings: &'a SecondCopyFindings<'a>,
    renamed: Vec<&'a SecondCopy>,
    attached_elsewhere: Vec<&'a SecondCopy>,
    allowed_rows: Vec<usize>,
}

impl<'a> SecondCopyCheck<'a> {
    /// Finds the second copies among `rows`, given by index.
    pub(super) fn find_copies(&self, rows: &[u32]) -> SecondCopyFindings<'a> {
        let mut copies = SecondCopyFindings {
            service: self.service(),
            manifest: self.manifest.path(),
            results: self.results,
            destinations: self.destinations,
            found: SecondCopiesFound::default(),
            other_results: Vec::new(),
            unread_notices: String::new(),
        };
        let new_rows = rows.iter().copied().filter(|index| self.is_new(*index));
        let new_rows: Vec<u32> = new_rows.collect();
        if new_rows.is_empty() {
            return copies;
        }
        let folders = [self.manifest.path(), self.results].map(parent_folder);
        let files = other_results::find_other_results(&folders, self.results);
        for file in &files.unreadable {
            copies.note_unreadable_file(&file.path, &file.why);
        }
        // A first import of a million rows ends here, before any content is kept in memory.
        if self.earlier.is_empty() && files.paths.is_empty() {
            return copies;
        }
        let contents = new_rows.iter().filter_map(|index| self.content(*index));
        let contents: HashSet<Sha256Digest> = contents.collect();
        let left = self.copies_of_removed_rows(&contents);
        let beside = self.copies_in_other_results(files.paths, &contents, &mut copies);
        if !left.is_empty() || !beside.is_empty() {
            let rows = new_rows.iter().filter_map(|index| self.new_row(*index));
            copies.found = find_second_copies(self.service(), rows, left, beside);
        }
        copies
    }

    /// Service of the manifest. Without a row whose service is known, no row is sent, and either
    /// service will do.
    fn service(&self) -> ProcurementService {
        self.manifest
            .service()
            .unwrap_or(ProcurementService::Workday)
    }

    fn content(&self, index: u32) -> Option<Sha256Digest> {
        match self.prepared.row_file(index as usize) {
            RowFile::Ready(content) => Some(content.sha256),
            RowFile::GoneAfterDone | RowFile::Unfit => None,
        }
    }

    /// True if a row is fit to be sent, and no earlier run has begun the row.
    fn is_new(&self, index: u32) -> bool {
        let row = self.manifest.row(index as usize);
        let earlier = || self.earlier.latest_entry(row.external_id());
        self.content(index).is_some() && earlier().is_none_or(|entry| !is_begun(&entry))
    }

    fn new_row(&self, index: u32) -> Option<NewRow> {
        let row = self.manifest.row(index as usize).parse().ok()?;
        let previous = self.earlier.latest_entry(row.external_id.as_str());
        let row = match resolve_object(row, previous.as_ref(), self.objects) {
            ObjectResolution::Known(row) => {
                let object = NamedObject::Known(row.object);
                row.with_object(object)
            }
            ObjectResolution::ToFind(row) => row,
        };
        match self.prepared.row_file(index as usize) {
            RowFile::Ready(content) => Some(NewRow::from_row(row, &content)),
            RowFile::GoneAfterDone | RowFile::Unfit => None,
        }
    }

    /// Returns copies with one of `contents` whose rows have left the manifest.
    fn copies_of_removed_rows(&self, contents: &HashSet<Sha256Digest>) -> Vec<EarlierCopy> {
        if self.earlier.is_empty() {
            return Vec::new();
        }
        let ids = self.earlier.external_ids();
        let mut gone: HashSet<&str> = ids.iter().copied().collect();
        for row in self.manifest.rows() {
            gone.remove(row.external_id());
        }
        let mut left: Vec<EarlierCopy> = ids
            .into_iter()
            .filter(|id| gone.contains(id))
            .filter_map(|id| EarlierCopy::from_entry(self.earlier.latest_entry(id)?, 0))
            .filter(|copy| contents.contains(&copy.file_on_object.sha256))
            .collect();
        let new_ids: HashSet<String> = left
            .iter()
            .filter_map(|copy| copy.renamed_to.clone())
            .collect();
        if !new_ids.is_empty() {
            let rows = self.manifest.rows();
            let present: HashSet<String> = rows
                .filter_map(|row| new_ids.get(row.external_id()).cloned())
                .collect();
            left.retain(|copy| copy.has_left_manifest(|id| present.contains(id)));
        }
        left
    }

    /// Returns copies with one of `contents` from other results files.
    fn copies_in_other_results(
        &self,
        files: Vec<PathBuf>,
        contents: &HashSet<Sha256Digest>,
        copies: &mut SecondCopyFindings<'_>,
    ) -> Vec<EarlierCopy> {
        let mut found = Vec::new();
        for path in files {
            match other_results::read_if_mentioned(&path, |content| contents.contains(content)) {
                Ok(None) => {}
                Ok(Some(theirs)) => {
                    self.take_other_results(&theirs, &path, contents, copies, &mut found);
                }
                Err(error) => copies.note_unreadable_file(&path, &error.to_string()),
            }
        }
        self.without_own_copies(found)
    }

    fn take_other_results(
        &self,
        theirs: &EarlierResults,
        path: &Path,
        contents: &HashSet<Sha256Digest>,
        copies: &mut SecondCopyFindings<'_>,
        found: &mut Vec<EarlierCopy>,
    ) {
        let mut destinations = theirs.destinations.iter();
        // Results without a believed line name no destination, and might be for this import.
        let is_for_us = destinations.any(|theirs| self.destinations.includes(theirs));
        if !is_for_us && !theirs.destinations.is_empty() {
            return;
        }
        let not_compared = "; no row is compared with this line";
        copies.unread_notices += &describe_damaged_lines(path, &theirs.damaged_lines, not_compared);
        copies.unread_notices += &removed_lines_notice(path, theirs.lost_lines().removed);
        let number = copies.other_results.len();
        copies.other_results.push(path.to_owned());
        for id in theirs.external_ids() {
            let entry = theirs.latest_entry(id);
            let entry = entry.filter(|entry| self.destinations.includes(&entry.destination));
            let copy = entry.and_then(|entry| EarlierCopy::from_entry(entry, number));
            found.extend(copy.filter(|copy| contents.contains(&copy.file_on_object.sha256)));
        }
    }

    /// Leaves out copies known from the results of this import, too: the results file has been
    /// copied.
    fn without_own_copies(&self, mut copies: Vec<EarlierCopy>) -> Vec<EarlierCopy> {
        if copies.is_empty() {
            return copies;
        }
        let mut attachments = HashSet::new();
        let mut begun_ids = HashSet::new();
        for id in self.earlier.external_ids() {
            let Some(entry) = self.earlier.latest_entry(id) else {
                continue;
            };
            if is_begun(&entry) {
                begun_ids.insert(id);
            }
            attachments.extend(entry.attachment_id);
        }
        copies.retain(|copy| match &copy.attachment_id {
            Some(id) => !attachments.contains(id),
            None => !begun_ids.contains(&*copy.external_id),
        });
        copies
    }
}

impl<'a> SecondCopyFindings<'a> {
    /// Divides the second copies into rows that stop a run and rows allowed by the user.
    pub(super) fn decide(&'a self, allowed: &SecondCopyPolicy) -> SecondCopyDecision<'a> {
        let allows = |copy: &SecondCopy| allowed.allows_row(copy.row.row);
        let all = || {
            self.found
                .renamed
                .iter()
                .chain(&self.found.in_other_results)
        };
        let refused = |copies: &'a [SecondCopy]| -> Vec<&SecondCopy> {
            copies.iter().filter(|copy| !allows(copy)).collect()
        };
        SecondCopyDecision {
            findings: self,
            renamed: refused(&self.found.renamed),
            attached_elsewhere: refused(&self.found.in_other_results),
            allowed_rows: all()
                .filter(|copy| allows(copy))
                .map(|copy| copy.row.row)
                .collect(),
        }
    }
}

impl SecondCopyDecision<'_> {
    /// Rows that stop a run. Copies in other results stop no run whose destination is still open.
    fn refused_copies(&self) -> impl Iterator<Item = &SecondCopy> {
        let elsewhere: &[&SecondCopy] = match self.findings.destinations {
            ImportDestinations::Known(_) => &self.attached_elsewhere,
            ImportDestinations::Unknown => &[],
        };
        self.renamed.iter().chain(elsewhere).copied()
    }

    /// Number of rows that stop a run.
    pub(super) fn stopping_rows(&self) -> u64 {
        self.refused_copies().count() as u64
    }

    /// Number of rows that would stop a run to a destination not yet named.
    pub(super) fn possibly_stopping_rows(&self) -> u64 {
        (self.renamed.len() + self.attached_elsewhere.len()) as u64 - self.stopping_rows()
    }

    /// Fails with [`CommandError::SecondCopies`] when a row would attach a file a second time
    /// without the user's consent.
    pub(super) fn refuse(&self) -> Result<(), CommandError> {
        let rows: Vec<usize> = self.refused_copies().map(|copy| copy.row.row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        Err(CommandError::SecondCopies(
            self.refusal(&RowNumbers::from_rows(rows)),
        ))
    }
}
