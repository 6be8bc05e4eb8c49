//! Lock on the state folder of an emulator.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::EmulatorError;
use super::folder::{Folder, StateError};

/// State folder, locked by an emulator.
pub(super) struct Home {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
    _lock: File,
    /// Temporary state folder, which is removed with this value.
    _temporary: Option<TempDir>,
}

impl Home {
    /// Locks a state folder. Creates a temporary folder if `state` is `None`.
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
