//! The commands, one module each: what a command does from its arguments to its exit code.

pub mod check;
