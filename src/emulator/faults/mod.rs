//! The faults of a script: things that go wrong on purpose, and how they are carried out. A service
//! that is befallen puts a fault into its own words ([`Befallen`]).

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
