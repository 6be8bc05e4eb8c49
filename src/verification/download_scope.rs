//! Choice of the attachments which a verification downloads and hashes: none, all, or a sample
//! which anybody can draw again.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use crate::digest::sha256;

/// Attachments whose bytes a verification downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DownloadScope {
    /// No attachment: only sizes and names are compared.
    #[default]
    None,
    /// Every attachment which should exist.
    All,
    /// A random sample of the attachments.
    Sample {
        /// Size of the sample.
        share: SampleShare,
        /// Seed of the draw: the same seed draws the same sample from the same rows.
        seed: u64,
    },
}

/// Part of a whole in hundredths of a percent: more than nothing and less than the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleShare(u16);

/// The whole, in hundredths of a percent.
const WHOLE_IN_HUNDREDTHS: u16 = 10_000;

impl SampleShare {
    /// Parses `5%`, `12.5%` or `0.01%`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?;
        let (percent, hundredths) = number.split_once('.').unwrap_or((number, ""));
        let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if percent.is_empty() || hundredths.len() > 2 || !is_plain(percent) || !is_plain(hundredths)
        {
            return None;
        }
        let percent: u16 = percent.parse().ok()?;
        let hundredths: u16 = format!("{hundredths:0<2}").parse().ok()?;
        let share = percent.checked_mul(100)?.checked_add(hundredths)?;
        (1..WHOLE_IN_HUNDREDTHS)
            .contains(&share)
            .then_some(Self(share))
    }

    /// Returns the size of the sample of `number` rows, rounded up: at least one row of any.
    pub fn count_of(self, number: usize) -> usize {
        let part = (number as u128 * u128::from(self.0)).div_ceil(u128::from(WHOLE_IN_HUNDREDTHS));
        usize::try_from(part).unwrap_or(number)
    }
}

impl fmt::Display for SampleShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => write!(f, "{percent}%"),
            tenths if tenths % 10 == 0 => write!(f, "{percent}.{}%", tenths / 10),
            hundredths => write!(f, "{percent}.{hundredths:02}%"),
        }
    }
}

impl DownloadScope {
    /// Draws rows and returns their indexes.
    ///
    /// The rank of a row in the draw is a digest of the seed and the external id. So the draw
    /// depends on the external ids alone, and anybody can draw again.
    pub fn draw<'a>(self, external_ids: impl ExactSizeIterator<Item = &'a str>) -> HashSet<usize> {
        match self {
            Self::None => HashSet::new(),
            Self::All => (0..external_ids.len()).collect(),
            Self::Sample { share, seed } => {
                let wanted = share.count_of(external_ids.len());
                let mut lots: Vec<_> = external_ids
                    .enumerate()
                    .map(|(place, id)| (sha256(format!("{seed}:{id}").as_bytes()).0, place))
                    .collect();
                lots.sort_unstable();
                lots.into_iter()
                    .take(wanted)
                    .map(|(_, place)| place)
                    .collect()
            }
        }
    }
}

impl fmt::Display for DownloadScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::All => f.write_str("all"),
            Self::Sample { share, seed } => write!(f, "{share} seed {seed}"),
        }
    }
}

/// The text does not have the form in which a [`DownloadScope`] is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDownloadScope;

impl FromStr for DownloadScope {
    type Err = InvalidDownloadScope;

    /// Parses the text which [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, InvalidDownloadScope> {
        let sample = || {
            let (share, seed) = text.split_once(" seed ")?;
            Some(Self::Sample {
                share: SampleShare::parse(share)?,
                seed: seed.parse().ok()?,
            })
        };
        match text {
            "" => Ok(Self::None),
            "all" => Ok(Self::All),
            _ => sample().ok_or(InvalidDownloadScope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_as_people_write_percentages() {
        for text in ["1%", "12.5%", "0.01%", "99.99%", "50%"] {
            assert_eq!(SampleShare::parse(text).unwrap().to_string(), text);
        }
        for bad in [
            "", "%", "0%", "100%", "5", "5.%%", "-1%", "1.234%", "1e1%", " 5%", ".5%",
        ] {
            assert_eq!(SampleShare::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_sample_is_as_large_as_it_says_and_never_empty() {
        let share = SampleShare::parse("10%").unwrap();
        for (rows, drawn) in [(0, 0), (1, 1), (10, 1), (11, 2), (500, 50)] {
            assert_eq!(share.count_of(rows), drawn);
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_rows_wherever_they_stand_and_another_draws_others() {
        let ids: Vec<String> = (0..200).map(|number| format!("A{number}")).collect();
        let reversed: Vec<String> = ids.iter().rev().cloned().collect();
        let drawn = |seed, ids: &[String]| -> HashSet<String> {
            let share = SampleShare::parse("25%").unwrap();
            let places = DownloadScope::Sample { share, seed }.draw(ids.iter().map(String::as_str));
            places.into_iter().map(|place| ids[place].clone()).collect()
        };
        assert_eq!(drawn(7, &ids).len(), 50);
        assert_eq!(drawn(7, &ids), drawn(7, &reversed));
        assert_ne!(drawn(7, &ids), drawn(8, &ids));
    }

    #[test]
    fn which_rows_were_downloaded_reads_back_as_it_is_written() {
        let share = SampleShare::parse("2.5%").unwrap();
        for download in [
            DownloadScope::None,
            DownloadScope::All,
            DownloadScope::Sample { share, seed: 42 },
        ] {
            assert_eq!(download.to_string().parse(), Ok(download));
        }
        assert_eq!("some".parse::<DownloadScope>(), Err(InvalidDownloadScope));
        assert_eq!(
            "2.5% seed".parse::<DownloadScope>(),
            Err(InvalidDownloadScope)
        );
    }
}
