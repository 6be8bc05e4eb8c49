//! Commands printed to be pasted: the shell of the system gets the words that the user meant.

use crate::harness::{FinishedRun, ImportTest, MANIFEST_HEADER};

/// Returns the end of the first line with a text, after the text.
fn told_after<'t>(outputs: &'t str, text: &str) -> &'t str {
    let mut ends = outputs.lines().filter_map(|line| line.split_once(text));
    let (_, end) = ends.next().expect("the command is told");
    end
}

/// Returns the command with which a refused import says to go on.
fn command_of_refusal(refused: &FinishedRun) -> &str {
    told_after(&refused.stderr, "to go on with these results: ")
}

#[test]
fn a_shell_passes_on_every_value_of_a_printed_command() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    for title in [
        "say \"x\"",
        "ends with a \\",
        "100% of %PATH% and %a",
        "$HOME `x` $(x)",
        "it's \u{2018}a\u{2019} \u{201c}b\u{201d}",
        "a & b | c <d> (e) ^f !g!",
        "5,6;7 {a} @b #c ~d *? [e]",
        "-v",
        "Verträge \u{5951}\u{7d04}",
    ] {
        let refused = test
            .import()
            .args(["--set", &format!("title={title}")])
            .with_any_stderr()
            .exits(2);
        let command = command_of_refusal(&refused);
        let (code, said) = test.run_shell_command(command);
        assert_eq!(code, 0, "{command}: {said}");
        let notice = format!("title is {title} in every row, as --set says");
        assert!(said.contains(&notice), "{command}: {said}");
    }
}

#[test]
fn a_shell_finds_the_files_of_a_printed_command() {
    for name in [
        "it's 100% of (R&D) $HOME ^1 !2.csv",
        "Legal Files/a;b,c.csv",
        "Vertr\u{e4}ge \u{5951}\u{7d04}.csv",
    ] {
        let test = ImportTest::with_rows(1).file("Legal Files/x", "");
        let option = format!("--results={name}");
        test.import().with_results(name).exits(0);
        let refused = test
            .import()
            .args([option.as_str()])
            .with_any_stderr()
            .exits(2);
        let command = command_of_refusal(&refused);
        let (code, said) = test.run_shell_command(command);
        assert_eq!(code, 0, "{command}: {said}");
        assert!(said.contains("0 requests"), "{command}: {said}");
    }
}

#[test]
fn a_shell_takes_the_proposed_beginning_of_paths() {
    for folder in [
        "S:\\Legal Files\\",
        "\\\\server\\R&D $1\\",
        "/home/it's me/",
    ] {
        let rows = format!("\"{folder}a.pdf\",contract,1,A1\n");
        let test = ImportTest::new()
            .manifest(format!("{MANIFEST_HEADER}{rows}"))
            .file("a.pdf", "alpha");
        let refused = test.check().with_any_stderr().exits(2);
        let option = told_after(&refused.stderr, "take the beginning off with ");
        let (code, said) = test.run_shell_command(&format!("[consign] check m.csv {option}"));
        assert_eq!(code, 0, "{option}: {said}");
    }
}

#[test]
fn a_shell_checks_the_manifest_made_from_a_folder() {
    let test = ImportTest::new().file("Legal Files (R&D)/a.pdf", "alpha");
    let made = test
        .consign(["manifest", "Legal Files (R&D)", "./-m 1.csv"])
        .exits(0);
    let command = told_after(&made.stdout, "then check it: ");
    let (_, said) = test.run_shell_command(command);
    assert!(
        said.contains("object_type: the cell is empty"),
        "{command}: {said}"
    );
}
