//! Faults of a script: failures on purpose, and their injection into requests.
//!
//! [`Fault`] is the place to start reading; [`FaultInjector`] picks and injects faults. An API
//! implements [`Befallen`] to express a fault in its own format; the storage injects faults into
//! its streams.

mod befall;
mod delivery;
mod fault;
mod injector;
mod reply;
pub mod scenario;
mod script;
mod target;

pub(super) use self::befall::Befallen;
pub(super) use self::fault::status;
pub(super) use self::injector::FaultInjector;

pub use self::fault::{BadFault, Effect, Fault, When};
pub use self::script::Fired;
pub use self::target::Target;
