//! Downloads of a sample: its size, and the seed by which the same sample can be drawn again.

use super::imported;
use crate::harness::{ImportTest, TestRun};

fn sample<'t>(test: &'t ImportTest, share: &str, seed: &str) -> TestRun<'t> {
    test.verify().args(["--download", share, "--seed", seed])
}

/// Returns the rows whose bytes the last verification proved, and the cell `download`, equal in all
/// lines.
fn drawn(test: &ImportTest) -> (Vec<String>, String) {
    let verified = test.verification();
    let proven = verified
        .lines
        .iter()
        .filter(|line| !line.cell("found_sha256").is_empty());
    let rows = proven
        .map(|line| line.cell("external_id").to_owned())
        .collect();
    let said = verified.lines[0].cell("download");
    assert!(
        verified
            .lines
            .iter()
            .all(|line| line.cell("download") == said)
    );
    (rows, said.to_owned())
}

#[test]
fn a_sample_is_as_large_as_it_says_and_the_same_seed_draws_it_again() {
    let test = imported(20);
    let outcome = sample(&test, "25%", "7").prints("25%").exits(0);
    let downloads = |requests: &[String]| {
        let is_one = |request: &&String| request.starts_with("download ");
        requests.iter().filter(is_one).count()
    };
    assert_eq!(downloads(&outcome.requests), 5);
    let first = drawn(&test);
    assert_eq!((first.0.len(), first.1.as_str()), (5, "25% seed 7"));

    sample(&test, "25%", "7").prints("25%").exits(0);
    assert_eq!(drawn(&test), first);
    sample(&test, "25%", "8").prints("25%").exits(0);
    assert_ne!(drawn(&test).0, first.0);
}

#[test]
fn the_seed_of_a_sample_that_nobody_chose_is_told_and_draws_it_again() {
    let test = imported(20);
    test.verify()
        .args(["--download", "50%"])
        .prints("50%")
        .exits(0);
    let first = drawn(&test);
    let seed = first.1.strip_prefix("50% seed ").unwrap();
    sample(&test, "50%", seed).prints(seed).exits(0);
    assert_eq!(drawn(&test), first);
}

#[test]
fn a_sample_of_few_rows_has_one_at_least() {
    let test = imported(3);
    sample(&test, "1%", "1").exits(0);
    assert_eq!(drawn(&test).0.len(), 1);
}

#[test]
fn a_forged_attachment_is_found_where_it_is_in_the_sample() {
    let test = imported(4);
    sample(&test, "50%", "3").exits(0);
    let (rows, _) = drawn(&test);
    for id in ["A1", "A2", "A3", "A4"] {
        test.service().forge_bytes(id);
    }
    sample(&test, "50%", "3").prints("content_differs").exits(1);
    let verified = test.verification();
    for line in &verified.lines {
        let is_drawn = rows.iter().any(|row| row == line.cell("external_id"));
        let expected = if is_drawn { "content_differs" } else { "match" };
        assert_eq!(line.cell("outcome"), expected);
    }
}

#[test]
fn what_is_no_share_is_refused() {
    let test = imported(1);
    for share in ["0%", "101%", "5", "half", "-5%", ""] {
        test.verify()
            .args([&*format!("--download={share}")])
            .prints("--download")
            .exits(2);
    }
    test.verify()
        .args(["--seed", "7"])
        .prints("--download")
        .exits(2);
}
