//! Parser for spans of time in the notation of people: `1h 30m`.

use std::time::Duration;

/// Parses a span of time: `90s`, `30m`, `12h`, `1h 30m`. Fails with a message for the user when the
/// text is no span or is negative.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "a span of time is expected, such as 90s, 30m or 12h".to_owned())?;
    Duration::try_from(span).map_err(|_| "a span of time must not be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_as_people_write_them() {
        assert_eq!(parse_duration("12h"), Ok(Duration::from_hours(12)));
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert!(parse_duration("12").is_err());
        assert!(parse_duration("-5m").is_err());
    }
}
