//! The report for machines. What each member holds is told in `schema.md`, beside this file.

use std::fmt::Write as _;

use super::facts::Report;
use crate::text::acts_on_a_reader;

/// The whole file.
pub fn render(report: &Report) -> String {
    let json = serde_json::to_string_pretty(report);
    let mut text = inert(&json.expect("numbers and strings are always JSON"));
    text.push('\n');
    text
}

/// The same JSON, with every character of its strings that would act on whoever looks at the file
/// written as a number. What stands outside of strings has none.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && acts_on_a_reader(c) {
            // All of them have four digits. A String takes whatever is written to it.
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
        let json = inert(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(acts_on_a_reader), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
