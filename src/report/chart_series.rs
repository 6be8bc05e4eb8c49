//! Figures behind the charts: rows done over time, and file sizes by powers of four.

use jiff::Timestamp;
use serde::Serialize;

use super::values::{ByteCount, ItemCount, UtcTime};

/// Most slices of a chart over time.
const MAX_SLICES: i64 = 24;

/// Lengths of a slice in seconds: the units by which people divide time.
const SLICE_LENGTHS_SECONDS: [i64; 16] = [
    1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800,
    2_419_200,
];

/// Slice of time, and the rows done in the slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeSlice {
    /// Beginning of the slice, included.
    pub from: UtcTime,
    /// End of the slice, excluded.
    pub to: UtcTime,
    /// Number of rows done in the slice.
    pub rows: ItemCount,
    /// Number of rows done before the end of the slice.
    pub rows_so_far: ItemCount,
}

/// Returns slices of equal length without a gap, from the first of `times` to the last. Each time
/// is the time at which a row was done.
pub fn slices_over_time(mut times: Vec<Timestamp>) -> Vec<TimeSlice> {
    times.sort_unstable();
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Vec::new();
    };
    let (first, last) = (first.as_second(), last.as_second());
    let length = slice_length(first, last);
    let begin = first.div_euclid(length) * length;
    let count = (last - begin) / length + 1;
    let mut slices = Vec::new();
    let mut done = 0;
    for number in 0..count {
        let from = begin + number * length;
        let by_its_end = times.partition_point(|time| time.as_second() < from + length);
        slices.push(TimeSlice {
            from: time_or(from, Timestamp::MIN),
            to: time_or(from + length, Timestamp::MAX),
            rows: ItemCount((by_its_end - done) as u64),
            rows_so_far: ItemCount(by_its_end as u64),
        });
        done = by_its_end;
    }
    slices
}

/// Returns the shortest usual length with at most [`MAX_SLICES`] slices from `first` to `last`.
fn slice_length(first: i64, last: i64) -> i64 {
    let covers = |length: i64| last.div_euclid(length) - first.div_euclid(length) < MAX_SLICES;
    let longest = SLICE_LENGTHS_SECONDS[SLICE_LENGTHS_SECONDS.len() - 1];
    let usual = SLICE_LENGTHS_SECONDS
        .into_iter()
        .find(|length| covers(*length));
    // Decades of results: a multiple of the longest length.
    usual.unwrap_or_else(|| ((last - first) / longest / (MAX_SLICES - 1) + 1) * longest)
}

fn time_or(second: i64, beyond: Timestamp) -> UtcTime {
    UtcTime(Timestamp::from_second(second).unwrap_or(beyond))
}

/// Range of file sizes, and the rows with a file in the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeRange {
    /// Lower bound in bytes, included.
    pub from: ByteCount,
    /// Upper bound in bytes, excluded.
    pub below: ByteCount,
    /// Number of done rows in the range.
    pub rows: ItemCount,
    /// Sum of their sizes.
    pub bytes: ByteCount,
}

/// Number of ranges. The first ends at 1 KiB, and each further range ends at four times the end of
/// the range before.
const SIZE_RANGE_COUNT: usize = 28;

/// Histogram of file sizes.
#[derive(Debug)]
pub struct SizeHistogram([(ItemCount, ByteCount); SIZE_RANGE_COUNT]);

impl Default for SizeHistogram {
    fn default() -> Self {
        Self([(ItemCount(0), ByteCount(0)); SIZE_RANGE_COUNT])
    }
}

impl SizeHistogram {
    /// Counts a file of `size` bytes.
    pub fn count_size(&mut self, size: u64) {
        let range = size.checked_ilog2().map_or(0, |power| {
            power
                .checked_sub(10)
                .map_or(0, |above| above as usize / 2 + 1)
        });
        let (rows, bytes) = &mut self.0[range];
        rows.increase();
        bytes.add(size);
    }

    /// Returns the ranges from the smallest counted size to the largest, without a gap.
    pub fn ranges(&self) -> Vec<SizeRange> {
        let is_used = |(rows, _): &(ItemCount, ByteCount)| !rows.is_zero();
        let (Some(first), Some(last)) = (
            self.0.iter().position(is_used),
            self.0.iter().rposition(is_used),
        ) else {
            return Vec::new();
        };
        (first..=last)
            .map(|range| {
                let (rows, bytes) = self.0[range];
                SizeRange {
                    from: ByteCount(if range == 0 { 0 } else { range_end(range - 1) }),
                    below: ByteCount(range_end(range)),
                    rows,
                    bytes,
                }
            })
            .collect()
    }
}

/// Returns the upper bound of a range in bytes.
fn range_end(range: usize) -> u64 {
    u32::try_from(10 + 2 * range)
        .ok()
        .and_then(|power| 1_u64.checked_shl(power))
        .unwrap_or(u64::MAX)
}

impl SizeRange {
    /// Label for people: `4 KiB to 16 KiB`.
    pub fn label(&self) -> String {
        match self.from.0 {
            0 => format!("under {}", binary_size_label(self.below.0)),
            from => format!(
                "{} to {}",
                binary_size_label(from),
                binary_size_label(self.below.0)
            ),
        }
    }

    /// Short label: the lower bound.
    pub fn short_label(&self) -> String {
        match self.from.0 {
            0 => "0".to_owned(),
            from => binary_size_label(from),
        }
    }
}

/// Returns a power of two in binary units.
fn binary_size_label(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = bytes.checked_ilog2().unwrap_or(0) as usize / 10;
    format!("{} {}", bytes >> (10 * power), units[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(texts: &[&str]) -> Vec<Timestamp> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn descriptions(slices: &[TimeSlice]) -> Vec<String> {
        let tell = |slice: &TimeSlice| {
            let TimeSlice {
                from,
                rows,
                rows_so_far,
                ..
            } = slice;
            format!("{} {rows} {rows_so_far}", from.0)
        };
        slices.iter().map(tell).collect()
    }

    #[test]
    fn rows_done_over_time_stand_in_slices_that_begin_at_round_times() {
        let slices = slices_over_time(times(&[
            "2026-11-22T10:00:17Z",
            "2026-11-22T10:00:09.5Z",
            "2026-11-22T10:00:07Z",
            "2026-11-22T10:00:42Z",
        ]));
        assert_eq!(
            descriptions(&slices),
            [
                "2026-11-22T10:00:05Z 2 2",
                "2026-11-22T10:00:10Z 0 2",
                "2026-11-22T10:00:15Z 1 3",
                "2026-11-22T10:00:20Z 0 3",
                "2026-11-22T10:00:25Z 0 3",
                "2026-11-22T10:00:30Z 0 3",
                "2026-11-22T10:00:35Z 0 3",
                "2026-11-22T10:00:40Z 1 4",
            ]
        );
    }

    #[test]
    fn every_row_is_in_one_slice_and_slices_are_few_whatever_the_times() {
        for (first, last) in [
            ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.9Z"),
            ("2026-11-22T10:00:00Z", "2026-11-22T10:00:24Z"),
            ("2026-11-22T10:00:00Z", "2026-11-25T03:00:00Z"),
            ("2024-01-01T00:00:00Z", "2026-12-31T00:00:00Z"),
            ("1969-12-31T23:59:59Z", "1970-01-01T00:00:01Z"),
            ("-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z"),
        ] {
            let slices = slices_over_time(times(&[last, first, first]));
            assert!(slices.len() <= 24, "{first} {}", slices.len());
            let rows: u64 = slices.iter().map(|slice| slice.rows.0).sum();
            assert_eq!((rows, slices.last().unwrap().rows_so_far.0), (3, 3));
            for pair in slices.windows(2) {
                assert_eq!(pair[0].to, pair[1].from, "without a gap");
            }
        }
        assert_eq!(slices_over_time(Vec::new()), []);
    }

    #[test]
    fn the_end_of_a_slice_belongs_to_the_next_one() {
        let slices = slices_over_time(times(&["2026-11-22T10:00:00Z", "2026-11-22T10:00:01Z"]));
        assert_eq!(
            descriptions(&slices),
            ["2026-11-22T10:00:00Z 1 1", "2026-11-22T10:00:01Z 1 2"]
        );
    }

    #[test]
    fn sizes_stand_in_powers_of_four_without_a_gap() {
        let mut sizes = SizeHistogram::default();
        for size in [1023, 0, 1024, 4095, 65_536] {
            sizes.count_size(size);
        }
        let descriptions: Vec<(String, u64)> = sizes
            .ranges()
            .iter()
            .map(|range| (range.label(), range.rows.0))
            .collect();
        let expected = [
            ("under 1 KiB", 2),
            ("1 KiB to 4 KiB", 2),
            ("4 KiB to 16 KiB", 0),
            ("16 KiB to 64 KiB", 0),
            ("64 KiB to 256 KiB", 1),
        ];
        assert_eq!(
            descriptions,
            expected.map(|(label, rows)| (label.to_owned(), rows))
        );
        assert_eq!(SizeHistogram::default().ranges(), []);
    }

    #[test]
    fn no_size_is_too_large_to_be_counted() {
        let mut sizes = SizeHistogram::default();
        sizes.count_size(u64::MAX);
        assert_eq!(sizes.ranges()[0].rows.0, 1);
        assert_eq!(sizes.ranges()[0].short_label(), "4 EiB");
    }
}
