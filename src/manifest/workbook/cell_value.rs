//! Conversion of a cell's stored value to the text that a manifest would have in its place.
//!
//! A key decides what is attached where, so a key must be exactly what its author sees. Values that
//! a spreadsheet may have altered, or shows otherwise than stored, are faults in a key column.

use std::borrow::Cow;

use jiff::civil::{Date, date};

use super::number_format::{NumberDisplay, shown_number};
use crate::manifest::problem::SheetCellFault;

/// Number of decimal digits that a spreadsheet keeps of a number.
const DIGITS_KEPT: usize = 15;

/// Smallest whole number with more digits than a spreadsheet keeps.
const FIRST_LOSSY_NUMBER: f64 = 1e15;

/// Days from the first day of the 1900 system to 9999-12-31, the last day of both systems.
const LAST_DAY_IN_1900_SYSTEM: f64 = 2_958_465.0;

/// The same for the 1904 system.
const LAST_DAY_IN_1904_SYSTEM: f64 = 2_957_003.0;

/// Day 60 of the 1900 system, 1900-02-29, which never was.
const LEAP_DAY_THAT_NEVER_WAS: i64 = 60;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// First day of a workbook's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateSystem {
    /// Day 1 is 1900-01-01, and 1900 counts as a leap year.
    From1900,
    /// Day 0 is 1904-01-01.
    From1904,
}

/// Use of a column's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnRole {
    /// The cells decide what is attached where.
    Key,
    /// The cells describe an attachment, or are carried through to the results.
    Descriptive,
}

/// Value stored in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum StoredValue<'v> {
    Blank,
    Text(&'v str),
    Number(f64),
    /// Number in a format for dates and times, in days.
    DateTime(f64),
    /// Number in a format for spans of time, in days.
    TimeSpan(f64),
    /// Date stored as text in the form of ISO 8601.
    IsoDateTime(&'v str),
    Truth(bool),
    Error(&'v str),
}

/// Text of a cell, and the fault for which the text cannot be a key.
#[derive(Debug, PartialEq)]
pub(super) struct ConvertedCell<'v> {
    pub(super) text: Cow<'v, str>,
    pub(super) fault: Option<SheetCellFault>,
}

impl<'v> ConvertedCell<'v> {
    fn sound(text: impl Into<Cow<'v, str>>) -> Self {
        Self {
            text: text.into(),
            fault: None,
        }
    }

    /// A text that is a fault in a key column alone.
    fn fault_in_key(
        text: impl Into<Cow<'v, str>>,
        role: ColumnRole,
        fault: SheetCellFault,
    ) -> Self {
        Self {
            text: text.into(),
            fault: (role == ColumnRole::Key).then_some(fault),
        }
    }
}

/// Converts a stored value by the number format of its cell and the use of its column.
pub(super) fn convert_cell<'v>(
    value: StoredValue<'v>,
    display: &NumberDisplay,
    system: DateSystem,
    role: ColumnRole,
) -> ConvertedCell<'v> {
    match value {
        StoredValue::Blank => ConvertedCell::sound(""),
        // The rules for cells know error values, in a text as well.
        StoredValue::Text(text) | StoredValue::Error(text) => ConvertedCell::sound(text),
        StoredValue::Truth(value) => {
            let word = if value { "TRUE" } else { "FALSE" };
            ConvertedCell::fault_in_key(word, role, SheetCellFault::Truth)
        }
        StoredValue::DateTime(days) => {
            let text = iso_date_time(days, system).unwrap_or_else(|| number_text(days));
            ConvertedCell::fault_in_key(text, role, SheetCellFault::Date)
        }
        StoredValue::TimeSpan(days) => {
            let text = time_span(days).unwrap_or_else(|| number_text(days));
            ConvertedCell::fault_in_key(text, role, SheetCellFault::Date)
        }
        StoredValue::IsoDateTime(text) => {
            let text = text.strip_suffix("T00:00:00").unwrap_or(text);
            ConvertedCell::fault_in_key(text, role, SheetCellFault::Date)
        }
        StoredValue::Number(number) => convert_number(number, display, role),
    }
}

fn convert_number(
    number: f64,
    display: &NumberDisplay,
    role: ColumnRole,
) -> ConvertedCell<'static> {
    if number.abs() >= FIRST_LOSSY_NUMBER {
        let fault = SheetCellFault::TooManyDigits;
        return ConvertedCell::fault_in_key(number_text(number), role, fault);
    }
    let number = round_to_kept_digits(number);
    let stored = number_text(number);
    if number.fract() != 0.0 {
        return ConvertedCell::fault_in_key(stored, role, SheetCellFault::Fraction);
    }
    match display {
        NumberDisplay::Plain => ConvertedCell::sound(stored),
        NumberDisplay::Padded(width) => {
            let sign = if number < 0.0 { "-" } else { "" };
            let digits = number_text(number.abs());
            ConvertedCell::sound(format!("{sign}{digits:0>width$}"))
        }
        NumberDisplay::Formatted(code) => {
            let shown = shown_number(code, number);
            if shown.as_deref() == Some(&stored) {
                return ConvertedCell::sound(stored);
            }
            let fault = match shown {
                Some(shown) => SheetCellFault::ShownOtherwise {
                    shown: shown.into(),
                },
                None => SheetCellFault::SpecialFormat { code: code.clone() },
            };
            ConvertedCell::fault_in_key(stored, role, fault)
        }
    }
}

/// Rounds a number to the digits that a spreadsheet keeps and shows: 0.1 + 0.2 is 0.3.
fn round_to_kept_digits(number: f64) -> f64 {
    // Whole numbers are exact.
    if number.fract() == 0.0 {
        return number;
    }
    let decimals = DIGITS_KEPT - 1;
    format!("{number:.decimals$e}").parse().unwrap_or(number)
}

/// Returns a number in digits, or in scientific notation where a spreadsheet cannot do otherwise.
fn number_text(number: f64) -> String {
    // Zero has a sign.
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.abs() >= 1e21 || number.abs() < 1e-9 {
        let text = format!("{number:e}").replace('e', "E");
        return if text.contains("E-") {
            text
        } else {
            text.replace('E', "E+")
        };
    }
    number.to_string()
}

/// Returns a point in time in the form of ISO 8601, without the time at midnight, or the time alone
/// on the day 0 of the 1900 system. Returns `None` for a number that is no date.
fn iso_date_time(serial: f64, system: DateSystem) -> Option<String> {
    let last_day = match system {
        DateSystem::From1900 => LAST_DAY_IN_1900_SYSTEM,
        DateSystem::From1904 => LAST_DAY_IN_1904_SYSTEM,
    };
    // Not a number is outside as well.
    if !(0.0..last_day + 1.0).contains(&serial) {
        return None;
    }
    let seconds_of_day = ((serial - serial.floor()) * SECONDS_PER_DAY).round();
    let (day, seconds) = if seconds_of_day >= SECONDS_PER_DAY {
        (serial.floor() + 1.0, 0.0)
    } else {
        (serial.floor(), seconds_of_day)
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole numbers of a few million at most"
    )]
    let (day, seconds) = (day as i64, seconds as i64);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let date = match system {
        DateSystem::From1900 if day == 0 => return Some(time),
        DateSystem::From1904 if day == 0 && seconds > 0 => return Some(time),
        DateSystem::From1900 if day == LEAP_DAY_THAT_NEVER_WAS => "1900-02-29".to_owned(),
        DateSystem::From1900 if day < LEAP_DAY_THAT_NEVER_WAS => {
            day_after(date(1899, 12, 31), day)?
        }
        DateSystem::From1900 => day_after(date(1899, 12, 30), day)?,
        DateSystem::From1904 => day_after(date(1904, 1, 1), day)?,
    };
    if seconds == 0 {
        return Some(date);
    }
    Some(format!("{date}T{time}"))
}

fn day_after(first: Date, days: i64) -> Option<String> {
    let span = jiff::Span::new().try_days(days).ok()?;
    Some(first.checked_add(span).ok()?.to_string())
}

/// Returns a span of time as hours, minutes and seconds.
fn time_span(days: f64) -> Option<String> {
    if !(0.0..=LAST_DAY_IN_1900_SYSTEM).contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    let seconds = (days * SECONDS_PER_DAY).round() as i64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    Some(format!("{hours}:{minutes:02}:{:02}", seconds % 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnRole::{Descriptive, Key};
    use StoredValue::{DateTime, Error, IsoDateTime, Number, Text, TimeSpan, Truth};

    fn convert(
        value: StoredValue<'static>,
        code: &str,
        role: ColumnRole,
    ) -> (String, Option<SheetCellFault>) {
        let display = NumberDisplay::from_code(code);
        let cell = convert_cell(value, &display, DateSystem::From1900, role);
        (cell.text.into_owned(), cell.fault)
    }

    #[test]
    fn a_key_is_what_its_author_sees_or_a_fault() {
        let shown = |shown: &str| {
            Some(SheetCellFault::ShownOtherwise {
                shown: shown.into(),
            })
        };
        let special = |code: &str| Some(SheetCellFault::SpecialFormat { code: code.into() });
        for (value, code, text, fault) in [
            (Text("C-042"), "General", "C-042", None),
            (Text(" C-042 "), "@", " C-042 ", None),
            (Number(48213.0), "General", "48213", None),
            (Number(48213.0), "0", "48213", None),
            (Number(48213.0), "@", "48213", None),
            (Number(-5.0), "General", "-5", None),
            (Number(-0.0), "General", "0", None),
            (Number(42.0), "00000", "00042", None),
            (Number(123_456.0), "00000", "123456", None),
            (Number(-42.0), "00000", "-00042", None),
            (Number(48213.0), "0_);(0)", "48213", None),
            (Number(48213.0), "#,##0.00", "48213", shown("48,213.00")),
            (Number(42.0), "\"C-\"000", "42", shown("C-042")),
            (Number(48213.0), "0.00E+00", "48213", special("0.00E+00")),
            (
                Number(48213.5),
                "General",
                "48213.5",
                Some(SheetCellFault::Fraction),
            ),
            (
                Number(48213.4),
                "0",
                "48213.4",
                Some(SheetCellFault::Fraction),
            ),
            (Number(48_213.000_000_000_01), "General", "48213", None),
            (
                Number(999_999_999_999_999.0),
                "General",
                "999999999999999",
                None,
            ),
            (
                Number(1_234_567_890_123_450.0),
                "0",
                "1234567890123450",
                Some(SheetCellFault::TooManyDigits),
            ),
            (
                Number(1e300),
                "General",
                "1E+300",
                Some(SheetCellFault::TooManyDigits),
            ),
            (Truth(true), "General", "TRUE", Some(SheetCellFault::Truth)),
            (
                DateTime(46093.0),
                "d-mmm",
                "2026-03-12",
                Some(SheetCellFault::Date),
            ),
            (
                IsoDateTime("2026-03-12T00:00:00"),
                "General",
                "2026-03-12",
                Some(SheetCellFault::Date),
            ),
            (
                TimeSpan(1.5),
                "[h]:mm",
                "36:00:00",
                Some(SheetCellFault::Date),
            ),
            (Error("#N/A"), "General", "#N/A", None),
            (StoredValue::Blank, "#,##0", "", None),
        ] {
            let converted = convert(value, code, Key);
            assert_eq!(converted, (text.to_owned(), fault), "{value:?} as {code}");
        }
    }

    #[test]
    fn other_cells_become_their_text() {
        for (value, code, text) in [
            (Number(0.1 + 0.2), "General", "0.3"),
            (Number(1234.5), "#,##0.00", "1234.5"),
            (Number(7.0), "000", "007"),
            (Number(1e21), "General", "1E+21"),
            (Number(1.5e-10), "General", "1.5E-10"),
            (Truth(false), "General", "FALSE"),
            (Error("#REF!"), "General", "#REF!"),
            (DateTime(46093.75), "m/d/yy h:mm", "2026-03-12T18:00:00"),
            (DateTime(-1.0), "d-mmm", "-1"),
        ] {
            let converted = convert(value, code, Descriptive);
            assert_eq!(converted, (text.to_owned(), None), "{value:?} as {code}");
        }
    }

    #[test]
    fn dates_are_right_in_both_systems() {
        for (serial, from_1900, from_1904) in [
            (0.0, "00:00:00", "1904-01-01"),
            (0.5, "12:00:00", "12:00:00"),
            (1.0, "1900-01-01", "1904-01-02"),
            (59.0, "1900-02-28", "1904-02-29"),
            (60.0, "1900-02-29", "1904-03-01"),
            (61.0, "1900-03-01", "1904-03-02"),
            (44631.25, "2022-03-11T06:00:00", "2026-03-12T06:00:00"),
            (46_093.999_999, "2026-03-13", "2030-03-14"),
            (2_957_003.0, "9995-12-30", "9999-12-31"),
        ] {
            let text = |system| iso_date_time(serial, system).unwrap();
            assert_eq!(text(DateSystem::From1900), from_1900, "{serial}");
            assert_eq!(text(DateSystem::From1904), from_1904, "{serial}");
        }
        assert_eq!(
            iso_date_time(2_958_465.0, DateSystem::From1900).unwrap(),
            "9999-12-31"
        );
        for serial in [2_958_466.0, f64::NAN, f64::INFINITY, -0.5] {
            assert_eq!(iso_date_time(serial, DateSystem::From1900), None);
        }
    }
}
