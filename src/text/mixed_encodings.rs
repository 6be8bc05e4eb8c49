//! Survey of the lines of a text whose encoding is in doubt: lines that are UTF-8, and lines that are
//! not.
//!
//! Lines of plain ASCII count as neither. A line is counted by its break, without regard to quotes.

use std::fmt;

use encoding_rs::{Encoding, UTF_8};

use super::{count_with_noun, count_with_noun_and_verb, quoted};

/// Largest number of lines listed.
const MAX_LINES_LISTED: usize = 3;

/// Longest word shown, in bytes.
const MAX_WORD_BYTES: usize = 60;

/// Number of some lines, and the first few of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CountedLines {
    count: u64,
    first: Vec<usize>,
}

impl CountedLines {
    fn add(&mut self, line: usize) {
        self.count += 1;
        if self.first.len() < MAX_LINES_LISTED {
            self.first.push(line);
        }
    }
}

/// Writes the numbers of the lines: `lines 2, 5, 9 …`.
impl fmt::Display for CountedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed: Vec<String> = self.first.iter().map(usize::to_string).collect();
        let noun = if self.count == 1 { "line" } else { "lines" };
        write!(f, "{noun} {}", listed.join(", "))?;
        if self.count > self.first.len() as u64 {
            f.write_str(" …")?;
        }
        Ok(())
    }
}

/// Lines beyond ASCII of a text in two encodings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixedEncodings {
    utf_8: CountedLines,
    other: CountedLines,
}

impl MixedEncodings {
    /// Surveys a text that is not UTF-8 as a whole. Returns `None` if no line beyond ASCII is UTF-8.
    pub(super) fn survey(bytes: &[u8]) -> Option<Self> {
        let mixed = LineSurvey::of(bytes).mixed;
        (mixed.utf_8.count > 0).then_some(mixed)
    }
}

impl fmt::Display for MixedEncodings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the file has two encodings: beyond ASCII, {} UTF-8 ({}) and {} not ({})",
            count_with_noun_and_verb(self.utf_8.count, "line", ["is", "are"]),
            self.utf_8,
            count_with_noun_and_verb(self.other.count, "line", ["is", "are"]),
            self.other
        )
    }
}

/// Lines of UTF-8 in a text that is read in another encoding at the request of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MisreadLines {
    encoding: &'static str,
    lines: MixedEncodings,
    /// First word beyond ASCII, as UTF-8.
    word: String,
    /// The same word in the encoding of the user.
    misread_word: String,
}

impl MisreadLines {
    /// Surveys a text for which the user has named an encoding. Returns `None` if the text has no
    /// lines of UTF-8 beyond ASCII, or if the named encoding is not used.
    ///
    /// In an encoding with several bytes to a character, a line may be UTF-8 by chance, so only a
    /// text that is UTF-8 as a whole counts.
    pub fn survey(bytes: &[u8], named: Option<&'static Encoding>) -> Option<Self> {
        let named = named.filter(|named| *named != UTF_8 && named.is_ascii_compatible())?;
        if Encoding::for_bom(bytes).is_some() {
            return None;
        }
        let LineSurvey { mixed, first_utf_8 } = LineSurvey::of(bytes);
        if !named.is_single_byte() && mixed.other.count > 0 {
            return None;
        }
        let word = first_word_beyond_ascii(first_utf_8?)?;
        Some(Self {
            encoding: named.name(),
            lines: mixed,
            word: word.to_owned(),
            misread_word: named
                .decode_without_bom_handling(word.as_bytes())
                .0
                .into_owned(),
        })
    }

    /// Returns the first line of UTF-8.
    pub fn first_line(&self) -> usize {
        self.lines.utf_8.first.first().copied().unwrap_or(1)
    }

    /// Returns the number of lines of UTF-8 in words, as the subject of [`Self::predicate`].
    pub fn subject(&self) -> String {
        count_with_noun(self.lines.utf_8.count, "line")
    }

    /// Returns the finding in words: the numbers of the lines, and a word as the word reads and as it
    /// should read.
    pub fn predicate(&self) -> String {
        let verb = if self.lines.utf_8.count == 1 {
            "is"
        } else {
            "are"
        };
        format!(
            "{verb} UTF-8 beyond ASCII ({}), and --encoding {} makes {} of {}",
            self.lines.utf_8,
            self.encoding,
            quoted(&self.misread_word),
            quoted(&self.word)
        )
    }

    /// Returns the advice.
    pub fn remedy(&self) -> String {
        if self.lines.other.count == 0 {
            return "the whole file is UTF-8: leave out --encoding".to_owned();
        }
        format!(
            "{} not: the file has two encodings, so convert the one part and save all as UTF-8",
            count_with_noun_and_verb(self.lines.other.count, "line", ["is", "are"])
        )
    }
}

/// Lines beyond ASCII of a text.
struct LineSurvey<'t> {
    mixed: MixedEncodings,
    first_utf_8: Option<&'t str>,
}

impl<'t> LineSurvey<'t> {
    fn of(bytes: &'t [u8]) -> Self {
        let mut mixed = MixedEncodings {
            utf_8: CountedLines::default(),
            other: CountedLines::default(),
        };
        let mut first_utf_8 = None;
        for (index, line) in lines(bytes).enumerate() {
            if line.is_ascii() {
                continue;
            }
            match std::str::from_utf8(line) {
                Ok(text) => {
                    mixed.utf_8.add(index + 1);
                    first_utf_8 = first_utf_8.or(Some(text));
                }
                Err(_) => mixed.other.add(index + 1),
            }
        }
        Self { mixed, first_utf_8 }
    }
}

/// Splits bytes at the line breaks that [`count_line_breaks`](super::count_line_breaks) counts.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr2(b'\n', b'\r', text) else {
            rest = None;
            return Some(text);
        };
        let length = if text[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = Some(&text[end + length..]);
        Some(&text[..end])
    })
}

fn first_word_beyond_ascii(line: &str) -> Option<&str> {
    let ends_word = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric();
    let words = line.split(ends_word);
    let word = words.into_iter().find(|word| !word.is_ascii())?;
    let mut end = word.len().min(MAX_WORD_BYTES);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    Some(&word[..end])
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GB18030, WINDOWS_1252};

    use super::*;

    #[test]
    fn lines_of_both_encodings_are_counted_and_the_first_are_named() {
        let text = b"plain\r\nGr\xC3\xB6\xC3\x9Fe\rGr\xF6\xDFe\n\xC3\xA4\n\xC3\xA4\n\xC3\xA4\n";
        let mixed = MixedEncodings::survey(text).unwrap();
        assert_eq!(
            mixed.to_string(),
            "the file has two encodings: beyond ASCII, 4 lines are UTF-8 (lines 2, 4, 5 …) and 1 \
             line is not (line 3)"
        );
        assert_eq!(MixedEncodings::survey(b"plain\nGr\xF6\xDFe\n"), None);
    }

    #[test]
    fn a_text_that_is_utf_8_as_a_whole_needs_no_encoding() {
        let lines = MisreadLines::survey("a,Größe\nb,Verträge\n".as_bytes(), Some(WINDOWS_1252));
        let lines = lines.unwrap();
        assert_eq!(lines.first_line(), 1);
        assert_eq!(
            format!("{} {}", lines.subject(), lines.predicate()),
            "2 lines are UTF-8 beyond ASCII (lines 1, 2), and --encoding windows-1252 makes \
             \"GrÃ¶ÃŸe\" of \"Größe\""
        );
        assert_eq!(
            lines.remedy(),
            "the whole file is UTF-8: leave out --encoding"
        );
    }

    #[test]
    fn a_survey_has_nothing_to_say_where_the_named_encoding_may_be_right() {
        for (bytes, named) in [
            (&b"a,Gr\xF6\xDFe\n"[..], Some(WINDOWS_1252)),
            (b"a,plain\n", Some(WINDOWS_1252)),
            ("a,Größe\n".as_bytes(), None),
            ("a,Größe\n".as_bytes(), Some(UTF_8)),
            ("\u{feff}a,Größe\n".as_bytes(), Some(WINDOWS_1252)),
            // Two Chinese characters that are UTF-8 by chance, and a line that is not.
            (b"\xC4\xA3\n\xCE\xD2\xD7\n", Some(GB18030)),
        ] {
            assert_eq!(MisreadLines::survey(bytes, named), None, "{bytes:?}");
        }
    }
}
