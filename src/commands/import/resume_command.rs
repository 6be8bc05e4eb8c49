//! Command with which the user goes on with an import.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU64;
use std::path::PathBuf;

use crate::text::CommandShell;

/// Options that count for one run: sending again what may be attached already is to be decided anew
/// each time.
const OPTIONS_OF_ONE_RUN: [&str; 2] = ["--dry-run", "--retry-failed-jobs"];

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
///
/// The command is made from the arguments as typed. So it holds every option that decides what is
/// read and where files go, options of later versions included.
pub(super) fn resume_command(rows: ResumedRows) -> String {
    resume_after_moves(&[], rows)
}

/// Returns a line that moves files, each from the first path to the second, and then runs the
/// command line of the present run with `--resume`.
pub(super) fn resume_after_moves(moves: &[(PathBuf, PathBuf)], rows: ResumedRows) -> String {
    let typed: Vec<OsString> = std::env::args_os().collect();
    CommandShell::of_this_process().script(moves, &resumed_words(&typed, rows))
}

/// Returns the words of a command line with `--resume` from the words typed. Words after `--` are no
/// options.
fn resumed_words(typed: &[OsString], rows: ResumedRows) -> Vec<OsString> {
    let left_out: &[&str] = match rows {
        ResumedRows::AsTyped => &[],
        ResumedRows::All => &["--limit", "--only"],
        ResumedRows::First(_) => &["--limit"],
    };
    let end = typed.iter().position(|word| word == "--");
    let (options, operands) = typed.split_at(end.unwrap_or(typed.len()));
    let mut words: Vec<OsString> = Vec::new();
    let mut options = options.iter();
    while let Some(word) = options.next() {
        if left_out.iter().any(|option| word == option) {
            options.next();
            continue;
        }
        let is_of_one_run = OPTIONS_OF_ONE_RUN.iter().any(|option| word == option);
        if !is_of_one_run && !left_out.iter().any(|option| has_value_of(word, option)) {
            words.push(word.clone());
        }
    }
    if let ResumedRows::First(limit) = rows {
        words.extend(["--limit".into(), limit.to_string().into()]);
    }
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".into());
    }
    words.extend(operands.iter().cloned());
    words
}

/// Returns `true` if a word is an option together with its value, such as `--limit=10`.
fn has_value_of(word: &OsStr, option: &str) -> bool {
    let rest = word.as_encoded_bytes().strip_prefix(option.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_has_all_options_as_they_were_typed() {
        for (typed, resumed) in [
            (
                &[
                    "import",
                    "m.csv",
                    "--dry-run",
                    "--column",
                    "file_path=Document link",
                ][..],
                &[
                    "import",
                    "m.csv",
                    "--column",
                    "file_path=Document link",
                    "--resume",
                ][..],
            ),
            (
                &[
                    "import",
                    "--retry-failed-jobs",
                    "--set=title=it's",
                    "--",
                    "-m.csv",
                ],
                &["import", "--set=title=it's", "--resume", "--", "-m.csv"],
            ),
        ] {
            let typed: Vec<OsString> = typed.iter().map(OsString::from).collect();
            assert_eq!(resumed_words(&typed, ResumedRows::All), resumed);
        }
    }

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
            let typed: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let resumed: Vec<&str> = resumed.split(' ').collect();
            assert_eq!(resumed_words(&typed, rows), resumed);
        }
    }
}
