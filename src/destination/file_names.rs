//! Matching of our file names with the names in a job: services spell accents in their own way (NFC
//! or NFD), and add or drop blanks.

use std::collections::HashMap;

use crate::text::without_blanks;

/// Pairs our file names with the service's. Equal names belong together. Among the other names, two
/// belong together if they differ only in spelling and no other name has the same spelling. Returns
/// for each name in `ours` the index of its partner in `theirs`.
pub fn pair_file_names(ours: &[&str], theirs: &[&str]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; ours.len()];
    for (our, pair) in ours.iter().zip(&mut pairs) {
        *pair = theirs.iter().position(|their| their == our);
    }
    let exact = pairs.clone();
    let ours_left = group_by_spelling(ours, |place| exact[place].is_none());
    let theirs_left = group_by_spelling(theirs, |place| !exact.contains(&Some(place)));
    for (spelling, ours) in ours_left {
        let theirs = theirs_left.get(&spelling);
        if let ([our], Some([their])) = (ours.as_slice(), theirs.map(Vec::as_slice)) {
            pairs[*our] = Some(*their);
        }
    }
    pairs
}

/// Returns the indexes of the names for which `is_left` is true, grouped by spelling.
fn group_by_spelling(
    names: &[&str],
    is_left: impl Fn(usize) -> bool,
) -> HashMap<String, Vec<usize>> {
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
        let pairs = pair_file_names(&["a.pdf", "b.pdf", "c.pdf"], &["b.pdf", "a.pdf"]);
        assert_eq!(pairs, [Some(1), Some(0), None]);
    }

    #[test]
    fn a_name_in_another_spelling_belongs_to_the_one_that_is_left() {
        let (composed, decomposed) = ("Ange\u{e9}bot.pdf", "Ange\u{65}\u{301}bot.pdf");
        assert_eq!(pair_file_names(&[composed], &[decomposed]), [Some(0)]);
        assert_eq!(
            pair_file_names(&["a  b.pdf "], &["x.pdf", "a b.pdf"]),
            [Some(1)]
        );
        assert_eq!(pair_file_names(&["a b.pdf"], &["a\u{a0}b.pdf"]), [Some(0)]);
        // Equal names are paired first, and a paired name has no second partner.
        assert_eq!(
            pair_file_names(&["a b", "ab"], &["ab", "a  b"]),
            [Some(1), Some(0)]
        );
        assert_eq!(pair_file_names(&["a b", "ab"], &["ab"]), [None, Some(0)]);
    }

    #[test]
    fn where_there_is_a_choice_nothing_belongs_together() {
        assert_eq!(pair_file_names(&["a b"], &["ab", "a  b"]), [None]);
        assert_eq!(pair_file_names(&["a b", "a  b"], &["ab"]), [None, None]);
        assert_eq!(pair_file_names(&["a.pdf"], &["A.pdf", "b.pdf"]), [None]);
    }
}
