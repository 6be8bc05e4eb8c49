//! Command line for going on with an import.

use std::num::NonZeroU64;

use crate::commands::shell_words::shell_word;

/// Rows of the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResumedRows {
    /// Rows of the options as typed: nothing was sent, or the options name the rest.
    AsTyped,
    /// All rows: `--limit` and `--only` are left out.
    All,
    /// First due rows, in this number, among the rows of `--only` as typed.
    First(NonZeroU64),
}

/// Returns the command line of the present run with `--resume`.
pub(super) fn resume_command(rows: ResumedRows) -> String {
    let typed = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = resumed_words(typed.collect(), rows)
        .iter()
        .map(|word| shell_word(word))
        .collect();
    words.join(" ")
}

/// Returns the words of a command line with `--resume` from the words typed.
fn resumed_words(typed: Vec<String>, rows: ResumedRows) -> Vec<String> {
    let left_out: &[&str] = match rows {
        ResumedRows::AsTyped => &[],
        ResumedRows::All => &["--limit", "--only"],
        ResumedRows::First(_) => &["--limit"],
    };
    let mut words = Vec::new();
    let mut typed = typed.into_iter();
    while let Some(word) = typed.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word.as_str(), None),
        };
        if left_out.contains(&option) {
            if value.is_none() {
                typed.next();
            }
            continue;
        }
        // Sending again what may be attached already is to be decided anew each time.
        if word != "--dry-run" && word != "--retry-failed-jobs" {
            words.push(word);
        }
    }
    if let ResumedRows::First(limit) = rows {
        words.extend(["--limit".to_owned(), limit.to_string()]);
    }
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_on_with_all_rows_or_with_the_rest_of_a_part() {
        let seven = ResumedRows::First(NonZeroU64::new(7).unwrap());
        for (typed, rows, resumed) in [
            (
                "consign import m.csv --limit 10 --dry-run --rate 9",
                ResumedRows::AsTyped,
                "consign import m.csv --limit 10 --rate 9 --resume",
            ),
            (
                "consign import --limit 10 m.csv --only=1-30 --resume --rate=9",
                ResumedRows::All,
                "consign import m.csv --resume --rate=9",
            ),
            (
                "consign import --limit=10 m.csv --only 1-30 --retry-failed-jobs",
                seven,
                "consign import m.csv --only 1-30 --limit 7 --resume",
            ),
        ] {
            let words = typed.split(' ').map(str::to_owned).collect();
            assert_eq!(resumed_words(words, rows).join(" "), resumed);
        }
    }
}
