//! Ctrl-C while the service is asked.

use crate::harness::{HoldMoment, ImportTest, STOP_SIGNALS};

#[test]
fn an_interrupted_verification_ends_at_once_and_claims_nothing_of_the_rest() {
    for &(signal, code) in STOP_SIGNALS {
        let test = ImportTest::with_rows(3).with_holding_proxy();
        test.import().all_uploaded(3).exits(0);
        let download = || test.verify().args(["--download", "all"]);
        download()
            // The second download would be held for ever.
            .while_held(5, HoldMoment::BeforeService, |running| {
                running.signal(signal);
                assert_eq!(running.wait_for_exit().0, code);
            })
            .stderr("stopping: answers that have not arrived are left out\n")
            .stdout(
                "1 of 3 rows match (3 requests in [time])\n\
                 \x20 match                   1  there, as the results say\n\
                 \x20 error                   2  could not be checked\n\
                 row 2, external_id \"A2\": error: the verification ended before this row was \
                 checked\n\
                 row 3, external_id \"A3\": error: the verification ended before this row was \
                 checked\n\
                 downloaded and hashed again: 1 of 3 attachments (all were asked for; 13 B)\n\
                 stopped early: interrupted\n\
                 verification: m.results.verification.csv\n",
            )
            .outcomes(["A1 match", "A2 error", "A3 error"])
            .exits(code);
        download()
            .outcomes(["A1 match", "A2 match", "A3 match"])
            .exits(0);
    }
}

#[test]
fn an_interrupted_verification_leaves_an_earlier_one_as_it_was() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import().all_uploaded(2).exits(0);
    test.verify().outcomes(["A1 match", "A2 match"]).exits(0);
    let before = test.read("m.results.verification.csv");
    test.service().delete("A2");
    test.verify()
        .while_held(1, HoldMoment::BeforeService, |running| {
            running.signal("INT");
            assert_eq!(running.wait_for_exit().0, 130);
        })
        .prints("verification: m.results.verification.csv (of an earlier run, left as it was)\n")
        .with_any_stderr()
        .exits(130);
    assert_eq!(test.read("m.results.verification.csv"), before);
}
