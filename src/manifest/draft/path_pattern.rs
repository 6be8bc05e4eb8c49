//! Pattern of file paths, such as `{object_external_id}/{title}.{ext}`: cells of a manifest taken
//! from the path of a file.
//!
//! A placeholder stands for text within one part of a path. `{ext}` stands for the text behind the
//! last dot, `{any}` for text without a column, and a part `**` for any folders, or none.

use std::collections::HashSet;

use crate::manifest::Column;
use crate::manifest::heading::normalise_heading;

/// Name of the part for any folders.
const ANY_FOLDERS: &str = "**";

/// Names of columns in every draft, which no pattern gives.
pub(super) const OWN_COLUMNS: [&str; 3] = ["file_path", "size", "modified"];

/// Pattern of file paths.
///
/// Guarantees: at least one placeholder with a column, no column twice, text between any two
/// placeholders of a part, and at most one part for any folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<PatternPart>,
    columns: Vec<PatternColumn>,
}

/// Column of a manifest with cells from a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternColumn {
    /// Column with a known meaning.
    Known(Column),
    /// Further column, by name.
    Further(String),
}

impl PatternColumn {
    /// Returns the name of the column.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(column) => column.as_str(),
            Self::Further(name) => name,
        }
    }
}

/// Mistake in a pattern, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {place}: {why}")]
pub struct InvalidPathPattern {
    /// Number of the character, the first being 1.
    place: usize,
    why: String,
}

/// Part of a pattern between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternPart {
    AnyFolders,
    Name(Vec<NamePiece>),
}

/// Piece of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePiece {
    Literal(String),
    /// Text for the column with an index. Not empty.
    Cell(usize),
    /// Text without a dot. Not empty.
    Extension,
    /// Text without a column. May be empty.
    Ignored,
}

impl PathPattern {
    /// Parses a pattern. Fails with the first mistake.
    pub fn parse(text: &str) -> Result<Self, InvalidPathPattern> {
        let mut parser = PatternParser::default();
        let mut place = 1;
        for part in text.split('/') {
            parser.add_part(part, place)?;
            place += part.chars().count() + 1;
        }
        if parser.columns.is_empty() {
            return Err(mistake(
                1,
                "no placeholder gives a column; write, for example, {title}.{ext}",
            ));
        }
        Ok(Self {
            parts: parser.parts,
            columns: parser.columns,
        })
    }

    /// Returns the columns in the order of the pattern.
    pub fn columns(&self) -> &[PatternColumn] {
        &self.columns
    }

    /// Returns the cells for a path, in the order of the columns and without blanks around them, or
    /// `None` for a path unlike the pattern.
    ///
    /// Of several ways to fit, each placeholder from the left takes as little text as possible.
    pub fn match_path<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let names: Vec<&str> = path.split('/').collect();
        let is_any = |part: &PatternPart| *part == PatternPart::AnyFolders;
        let (first, last) = match self.parts.iter().position(is_any) {
            Some(at) if self.parts.len() - 1 <= names.len() => (at, self.parts.len() - 1 - at),
            None if self.parts.len() == names.len() => (names.len(), 0),
            _ => return None,
        };
        let of_parts = self.parts[..first].iter();
        let of_parts = of_parts.chain(&self.parts[self.parts.len() - last..]);
        let of_names = names[..first].iter().chain(&names[names.len() - last..]);
        let mut cells = vec![""; self.columns.len()];
        for (part, name) in of_parts.zip(of_names) {
            let PatternPart::Name(pieces) = part else {
                continue;
            };
            let mut search = NameSearch {
                pieces,
                name,
                cells: &mut cells,
                failed: HashSet::new(),
            };
            if !search.fits(0, 0) {
                return None;
            }
        }
        let cells: Vec<&str> = cells.into_iter().map(str::trim).collect();
        cells.iter().all(|cell| !cell.is_empty()).then_some(cells)
    }
}

fn mistake(place: usize, why: impl Into<String>) -> InvalidPathPattern {
    let why = why.into();
    InvalidPathPattern { place, why }
}

/// Pattern under construction.
#[derive(Default)]
struct PatternParser {
    parts: Vec<PatternPart>,
    columns: Vec<PatternColumn>,
}

impl PatternParser {
    /// Adds a part whose first character has the number `first`.
    fn add_part(&mut self, part: &str, first: usize) -> Result<(), InvalidPathPattern> {
        if part.is_empty() {
            let why = "nothing between two slashes, or before or behind the only one; write the \
                       path as it is below the folder";
            return Err(mistake(first, why));
        }
        if part == ANY_FOLDERS {
            if self.parts.contains(&PatternPart::AnyFolders) {
                return Err(mistake(first, "a second **; one is enough"));
            }
            self.parts.push(PatternPart::AnyFolders);
            return Ok(());
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut characters = part.chars().zip(first..).peekable();
        while let Some((c, place)) = characters.next() {
            match c {
                '{' | '}' if characters.next_if(|(next, _)| *next == c).is_some() => {
                    literal.push(c);
                }
                '}' => {
                    return Err(mistake(
                        place,
                        "a } without its {; write }} for the character",
                    ));
                }
                '\\' => return Err(mistake(place, "a \\; write / between folders")),
                '{' => {
                    if !literal.is_empty() {
                        pieces.push(NamePiece::Literal(std::mem::take(&mut literal)));
                    } else if !pieces.is_empty() {
                        let why = "nothing between two placeholders, so that nothing says where the \
                                   first one ends; write the text between them";
                        return Err(mistake(place, why));
                    }
                    let mut name = String::new();
                    loop {
                        match characters.next() {
                            Some(('}', _)) => break,
                            Some((c, _)) if c != '{' => name.push(c),
                            _ => {
                                let why = "a { that is never closed; write {{ for the character";
                                return Err(mistake(place, why));
                            }
                        }
                    }
                    pieces.push(self.placeholder(&name, place)?);
                }
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            pieces.push(NamePiece::Literal(literal));
        }
        self.parts.push(PatternPart::Name(pieces));
        Ok(())
    }

    fn placeholder(&mut self, name: &str, place: usize) -> Result<NamePiece, InvalidPathPattern> {
        let known = normalise_heading(name);
        match known.as_str() {
            "" => return Err(mistake(place, "a placeholder without a name")),
            "ext" => return Ok(NamePiece::Extension),
            "any" => return Ok(NamePiece::Ignored),
            "sha256" => {
                return Err(mistake(
                    place,
                    "{sha256} cannot come from a path: it is there to prove the file's content",
                ));
            }
            own if OWN_COLUMNS.contains(&own) => {
                let why = format!("{{{own}}} is a column that every manifest from a folder has");
                return Err(mistake(place, why));
            }
            _ => {}
        }
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        if !name.starts_with(char::is_alphabetic) || !name.chars().all(is_plain) {
            let why = format!(
                "{{{name}}} is no name of a column: it begins with a letter, and letters, digits, \
                 blanks, - and _ follow"
            );
            return Err(mistake(place, why));
        }
        if self
            .columns
            .iter()
            .any(|other| normalise_heading(other.as_str()) == known)
        {
            return Err(mistake(place, format!("{{{name}}} for the second time")));
        }
        self.columns.push(match Column::from_name(&known) {
            Some(column) => PatternColumn::Known(column),
            None => PatternColumn::Further(name.trim().to_owned()),
        });
        Ok(NamePiece::Cell(self.columns.len() - 1))
    }
}

/// Search for a way in which the pieces of a part fit a name.
struct NameSearch<'a, 'p> {
    pieces: &'a [NamePiece],
    name: &'p str,
    cells: &'a mut [&'p str],
    /// Pieces and offsets known not to fit, so that the search is short for any name.
    failed: HashSet<(usize, usize)>,
}

impl NameSearch<'_, '_> {
    /// Returns `true` if the pieces from `piece` on fit the name from the offset `start` on, and
    /// then has the cells filled.
    fn fits(&mut self, piece: usize, start: usize) -> bool {
        let rest = &self.name[start..];
        let shortest = match self.pieces.get(piece) {
            None => return rest.is_empty(),
            Some(NamePiece::Literal(literal)) => {
                return rest.starts_with(literal.as_str())
                    && self.fits(piece + 1, start + literal.len());
            }
            Some(NamePiece::Ignored) => 0,
            Some(NamePiece::Cell(_) | NamePiece::Extension) => 1,
        };
        if self.failed.contains(&(piece, start)) {
            return false;
        }
        let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        for length in ends.skip(shortest) {
            let text = &rest[..length];
            if self.pieces[piece] == NamePiece::Extension && text.contains('.') {
                break;
            }
            if self.fits(piece + 1, start + length) {
                if let NamePiece::Cell(column) = self.pieces[piece] {
                    self.cells[column] = text;
                }
                return true;
            }
        }
        self.failed.insert((piece, start));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_from_the_parts_of_a_path() {
        for (pattern, path, cells) in [
            (
                "{object_external_id}/{title}.{ext}",
                "CTR-1/Amendment 2.1.pdf",
                Some(vec!["CTR-1", "Amendment 2.1"]),
            ),
            ("{object_external_id}/{title}.{ext}", "Amendment.pdf", None),
            ("{object_external_id}/{title}.{ext}", "CTR-1/a/b.pdf", None),
            (
                "{object_external_id}/{title}.{ext}",
                "CTR-1/no extension",
                None,
            ),
            (
                "{object_id} - {title}.{ext}",
                "12 - a - b.pdf",
                Some(vec!["12", "a - b"]),
            ),
            (
                "{object_id}-{title}.{ext}",
                "12 - a.pdf",
                Some(vec!["12", "a"]),
            ),
            ("{object_id}-{title}.{ext}", " - a.pdf", None),
            ("{object_id} {any}.{ext}", "12 .pdf", Some(vec!["12"])),
            ("**/{object_id}/{any}", "a/b/c/12/x.pdf", Some(vec!["12"])),
            ("**/{object_id}/{any}", "12/x.pdf", Some(vec!["12"])),
            ("**/{object_id}/{any}", "x.pdf", None),
            (
                "{object_id}/**/{title}.pdf",
                "12/a/b/c.pdf",
                Some(vec!["12", "c"]),
            ),
            (
                "{{{Department}}} {title}",
                "{Legal} x.pdf",
                Some(vec!["Legal", "x.pdf"]),
            ),
            ("{title}ä.pdf", "ääää.pdf", Some(vec!["äää"])),
        ] {
            let pattern = PathPattern::parse(pattern).unwrap();
            assert_eq!(pattern.match_path(path), cells, "{path}");
        }
    }

    #[test]
    fn a_name_made_to_keep_the_search_busy_is_judged_at_once() {
        let pattern = PathPattern::parse("{a}a{b}a{c}a{d}a{e}a{f}a{g}a{h}!").unwrap();
        assert_eq!(pattern.match_path(&"a".repeat(255)), None);
    }

    #[test]
    fn known_names_are_columns_of_the_manifest_and_others_become_columns() {
        let pattern = PathPattern::parse("{Object ID}_{Department}_{any}.{ext}").unwrap();
        assert_eq!(
            pattern.columns(),
            [
                PatternColumn::Known(Column::ObjectId),
                PatternColumn::Further("Department".to_owned())
            ]
        );
    }

    #[test]
    fn a_pattern_with_a_mistake_is_refused_with_the_place() {
        for (pattern, message) in [
            ("", "character 1: nothing between two slashes"),
            ("/{title}", "character 1: nothing between"),
            ("a/{title}/", "character 11: nothing between"),
            ("ä/{title", "character 3: a { that is never closed"),
            ("{a{b}", "character 1: a { that is never closed"),
            ("{title}}", "character 8: a } without its {"),
            (
                "{title}{ext}",
                "character 8: nothing between two placeholders",
            ),
            ("{}", "character 1: a placeholder without a name"),
            (
                "{title}/{Title}",
                "character 9: {Title} for the second time",
            ),
            (
                "{file_path}",
                "character 1: {file_path} is a column that every",
            ),
            ("x{sha256}", "character 2: {sha256} cannot come from a path"),
            ("{=x}", "character 1: {=x} is no name of a column"),
            ("{any}.{ext}", "character 1: no placeholder gives a column"),
            ("**/**/{title}", "character 4: a second **"),
            ("a\\{title}", "character 2: a \\; write /"),
        ] {
            let refusal = PathPattern::parse(pattern).unwrap_err().to_string();
            assert!(refusal.starts_with(message), "{pattern}: {refusal}");
        }
    }
}
