//! Paths that another system or another program wrote: with `\`, in another case, with accents in
//! another encoding.

#[cfg(target_os = "linux")]
use std::fs;

use crate::harness::{ImportTest, MANIFEST_HEADER, SHELL};

/// Names under which the emulator stores the files, sorted.
fn stored_names(test: &ImportTest) -> Vec<String> {
    let stored = test.service().stored_attachments();
    let mut names: Vec<String> = stored.iter().map(|one| one.file_name.clone()).collect();
    names.sort();
    names
}

/// Returns a test with a manifest whose rows have the given paths, and the ids `A1`, `A2` and so on.
fn with_paths(paths: &[&str]) -> ImportTest {
    let rows: Vec<String> = (1..)
        .zip(paths)
        .map(|(number, path)| format!("\"{path}\",contract,{number},A{number}\n"))
        .collect();
    ImportTest::new().manifest(format!("{MANIFEST_HEADER}{}", rows.concat()))
}

#[test]
#[cfg_attr(windows, ignore = "Windows allows no such names")]
fn paths_from_windows_are_sent_and_the_results_keep_them_as_they_are() {
    let test = with_paths(&["Scans\\2024\\a.pdf", "Scans/2024\\b.pdf", "A: Anlage.pdf"])
        .file("Scans/2024/a.pdf", "alpha")
        .file("Scans/2024/b.pdf", "beta")
        .file("A: Anlage.pdf", "gamma");
    test.check().exits(0);
    test.import()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .stored([("A1", "alpha"), ("A2", "beta"), ("A3", "gamma")])
        .exits(0);
    assert_eq!(stored_names(&test), ["A: Anlage.pdf", "a.pdf", "b.pdf"]);
    let results = test.results();
    assert_eq!(results.cell("A1", "file_path"), "Scans\\2024\\a.pdf");
    assert_eq!(results.cell("A2", "file_path"), "Scans/2024\\b.pdf");
    test.resume().requests([]).exits(0);
}

#[test]
fn a_row_whose_path_gets_other_separators_is_the_same_file() {
    let test = with_paths(&["Scans\\a.pdf"]).file("Scans/a.pdf", "alpha");
    test.import().exits(0);
    test.write(
        "m.csv",
        format!("{MANIFEST_HEADER}Scans/a.pdf,contract,1,A1\n"),
    );
    test.resume().requests([]).rows(["A1 uploaded"]).exits(0);
    assert_eq!(test.results().cell("A1", "file_path"), "Scans/a.pdf");
}

#[test]
fn the_digest_file_of_a_report_names_the_files_with_slashes() {
    let test = with_paths(&["Scans\\a.pdf"]).file("Scans/a.pdf", "alpha");
    test.import().exits(0);
    test.consign(["report", "m.results.csv", "--quiet"])
        .exits(0);
    assert!(
        test.read("m.results.SHA256SUMS")
            .ends_with("  Scans/a.pdf\n"),
        "{}",
        test.read("m.results.SHA256SUMS")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_with_a_backslash_in_its_name_is_never_sent() {
    let test = with_paths(&["Scans\\a.pdf", "Scans\\b.pdf"])
        .file("Scans/a.pdf", "alpha")
        .file("Scans\\a.pdf", "another")
        .file("Scans\\b.pdf", "beta");
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column file_path: \"Scans\\a.pdf\" may mean \"Scans/a.pdf\", \
             and may mean a file with a `\\` in its name, \"Scans\\a.pdf\"; write the path with \
             `/`, or rename the file with the `\\`\n\
             m.csv line 3 (row 2), column file_path: \"Scans\\b.pdf\" is the path of a file with a \
             `\\` in its name, which no service stores; rename the file\n",
        )
        .exits(2);
    test.import()
        .prints("rename the file")
        .requests([])
        .exits(2);
}

#[cfg(target_os = "linux")]
#[test]
fn the_only_file_in_another_spelling_is_taken_with_one_warning() {
    let test = with_paths(&["Verträge\\a.pdf", "verträge/B.pdf", "c.pdf"])
        .file("Vertra\u{308}ge/A.pdf", "alpha")
        .file("Vertra\u{308}ge/b.pdf", "beta")
        .file("c.pdf", "gamma");
    let warning = "warning: m.csv line 2 (row 1), column file_path: \"Verträge\\a.pdf\" is taken \
                   for the file \"Vertra\u{308}ge/A.pdf\", which differs only in case or in the \
                   encoding of accents (NFC or NFD); correct the path if another file is meant\n  \
                   the same in 1 more row: 2\n";
    test.check().stderr(warning).exits(0);
    test.import()
        .stderr(warning)
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .stored([("A1", "alpha"), ("A2", "beta"), ("A3", "gamma")])
        .exits(0);
    assert_eq!(stored_names(&test), ["B.pdf", "a.pdf", "c.pdf"]);
    assert_eq!(test.results().cell("A1", "file_path"), "Verträge\\a.pdf");
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_may_mean_two_files_and_two_paths_that_mean_one_file_are_errors() {
    let test = with_paths(&["scans/a.pdf", "b.pdf", "B.pdf"])
        .file("Scans/a.pdf", "alpha")
        .file("SCANS/A.pdf", "another")
        .file("B.PDF", "beta");
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column file_path: \"scans/a.pdf\" does not exist, and differs \
             only in case or in the encoding of accents (NFC or NFD) from \"SCANS/A.pdf\" and \
             \"Scans/a.pdf\"; write the path of the right file\n\
             m.csv line 3 (row 2), column file_path: \"b.pdf\" does not exist, and \"B.PDF\", which \
             differs only in case or in the encoding of accents (NFC or NFD), is the file of \
             \"B.pdf\" in line 4 (row 3); correct the path, or write the same path in both rows\n\
             m.csv line 4 (row 3), column file_path: \"B.pdf\" does not exist, and \"B.PDF\", which \
             differs only in case or in the encoding of accents (NFC or NFD), is the file of \
             \"b.pdf\" in line 3 (row 2); correct the path, or write the same path in both rows\n",
        )
        .exits(2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_done_row_whose_folder_gets_another_spelling_is_not_sent_again() {
    let test = with_paths(&["Scans/a.pdf"]).file("Scans/a.pdf", "alpha");
    test.import().rows(["A1 uploaded"]).exits(0);
    fs::rename(test.path("Scans"), test.path("SCANS")).unwrap();
    test.resume()
        .prints("is taken for the file \"SCANS/a.pdf\"")
        .requests([])
        .rows(["A1 uploaded"])
        .exits(0);
    // The other way round: what was found in another spelling is there exactly.
    let test = with_paths(&["scans/a.pdf"]).file("Scans/a.pdf", "alpha");
    test.import()
        .prints("is taken for the file \"Scans/a.pdf\"")
        .rows(["A1 uploaded"])
        .exits(0);
    fs::rename(test.path("Scans"), test.path("scans")).unwrap();
    test.resume().requests([]).rows(["A1 uploaded"]).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_only_look_like_a_file_are_proposed_and_never_taken() {
    let test = with_paths(&[
        "O'Brien.pdf",
        "2023-2024.pdf",
        "a%20b.pdf",
        "c .pdf",
        " d.pdf",
    ])
    .file("O’Brien.pdf", "1")
    .file("2023–2024.pdf", "2")
    .file("a b.pdf", "3")
    .file("c\u{a0}.pdf", "4")
    .file("d.pdf", "5");
    let told = |row: usize, path: &str, meant: &str| {
        format!(
            "m.csv line {} (row {row}), column file_path: \"{path}\" does not exist; did you mean \
             \"{meant}\"?\n",
            row + 1
        )
    };
    test.check()
        .stderr(
            [
                told(1, "O'Brien.pdf", "O’Brien.pdf"),
                told(2, "2023-2024.pdf", "2023–2024.pdf"),
                told(3, "a%20b.pdf", "a b.pdf"),
                "  the same in 2 more rows: 4 5\n".to_owned(),
            ]
            .concat(),
        )
        .exits(2);
    let problems = test.read("m.problems.csv");
    assert!(
        problems.contains("did you mean \"\"c\\u{a0}.pdf\"\"?"),
        "{problems}"
    );
    assert!(
        problems.contains("did you mean \"\"d.pdf\"\"?"),
        "{problems}"
    );
}

#[test]
fn a_beginning_that_the_root_does_not_have_is_proposed_and_taken_off() {
    for (paths, prefix) in [
        (
            ["S:\\Legal\\Scans\\a.pdf", "s:\\legal\\Scans\\x\\b.pdf"],
            "S:\\Legal\\Scans\\",
        ),
        (
            ["\\\\server\\it's\\a.pdf", "\\\\SERVER\\it's\\x\\b.pdf"],
            "\\\\server\\it's\\",
        ),
        (["/home/me/a.pdf", "/home/me/x/b.pdf"], "/home/me/"),
        (["Legal/Scans/a.pdf", "Legal/Scans/x/b.pdf"], "Legal/Scans/"),
    ] {
        let test = with_paths(&paths)
            .file("a.pdf", "alpha")
            .file("x/b.pdf", "beta");
        let without_separator = prefix.trim_end_matches(['/', '\\']);
        let told = SHELL.word(without_separator.as_ref());
        test.check()
            .prints(format!(
                "m.csv line 1, column file_path: each path begins with \"{prefix}\", which the root \
                 does not have; take the beginning off with --strip-prefix {told}\n"
            ))
            .exits(2);
        test.check().args(["--strip-prefix", prefix]).exits(0);
        test.import()
            .args(["--strip-prefix", without_separator])
            .rows(["A1 uploaded", "A2 uploaded"])
            .stored([("A1", "alpha"), ("A2", "beta")])
            .exits(0);
        assert_eq!(stored_names(&test), ["a.pdf", "b.pdf"]);
        assert_eq!(test.results().cell("A1", "file_path"), paths[0]);
    }
}

#[test]
fn a_shorter_beginning_is_proposed_where_it_helps_and_none_where_no_file_is_found() {
    let test = with_paths(&["S:\\Legal\\2024\\a.pdf"]).file("2024/a.pdf", "alpha");
    test.check()
        .prints(format!(
            "take the beginning off with --strip-prefix {}\n",
            SHELL.word("S:\\Legal".as_ref())
        ))
        .exits(2);
    let test = with_paths(&["S:\\Legal\\a.pdf", "T:\\Legal\\b.pdf"]).file("a.pdf", "alpha");
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column file_path: \"S:\\Legal\\a.pdf\" begins with a drive letter; \
             take the beginning of the paths off with --strip-prefix, or write the path relative to \
             the root, which --root sets\n\
             m.csv line 3 (row 2), column file_path: \"T:\\Legal\\b.pdf\" begins with a drive letter; \
             take the beginning of the paths off with --strip-prefix, or write the path relative to \
             the root, which --root sets\n",
        )
        .exits(2);
}

#[test]
fn a_prefix_with_which_no_path_begins_is_told_and_other_paths_stay_as_they_are() {
    let test = with_paths(&["a.pdf", "S:\\Legal\\b.pdf"])
        .file("a.pdf", "alpha")
        .file("b.pdf", "beta");
    test.check().args(["--strip-prefix", "S:\\Legal"]).exits(0);
    let test = with_paths(&["a.pdf"]).file("a.pdf", "alpha");
    test.check()
        .args(["--strip-prefix", "S:\\Lega"])
        .stderr(
            "warning: m.csv line 1, column file_path: no path begins with \"S:\\Lega\"; correct \
             --strip-prefix, or leave the option out\n",
        )
        .exits(0);
    test.check()
        .args(["--strip-prefix", "S:\\Legal\\.."])
        .prints("the part `..` leads to another folder")
        .exits(2);
    let test = with_paths(&["S:\\Legal\\..\\a.pdf"]).file("a.pdf", "alpha");
    test.check()
        .args(["--strip-prefix", "S:\\Legal"])
        .prints("contains the part `..`")
        .exits(2);
}

#[test]
fn a_character_that_cannot_be_seen_is_named_with_the_file_that_may_be_meant() {
    let test = with_paths(&["a\u{200b}.pdf"]).file("a.pdf", "alpha");
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column file_path: \"a\\u{200b}.pdf\" does not exist, and contains \
             U+200B ZERO WIDTH SPACE, which cannot be seen; did you mean \"a.pdf\"?\n",
        )
        .exits(2);
    // The file has the character, too.
    let test = with_paths(&["a\u{200b}.pdf"]).file("a\u{200b}.pdf", "alpha");
    test.check()
        .stderr(
            "warning: m.csv line 2 (row 1), column file_path: \"a\\u{200b}.pdf\" contains U+200B ZERO \
             WIDTH SPACE, which cannot be seen; the file has it, too: rename the file to \"a.pdf\" \
             unless the character is meant\n",
        )
        .exits(0);
}
