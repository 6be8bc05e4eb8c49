//! Results file as a reader finds it: the lines in the file, their serial numbers, and the lines
//! that people have filtered out.

use std::collections::{BTreeMap, BTreeSet};

use consign::results::ResultsEntry;
use consign::results::lost_lines::{LostLineDetector, LostLines};
use fastrand::Rng;

/// Kind of line whose loss is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LostLineKind {
    AnyLine,
    /// Line that names the record of the row.
    RecordLine,
}

/// Numbers of the lines in the file, by their places among all lines ever written.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResultsNumbers {
    in_file: BTreeMap<usize, NumberedLines>,
    /// Number of lines ever written.
    ever_written: usize,
    /// Number of lines in the file, including lost lines.
    line_count: u64,
    highest_serial: u64,
    /// Lines that people have filtered out and not put back.
    filtered_out: BTreeMap<usize, NumberedLines>,
    /// Places of lost lines that the file itself no longer reveals.
    no_longer_counted: BTreeSet<usize>,
    counting_is_off: bool,
}

/// Numbers that a line in the file carries: its serial number, and the number of lines in the file.
#[derive(Debug, Clone, Copy)]
struct NumberedLines {
    serial: u64,
    line_count: u64,
}

impl ResultsNumbers {
    /// Appends a line.
    pub(crate) fn append(&mut self) {
        self.line_count += 1;
        self.highest_serial += 1;
        let numbers = NumberedLines {
            serial: self.highest_serial,
            line_count: self.line_count,
        };
        self.in_file.insert(self.ever_written, numbers);
        self.ever_written += 1;
    }

    /// Drops the last of all written lines, until the given number is left.
    pub(crate) fn truncate(&mut self, left: usize) {
        self.ever_written = left;
        self.in_file.retain(|place, _| *place < left);
        self.filtered_out.retain(|place, _| *place < left);
        self.no_longer_counted.retain(|place| *place < left);
    }

    /// Replaces the file with another, which has the given number of the first lines.
    pub(crate) fn replace_with(&mut self, lines: usize) {
        self.truncate(0);
        self.line_count = 0;
        (0..lines).for_each(|_| self.append());
    }

    /// Writes the file anew, with the newest line of each row.
    pub(crate) fn rewrite(&mut self, lines: &[ResultsEntry]) {
        let in_file = self.in_file.keys().filter(|place| **place < lines.len());
        let newest: BTreeMap<&str, usize> = in_file
            .map(|place| (&*lines[*place].external_id, *place))
            .collect();
        self.line_count = newest.len() as u64;
        self.in_file.clear();
        for place in newest.into_values() {
            self.highest_serial += 1;
            let numbers = NumberedLines {
                serial: self.highest_serial,
                line_count: self.line_count,
            };
            self.in_file.insert(place, numbers);
        }
        // Lines lost from the old file are not missed in the new one.
        self.no_longer_counted
            .extend(std::mem::take(&mut self.filtered_out).into_keys());
    }

    /// Filters some lines out. Returns their number. At least one line stays: no reader could
    /// notice the loss of the line appended last, and a file without lines reveals nothing.
    pub(crate) fn filter_out_lines(&mut self, random: &mut Rng) -> usize {
        let is_whole = self
            .in_file
            .values()
            .all(|line| line.line_count == self.line_count);
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
            self.filtered_out
                .extend(numbers.map(|numbers| (*place, numbers)));
        }
        filtered.len()
    }

    /// Puts a copy from before the filtering back.
    pub(crate) fn restore_filtered_lines(&mut self) {
        self.in_file.append(&mut self.filtered_out);
    }

    pub(crate) fn serial(&self, place: usize) -> Option<u64> {
        self.in_file.get(&place).map(|numbers| numbers.serial)
    }

    /// Returns the places of all lines that were filtered out and not put back.
    pub(crate) fn lost_places(&self) -> impl Iterator<Item = usize> {
        self.filtered_out
            .keys()
            .chain(&self.no_longer_counted)
            .copied()
    }

    pub(crate) fn stop_counting(&mut self) {
        self.counting_is_off = true;
    }

    pub(crate) fn lost_lines(&self, lines: &[ResultsEntry]) -> LostLines {
        if self.counting_is_off {
            return LostLines::default();
        }
        let mut census = LostLineDetector::default();
        for (place, numbers) in &self.in_file {
            let row = lines[*place].row.and_then(|row| u32::try_from(row).ok());
            census.add_intact(numbers.serial, Some(numbers.line_count), row);
        }
        census.into_lost_lines()
    }
}
