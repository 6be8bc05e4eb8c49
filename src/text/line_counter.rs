//! Line numbers, counted as in editors: `\n`, `\r\n` and a lone `\r` (of an old Macintosh) each end
//! a line.

/// Counts the line breaks in a piece of text. A piece must not end between the two bytes of `\r\n`.
pub fn count_line_breaks(text: &[u8]) -> usize {
    memchr::memchr2_iter(b'\n', b'\r', text)
        .filter(|at| text[*at] == b'\n' || text.get(at + 1) != Some(&b'\n'))
        .count()
}

/// Counter for the line numbers of records, in the order of a text.
///
/// The line numbers of the csv crate do not serve: the crate counts `\n` alone, and only after
/// reading past the break, so in a file with `\r\n` each of its numbers is one too low.
#[derive(Debug)]
pub struct LineCounter {
    line: u64,
    counted_bytes: usize,
}

impl Default for LineCounter {
    /// Starts at line 1 of a text.
    fn default() -> Self {
        Self {
            line: 1,
            counted_bytes: 0,
        }
    }
}

impl LineCounter {
    /// Returns the line of the record at an offset. Line breaks at the offset are skipped first.
    /// Offsets must not decrease from call to call.
    pub fn line_of_record(&mut self, text: &[u8], offset: usize) -> u64 {
        let breaks = text[offset..]
            .iter()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let start = offset + breaks.count();
        self.line += count_line_breaks(&text[self.counted_bytes..start]) as u64;
        self.counted_bytes = start;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_break_ends_one_line() {
        for (text, breaks) in [
            ("", 0),
            ("a", 0),
            ("a\nb\n", 2),
            ("a\r\nb\r\n", 2),
            ("a\rb\r", 2),
            ("a\n\r\n\rb", 3),
            ("\n\n\r\r", 4),
        ] {
            assert_eq!(count_line_breaks(text.as_bytes()), breaks, "{text:?}");
        }
    }

    #[test]
    fn a_record_stands_on_the_line_that_an_editor_shows() {
        for newline in ["\n", "\r\n", "\r"] {
            let text = ["one", "two\ntwo", "", "three", ""].join(newline);
            let mut lines = LineCounter::default();
            let after_one = "one".len() + newline.len();
            let after_two = after_one + "two\ntwo".len() + newline.len();
            // A csv reader may stop before or after the rest of a line break.
            for (offset, line) in [(0, 1), (after_one - 1, 2), (after_one, 2), (after_two, 5)] {
                assert_eq!(
                    lines.line_of_record(text.as_bytes(), offset),
                    line,
                    "{text:?}"
                );
            }
        }
    }
}
