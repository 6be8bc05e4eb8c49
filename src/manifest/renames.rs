//! Rows that are to get the ids of others: in which order that can be done, and where it cannot.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::alike::Hashes;
use super::{Column, Manifest, SimilarIds};
use crate::manifest::problem::{Problem, Problems, Wrong};
use crate::text::fold;

/// For the index of each row whose new id is the present one of another row, the index of that row,
/// which has to be renamed before.
pub(super) type Before = HashMap<u32, u32>;

/// Finds the rows that take ids from each other, and reports those that cannot.
///
/// `ids` and `new_ids` are the hashes of what each row has, and of what each row wishes for.
pub(super) fn find(
    manifest: &Manifest,
    ids: &mut Hashes,
    new_ids: &mut Hashes,
    similar: SimilarIds,
    problems: &mut Problems,
) -> Before {
    let mut before = Before::new();
    for (wishing, having) in new_ids.meet(ids) {
        let holders = Holders::among(&having, manifest);
        for row in wishing {
            let wished = manifest.row_numbered(row).wished_id().map(str::to_owned);
            match wished.map_or(Holder::None, |wished| holders.of(&wished)) {
                Holder::None => {}
                Holder::Leaves(other) => {
                    before.insert(row - 1, other - 1);
                }
                Holder::Keeps(other) => problems.push(problem(row, Wrong::NewIdKept { other })),
                Holder::KeepsSimilar(_) if similar == SimilarIds::Allow => {}
                Holder::KeepsSimilar(other) => {
                    let column = Column::ExternalId;
                    problems.push(problem(row, Wrong::Similar { other, column }));
                }
            }
        }
    }
    report_rings(&before, problems);
    before
}

/// The rows that have one of a few ids, which are all alike.
#[derive(Default)]
struct Holders {
    /// By the id itself: the row, and whether it wishes for another one.
    exact: HashMap<String, (u32, bool)>,
    /// Of those that wish for none, by the folded id.
    keeping: HashMap<String, u32>,
}

/// Who has an id.
enum Holder {
    /// Nobody.
    None,
    /// A row that is to get another one.
    Leaves(u32),
    /// A row that keeps it.
    Keeps(u32),
    /// Nobody, but a row keeps one that looks the same.
    KeepsSimilar(u32),
}

impl Holders {
    fn among(rows: &[u32], manifest: &Manifest) -> Self {
        let mut holders = Self::default();
        for row in rows {
            let raw = manifest.row_numbered(*row);
            let id = raw.external_id();
            let leaves = raw.wished_id().is_some();
            let exact = holders.exact.entry(id.to_owned());
            exact.or_insert((*row, leaves));
            if !leaves {
                let keeping = holders.keeping.entry(fold(id).into_owned());
                keeping.or_insert(*row);
            }
        }
        holders
    }

    fn of(&self, id: &str) -> Holder {
        match self.exact.get(id) {
            Some((row, true)) => Holder::Leaves(*row),
            Some((row, false)) => Holder::Keeps(*row),
            None => match self.keeping.get(fold(id).as_ref()) {
                Some(row) => Holder::KeepsSimilar(*row),
                None => Holder::None,
            },
        }
    }
}

/// Reports the rows that would have to be renamed before each other.
fn report_rings(before: &Before, problems: &mut Problems) {
    // Of each row, from which one on it was first come by.
    let mut reached_from = HashMap::with_capacity(before.len());
    for start in before.keys() {
        let mut row = *start;
        let met_again = loop {
            match reached_from.entry(row) {
                Entry::Occupied(met) => break *met.get() == *start,
                Entry::Vacant(new) => new.insert(*start),
            };
            match before.get(&row) {
                Some(next) => row = *next,
                None => break false,
            }
        };
        if met_again {
            report_ring(before, row, problems);
        }
    }
}

fn report_ring(before: &Before, member: u32, problems: &mut Problems) {
    let ring: Vec<u32> = in_turn(before, member).collect();
    let rows = super::in_32_bits(ring.len());
    for row in ring {
        let next = before[&row] + 1;
        problems.push(problem(row + 1, Wrong::RenameRing { next, rows }));
    }
}

/// A row, the one that has to be renamed before it, and so on; each once.
pub(super) fn in_turn(before: &Before, first: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(first), move |row| {
        before.get(row).copied().filter(|next| *next != first)
    })
}

fn problem(row: u32, wrong: Wrong) -> Problem {
    Problem {
        row,
        column: Some(Column::NewExternalId),
        wrong,
    }
}
