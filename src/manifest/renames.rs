//! Rows that are to get an id which a row of the same manifest has now.
//!
//! Renaming has no order among the rows of one run, so that such an id is not free when its turn comes.
//! A manifest of its own that frees it first is.

use std::collections::HashMap;

use super::alike::Hashes;
use super::{Column, Manifest, SimilarIds};
use crate::manifest::problem::{Problem, Problems, Wrong};
use crate::text::fold;

/// Reports the rows whose new id is the `external_id` of a row.
///
/// `ids` and `new_ids` are the hashes of what each row has, and of what each row wishes for.
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

/// The rows that have one of a few ids, which are all alike.
#[derive(Default)]
struct Holders {
    /// The first row that has an id, by the id itself.
    exact: HashMap<String, u32>,
    /// The same by the folded id.
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

    /// Why a row cannot get an id, if it cannot.
    fn in_the_way_of(&self, row: u32, id: &str, similar: SimilarIds) -> Option<Wrong> {
        if let Some(other) = self.exact.get(id) {
            return Some(Wrong::NewIdInUse { other: *other });
        }
        let other = *self.folded.get(fold(id).as_ref())?;
        // A row may be renamed to what looks like its own id.
        (other != row && similar == SimilarIds::Refuse).then_some(Wrong::Similar {
            other,
            column: Column::ExternalId,
        })
    }
}
