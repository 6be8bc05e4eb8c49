//! Final slashes of API addresses. The documentation leaves the slash open, so the tool keeps the
//! form which has worked once.

use consign::emulator::{TrailingSlashRule, WrongSlashAnswer};

use crate::harness::ImportTest;

#[test]
fn the_form_of_address_that_the_service_wants_is_found_once_and_kept() {
    for (wrong, answer) in [
        (WrongSlashAnswer::Redirected, "301"),
        (WrongSlashAnswer::NotFound, "404"),
    ] {
        let test = ImportTest::with_event_rows(4).configure_jobs(|jobs| {
            jobs.get_slash_rule = TrailingSlashRule::Required;
            jobs.post_slash_rule = TrailingSlashRule::Required;
            jobs.wrong_slash_answer = wrong;
        });
        // Jobs run one after the other.
        let outcome = test
            .import_at_once(2)
            .with_fast_clock()
            .attached(["A1", "A2", "A3", "A4"])
            .exits(0);
        let often = |what: &str| {
            let found = outcome.requests.iter().filter(|request| **request == what);
            found.count()
        };
        assert_eq!(often(&format!("create_job {answer}")), 1);
        assert_eq!(often("create_job J1 201"), 1);
        assert_eq!(often("create_job J2 201"), 1);
        assert_eq!(often(&format!("get_job J1 {answer}")), 1);
        assert_eq!(often("get_job J1 200"), 2);
        assert_eq!(often("get_job J2 200"), 2);
        assert_eq!(outcome.requests.len(), 2 + 2 + 4 + 4);
    }
}

#[test]
fn a_service_that_wants_the_slash_for_one_kind_of_request_only_gets_it_there() {
    let test = ImportTest::with_event_rows(1).configure_jobs(|jobs| {
        jobs.get_slash_rule = TrailingSlashRule::Required;
        jobs.post_slash_rule = TrailingSlashRule::Forbidden;
    });
    test.import()
        .requests([
            "create_job J1 201",
            "get_job J1 301",
            "get_job J1 200",
            "upload A1.pdf 200",
            "get_job J1 200",
        ])
        .attached(["A1"])
        .exits(0);
}
