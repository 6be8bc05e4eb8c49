//! Rows whose new id belongs to a row of the same manifest.
//!
//! The renamings of one run have no order among the rows, so such an id may not be free in time.
//! The user needs a separate manifest, whose run frees the id first.

use std::collections::HashMap;

use super::alike::Hashes;
use super::{Column, Manifest, SimilarIds};
use crate::manifest::problem::{Problem, Problems, Wrong};
use crate::text::fold;

/// Reports the rows whose new id is the `external_id` of a row.
///
/// `ids` holds the hashes of the present ids, `new_ids` the hashes of the requested ids.
pub(super) fn report_ids_in_use(
    manifest: &Manifest,
    ids: &mut Hashes,
    new_ids: &mut Hashes,
    similar: SimilarIds,
    problems: &mut Problems,
) {
    for (wishing, having) in new_ids.meet(ids) {
        let holders = Holders::among(&having, manifest);
        for row in wishing {
            let wished = manifest.row_numbered(row).wished_id().map(str::to_owned);
            let wrong = wished.and_then(|wished| holders.in_the_way_of(row, &wished, similar));
            if let Some(wrong) = wrong {
                problems.push(Problem {
                    row,
                    column: Some(Column::NewExternalId),
                    wrong,
                });
            }
        }
    }
}

/// Rows with one of a few similar ids.
#[derive(Default)]
struct Holders {
    /// First row with each id.
    exact: HashMap<String, u32>,
    /// First row with each folded id.
    folded: HashMap<String, u32>,
}

impl Holders {
    fn among(rows: &[u32], manifest: &Manifest) -> Self {
        let mut holders = Self::default();
        for row in rows {
            let raw = manifest.row_numbered(*row);
            let id = raw.external_id();
            holders.exact.entry(id.to_owned()).or_insert(*row);
            let folded = holders.folded.entry(fold(id).into_owned());
            folded.or_insert(*row);
        }
        holders
    }

    /// Returns the problem of giving an id to a row, or `None` if the id is free.
    fn in_the_way_of(&self, row: u32, id: &str, similar: SimilarIds) -> Option<Wrong> {
        if let Some(other) = self.exact.get(id) {
            return Some(Wrong::NewIdInUse { other: *other });
        }
        let other = *self.folded.get(fold(id).as_ref())?;
        // A row may be renamed to an id similar to its own.
        (other != row && similar == SimilarIds::Refuse).then_some(Wrong::Similar {
            other,
            column: Column::ExternalId,
        })
    }
}
