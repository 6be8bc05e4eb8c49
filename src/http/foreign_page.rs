//! Descriptions of bodies sent by something between consign and a service, such as a firewall or a
//! sign-in page.
//!
//! A page is the text of an unknown host. A description shows only the title and the reference (by
//! which the people who run the firewall find the refusal), cut short, without secrets, and without
//! characters on which a terminal would act.

use super::redaction::SecretRedactor;
use crate::text::is_unsafe_to_print;

/// Longest title or text in a description, in characters.
const MAX_TITLE_CHARS: usize = 120;

/// Lengths of references, in bytes: shorter ones are words, and people do not pass on longer texts.
const REFERENCE_LENGTHS: std::ops::RangeInclusive<usize> = 5..=80;

/// Length of the searched part of a page, in bytes. Pages of firewalls are short.
const MAX_SEARCHED_BYTES: usize = 64 * 1024;

/// Words of firewalls before the reference of a refusal, in lower case. Longer words come first.
const REFERENCE_NAMES: [&str; 11] = [
    "support id",
    "incident id",
    "incident number",
    "reference id",
    "reference number",
    "reference",
    "request id",
    "event id",
    "block id",
    "ray id",
    "ref a",
];

/// Elements whose text a browser does not show.
const INVISIBLE_ELEMENTS: [&str; 2] = ["script", "style"];

/// Returns true if a body is a web page, by media type or by first bytes.
pub(super) fn is_web_page(media_type: &str, body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let begins_with = |word: &[u8]| {
        let start = start.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    media_type == "text/html" || begins_with(b"<!doctype html") || begins_with(b"<html")
}

/// Describes a body from elsewhere than the service: kind, title and reference.
pub(super) fn describe_body(media_type: &str, body: &[u8], secrets: &SecretRedactor) -> String {
    let body = &body[..body.len().min(MAX_SEARCHED_BYTES)];
    let text = String::from_utf8_lossy(body);
    let (kind, title) = if is_web_page(media_type, body) {
        ("a web page", page_title(&text))
    } else {
        match media_type {
            "text/plain" => ("a text", Some(text.to_string())),
            "text/xml" | "application/xml" => ("an XML document", None),
            json if json.ends_with("json") => ("JSON that is not the service's", None),
            _ => ("something that is not the service's", None),
        }
    };
    // Cutting comes last, since a secret that is cut in two would not be recognised.
    let shown = |text: String, most| -> String {
        let text = secrets.redact(&text);
        text.chars().take(most).collect()
    };
    let title = title.map(|title| shown(single_line(&title), MAX_TITLE_CHARS));
    let title = title.filter(|title| !title.is_empty());
    let title = title.map_or_else(String::new, |title| format!(": \"{title}\""));
    let reference = find_reference(&single_line(&visible_text(&text)));
    let reference = reference.map_or_else(String::new, |reference| {
        let longest = *REFERENCE_LENGTHS.end();
        format!(" (reference {})", shown(reference, longest))
    });
    format!("{kind}{title}{reference}")
}

/// Returns the title of a page, or else its first heading.
fn page_title(page: &str) -> Option<String> {
    let seen = |name| {
        let inside = visible_text(element_content(page, name)?);
        (!inside.trim().is_empty()).then_some(inside)
    };
    seen("title").or_else(|| seen("h1"))
}

/// Returns the content of the first element of a name.
fn element_content<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let (start, end) = find_element(page, name)?;
    let inside = &page[start..end];
    Some(&inside[inside.find('>')? + 1..])
}

/// Finds the first element of a name: the place just after the name in the start tag, and the place
/// of the end tag.
fn find_element(page: &str, name: &str) -> Option<(usize, usize)> {
    let lower = page.to_ascii_lowercase();
    let open = format!("<{name}");
    let mut from = 0;
    let start = loop {
        let start = from + lower[from..].find(&open)? + open.len();
        // The name must end here: the start of `<header>` is no `<h>`.
        if lower[start..].starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
            break start;
        }
        from = start;
    };
    let end = lower[start..].find(&format!("</{name}"));
    Some((start, end.map_or(page.len(), |end| start + end)))
}

/// Returns the text shown by a browser: no tags, no scripts and no styles.
fn visible_text(page: &str) -> String {
    let mut page = page.to_owned();
    for name in INVISIBLE_ELEMENTS {
        while let Some((start, end)) = find_element(&page, name) {
            page.replace_range(start - name.len() - 1..end, " ");
            // The end tag stays, and is removed below like any other tag.
        }
    }
    let mut seen = String::with_capacity(page.len());
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        seen.push_str(before);
        seen.push(' ');
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    seen.push_str(rest);
    for (name, character) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        seen = seen.replace(name, character);
    }
    seen
}

fn single_line(text: &str) -> String {
    let plain = |c: char| match c {
        '"' => '\'',
        c if is_unsafe_to_print(c) => ' ',
        c => c,
    };
    let text: String = text.chars().map(plain).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Finds the reference by which the people who run the firewall find the refusal.
fn find_reference(text: &str) -> Option<String> {
    // Only ASCII letters change, so byte positions stay valid for the original text.
    let lower = text.to_ascii_lowercase();
    REFERENCE_NAMES.iter().find_map(|name| {
        let mut places = lower.match_indices(name);
        places.find_map(|(at, _)| parse_reference(&text[at + name.len()..]))
    })
}

/// Parses a reference at the start of a text, after a few signs and short words.
fn parse_reference(text: &str) -> Option<String> {
    let is_sign = |c: char| c.is_whitespace() || matches!(c, ':' | '#' | '=' | '(' | '[');
    let mut rest = text.trim_start_matches(is_sign);
    for word in ["is", "number", "no.", "id"] {
        let lower = rest.to_ascii_lowercase();
        if let Some(after) = lower.strip_prefix(word)
            && after.starts_with(is_sign)
        {
            rest = rest[word.len()..].trim_start_matches(is_sign);
        }
    }
    let is_in_it = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=' | '&');
    let end = rest.find(|c| !is_in_it(c)).unwrap_or(rest.len());
    let reference = rest[..end].trim_end_matches(['.', '-']);
    // A candidate without a digit would be a word.
    let has_digit = reference.contains(|c: char| c.is_ascii_digit());
    (has_digit && REFERENCE_LENGTHS.contains(&reference.len())).then(|| reference.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(body: &str) -> String {
        describe_body("text/html", body.as_bytes(), &SecretRedactor::new([]))
    }

    #[test]
    fn a_page_is_told_by_its_title_and_by_the_reference_of_the_refusal() {
        for (body, told) in [
            (
                "<html><head><title>Request Rejected</title></head><body>The requested URL was \
                 rejected. Please consult with your administrator.<br><br>Your support ID is: \
                 1234567890123456789<br></body></html>",
                "a web page: \"Request Rejected\" (reference 1234567890123456789)",
            ),
            (
                "<HTML><HEAD>\n<TITLE>Access\n Denied</TITLE>\n</HEAD><BODY>\n<H1>No</H1>\n\
                 Reference&#32;&#35;18.2f1b0317.1700000000.1a2b3c\n</BODY></HTML>",
                "a web page: \"Access Denied\"",
            ),
            (
                "<title>Access Denied</title><p>Reference #18.2f1b0317.1700000000.1a2b3c</p>",
                "a web page: \"Access Denied\" (reference 18.2f1b0317.1700000000.1a2b3c)",
            ),
            (
                "<!doctype html><title>Attention Required! | Cloudflare</title>Cloudflare Ray ID: \
                 <strong>7d3a1b2c4d5e6f70</strong>",
                "a web page: \"Attention Required! | Cloudflare\" (reference 7d3a1b2c4d5e6f70)",
            ),
            (
                "<header>x</header><h1>413 Request Entity Too Large</h1><hr>nginx",
                "a web page: \"413 Request Entity Too Large\"",
            ),
            ("<title> </title>for reference see below", "a web page"),
            ("", "a web page"),
        ] {
            assert_eq!(page(body), told);
        }
    }

    #[test]
    fn what_is_no_page_is_told_by_its_kind() {
        let told = |media_type, body: &str| {
            describe_body(
                media_type,
                body.as_bytes(),
                &SecretRedactor::new(["the-secret-key"]),
            )
        };
        assert_eq!(
            told("text/plain", "blocked by\npolicy the-secret-key"),
            "a text: \"blocked by policy [hidden]\""
        );
        assert_eq!(
            told("application/json", "{\"message\":\"Forbidden\"}"),
            "JSON that is not the service's"
        );
        assert_eq!(told("", "<HTML><title>x</title>"), "a web page: \"x\"");
        assert_eq!(told("", "x"), "something that is not the service's");
        assert_eq!(told("application/xml", "<a/>"), "an XML document");
    }

    #[test]
    fn scripts_and_what_a_terminal_would_act_on_are_left_out() {
        assert_eq!(
            page(
                "<script>var id = \"support id: 12345678\"</script><title>\u{1b}[2J \"No\" \
                 <script>alert(1)</script>\u{202e}</title>"
            ),
            "a web page: \"[2J 'No'\""
        );
    }

    proptest! {
        #[test]
        fn whatever_a_page_holds_is_told_in_one_short_line_without_secrets(
            body in "(<|>|/|title|script|h1|reference|ref a| |#|CANARY-123|é|İ|.){0,60}",
        ) {
            let told = describe_body("text/html", body.as_bytes(), &SecretRedactor::new(["CANARY-123"]));
            prop_assert!(told.chars().count() < 300);
            prop_assert!(!told.contains("CANARY-123"));
            prop_assert!(!told.chars().any(is_unsafe_to_print));
        }
    }
}
