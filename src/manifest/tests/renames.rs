//! Tests of new ids as seen by users.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::arbitrary::proptest_config;
use crate::model::ExternalId;

/// Reads a manifest of rows, each with its id and the requested new id.
fn read_renames(rows: &[(&str, &str)], similar_ids: SimilarIdPolicy) -> ManifestWithProblems {
    let lines: Vec<String> = rows
        .iter()
        .map(|(id, new)| format!("a.pdf,contract,1,{id},{new}\n"))
        .collect();
    let text = format!("{HEADER},new_external_id\n{}", lines.concat());
    let options = ManifestOptions {
        similar_ids,
        ..ManifestOptions::default()
    };
    parse_manifest(Path::new("m.csv"), ManifestTable::of_text(text), &options).unwrap()
}

fn screen_text_of_renames(rows: &[(&str, &str)]) -> String {
    let ManifestWithProblems { manifest, problems } = read_renames(rows, SimilarIdPolicy::Refuse);
    render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings)
}

/// Returns the rows with a problem and the stable words of the problems.
fn rows_and_kinds(rows: &[(&str, &str)], similar: SimilarIdPolicy) -> Vec<(u32, &'static str)> {
    let problems = read_renames(rows, similar).problems;
    let kinds = problems
        .iter()
        .map(|problem| (problem.row, problem.kind.as_str()));
    kinds.collect()
}

#[test]
fn a_row_is_to_be_renamed_where_its_new_id_is_another_one() {
    let rows = [("A", "EU-A"), ("B", ""), ("C", "C"), ("D", "d")];
    let ManifestWithProblems { manifest, problems } = read_renames(&rows, SimilarIdPolicy::Refuse);
    assert!(problems.is_empty());
    let wishes: Vec<_> = manifest
        .rows()
        .map(|row| row.parse().unwrap().new_external_id)
        .collect();
    let wishes: Vec<_> = wishes
        .iter()
        .map(|id| id.as_ref().map(ExternalId::as_str))
        .collect();
    assert_eq!(wishes, [Some("EU-A"), None, None, Some("d")]);
}

#[test]
fn a_new_id_is_checked_as_an_external_id_is() {
    assert_eq!(
        screen_text_of_renames(&[("A", "1.00E+15"), ("B", " EU-B")]),
        "m.csv line 2 (row 1), column new_external_id: \"1.00E+15\" was rewritten by a \
         spreadsheet; export the column as text\n\
         m.csv line 3 (row 2), column new_external_id: \" EU-B\" has blanks around it; remove the \
         blanks\n"
    );
}

#[test]
fn what_is_wrong_with_an_id_is_not_told_twice() {
    assert_eq!(
        rows_and_kinds(&[("1.00E+15", "1.00E+15")], SimilarIdPolicy::Refuse),
        [(1, "rewritten_number")]
    );
}

#[test]
fn rows_that_wish_for_one_id_are_told_of_each_other() {
    assert_eq!(
        screen_text_of_renames(&[("A", "N"), ("B", "N")]),
        "m.csv line 2 (row 1), column new_external_id: \"N\" is also in line 3 (row 2); give each \
         row an id of its own\n\
         m.csv line 3 (row 2), column new_external_id: \"N\" is also in line 2 (row 1); give each \
         row an id of its own\n"
    );
}

#[test]
fn an_id_that_another_row_has_cannot_be_had() {
    assert_eq!(
        screen_text_of_renames(&[("A", "B"), ("B", "")]),
        "m.csv line 2 (row 1), column new_external_id: \"B\" is the external_id of line 3 (row 2); \
         choose another id, or rename that row first, with a separate manifest\n"
    );
    for (rows, told) in [
        (&[("A", "B"), ("B", "B")][..], &[1][..]),
        (&[("A", "B"), ("X", "Y"), ("B", "C")], &[1]),
        (&[("A", "B"), ("B", "A")], &[1, 2]),
        (
            &[("A", "B"), ("B", "C"), ("C", "A"), ("X", "Y")],
            &[1, 2, 3],
        ),
    ] {
        let told: Vec<_> = told.iter().map(|row| (*row, "new_id_in_use")).collect();
        assert_eq!(
            rows_and_kinds(rows, SimilarIdPolicy::Allow),
            told,
            "{rows:?}"
        );
    }
}

#[test]
fn new_ids_that_look_like_others_are_refused_unless_they_are_allowed() {
    for (rows, told) in [
        (
            [("A", "eu-1"), ("B", "EU-1")],
            vec![(1, "similar"), (2, "similar")],
        ),
        ([("A", "b"), ("B", "")], vec![(1, "similar")]),
        ([("A", "b"), ("B", "C")], vec![(1, "similar")]),
    ] {
        assert_eq!(
            rows_and_kinds(&rows, SimilarIdPolicy::Refuse),
            told,
            "{rows:?}"
        );
        assert_eq!(
            rows_and_kinds(&rows, SimilarIdPolicy::Allow),
            [],
            "{rows:?}"
        );
    }
    assert_eq!(
        screen_text_of_renames(&[("A", "b"), ("B", "")]),
        "m.csv line 2 (row 1), column new_external_id: \"b\" differs only in case or in the \
         encoding of accents from \"B\" in line 3 (row 2); correct one of the two ids, or allow \
         similar ids with --allow-similar-ids\n"
    );
}

#[test]
fn zeros_that_a_spreadsheet_dropped_from_new_ids_are_warned_of() {
    assert_eq!(
        rows_and_kinds(
            &[("A", "0012"), ("B", "13"), ("C", "")],
            SimilarIdPolicy::Refuse
        ),
        [(2, "dropped_zeros")]
    );
}

#[test]
fn a_million_equal_wishes_would_not_take_forever() {
    let rows: Vec<(String, &str)> = (0..10_000)
        .map(|number| (format!("A{number}"), "same"))
        .chain(std::iter::repeat_n(("same".to_owned(), ""), 10_000))
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, new)| (id.as_str(), *new)).collect();
    let problems = read_renames(&rows, SimilarIdPolicy::Refuse).problems;
    // Each row is reported with another row of the same id, and half of the rows once more because
    // another row has the id.
    assert_eq!(problems.error_count(), 30_000);
}

#[test]
fn in_keelvar_nothing_is_renamed() {
    let text = format!(
        "{HEADER},new_external_id\n\
         a.pdf,sourcing_event,3f2504e0-4f89-41d3-9a0c-0305e82c3301,A,\n\
         b.pdf,sourcing_event,3f2504e0-4f89-41d3-9a0c-0305e82c3301,B,C\n"
    );
    let ManifestWithProblems { manifest, problems } = read_str(&text).unwrap();
    assert_eq!(
        render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings),
        "m.csv line 3 (row 2), column new_external_id: \"C\" cannot be applied: Keelvar's jobs can \
         neither find nor rename an attached file; leave the cell empty\n"
    );
    assert!(manifest.row(1).parse().is_err());
}

proptest! {
    #![proptest_config(proptest_config(1_000))]

    #[test]
    fn what_is_not_refused_can_be_renamed_in_any_order_and_nothing_else_is_refused(
        rows in prop::collection::vec(
            (
                select(vec!["A", "B", "C", "D", "E"]),
                select(vec!["", "", "A", "B", "C", "D", "E", "F"]),
            ),
            1..6,
        ),
    ) {
        let refused = read_renames(&rows, SimilarIdPolicy::Allow).problems.error_count() > 0;
        let renames = rows.iter().filter(|(id, new)| !new.is_empty() && id != new);
        let mut ids: Vec<&str> = rows.iter().map(|(id, _)| *id).collect();
        ids.extend(renames.map(|(_, new)| new));
        let different: HashSet<&str> = ids.iter().copied().collect();
        prop_assert_eq!(refused, different.len() < ids.len(), "{:?}", rows);
    }
}
