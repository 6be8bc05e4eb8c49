//! Results which can no longer be written because the disk is full.

use crate::harness::ImportTest;

#[test]
#[cfg_attr(windows, ignore = "the size of files is limited by a Unix shell")]
fn a_full_disk_stops_the_run_before_the_next_request_and_loses_nothing() {
    let test = ImportTest::with_rows(4);
    let outcome = test
        .import()
        .with_file_size_limit(2)
        .leaving_a_journal()
        .stdout("")
        .stderr(
            "error: stopped early: cannot write m.results.csv: File too large (os error 27); \
             nothing more was sent, and the results are true: go on with --resume once the cause \
             is mended\n",
        )
        .exits(3);
    // The journal names each record before its POST.
    let journal = test.results().statuses_in_words();
    let announced = journal.iter().filter(|words| words.ends_with(" creating"));
    let requests = &outcome.requests;
    let made = requests.iter().filter(|words| words.starts_with("create "));
    assert!(
        made.count() <= announced.count(),
        "{requests:?} and {journal:?}"
    );
    assert!(
        test.service().stored_attachments().len() < 4,
        "the disk was full in the middle"
    );
    test.resume()
        .prints("was torn, and is left out")
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded", "A4 uploaded"])
        .stored_rows(["A1", "A2", "A3", "A4"])
        .exits(0);
}
