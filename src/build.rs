//! Build script: commit and target of the build, for the version that the program tells; and the
//! configuration `wine`, under which tests are left out that would only show a fault of Wine.
//!
//! A module of the crate in name only: Cargo runs the file before the crate is compiled. `cli` reads
//! the variables `CONSIGN_COMMIT` and `CONSIGN_TARGET`.

use std::env;
use std::path::Path;
use std::process::Command;

/// Environment variable with the words for the commit, where the source is built outside of git.
const GIVEN_COMMIT: &str = "CONSIGN_COMMIT";

/// Environment variable that is set where tests are built to be run under Wine.
const UNDER_WINE: &str = "CONSIGN_TESTS_UNDER_WINE";

/// Paths with everything from which the program is built.
const SOURCES: [&str; 5] = ["src", "Cargo.toml", "Cargo.lock", ".cargo", ".askama.toml"];

fn main() {
    println!("cargo::rerun-if-env-changed={GIVEN_COMMIT}");
    println!("cargo::rerun-if-env-changed={UNDER_WINE}");
    println!("cargo::rustc-check-cfg=cfg(wine)");
    if env::var_os(UNDER_WINE).is_some() {
        println!("cargo::rustc-cfg=wine");
    }
    let commit = env::var(GIVEN_COMMIT)
        .ok()
        .filter(|words| !words.is_empty());
    let commit = commit.or_else(commit_in_git);
    let commit = commit.as_deref().unwrap_or("commit unknown");
    let target = env::var("TARGET").expect("Cargo tells a build script the target");
    println!("cargo::rustc-env={GIVEN_COMMIT}={commit}");
    println!("cargo::rustc-env=CONSIGN_TARGET={target}");
}

/// Returns the commit of the source with its date, and a note about changes since then. `None` if
/// the source is no work tree of its own, or git cannot be run.
fn commit_in_git() -> Option<String> {
    // A source that was unpacked somewhere below another project has no commit of its own.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    // The log of HEAD grows with each commit, check-out and rebase. A path that is not there would
    // run this script before every build.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    let changing = SOURCES.into_iter().chain([log.as_str()]);
    for path in changing.filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&[
        "show",
        "--no-patch",
        "--no-show-signature",
        "--abbrev=12",
        "--format=%h %cs",
    ])?;
    let status = git(&[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    let note = if status.is_empty() {
        ""
    } else {
        " with changes"
    };
    Some(commit + note)
}

/// Returns the trimmed output of git in the folder of the source. `None` if git fails.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
