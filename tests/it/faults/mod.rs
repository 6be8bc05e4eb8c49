//! Bad days of the network and of the service, as seen by the user: the file is stored once, the
//! row is done, and the request log shows the fault.
//!
//! Consequences of lost, reset and refused requests are in `lost_answers`; the other faults are
//! here.

mod broken_answers;
mod bursts;
mod delivered_twice;
mod patience;
mod rehearsal;
