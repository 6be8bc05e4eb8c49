//! Locking of mutexes whose data stays sound when a holder panics.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, even after a thread panicked while holding it: no code in the crate leaves data
/// in a mutex half changed.
pub(crate) fn lock_despite_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
