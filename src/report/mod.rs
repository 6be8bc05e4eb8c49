//! Audit report of an import, from the results and the verification, for a reader who was not
//! there.
//!
//! Open [`facts`] first, which gathers all facts once. [`html`] and [`json`] are two forms of the
//! facts, [`sha256_sums`] the digests for `sha256sum -c`. Everything here is pure and
//! deterministic: the report depends on no clock, no folder and no order of a hash map, and the
//! same inputs give the same bytes. Reading inputs and writing outputs is the business of
//! `commands::report`.
//!
#![doc = include_str!("schema.md")]

mod advice;
pub mod bounded_list;
pub mod chart;
pub mod chart_series;
pub mod evidence;
pub mod exceptions;
pub mod facts;
pub mod html;
pub mod json;
pub mod reconciliation;
pub mod report_row;
pub mod requested_changes;
pub mod sha256_sums;
mod statement;
pub mod values;

use std::path::{Path, PathBuf};

use crate::root::path_beside;

/// Version of the JSON form. A change that breaks a reader gets another number; new members do not.
pub const JSON_SCHEMA_VERSION: &str = "consign.report/1";

/// Returns the path of the HTML report of a results file, beside the results.
pub fn html_path_for(results: &Path) -> PathBuf {
    results.with_extension("report.html")
}

/// Returns the path of the JSON report of a results file.
pub fn json_path_for(results: &Path) -> PathBuf {
    results.with_extension("report.json")
}

/// Returns the path of the digests of the imported files.
pub fn sums_path_for(results: &Path) -> PathBuf {
    results.with_extension("SHA256SUMS")
}

/// Returns the paths that the manifest of a results file may have, provided that neither file was moved
/// or renamed: a CSV, or else a workbook. None for a results file with an unusual name.
pub fn manifest_paths_for(results: &Path) -> Vec<PathBuf> {
    let name = results.file_name().and_then(|name| name.to_str());
    let Some(stem) = name.and_then(|name| name.strip_suffix(".results.csv")) else {
        return Vec::new();
    };
    let with_extension = |extension| path_beside(results, format!("{stem}.{extension}"));
    ["csv", "xlsx"].map(with_extension).into()
}

#[cfg(test)]
mod tests;
