//! Why an emulator does not start.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::faults::BadFault;
use super::faults::scenario::ScenarioError;
use super::folder::StateError;
use super::log::LogError;

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address cannot be had.
    #[error(
        "the emulator cannot listen on {address}: {source}; give another address, or port 0 for any that is free"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another emulator has the state folder.
    #[error("the emulator's state, {}, is in use by another emulator; stop that one, or give another folder", path.display())]
    InUse {
        /// The state folder.
        path: PathBuf,
    },
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The request log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A fault makes no sense.
    #[error(transparent)]
    Fault(#[from] BadFault),
    /// The file with the faults cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Other clients would take all there is.
    #[error(
        "{others} requests a second of other clients leave nothing of the {rate} that are allowed; \
         let them take fewer"
    )]
    NothingLeft {
        /// How many they were to take.
        others: u32,
        /// How many there are.
        rate: NonZeroU32,
    },
}
