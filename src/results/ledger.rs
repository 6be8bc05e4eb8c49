//! The results as evidence: what a results file says while no run is on, one line for each row.

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::previous::{Place, Previous};
use super::{Entry, ResultsError};
use crate::digest::sha256;
use crate::model::Sha256Digest;

/// A results file, read once and never written.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    previous: Previous,
    /// The lines that count, in the order of the manifest's rows.
    places: Vec<Place>,
    /// The digest of the whole file.
    pub sha256: Sha256Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Ledger {
    /// Reads a file, which no run may be writing.
    pub fn read(path: &Path) -> Result<Self, ResultsError> {
        let failed = |doing: &'static str| {
            move |source| ResultsError::Io {
                doing,
                path: path.to_owned(),
                source,
            }
        };
        let mut file = File::open(path).map_err(failed("open"))?;
        // Held until the file is read. Where a file system knows no locks, no run holds one either.
        if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
            return Err(ResultsError::Locked {
                path: path.to_owned(),
            });
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed("read"))?;
        if text.is_empty() {
            return Err(ResultsError::NotResults {
                path: path.to_owned(),
                why: "it is empty".into(),
            });
        }
        let (digest, size) = (sha256(&text), text.len() as u64);
        let previous = Previous::parse(text, path)?;
        // Rows that have left the manifest stand after the others.
        let mut places: Vec<Place> = previous.places().collect();
        places.sort_unstable_by_key(|place| (place.row.unwrap_or(u32::MAX), place.serial));
        Ok(Self {
            path: path.to_owned(),
            previous,
            places,
            sha256: digest,
            size,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows it has a line of.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The line of each row, in the manifest's order; those that are no longer in the manifest
    /// stand at the end. Each is read when its turn comes.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry> {
        let entry = |place: &Place| self.previous.entry(*place);
        self.places
            .iter()
            .map(move |place| entry(place).expect("a line that is believed can be read"))
    }

    /// What stands under one of the manifest's other columns in the line of a row.
    pub fn extra(&self, entry: &Entry, column: &str) -> String {
        self.previous.extra(&entry.external_id, column)
    }

    /// What else the file tells: damaged and torn lines, and where the attachments went.
    pub fn previous(&self) -> &Previous {
        &self.previous
    }
}
