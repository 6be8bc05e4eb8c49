//! consign attaches files to procurement records in bulk, from a spreadsheet, exactly once.

pub mod digest;
pub mod emulator;
pub mod model;
