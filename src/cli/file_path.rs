//! Paths on the command line.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::platform::{PATH_SYNTAX, PathSyntax};

/// Returns a parser of paths, which refuses a path with a closing quote inside.
///
/// On Windows, the `\` in `--root "S:\Legal Files\" --resume` makes the quote a part of the path,
/// and all options behind as well. PowerShell completes the name of a folder in this very form.
pub(super) fn file_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| refuse_quote(path, PATH_SYNTAX))
}

fn refuse_quote(path: PathBuf, syntax: PathSyntax) -> Result<PathBuf, QuoteInPath> {
    match syntax {
        PathSyntax::Windows if path.as_os_str().as_encoded_bytes().contains(&b'"') => {
            Err(QuoteInPath)
        }
        PathSyntax::Windows | PathSyntax::Posix => Ok(path),
    }
}

/// Refusal of a path with a double quote on Windows, where no file has such a path.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no path has a quote in it: a \\ before a closing quote makes the quote a part of the path; \
     leave this \\ out"
)]
struct QuoteInPath;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_took_in_its_closing_quote_is_refused_on_windows() {
        for (path, on_windows) in [
            ("S:\\Legal Files", Ok(())),
            ("S:\\Legal Files\" --resume", Err(QuoteInPath)),
            ("Legal Files\"", Err(QuoteInPath)),
        ] {
            let refused = |syntax| refuse_quote(path.into(), syntax).map(drop);
            assert_eq!(refused(PathSyntax::Windows), on_windows, "{path}");
            assert_eq!(refused(PathSyntax::Posix), Ok(()), "{path}");
        }
    }
}
