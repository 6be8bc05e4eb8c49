//! Second copies: rows whose content is attached already, under another key or by another import,
//! and would be attached again.
//!
//! Earlier copies are gathered here, from the results of this import and from results files beside
//! those results. Which rows are second copies is decided by [`plan`](crate::plan).

mod words;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::manifest::Manifest;
use crate::model::{RowNumbers, SecondCopies, Service, Sha256Digest};
use crate::plan::{EarlierCopy, NewRow, SecondCopiesFound, SecondCopy, is_begun, second_copies};
use crate::prepare::{Prepared, RowFile};
use crate::results::beside;
use crate::results::previous::{Previous, name_damaged};
use crate::root::folder_of;

pub(super) use words::name_lost;

/// Inputs of the search for second copies.
pub(super) struct Comparison<'a> {
    /// Manifest whose rows are checked.
    pub(super) manifest: &'a Manifest,
    /// Hashed files of the rows.
    pub(super) prepared: &'a Prepared,
    /// Results of earlier runs of this import.
    pub(super) previous: &'a Previous,
    /// Path of the results file, which may not exist yet.
    pub(super) results: &'a Path,
    /// Destinations of the files.
    pub(super) destination: &'a Destinations,
}

/// Destinations of an import, labelled as in results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destinations {
    /// Set of possible destinations.
    Known(BTreeSet<String>),
    /// No destination has been named yet.
    Unknown,
}

impl Destinations {
    /// Returns the destinations of earlier results: the next run sends its files there, too.
    pub(super) fn of(previous: &Previous) -> Self {
        match &previous.destinations {
            none if none.is_empty() => Self::Unknown,
            some => Self::Known(some.clone()),
        }
    }

    /// True if results with the destination `theirs` count for this import.
    fn has(&self, theirs: &str) -> bool {
        match self {
            Self::Known(ours) => ours.contains(theirs),
            Self::Unknown => true,
        }
    }
}

/// Second copies found, and the results files compared.
pub(super) struct CopiesFound<'a> {
    service: Service,
    manifest: &'a Path,
    results: &'a Path,
    destination: &'a Destinations,
    found: SecondCopiesFound,
    /// Other results files compared.
    files: Vec<PathBuf>,
    /// Notices about unreadable or incomplete other results files.
    unread: String,
}

/// Second copies divided by the user's consent: rows that stop the run, and allowed rows.
pub(super) struct CopiesByConsent<'a> {
    of: &'a CopiesFound<'a>,
    renamed: Vec<&'a SecondCopy>,
    elsewhere: Vec<&'a SecondCopy>,
    allowed: Vec<usize>,
}

impl<'a> Comparison<'a> {
    /// Finds the second copies among `rows`, given by index.
    pub(super) fn find(&self, rows: &[u32]) -> CopiesFound<'a> {
        let mut copies = CopiesFound {
            service: self.service(),
            manifest: self.manifest.path(),
            results: self.results,
            destination: self.destination,
            found: SecondCopiesFound::default(),
            files: Vec::new(),
            unread: String::new(),
        };
        let new_rows = rows.iter().copied().filter(|index| self.is_new(*index));
        let new_rows: Vec<u32> = new_rows.collect();
        if new_rows.is_empty() {
            return copies;
        }
        let folders = [self.manifest.path(), self.results].map(folder_of);
        let files = beside::find(&folders, self.results);
        for file in &files.unreadable {
            copies.cannot_compare(&file.path, &file.why);
        }
        // A first import of a million rows ends here, before any content is kept in memory.
        if self.previous.is_empty() && files.results.is_empty() {
            return copies;
        }
        let contents = new_rows.iter().filter_map(|index| self.content(*index));
        let contents: HashSet<Sha256Digest> = contents.collect();
        let left = self.left(&contents);
        let beside = self.beside(files.results, &contents, &mut copies);
        if !left.is_empty() || !beside.is_empty() {
            let rows = new_rows.iter().filter_map(|index| self.new_row(*index));
            copies.found = second_copies(self.service(), rows, left, beside);
        }
        copies
    }

    /// Service of the manifest. Without a row whose service is known, no row is sent, and either
    /// service will do.
    fn service(&self) -> Service {
        self.manifest.service().unwrap_or(Service::Workday)
    }

    fn content(&self, index: u32) -> Option<Sha256Digest> {
        match self.prepared.file(index as usize) {
            RowFile::Ready(content) => Some(content.sha256),
            RowFile::Gone | RowFile::Unfit => None,
        }
    }

    /// True if a row is fit to be sent, and no earlier run has begun the row.
    fn is_new(&self, index: u32) -> bool {
        let row = self.manifest.row(index as usize);
        let earlier = || self.previous.get(row.external_id());
        self.content(index).is_some() && earlier().is_none_or(|entry| !is_begun(&entry))
    }

    fn new_row(&self, index: u32) -> Option<NewRow> {
        let row = self.manifest.row(index as usize).parse().ok()?;
        match self.prepared.file(index as usize) {
            RowFile::Ready(content) => Some(NewRow::of(row, &content)),
            RowFile::Gone | RowFile::Unfit => None,
        }
    }

    /// Returns copies with one of `contents` whose rows have left the manifest.
    fn left(&self, contents: &HashSet<Sha256Digest>) -> Vec<EarlierCopy> {
        if self.previous.is_empty() {
            return Vec::new();
        }
        let ids = self.previous.external_ids();
        let mut gone: HashSet<&str> = ids.iter().copied().collect();
        for row in self.manifest.rows() {
            gone.remove(row.external_id());
        }
        let mut left: Vec<EarlierCopy> = ids
            .into_iter()
            .filter(|id| gone.contains(id))
            .filter_map(|id| EarlierCopy::told_by(self.previous.get(id)?, 0))
            .filter(|copy| contents.contains(&copy.what.sha256))
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
            left.retain(|copy| copy.has_left(|id| present.contains(id)));
        }
        left
    }

    /// Returns copies with one of `contents` from other results files.
    fn beside(
        &self,
        files: Vec<PathBuf>,
        contents: &HashSet<Sha256Digest>,
        copies: &mut CopiesFound<'_>,
    ) -> Vec<EarlierCopy> {
        let mut found = Vec::new();
        for path in files {
            match beside::read_about(&path, |content| contents.contains(content)) {
                Ok(None) => {}
                Ok(Some(theirs)) => self.take(&theirs, &path, contents, copies, &mut found),
                Err(error) => copies.cannot_compare(&path, &error.to_string()),
            }
        }
        self.without_our_own(found)
    }

    fn take(
        &self,
        theirs: &Previous,
        path: &Path,
        contents: &HashSet<Sha256Digest>,
        copies: &mut CopiesFound<'_>,
        found: &mut Vec<EarlierCopy>,
    ) {
        let mut destinations = theirs.destinations.iter();
        // Results without a believed line name no destination, and might be for this import.
        let is_for_us = destinations.any(|theirs| self.destination.has(theirs));
        if !is_for_us && !theirs.destinations.is_empty() {
            return;
        }
        let not_compared = "; it is not compared with the rows of the manifest";
        copies.unread += &name_damaged(path, &theirs.damaged, not_compared);
        copies.unread += &name_lost(path, theirs.lost().removed);
        let number = copies.files.len();
        copies.files.push(path.to_owned());
        for id in theirs.external_ids() {
            let entry = theirs.get(id);
            let entry = entry.filter(|entry| self.destination.has(&entry.destination));
            let copy = entry.and_then(|entry| EarlierCopy::told_by(entry, number));
            found.extend(copy.filter(|copy| contents.contains(&copy.what.sha256)));
        }
    }

    /// Leaves out copies known from the results of this import, too: somebody has copied the
    /// results file.
    fn without_our_own(&self, mut copies: Vec<EarlierCopy>) -> Vec<EarlierCopy> {
        if copies.is_empty() {
            return copies;
        }
        let mut attachments = HashSet::new();
        let mut begun_ids = HashSet::new();
        for id in self.previous.external_ids() {
            let Some(entry) = self.previous.get(id) else {
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

impl<'a> CopiesFound<'a> {
    /// Divides the second copies into rows that stop a run and rows allowed by the user.
    pub(super) fn by_consent(&'a self, allowed: &SecondCopies) -> CopiesByConsent<'a> {
        let allows = |copy: &SecondCopy| allowed.allows(copy.of.row);
        let all = || self.found.renamed.iter().chain(&self.found.elsewhere);
        let refused = |copies: &'a [SecondCopy]| -> Vec<&SecondCopy> {
            copies.iter().filter(|copy| !allows(copy)).collect()
        };
        CopiesByConsent {
            of: self,
            renamed: refused(&self.found.renamed),
            elsewhere: refused(&self.found.elsewhere),
            allowed: all()
                .filter(|copy| allows(copy))
                .map(|copy| copy.of.row)
                .collect(),
        }
    }
}

impl CopiesByConsent<'_> {
    /// Rows that stop a run. Copies in other results stop no run whose destination is still open.
    fn refused(&self) -> impl Iterator<Item = &SecondCopy> {
        let elsewhere: &[&SecondCopy] = match self.of.destination {
            Destinations::Known(_) => &self.elsewhere,
            Destinations::Unknown => &[],
        };
        self.renamed.iter().chain(elsewhere).copied()
    }

    /// Number of rows that stop a run.
    pub(super) fn stopping(&self) -> u64 {
        self.refused().count() as u64
    }

    /// Number of rows that would stop a run to a destination not yet named.
    pub(super) fn perhaps_stopping(&self) -> u64 {
        (self.renamed.len() + self.elsewhere.len()) as u64 - self.stopping()
    }

    /// Fails with [`Error::SecondCopies`] when a row would attach a file a second time without the
    /// user's consent.
    pub(super) fn refuse(&self) -> Result<(), Error> {
        let rows: Vec<usize> = self.refused().map(|copy| copy.of.row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        Err(Error::SecondCopies(self.refusal(&RowNumbers::of(rows))))
    }
}
