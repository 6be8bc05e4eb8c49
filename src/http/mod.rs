//! Everything that touches the network. The only user of `reqwest`.

pub mod pacer;
