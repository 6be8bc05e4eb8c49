//! Number formats of cells: which of them change no digit, and what a spreadsheet shows of a number.
//!
//! Only the common parts of a format are understood: digits, separators, fixed text, a currency and
//! a percent sign. Of any other format, [`shown_number`] says nothing rather than something wrong.

use std::borrow::Cow;

/// Effect of a number format on whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NumberDisplay {
    /// The format shows the number as stored: `General`, `0` and `@`.
    Plain,
    /// The format shows the number with at least so many digits: `00000`.
    Padded(usize),
    /// Any other format, by its code.
    Formatted(Box<str>),
}

impl NumberDisplay {
    /// Determines the effect of a format from its code.
    pub(super) fn from_code(code: &str) -> Self {
        match code {
            "" | "0" | "@" => Self::Plain,
            _ if code.eq_ignore_ascii_case("general") => Self::Plain,
            _ if code.bytes().all(|byte| byte == b'0') => Self::Padded(code.len()),
            _ => Self::Formatted(code.into()),
        }
    }
}

/// Longest number format that is understood, in bytes. Excel takes 255 characters.
const MAX_CODE_BYTES: usize = 255;

/// Returns a number as a spreadsheet shows it, or `None` where the format is not understood.
pub(super) fn shown_number(code: &str, number: f64) -> Option<String> {
    if code.len() > MAX_CODE_BYTES {
        return None;
    }
    let sections = split_sections(code)?;
    let (section, number, sign) = match (sections.len(), number < 0.0) {
        (1, true) => (&sections[0], -number, "-"),
        (1, false) => (&sections[0], number, ""),
        (_, true) => (&sections[1], -number, ""),
        (_, false) if number == 0.0 && sections.len() > 2 => (&sections[2], number, ""),
        (_, false) => (&sections[0], number, ""),
    };
    let shown = FormatSection::parse(section)?.show(number)?;
    Some(format!("{sign}{shown}").trim().to_owned())
}

/// Part of a number format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FormatToken<'c> {
    /// Text shown as written.
    Literal(Cow<'c, str>),
    /// Place of a digit: `0`, `#` or `?`.
    Digit(char),
    DecimalPoint,
    Comma,
    Percent,
    General,
}

/// Splits a format into its sections for positive numbers, negative numbers and zero. Returns
/// `None` for a format with conditions.
fn split_sections(code: &str) -> Option<Vec<Vec<FormatToken<'_>>>> {
    let mut sections = vec![Vec::new()];
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let tokens = sections.last_mut()?;
        let after = &rest[first.len_utf8()..];
        rest = match first {
            ';' => {
                sections.push(Vec::new());
                after
            }
            '"' => {
                let (text, after) = after.split_once('"')?;
                tokens.push(FormatToken::Literal(text.into()));
                after
            }
            '\\' | '_' | '*' => {
                let next = after.chars().next()?;
                match first {
                    '\\' => tokens.push(FormatToken::Literal(next.to_string().into())),
                    '_' => tokens.push(FormatToken::Literal(" ".into())),
                    _ => {}
                }
                &after[next.len_utf8()..]
            }
            '[' => {
                let (inside, after) = after.split_once(']')?;
                if let Some(currency) = inside.strip_prefix('$') {
                    let symbol = currency.split('-').next().unwrap_or_default();
                    tokens.push(FormatToken::Literal(symbol.into()));
                } else if !inside.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    return None;
                }
                after
            }
            '0' | '#' | '?' => {
                tokens.push(FormatToken::Digit(first));
                after
            }
            '.' => {
                tokens.push(FormatToken::DecimalPoint);
                after
            }
            ',' => {
                tokens.push(FormatToken::Comma);
                after
            }
            '%' => {
                tokens.push(FormatToken::Percent);
                after
            }
            'G' | 'g' => {
                let length = "General".len();
                let word = rest.get(..length)?;
                if !word.eq_ignore_ascii_case("General") {
                    return None;
                }
                tokens.push(FormatToken::General);
                &rest[length..]
            }
            ' ' | '-' | '+' | '(' | ')' | '$' | ':' | '!' | '&' | '\'' | '~' | '{' | '}' => {
                tokens.push(FormatToken::Literal(first.to_string().into()));
                after
            }
            _ if first.is_ascii() => return None,
            _ => {
                tokens.push(FormatToken::Literal(first.to_string().into()));
                after
            }
        };
    }
    Some(sections)
}

/// Section of a format, taken apart at the decimal point.
struct FormatSection<'c> {
    whole: Vec<FormatToken<'c>>,
    fraction: Vec<FormatToken<'c>>,
    has_point: bool,
    has_grouping: bool,
    /// Power of a thousand by which the number is divided before it is shown.
    thousands: i32,
    percents: i32,
}

impl<'c> FormatSection<'c> {
    fn parse(tokens: &[FormatToken<'c>]) -> Option<Self> {
        let is_digit = |token: &FormatToken<'_>| matches!(token, FormatToken::Digit(_));
        let point = tokens
            .iter()
            .position(|token| *token == FormatToken::DecimalPoint);
        let (whole, fraction) = match point {
            Some(at) => (&tokens[..at], &tokens[at + 1..]),
            None => (tokens, &[][..]),
        };
        if fraction.contains(&FormatToken::DecimalPoint) {
            return None;
        }
        let last_digit = tokens.iter().rposition(is_digit);
        let mut has_grouping = false;
        let mut thousands = 0;
        for (at, token) in tokens.iter().enumerate() {
            if *token != FormatToken::Comma {
                continue;
            }
            match last_digit {
                Some(last) if at < last => has_grouping = true,
                Some(_) => thousands += 1,
                None => return None,
            }
        }
        let percents = tokens
            .iter()
            .filter(|token| **token == FormatToken::Percent)
            .count();
        Some(Self {
            whole: whole.to_vec(),
            fraction: fraction.to_vec(),
            has_point: point.is_some(),
            has_grouping,
            thousands,
            percents: i32::try_from(percents).ok()?,
        })
    }

    fn show(&self, number: f64) -> Option<String> {
        let scaled = number * 100_f64.powi(self.percents) / 1000_f64.powi(self.thousands);
        if !scaled.is_finite() || scaled >= 1e15 {
            return None;
        }
        let is_digit = |token: &&FormatToken<'_>| matches!(token, FormatToken::Digit(_));
        let decimals = self.fraction.iter().filter(is_digit).count();
        // A spreadsheet rounds halves up.
        let power = 10_f64.powi(i32::try_from(decimals).ok()?);
        let rounded = (scaled * power).round() / power;
        let digits = format!("{rounded:.decimals$}");
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let mut shown = self.show_whole(whole, scaled)?;
        if self.has_point {
            shown.push('.');
        }
        shown += &self.show_fraction(fraction);
        Some(shown)
    }

    /// Fills the places before the decimal point from the right; the leftmost place takes all
    /// remaining digits.
    fn show_whole(&self, whole: &str, number: f64) -> Option<String> {
        let whole = if whole == "0" { "" } else { whole };
        let mut digits = whole.chars().rev().peekable();
        let mut places = self
            .whole
            .iter()
            .filter(|token| matches!(token, FormatToken::Digit(_)))
            .count();
        let mut reversed: Vec<Cow<'_, str>> = Vec::new();
        let mut written = 0;
        let push_digit = |reversed: &mut Vec<Cow<'_, str>>, digit: char, written: &mut usize| {
            if self.has_grouping && *written > 0 && (*written).is_multiple_of(3) {
                reversed.push(",".into());
            }
            *written += 1;
            reversed.push(digit.to_string().into());
        };
        for token in self.whole.iter().rev() {
            match token {
                FormatToken::Literal(text) => reversed.push(text.clone()),
                FormatToken::Percent => reversed.push("%".into()),
                FormatToken::General => {
                    if places > 0 || number.fract() != 0.0 {
                        return None;
                    }
                    reversed.push(format!("{number}").into());
                }
                FormatToken::DecimalPoint | FormatToken::Comma => {}
                FormatToken::Digit(place) => {
                    match (digits.next(), place) {
                        (Some(digit), _) => push_digit(&mut reversed, digit, &mut written),
                        (None, '0') => push_digit(&mut reversed, '0', &mut written),
                        (None, '?') => reversed.push(" ".into()),
                        (None, _) => {}
                    }
                    places -= 1;
                    if places == 0 {
                        for digit in digits.by_ref() {
                            push_digit(&mut reversed, digit, &mut written);
                        }
                    }
                }
            }
        }
        reversed.reverse();
        Some(reversed.concat())
    }

    fn show_fraction(&self, fraction: &str) -> String {
        // A `#` shows no zero at the end.
        let kept = fraction.trim_end_matches('0').len();
        let mut digits = fraction.char_indices();
        let mut shown = String::new();
        for token in &self.fraction {
            match token {
                FormatToken::Digit(place) => {
                    if let Some((at, digit)) = digits.next()
                        && (at < kept || *place == '0')
                    {
                        shown.push(digit);
                    }
                }
                FormatToken::Literal(text) => shown += text,
                FormatToken::Percent => shown.push('%'),
                FormatToken::DecimalPoint | FormatToken::Comma | FormatToken::General => {}
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_change_no_digit_are_told_from_those_that_do() {
        for (code, display) in [
            ("General", NumberDisplay::Plain),
            ("GENERAL", NumberDisplay::Plain),
            ("@", NumberDisplay::Plain),
            ("0", NumberDisplay::Plain),
            ("00000", NumberDisplay::Padded(5)),
            ("0.00", NumberDisplay::Formatted("0.00".into())),
        ] {
            assert_eq!(NumberDisplay::from_code(code), display, "{code}");
        }
    }

    #[test]
    fn a_number_is_shown_as_a_spreadsheet_shows_it() {
        for (code, number, shown) in [
            ("#,##0.00", 48213.0, "48,213.00"),
            ("#,##0", 1_234_567.0, "1,234,567"),
            ("#,##0", 213.0, "213"),
            ("0%", 0.25, "25%"),
            ("0.0", 48213.25, "48213.3"),
            ("0.##", 48213.5, "48213.5"),
            ("\"C-\"00000", 42.0, "C-00042"),
            ("00-0000", 48213.0, "04-8213"),
            ("00000\\-0000", 123_456_789.0, "12345-6789"),
            ("[$€-407] #,##0", 5000.0, "€ 5,000"),
            (
                "#,##0\\ [$€-407];[Red]-#,##0\\ [$€-407]",
                -5000.0,
                "-5,000 €",
            ),
            ("0_);(0)", 48213.0, "48213"),
            ("0_);(0)", -7.0, "(7)"),
            ("0;-0;\"none\"", 0.0, "none"),
            ("#", 48213.0, "48213"),
            ("0,", 48213.0, "48"),
            ("\"Nr. \"General", 7.0, "Nr. 7"),
            ("0", -7.0, "-7"),
            ("$#,##0", 1000.0, "$1,000"),
        ] {
            assert_eq!(shown_number(code, number).as_deref(), Some(shown), "{code}");
        }
    }

    #[test]
    fn of_a_format_that_is_not_understood_nothing_is_said() {
        for code in [
            "0.00E+00",
            "# ?/?",
            "[>=100]0;0.0",
            "yyyy",
            "\"open",
            "0.0.0",
            "\\",
            "Gen",
            "[$",
        ] {
            assert_eq!(shown_number(code, 48213.0), None, "{code}");
        }
        assert_eq!(shown_number("#,##0", 1e300), None);
        assert_eq!(shown_number(&"0".repeat(300), 1.0), None);
    }
}
