//! What goes wrong on purpose: the scripted faults, and how they are carried out. What a fault does to
//! a request in the words of a service, the service says itself ([`Befallen`]).

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
