//! A storage that takes its time. Nothing here can pass faster: it is the system's patience, too, that
//! must suffice. Tests start in the order of their names, and this one takes longest.

use std::time::Duration;

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::FaultEffect::PausedRead;
use consign::emulator::FaultTrigger::Nth;

use crate::harness::ImportTest;

/// The contents of a file of which more than all buffers on the way hold is left at its half.
pub(crate) fn large() -> String {
    "consign ".repeat(4 << 20)
}

#[test]
fn a_file_that_is_taken_slowly_is_sent_once() {
    let content = large();
    let lasting = Duration::from_secs(45);
    let test = ImportTest::of_rows(1).file("A1.pdf", &content).fault(
        Upload,
        Nth(1),
        PausedRead { pause: lasting },
    );
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
    let stored = test.service().contents();
    assert!(stored == [("A1".to_owned(), content)], "the file is stored");
}
