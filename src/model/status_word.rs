//! Words by which a service reports the status of a job.

/// Word by which a service reports the status of a job.
///
/// Guarantees: 1 to 64 ASCII letters, digits or `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusWord(Box<str>);

impl StatusWord {
    /// Checks a word typed by a user.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        fits.then(|| Self(text.into()))
            .ok_or_else(|| "a word of letters, digits and `_` is expected".to_owned())
    }

    /// Returns `true` if a job's status equals the word, ignoring case.
    pub fn matches(&self, status: &str) -> bool {
        self.0.eq_ignore_ascii_case(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_the_same_word_in_capitals_or_not() {
        let word = StatusWord::parse("Completed_2").unwrap();
        assert!(word.matches("COMPLETED_2"));
        assert!(!word.matches("COMPLETED"));
    }
}
