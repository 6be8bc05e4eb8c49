//! Reader for a part of Rust's grammar: the paths named in a file, and its module declarations.

use std::fs;
use std::path::Path;

/// Paths and module declarations of one file.
#[derive(Debug, Default)]
pub(super) struct SourceFacts {
    /// Modules declared as files of their own.
    pub(super) declared_modules: Vec<String>,
    /// Paths into the crate, in `use` lines and elsewhere.
    pub(super) crate_paths: Vec<CratePath>,
}

/// Path into the crate, from the crate's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CratePath {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// Reads the file of the module `own`, without items under `cfg(test)`.
pub(super) fn read_file(file: &Path, own: &[String]) -> SourceFacts {
    read_source(&fs::read_to_string(file).unwrap(), own)
}

/// Reads source text, as [`read`] does.
pub(super) fn read_source(text: &str, own: &[String]) -> SourceFacts {
    let mut reader = SourceReader {
        tokens: tokens(text),
        position: 0,
        module: own.to_vec(),
        facts: SourceFacts::default(),
    };
    reader.read_items();
    assert_eq!(
        reader.position,
        reader.tokens.len(),
        "braces that do not match"
    );
    reader.facts
}

/// Token with its line number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SourceToken {
    text: String,
    line: usize,
}

/// Position in the tokens of a file, with the facts read so far.
struct SourceReader {
    tokens: Vec<SourceToken>,
    position: usize,
    /// Current module, from the crate's root.
    module: Vec<String>,
    facts: SourceFacts,
}

/// Keywords which open an item. An item ends with a semicolon or a block; a field or a variant ends
/// with a comma.
const ITEM_KEYWORDS: [&str; 14] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules",
    "mod",
    "static",
    "struct",
    "trait",
    "type",
    "unsafe",
    "use",
];

impl SourceReader {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.position + ahead)
            .map_or("", |token| &token.text)
    }

    /// Returns `true` if the next tokens are the expected ones.
    fn next_tokens_are(&self, expected: &[&str]) -> bool {
        expected
            .iter()
            .enumerate()
            .all(|(ahead, text)| self.peek(ahead) == *text)
    }

    fn next_token(&mut self) -> String {
        let text = self.peek(0).to_owned();
        self.position += 1;
        text
    }

    /// Reads to the end of the file or of the current block.
    fn read_items(&mut self) {
        while self.position < self.tokens.len() && self.peek(0) != "}" {
            self.read_item();
        }
    }

    fn read_item(&mut self) {
        match self.peek(0) {
            "#" if self.is_test_only() => self.skip_item(),
            "{" => {
                self.position += 1;
                self.read_items();
                self.position += 1;
            }
            "pub" if self.peek(1) == "(" && is_crate_path_start(self.peek(2)) => self.skip_group(1),
            "pub" if self.next_tokens_are(&["pub", "(", "in"]) => self.skip_group(1),
            "mod" if is_name(self.peek(1)) => self.read_module_declaration(),
            "use" if self.position == 0 || self.tokens[self.position - 1].text != "+" => {
                self.position += 1;
                self.read_use_tree(Vec::new());
            }
            _ => self.read_inline_path(),
        }
    }

    /// Reads a module declaration, or a module within the file.
    fn read_module_declaration(&mut self) {
        self.position += 1;
        let name = self.next_token();
        match self.next_token().as_str() {
            "{" => {
                self.module.push(name);
                self.read_items();
                self.module.pop();
                self.position += 1;
            }
            _ => self.facts.declared_modules.push(name),
        }
    }

    /// Reads the tree after `use`, or an element of a group, with the path in front of it.
    fn read_use_tree(&mut self, mut path: Vec<String>) {
        let line = self.tokens[self.position].line;
        loop {
            match self.next_token().as_str() {
                "{" => {
                    while self.peek(0) != "}" {
                        self.read_use_tree(path.clone());
                        if self.peek(0) == "," {
                            self.position += 1;
                        }
                    }
                    self.position += 1;
                    return;
                }
                "*" => {}
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            if self.peek(0) != "::" {
                break;
            }
            self.position += 1;
        }
        if self.peek(0) == "as" {
            self.position += 2;
        }
        self.note_crate_path(&path, line);
    }

    /// Reads a token. A token which begins a path is read with the whole path.
    fn read_inline_path(&mut self) {
        let line = self.tokens[self.position].line;
        let continues = self.position > 0 && self.tokens[self.position - 1].text == "::";
        let mut path = vec![self.next_token()];
        if continues || !is_crate_path_start(&path[0]) {
            return;
        }
        while self.peek(0) == "::" && is_name(self.peek(1)) {
            path.push(self.peek(1).to_owned());
            self.position += 2;
        }
        if path.len() > 1 {
            self.note_crate_path(&path, line);
        }
    }

    /// Records a path which leads into the crate.
    fn note_crate_path(&mut self, path: &[String], line: usize) {
        let mut absolute = match path[0].as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return,
        };
        for name in path {
            match name.as_str() {
                "crate" | "self" => {}
                "super" => drop(absolute.pop()),
                name => absolute.push(name.to_owned()),
            }
        }
        self.facts.crate_paths.push(CratePath {
            path: absolute,
            line,
        });
    }

    /// Returns `true` at an attribute which restricts the next item to tests.
    fn is_test_only(&self) -> bool {
        self.next_tokens_are(&["#", "[", "cfg", "(", "test", ")"])
            || self.next_tokens_are(&["#", "[", "cfg", "(", "all", "(", "test"])
    }

    /// Skips an item, a field or a variant with all its attributes.
    fn skip_item(&mut self) {
        while self.peek(0) == "#" {
            self.skip_group(1);
        }
        if self.peek(0) == "pub" {
            self.position += 1;
            if self.peek(0) == "(" {
                self.skip_group(0);
            }
        }
        let is_item = ITEM_KEYWORDS.contains(&self.peek(0));
        let is_import = self.peek(0) == "use";
        while self.position < self.tokens.len() {
            match self.peek(0) {
                "{" if is_item && !is_import => return self.skip_group(0),
                "{" | "(" | "[" => self.skip_group(0),
                "," if !is_item => return self.position += 1,
                ";" => return self.position += 1,
                "}" => return,
                _ => self.position += 1,
            }
        }
    }

    /// Skips `before` tokens, and then a group.
    fn skip_group(&mut self, before: usize) {
        self.position += before;
        let mut depth = 0;
        loop {
            match self.next_token().as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

/// Returns `true` if a path which begins with the name can lead into the crate.
fn is_crate_path_start(name: &str) -> bool {
    ["crate", "self", "super"].contains(&name)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Returns the tokens of code without comments, literals and white space. A literal which holds
/// only a path, as in an attribute of serde, counts as the path.
fn tokens(text: &str) -> Vec<SourceToken> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = length_of_token(rest, first);
        let (token, after) = rest.split_at(length);
        let quoted = token
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        match quoted {
            Some(path) if is_path(path) => {
                tokens.extend(
                    self::tokens(path)
                        .into_iter()
                        .map(|token| SourceToken { line, ..token }),
                );
            }
            _ if is_name(token) || token == "::" || !token.starts_with(is_skipped) => {
                tokens.push(SourceToken {
                    text: token.to_owned(),
                    line,
                });
            }
            _ => {}
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// Returns `true` for tokens without effect on paths: white space, literals and comments.
fn is_skipped(first: char) -> bool {
    first.is_whitespace() || first == '"' || first == '\'' || first == '/'
}

fn is_path(text: &str) -> bool {
    text.split_once("::")
        .is_some_and(|(start, _)| is_crate_path_start(start))
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == ':')
}

/// Returns the length in bytes of the first token of `rest`.
fn length_of_token(rest: &str, first: char) -> usize {
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/");
    }
    if rest.starts_with("::") {
        return 2;
    }
    let raw = rest.strip_prefix('b').unwrap_or(rest);
    if let Some(raw) = raw.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let opened = rest.len() - raw.len() + hashes + 1;
            let inside = rest[opened..].find(&end).expect("a literal ends");
            return opened + inside + end.len();
        }
    }
    match first {
        '"' => length_of_quoted(rest, '"'),
        '\'' if is_lifetime(rest) => 1,
        '\'' => length_of_quoted(rest, '\''),
        c if c.is_alphanumeric() || c == '_' => rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len()),
        c if c.is_whitespace() => rest
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(rest.len()),
        c => c.len_utf8(),
    }
}

/// Returns `true` if a single quote opens a lifetime or a label instead of a character.
fn is_lifetime(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    let first = chars.next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_') && chars.next() != Some('\'')
}

fn length_of_quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn the_paths_of_a_file_are_those_that_the_compiler_would_resolve() {
    let text = r##"
//! use crate::comment::Doc;
use std::fmt;
use crate::ground::{self, deep::{Deep, deeper::*}, Flat as Other};
use super::{beside::X, super::above};
pub(super) mod child;
pub(in crate::ground) fn f<'a>(x: &'a str) -> char {
    let _ = ("crate::quoted in text", r#"super::raw " "#, '"', '\'', b"super::bytes \" ");
    ground::call(super::inline::call::<crate::argument::A>(x)); // super::behind
    'x'
}
#[serde(with = "crate::attribute::seconds")]
struct S(self::child::C);
mod within {
    use super::super::Outside;
}
#[cfg(test)]
use crate::tests::{Only, Them};
#[cfg(all(test, unix))]
mod checks {
    use super::{a::B, c::D};
}
#[cfg(test)]
mod others;
struct T {
    #[cfg(test)]
    field: crate::tests::Field<(u8, u8)>,
    other: crate::field::F,
}
"##;
    let own = ["room", "file"].map(str::to_owned);
    let read = read_source(text, &own);
    let named: Vec<String> = read
        .crate_paths
        .iter()
        .map(|named| format!("{} {}", named.line, named.path.join("::")))
        .collect();
    assert_eq!(
        named,
        [
            "4 ground",
            "4 ground::deep::Deep",
            "4 ground::deep::deeper",
            "4 ground::Flat",
            "5 room::beside::X",
            "5 above",
            "9 room::inline::call",
            "9 argument::A",
            "12 attribute::seconds",
            "13 room::file::child::C",
            "15 room::Outside",
            "28 field::F",
        ]
    );
    assert_eq!(read.declared_modules, ["child"]);
}
