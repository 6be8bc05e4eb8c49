//! The values of a report: each says itself to a person by [`fmt::Display`] and to a machine by
//! [`Serialize`], so that no template can show one that is not safe to show.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use crate::progress::size;
use crate::text::{escape, grouped};

/// How much of a text a report holds, in characters. No cell of a row that was fit to send is longer,
/// but for very long paths.
const HELD: usize = 1_000;

/// Text of others: of the manifest, the results, or the service.
///
/// Guarantees: a person sees every character that would act on whoever looks at it written out, and
/// nobody gets more than a thousand characters. (What HTML makes of it is the template's business.)
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Text(Box<str>);

impl Text {
    /// The text, cut where it is very long.
    pub fn of(text: &str) -> Self {
        match text.char_indices().nth(HELD) {
            None => Self(text.into()),
            Some((end, _)) => {
                let length = text.chars().count();
                Self(format!("{}… ({length} characters)", &text[..end]).into())
            }
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes it takes in HTML.
    pub fn weight(&self) -> usize {
        escape(&self.0)
            .chars()
            .map(|c| match c {
                '<' | '>' | '&' | '"' | '\'' => 5,
                c => c.len_utf8(),
            })
            .sum()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// How many there are of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Count(pub u64);

impl Count {
    /// Counts one more.
    pub fn increase(&mut self) {
        self.0 += 1;
    }

    /// Whether there is none.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grouped(self.0))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Adds some. What no file can have is not worth an overflow.
    pub fn add(&mut self, bytes: u64) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// The number with its thousands set apart.
    pub fn exactly(self) -> String {
        grouped(self.0)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&size(self.0))
    }
}

/// A point in time, shown in UTC, since the report must not depend on where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// As `<time datetime>` wants it.
    pub fn for_machines(self) -> String {
        self.0.to_string()
    }

    /// As it is shown, where it is said elsewhere that it is in UTC.
    pub fn without_zone(self) -> String {
        let time = self.0.to_zoned(TimeZone::UTC);
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} UTC", self.without_zone())
    }
}

/// The first and the last of some points in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    /// Takes one more.
    pub fn take(&mut self, time: Timestamp) {
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
    }

    /// The first.
    pub fn first(self) -> Option<Moment> {
        self.0.map(|(first, _)| Moment(first))
    }

    /// The last.
    pub fn last(self) -> Option<Moment> {
        self.0.map(|(_, last)| Moment(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_shows_what_would_act_and_is_handed_on_as_it_is() {
        let text = Text::of("a\u{1b}[2J\u{202e}b");
        assert_eq!(text.to_string(), "a\\u{1b}[2J\\u{202e}b");
        assert_eq!(serde_json::to_value(&text).unwrap(), "a\u{1b}[2J\u{202e}b");
    }

    #[test]
    fn text_of_others_is_weighed_as_html_shows_it_and_never_endless() {
        assert_eq!(Text::of("<é\u{7}").weight(), "&#60;é\\u{7}".len());
        let long = Text::of(&"ä".repeat(5_000)).to_string();
        assert!(long.ends_with("ä… (5000 characters)"), "{long}");
        assert!(long.chars().count() < HELD + 30);
    }

    #[test]
    fn a_span_has_the_first_and_the_last_of_its_times_in_whatever_order_they_come() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut span = Span::default();
        assert_eq!((span.first(), span.last()), (None, None));
        for time in [
            "2026-01-02T00:00:00Z",
            "2026-01-03T00:00:00Z",
            "2026-01-01T00:00:00Z",
        ] {
            span.take(at(time));
        }
        assert_eq!(span.first().unwrap().to_string(), "2026-01-01 00:00:00 UTC");
        assert_eq!(span.last(), Some(Moment(at("2026-01-03T00:00:00Z"))));
    }
}
