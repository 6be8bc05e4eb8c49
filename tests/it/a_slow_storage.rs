//! Slow storage. No wait here can be shortened, because the patience of the system counts, too.
//! Tests start in the order of their names, and this test takes longest.

use std::time::Duration;

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::FaultEffect::PausedRead;
use consign::emulator::FaultTrigger::Nth;

use crate::harness::ImportTest;

/// Returns content large enough for more than all buffers on the way to be unsent at the half of
/// the file.
pub(crate) fn large() -> String {
    "consign ".repeat(4 << 20)
}

#[test]
fn a_file_that_is_taken_slowly_is_sent_once() {
    let content = large();
    let lasting = Duration::from_secs(45);
    let test = ImportTest::with_rows(1)
        .file("A1.pdf", &content)
        .inject_fault(Upload, Nth(1), PausedRead { pause: lasting });
    test.import()
        .args(["--quiet"])
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200 paused_read",
            "list 200",
        ])
        .exits(0);
    let stored = test.service().stored_contents();
    assert!(stored == [("A1".to_owned(), content)], "the file is stored");
}
