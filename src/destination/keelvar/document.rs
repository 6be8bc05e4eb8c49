//! The job document: where an answer has the id of a job, its files and what it says of errors. Its
//! form is documented by two examples alone, so each part is looked for wherever it may stand.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::destination::Fate;
use crate::http::api::said;
use crate::model::AttachmentId;
use crate::text::one_spelling;

/// The id of a job in an answer, which may be nothing but the id.
pub(super) fn id(job: &Value) -> Option<AttachmentId> {
    ids(job).next()
}

/// All that may be the id of a job in an answer, the likeliest first.
fn ids(job: &Value) -> impl Iterator<Item = AttachmentId> {
    let told = [&job["id"], &job["job_id"], job];
    told.into_iter()
        .filter_map(|id| AttachmentId::parse(id.as_str()?).ok())
}

/// Whether an answer names another job than was asked for, and not that one.
pub(super) fn is_another(job: &Value, asked: &AttachmentId) -> bool {
    let is_it = |id: &AttachmentId| id.as_str().eq_ignore_ascii_case(asked.as_str());
    id(job).is_some() && !ids(job).any(|id| is_it(&id))
}

/// The files of a job, as far as it lists them.
pub(super) fn files(job: &Value) -> &[Value] {
    let files = job["detail"]["files"].as_array();
    files.map_or(&[], Vec::as_slice)
}

/// What a job says of errors, wherever it may say it.
pub(super) fn errors(job: &Value) -> Vec<String> {
    let detail = &job["detail"];
    let loose = [
        &job["error"],
        &job["message"],
        &detail["error"],
        &detail["message"],
    ];
    let loose = loose.into_iter().filter_map(Value::as_str);
    let mut errors: Vec<String> = loose.map(ToOwned::to_owned).collect();
    for place in [job, detail] {
        let each = place["errors"].as_array().cloned().unwrap_or_default();
        let of_fields = json!({"field_errors": place["field_errors"]});
        let each = each.iter().map(|error| said(&json!({"errors": [error]})));
        errors.extend(each.chain([said(&of_fields)]));
    }
    errors.retain(|error| !error.is_empty());
    errors
}

/// The files that errors name, each with what follows from it. A name that may only be a part of
/// another one says nothing for certain.
pub(super) fn named_in(errors: &[String], files: &[Value]) -> BTreeMap<String, Fate> {
    let names: HashSet<&str> = files
        .iter()
        .filter_map(|file| file["file_name"].as_str())
        .collect();
    let mut fates = BTreeMap::new();
    for error in errors {
        let spelled = one_spelling(error);
        let told: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| holds_word(&spelled, &one_spelling(name)))
            .collect();
        for name in &told {
            let is_part = |longer: &&&str| longer.len() > name.len() && longer.contains(name);
            let fate = match told.iter().find(is_part) {
                Some(_) => Fate::Unknown,
                None => Fate::NotAttached(error.clone()),
            };
            fates.entry((*name).to_owned()).or_insert(fate);
        }
    }
    fates
}

/// Whether a text holds a name that is not a part of a longer one.
fn holds_word(text: &str, name: &str) -> bool {
    let is_border = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !"-_".contains(c));
    text.match_indices(name).any(|(at, _)| {
        let after = text[at + name.len()..].chars().next();
        is_border(text[..at].chars().next_back()) && is_border(after)
    })
}
