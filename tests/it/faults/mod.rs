//! Bad days of the network and of the service, each as its user sees it: the file is stored once,
//! the row is done, and the request log shows that the fault was there.
//!
//! What a lost, reset or refused request leads to is in `lost_answers`; here is the rest.

mod answers;
mod bursts;
mod patience;
mod rehearsal;
mod twice;
