//! `import --dry-run` with changes: each planned change of an attachment, with old and new values.

use serde_json::{Value, json};

use crate::harness::{ImportTest, MANIFEST_HEADER, TestRun, content_of};

const OTHER: &str = "other.results.csv";

const REPLACE: [&str; 3] = ["--on-conflict", "replace", "--no-backup"];

/// Manifest row of contract 1: its external id, title and new external id.
type ManifestWish<'w> = (&'w str, &'w str, &'w str);

fn manifest(rows: &[ManifestWish<'_>]) -> String {
    let lines: Vec<String> = rows
        .iter()
        .map(|(id, title, new_id)| format!("{id}.pdf,contract,1,{id},{title},{new_id}\n"))
        .collect();
    let header = MANIFEST_HEADER.trim_end();
    format!("{header},title,new_external_id\n{}", lines.concat())
}

/// Service with attachments of the names and titles `there`, and a manifest with the rows `wishes`.
fn attached(there: &[(&str, &str)], wishes: &[ManifestWish<'_>]) -> ImportTest {
    let test = ImportTest::new();
    let there: Vec<_> = there.iter().map(|(id, title)| (*id, *title, "")).collect();
    for (id, ..) in there.iter().chain(wishes) {
        test.write(&format!("{id}.pdf"), content_of(id));
    }
    if !there.is_empty() {
        test.write("m.csv", manifest(&there));
        test.import().with_results(OTHER).exits(0);
    }
    test.write("m.csv", manifest(wishes));
    test
}

/// Rows with content of another size and of the same size, other titles, and new names.
fn mixed() -> ImportTest {
    let there = [
        ("A1", "One"),
        ("A2", "Old"),
        ("A3", "Three"),
        ("A4", "Four"),
    ];
    let wishes = [
        ("A1", "One", ""),
        ("A2", "New", "EU-A2"),
        ("A3", "", "EU-A3"),
        ("A4", "Vier", ""),
        ("A5", "Five", "EU-A5"),
    ];
    let test = attached(&there, &wishes);
    test.write("A2.pdf", "something longer than before");
    test
}

fn dry_run(test: &ImportTest) -> TestRun<'_> {
    test.import().args(["--dry-run"])
}

#[test]
fn a_dry_run_names_each_change_with_old_and_new_and_sends_only_look_ups() {
    let test = mixed();
    dry_run(&test)
        .args(REPLACE)
        .args(["--update", "title"])
        .stdout(
            "an import of 5 rows would\n\
             \x20         1  create and upload, 13 B\n\
             \x20         1  replace other content, 28 B\n\
             \x20         3  download attachments of the same size, and replace other content, 39 \
             B\n\
             \x20         2  give another title\n\
             \x20         3  give another external_id\n\
             row 1, external_id \"A1\": download 13 bytes, and replace the content if it differs \
             from the file\n\
             row 2, external_id \"A2\": replace 13 bytes with 28\n\
             row 2, external_id \"A2\": change the title \"Old\" to \"New\"\n\
             row 2, external_id \"A2\": rename to \"EU-A2\"\n\
             row 3, external_id \"A3\": download 13 bytes, and replace the content if it differs \
             from the file\n\
             row 3, external_id \"A3\": rename to \"EU-A3\"\n\
             row 4, external_id \"A4\": download 13 bytes, and replace the content if it differs \
             from the file\n\
             row 4, external_id \"A4\": change the title \"Four\" to \"Vier\"\n\
             row 5, external_id \"A5\": rename to \"EU-A5\"\n\
             rows by the state of their record: 5 active contracts; no document says which states refuse \
             attachments\n\
             looking at records took 2 requests, which the import does without\n\
             the import would take 26 requests or more: less than 1 s at this rate; this dry run \
             changed nothing\n",
        )
        .requests([
            "get_by_external_id A1 200",
            "get_by_external_id A2 200",
            "get_by_external_id EU-A2 404",
            "get_by_external_id A3 200",
            "get_by_external_id EU-A3 404",
            "get_by_external_id A4 200",
            "get_by_external_id A5 404",
            "get_by_external_id EU-A5 404",
            "get_object contracts/1 200",
            "list 200",
        ])
        .stored_rows(["A1", "A2", "A3", "A4"])
        .exits(0);
    assert!(!test.path("m.results.csv").exists());
}

#[test]
fn scripts_get_the_same_list() {
    let test = mixed();
    let outcome = dry_run(&test)
        .args(["--on-conflict", "skip", "--update", "title"])
        .args(["--output", "json"])
        .exits(0);
    let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        found["changes"],
        json!({
            "replace": 0,
            "replace_bytes": 0,
            "compare": 0,
            "compare_bytes": 0,
            "title": 2,
            "rename": 3,
            "list": [
                { "row": 2, "external_id": "A2", "change": "title", "old": "Old", "new": "New" },
                { "row": 2, "external_id": "A2", "change": "rename", "new_external_id": "EU-A2" },
                { "row": 3, "external_id": "A3", "change": "rename", "new_external_id": "EU-A3" },
                { "row": 4, "external_id": "A4", "change": "title", "old": "Four", "new": "Vier" },
                { "row": 5, "external_id": "A5", "change": "rename", "new_external_id": "EU-A5" },
            ],
            "not_listed": 0,
        })
    );
    let counts = [&found["create"], &found["skip"], &found["keep"]];
    assert_eq!(counts, [1, 1, 0]);
}

#[test]
fn what_nobody_asks_for_is_not_foreseen() {
    let test = attached(
        &[("A1", "Old"), ("A2", "")],
        &[("A1", "New", ""), ("A2", "", "")],
    );
    test.write("A2.pdf", "something longer than before");
    dry_run(&test)
        .stdout(
            "an import of 2 rows would\n\
             \x20         1  skip: there already, with the same size\n\
             \x20         1  not be able to finish: conflict\n\
             row 2, external_id \"A2\": conflict, stored_other_size\n\
             the import would take 2 requests: less than 1 s at this rate; this dry run changed \
             nothing\n",
        )
        .exits(1);
    dry_run(&test)
        .args(["--on-conflict", "skip"])
        .stdout(
            "an import of 2 rows would\n\
             \x20         1  skip: there already, with the same size\n\
             \x20         1  skip: there already, with other content, which stays\n\
             the import would take 2 requests: less than 1 s at this rate; this dry run changed \
             nothing\n",
        )
        .exits(0);
}

#[test]
fn a_name_that_somebody_else_has_is_foreseen_as_a_conflict() {
    let test = attached(&[("A1", ""), ("B1", "")], &[("A1", "", "B1")]);
    dry_run(&test)
        .stdout(
            "an import of 1 row would\n\
             \x20         1  not be able to finish: conflict\n\
             row 1, external_id \"A1\": conflict, new_id_taken\n\
             the import would take 2 requests: less than 1 s at this rate; this dry run changed \
             nothing\n",
        )
        .exits(1);
}

#[test]
fn what_has_its_new_name_already_is_not_renamed_again() {
    let test = attached(&[("B1", "")], &[("A1", "", "B1")]);
    test.write("A1.pdf", content_of("B1"));
    dry_run(&test)
        .stdout(
            "an import of 1 row would\n\
             \x20         1  skip: there already, with the same size\n\
             the import would take 2 requests: less than 1 s at this rate; this dry run changed \
             nothing\n",
        )
        .exits(0);
}

#[test]
fn what_earlier_runs_have_done_is_looked_at_in_one_request_where_titles_are_updated() {
    let rows: Vec<String> = (1..=60).map(|number| format!("A{number}")).collect();
    let titled = |title| -> Vec<ManifestWish<'_>> {
        let wish = |(number, id)| match number {
            7 => (id, title, ""),
            _ => (id, "Same", ""),
        };
        (1..)
            .zip(rows.iter().map(String::as_str))
            .map(wish)
            .collect()
    };
    let test = attached(&[], &titled("Old"));
    test.import().exits(0);
    test.write("m.csv", manifest(&titled("New")));
    let outcome = dry_run(&test)
        .args(["--resume", "--update", "title"])
        .stdout(
            "an import of 60 rows would\n\
             \x20         1  give another title\n\
             \x20        59  leave alone: done by an earlier run\n\
             row 7, external_id \"A7\": change the title \"Old\" to \"New\"\n\
             the import would take 3 requests: less than 1 s at this rate; this dry run changed \
             nothing\n",
        )
        .exits(0);
    assert_eq!(outcome.requests.len(), 2, "{:?}", outcome.requests);
    test.resume()
        .args(["--update", "title"])
        .prints("all 60 rows done (0 B sent in [time], 3 requests)")
        .exits(0);
}

#[test]
fn a_file_that_has_changed_since_it_was_uploaded_would_be_replaced() {
    let test = attached(&[], &[("A1", "", ""), ("A2", "", "")]);
    test.import().exits(0);
    test.write("A1.pdf", "something longer than before");
    test.write("A2.pdf", "CONTENT OF A2");
    dry_run(&test)
        .args(["--resume"])
        .prints("         2  not be able to finish: conflict\n")
        .exits(1);
    dry_run(&test)
        .args(["--resume"])
        .args(REPLACE)
        .stdout(
            "an import of 2 rows would\n\
             \x20         2  replace other content, 41 B\n\
             row 1, external_id \"A1\": replace 13 bytes with 28\n\
             row 2, external_id \"A2\": replace 13 bytes with 13\n\
             rows by the state of their record: 2 active contracts; no document says which states refuse \
             attachments\n\
             looking at records took 1 request, which the import does without\n\
             the import would take 8 requests: less than 1 s at this rate; this dry run changed \
             nothing\n",
        )
        .exits(0);
}
