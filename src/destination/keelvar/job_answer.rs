//! Reading of the job document: job id, files and error messages in an answer. Only two examples
//! document the form, so the functions look for each part in every plausible place.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::destination::FileOutcome;
use crate::http::api::error_text;
use crate::model::AttachmentId;
use crate::text::normalise_spelling;

/// Returns the id of a job in an answer, which may consist of the id alone.
pub(super) fn job_id(job: &Value) -> Option<AttachmentId> {
    possible_job_ids(job).next()
}

/// Returns every text which may be the id of a job in an answer, the likeliest first.
fn possible_job_ids(job: &Value) -> impl Iterator<Item = AttachmentId> {
    let told = [&job["id"], &job["job_id"], job];
    told.into_iter()
        .filter_map(|id| AttachmentId::parse(id.as_str()?).ok())
}

/// True if an answer contains ids of jobs, and the requested id is not among them.
pub(super) fn names_another_job(job: &Value, asked: &AttachmentId) -> bool {
    let is_it = |id: &AttachmentId| id.as_str().eq_ignore_ascii_case(asked.as_str());
    job_id(job).is_some() && !possible_job_ids(job).any(|id| is_it(&id))
}

/// Returns the files in a job, or an empty slice if the job lists none.
pub(super) fn listed_files(job: &Value) -> &[Value] {
    let files = job["detail"]["files"].as_array();
    files.map_or(&[], Vec::as_slice)
}

/// Returns every error message in a job, wherever a job may have one.
pub(super) fn error_messages(job: &Value) -> Vec<String> {
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
        let each = each
            .iter()
            .map(|error| error_text(&json!({"errors": [error]})));
        errors.extend(each.chain([error_text(&of_fields)]));
    }
    errors.retain(|error| !error.is_empty());
    errors
}

/// Returns the outcome of each file which an error message names. The outcome is unknown for a name
/// which is a part of another name in the same message.
pub(super) fn outcomes_from_errors(
    errors: &[String],
    files: &[Value],
) -> BTreeMap<String, FileOutcome> {
    let names: HashSet<&str> = files
        .iter()
        .filter_map(|file| file["file_name"].as_str())
        .collect();
    let mut file_outcomes = BTreeMap::new();
    for error in errors {
        let spelled = normalise_spelling(error);
        let told: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| contains_file_name(&spelled, &normalise_spelling(name)))
            .collect();
        for name in &told {
            let is_part = |longer: &&&str| longer.len() > name.len() && longer.contains(name);
            let outcome = match told.iter().find(is_part) {
                Some(_) => FileOutcome::Unknown,
                None => FileOutcome::NotAttached(error.clone()),
            };
            file_outcomes.entry((*name).to_owned()).or_insert(outcome);
        }
    }
    file_outcomes
}

/// True if a text contains a name as a whole word, not as a part of a longer word.
fn contains_file_name(text: &str, name: &str) -> bool {
    let is_border = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !"-_".contains(c));
    text.match_indices(name).any(|(at, _)| {
        let after = text[at + name.len()..].chars().next();
        is_border(text[..at].chars().next_back()) && is_border(after)
    })
}
