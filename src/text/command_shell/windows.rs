//! Words for cmd and PowerShell.
//!
//! A program on Windows gets the arguments as one text, and splits the text by the rules of the C
//! runtime (documented by Microsoft under "Parsing C++ command-line arguments"): words stand in
//! double quotes, `\"` is a quote, and backslashes before a quote are doubled. The shell reads the
//! line before the program, by other rules:
//!
//! - cmd replaces `%NAME%`, even in quotes, if there is such a variable. Outside of quotes a `^` makes
//!   the next character plain, and is removed. So a word with `%` or `"` is written with a `^` before
//!   each character with a meaning, the quotes included, as in "Everyone quotes command line
//!   arguments the wrong way" by Microsoft's Daniel Colascione. A `!` has a meaning only where the
//!   user has turned on delayed expansion; no spelling of a `!` serves with and without.
//! - PowerShell expands `$` and the backtick in double quotes, and takes curly quotes for straight
//!   ones (`CharTraits.cs` of PowerShell). Then PowerShell makes the text of the arguments itself,
//!   with double quotes around a word with blanks. Only from version 7.3 on are quotes in a word
//!   escaped and empty words kept, and only from version 6 on is a `\` at the end doubled
//!   (`about_Parsing`, and issues 15261 and 26432 of PowerShell). `--%`, which once passed the rest of
//!   a line unchanged, escapes quotes as well since 7.3 (issue 18664). All versions understand
//!   `cmd /c` with the line for cmd as one word: PowerShell 7 passes the arguments of cmd in the old
//!   way.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use super::is_unsafe_to_print;

/// Returns a word for cmd, with `\u{202e}` for a character on which a terminal would act.
pub(super) fn cmd_word(text: &str) -> String {
    let text = &*write_out_unsafe(text);
    common_word(text).unwrap_or_else(|| {
        let quoted = runtime_word(text);
        if text.contains(['%', '"']) {
            escape_with_carets(&quoted)
        } else {
            quoted
        }
    })
}

/// Returns a word for PowerShell, which PowerShell 7.3 and later pass on exactly.
pub(super) fn powershell_word(text: &str) -> String {
    common_word(text).unwrap_or_else(|| {
        if text.chars().any(is_unsafe_to_print) {
            expandable_string(text)
        } else {
            verbatim_string(text)
        }
    })
}

/// Returns a line for cmd that moves files and runs a program.
pub(super) fn cmd_script(moves: &[[Cow<'_, Path>; 2]], words: &[&OsStr]) -> String {
    let paths = moves.iter().flatten().map(|path| path.as_os_str());
    if paths.chain(words.iter().copied()).any(has_unsafe_character) {
        // PowerShell is part of every Windows, and can spell every character in ASCII.
        let script = plain_powershell_script(moves, words);
        return format!("powershell -NoProfile -Command {}", cmd_word(&script));
    }
    let mut script = String::new();
    for [from, to] in moves {
        // `move` splits its line itself, at commas and equals signs, too.
        let path = |path: &Path| {
            let path = with_backslashes(path.as_os_str());
            let word = cmd_word(&path);
            if word == path {
                format!("\"{path}\"")
            } else {
                word
            }
        };
        let _ = write!(script, "move {} {} && ", path(from), path(to));
    }
    push_program_line(
        &mut script,
        words,
        |program| {
            // cmd finds no program by a path with carets, nor by one with `/` outside of quotes.
            let program = with_backslashes(program);
            if is_bare(&program) {
                program
            } else {
                format!("\"{program}\"")
            }
        },
        cmd_word,
    );
    script
}

/// Returns a line for PowerShell that moves files and runs a program.
pub(super) fn powershell_script(moves: &[[Cow<'_, Path>; 2]], words: &[&OsStr]) -> String {
    let is_altered = |word: &&OsStr| is_altered_by_powershell(&word.to_string_lossy());
    if !words.iter().any(is_altered) || words.iter().any(|word| has_unsafe_character(word)) {
        return plain_powershell_script(moves, words);
    }
    let mut script = powershell_moves(moves);
    let mut line = cmd_script(&[], words);
    if line.ends_with('\\') {
        // PowerShell 7 would double the backslash.
        line.push(' ');
    }
    let _ = write!(script, "cmd /c {}", verbatim_string(&line));
    script
}

fn plain_powershell_script(moves: &[[Cow<'_, Path>; 2]], words: &[&OsStr]) -> String {
    let mut script = powershell_moves(moves);
    push_program_line(
        &mut script,
        words,
        |program| {
            let word = powershell_word(&program.to_string_lossy());
            if word.starts_with(|first: char| first.is_alphabetic() || ".\\/".contains(first)) {
                word
            } else {
                // A string at the beginning is a value, and `&` runs the program of this name.
                format!("& {word}")
            }
        },
        powershell_word,
    );
    script
}

fn powershell_moves(moves: &[[Cow<'_, Path>; 2]]) -> String {
    let mut script = String::new();
    for [from, to] in moves {
        // Windows PowerShell has no `&&`; an error with `Stop` ends the whole line.
        let _ = write!(
            script,
            "Move-Item -LiteralPath {} -Destination {} -ErrorAction Stop; ",
            powershell_word(&from.to_string_lossy()),
            powershell_word(&to.to_string_lossy())
        );
    }
    script
}

/// Adds a program and its arguments to a line.
fn push_program_line(
    line: &mut String,
    words: &[&OsStr],
    spell_program: impl Fn(&OsStr) -> String,
    spell_argument: impl Fn(&str) -> String,
) {
    let Some((program, arguments)) = words.split_first() else {
        return;
    };
    line.push_str(&spell_program(program));
    for argument in arguments {
        line.push(' ');
        line.push_str(&spell_argument(&argument.to_string_lossy()));
    }
}

/// Returns a word as cmd and PowerShell read the word alike; `None` if they differ.
fn common_word(text: &str) -> Option<String> {
    if is_bare(text) {
        return Some(text.to_owned());
    }
    let differs = |c: char| is_unsafe_to_print(c) || is_double_quote(c) || "%$`".contains(c);
    // A backslash before the quote belongs to the quote for cmd, and to the word for PowerShell.
    let is_common = !text.ends_with('\\') && !text.contains(differs);
    is_common.then(|| format!("\"{text}\""))
}

/// Returns `true` if a word needs no quotes in either shell.
fn is_bare(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./\\:=+".contains(c);
    let is_first = |c: char| c.is_alphanumeric() || "_./\\".contains(c);
    // PowerShell splits a word such as `-m.csv`, and takes `--` alone for its own.
    let is_option = |name: &str| !name.is_empty() && name.chars().all(char::is_alphanumeric);
    match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(name), _) => name.starts_with(char::is_alphanumeric) && name.chars().all(is_plain),
        (None, Some(name)) => is_option(name),
        (None, None) => text.starts_with(is_first) && text.chars().all(is_plain),
    }
}

/// Returns `true` if some version of PowerShell passes another word to a program.
fn is_altered_by_powershell(text: &str) -> bool {
    text.is_empty()
        || text.contains('"')
        || (text.ends_with('\\') && text.contains(char::is_whitespace))
}

/// Returns a word in double quotes, as the C runtime reads the word.
fn runtime_word(text: &str) -> String {
    let mut word = String::from("\"");
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '"' {
            word.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        word.push(c);
    }
    word.extend(std::iter::repeat_n('\\', backslashes));
    word.push('"');
    word
}

/// Returns a text with `\u{202e}` for each character on which a terminal would act.
fn write_out_unsafe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe_to_print) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        if is_unsafe_to_print(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Returns a text with a `^` before each character with a meaning for cmd.
fn escape_with_carets(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut before = None;
    for c in text.chars() {
        // A `^` before a `%` does not stop cmd from seeing `%NAME:`. A `^` behind the `%` becomes the
        // beginning of the name, and there is no variable with such a name.
        if "()%!^\"<>&|".contains(c) || before == Some('%') {
            escaped.push('^');
        }
        escaped.push(c);
        before = Some(c);
    }
    escaped
}

/// Returns a text in single quotes, in which PowerShell expands nothing.
fn verbatim_string(text: &str) -> String {
    let mut string = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            string.push(c);
        }
        string.push(c);
    }
    string.push('\'');
    string
}

/// Returns a text in double quotes, in which PowerShell makes characters from their numbers.
fn expandable_string(text: &str) -> String {
    let mut string = String::from("\"");
    for c in text.chars() {
        match c {
            c if is_unsafe_to_print(c) => {
                let _ = write!(string, "$([char]0x{:x})", u32::from(c));
            }
            '$' | '`' => string.extend(['`', c]),
            c if is_double_quote(c) => string.extend([c, c]),
            c => string.push(c),
        }
    }
    string.push('"');
    string
}

/// Returns `true` for a double quote of PowerShell.
fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}'..='\u{201e}')
}

fn has_unsafe_character(word: &OsStr) -> bool {
    word.to_string_lossy().chars().any(is_unsafe_to_print)
}

fn with_backslashes(path: &OsStr) -> String {
    path.to_string_lossy().replace('/', "\\")
}
