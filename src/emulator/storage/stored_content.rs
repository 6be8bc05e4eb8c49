//! Stored bytes, as described in the owner's record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Size and time of stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct StoredContent {
    /// Size in bytes, as reported by the service.
    pub(in crate::emulator) size: u64,
    pub(in crate::emulator) stored_at: Timestamp,
}

/// Returns a new random storage key: 32 hexadecimal digits.
pub(in crate::emulator) fn new_object_key() -> String {
    format!("{:032x}", fastrand::u128(..))
}
