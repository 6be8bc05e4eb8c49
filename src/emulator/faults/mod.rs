//! Faults of a script: failures on purpose, and their injection into requests.
//!
//! [`Fault`] is the place to start reading; [`FaultInjector`] picks and injects faults. An API
//! implements [`FaultableRequest`] to express a fault in its own format; the storage injects faults
//! into its streams.

mod delivery;
mod fault;
mod fault_scheduler;
mod fault_target;
mod faultable_request;
mod injector;
pub mod scenario;
mod spoilt_reply;

pub(super) use self::fault::scripted_status;
pub(super) use self::faultable_request::FaultableRequest;
pub(super) use self::injector::FaultInjector;

pub use self::fault::{Fault, FaultEffect, FaultTrigger, InvalidFault};
pub use self::fault_scheduler::FiredFault;
pub use self::fault_target::FaultTarget;
