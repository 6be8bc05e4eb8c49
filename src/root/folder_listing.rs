//! Names in a folder, found by their looks.

use std::ffi::OsStr;
use std::hash::{BuildHasher as _, RandomState};

use encoding_rs::WINDOWS_1252;

use crate::text::lookalike_spelling;

/// Names in one folder. A name takes little more memory than its text.
#[derive(Debug, Default)]
pub(super) struct FolderListing {
    hasher: RandomState,
    /// All names that are UTF-8, one behind the other.
    text: String,
    /// Sorted by hash, once complete.
    names: Vec<ListedName>,
    /// Hashes of names outside of UTF-8, decoded as Windows-1252, their usual encoding.
    not_utf8: Vec<u64>,
}

/// Name in a listing: the hash of its [`lookalike_spelling`], and its place in the text.
#[derive(Debug, Clone, Copy)]
struct ListedName {
    hash: u64,
    start: u32,
    end: u32,
}

impl FolderListing {
    /// Adds a name. Names are found only after [`Self::complete`].
    pub(super) fn add_name(&mut self, name: &OsStr) {
        let Some(name) = name.to_str() else {
            let (name, _) = WINDOWS_1252.decode_without_bom_handling(name.as_encoded_bytes());
            self.not_utf8.push(self.hash_of(&name));
            return;
        };
        let start = self.text.len();
        let Ok((start, end)) = start
            .try_into()
            .and_then(|start| Ok((start, (self.text.len() + name.len()).try_into()?)))
        else {
            // Beyond four gigabytes of names, which the bound of names rules out.
            return;
        };
        let hash = self.hash_of(name);
        self.text.push_str(name);
        self.names.push(ListedName { hash, start, end });
    }

    /// Makes the names ready to be found.
    pub(super) fn complete(&mut self) {
        let text = &self.text;
        let key = |name: &ListedName| (name.hash, &text[name.start as usize..name.end as usize]);
        self.names
            .sort_unstable_by(|one, other| key(one).cmp(&key(other)));
        self.not_utf8.sort_unstable();
    }

    /// Returns the names that a reader may take for `name`, in alphabetical order.
    pub(super) fn lookalikes<'l>(&'l self, name: &str) -> impl Iterator<Item = &'l str> {
        let spelling = lookalike_spelling(name).into_owned();
        let hash = self.hasher.hash_one(&*spelling);
        let first = self.names.partition_point(|listed| listed.hash < hash);
        self.names[first..]
            .iter()
            .take_while(move |listed| listed.hash == hash)
            .map(|listed| &self.text[listed.start as usize..listed.end as usize])
            .filter(move |listed| lookalike_spelling(listed) == spelling)
    }

    /// Returns `true` if a name outside of UTF-8 looks like `name` in its usual encoding.
    pub(super) fn has_non_utf8_lookalike(&self, name: &str) -> bool {
        self.not_utf8.binary_search(&self.hash_of(name)).is_ok()
    }

    fn hash_of(&self, name: &str) -> u64 {
        self.hasher.hash_one(&*lookalike_spelling(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_looks() {
        let mut listing = FolderListing::default();
        for name in ["b.pdf", "A.pdf", "O’Brien.pdf", "a.PDF", "Vertra\u{308}ge"] {
            listing.add_name(OsStr::new(name));
        }
        listing.complete();
        let found = |name: &str| -> Vec<&str> { listing.lookalikes(name).collect() };
        assert_eq!(found("a.pdf"), ["A.pdf", "a.PDF"]);
        assert_eq!(found("o'brien.pdf"), ["O’Brien.pdf"]);
        assert_eq!(found("VERTRÄGE"), ["Vertra\u{308}ge"]);
        assert_eq!(found("c.pdf"), [""; 0]);
        assert!(!listing.has_non_utf8_lookalike("a.pdf"));
    }
}
