//! Whether an import has anything to ask of the service, as far as that shows before the hashing.

use crate::config::{ImportPlan, PreflightPolicy, UnfitRowPolicy};
use crate::manifest::{Manifest, RawRow};
use crate::model::AttachmentId;
use crate::plan::{Step, Wishes, step};
use crate::prepare::{Looked, RowFile};
use crate::results::previous::Previous;

/// Whether some row needs requests, as far as that shows before the files are read: one whose file
/// has to be read does, be it new or touched since. Where rows are not fit to be sent, and are not to
/// be left out, nothing will be.
pub(super) fn is_worth_asking(
    config: &ImportPlan,
    looked: &Looked<'_>,
    previous: &Previous,
    wishes: Wishes,
) -> bool {
    if config.service.preflight == PreflightPolicy::Skip {
        return false;
    }
    let needs_requests = |row: RawRow<'_>, file| {
        let Ok(row) = row.parse() else { return false };
        let previous = previous.get(row.external_id.as_str());
        matches!(
            step(&row, file, previous, wishes, config.jobs.failed),
            Step::Send(_)
        )
    };
    let mut is_worth_it = false;
    for (index, row) in looked.manifest().rows().enumerate() {
        is_worth_it = match looked.file(index) {
            Some(RowFile::Unfit) if config.unfit_rows == UnfitRowPolicy::Skip => is_worth_it,
            Some(RowFile::Unfit) => return false,
            None => true,
            Some(file) => is_worth_it || needs_requests(row, file),
        };
    }
    is_worth_it
}

/// Something that the service has, if an earlier run has left anything there.
pub(super) fn known_attachment(manifest: &Manifest, previous: &Previous) -> Option<AttachmentId> {
    let id = |row: RawRow<'_>| previous.get(row.external_id())?.attachment_id;
    manifest.rows().find_map(id)
}
