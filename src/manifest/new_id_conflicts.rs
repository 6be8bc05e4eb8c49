//! Rows whose new id belongs to a row of the same manifest.
//!
//! The renamings of one run have no order among the rows, so such an id may not be free in time.
//! The user needs a separate manifest, whose run frees the id first.

use std::collections::HashMap;

use super::equal_values::RowValueHashes;
use super::{Column, Manifest, SimilarIdPolicy};
use crate::manifest::problem::{ManifestProblem, ProblemKind, ProblemList};
use crate::text::fold_id;

/// Reports the rows whose new id is the `external_id` of a row.
///
/// `ids` holds the hashes of the present ids, `new_ids` the hashes of the requested ids.
pub(super) fn report_new_ids_in_use(
    manifest: &Manifest,
    ids: &mut RowValueHashes,
    new_ids: &mut RowValueHashes,
    similar: SimilarIdPolicy,
    problems: &mut ProblemList,
) {
    for (wishing, having) in new_ids.groups_in_both(ids) {
        let holders = IdHolders::from_rows(&having, manifest);
        for row in wishing {
            let wished = manifest
                .row_numbered(row)
                .requested_new_id()
                .map(str::to_owned);
            let wrong = wished.and_then(|wished| holders.conflict_with(row, &wished, similar));
            if let Some(wrong) = wrong {
                problems.push(ManifestProblem {
                    row,
                    column: Some(Column::NewExternalId),
                    kind: wrong,
                });
            }
        }
    }
}

/// Rows with one of a few similar ids.
#[derive(Default)]
struct IdHolders {
    /// First row with each id.
    rows_by_id: HashMap<String, u32>,
    /// First row with each folded id.
    rows_by_folded_id: HashMap<String, u32>,
}

impl IdHolders {
    fn from_rows(rows: &[u32], manifest: &Manifest) -> Self {
        let mut holders = Self::default();
        for row in rows {
            let raw = manifest.row_numbered(*row);
            let id = raw.external_id();
            holders.rows_by_id.entry(id.to_owned()).or_insert(*row);
            let folded = holders.rows_by_folded_id.entry(fold_id(id).into_owned());
            folded.or_insert(*row);
        }
        holders
    }

    /// Returns the problem of assigning an id to a row, or `None` if the id is free.
    fn conflict_with(&self, row: u32, id: &str, similar: SimilarIdPolicy) -> Option<ProblemKind> {
        if let Some(other) = self.rows_by_id.get(id) {
            return Some(ProblemKind::NewIdInUse { other: *other });
        }
        let other = *self.rows_by_folded_id.get(fold_id(id).as_ref())?;
        // A row may be renamed to an id similar to its own.
        (other != row && similar == SimilarIdPolicy::Refuse).then_some(ProblemKind::SimilarId {
            other,
            column: Column::ExternalId,
        })
    }
}
