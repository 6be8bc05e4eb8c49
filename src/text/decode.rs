//! Decoding of bytes to text: byte-order marks, UTF-16, and any encoding named by the user.
//!
//! Text is never repaired. An invalid byte is an error with its offset and line, because a
//! replacement character in a path or an id would be noticed much later.

use std::fmt;

pub use super::mixed_encodings::{MisreadLines, MixedEncodings};
pub use encoding_rs::Encoding;
use encoding_rs::{DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{count_line_breaks, quoted};

/// Number of leading bytes examined to detect UTF-16 without a byte-order mark.
const UTF_16_SAMPLE_BYTES: usize = 64;

/// Longest part of a line shown on each side of an invalid byte, in bytes.
const MAX_BYTES_AROUND_ERROR: usize = 60;

/// Reason for which bytes cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are a workbook: XLSX, ODS or XLS.
    #[error("is a spreadsheet's own file, not text; save it as CSV (UTF-8) and name that file")]
    Workbook,
    /// A byte is invalid in the encoding.
    #[error("{0}")]
    InvalidByte(InvalidByte),
    /// The text is too large for the memory of the machine.
    #[error("has more text than this machine has memory for; split the file")]
    TooLarge,
}

/// First invalid byte of a text, and a guess at the right encoding.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidByte {
    /// Name of the encoding used for decoding.
    pub encoding: &'static str,
    /// Number of bytes before the invalid byte.
    pub offset: usize,
    /// Line of the invalid byte, the first line being 1.
    pub line: usize,
    /// Line with the invalid byte, decoded as Windows-1252. `None` unless UTF-8 was assumed without
    /// a named encoding.
    pub as_windows_1252: Option<String>,
    /// Lines of a text that should be UTF-8, and holds lines in another encoding as well. `None` for
    /// any other text.
    pub mixed: Option<Box<MixedEncodings>>,
}

impl fmt::Display for InvalidByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: the byte at offset {} is not {}",
            self.line, self.offset, self.encoding
        )?;
        if let Some(mixed) = &self.mixed {
            return write!(
                f,
                "; {mixed}, so that no --encoding reads all of them: convert the lines that are not \
                 UTF-8, or export the whole again as UTF-8"
            );
        }
        match &self.as_windows_1252 {
            Some(line) => write!(
                f,
                "; if the line should read {}, use --encoding windows-1252, or else name the \
                 right encoding or save the file as UTF-8",
                quoted(line)
            ),
            None => f.write_str("; name its encoding with --encoding, or save it as UTF-8"),
        }
    }
}

/// Decodes a file's bytes and removes the byte-order mark.
///
/// The encoding is, in this order of precedence: the encoding of a byte-order mark, the encoding
/// named by the user, UTF-16 if the bytes clearly are UTF-16, and UTF-8.
pub fn decode(bytes: Vec<u8>, named: Option<&'static Encoding>) -> Result<String, DecodeError> {
    if is_workbook(&bytes) {
        return Err(DecodeError::Workbook);
    }
    let (encoding, mark) = match Encoding::for_bom(&bytes) {
        Some((encoding, length)) => (encoding, length),
        None => (named.or_else(|| detect_utf_16(&bytes)).unwrap_or(UTF_8), 0),
    };
    tracing::info!(encoding = encoding.name(), "decoding");
    if encoding == UTF_8 {
        return decode_utf_8(bytes, mark, named.is_none());
    }
    transcode(&bytes, mark, encoding)
}

/// Candidate decodings of a file written by consign and perhaps saved again by another program.
#[derive(Debug)]
pub struct DecodeCandidates {
    /// Bytes as UTF-8 without a byte-order mark. A file with a UTF-16 mark, or clearly in UTF-16,
    /// is converted. Otherwise the file is taken for UTF-8, the encoding in which consign writes;
    /// single bytes may be invalid.
    pub by_detection: Vec<u8>,
    /// Bytes converted from the encoding named by the user. `None` if the file has a byte-order
    /// mark, is UTF-16 or valid UTF-8, or is invalid in the named encoding. The user may have named
    /// the encoding of another file, so the check of each line must decide between the candidates.
    pub in_named_encoding: Option<Vec<u8>>,
}

/// Returns the candidate decodings of a file whose lines carry a check each. The checks show the
/// right candidate.
pub fn decode_candidates(
    mut bytes: Vec<u8>,
    named: Option<&'static Encoding>,
) -> Result<DecodeCandidates, DecodeError> {
    if is_workbook(&bytes) {
        return Err(DecodeError::Workbook);
    }
    let (encoding, mark) = match Encoding::for_bom(&bytes) {
        Some((encoding, length)) => (encoding, length),
        None => (detect_utf_16(&bytes).unwrap_or(UTF_8), 0),
    };
    if encoding != UTF_8 {
        let likeliest = transcode(&bytes, mark, encoding)?.into_bytes();
        let as_named = None;
        return Ok(DecodeCandidates {
            by_detection: likeliest,
            in_named_encoding: as_named,
        });
    }
    bytes.drain(..mark);
    let named = named.filter(|named| *named != UTF_8 && mark == 0);
    let named = named.filter(|_| std::str::from_utf8(&bytes).is_err());
    let as_named = named.and_then(|named| transcode(&bytes, 0, named).ok());
    Ok(DecodeCandidates {
        by_detection: bytes,
        in_named_encoding: as_named.map(String::into_bytes),
    })
}

/// XLSX and ODS files are ZIP archives, XLS files are OLE files.
fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
}

/// Detects UTF-16 by its zero bytes. Header names are ASCII, so every second byte at the start of
/// UTF-16 is zero, and a text in any other encoding has no zero bytes.
fn detect_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let evidence = &bytes[..bytes.len().min(UTF_16_SAMPLE_BYTES) & !1];
    let zeros = |parity: usize| {
        let places = evidence.iter().skip(parity).step_by(2);
        places.filter(|byte| **byte == 0).count() * 4 > evidence.len()
    };
    match (zeros(0), zeros(1)) {
        (false, true) => Some(UTF_16LE),
        (true, false) => Some(UTF_16BE),
        _ => None,
    }
}

/// Decodes UTF-8, the usual encoding, without a second copy of the text.
fn decode_utf_8(bytes: Vec<u8>, mark: usize, assumed: bool) -> Result<String, DecodeError> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        DecodeError::InvalidByte(InvalidByte {
            encoding: UTF_8.name(),
            offset,
            line: line_at(bytes, offset),
            as_windows_1252: assumed.then(|| line_in_windows_1252(bytes, offset)),
            mixed: MixedEncodings::survey(bytes).map(Box::new),
        })
    })?;
    text.drain(..mark);
    Ok(text)
}

fn transcode(
    bytes: &[u8],
    mark: usize,
    encoding: &'static Encoding,
) -> Result<String, DecodeError> {
    let source = &bytes[mark..];
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder
        .max_utf8_buffer_length_without_replacement(source.len())
        .ok_or(DecodeError::TooLarge)?;
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(source, &mut text, true) {
        (DecoderResult::InputEmpty, _) => {
            text.shrink_to_fit();
            Ok(text)
        }
        (DecoderResult::Malformed(length, after), read) => {
            Err(DecodeError::InvalidByte(InvalidByte {
                encoding: encoding.name(),
                offset: mark + read - usize::from(length) - usize::from(after),
                line: line_at(text.as_bytes(), text.len()),
                as_windows_1252: None,
                mixed: None,
            }))
        }
        (DecoderResult::OutputFull, _) => Err(DecodeError::TooLarge),
    }
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    count_line_breaks(&bytes[..offset]) + 1
}

/// Decodes the line of an invalid byte as Windows-1252, the usual source of invalid bytes.
fn line_in_windows_1252(bytes: &[u8], offset: usize) -> String {
    let is_break = |b: &u8| matches!(b, b'\n' | b'\r');
    let start = bytes[..offset]
        .iter()
        .rposition(is_break)
        .map_or(0, |at| at + 1);
    let end = bytes[offset..]
        .iter()
        .position(is_break)
        .map_or(bytes.len(), |n| offset + n);
    let start = start.max(offset.saturating_sub(MAX_BYTES_AROUND_ERROR));
    let end = end.min(offset + MAX_BYTES_AROUND_ERROR);
    let (line, _) = WINDOWS_1252.decode_without_bom_handling(&bytes[start..end]);
    line.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_manifest_reads_the_same_in_every_encoding() {
        let text = "file_path,title\nVerträge/a.pdf,Übersicht\n";
        let little = utf_16(text, u16::to_le_bytes);
        let big = utf_16(text, u16::to_be_bytes);
        let (windows, _, _) = WINDOWS_1252.encode(text);
        for (bytes, named) in [
            (text.as_bytes().to_vec(), None),
            ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), None),
            ([b"\xFF\xFE", &little[..]].concat(), None),
            ([b"\xFE\xFF", &big[..]].concat(), None),
            (little, None),
            (big, None),
            (windows.into_owned(), Some(WINDOWS_1252)),
            (
                [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
                Some(WINDOWS_1252),
            ),
        ] {
            assert_eq!(decode(bytes, named).unwrap(), text);
        }
    }

    #[test]
    fn windows_1252_bytes_in_utf_8_are_located_and_the_option_is_named() {
        let bytes = b"file_path,title\na.pdf,A\nVertr\xE4ge/b.pdf,B\n".to_vec();
        let message = decode(bytes, None).unwrap_err().to_string();
        assert_eq!(
            message,
            "line 3: the byte at offset 29 is not UTF-8; if the line should read \
             \"Verträge/b.pdf,B\", use --encoding windows-1252, or else name the right encoding \
             or save the file as UTF-8"
        );
    }

    #[test]
    fn lines_are_counted_as_editors_do() {
        for line_break in ["\n", "\r\n", "\r"] {
            let text = ["file_path", "a.pdf", "Vertr\u{e4}ge/b.pdf"].join(line_break);
            let (bytes, _, _) = WINDOWS_1252.encode(&text);
            let message = decode(bytes.into_owned(), None).unwrap_err().to_string();
            assert!(message.starts_with("line 3: "), "{line_break:?}: {message}");
        }
    }

    #[test]
    fn a_file_of_our_own_is_read_in_the_encoding_that_was_named_only_where_it_is_not_utf_8() {
        let text = "row,title\n1,\u{dc}bersicht\n";
        let (windows, _, _) = WINDOWS_1252.encode(text);
        let little = [b"\xFF\xFE", &utf_16(text, u16::to_le_bytes)[..]].concat();
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        for bytes in [text.as_bytes().to_vec(), marked, little] {
            let read = decode_candidates(bytes, Some(WINDOWS_1252)).unwrap();
            assert_eq!(
                (&*read.by_detection, read.in_named_encoding),
                (text.as_bytes(), None)
            );
        }
        let read = decode_candidates(windows.into_owned(), Some(WINDOWS_1252)).unwrap();
        assert_eq!(read.in_named_encoding.as_deref(), Some(text.as_bytes()));
    }

    #[test]
    fn half_a_character_at_the_end_of_utf_16_is_an_error_too() {
        let mut bytes = [b"\xFF\xFE", &utf_16("ab\ncd", u16::to_le_bytes)[..]].concat();
        bytes.push(b'x');
        let message = decode(bytes, None).unwrap_err().to_string();
        assert_eq!(
            message,
            "line 2: the byte at offset 12 is not UTF-16LE; name its encoding with --encoding, \
             or save it as UTF-8"
        );
    }

    #[test]
    fn bytes_that_a_named_encoding_does_not_have_are_never_replaced() {
        let shift_jis = Encoding::for_label(b"shift_jis");
        let error = decode(b"file_path\n\x81\xFF\n".to_vec(), shift_jis).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 2: the byte at offset 10 is not Shift_JIS"),
            "{error}"
        );
    }

    #[test]
    fn a_workbook_is_recognised() {
        assert!(matches!(
            decode(b"PK\x03\x04rest".to_vec(), None),
            Err(DecodeError::Workbook)
        ));
    }
}
