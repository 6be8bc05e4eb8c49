//! Distribution of files over jobs.

use std::collections::BTreeMap;

use consign::emulator::EmulatorOperation::CreateJob;

use crate::harness::{
    ImportTest, MANIFEST_HEADER, ResultsTable, SOURCING_EVENT, assert_attached_once,
};

/// Returns the number of rows of each job, the largest first.
fn parts(results: &ResultsTable) -> Vec<usize> {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &results.lines {
        *rows.entry(line.cell("attachment_id")).or_default() += 1;
    }
    let mut parts: Vec<usize> = rows.into_values().collect();
    parts.sort_by(|one, other| other.cmp(one));
    parts
}

#[test]
fn eight_files_share_a_job_unless_the_user_wants_fewer_or_fewer_may_be_at_work() {
    for (files_per_job, at_once, expected) in [
        (None, 9, [8, 2]),
        (Some("5"), 9, [5, 5]),
        (Some("20"), 9, [9, 1]),
        (None, 6, [6, 4]),
    ] {
        let test = ImportTest::with_event_rows(10);
        let option = files_per_job.map(|files| ["--files-per-job", files]);
        test.import_at_once(at_once)
            .with_fast_clock()
            .args(option.into_iter().flatten())
            .exits(0);
        assert_eq!(
            parts(&test.results()),
            expected,
            "{option:?}, {at_once} at once"
        );
        assert_eq!(test.service().count_requests(CreateJob), expected.len());
        assert_attached_once(&test);
    }
}

#[test]
fn files_of_one_name_for_one_event_go_into_different_jobs_after_a_warning() {
    let object = SOURCING_EVENT.replace(' ', ",");
    let test = ImportTest::for_keelvar()
        .file("x/a.pdf", "alpha")
        .file("y/a.pdf", "again")
        .file("b.pdf", "beta")
        .manifest(format!(
            "{MANIFEST_HEADER}x/a.pdf,{object},A1\nb.pdf,{object},A2\ny/a.pdf,{object},A3\n"
        ));
    let goes = "goes under the same name to the same record as";
    let remedy = "give one of the two files another name in file_name if people must tell the \
                  files apart";
    test.import()
        .stderr(format!(
            "warning: m.csv line 2 (row 1), column file_path: \"x/a.pdf\" {goes} \"y/a.pdf\" in \
             line 4 (row 3); {remedy}\n  the same in 1 more row: 3\n"
        ))
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .attached(["A1", "A2", "A3"])
        .exits(0);
    let results = test.results();
    let job = |id| results.cell(id, "attachment_id");
    assert_eq!(job("A1"), job("A2"));
    assert_ne!(job("A1"), job("A3"));
}
