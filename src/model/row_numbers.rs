//! Numbers of manifest rows, as a user types and reads them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Longest list of rows in a message or an option, in characters.
const MAX_LISTED_CHARS: usize = 200;

/// Set of manifest row numbers, written `5-20,33`; the first row under the header is 1.
///
/// Guarantees: no number is 0, and the ranges are in ascending order, none of them empty, with gaps
/// between them. A set parsed from a text has at least one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowNumbers(Vec<RangeInclusive<usize>>);

/// Refusal of a text as a list of row numbers. Holds the part without a number or range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row numbers are expected, such as 5-20,33, not {0:?}")]
pub struct InvalidRowNumbers(String);

impl RowNumbers {
    /// Builds the ranges that hold exactly the given rows.
    pub fn from_rows(rows: impl IntoIterator<Item = usize>) -> Self {
        Self::from_ranges(rows.into_iter().map(|row| row..=row).collect())
    }

    /// Sorts ranges and unites ranges without a gap between them.
    fn from_ranges(mut ranges: Vec<RangeInclusive<usize>>) -> Self {
        ranges.sort_unstable_by_key(|range| *range.start());
        ranges.dedup_by(|next, last| {
            let is_apart = *next.start() > last.end().saturating_add(1);
            if !is_apart {
                *last = *last.start()..=*last.end().max(next.end());
            }
            !is_apart
        });
        Self(ranges)
    }

    /// Returns the number of rows.
    pub fn count(&self) -> usize {
        let sizes = self.0.iter().map(|range| range.end() - range.start() + 1);
        sizes.sum()
    }

    /// Returns the highest row; `None` for an empty set.
    pub fn highest(&self) -> Option<usize> {
        self.0.last().map(|range| *range.end())
    }

    /// Returns the rows for use in a sentence: `row 5`, or `rows 5-20,33`. A list longer than 200
    /// characters is cut and ends with the count of all rows.
    pub fn to_words(&self) -> String {
        let count = self.count();
        let named = self.to_string();
        match named.char_indices().nth(MAX_LISTED_CHARS) {
            _ if count == 1 => format!("row {named}"),
            None => format!("rows {named}"),
            Some((end, _)) => {
                let whole = named[..end].rfind(',').unwrap_or(end);
                format!("rows {},… ({count} in all)", &named[..whole])
            }
        }
    }

    /// Returns the rows as the value of a command-line option. A list longer than 200 characters
    /// becomes the placeholder `ROWS`.
    pub fn to_option_value(&self) -> String {
        let named = self.to_string();
        if named.len() > MAX_LISTED_CHARS {
            "ROWS".to_owned()
        } else {
            named
        }
    }

    /// Returns `true` if the set holds the row.
    pub fn contains(&self, row: usize) -> bool {
        let next = self.0.partition_point(|range| *range.start() <= row);
        next > 0 && self.0[next - 1].contains(&row)
    }
}

impl FromStr for RowNumbers {
    type Err = InvalidRowNumbers;

    fn from_str(text: &str) -> Result<Self, InvalidRowNumbers> {
        let ranges = text.split(',').map(|part| {
            let part = part.trim();
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            match (first.trim().parse(), last.trim().parse()) {
                (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(first..=last),
                _ => Err(InvalidRowNumbers(part.to_owned())),
            }
        });
        ranges.collect::<Result<_, _>>().map(Self::from_ranges)
    }
}

/// Writes ranges and numbers with commas, in the form typed by a user, in ascending order.
impl fmt::Display for RowNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, range) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}", range.start())?;
            if range.start() != range.end() {
                write!(f, "-{}", range.end())?;
            }
        }
        Ok(())
    }
}

/// Rows whose files may be sent although the same content seems to be attached already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondCopyPolicy {
    /// No row: the run stops before anything is sent.
    Refuse,
    /// Every row.
    Allow,
    /// The listed rows alone.
    AllowRows(RowNumbers),
}

impl SecondCopyPolicy {
    /// Parses the value of an option: `all`, or a list of rows.
    pub fn parse(text: &str) -> Result<Self, InvalidRowNumbers> {
        match text {
            "all" => Ok(Self::Allow),
            rows => rows.parse().map(Self::AllowRows),
        }
    }

    /// Returns `true` if the file of the row may be sent.
    pub fn allows_row(&self, row: usize) -> bool {
        match self {
            Self::Refuse => false,
            Self::Allow => true,
            Self::AllowRows(rows) => rows.contains(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_named_by_numbers_and_ranges() {
        let rows: RowNumbers = "5-20, 33".parse().unwrap();
        let named: Vec<usize> = (1..50).filter(|row| rows.contains(*row)).collect();
        assert_eq!(named, (5..=20).chain([33]).collect::<Vec<_>>());
        let untidy: RowNumbers = "33,9-20,5-12,21,33-34".parse().unwrap();
        assert_eq!(untidy.to_string(), "5-21,33-34");
        assert_eq!((untidy.count(), untidy.highest()), (19, Some(34)));
        let endless: RowNumbers = format!("7-{0},{0}", usize::MAX).parse().unwrap();
        assert!(endless.contains(usize::MAX) && !endless.contains(6));
        for bad in ["", "0", "a", "5-", "-5", "20-5", "1,,2", "1-2-3", "0-4"] {
            assert!(bad.parse::<RowNumbers>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn rows_are_named_in_a_sentence_as_long_as_that_stays_one() {
        let words = |rows: &[usize]| RowNumbers::from_rows(rows.iter().copied()).to_words();
        assert_eq!(words(&[5]), "row 5");
        assert_eq!(words(&[5, 6, 9]), "rows 5-6,9");
        let many: Vec<usize> = (1..=1_000).map(|row| row * 2).collect();
        let shown = words(&many);
        assert!(shown.starts_with("rows 2,4,6,"), "{shown}");
        assert!(shown.ends_with(",… (1000 in all)"), "{shown}");
        assert!(shown.len() < 250, "{shown}");
        assert_eq!(RowNumbers::from_rows(many).to_option_value(), "ROWS");
    }

    #[test]
    fn rows_of_which_nothing_is_said_are_refused() {
        assert!(!SecondCopyPolicy::Refuse.allows_row(1));
        assert!(SecondCopyPolicy::parse("all").unwrap().allows_row(1));
        let some = SecondCopyPolicy::parse("2-3").unwrap();
        assert_eq!(
            [1, 2, 3, 4].map(|row| some.allows_row(row)),
            [false, true, true, false]
        );
    }

    proptest! {
        #[test]
        fn rows_read_back_as_they_are_shown(rows in prop::collection::btree_set(1_usize..60, 1..20)) {
            let shown = RowNumbers::from_rows(rows.iter().copied()).to_string();
            let read: RowNumbers = shown.parse().unwrap();
            for row in 1..70 {
                prop_assert_eq!(read.contains(row), rows.contains(&row), "{}", shown);
            }
        }
    }
}
