//! Company of an installed program: version, completions of shells, manual pages.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::ImportTest;

/// Runs a program in the folder of a test, and returns the trimmed output. `None` if the machine has
/// no such program.
#[track_caller]
fn output_of(program: &str, args: &[&str], folder: &Path) -> Option<String> {
    let found = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .env("MANWIDTH", "200")
        // Where groff shows manual pages, groff tells all doubts about the pages.
        .env("MANROFFOPT", "-ww")
        .stdin(Stdio::null())
        .output();
    let Ok(output) = found else {
        // Past the capture of outputs.
        let _ = writeln!(io::stderr(), "SKIPPED: {program} is not on this machine");
        return None;
    };
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{program}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Test with the completion script of a shell in the file `script`.
fn with_script(shell: &str) -> ImportTest {
    let test = ImportTest::new();
    let run = test.consign(["completions", shell]).exits(0);
    test.file("script", run.stdout)
}

#[test]
fn the_version_names_the_commit_and_the_target_of_the_build() {
    let test = ImportTest::new();
    let commit = env!("CONSIGN_COMMIT");
    for option in ["--version", "-V"] {
        test.consign([option])
            .stdout(format!(
                "consign {} ({commit}, {})\n",
                env!("CARGO_PKG_VERSION"),
                env!("CONSIGN_TARGET")
            ))
            .exits(0);
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asked = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(source)
        .output();
    if let Ok(told) = asked
        && told.status.success()
        && source.join(".git").exists()
    {
        let head = String::from_utf8(told.stdout).unwrap();
        assert!(
            commit.starts_with(&format!("{} 20", head.trim())),
            "{commit}"
        );
    }
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let test = with_script("bash");
    let complete = "source ./script
        [[ $(complete -p consign) == *'-F _consign '* ]] || exit 9
        COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))
        _consign \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
        printf '%s ' \"${COMPREPLY[@]}\"";
    for (words, offered) in [
        (&["im"][..], "import"),
        (&["man"], "manifest man"),
        (&["import", "m.csv", "--on"], "--only --on-conflict"),
        (&["import", "m.csv", "--environment", "s"], "sandbox"),
        (&["completions", "po"], "powershell"),
    ] {
        let args = ["--norc", "--noprofile", "-c", complete, "bash", "consign"];
        let args = [&args[..], words].concat();
        if let Some(reply) = output_of("bash", &args, test.folder()) {
            assert_eq!(reply, offered, "{words:?}");
        }
    }
}

#[test]
fn fish_completes_commands_with_their_help_texts() {
    let test = with_script("fish");
    let complete = "source ./script; complete --do-complete 'consign im'";
    if let Some(reply) = output_of("fish", &["--no-config", "-c", complete], test.folder()) {
        assert_eq!(
            reply,
            "import\tCheck a manifest, then attach its files, each exactly once"
        );
    }
}

#[test]
fn zsh_takes_the_script_for_the_completion_of_the_program() {
    let test = with_script("zsh");
    let load = "autoload -U compinit; compinit -D; source ./script; print ${_comps[consign]}";
    if let Some(reply) = output_of("zsh", &["-f", "-c", load], test.folder()) {
        assert_eq!(reply, "_consign");
    }
}

#[test]
fn the_scripts_of_the_other_shells_name_every_command() {
    let test = ImportTest::new();
    for shell in ["powershell", "elvish"] {
        let mut run = test.consign(["completions", shell]);
        for command in ["check", "import", "verify", "report", "manifest", "man"] {
            run = run.prints(format!("consign;{command}'"));
        }
        run.exits(0);
    }
    test.consign(["completions", "tcsh"])
        .prints("[possible values: bash, elvish, fish, powershell, zsh]")
        .exits(2);
}

#[test]
fn each_command_has_a_manual_page_that_man_shows() {
    let test = ImportTest::new().file("out/consign.1", "of an earlier version");
    let first = Path::new("out").join("consign.1");
    test.consign(["man", "out"])
        .stdout(format!(
            "out: 9 manual pages, one for the program and one for each command\n\
             read the first: man {}\n",
            first.display()
        ))
        .exits(0);
    let pages: Vec<String> = fs::read_dir(test.path("out"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(pages.len(), 9, "{pages:?}");
    for page in pages {
        let Some(shown) = output_of("man", &[&format!("out/{page}")], test.folder()) else {
            continue;
        };
        let name = page.strip_suffix(".1").unwrap();
        assert!(shown.contains(&format!("{name} - ")), "{shown}");
        assert!(shown.contains("consign manual"), "{shown}");
        assert!(
            shown.contains("EXIT STATUS") == (name == "consign"),
            "{shown}"
        );
    }
}

/// Only Unix has file modes and a mask for them.
#[cfg(unix)]
#[test]
fn manual_pages_can_be_read_by_all_users_as_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt as _;
    let test = ImportTest::new();
    for (mask, mode) in [("022", 0o644), ("077", 0o600)] {
        let write = format!("umask {mask}; [consign] man deep/{mask}");
        let (code, said) = test.run_shell_command(&write);
        assert_eq!(code, 0, "{said}");
        let page = test.path(&format!("deep/{mask}/consign-check.1"));
        let permissions = fs::metadata(page).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "umask {mask}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let test = ImportTest::new().file("taken", "");
    test.consign(["man", "taken/here"])
        .prints("error: cannot write taken/here: ")
        .prints("; mend the cause, and run the command again\n")
        .exits(2);
}
