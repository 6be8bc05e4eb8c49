//! Ids that a spreadsheet may have rewritten, seen from all ids of a column: dropped zeros, dates,
//! and rounded numbers.

mod displayed_date;

use super::row::to_u32;
use crate::manifest::problem::ProblemKind;
use displayed_date::looks_like_displayed_date;

/// Number of digits that a spreadsheet keeps; further digits become zeros.
const SPREADSHEET_DIGITS: usize = 15;

/// Number of zeros after the fifteenth digits, of one id or of several, that are no accident: one
/// chance in a million.
const SUSPICIOUS_ZEROS: usize = 6;

/// Detector for damaged ids, to which all ids of a column are added first.
#[derive(Default)]
pub(super) struct IdDamageDetector {
    zeros: DroppedZeroDetector,
    dates: DateDetector,
    rounding: RoundingDetector,
}

impl IdDamageDetector {
    /// Adds an id of the column.
    pub(super) fn add(&mut self, id: &str) {
        self.zeros.add(id);
        self.dates.add(id);
        self.rounding.add(id);
    }

    /// Returns the damage of the column, or `None` if nothing is suspicious.
    pub(super) fn finding(&self) -> Option<IdDamage> {
        let damage = IdDamage {
            width: self.zeros.expected_width(),
            dates: self.dates.is_suspicious(),
            rounded_zeros: self.rounding.suspicious_zeros(),
        };
        let is_suspicious =
            damage.width.is_some() || damage.dates || damage.rounded_zeros.is_some();
        is_suspicious.then_some(damage)
    }
}

/// Damage of a column of ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdDamage {
    /// Width that all ids should have, if zeros were dropped.
    width: Option<usize>,
    /// `true` if ids that look like dates are suspicious.
    dates: bool,
    /// Number of zeros after the fifteenth digit from which an id is suspicious.
    rounded_zeros: Option<usize>,
}

impl IdDamage {
    /// Returns the problem of an id of the column, or `None` if the id is not suspicious.
    pub(super) fn problem_of(&self, id: &str) -> Option<ProblemKind> {
        if let Some(width) = self.width.filter(|width| id.len() < *width) {
            let width = to_u32(width);
            return Some(ProblemKind::DroppedZeros { width });
        }
        if self.dates && looks_like_displayed_date(id) {
            return Some(ProblemKind::DateLikeId);
        }
        let zeros = self.rounded_zeros?;
        zeros_after_fifteen_digits(id)
            .is_some_and(|found| found >= zeros)
            .then_some(ProblemKind::RoundedNumber)
    }
}

/// Detector for ids from which a spreadsheet has dropped leading zeros.
///
/// The detector reports clear cases only: all ids consist of digits, all ids with a leading zero
/// have the same width, no id is wider, and some id is narrower.
#[derive(Default)]
struct DroppedZeroDetector {
    has_non_digits: bool,
    widest: usize,
    narrowest: usize,
    narrowest_with_leading_zero: Option<usize>,
}

impl DroppedZeroDetector {
    fn add(&mut self, id: &str) {
        if self.has_non_digits || !id.bytes().all(|b| b.is_ascii_digit()) {
            self.has_non_digits = true;
            return;
        }
        let width = id.len();
        self.narrowest = if self.widest == 0 {
            width
        } else {
            self.narrowest.min(width)
        };
        self.widest = self.widest.max(width);
        if id.starts_with('0') {
            let narrowest = self.narrowest_with_leading_zero.unwrap_or(width);
            self.narrowest_with_leading_zero = Some(narrowest.min(width));
        }
    }

    /// Returns the width that all ids should have, or `None` if nothing is suspicious.
    fn expected_width(&self) -> Option<usize> {
        let width = self.narrowest_with_leading_zero?;
        (!self.has_non_digits && width == self.widest && self.narrowest < width).then_some(width)
    }
}

/// Detector for ids that became dates, among ids that did not. A column of dates alone may well be
/// meant.
#[derive(Default)]
struct DateDetector {
    has_date: bool,
    has_other: bool,
}

impl DateDetector {
    fn add(&mut self, id: &str) {
        if self.is_suspicious() {
            return;
        }
        if looks_like_displayed_date(id) {
            self.has_date = true;
        } else {
            self.has_other = true;
        }
    }

    fn is_suspicious(&self) -> bool {
        self.has_date && self.has_other
    }
}

/// Detector for numbers that a spreadsheet has rounded to fifteen digits.
///
/// One id is suspicious by six zeros after the fifteenth digit. Fewer zeros are suspicious if all
/// long numbers of the column end in zeros there, and have six together.
#[derive(Default)]
struct RoundingDetector {
    has_exact_number: bool,
    most_zeros: usize,
    zeros_together: usize,
    latest: String,
}

impl RoundingDetector {
    fn add(&mut self, id: &str) {
        if id.len() <= SPREADSHEET_DIGITS || !is_long_number(id) {
            return;
        }
        let Some(zeros) = zeros_after_fifteen_digits(id) else {
            self.has_exact_number = true;
            return;
        };
        self.most_zeros = self.most_zeros.max(zeros);
        // An id that stands in many rows is one witness.
        if self.latest != id {
            self.zeros_together += zeros;
            id.clone_into(&mut self.latest);
        }
    }

    /// Returns the number of zeros from which an id is suspicious, or `None` if no id is.
    fn suspicious_zeros(&self) -> Option<usize> {
        if !self.has_exact_number && self.zeros_together >= SUSPICIOUS_ZEROS {
            Some(1)
        } else {
            (self.most_zeros >= SUSPICIOUS_ZEROS).then_some(SUSPICIOUS_ZEROS)
        }
    }
}

/// Returns `true` for a number of more than fifteen digits. A number with a leading zero was text in
/// the spreadsheet, and text is not rounded.
fn is_long_number(id: &str) -> bool {
    id.len() > SPREADSHEET_DIGITS
        && !id.starts_with('0')
        && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the number of digits after the fifteenth, if the id is a long number and all of these
/// digits are zeros.
fn zeros_after_fifteen_digits(id: &str) -> Option<usize> {
    if !is_long_number(id) {
        return None;
    }
    let rest = &id.as_bytes()[SPREADSHEET_DIGITS..];
    rest.iter()
        .all(|digit| *digit == b'0')
        .then_some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(ids: &[&str]) -> Vec<(usize, ProblemKind)> {
        let mut detector = IdDamageDetector::default();
        for id in ids {
            detector.add(id);
        }
        let Some(damage) = detector.finding() else {
            return Vec::new();
        };
        let problem = |(index, id): (usize, &&str)| Some((index, damage.problem_of(id)?));
        ids.iter().enumerate().filter_map(problem).collect()
    }

    #[test]
    fn dropped_zeros_are_warned_of_only_where_it_is_plain() {
        let dropped = || ProblemKind::DroppedZeros { width: 4 };
        assert_eq!(problems(&["0012", "13", "1300"]), [(1, dropped())]);
        for plain in [
            ["0012", "13", "A300"],
            ["12", "13", "1300"],
            ["0012", "13", "13000"],
            ["0012", "013", "7"],
        ] {
            assert_eq!(problems(&plain), [], "{plain:?}");
        }
    }

    #[test]
    fn a_date_is_suspicious_among_ids_that_are_none() {
        let date = || ProblemKind::DateLikeId;
        assert_eq!(problems(&["MAR-11", "12-Mar", "MAR-13"]), [(1, date())]);
        assert_eq!(problems(&["12-Mar", "13-Mar"]), []);
        assert_eq!(problems(&["MAR-11", "MAR-12"]), []);
    }

    #[test]
    fn six_zeros_after_fifteen_digits_are_suspicious_of_one_id_or_of_all() {
        let rounded = || ProblemKind::RoundedNumber;
        assert_eq!(
            problems(&["123456789012345000000", "123456789012345678901"]),
            [(0, rounded())]
        );
        assert_eq!(
            problems(&["123456789012345000", "123456789012346000", "17"]),
            [(0, rounded()), (1, rounded())]
        );
        for fine in [
            &["123456789012345000", "123456789012345678"][..],
            &["123456789012345000", "123456789012345000"],
            &["1234567890123450", "17"],
            &["012345678901234000000"],
            &["100000000000000"],
            &["A23456789012345000000"],
        ] {
            assert_eq!(problems(fine), [], "{fine:?}");
        }
    }
}
