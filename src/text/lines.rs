//! Numbers of lines, counted as editors count them: `\n`, `\r\n` and a lone `\r` (of an old Macintosh)
//! each end a line.

/// How many lines end in a piece of a text. A piece must not end between the two bytes of `\r\n`.
pub fn line_breaks(text: &[u8]) -> usize {
    memchr::memchr2_iter(b'\n', b'\r', text)
        .filter(|at| text[*at] == b'\n' || text.get(at + 1) != Some(&b'\n'))
        .count()
}

/// Numbers the lines of records that go by in the order in which they stand in a text.
///
/// (The csv crate numbers lines too, but counts `\n` alone, and only once it has gone past them: in a
/// file with `\r\n`, each of its numbers is one too low.)
#[derive(Debug)]
pub struct LineCounter {
    line: u64,
    counted: usize,
}

impl Default for LineCounter {
    /// At the beginning of a text, on line 1.
    fn default() -> Self {
        Self {
            line: 1,
            counted: 0,
        }
    }
}

impl LineCounter {
    /// The line of the record that begins at an offset, or after the line breaks that stand there.
    pub fn line_of_record(&mut self, text: &[u8], offset: usize) -> u64 {
        let breaks = text[offset..]
            .iter()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let start = offset + breaks.count();
        self.line += line_breaks(&text[self.counted..start]) as u64;
        self.counted = start;
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
            assert_eq!(line_breaks(text.as_bytes()), breaks, "{text:?}");
        }
    }

    #[test]
    fn a_record_stands_on_the_line_that_an_editor_shows() {
        for newline in ["\n", "\r\n", "\r"] {
            let text = ["one", "two\ntwo", "", "three", ""].join(newline);
            let mut lines = LineCounter::default();
            let after_one = "one".len() + newline.len();
            let after_two = after_one + "two\ntwo".len() + newline.len();
            // A reader may stop before or after the rest of a line break.
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
