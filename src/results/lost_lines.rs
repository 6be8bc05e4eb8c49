//! The lines missing from a results file: pure arithmetic with the numbers in the other lines.
//!
//! The lines of a file have serials without a gap. Each line also states a number of lines: a line
//! written with the whole file states the number of lines in the whole file, and an appended line
//! states the number up to and with the appended line. The lines at hand therefore prove missing
//! lines, wherever the missing lines were. No number proves the loss of lines appended last, with
//! no line left after them.

use super::LineSerial;

/// Highest number of lost lines whose rows are listed by number.
const MAX_LOST_ROWS_NUMBERED: u64 = 1_000_000;

/// Collects the numbers of the lines in a file, and finds the lost lines.
#[derive(Debug, Clone, Default)]
pub struct LostLineDetector {
    intact: Vec<LineNumbers>,
    /// Serials of damaged lines; `None` where the serial cannot be read.
    damaged_serials: Vec<Option<LineSerial>>,
    /// True if the file ends in the middle of a line.
    is_torn: bool,
}

/// The numbers in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LineNumbers {
    serial: LineSerial,
    /// Number of lines stated in the line: of the whole file, or up to and with an appended line.
    /// `None` in files of earlier versions.
    file_line_count: Option<u64>,
    /// Number of the manifest row; `None` where the row had left the manifest.
    row: Option<u32>,
}

/// The last writing of the file as a whole, perhaps before further lines were appended.
#[derive(Debug, Clone, Copy)]
struct LastFullWrite {
    /// Serial of the first line, or a lower one where neither the last line nor any appended line
    /// is there.
    first_serial: LineSerial,
    /// Number of lines in the whole file.
    line_count: u64,
}

/// Lines known to be missing from a file, or damaged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LostLines {
    /// Lowest possible number of lines written to the file.
    pub line_count: u64,
    /// Number of lines removed from the file.
    pub removed: u64,
    /// Number of lines in the file that are not believed.
    pub damaged: u64,
    /// True if the torn line was written to its end once. A line torn while it was being appended
    /// was not.
    pub is_torn: bool,
    /// True if the lines state how many there were. Lines of earlier versions do not, and then the
    /// loss of the first or the last lines goes unnoticed.
    pub has_line_counts: bool,
    /// Numbers of the rows of all lost lines, as written then; `None` where the other lines do not
    /// decide.
    pub rows: Option<Vec<u32>>,
    /// Highest serial of a lost line that may be a later line of a row with an earlier line.
    newest_lost_serial: Option<LineSerial>,
}

/// The line that counts for a row of the manifest: its latest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestLine {
    /// Serial of the line.
    pub serial: LineSerial,
    /// Number of the row when the line was written.
    pub row_when_written: Option<u32>,
    /// True if the line says that the row's file is where it belongs.
    pub was_done: bool,
}

impl LostLineDetector {
    /// Adds an intact line, with the number of lines stated in it.
    pub fn add_intact(&mut self, serial: LineSerial, lines: Option<u64>, row: Option<u32>) {
        self.intact.push(LineNumbers {
            serial,
            file_line_count: lines,
            row,
        });
    }

    /// Adds a damaged line; `serial` is `None` where the serial cannot be read.
    pub fn add_damaged(&mut self, serial: Option<LineSerial>) {
        self.damaged_serials.push(serial);
    }

    /// Notes that the file ends in the middle of a line.
    pub fn add_torn(&mut self) {
        self.is_torn = true;
    }

    /// Finds the lost lines.
    pub fn into_lost_lines(mut self) -> LostLines {
        // Lines may have been copied.
        self.intact.sort_unstable_by_key(|line| line.serial);
        self.intact.dedup_by_key(|line| line.serial);
        let (there, damaged) = (self.intact.len() as u64, self.damaged_serials.len() as u64);
        let (Some(lowest), Some(highest)) = (self.intact.first(), self.intact.last()) else {
            return LostLines {
                line_count: damaged,
                damaged,
                newest_lost_serial: (damaged > 0).then_some(LineSerial::MAX),
                ..LostLines::default()
            };
        };
        let told = self
            .intact
            .iter()
            .filter_map(|line| line.file_line_count)
            .max();
        let span = highest
            .serial
            .saturating_sub(lowest.serial)
            .saturating_add(1);
        let written = told.unwrap_or(0).max(span);
        let whole = self.last_full_write();
        let numbering = self.serial_of_row_one(whole);
        let first = match (whole, numbering) {
            (Some(_), Some(first)) => first,
            (Some(whole), None) if highest.file_line_count != Some(whole.line_count) => {
                whole.first_serial
            }
            _ => lowest.serial,
        };
        // A damaged line is one of the numbered lines, if its serial is right; if its serial is
        // wrong, or the line was appended last, the line may be a later line of any row.
        let last = first.saturating_add(written - 1);
        let is_inside = |serial: &&Option<LineSerial>| serial.is_some_and(|serial| serial <= last);
        let inside = self.damaged_serials.iter().filter(is_inside).count() as u64;
        let is_known = inside == damaged;
        let is_torn = self.is_torn && highest.serial < last;
        LostLines {
            line_count: written.max(there + damaged),
            removed: written
                .saturating_sub(there)
                .saturating_sub(inside)
                .saturating_sub(is_torn.into()),
            damaged,
            is_torn,
            has_line_counts: told.is_some(),
            rows: numbering
                .filter(|_| is_known)
                .and_then(|first| self.lost_rows(first, whole?.line_count, written)),
            newest_lost_serial: if is_known {
                self.newest_lost_serial(whole)
            } else {
                Some(LineSerial::MAX)
            },
        }
    }

    /// Infers the last writing as a whole from the numbers in the lines.
    fn last_full_write(&self) -> Option<LastFullWrite> {
        // Below zero where the last lines of a first file are gone.
        let first = |line: &LineNumbers| {
            Some(i128::from(line.serial) + 1 - i128::from(line.file_line_count?))
        };
        // Appended lines and the last line of a whole file give the first serial; all other lines
        // give less.
        let highest = self.intact.iter().filter_map(first).max()?;
        let is_other = |line: &&LineNumbers| first(line).is_some_and(|first| first < highest);
        let lines = self.intact.iter().find(is_other)?.file_line_count?;
        Some(LastFullWrite {
            first_serial: LineSerial::try_from(highest).unwrap_or(0),
            line_count: lines,
        })
    }

    /// Returns the serial of the line of row 1, where the rows of a whole file are numbered without
    /// a gap.
    fn serial_of_row_one(&self, last_full_write: Option<LastFullWrite>) -> Option<LineSerial> {
        let lines = last_full_write?.line_count;
        let of_it = self
            .intact
            .iter()
            .filter(|line| line.file_line_count == Some(lines));
        let mut firsts = of_it
            .filter_map(|line| Some(line.serial.checked_add(1)?.checked_sub(line.row?.into())));
        let first = firsts.next()?;
        firsts.all(|other| other == first).then_some(first)?
    }

    /// Returns the highest missing serial below the highest serial, unless the missing line is one
    /// of a whole file, where each line is the only line of its row.
    fn newest_lost_serial(&self, last_full_write: Option<LastFullWrite>) -> Option<LineSerial> {
        let appended_from = last_full_write.map_or(0, |whole| {
            whole.first_serial.saturating_add(whole.line_count)
        });
        let mut pairs = self.intact.windows(2).rev();
        let gap = pairs.find(|pair| pair[1].serial - pair[0].serial > 1);
        let gap = gap.map(|pair| pair[1].serial - 1);
        let before_all = || {
            let lowest = self.intact.first()?;
            (lowest.file_line_count? > 1).then(|| lowest.serial.saturating_sub(1))
        };
        gap.or_else(before_all)
            .filter(|serial| *serial >= appended_from)
    }

    /// Returns the rows of the missing lines, where all missing lines are of a whole file with rows
    /// numbered from `first` on.
    fn lost_rows(&self, first: LineSerial, lines: u64, written: u64) -> Option<Vec<u32>> {
        let end = first.checked_add(lines)?;
        let of_whole = self.intact.partition_point(|line| line.serial < end);
        let appended = (self.intact.len() - of_whole) as u64;
        let gone = lines.saturating_sub(of_whole as u64);
        // An appended line may be of any row.
        if appended < written.saturating_sub(lines) || gone > MAX_LOST_ROWS_NUMBERED {
            return None;
        }
        let mut there = self.intact[..of_whole].iter().peekable();
        let is_gone = |serial: &LineSerial| there.next_if(|line| line.serial == *serial).is_none();
        let rows = (first..end).filter(is_gone);
        rows.map(|serial| u32::try_from(serial + 1 - first).ok())
            .collect()
    }
}

impl LostLines {
    /// True if no line is known to be lost.
    pub fn is_empty(&self) -> bool {
        self.removed == 0 && self.damaged == 0 && !self.is_torn
    }

    /// Returns the numbers of the rows whose files may be where they belong although no line says
    /// so: a lost line may have said so. `lines` are the latest lines of the rows 1, 2 and so on.
    pub fn doubtful_rows(
        &self,
        lines: impl Iterator<Item = Option<LatestLine>> + Clone,
    ) -> Vec<usize> {
        if self.is_empty() {
            return Vec::new();
        }
        let stands_where_it_stood = |(number, line): (usize, Option<LatestLine>)| {
            let then = line.and_then(|line| line.row_when_written);
            then.is_none_or(|then| then as usize == number)
        };
        // Rows with another number now may have had an unknown number before.
        let known = self.rows.as_deref();
        let known = known.filter(|_| (1..).zip(lines.clone()).all(stands_where_it_stood));
        let is_doubtful = |(number, line): &(usize, Option<LatestLine>)| match line {
            Some(line) if line.was_done => false,
            Some(line) => self
                .newest_lost_serial
                .is_some_and(|newest| line.serial < newest),
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
