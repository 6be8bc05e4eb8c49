//! Lock on the state folder of an emulator.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::EmulatorError;
use super::state_folder::{StateError, StatePaths};

/// State folder, locked by an emulator.
pub(super) struct LockedStateFolder {
    pub(super) path: PathBuf,
    pub(super) paths: StatePaths,
    _lock: File,
    /// Temporary state folder, which is removed with this value.
    _temporary: Option<TempDir>,
}

impl LockedStateFolder {
    /// Locks a state folder. Creates a temporary folder if `state` is `None`.
    pub(super) fn open(state: Option<&Path>) -> Result<Self, EmulatorError> {
        let (path, temporary) = if let Some(path) = state {
            (path.to_owned(), None)
        } else {
            let folder = TempDir::with_prefix("consign-emulator-")
                .map_err(StateError::io_at(&std::env::temp_dir()))?;
            (folder.path().to_owned(), Some(folder))
        };
        std::fs::create_dir_all(&path).map_err(StateError::io_at(&path))?;
        let folder = StatePaths::below(&path);
        let lock = File::create(&folder.lock).map_err(StateError::io_at(&folder.lock))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EmulatorError::InUse { path }),
            Err(TryLockError::Error(error)) => {
                return Err(StateError::io_at(&folder.lock)(error).into());
            }
        }
        folder.prepare().map_err(StateError::io_at(&path))?;
        Ok(Self {
            path,
            paths: folder,
            _lock: lock,
            _temporary: temporary,
        })
    }
}
