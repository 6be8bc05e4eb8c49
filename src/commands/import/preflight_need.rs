//! Decision before the hashing: does an import need a first answer from the service?

use crate::config::{ImportPlan, PreflightPolicy, UnfitRowPolicy};
use crate::manifest::{Manifest, RawRow};
use crate::model::AttachmentId;
use crate::plan::{
    FoundObjects, ObjectResolution, RowPlan, UpdatePolicy, plan_row, resolve_object,
};
use crate::prepare::{InspectedFiles, RowFile};
use crate::results::earlier_results::EarlierResults;

/// True if some row needs requests, judged before the files are read. A row whose file has to be
/// read, new or touched since, counts as needing requests.
///
/// False if a row is unfit and unfit rows are not skipped, since nothing will be sent then; and
/// false if the user skips the preflight.
pub(super) fn needs_preflight(
    config: &ImportPlan,
    looked: &InspectedFiles<'_>,
    earlier: &EarlierResults,
    update_policy: UpdatePolicy,
) -> bool {
    if config.service.preflight == PreflightPolicy::Skip {
        return false;
    }
    let needs_requests = |row: RawRow<'_>, file| {
        if !config.pilot.permits(row.number()) {
            return false;
        }
        let Ok(row) = row.parse() else { return false };
        let previous = earlier.latest_entry(row.external_id.as_str());
        let nothing_found = FoundObjects::default();
        match resolve_object(row, previous.as_ref(), &nothing_found) {
            ObjectResolution::ToFind(_) => true,
            ObjectResolution::Known(row) => matches!(
                plan_row(&row, file, previous, update_policy, config.jobs.failed_jobs),
                RowPlan::SendRequests(_)
            ),
        }
    };
    let mut is_worth_it = false;
    for (index, row) in looked.manifest().rows().enumerate() {
        is_worth_it = match looked.row_file(index) {
            Some(RowFile::Unfit) if config.unfit_rows == UnfitRowPolicy::Skip => is_worth_it,
            Some(RowFile::Unfit) => return false,
            None => is_worth_it || config.pilot.permits(row.number()),
            Some(file) => is_worth_it || needs_requests(row, file),
        };
    }
    is_worth_it
}

/// Returns an attachment left in the service by an earlier run; `None` if the results name none.
pub(super) fn known_attachment(
    manifest: &Manifest,
    earlier: &EarlierResults,
) -> Option<AttachmentId> {
    let id = |row: RawRow<'_>| earlier.latest_entry(row.external_id())?.attachment_id;
    manifest.rows().find_map(id)
}
