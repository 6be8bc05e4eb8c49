//! The state folder: taking it for one emulator, and taking up what it holds.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tempfile::TempDir;

use super::jobs::{Budgets, Jobs};
use super::log::{Entry, Log};
use super::rate::{Others, Window};
use super::route::{Operation, Route};
use super::script::Script;
use super::sign::Signer;
use super::store::{Folder, StateError, Store};
use super::world::World;
use super::{EmulatorError, Settings};

/// A state folder, locked for one emulator.
pub(super) struct Home {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
    _lock: File,
    /// The folder goes away with this.
    _temporary: Option<TempDir>,
}

impl Home {
    /// Takes a folder, or makes a temporary one.
    pub(super) fn open(state: Option<&Path>) -> Result<Self, EmulatorError> {
        let (path, temporary) = if let Some(path) = state {
            (path.to_owned(), None)
        } else {
            let folder = TempDir::with_prefix("consign-emulator-")
                .map_err(StateError::at(&std::env::temp_dir()))?;
            (folder.path().to_owned(), Some(folder))
        };
        std::fs::create_dir_all(&path).map_err(StateError::at(&path))?;
        let folder = Folder::below(&path);
        let lock = File::create(&folder.lock).map_err(StateError::at(&folder.lock))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EmulatorError::InUse { path }),
            Err(TryLockError::Error(error)) => {
                return Err(StateError::at(&folder.lock)(error).into());
            }
        }
        folder.prepare().map_err(StateError::at(&path))?;
        Ok(Self {
            path,
            folder,
            _lock: lock,
            _temporary: temporary,
        })
    }
}

/// Takes up the state where an earlier emulator left it.
pub(super) fn load(folder: &Folder, settings: &Settings) -> Result<(Signer, World), EmulatorError> {
    let signer = Signer::of_folder(&folder.signing_key, &folder.incoming)
        .map_err(StateError::at(&folder.signing_key))?;
    let (log, earlier) = Log::open(&folder.log)?;
    let budgets = budgets_after(&earlier, settings);
    // The highest id of all may have been purged; then only the log still knows it.
    let created = earlier
        .iter()
        .filter(|entry| entry.operation == Operation::Create);
    let before_the_first = settings.first_id.saturating_sub(1);
    let last_id = created.filter_map(|entry| entry.id).max();
    let last_id = last_id.unwrap_or(before_the_first);
    let began = Instant::now();
    let world = World {
        store: Store::load(folder.clone(), last_id)?,
        rate: Window::new(settings.rate),
        others: Others::new(settings.others, began),
        jobs: Jobs::load(folder.clone())?,
        budgets,
        faults: Script::new(&settings.faults, began)?,
        log,
    };
    Ok((signer, world))
}

/// The budgets of the jobs API, of which the requests of earlier emulators used something.
fn budgets_after(earlier: &[Entry], settings: &Settings) -> Budgets {
    let mut budgets = Budgets::new(&settings.jobs.budgets);
    for entry in earlier.iter().filter(|entry| entry.budget_left.is_some()) {
        let path = entry.path.split('?').next().unwrap_or_default();
        let Ok(method) = entry.method.parse() else {
            continue;
        };
        if let Route::Jobs(route) = Route::of(&method, path) {
            budgets.count(route, entry.at);
        }
    }
    budgets
}
