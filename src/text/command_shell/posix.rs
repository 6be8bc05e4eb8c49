//! Words for POSIX shells.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use super::is_unsafe_to_print;

/// Returns a word as a POSIX shell takes the word, quoted where necessary.
///
/// Characters on which a terminal would act are written as octal numbers for `printf`, so that the
/// word can be printed and still is the same word to the shell. On Unix, so are bytes that are not
/// UTF-8.
pub(super) fn word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let is_printable = matches!(text, Cow::Borrowed(_)) && !text.chars().any(is_unsafe_to_print);
    if !is_printable {
        return printf_word(word);
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a line that moves files and runs a program.
pub(super) fn script(moves: &[[Cow<'_, Path>; 2]], words: &[&OsStr]) -> String {
    let mut script = String::new();
    for [from, to] in moves {
        let _ = write!(
            script,
            "mv {} {} && ",
            word(from.as_os_str()),
            word(to.as_os_str())
        );
    }
    let words: Vec<String> = words.iter().map(|one| word(one)).collect();
    script.push_str(&words.join(" "));
    script
}

/// Returns a word that the shell has `printf` make. Line breaks at the end of the word are lost: a
/// shell cuts the line breaks at the end of a command's output.
fn printf_word(word: &OsStr) -> String {
    let mut format = String::new();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => format.push_str(r"\047"),
                '%' => format.push_str("%%"),
                '\\' => format.push_str(r"\\"),
                c if is_unsafe_to_print(c) => {
                    push_octal(&mut format, c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                c => format.push(c),
            }
        }
        push_octal(&mut format, chunk.invalid());
    }
    format!("\"$(printf '{format}')\"")
}

fn push_octal(format: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(format, "\\{byte:03o}");
    }
}
