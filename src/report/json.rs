//! Report for machines. `schema.md` beside this file describes the members.

use std::fmt::Write as _;

use super::facts::Report;
use crate::text::is_unsafe_to_print;

/// Renders the whole file.
pub fn render(report: &Report) -> String {
    let json = serde_json::to_string_pretty(report);
    let mut text = escape_acting_characters(&json.expect("numbers and strings are always JSON"));
    text.push('\n');
    text
}

/// Returns the same JSON with escapes for all characters in strings that would act on a reader of
/// the file. JSON outside of strings has no such characters.
fn escape_acting_characters(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unsafe_to_print(c) {
            // All of these characters have four digits. Writing to a String never fails.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_file_acts_on_a_terminal_and_every_text_reads_back_as_it_was() {
        let text = "\u{1b}[2J\u{9b}31m\u{202e}fdp\u{2028}\u{7f}\n\"\\é";
        let json = escape_acting_characters(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_unsafe_to_print), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
