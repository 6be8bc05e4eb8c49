//! Documentation of the report's JSON, compared with the written JSON.

use std::collections::BTreeSet;

use serde_json::Value;

use super::golden::small_import;
use super::{json, report};

/// Members which contain rows. The documentation describes the rows once, in a table of their own.
const ROWS: [&str; 6] = [
    "row_list.listed[]",
    "rows_no_longer_in_manifest.listed[]",
    "exceptions[].rows.listed[]",
    "verification.local_files_changed.listed[]",
    "verification.local_files_gone.listed[]",
    "listed[]",
];

/// Collects the names of all members, as written in the documentation.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let is_row = ROWS.contains(&path);
                let inner = match path {
                    "" => name.clone(),
                    _ if is_row => format!("row: {name}"),
                    _ => format!("{path}.{name}"),
                };
                members(value, &inner, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                members(item, &format!("{path}[]"), found);
            }
            if items.is_empty() {
                found.insert(format!("{path}[]"));
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

/// Returns the documented names. The names in the table of rows begin with `row: `.
fn documented() -> BTreeSet<String> {
    let text = include_str!("../../../src/report/schema.md");
    let mut names = BTreeSet::new();
    let mut of_rows = "";
    for line in text.lines() {
        if line.starts_with("A row has") {
            of_rows = "row: ";
        }
        let Some(cell) = line.strip_prefix("| `") else {
            continue;
        };
        let (cell, _) = cell.split_once("` |").unwrap();
        for name in cell.split("`, `") {
            names.insert(format!("{of_rows}{name}"));
        }
    }
    names
}

/// Returns the name under which the documentation describes a member: lists, input files and the
/// rows of changes are described once for all.
fn generic(member: &str) -> String {
    let member = member
        .trim_end_matches(".count")
        .trim_end_matches(".listed[]");
    if let Some((_, fact)) = member
        .strip_prefix("changed.")
        .and_then(|rest| rest.split_once(".listed[]."))
        && ["row", "external_id", "attachment_id", "status"].contains(&fact)
    {
        return format!("changed.*.{fact}");
    }
    match member
        .strip_prefix("inputs.")
        .and_then(|rest| rest.split_once('.'))
    {
        Some((_, fact)) => format!("inputs.*.{fact}"),
        None => member.to_owned(),
    }
}

#[test]
fn every_member_of_the_json_is_documented_and_every_documented_member_is_there() {
    let test = small_import();
    report(&test).exits(0);
    let mut found = BTreeSet::new();
    members(&json(&test), "", &mut found);
    let documented = documented();
    let found: BTreeSet<String> = found.iter().map(|member| generic(member)).collect();
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
    let is_above = |name: &str| {
        let inside = format!("{name}.");
        found.iter().any(|member| member.starts_with(&inside))
    };
    let stale: Vec<_> = documented
        .difference(&found)
        // The documentation describes the members of the object one by one.
        .filter(|name| !is_above(name) && !name.starts_with("inputs."))
        .collect();
    assert!(stale.is_empty(), "documented, and not there: {stale:?}");
}

#[test]
fn the_form_has_a_version() {
    let test = small_import();
    report(&test).exits(0);
    assert_eq!(json(&test)["schema"], "consign.report/1");
}
