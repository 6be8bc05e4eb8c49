#[cfg(target_os = "linux")]
use std::ffi::OsStr;
use std::fs;

use super::*;
use crate::platform::PathSyntax;
use crate::root::OpenFileError;

fn folder_with(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    folder
}

fn no_file(similar: &[&str]) -> MissingPathCause {
    MissingPathCause::NoSuchFile {
        similar_paths: similar.iter().map(|path| (*path).to_owned()).collect(),
    }
}

#[cfg(target_os = "linux")]
fn several(paths: &[&str]) -> RespeltPath {
    RespeltPath::Several(paths.iter().map(|path| (*path).to_owned()).collect())
}

#[test]
#[cfg_attr(windows, ignore = "names end in a blank")]
fn the_file_that_was_probably_meant_is_named() {
    let folder = folder_with(&[
        "Contracts/Vertra\u{308}ge.PDF",
        "b.pdf ",
        "c/c.pdf",
        "O’Brien – a b.pdf",
    ]);
    let root = Root::from_path(folder.path()).unwrap();
    let mut explainer = MissingPathExplainer::new(&root);
    let vertraege: &[&str] = &["Contracts/Vertra\u{308}ge.PDF"];
    for (missing, similar) in [
        ("contracts/Verträge.pdf", vertraege),
        ("./Contracts//Verträge.PDF", vertraege),
        ("Contracts /Vertr%C3%A4ge.pdf", vertraege),
        ("b.pdf", &["b.pdf "]),
        ("o'brien\u{a0}- a%20b.pdf", &["O’Brien – a b.pdf"]),
        ("Contracts/other.pdf", &[]),
        ("c/c.pdf/x", &[]),
        ("C", &["c"]),
    ] {
        assert_eq!(explainer.explain(missing), no_file(similar), "{missing}");
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "names differ in case alone")]
fn at_most_five_files_are_suggested_and_those_with_the_same_letters_first() {
    let folder = folder_with(&["a-b", "a–b", "a—b", "a‐b", "a‑b", "A−b", "A-b"]);
    let root = Root::from_path(folder.path()).unwrap();
    let cause = MissingPathExplainer::new(&root).explain("a-B");
    let MissingPathCause::NoSuchFile { similar_paths } = cause else {
        panic!("{cause:?}");
    };
    assert_eq!(similar_paths.len(), 5);
    assert_eq!(similar_paths[..2], ["A-b", "a-b"]);
}

#[cfg_attr(
    windows,
    ignore = "no file with the name of a device can be made on Windows"
)]
#[test]
fn a_name_that_windows_does_not_reach_is_told_unless_another_file_may_be_meant() {
    let folder = folder_with(&["a.pdf", "aux.pdf", "b/c.pdf"]);
    let mut root = Root::from_path(folder.path()).unwrap();
    root.path_syntax = PathSyntax::Windows;
    let mut explainer = MissingPathExplainer::new(&root);
    let unreachable = |part: &str, fault| MissingPathCause::UnreachableName {
        part: part.to_owned(),
        fault,
    };
    for (missing, cause) in [
        ("a.pdf ", no_file(&["a.pdf"])),
        (
            "a.pdf.",
            unreachable("a.pdf.", WindowsNameFault::DotOrBlankAtEnd),
        ),
        (
            "aux.pdf",
            unreachable("aux.pdf", WindowsNameFault::DeviceName),
        ),
        (
            "b*/c.pdf",
            unreachable("b*", WindowsNameFault::ForbiddenCharacter('*')),
        ),
        (
            "a.pdf:stream",
            unreachable("a.pdf:stream", WindowsNameFault::ForbiddenCharacter(':')),
        ),
        ("d.pdf", no_file(&[])),
    ] {
        assert_eq!(explainer.explain(missing), cause, "{missing}");
        assert!(matches!(
            root.stamp_file(missing),
            Err(OpenFileError::Missing)
        ));
        assert!(matches!(
            root.open_file(missing),
            Err(OpenFileError::Missing)
        ));
    }
}

#[test]
fn the_first_missing_folder_is_named() {
    let folder = folder_with(&["a/b.pdf"]);
    let root = Root::from_path(folder.path()).unwrap();
    let folder = "a/x".to_owned();
    assert_eq!(
        MissingPathExplainer::new(&root).explain("a/x/y/b.pdf"),
        MissingPathCause::NoSuchFolder { folder }
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_only_file_in_another_spelling_is_found_over_all_folders_of_the_path() {
    let folder = folder_with(&[
        "Scans/Verträge/a.pdf",
        "scans/vertra\u{308}ge/b.pdf",
        "SCANS/c.pdf",
        "scans/C.PDF",
        "d.pdf",
        "D – 1.pdf",
        "E.pdf/f.pdf",
    ]);
    let root = Root::from_path(folder.path()).unwrap();
    let mut explainer = MissingPathExplainer::new(&root);
    for (missing, expected) in [
        (
            "Scans/VERTRÄGE/A.pdf",
            RespeltPath::One("Scans/Verträge/a.pdf".to_owned()),
        ),
        (
            "Scans/Verträge/b.pdf",
            RespeltPath::One("scans/vertra\u{308}ge/b.pdf".to_owned()),
        ),
        ("Scans/c.pdf", several(&["SCANS/c.pdf", "scans/C.PDF"])),
        ("D.pdf", RespeltPath::One("d.pdf".to_owned())),
        ("D - 1.pdf", RespeltPath::None),
        ("D .pdf", RespeltPath::None),
        ("e.pdf", RespeltPath::None),
        ("g.pdf", RespeltPath::None),
        ("SCANS/g.pdf", RespeltPath::None),
        ("D.pdf/", RespeltPath::None),
    ] {
        assert_eq!(explainer.find_respelt(missing), expected, "{missing}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_file_is_taken_while_a_folder_of_the_same_letters_cannot_be_listed() {
    let folder = folder_with(&["scans/A.pdf", "Scans/b.pdf"]);
    let root = Root::from_path(folder.path()).unwrap();
    let mut explainer = MissingPathExplainer::new(&root);
    // The names of the root are read, and those of one of the two folders.
    explainer.names_left = 3;
    assert_eq!(explainer.find_respelt("SCANS/a.pdf"), RespeltPath::None);
    let mut explainer = MissingPathExplainer::new(&root);
    assert_eq!(
        explainer.find_respelt("SCANS/a.pdf"),
        RespeltPath::One("scans/A.pdf".to_owned())
    );
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_root_is_never_followed_for_a_suggestion() {
    let outside = folder_with(&["scans/a.pdf", "b.pdf"]);
    let folder = folder_with(&["c.pdf"]);
    let link = |target: &str, name: &str| {
        let target = outside.path().join(target);
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    };
    link("scans", "Scans");
    link("b.pdf", "B.pdf");
    let root = Root::from_path(folder.path()).unwrap();
    let mut explainer = MissingPathExplainer::new(&root);
    for missing in ["scans/A.pdf", "b.PDF"] {
        assert_eq!(
            explainer.find_respelt(missing),
            RespeltPath::None,
            "{missing}"
        );
    }
    assert_eq!(explainer.explain("scans/A.pdf"), no_file(&[]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_on_the_disk_that_is_not_utf_8_is_recognised() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"Vertr\xE4ge.pdf");
    fs::write(folder.path().join(name), "x").unwrap();
    let root = Root::from_path(folder.path()).unwrap();
    assert_eq!(
        MissingPathExplainer::new(&root).explain("Verträge.pdf"),
        MissingPathCause::NameNotUtf8
    );
}

#[test]
fn a_folder_of_too_many_names_gives_no_suggestion() {
    let folder = folder_with(&["A.pdf", "b.pdf"]);
    let root = Root::from_path(folder.path()).unwrap();
    let mut explainer = MissingPathExplainer::new(&root);
    explainer.names_left = 1;
    assert_eq!(explainer.explain("a.pdf"), no_file(&[]));
}
