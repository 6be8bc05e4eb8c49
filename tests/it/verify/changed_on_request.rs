//! Verification of changes made on request, and of later interference with them.

use std::fs;

use consign::digest::sha256;
use consign::model::{CheckedContent, FileStamp};
use consign::results::ledger::Ledger;
use consign::results::results_file::{LineToWrite, ResultsFile};
use consign::results::{
    AttachmentChanges, BackupOutcome, FormerContent, KnownContent, ResultsEntry, Status,
    StatusReason,
};
use consign::text::csv_dialect::CsvDialect;

use super::imported;
use crate::harness::{ImportTest, MANIFEST_HEADER, ResultsTable, content_of, manifest_row};

/// Alters lines in the results of a plain import, so that the results look like those of an import
/// with changes.
fn alter_results(test: &ImportTest, alter: impl Fn(&mut ResultsEntry)) {
    let path = test.path(ResultsTable::DEFAULT_NAME);
    let ledger = Ledger::read(&path).unwrap();
    let columns = ["title".to_owned()];
    let lines: Vec<LineToWrite> = ledger
        .entries()
        .map(|mut entry| {
            let extras = vec![ledger.extra_cell(&entry, "title")];
            alter(&mut entry);
            LineToWrite { entry, extras }
        })
        .collect();
    // A process started by another test may hold a lock for a moment, inherited from this process.
    // Therefore the file is made elsewhere, and its text copied.
    let made = test.path("made.csv");
    let (mut file, _) = ResultsFile::begin(&made).unwrap();
    file.rewrite_before_run(CsvDialect::Comma, &columns, lines.into_iter())
        .unwrap();
    fs::copy(&made, &path).unwrap();
    fs::remove_file(&made).unwrap();
}

const NEW: &str = "something longer than before";

fn known(content: &str) -> KnownContent {
    KnownContent::Complete(CheckedContent {
        stamp: FileStamp {
            size: content.len() as u64,
            modified: "2020-08-18T12:48:42Z".parse().unwrap(),
        },
        sha256: sha256(content.as_bytes()),
    })
}

fn former(entry: &ResultsEntry, backup: BackupOutcome) -> FormerContent {
    let content = entry.known_content.content().unwrap();
    FormerContent {
        size: content.stamp.size,
        sha256: Some(content.sha256),
        backup,
    }
}

/// Turns a line into the one of a row whose content was replaced by [`NEW`].
fn replace(entry: &mut ResultsEntry, backup: BackupOutcome) {
    entry.changes.replaced = Some(former(entry, backup));
    entry.status = Status::Replaced;
    entry.known_content = known(NEW);
}

fn backup_of(id: &str) -> BackupOutcome {
    BackupOutcome::Kept(format!("old/{id}.pdf"))
}

/// Returns a test with two rows, the second replaced with a backup.
fn replaced() -> ImportTest {
    let test = imported(2);
    test.service().replace_bytes("A2", NEW);
    test.write("A2.pdf", NEW);
    test.write("old/A2.pdf", content_of("A2"));
    alter_results(&test, |entry| {
        if entry.external_id == "A2" {
            replace(entry, backup_of("A2"));
        }
    });
    test
}

#[test]
fn what_was_replaced_is_compared_with_its_new_content_and_its_backup_with_the_old_one() {
    let test = replaced();
    test.verify()
        .args(["--download", "all"])
        .outcomes(["A1 match", "A2 match"])
        .stdout(
            "all 2 rows match (3 requests in [time])\n\
             \x20 match                   2  there, as the results say\n\
             downloaded and hashed again: 2 attachments (all of them; 41 B)\n\
             backups of replaced content: 1 as recorded\n\
             verification: m.results.verification.csv\n",
        )
        .exits(0);
    let verified = test.verification();
    assert_eq!(verified.cell("A2", "found_size"), "28");
}

#[test]
fn old_content_in_place_of_what_it_was_replaced_by_differs() {
    let test = replaced();
    test.service().replace_bytes("A2", &content_of("A2"));
    test.verify()
        .outcomes(["A1 match", "A2 size_differs"])
        .prints("the service shows 13 bytes, and 28 bytes were imported")
        .exits(1);
}

#[test]
fn a_backup_that_is_not_what_was_kept_is_named_and_changes_no_verdict() {
    let test = imported(4);
    for id in ["A1", "A2", "A3", "A4"] {
        test.service().replace_bytes(id, NEW);
        test.write(&format!("{id}.pdf"), NEW);
    }
    test.write("old/A1.pdf", content_of("A1"));
    test.write("old/A2.pdf", content_of("B2"));
    alter_results(&test, |entry| {
        let backup = match &*entry.external_id {
            "A4" => BackupOutcome::Waived,
            id => backup_of(id),
        };
        replace(entry, backup);
    });
    let backups = "backups of replaced content: 1 as recorded, 1 missing, 1 with other bytes\n\
                   row 2, external_id \"A2\": backup \"old/A2.pdf\" with other bytes\n\
                   row 3, external_id \"A3\": backup \"old/A3.pdf\" missing\n\
                   1 content replaced without a backup (--no-backup)\n";
    test.verify()
        .outcomes(["A1 match", "A2 match", "A3 match", "A4 match"])
        .prints(backups)
        .exits(0);
    let outcome = test.verify().args(["--output", "json", "--quiet"]).exits(0);
    let summary: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let expected = serde_json::json!({
        "as_recorded": 1, "missing": 1, "other_bytes": 1, "waived": 1
    });
    assert_eq!(summary["backups"], expected);
}

#[test]
fn backups_that_are_all_elsewhere_are_not_named_one_by_one() {
    let test = replaced();
    fs::remove_dir_all(test.path("old")).unwrap();
    test.verify()
        .outcomes(["A1 match", "A2 match"])
        .prints("backups of replaced content: 1 named by the results, and none is here")
        .exits(0);
}

#[test]
fn backups_are_found_beside_results_that_were_moved_with_them() {
    let test = replaced();
    fs::create_dir(test.path("archive")).unwrap();
    for name in [ResultsTable::DEFAULT_NAME, "old"] {
        let moved = test.path("archive").join(name);
        fs::rename(test.path(name), moved).unwrap();
    }
    let base = test.service().base_url();
    test.consign(["verify", "archive/m.results.csv", "--base-url", &base])
        .verifying_results("archive/m.results.csv")
        .prints("backups of replaced content: 1 as recorded\n")
        .exits(0);
}

#[test]
fn what_was_renamed_is_expected_under_its_new_name_and_not_under_the_old_one() {
    let test = imported(2);
    test.service().rename("A2", "EU-A2");
    alter_results(&test, |entry| {
        if entry.external_id == "A2" {
            entry.status = Status::Renamed;
            entry.changes.renamed_to = Some("EU-A2".into());
        }
    });
    test.verify().outcomes(["A1 match", "A2 match"]).exits(0);
    let expected = ["A1", "A2"].map(|id| {
        let verified = test.verification();
        verified.cell(id, "expected_external_id").to_owned()
    });
    assert_eq!(expected, ["A1", "EU-A2"]);
    test.service().rename("EU-A2", "A2");
    test.verify().outcomes(["A1 match", "A2 renamed"]).exits(1);
    assert_eq!(
        test.verification().cell("A2", "message"),
        "the external_id is now \"A2\", but the import set \"EU-A2\""
    );
}

#[test]
fn a_new_title_is_expected_even_where_the_import_only_found_the_content() {
    let manifest = "file_path,object_type,object_id,external_id,title\n\
                    A1.pdf,contract,1,A1,New\n";
    let test = ImportTest::with_rows(1).manifest(manifest);
    test.import().all_uploaded(1).exits(0);
    test.remove(ResultsTable::DEFAULT_NAME);
    test.import().rows(["A1 skipped"]).exits(0);
    test.service().retitle("A1", "Old");
    test.verify().outcomes(["A1 match"]).exits(0);
    alter_results(&test, |entry| {
        entry.status = Status::Updated;
        entry.changes.previous_title = Some("Old".into());
    });
    test.verify()
        .outcomes(["A1 renamed"])
        .prints("the title is now \"Old\"")
        .exits(1);
    test.service().retitle("A1", "New");
    test.verify().outcomes(["A1 match"]).exits(0);
    assert_eq!(test.verification().cell("A1", "expected_title"), "New");
}

#[test]
fn content_that_the_user_kept_is_compared_by_its_size_alone() {
    let test = imported(2);
    test.service().replace_bytes("A2", NEW);
    alter_results(&test, |entry| {
        if entry.external_id == "A2" {
            entry.status = Status::Skipped;
            entry.reason = StatusReason::KeptExisting;
            entry.known_content = KnownContent::Size(28);
        }
    });
    test.verify()
        .args(["--download", "all"])
        .outcomes(["A1 match", "A2 match"])
        .prints(
            "downloaded and hashed again: 1 attachment (all of which the results know the content",
        )
        .exits(0);
    assert_eq!(test.verification().cell("A2", "found_sha256"), "");
    test.service().replace_bytes("A2", "shorter");
    test.verify()
        .outcomes(["A1 match", "A2 size_differs"])
        .prints("the service shows 7 bytes, and 28 bytes were there at the import")
        .exits(1);
}

#[test]
fn an_attachment_that_waits_for_bytes_is_named_with_what_to_do() {
    let test = imported(2);
    test.service().remove_bytes("A2");
    test.write("old/A2.pdf", content_of("A2"));
    let wait = |entry: &mut ResultsEntry| {
        if entry.external_id == "A2" {
            replace(entry, backup_of("A2"));
            entry.status = Status::Replacing;
        }
    };
    alter_results(&test, wait);
    let named = "external_id \"A2\": not_done: the attachment waits for bytes: the old bytes were \
                 released, and the new bytes are not confirmed; run the import again with \
                 --resume; the old content is in \"old/A2.pdf\"\n";
    test.verify()
        .outcomes(["A1 match", "A2 not_done"])
        .prints(format!("row 2, {named}"))
        .prints("backups of replaced content: 1 as recorded\n")
        .requests(["list 200"])
        .exits(1);
    // The attachment waits even after its row has left the manifest.
    alter_results(&test, |entry| {
        if entry.external_id == "A2" {
            entry.row = None;
        }
    });
    test.verify()
        .outcomes(["A1 match", "A2 not_done"])
        .prints(format!("a line without a row, {named}"))
        .exits(1);
}

#[test]
fn a_verification_from_before_a_rename_counts_for_nothing_in_the_report() {
    let test = imported(1);
    test.verify().outcomes(["A1 match"]).exits(0);
    test.service().rename("A1", "EU-A1");
    alter_results(&test, |entry| {
        entry.status = Status::Renamed;
        entry.changes = AttachmentChanges {
            renamed_to: Some("EU-A1".into()),
            ..AttachmentChanges::default()
        };
    });
    test.write("m.csv", MANIFEST_HEADER.to_owned() + &manifest_row("A1"));
    let covered = || {
        test.consign(["report", ResultsTable::DEFAULT_NAME])
            .exits(0);
        let json = test.read("m.results.report.json");
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        let found = &report["verification"];
        [&found["rows_checked"], &found["outdated_lines"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!(covered(), [0, 1]);
    test.verify().outcomes(["A1 match"]).exits(0);
    assert_eq!(covered(), [1, 0]);
}

#[test]
fn what_an_import_has_changed_matches_and_its_backups_hold_what_was_there() {
    let test = imported(4);
    let (header, rows) = (
        MANIFEST_HEADER.trim(),
        ["A1", "A2", "A3", "A4"].map(manifest_row),
    );
    let [first, second, third, fourth] = rows.each_ref().map(|row| row.trim());
    test.write(
        "m.csv",
        format!(
            "{header},title,new_external_id\n{first},,\n{second},A new title,\n\
             {third},,EU-A3\n{fourth},Another title,EU-A4\n"
        ),
    );
    test.write("A1.pdf", NEW);
    test.write("A4.pdf", "CONTENT OF A4");
    test.resume()
        .args(["--on-conflict", "replace", "--backup", "old", "--yes"])
        .args(["--update", "title"])
        .rows(["A1 replaced", "A2 updated", "A3 renamed", "A4 replaced"])
        .with_any_stderr()
        .exits(0);
    test.verify()
        .args(["--download", "all"])
        .outcomes(["A1 match", "A2 match", "A3 match", "A4 match"])
        .prints("backups of replaced content: 2 as recorded\n")
        .exits(0);
    test.consign(["report", ResultsTable::DEFAULT_NAME])
        .prints("All 4 rows are done. Verified: 4 by content, downloaded and hashed again.")
        .prints("the content of 2 rows; the title of 2 rows; the external_id of 2 rows.")
        .exits(0);
    let json = test.read("m.results.report.json");
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let content = &report["changed"]["content"]["listed"];
    let old = ["A1", "A4"].map(|id| sha256(content_of(id).as_bytes()).to_string());
    for (place, digest) in old.iter().enumerate() {
        assert_eq!(content[place]["previous_sha256"], *digest);
    }
    for id in ["A2", "EU-A3"] {
        test.service().retitle(id, "Something else");
        test.service().rename(id, &format!("{id}-moved"));
    }
    test.verify()
        .outcomes(["A1 match", "A2 renamed", "A3 renamed", "A4 match"])
        .prints("the external_id is now \"A2-moved\"; the title is now \"Something else\"")
        .prints("the external_id is now \"EU-A3-moved\", but the import set \"EU-A3\"")
        .exits(1);
}
