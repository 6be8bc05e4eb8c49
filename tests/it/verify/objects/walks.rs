//! Walks through the lists of records, as far as they prove what hangs where.

use std::time::Duration;

use consign::emulator::{LinkageDisplay, NextLink};

use super::{imported_on, imported_with, verify_objects};
use crate::harness::StrangeHost;

#[test]
fn of_many_records_the_list_is_walked_and_only_what_it_does_not_prove_is_asked_alone() {
    // Contract 7 has exactly ten attachments, contract 9 lacks one that the results claim.
    let mut contracts: Vec<u64> = (1..=12).collect();
    contracts.extend([7; 9]);
    let test = imported_on(&contracts, |_| {});
    test.service().move_to_contract("A9", 3);
    // No row of the results is about contract 77; the list shows it all the same.
    test.service().move_to_contract("A11", 77);
    let outcomes: Vec<String> = (1..=21)
        .map(|row| match row {
            9 | 11 => format!("A{row} other_object"),
            _ => format!("A{row} match"),
        })
        .collect();
    verify_objects(&test)
        .outcomes(outcomes.iter().map(String::as_str))
        .requests([
            "list 200",
            "list_objects contracts 200",
            "get_object contracts/7 200",
            "get_object contracts/9 200",
            "get_object contracts/11 200",
        ])
        .prints("hangs on contract 3, not on contract 9: find out which record is right")
        .prints("hangs on contract 77, not on contract 11: find out which record is right")
        .exits(1);
}

#[test]
fn a_list_that_shows_no_attachments_or_too_few_leaves_the_word_to_the_records() {
    for display in [
        LinkageDisplay::Absent,
        LinkageDisplay::Malformed,
        LinkageDisplay::Short { limit: 0 },
        LinkageDisplay::Lagging {
            lag: Duration::from_hours(1),
        },
    ] {
        let test = imported_with(11, |settings| settings.objects.list_linkage = display);
        let outcome = verify_objects(&test)
            .stdout(
                "all 11 rows match (13 requests in [time])\n\
                 \x20 match                  11  there, as the results say\n\
                 listed by their record: 11 of 11 attachments (11 records asked)\n\
                 verification: m.results.verification.csv\n",
            )
            .exits(0);
        assert_eq!(outcome.requests[1], "list_objects contracts 200");
        assert_eq!(outcome.requests[12], "get_object contracts/11 200");
    }
}

#[test]
fn a_next_page_on_another_host_gets_no_request_and_its_records_are_asked_one_by_one() {
    let stranger = StrangeHost::start();
    let url = stranger.url();
    let (origin, _) = url.split_once("/elsewhere").unwrap();
    let test = imported_with(101, |settings| {
        settings.objects.next_link = NextLink::OtherHost {
            origin: origin.to_owned(),
        };
    });
    let outcome = verify_objects(&test).exits(0);
    let of_kind = |kind: &str| {
        let requests = outcome.requests.iter();
        requests.filter(|request| request.starts_with(kind)).count()
    };
    assert_eq!([of_kind("list_objects "), of_kind("get_object ")], [1, 1]);
    stranger.assert_nothing_received();
}
