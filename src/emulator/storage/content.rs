//! Stored bytes, as whoever they were stored for remembers them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The bytes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct Content {
    /// The size as the service shows it.
    pub(in crate::emulator) size: u64,
    pub(in crate::emulator) stored_at: Timestamp,
}

/// A storage key that was never used before: 32 hexadecimal digits.
pub(in crate::emulator) fn new_key() -> String {
    format!("{:032x}", fastrand::u128(..))
}
