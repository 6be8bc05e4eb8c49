//! `external_id` of a file, from the path alone.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::digest::sha256;

/// Longest readable part of an id in characters. The end of a longer path is kept.
const MAX_READABLE_CHARS: usize = 100;

/// Number of hexadecimal digits of the path's SHA-256. Two of a million paths have the same 16
/// digits with a probability of 1 in 37 million; `check` would refuse their ids.
const DIGEST_DIGITS: usize = 16;

/// Returns the id of a path: the path in letters, digits, `_` and `-`, which every router takes
/// unchanged, and digits of the SHA-256 of `hashed_path`.
///
/// The digits keep the ids of paths apart where only the case or omitted characters differ.
pub(super) fn path_id(path: &str, hashed_path: &str) -> String {
    let readable = readable_part(path);
    let mut digits = sha256(hashed_path.as_bytes()).to_string();
    digits.truncate(DIGEST_DIGITS);
    match readable.as_str() {
        "" => format!("file-{digits}"),
        readable => format!("{readable}-{digits}"),
    }
}

fn readable_part(path: &str) -> String {
    let mut readable = String::with_capacity(path.len());
    for c in path.nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => readable.push_str("ss"),
            '/' => readable.push('_'),
            c if c.is_ascii_alphanumeric() || c == '_' => readable.push(c),
            _ if readable.ends_with(['-', '_']) => {}
            _ => readable.push('-'),
        }
    }
    let trimmed = readable.trim_matches(['-', '_']);
    let surplus = trimmed.len().saturating_sub(MAX_READABLE_CHARS);
    trimmed[surplus..].trim_start_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExternalId;

    #[test]
    fn an_id_shows_its_path_in_characters_that_are_safe_everywhere() {
        for (path, readable) in [
            ("CTR-1/Amendment 2.pdf", "CTR-1_Amendment-2-pdf"),
            (
                "Verträge/Maß & Gewicht (neu).PDF",
                "Vertrage_Mass-Gewicht-neu-PDF",
            ),
            ("Vertra\u{308}ge/a.pdf", "Vertrage_a-pdf"),
            ("=1+1", "1-1"),
            ("契約", "file"),
            ("..", "file"),
        ] {
            let id = path_id(path, path);
            let digits = &sha256(path.as_bytes()).to_string()[..16];
            assert_eq!(id, format!("{readable}-{digits}"), "{path}");
            assert!(ExternalId::check(&id).is_ok());
        }
    }

    #[test]
    fn a_long_path_keeps_its_end() {
        let path = format!("{}/{}.pdf", "ordner/".repeat(100), "x".repeat(90));
        let id = path_id(&path, &path);
        assert!(id.starts_with("ordner_xxx") || id.contains("_xxx"), "{id}");
        assert!(id.len() <= MAX_READABLE_CHARS + 1 + DIGEST_DIGITS, "{id}");
    }

    #[test]
    fn paths_that_leave_the_same_readable_part_have_different_ids() {
        let paths = ["a/b.pdf", "a_b.pdf", "a-b.pdf", "A/b.pdf", "a/b-pdf"];
        let mut ids: Vec<String> = paths.map(|path| path_id(path, path).to_lowercase()).into();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), paths.len());
    }
}
