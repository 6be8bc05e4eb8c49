//! The audit report of an import: what the results say, and the verification where there is one, for
//! somebody who was not there.
//!
//! [`facts`] gathers all that is said, once; [`html`] and [`json`] are two forms of it, and
//! [`sums`] the digests for `sha256sum -c`. Everything here is pure and deterministic: no clock, no
//! folder, no order of a hash map comes in, and the same inputs give the same bytes. Reading the
//! inputs and writing the outputs is the business of `commands::report`.
//!
#![doc = include_str!("schema.md")]

mod advice;
pub mod changes;
pub mod chart;
pub mod evidence;
pub mod exceptions;
pub mod facts;
pub mod html;
pub mod json;
pub mod listed;
pub mod reconcile;
pub mod row;
pub mod series;
mod statement;
pub mod sums;
pub mod value;

use std::path::{Path, PathBuf};

/// The version of the form of the JSON. A change that a reader of it would stumble over gets another
/// number; new members do not.
pub const SCHEMA: &str = "consign.report/1";

/// Where the HTML report of a results file goes: beside it.
pub fn html_path_for(results: &Path) -> PathBuf {
    results.with_extension("report.html")
}

/// Where the JSON report goes.
pub fn json_path_for(results: &Path) -> PathBuf {
    results.with_extension("report.json")
}

/// Where the digests of the imported files go.
pub fn sums_path_for(results: &Path) -> PathBuf {
    results.with_extension("SHA256SUMS")
}

/// Where the manifest of a results file is, if nobody has moved or renamed one of the two.
pub fn manifest_path_for(results: &Path) -> Option<PathBuf> {
    let name = results.file_name()?.to_str()?;
    let stem = name.strip_suffix(".results.csv")?;
    Some(results.with_file_name(format!("{stem}.csv")))
}

#[cfg(test)]
mod tests;
