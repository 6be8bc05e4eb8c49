//! First import of a manifest.

use std::fs;
use std::path::Path;

use consign::digest::sha256;
use consign::emulator::{EmulatorOperation, FaultTrigger};
use serde_json::Value;

use crate::harness::{ImportTest, MANIFEST_FILE, status_effect};

#[test]
fn files_are_attached_to_objects_of_all_four_types_with_as_few_requests_as_can_be() {
    let test = ImportTest::new()
        .file("a.pdf", "alpha")
        .file("with blank/ü.pdf", "beta, a little longer")
        .file("c.pdf", "gamma")
        .file("d.pdf", "delta")
        .manifest(
            "file_path,object_type,object_id,external_id\n\
             d.pdf,supplier_company,4,SUP-4\n\
             a.pdf,contract,1,CTR-1\n\
             c.pdf,project,3,PRJ-3\n\
             with blank/ü.pdf,event,2,EVT_2\n",
        );
    test.import()
        .stdout(
            "all 4 rows done (36 B sent in [time], 9 requests)\n\
             \x20 uploaded          4  stored, and the size confirmed by the service\n\
             results: m.results.csv\n",
        )
        .rows([
            "SUP-4 uploaded",
            "CTR-1 uploaded",
            "PRJ-3 uploaded",
            "EVT_2 uploaded",
        ])
        .requests([
            "get_by_external_id SUP-4 404",
            "create SUP-4 201",
            "upload SUP-4 200",
            "get_by_external_id CTR-1 404",
            "create CTR-1 201",
            "upload CTR-1 200",
            "get_by_external_id PRJ-3 404",
            "create PRJ-3 201",
            "upload PRJ-3 200",
            "get_by_external_id EVT_2 404",
            "create EVT_2 201",
            "upload EVT_2 200",
            "list 200",
        ])
        .stored([
            ("CTR-1", "alpha"),
            ("EVT_2", "beta, a little longer"),
            ("PRJ-3", "gamma"),
            ("SUP-4", "delta"),
        ])
        .exits(0);
}

#[test]
fn a_line_of_the_results_says_all_that_is_known_of_its_row() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    let results = test.results();
    let label = test.service().label();
    for (column, value) in [
        ("row", "1"),
        ("file_path", "A1.pdf"),
        ("object_type", "contract"),
        ("object_id", "1"),
        ("external_id", "A1"),
        ("status", "uploaded"),
        ("reason", ""),
        ("attachment_id", "1"),
        ("size", "13"),
        ("sha256", &sha256(b"content of A1").to_string()),
        ("verified", "etag"),
        ("attempts", "1"),
        ("destination", label),
        ("message", ""),
    ] {
        assert_eq!(results.cell("A1", column), value, "{column}");
    }
    let modified: jiff::Timestamp = results.cell("A1", "modified_at").parse().unwrap();
    let on_disk = fs::metadata(test.path("A1.pdf"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(modified, on_disk.try_into().unwrap(), "to the nanosecond");
    let updated: jiff::Timestamp = results.cell("A1", "updated_at").parse().unwrap();
    assert!(updated.duration_since(modified).is_positive());
}

#[test]
fn the_other_columns_of_the_manifest_are_carried_and_no_cell_is_a_formula() {
    let digest = sha256(b"content of A1");
    let test = ImportTest::with_rows(1).manifest(format!(
        "Department,file_path,status,object_type,object_id,external_id,title,file_name,sha256\n\
         =1+1,A1.pdf,draft,contract,1,-A1,@home,b.pdf,{digest}\n"
    ));
    test.import().exits(0);
    let results = test.results();
    assert_eq!(
        results.header[23..],
        [
            "line_check",
            "Department",
            "manifest_status",
            "title",
            "file_name"
        ]
    );
    let line = &results.lines[0];
    assert_eq!(line.cell("Department"), "'=1+1");
    assert_eq!(line.cell("status"), "uploaded");
    assert_eq!(line.cell("manifest_status"), "draft");
    assert_eq!(line.cell("external_id"), "'-A1");
    let stored = &test.service().stored_attachments()[0];
    assert_eq!(stored.external_id.as_deref(), Some("-A1"));
    assert_eq!(stored.title, "@home");
    assert_eq!(stored.file_name, "b.pdf");
    test.resume().requests([]).rows(["'-A1 uploaded"]).exits(0);
    assert_eq!(test.results().lines[0].cell("Department"), "'=1+1");
}

#[test]
fn a_file_of_many_pieces_arrives_whole() {
    let big: Vec<u8> = (0..3_000_017_u32).map(|n| (n % 251) as u8).collect();
    let test = ImportTest::with_rows(1).file("A1.pdf", &big);
    test.import().exits(0);
    let stored = &test.service().stored_attachments()[0];
    assert_eq!(fs::read(&stored.bytes).unwrap(), big);
    assert_eq!(test.results().cell("A1", "verified"), "etag");
}

#[test]
fn files_that_several_rows_name_are_attached_to_each() {
    let test = ImportTest::with_rows(1).manifest(
        "file_path,object_type,object_id,external_id\n\
         A1.pdf,contract,1,X\nA1.pdf,contract,2,Y\n",
    );
    test.import()
        .stored([("X", "content of A1"), ("Y", "content of A1")])
        .exits(0);
}

#[test]
fn many_rows_at_once_are_confirmed_in_batches_of_fifty() {
    let test = ImportTest::with_rows(120);
    let outcome = test.import_at_once(40).exits(0);
    let of = |kind: &str| {
        outcome
            .requests
            .iter()
            .filter(|words| words.starts_with(kind))
            .count()
    };
    assert_eq!(of("get_by_external_id"), 120);
    assert_eq!(of("create"), 120);
    assert_eq!(of("upload"), 120);
    assert_eq!(of("list"), 3);
    assert_eq!(outcome.requests.len(), 363);
    assert_eq!(test.service().stored_attachments().len(), 120);
}

#[test]
fn a_script_gets_one_json_object_whose_counts_agree_with_the_results() {
    let test = ImportTest::with_rows(3).inject_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(2),
        status_effect(422),
    );
    let outcome = test
        .import()
        .args(["--output", "json"])
        .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
        .exits(1);
    let mut json: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let seconds = json["seconds"].take();
    assert!(seconds.as_f64().is_some_and(|seconds| seconds > 0.0));
    assert_eq!(
        json,
        serde_json::json!({
            "manifest": "m.csv",
            "results": "m.results.csv",
            "destination": "[label]",
            "rows": 3,
            "statuses": { "uploaded": 2, "failed": 1 },
            "rows_no_longer_in_manifest": 0,
            "files_in_no_row": { "count": 0, "paths": [], "search": "complete" },
            "requests": 8,
            "look_ups": 5,
            "created": 2,
            "throttled": 0,
            "bytes_sent": 26,
            "seconds": null,
            "ended": "some_left",
            "why": null,
            "exit_code": 1,
            "resume_command": "[consign] import m.csv --base-url [base] --rate 2000 \
                               --concurrency 1 --output json --resume",
        })
    );
}

#[test]
fn a_quiet_import_that_goes_well_says_nothing() {
    let test = ImportTest::with_rows(2);
    test.import()
        .args(["--quiet"])
        .stdout("")
        .stderr("")
        .exits(0);
}

#[test]
fn the_samples_go_through_an_emulator_that_lives_as_long_as_the_run() {
    let test = ImportTest::new();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
        test.folder(),
    );
    fs::rename(test.path("manifest.csv"), test.path(MANIFEST_FILE)).unwrap();
    let outcome = test
        .consign(["import", MANIFEST_FILE, "--emulator", "--rate", "2000"])
        .exits(0);
    let results = outcome.results.unwrap();
    assert_eq!(results.lines.len(), 14);
    for line in &results.lines {
        assert_eq!(line.cell("status"), "uploaded");
        assert_eq!(line.cell("verified"), "etag");
        assert_eq!(line.cell("destination"), "emulator");
        let file = fs::read(test.path(line.cell("file_path"))).unwrap();
        assert_eq!(line.cell("sha256"), sha256(&file).to_string());
    }
    assert_eq!(
        results.cell("PRJ-2019-00058", "department"),
        "Operations, Logistics"
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
