//! Changes which are impossible, or impossible without further options. Nothing is sent.

use crate::harness::{
    ImportTest, MANIFEST_HEADER, ResultsTable, SOURCING_EVENT, TestRun, content_of, manifest_row,
    manifest_row_for_object,
};

/// Writes a manifest in which each row has a new external id.
fn with_new_ids(rows: &[(&str, &str)]) -> ImportTest {
    let lines: Vec<String> = rows
        .iter()
        .map(|(id, new_id)| format!("{},{new_id}\n", manifest_row(id).trim_end()))
        .collect();
    let header = MANIFEST_HEADER.trim_end();
    let test = ImportTest::new().manifest(format!("{header},new_external_id\n{}", lines.concat()));
    for (id, _) in rows {
        test.write(&format!("{id}.pdf"), content_of(id));
    }
    test
}

/// Expects a run to send nothing, to leave no results and to print `said`.
#[track_caller]
fn refused(run: TestRun<'_>, test: &ImportTest, said: &str) {
    run.prints(said).stdout("").requests([]).exits(2);
    assert!(!test.path(ResultsTable::DEFAULT_NAME).exists());
}

#[test]
fn nothing_is_replaced_before_it_is_said_what_becomes_of_it() {
    let test = ImportTest::with_rows(1);
    let said = "error: nothing was sent: --on-conflict replace deletes the stored content for \
                good; name a folder for backups with --backup DIR, or give --no-backup\n";
    for more in [&[][..], &["--resume"], &["--dry-run"], &["--yes"]] {
        let run = test.import().args(["--on-conflict", "replace"]);
        refused(run.args(more.iter().copied()), &test, said);
    }
}

#[test]
fn a_backup_where_nothing_is_replaced_is_refused() {
    let test = ImportTest::with_rows(1);
    for (option, args) in [
        ("--backup", &["--backup", "old"][..]),
        ("--no-backup", &["--no-backup"]),
        ("--backup", &["--backup", "old", "--on-conflict", "skip"]),
        ("--no-backup", &["--no-backup", "--update", "title"]),
    ] {
        let said = format!(
            "error: nothing was sent: {option} is for replaced content, and this run replaces \
             none; give --on-conflict replace, too, or leave {option} out\n"
        );
        refused(test.import().args(args.iter().copied()), &test, &said);
        assert!(!test.path("old").exists());
    }
    let both = ["--on-conflict", "replace", "--backup", "old", "--no-backup"];
    let said = "the argument '--backup <DIR>' cannot be used with '--no-backup'";
    refused(test.import().args(both), &test, said);
}

#[test]
fn a_file_name_is_never_corrected_since_that_would_detach_the_bytes() {
    let test = ImportTest::with_rows(1);
    refused(
        test.import().args(["--update", "file_name"]),
        &test,
        "invalid value 'file_name' for '--update <WHAT>': a file name is never corrected alone: \
         the service would release the stored bytes; title is expected",
    );
}

#[test]
fn keelvar_can_change_nothing_that_is_attached() {
    let test = ImportTest::with_event_rows(1);
    for (option, args) in [
        ("--on-conflict skip", &["--on-conflict", "skip"][..]),
        (
            "--on-conflict replace",
            &["--on-conflict", "replace", "--backup", "old"],
        ),
        ("--backup", &["--backup", "old"]),
        ("--no-backup", &["--no-backup"]),
        ("--update title", &["--update", "title"]),
    ] {
        let said = format!(
            "error: nothing was sent: {option} is not for Keelvar, whose jobs can neither find nor \
             change what is attached; leave {option} out\n"
        );
        refused(test.import().args(args.iter().copied()), &test, &said);
    }
}

#[test]
fn a_new_external_id_in_keelvar_is_refused_with_the_reason() {
    let manifest = format!(
        "{},new_external_id\n{},B1\n",
        MANIFEST_HEADER.trim_end(),
        manifest_row_for_object("A1", SOURCING_EVENT).trim_end()
    );
    let test = ImportTest::with_event_rows(1).manifest(manifest);
    let told = "m.csv line 2 (row 1), column new_external_id: \"B1\" cannot be applied: Keelvar's \
                jobs can neither find nor rename an attached file; leave the cell empty\n";
    refused(test.import(), &test, told);
    test.check().prints(told).exits(2);
}

#[test]
fn an_id_that_another_row_has_is_refused_before_anything_is_sent() {
    for (rows, refusals) in [
        (&[("A1", "A2"), ("A2", "")][..], 1),
        (&[("A1", "A2"), ("A2", "A3")], 1),
        (&[("A1", "A2"), ("A2", "A1"), ("A3", "")], 2),
        (&[("A1", "A2"), ("A2", "A3"), ("A3", "A1")], 3),
    ] {
        let test = with_new_ids(rows);
        let told = "m.csv line 2 (row 1), column new_external_id: \"A2\" is the external_id of \
                    line 3 (row 2); choose another id, or rename that row first, with a separate \
                    manifest\n";
        refused(test.import(), &test, told);
        let problems = test.read("m.problems.csv");
        assert_eq!(problems.matches(",new_id_in_use,").count(), refusals);
        test.check().prints(told).exits(2);
    }
}

#[test]
fn two_rows_that_wish_for_one_id_are_refused_before_anything_is_sent() {
    let test = with_new_ids(&[("A1", "EU"), ("A2", "EU")]);
    refused(
        test.import(),
        &test,
        "m.csv line 3 (row 2), column new_external_id: \"EU\" is also in line 2 (row 1); give each \
         row an id of its own\n",
    );
}
