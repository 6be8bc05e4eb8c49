//! Dates as spreadsheets display them in English, German, French and Spanish.

/// Short names of months in lower case.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    // German
    "mrz", "mär", "mai", "okt", "dez", "märz", "juni", "juli", // French
    "janv", "févr", "mars", "avr", "juin", "juil", "août", "déc", "fev", "fevr", "aout",
    // Spanish
    "ene", "abr", "ago", "dic", // English, where the month is written in full
    "june", "july",
];

/// Longest date that is recognised, in bytes.
const MAX_DATE_BYTES: usize = 14;

/// Part of a date between two separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatePart {
    /// Number of one or two digits.
    Short(u8),
    /// Number of four digits.
    Year,
    /// Name of a month.
    Month,
}

/// Returns `true` for a text such as `12-Mar`, `Mar-11`, `12. Mrz`, `3/12/2026` and `2026-03-12`.
///
/// A month in capitals is none: a spreadsheet shows `Mar` or `mar`, and `MAR-11` is what users write.
pub(super) fn looks_like_displayed_date(text: &str) -> bool {
    let Some(parts) = date_parts(text) else {
        return false;
    };
    match parts {
        [Some(first), Some(second), None] => matches!(
            (first, second),
            (DatePart::Short(1..=31), DatePart::Month)
                | (DatePart::Month, DatePart::Short(_) | DatePart::Year)
        ),
        [Some(first), Some(second), Some(third)] => matches!(
            (first, second, third),
            (
                DatePart::Short(1..=31),
                DatePart::Month,
                DatePart::Short(_) | DatePart::Year
            ) | (
                DatePart::Short(1..=12),
                DatePart::Short(1..=31),
                DatePart::Year
            ) | (
                DatePart::Short(1..=31),
                DatePart::Short(1..=12),
                DatePart::Year
            ) | (
                DatePart::Year,
                DatePart::Short(1..=12),
                DatePart::Short(1..=31)
            )
        ),
        _ => false,
    }
}

/// Splits a text into two or three parts of a date. Returns `None` if any part is none.
fn date_parts(text: &str) -> Option<[Option<DatePart>; 3]> {
    if !(5..=MAX_DATE_BYTES).contains(&text.len()) {
        return None;
    }
    let mut parts = [None; 3];
    let mut count = 0;
    for part in text.split(['-', '/', '.', ' ']) {
        // Two separators in a row, as in `12. Mrz`.
        if part.is_empty() {
            continue;
        }
        *parts.get_mut(count)? = Some(DatePart::parse(part)?);
        count += 1;
    }
    Some(parts)
}

impl DatePart {
    fn parse(part: &str) -> Option<Self> {
        if part.as_bytes()[0].is_ascii_digit() {
            return match part.len() {
                1 | 2 => part.parse().ok().map(Self::Short),
                4 if part.bytes().all(|byte| byte.is_ascii_digit()) => Some(Self::Year),
                _ => None,
            };
        }
        is_month(part).then_some(Self::Month)
    }
}

fn is_month(word: &str) -> bool {
    let mut letters = word.chars();
    let Some(first) = letters.next() else {
        return false;
    };
    if letters.clone().any(char::is_uppercase) {
        return false;
    }
    MONTHS.iter().any(|month| {
        let mut of_month = month.chars();
        of_month
            .next()
            .is_some_and(|letter| first.to_lowercase().eq([letter]))
            && of_month.eq(letters.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_recognised_as_spreadsheets_display_it_and_nothing_else() {
        for date in [
            "12-Mar",
            "1-Sep",
            "Mar-11",
            "Mar-1932",
            "12.Mrz",
            "12. Mrz",
            "Mär 11",
            "12-mars",
            "12-févr.",
            "déc-12",
            "12-dic",
            "12-Mar-26",
            "12-Mar-2026",
            "3/12/2026",
            "12/31/2026",
            "12.03.2026",
            "2026-03-12",
        ] {
            assert!(looks_like_displayed_date(date), "{date}");
        }
        for other in [
            "MAR-11",
            "MAR-2026",
            "12-MAR",
            "Mar-111",
            "32-Mar",
            "12-Max",
            "3/12",
            "12.03.26",
            "13/13/2026",
            "2026-13-01",
            "2026-3",
            "Mar",
            "12",
            "CW-2019",
            "1-2-3-4",
            "12-Mar-2026-a",
            "",
        ] {
            assert!(!looks_like_displayed_date(other), "{other}");
        }
    }
}
