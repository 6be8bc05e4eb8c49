//! Which of the names that a job has for its files is which of ours: services spell accents in their
//! own way (NFC or NFD), and do with blanks as they please.

use std::collections::HashMap;

use crate::text::without_blanks;

/// Pairs our names with theirs. Those that are the same belong together; of the others, those that
/// differ in nothing but their spelling, where that leaves no choice. Returns for each of ours the
/// place of its partner among theirs.
pub fn paired(ours: &[&str], theirs: &[&str]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; ours.len()];
    for (our, pair) in ours.iter().zip(&mut pairs) {
        *pair = theirs.iter().position(|their| their == our);
    }
    let exact = pairs.clone();
    let ours_left = unpaired(ours, |place| exact[place].is_none());
    let theirs_left = unpaired(theirs, |place| !exact.contains(&Some(place)));
    for (spelling, ours) in ours_left {
        let theirs = theirs_left.get(&spelling);
        if let ([our], Some([their])) = (ours.as_slice(), theirs.map(Vec::as_slice)) {
            pairs[*our] = Some(*their);
        }
    }
    pairs
}

/// The places of names that are left, by their spelling.
fn unpaired(names: &[&str], is_left: impl Fn(usize) -> bool) -> HashMap<String, Vec<usize>> {
    let mut left: HashMap<String, Vec<usize>> = HashMap::new();
    let all = names.iter().enumerate();
    for (place, name) in all.filter(|(place, _)| is_left(*place)) {
        left.entry(without_blanks(name)).or_default().push(place);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_the_same_belong_together_in_whatever_order() {
        let pairs = paired(&["a.pdf", "b.pdf", "c.pdf"], &["b.pdf", "a.pdf"]);
        assert_eq!(pairs, [Some(1), Some(0), None]);
    }

    #[test]
    fn a_name_in_another_spelling_belongs_to_the_one_that_is_left() {
        let (composed, decomposed) = ("Ange\u{e9}bot.pdf", "Ange\u{65}\u{301}bot.pdf");
        assert_eq!(paired(&[composed], &[decomposed]), [Some(0)]);
        assert_eq!(paired(&["a  b.pdf "], &["x.pdf", "a b.pdf"]), [Some(1)]);
        assert_eq!(paired(&["a b.pdf"], &["a\u{a0}b.pdf"]), [Some(0)]);
        // The same name goes first, and what it took is nobody else's.
        assert_eq!(paired(&["a b", "ab"], &["ab", "a  b"]), [Some(1), Some(0)]);
        assert_eq!(paired(&["a b", "ab"], &["ab"]), [None, Some(0)]);
    }

    #[test]
    fn where_there_is_a_choice_nothing_belongs_together() {
        assert_eq!(paired(&["a b"], &["ab", "a  b"]), [None]);
        assert_eq!(paired(&["a b", "a  b"], &["ab"]), [None, None]);
        assert_eq!(paired(&["a.pdf"], &["A.pdf", "b.pdf"]), [None]);
    }
}
