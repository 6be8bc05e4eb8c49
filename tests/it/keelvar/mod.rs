//! Imports to Keelvar, which attaches files by jobs of several files each.
//!
//! Most runs here have a fast clock, because the tool polls a job at most every two seconds.

mod consent;
mod faults;
mod first_import;
mod forecasts;
mod killed;
#[cfg(target_os = "linux")]
mod killed_at_syncs;
#[cfg(target_os = "linux")]
mod killed_often;
mod lost_lines;
mod outcomes;
mod parts;
mod refusals;
mod resume;
mod secrets;
mod signals;
mod slashes;
