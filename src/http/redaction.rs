//! Removal of secrets from texts of other parties: a service can repeat a key in its refusal, and a
//! storage can repeat the presigned address.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// Text in place of a secret.
const REDACTION_TEXT: &str = "[hidden]";

/// Length of the shortest secret, in bytes. Shorter values occur in ordinary words.
const MIN_SECRET_BYTES: usize = 6;

/// Secrets to remove from texts.
pub(super) struct SecretRedactor(Vec<SecretString>);

impl SecretRedactor {
    /// Returns a redactor for these values.
    pub(super) fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let values = values
            .into_iter()
            .filter(|value| value.len() >= MIN_SECRET_BYTES);
        Self(values.map(SecretString::from).collect())
    }

    /// Returns a redactor for the query values of a presigned URL, in their raw and in their
    /// decoded form.
    pub(super) fn from_presigned_url(url: &Url) -> Self {
        let raw = url.query().unwrap_or_default().split('&');
        let raw = raw.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned()));
        let decoded = url.query_pairs().map(|(_, value)| value.into_owned());
        let values: Vec<String> = raw.chain(decoded).collect();
        Self::new(values.iter().map(String::as_str))
    }

    /// Returns a text without the secrets, with each URL cut to scheme and host.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            text = text.replace(secret.expose_secret(), REDACTION_TEXT);
        }
        cut_urls_to_hosts(&text)
    }
}

impl fmt::Debug for SecretRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Cuts each URL in a text to scheme and host.
fn cut_urls_to_hosts(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let end = after.find(ends_url).unwrap_or(after.len());
        let (url, next) = after.split_at(end);
        shown.push_str(before);
        shown.push_str(&host_without_path(url));
        rest = next;
    }
    shown + rest
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

/// Returns the host of a URL after `://`, without user, path, query and fragment.
fn host_without_path(url: &str) -> String {
    let end = url.find(['/', '?', '#', '\\']).unwrap_or(url.len());
    let (authority, beyond) = url.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let more = if beyond.len() > 1 { "/…" } else { beyond };
    format!("{host}{more}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_that_is_repeated_is_hidden_and_ordinary_words_are_not() {
        let secrets = SecretRedactor::new(["the-secret-key", "me", ""]);
        assert_eq!(
            secrets.redact("me: the key the-secret-key has expired"),
            "me: the key [hidden] has expired"
        );
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }

    #[test]
    fn of_an_address_only_the_host_is_shown() {
        let secrets = SecretRedactor::new([]);
        for (said, shown) in [
            (
                "see https://docs.example.com/a?b=c#d, or ask",
                "see https://docs.example.com/… or ask",
            ),
            (
                "<a href=\"https://me:word@example.com/\">x</a>",
                "<a href=\"https://example.com/\">x</a>",
            ),
            ("s3://bucket?x", "s3://bucket/…"),
            ("http://a/b http://c/d", "http://a/… http://c/…"),
            ("no address: //", "no address: //"),
            ("://", "://"),
        ] {
            assert_eq!(secrets.redact(said), shown);
        }
    }

    #[test]
    fn what_makes_an_address_a_presigned_one_is_hidden_in_both_spellings() {
        let url = "https://example.com/a?X-Amz-Credential=AKIA%2F20261122&X-Amz-Signature=abcdef";
        let secrets = SecretRedactor::from_presigned_url(&Url::parse(url).unwrap());
        assert_eq!(
            secrets.redact("AKIA%2F20261122 AKIA/20261122 abcdef"),
            "[hidden] [hidden] [hidden]"
        );
    }

    proptest! {
        #[test]
        fn no_query_of_an_address_outlives_the_hiding(
            before in ".{0,20}",
            host in "[a-z.]{1,20}",
            path in "(/[a-z@:?#]{0,10}){0,3}",
            query in "CANARY[A-Za-z0-9%&=/:?@.-]{0,30}",
            after in "( .{0,20})?",
        ) {
            let said = format!("{before}https://{host}{path}?{query}{after}");
            let shown = SecretRedactor::new([]).redact(&said);
            prop_assert!(!shown.contains("CANARY"), "{}", shown);
        }

        #[test]
        fn no_key_outlives_the_hiding(before in ".{0,20}", key in "[!-~]{6,40}", after in ".{0,20}") {
            let shown = SecretRedactor::new([key.as_str()]).redact(&format!("{before}{key}{after}"));
            prop_assert!(!shown.replace(REDACTION_TEXT, "").contains(&key), "{}", shown);
        }
    }
}
