//! Tests of the problems seen by users: on the screen and in the problems file.

use std::fs;
use std::path::{MAIN_SEPARATOR, Path};

use super::*;
use crate::manifest::{Manifest, ManifestOptions, ManifestWithProblems, read_manifest};

fn read_manifest_in(folder: &Path, rows: &str) -> (Manifest, ProblemList) {
    let path = folder.join("m.csv");
    let text = format!("file_path,object_type,object_id,external_id\n{rows}");
    fs::write(&path, text).unwrap();
    let ManifestWithProblems { manifest, problems } =
        read_manifest(&path, &ManifestOptions::default()).unwrap();
    (manifest, problems)
}

/// Returns the lines on the screen, without the folder's path.
fn screen_lines(rows: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, problems) = read_manifest_in(folder.path(), rows);
    let prefix = format!("{}{MAIN_SEPARATOR}", folder.path().display());
    render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings)
        .lines()
        .map(|line| line.replace(&prefix, ""))
        .collect()
}

fn repeated_rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (1..=count).map(|number| row(number) + "\n").collect()
}

#[test]
fn many_rows_of_one_cause_take_few_lines() {
    let lines = screen_lines(&repeated_rows(1_234, |n| format!("a{n},contract,0,A{n}")));
    assert_eq!(lines.len(), 4);
    assert!(lines[2].starts_with("m.csv line 4 (row 3), column object_id: \"0\" is not"));
    assert_eq!(
        lines[3],
        "  the same in 1,231 more rows: 4 5 6 7 8 9 10 11 …"
    );
}

#[test]
fn a_few_rows_of_one_cause_are_all_shown() {
    assert_eq!(
        screen_lines(&repeated_rows(3, |n| format!("a,contract,0,A{n}"))).len(),
        3
    );
    let lines = screen_lines(&repeated_rows(4, |n| format!("a,contract,0,A{n}")));
    assert_eq!(lines[3], "  the same in 1 more row: 4");
}

#[test]
fn a_screen_has_a_hundred_lines_at_most_and_says_how_much_is_left() {
    let mut problems = ProblemList::default();
    for number in 1..=200 {
        problems.push(ManifestProblem {
            row: number,
            column: Some(Column::FilePath),
            kind: ProblemKind::FolderMissing {
                folder: format!("f{number}").into(),
            },
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let (manifest, _) = read_manifest_in(
        folder.path(),
        &repeated_rows(200, |n| format!("a,event,1,A{n}")),
    );
    let shown = render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings);
    assert_eq!(shown.lines().count(), 101);
    assert!(shown.ends_with("and 100 other problems\n"));
}

#[test]
fn errors_come_before_warnings() {
    let lines = screen_lines("a,contract,1,0012\nb,contract,1,13\nc,contract,0,0014\n");
    assert!(lines[0].starts_with("m.csv line 4 (row 3), column object_id: "));
    assert!(lines[1].starts_with("warning: m.csv line 3 (row 2), column external_id: "));
}

#[test]
fn no_value_reaches_the_terminal_as_it_is() {
    let lines = screen_lines("a\u{1b}[2J\u{202e},contract,1,A\n");
    assert_eq!(
        lines,
        [
            "m.csv line 2 (row 1), column file_path: \"a\\u{1b}[2J\\u{202e}\" contains a control \
             character; remove the character"
        ]
    );
}

#[test]
fn the_problems_file_holds_everything_and_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, problems) = read_manifest_in(
        folder.path(),
        "a,contract,0,A\nb,=1+1,1,B\n\"/c,d\",contract,1,C\n",
    );
    let path = write_problems_file(&problems, &manifest).unwrap().unwrap();
    assert_eq!(path, folder.path().join("m.problems.csv"));
    let file = manifest.path().display();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!(
            "\u{feff}severity,kind,file,sheet,cell,line,row,column,value,problem,remedy\n\
             error,bad_object_id,{file},,,2,1,object_id,0,\"\"\"0\"\" is not a positive whole number \
             in plain digits\",\"write the id that the service's API has for the record, digits \
             only; the number that people see on a contract or a project is another one\"\n\
             error,unknown_object_type,{file},,,3,2,object_type,'=1+1,\"\"\"=1+1\"\" is not an \
             object type\",\"allowed are contract, event, project, supplier_company, \
             sourcing_event, sourcing_request\"\n\
             error,absolute_path,{file},,,4,3,file_path,\"/c,d\",\"\"\"/c,d\"\" is an absolute \
             path\",\"take the beginning of the paths off with --strip-prefix, or write the path \
             relative to the root, which --root sets\"\n"
        )
    );
}

#[cfg(unix)]
#[test]
fn the_problems_file_is_its_owners_and_replaces_a_link_instead_of_following_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "precious").unwrap();
    symlink("precious", folder.path().join("m.problems.csv")).unwrap();
    let (manifest, problems) = read_manifest_in(folder.path(), "a,contract,0,A\n");
    let path = write_problems_file(&problems, &manifest).unwrap().unwrap();
    let metadata = fs::symlink_metadata(&path).unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_to_string(folder.path().join("precious")).unwrap(),
        "precious"
    );
}

#[test]
fn the_problems_file_goes_away_when_nothing_is_wrong_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, problems) = read_manifest_in(folder.path(), "a,contract,0,A\n");
    let path = write_problems_file(&problems, &manifest).unwrap().unwrap();
    let (manifest, problems) = read_manifest_in(folder.path(), "a,contract,1,A\n");
    assert_eq!(write_problems_file(&problems, &manifest).unwrap(), None);
    assert!(!path.exists());
    assert_eq!(
        write_problems_file(&problems, &manifest).unwrap(),
        None,
        "nothing to remove is fine"
    );
}

#[test]
fn a_million_problems_stay_small() {
    assert!(
        size_of::<ManifestProblem>() <= 40,
        "{}",
        size_of::<ManifestProblem>()
    );
}
