//! Length of tests without a natural end: chains of random kills, and the seeds of the simulation.

use std::env;

/// Returns `long` if `CONSIGN_LONG=1` is set, as in `.ci/run`, and `short` otherwise. A person who
/// runs `cargo test` waits for the end, and meets the same kinds of trouble less often.
pub(crate) fn short_or_long<T>(short: T, long: T) -> T {
    if env::var("CONSIGN_LONG").is_ok_and(|value| value == "1") {
        long
    } else {
        short
    }
}
