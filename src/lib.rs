//! consign attaches files to procurement records in bulk, from a spreadsheet, exactly once.

pub mod digest;
pub mod model;
pub mod http;
pub mod results;
