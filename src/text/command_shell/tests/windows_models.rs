//! Small models of the readers of a line on Windows: the C runtime, cmd, and PowerShell.
//!
//! The models are made from Microsoft's documents ("Parsing C++ command-line arguments", `cmd`,
//! `about_Parsing`, `about_Quoting_Rules`) and from PowerShell's source (`NativeCommandParameterBinder`,
//! `CharTraits`). The models know the rules for printed commands, and panic at every other
//! character with a meaning.

use std::iter::Peekable;
use std::str::Chars;

/// Version of PowerShell, as far as arguments differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PowerShellVersion {
    /// Windows PowerShell, part of every Windows.
    V5,
    /// PowerShell 7.3 and later.
    V7,
}

/// Returns the words of the program started by cmd for a line.
pub(super) fn run_in_cmd(line: &str) -> Vec<String> {
    let words = split_as_runtime(&read_as_cmd(line));
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["powershell", "-NoProfile", "-Command", script] => {
            run_in_powershell(script, PowerShellVersion::V5)
        }
        _ => words,
    }
}

/// Returns the words of the program started by PowerShell for a line.
pub(super) fn run_in_powershell(line: &str, version: PowerShellVersion) -> Vec<String> {
    let words = read_as_powershell(line);
    if let [cmd, option, rest] = &words[..]
        && cmd == "cmd"
        && option == "/c"
    {
        let arguments = join_in_old_way(std::slice::from_ref(rest), version);
        return run_in_cmd(without_outer_quotes(&arguments));
    }
    let (program, arguments) = words.split_first().unwrap();
    let arguments = match version {
        PowerShellVersion::V5 => join_in_old_way(arguments, version),
        PowerShellVersion::V7 => join_with_escapes(arguments),
    };
    split_as_runtime(&format!("\"{program}\" {arguments}"))
}

/// Returns the line that cmd passes on. Every name is that of a variable, unless the name begins
/// with a `^`.
fn read_as_cmd(line: &str) -> String {
    for (at, _) in line.match_indices('%') {
        let rest = &line[at + 1..];
        if let Some(end) = rest.find(['%', ':']) {
            let is_closed = rest[end..].contains('%');
            let is_variable = end > 0 && !rest.starts_with('^');
            assert!(!is_closed || !is_variable, "cmd expands in {line}");
        }
    }
    let mut read = String::new();
    let mut is_quoted = false;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '^' if !is_quoted => read.extend(rest.next()),
            '"' => {
                is_quoted = !is_quoted;
                read.push(c);
            }
            c if c.is_control() => panic!("a control character ends {line}"),
            '&' | '|' | '<' | '>' | '(' | ')' if !is_quoted => panic!("{c} acts in {line}"),
            c => read.push(c),
        }
    }
    assert!(!is_quoted, "a quote is open in {line}");
    read
}

/// Returns the text after `cmd /c` without its first and last quote, as cmd removes the two where
/// there are more than two.
fn without_outer_quotes(text: &str) -> &str {
    assert!(
        text.starts_with('"') && text.matches('"').count() > 2,
        "{text}"
    );
    let (start, end) = text[1..].rsplit_once('"').unwrap();
    assert_eq!(end, "");
    start
}

/// Returns the words of a line, the program first, as the C runtime splits the line.
fn split_as_runtime(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    let mut program = String::new();
    let mut is_quoted = false;
    while let Some(c) = rest.next_if(|c| is_quoted || !is_gap(*c)) {
        match c {
            '"' => is_quoted = !is_quoted,
            c => program.push(c),
        }
    }
    words.push(program);
    loop {
        while rest.next_if(|c| is_gap(*c)).is_some() {}
        if rest.peek().is_none() {
            return words;
        }
        words.push(next_runtime_word(&mut rest));
    }
}

fn next_runtime_word(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    let mut is_quoted = false;
    loop {
        let mut backslashes = 0;
        while rest.next_if_eq(&'\\').is_some() {
            backslashes += 1;
        }
        let is_before_quote = rest.peek() == Some(&'"');
        let kept = if is_before_quote {
            backslashes / 2
        } else {
            backslashes
        };
        word.extend(std::iter::repeat_n('\\', kept));
        match rest.next_if(|c| is_quoted || !is_gap(*c)) {
            None => return word,
            Some('"') if backslashes % 2 == 1 => word.push('"'),
            Some('"') if is_quoted && rest.next_if_eq(&'"').is_some() => word.push('"'),
            Some('"') => is_quoted = !is_quoted,
            Some(c) => word.push(c),
        }
    }
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Returns the words of a command of PowerShell.
fn read_as_powershell(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    if rest.next_if_eq(&'&').is_some() {
        assert_eq!(rest.next(), Some(' '));
    } else {
        let first = *rest.peek().unwrap();
        assert!(!is_single_quote(first) && !is_double_quote(first) && !first.is_numeric());
    }
    while rest.peek().is_some() {
        let first = *rest.peek().unwrap();
        let mut word = String::new();
        if is_single_quote(first) || is_double_quote(first) {
            read_string(&mut rest, &mut word);
        } else {
            assert!(!"@#<>".contains(first), "{first} acts in {line}");
            while let Some(c) = rest.next_if(|c| !c.is_whitespace()) {
                assert!(!"{}();,|&$`".contains(c), "{c} acts in {line}");
                assert!(
                    !is_single_quote(c) && !is_double_quote(c),
                    "{c} acts in {line}"
                );
                word.push(c);
            }
            let is_parameter = word.starts_with('-') && !word.starts_with("--");
            let is_plain = word.chars().skip(1).all(char::is_alphanumeric);
            assert!(!is_parameter || is_plain, "{word} is split");
            assert_ne!(word, "--");
            assert!(!word.starts_with(['\u{2013}', '\u{2014}', '\u{2015}']));
        }
        words.push(word);
        assert!(rest.next().is_none_or(|gap| gap == ' '), "{line}");
    }
    words
}

/// Reads a string in quotes.
fn read_string(rest: &mut Peekable<Chars<'_>>, word: &mut String) {
    let opening = rest.next().unwrap();
    if is_single_quote(opening) {
        loop {
            match rest.next().expect("a closing quote") {
                c if is_single_quote(c) => match rest.next_if(|next| is_single_quote(*next)) {
                    Some(second) => word.push(second),
                    None => return,
                },
                c => word.push(c),
            }
        }
    }
    loop {
        match rest.next().expect("a closing quote") {
            '`' => word.extend(rest.next()),
            '$' => {
                let number: String = rest.by_ref().take_while(|c| *c != ')').collect();
                let number = number.strip_prefix("([char]0x").expect("a number");
                word.extend(char::from_u32(u32::from_str_radix(number, 16).unwrap()));
            }
            c if is_double_quote(c) => match rest.next_if(|next| is_double_quote(*next)) {
                Some(second) => word.push(second),
                None => return,
            },
            c => word.push(c),
        }
    }
}

fn is_single_quote(c: char) -> bool {
    "'\u{2018}\u{2019}\u{201a}\u{201b}".contains(c)
}

fn is_double_quote(c: char) -> bool {
    "\"\u{201c}\u{201d}\u{201e}".contains(c)
}

/// Joins arguments as Windows PowerShell does for each program, and PowerShell 7 for cmd.
fn join_in_old_way(arguments: &[String], version: PowerShellVersion) -> String {
    let mut joined = Vec::new();
    for argument in arguments.iter().filter(|argument| !argument.is_empty()) {
        let mut quotes = 0;
        let mut before = None;
        let mut has_open_gap = false;
        for c in argument.chars() {
            if c == '"' && before != Some('\\') {
                quotes += 1;
            }
            has_open_gap |= c.is_whitespace() && quotes % 2 == 0;
            before = Some(c);
        }
        if !has_open_gap {
            joined.push(argument.clone());
            continue;
        }
        let at_end = argument.len() - argument.trim_end_matches('\\').len();
        let doubled = match version {
            PowerShellVersion::V5 => "",
            PowerShellVersion::V7 => &"\\".repeat(at_end),
        };
        joined.push(format!("\"{argument}{doubled}\""));
    }
    joined.join(" ")
}

/// Joins arguments as .NET does, and PowerShell from 7.3 on.
fn join_with_escapes(arguments: &[String]) -> String {
    let mut joined = Vec::new();
    for argument in arguments {
        if !argument.is_empty() && !argument.contains(|c: char| c.is_whitespace() || c == '"') {
            joined.push(argument.clone());
            continue;
        }
        let mut word = String::from("\"");
        let mut backslashes = String::new();
        for c in argument.chars() {
            match c {
                '\\' => backslashes.push(c),
                '"' => {
                    word.push_str(&backslashes.repeat(2));
                    word.push_str("\\\"");
                    backslashes.clear();
                }
                c => {
                    word.push_str(&backslashes);
                    word.push(c);
                    backslashes.clear();
                }
            }
        }
        word.push_str(&backslashes.repeat(2));
        word.push('"');
        joined.push(word);
    }
    joined.join(" ")
}
