//! Values of a report. People get a value by [`fmt::Display`], machines by [`Serialize`], so that
//! no template can show a value in an unsafe form.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use crate::progress::human_size;
use crate::text::{escape, group_thousands};

/// Most characters of a text in a report. No cell of a row that was fit to send is longer, except
/// for very long paths.
const MAX_TEXT_CHARS: usize = 1_000;

/// Untrusted text, from the manifest, the results or the service.
///
/// Guarantees: [`fmt::Display`] writes out every character that would act on a reader, and no text
/// is longer than a thousand characters. Escaping for HTML is the business of the template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UntrustedText(Box<str>);

impl UntrustedText {
    /// Returns the text. A very long text is cut, with its length at the end.
    pub fn new(text: &str) -> Self {
        match text.char_indices().nth(MAX_TEXT_CHARS) {
            None => Self(text.into()),
            Some((end, _)) => {
                let length = text.chars().count();
                Self(format!("{}… ({length} characters)", &text[..end]).into())
            }
        }
    }

    /// True if the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of bytes of the text in HTML.
    pub fn html_bytes(&self) -> usize {
        escape(&self.0)
            .chars()
            .map(|c| match c {
                '<' | '>' | '&' | '"' | '\'' => 5,
                c => c.len_utf8(),
            })
            .sum()
    }
}

impl fmt::Display for UntrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl Serialize for UntrustedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Number of items, shown with grouped thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct ItemCount(pub u64);

impl ItemCount {
    /// Adds one.
    pub fn increase(&mut self) {
        self.0 += 1;
    }

    /// True for zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for ItemCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&group_thousands(self.0))
    }
}

/// Number of bytes, shown in binary units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

impl ByteCount {
    /// Adds bytes, up to the highest number: no file is large enough for an overflow to matter.
    pub fn add(&mut self, bytes: u64) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Returns the exact number with grouped thousands.
    pub fn exactly(self) -> String {
        group_thousands(self.0)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&human_size(self.0))
    }
}

/// Point in time, shown in UTC, because the report must not depend on the place where it is
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UtcTime(pub Timestamp);

impl UtcTime {
    /// Returns the value of the attribute `datetime` of `<time>`.
    pub fn for_machines(self) -> String {
        self.0.to_string()
    }

    /// Returns date and time without the zone, for use under a heading that names UTC.
    pub fn without_zone(self) -> String {
        let time = self.0.to_zoned(TimeZone::UTC);
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} UTC", self.without_zone())
    }
}

/// Range from the earliest to the latest of some times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange(Option<(Timestamp, Timestamp)>);

impl TimeRange {
    /// Extends the range to a time.
    pub fn include(&mut self, time: Timestamp) {
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
    }

    /// Earliest time; `None` for an empty range.
    pub fn first(self) -> Option<UtcTime> {
        self.0.map(|(first, _)| UtcTime(first))
    }

    /// Latest time; `None` for an empty range.
    pub fn last(self) -> Option<UtcTime> {
        self.0.map(|(_, last)| UtcTime(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_shows_what_would_act_and_is_handed_on_as_it_is() {
        let text = UntrustedText::new("a\u{1b}[2J\u{202e}b");
        assert_eq!(text.to_string(), "a\\u{1b}[2J\\u{202e}b");
        assert_eq!(serde_json::to_value(&text).unwrap(), "a\u{1b}[2J\u{202e}b");
    }

    #[test]
    fn text_of_others_is_weighed_as_html_shows_it_and_never_endless() {
        assert_eq!(
            UntrustedText::new("<é\u{7}").html_bytes(),
            "&#60;é\\u{7}".len()
        );
        let long = UntrustedText::new(&"ä".repeat(5_000)).to_string();
        assert!(long.ends_with("ä… (5000 characters)"), "{long}");
        assert!(long.chars().count() < MAX_TEXT_CHARS + 30);
    }

    #[test]
    fn a_span_has_the_first_and_the_last_of_its_times_in_whatever_order_they_come() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut span = TimeRange::default();
        assert_eq!((span.first(), span.last()), (None, None));
        for time in [
            "2026-01-02T00:00:00Z",
            "2026-01-03T00:00:00Z",
            "2026-01-01T00:00:00Z",
        ] {
            span.include(at(time));
        }
        assert_eq!(span.first().unwrap().to_string(), "2026-01-01 00:00:00 UTC");
        assert_eq!(span.last(), Some(UtcTime(at("2026-01-03T00:00:00Z"))));
    }
}
