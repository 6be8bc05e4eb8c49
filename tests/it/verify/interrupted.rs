//! Ctrl-C while the service is asked.

use consign::emulator::Operation::Download;

use crate::harness::{Moment, Test};

#[test]
fn an_interrupted_verification_says_so_and_claims_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let test = Test::of_rows(3).between();
        test.import().all_uploaded(3).exits(0);
        let before = test.service().count_of(Download);
        test.verify()
            .args(["--download", "all"])
            .while_held(3, Moment::Before, |running| {
                running.signal(signal);
                running.wait_until_it_says("interrupted");
            })
            .whatever_it_says()
            .exits(code);
        assert!(test.service().count_of(Download) <= before + 1);
        test.verify()
            .args(["--download", "all"])
            .outcomes(["A1 match", "A2 match", "A3 match"])
            .says("")
            .exits(0);
    }
}
