//! The results file as its reader finds it: which lines are in it, by which numbers, and which somebody
//! has filtered out of it.

use std::collections::{BTreeMap, BTreeSet};

use consign::results::Entry;
use consign::results::census::{LineCensus, LostLines};
use fastrand::Rng;

/// What a lost line may have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    OfAnything,
    /// Which record was made for the row.
    OfItsRecord,
}

/// The numbers of the lines that are in the file, by their places among all that were ever written.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResultsNumbers {
    in_file: BTreeMap<usize, Numbers>,
    /// So many lines were ever written.
    written: usize,
    /// So many lines the file has, those that are lost included.
    lines: u64,
    highest: u64,
    /// The lines that somebody has filtered out, and has not put back.
    gone: BTreeMap<usize, Numbers>,
    /// Those of which the file itself does not tell any more.
    forgotten: BTreeSet<usize>,
    nobody_counts: bool,
}

#[derive(Debug, Clone, Copy)]
struct Numbers {
    serial: u64,
    lines: u64,
}

impl ResultsNumbers {
    /// A line is appended.
    pub(crate) fn append(&mut self) {
        self.lines += 1;
        self.highest += 1;
        let numbers = Numbers {
            serial: self.highest,
            lines: self.lines,
        };
        self.in_file.insert(self.written, numbers);
        self.written += 1;
    }

    /// The last lines of all that were written are not there any more.
    pub(crate) fn truncate(&mut self, left: usize) {
        self.written = left;
        self.in_file.retain(|place, _| *place < left);
        self.gone.retain(|place, _| *place < left);
        self.forgotten.retain(|place| *place < left);
    }

    /// The file is another one, with so many of the first lines.
    pub(crate) fn is_another(&mut self, lines: usize) {
        self.truncate(0);
        self.lines = 0;
        (0..lines).for_each(|_| self.append());
    }

    /// The file is written anew, with the newest line of each row.
    pub(crate) fn put_in_order(&mut self, lines: &[Entry]) {
        let in_file = self.in_file.keys().filter(|place| **place < lines.len());
        let newest: BTreeMap<&str, usize> = in_file
            .map(|place| (&*lines[*place].external_id, *place))
            .collect();
        self.lines = newest.len() as u64;
        self.in_file.clear();
        for place in newest.into_values() {
            self.highest += 1;
            let numbers = Numbers {
                serial: self.highest,
                lines: self.lines,
            };
            self.in_file.insert(place, numbers);
        }
        // What was lost from the file before is not missed in this one.
        self.forgotten
            .extend(std::mem::take(&mut self.gone).into_keys());
    }

    /// Some lines are filtered out. Of the last one that was appended, nobody could know it; and of a
    /// file without lines, nothing is known.
    pub(crate) fn lose_lines(&mut self, random: &mut Rng) -> usize {
        let is_whole = self.in_file.values().all(|line| line.lines == self.lines);
        let last = self.in_file.iter().max_by_key(|(_, line)| line.serial);
        let kept = if is_whole {
            random.choice(self.in_file.keys().copied().collect::<Vec<_>>())
        } else {
            last.map(|(place, _)| *place)
        };
        let places = self.in_file.keys().copied();
        let filtered: Vec<usize> = places
            .filter(|place| Some(*place) != kept && random.bool())
            .collect();
        for place in &filtered {
            let numbers = self.in_file.remove(place);
            self.gone.extend(numbers.map(|numbers| (*place, numbers)));
        }
        filtered.len()
    }

    /// A copy from before is put back.
    pub(crate) fn put_back(&mut self) {
        self.in_file.append(&mut self.gone);
    }

    pub(crate) fn serial(&self, place: usize) -> Option<u64> {
        self.in_file.get(&place).map(|numbers| numbers.serial)
    }

    /// The places of all lines that were filtered out and were not put back.
    pub(crate) fn gone(&self) -> impl Iterator<Item = usize> {
        self.gone.keys().chain(&self.forgotten).copied()
    }

    pub(crate) fn count_no_lines(&mut self) {
        self.nobody_counts = true;
    }

    pub(crate) fn lost(&self, lines: &[Entry]) -> LostLines {
        if self.nobody_counts {
            return LostLines::default();
        }
        let mut census = LineCensus::default();
        for (place, numbers) in &self.in_file {
            let row = lines[*place].row.and_then(|row| u32::try_from(row).ok());
            census.take(numbers.serial, Some(numbers.lines), row);
        }
        census.lost()
    }
}
