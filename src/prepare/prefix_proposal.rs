//! Search for a beginning of all paths that the root does not have, and with whose removal the files
//! are found.

use crate::manifest::{Manifest, PathPrefix, SoughtPath};
use crate::root::{MissingPathExplainer, RespeltPath, Root};

/// Number of rows whose files are sought without the beginning of their paths.
const ROWS_TRIED: usize = 8;

/// Returns the longest beginning of all paths with whose removal one of the first files is found.
/// `None` if there is no such beginning.
pub(super) fn find_prefix_to_strip(
    manifest: &Manifest,
    root: &Root,
    explainer: &mut MissingPathExplainer<'_>,
) -> Option<PathPrefix> {
    let is_named = |path: &String| !path.is_empty();
    let mut paths = manifest
        .rows()
        .map(|row| row.file_path().to_owned())
        .filter(is_named);
    let first: Vec<String> = paths.by_ref().take(ROWS_TRIED).collect();
    let mut candidates = PathPrefix::candidates_for(first.first()?);
    // The longest candidates come first, and a path has all shorter ones if it has a longer one.
    let mut keep_those_of = |path: &str| {
        let shared = candidates
            .iter()
            .position(|prefix| prefix.strip(path).is_some());
        candidates.drain(..shared.unwrap_or(candidates.len()));
        !candidates.is_empty()
    };
    if !first.iter().all(|path| keep_those_of(path)) || !paths.all(|path| keep_those_of(&path)) {
        return None;
    }
    candidates.into_iter().find(|prefix| {
        first.iter().any(|path| {
            let rest = prefix.strip(path).map(SoughtPath::parse);
            matches!(rest, Some(Ok(sought)) if leads_to_file(sought, root, explainer))
        })
    })
}

fn leads_to_file(
    sought: SoughtPath<'_>,
    root: &Root,
    explainer: &mut MissingPathExplainer<'_>,
) -> bool {
    let path = sought.with_slashes();
    root.stamp_file(&path).is_ok() || matches!(explainer.find_respelt(&path), RespeltPath::One(_))
}
