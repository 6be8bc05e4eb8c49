//! The figures behind the charts: rows done over time, and sizes by powers of four.

use jiff::Timestamp;
use serde::Serialize;

use super::value::{Bytes, Count, Moment};

/// So many slices of time at most.
const SLICES: i64 = 24;

/// The lengths that a slice may have, in seconds: what people divide time by.
const LENGTHS: [i64; 16] = [
    1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800,
    2_419_200,
];

/// A slice of time, and the rows that were done in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// Its beginning.
    pub from: Moment,
    /// Its end, which belongs to the next one.
    pub to: Moment,
    /// How many rows were done in it.
    pub rows: Count,
    /// How many were done by its end.
    pub rows_so_far: Count,
}

/// The times at which rows were done, in slices of equal length without a gap.
pub fn over_time(mut times: Vec<Timestamp>) -> Vec<Slice> {
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
        slices.push(Slice {
            from: moment(from, Timestamp::MIN),
            to: moment(from + length, Timestamp::MAX),
            rows: Count((by_its_end - done) as u64),
            rows_so_far: Count(by_its_end as u64),
        });
        done = by_its_end;
    }
    slices
}

/// The shortest usual length of which few enough slices cover the time.
fn slice_length(first: i64, last: i64) -> i64 {
    let covers = |length: i64| last.div_euclid(length) - first.div_euclid(length) < SLICES;
    let longest = LENGTHS[LENGTHS.len() - 1];
    let usual = LENGTHS.into_iter().find(|length| covers(*length));
    // Decades of results: as many of the longest as it takes.
    usual.unwrap_or_else(|| ((last - first) / longest / (SLICES - 1) + 1) * longest)
}

fn moment(second: i64, beyond: Timestamp) -> Moment {
    Moment(Timestamp::from_second(second).unwrap_or(beyond))
}

/// A range of sizes, and the rows whose files have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeRange {
    /// The smallest size of the range, in bytes.
    pub from: Bytes,
    /// The smallest size above it.
    pub below: Bytes,
    /// How many rows that are done have such a size.
    pub rows: Count,
    /// Their bytes together.
    pub bytes: Bytes,
}

/// How many ranges there are: up to 1 KiB, and then each four times as far as the one before.
const RANGES: usize = 28;

/// Counts sizes.
#[derive(Debug)]
pub struct Sizes([(Count, Bytes); RANGES]);

impl Default for Sizes {
    fn default() -> Self {
        Self([(Count(0), Bytes(0)); RANGES])
    }
}

impl Sizes {
    /// Takes one more.
    pub fn take(&mut self, size: u64) {
        let range = size.checked_ilog2().map_or(0, |power| {
            power
                .checked_sub(10)
                .map_or(0, |above| above as usize / 2 + 1)
        });
        let (rows, bytes) = &mut self.0[range];
        rows.increase();
        bytes.add(size);
    }

    /// The ranges from the first that some size is in to the last.
    pub fn ranges(&self) -> Vec<SizeRange> {
        let is_used = |(rows, _): &(Count, Bytes)| !rows.is_zero();
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
                    from: Bytes(if range == 0 { 0 } else { bound(range - 1) }),
                    below: Bytes(bound(range)),
                    rows,
                    bytes,
                }
            })
            .collect()
    }
}

/// The end of a range.
fn bound(range: usize) -> u64 {
    u32::try_from(10 + 2 * range)
        .ok()
        .and_then(|power| 1_u64.checked_shl(power))
        .unwrap_or(u64::MAX)
}

impl SizeRange {
    /// The range for people: `4 KiB to 16 KiB`.
    pub fn label(&self) -> String {
        match self.from.0 {
            0 => format!("under {}", whole(self.below.0)),
            from => format!("{} to {}", whole(from), whole(self.below.0)),
        }
    }

    /// The same in few letters: where it begins.
    pub fn short_label(&self) -> String {
        match self.from.0 {
            0 => "0".to_owned(),
            from => whole(from),
        }
    }
}

/// A power of two as people write it.
fn whole(bytes: u64) -> String {
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

    fn told(slices: &[Slice]) -> Vec<String> {
        let tell = |slice: &Slice| {
            let Slice {
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
        let slices = over_time(times(&[
            "2026-11-22T10:00:17Z",
            "2026-11-22T10:00:09.5Z",
            "2026-11-22T10:00:07Z",
            "2026-11-22T10:00:42Z",
        ]));
        assert_eq!(
            told(&slices),
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
            let slices = over_time(times(&[last, first, first]));
            assert!(slices.len() <= 24, "{first} {}", slices.len());
            let rows: u64 = slices.iter().map(|slice| slice.rows.0).sum();
            assert_eq!((rows, slices.last().unwrap().rows_so_far.0), (3, 3));
            for pair in slices.windows(2) {
                assert_eq!(pair[0].to, pair[1].from, "without a gap");
            }
        }
        assert_eq!(over_time(Vec::new()), []);
    }

    #[test]
    fn the_end_of_a_slice_belongs_to_the_next_one() {
        let slices = over_time(times(&["2026-11-22T10:00:00Z", "2026-11-22T10:00:01Z"]));
        assert_eq!(
            told(&slices),
            ["2026-11-22T10:00:00Z 1 1", "2026-11-22T10:00:01Z 1 2"]
        );
    }

    #[test]
    fn sizes_stand_in_powers_of_four_without_a_gap() {
        let mut sizes = Sizes::default();
        for size in [1023, 0, 1024, 4095, 65_536] {
            sizes.take(size);
        }
        let told: Vec<(String, u64)> = sizes
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
        assert_eq!(told, expected.map(|(label, rows)| (label.to_owned(), rows)));
        assert_eq!(Sizes::default().ranges(), []);
    }

    #[test]
    fn no_size_is_too_large_to_be_counted() {
        let mut sizes = Sizes::default();
        sizes.take(u64::MAX);
        assert_eq!(sizes.ranges()[0].rows.0, 1);
        assert_eq!(sizes.ranges()[0].short_label(), "4 EiB");
    }
}
