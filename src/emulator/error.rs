//! Reasons why an emulator does not start.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::faults::InvalidFault;
use super::faults::scenario::ScenarioError;
use super::objects::object_file::ObjectFileError;
use super::request_log::RequestLogError;
use super::state_folder::StateError;

/// Reason why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The emulator cannot listen on the address.
    #[error(
        "the emulator cannot listen on {address}: {source}; give another address, or port 0 for any free port"
    )]
    Listen {
        /// Requested address.
        address: SocketAddr,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Another emulator uses the state folder.
    #[error("the emulator's state, {}, is in use by another emulator; stop the other emulator, or give another folder", path.display())]
    InUse {
        /// Path of the state folder.
        path: PathBuf,
    },
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The request log cannot be used.
    #[error(transparent)]
    Log(#[from] RequestLogError),
    /// A scripted fault is not valid.
    #[error(transparent)]
    Fault(#[from] InvalidFault),
    /// The scenario file cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The file with the existing objects cannot be used.
    #[error(transparent)]
    Objects(#[from] ObjectFileError),
    /// The requests of other clients use up the whole rate limit.
    #[error(
        "{others} requests a second of other clients use up the limit of {rate}; lower --others, \
         or raise --rate"
    )]
    NoRateLeft {
        /// Requests per second of other clients.
        others: u32,
        /// Requests per second of the rate limit.
        rate: NonZeroU32,
    },
}
