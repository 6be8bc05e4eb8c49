//! Which lines of a results file are gone: pure arithmetic with the numbers that the lines bear.
//!
//! The lines of a file have serials without a gap, and each says with how many lines the file was
//! written: one of a whole file, how many that has; one that was appended, how many there are with it.
//! So the lines that are there tell of those that are not, wherever they stood. Only of lines that were
//! appended last, and after which nothing is left, nobody can know.

use super::Serial;

/// So many rows of lost lines are told by their numbers.
const MOST_ROWS: u64 = 1_000_000;

/// Takes note of the lines of a file that are there.
#[derive(Debug, Clone, Default)]
pub struct LineCensus {
    believed: Vec<Numbers>,
    /// The serials of those that are not believed, as far as they can be read.
    damaged: Vec<Option<Serial>>,
    /// Whether the file ends in the middle of a line.
    is_torn: bool,
}

/// The numbers that a line bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    serial: Serial,
    /// With how many lines the file was written; files of earlier versions do not say it.
    lines: Option<u64>,
    /// The manifest row's number, where the row was in the manifest.
    row: Option<u32>,
}

/// A file that was written as a whole, perhaps before others were appended.
#[derive(Debug, Clone, Copy)]
struct Whole {
    /// The serial of its first line, or a lower one where neither its last line is there nor any that
    /// was appended.
    first: Serial,
    /// How many lines it had.
    lines: u64,
}

/// What is known of the lines that are gone, or not believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LostLines {
    /// How many lines the file was written with at least.
    pub written: u64,
    /// How many of them somebody has removed.
    pub removed: u64,
    /// How many are there, and are not believed.
    pub damaged: u64,
    /// Whether the line that is torn was written to its end once. One that was being appended was not.
    pub is_torn: bool,
    /// Whether the lines say how many there were. Those of earlier versions do not, and then lines that
    /// stood first or last are missed by nobody.
    pub is_counted: bool,
    /// The rows of all these lines, by the numbers that they had, where the numbers of the others tell.
    pub rows: Option<Vec<u32>>,
    /// The highest serial of a lost line that may be a later one of a row that has an earlier line.
    newest: Option<Serial>,
}

/// The line that counts for a row of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountingLine {
    /// Its serial.
    pub serial: Serial,
    /// The number that the row had then.
    pub row: Option<u32>,
    /// Whether it says that the row's file is where it belongs.
    pub done: bool,
}

impl LineCensus {
    /// A line that is believed, with what it says of the number of lines.
    pub fn take(&mut self, serial: Serial, lines: Option<u64>, row: Option<u32>) {
        self.believed.push(Numbers { serial, lines, row });
    }

    /// A line that is not believed, with its serial, where one can be read.
    pub fn take_damaged(&mut self, serial: Option<Serial>) {
        self.damaged.push(serial);
    }

    /// The file ends in the middle of a line.
    pub fn take_torn(&mut self) {
        self.is_torn = true;
    }

    /// What is gone.
    pub fn lost(mut self) -> LostLines {
        // Somebody may have copied lines.
        self.believed.sort_unstable_by_key(|line| line.serial);
        self.believed.dedup_by_key(|line| line.serial);
        let (there, damaged) = (self.believed.len() as u64, self.damaged.len() as u64);
        let (Some(lowest), Some(highest)) = (self.believed.first(), self.believed.last()) else {
            return LostLines {
                written: damaged,
                damaged,
                newest: (damaged > 0).then_some(Serial::MAX),
                ..LostLines::default()
            };
        };
        let told = self.believed.iter().filter_map(|line| line.lines).max();
        let span = highest
            .serial
            .saturating_sub(lowest.serial)
            .saturating_add(1);
        let written = told.unwrap_or(0).max(span);
        let whole = self.whole();
        let numbering = self.numbering(whole);
        let first = match (whole, numbering) {
            (Some(_), Some(first)) => first,
            (Some(whole), None) if highest.lines != Some(whole.lines) => whole.first,
            _ => lowest.serial,
        };
        // A line that is not believed is one of these, if its serial is right; and if it is not, or
        // the line was appended last, it may be a later line of any row.
        let last = first.saturating_add(written - 1);
        let is_inside = |serial: &&Option<Serial>| serial.is_some_and(|serial| serial <= last);
        let inside = self.damaged.iter().filter(is_inside).count() as u64;
        let is_known = inside == damaged;
        let is_torn = self.is_torn && highest.serial < last;
        LostLines {
            written: written.max(there + damaged),
            removed: written
                .saturating_sub(there)
                .saturating_sub(inside)
                .saturating_sub(is_torn.into()),
            damaged,
            is_torn,
            is_counted: told.is_some(),
            rows: numbering
                .filter(|_| is_known)
                .and_then(|first| self.rows_from(first, whole?.lines, written)),
            newest: if is_known {
                self.newest_gap(whole)
            } else {
                Some(Serial::MAX)
            },
        }
    }

    /// What the lines prove of the file as it was last written as a whole.
    fn whole(&self) -> Option<Whole> {
        // Below zero where the last lines of a first file are gone.
        let first = |line: &Numbers| Some(i128::from(line.serial) + 1 - i128::from(line.lines?));
        // What a line that was appended gives, and the last one of a whole file; the others give less.
        let highest = self.believed.iter().filter_map(first).max()?;
        let is_other = |line: &&Numbers| first(line).is_some_and(|first| first < highest);
        let lines = self.believed.iter().find(is_other)?.lines?;
        Some(Whole {
            first: Serial::try_from(highest).unwrap_or(0),
            lines,
        })
    }

    /// The serial of the line of row 1, where the rows of a whole file are numbered without a gap.
    fn numbering(&self, whole: Option<Whole>) -> Option<Serial> {
        let lines = whole?.lines;
        let of_it = self
            .believed
            .iter()
            .filter(|line| line.lines == Some(lines));
        let mut firsts = of_it
            .filter_map(|line| Some(line.serial.checked_add(1)?.checked_sub(line.row?.into())));
        let first = firsts.next()?;
        firsts.all(|other| other == first).then_some(first)?
    }

    /// The highest serial that is missing below the highest one, and that is not of a whole file: a line
    /// of which is the only one of its row.
    fn newest_gap(&self, whole: Option<Whole>) -> Option<Serial> {
        let appended_from = whole.map_or(0, |whole| whole.first.saturating_add(whole.lines));
        let mut pairs = self.believed.windows(2).rev();
        let gap = pairs.find(|pair| pair[1].serial - pair[0].serial > 1);
        let gap = gap.map(|pair| pair[1].serial - 1);
        let before_all = || {
            let lowest = self.believed.first()?;
            (lowest.lines? > 1).then(|| lowest.serial.saturating_sub(1))
        };
        gap.or_else(before_all)
            .filter(|serial| *serial >= appended_from)
    }

    /// The rows of the lines that are gone, where all of those are of a whole file whose rows are
    /// numbered from this serial on.
    fn rows_from(&self, first: Serial, lines: u64, written: u64) -> Option<Vec<u32>> {
        let end = first.checked_add(lines)?;
        let of_whole = self.believed.partition_point(|line| line.serial < end);
        let appended = (self.believed.len() - of_whole) as u64;
        let gone = lines.saturating_sub(of_whole as u64);
        // A line that was appended may be of any row.
        if appended < written.saturating_sub(lines) || gone > MOST_ROWS {
            return None;
        }
        let mut there = self.believed[..of_whole].iter().peekable();
        let is_gone = |serial: &Serial| there.next_if(|line| line.serial == *serial).is_none();
        let rows = (first..end).filter(is_gone);
        rows.map(|serial| u32::try_from(serial + 1 - first).ok())
            .collect()
    }
}

impl LostLines {
    /// Whether nothing is lost, as far as can be known.
    pub fn is_none(&self) -> bool {
        self.removed == 0 && self.damaged == 0 && !self.is_torn
    }

    /// The numbers of the rows whose files may be where they belong although no line says so: what is
    /// lost may have said it. The lines are those that count for the rows 1, 2 and so on.
    pub fn doubtful_rows(
        &self,
        lines: impl Iterator<Item = Option<CountingLine>> + Clone,
    ) -> Vec<usize> {
        if self.is_none() {
            return Vec::new();
        }
        let stands_where_it_stood = |(number, line): (usize, Option<CountingLine>)| {
            let then = line.and_then(|line| line.row);
            then.is_none_or(|then| then as usize == number)
        };
        // Rows that have another number now may have had one that nobody knows.
        let known = self.rows.as_deref();
        let known = known.filter(|_| (1..).zip(lines.clone()).all(stands_where_it_stood));
        let is_doubtful = |(number, line): &(usize, Option<CountingLine>)| match line {
            Some(line) if line.done => false,
            Some(line) => self.newest.is_some_and(|newest| line.serial < newest),
            None => known.is_none_or(|rows| {
                u32::try_from(*number).is_ok_and(|number| rows.binary_search(&number).is_ok())
            }),
        };
        let doubtful = (1..).zip(lines).filter(is_doubtful);
        doubtful.map(|(number, _)| number).collect()
    }
}

#[cfg(test)]
mod tests;
