//! File folders which disappear in the middle of a run, as a network share does.

use std::fs;
use std::path::Path;

use crate::harness::{
    HoldMoment, ImportTest, RunningTool, TestRun, assert_attached_once, assert_stored_exactly_once,
    content_of,
};

const AWAY: &str = "the folder of the files is away (";
const BACK: &str = "the folder of the files is there again\n";

/// Moves the files of a test to a folder of their own, `files`.
fn with_files_in_own_folder(test: ImportTest) -> ImportTest {
    fs::create_dir(test.path("files")).unwrap();
    for name in test.file_names() {
        if let Some(id) = name.strip_suffix(".pdf") {
            test.remove(&name);
            test.write(&format!("files/{name}"), content_of(id));
        }
    }
    test
}

fn import(test: &ImportTest) -> TestRun<'_> {
    test.import().args(["--root", "files"])
}

/// Moves all files to another folder.
fn move_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::rename(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Releases the held request, and waits until the run says that the files are away.
fn release_and_wait_until_away(running: &mut RunningTool<'_>) {
    running.test.service().holding_proxy().release();
    running.wait_until_it_prints(AWAY);
}

#[test]
fn a_share_that_is_not_mounted_for_a_while_fails_no_row() {
    let test = with_files_in_own_folder(ImportTest::with_rows(4)).with_holding_proxy();
    import(&test)
        .while_held(4, HoldMoment::BeforeService, |running| {
            let [files, kept] = ["files", "kept"].map(|name| running.test.path(name));
            fs::create_dir(&kept).unwrap();
            move_files(&files, &kept);
            release_and_wait_until_away(running);
            move_files(&kept, &files);
        })
        .stderr(format!(
            "{AWAY}files: none of the checked files is there); the run waits for it\n{BACK}"
        ))
        .exits(0);
    assert_stored_exactly_once(&test, 4);
}

#[test]
#[cfg_attr(windows, ignore = "an open folder keeps its name")]
fn a_folder_that_is_gone_for_a_while_is_opened_anew_by_its_path() {
    let test = with_files_in_own_folder(ImportTest::with_rows(4)).with_holding_proxy();
    import(&test)
        .while_held(4, HoldMoment::BeforeService, |running| {
            let [files, kept] = ["files", "kept"].map(|name| running.test.path(name));
            fs::create_dir(&kept).unwrap();
            move_files(&files, &kept);
            fs::remove_dir(&files).unwrap();
            release_and_wait_until_away(running);
            fs::rename(kept, files).unwrap();
        })
        .stderr(format!(
            "{AWAY}files: No such file or directory (os error 2)); the run waits for it\n{BACK}"
        ))
        .exits(0);
    assert_stored_exactly_once(&test, 4);
}

#[test]
fn the_working_directory_may_go_away_with_the_files() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    // Only the files of rows are there to be looked for.
    test.import()
        .while_held(4, HoldMoment::BeforeService, |running| {
            let folder = running.test.folder().to_owned();
            let kept = tempfile::tempdir_in(folder.parent().unwrap()).unwrap();
            for name in ["A1.pdf", "A2.pdf", "A3.pdf"] {
                fs::rename(folder.join(name), kept.path().join(name)).unwrap();
            }
            release_and_wait_until_away(running);
            move_files(kept.path(), &folder);
        })
        .prints(BACK)
        .exits(0);
    assert_stored_exactly_once(&test, 3);
}

#[test]
fn jobs_wait_for_files_that_are_away() {
    let test = with_files_in_own_folder(ImportTest::with_event_rows(3)).with_holding_proxy();
    import(&test)
        .while_held(2, HoldMoment::BeforeService, |running| {
            let [files, kept] = ["files", "kept"].map(|name| running.test.path(name));
            fs::create_dir(&kept).unwrap();
            move_files(&files, &kept);
            release_and_wait_until_away(running);
            move_files(&kept, &files);
        })
        .prints(BACK)
        .exits(0);
    for id in ["A1", "A2", "A3"] {
        test.write(&format!("{id}.pdf"), content_of(id));
    }
    assert_attached_once(&test);
}

#[test]
fn one_file_that_is_gone_alone_fails_its_row() {
    let test = with_files_in_own_folder(ImportTest::with_rows(3)).with_holding_proxy();
    import(&test)
        .while_held(4, HoldMoment::BeforeService, |running| {
            running.test.remove("files/A2.pdf");
        })
        .prints("failed, source_changed: ")
        .rows(["A1 uploaded", "A2 failed source_changed", "A3 uploaded"])
        .exits(1);
}

#[test]
fn files_that_stay_away_stop_the_run_and_a_later_one_goes_on() {
    let test = with_files_in_own_folder(ImportTest::with_rows(3)).with_holding_proxy();
    let kept = test.path("kept");
    fs::create_dir(&kept).unwrap();
    import(&test)
        .args(["--max-outage", "2s"])
        .while_held(4, HoldMoment::BeforeService, |running| {
            move_files(&running.test.path("files"), &kept);
        })
        .prints(AWAY)
        .prints(
            "stopped early: the files were away for longer than --max-outage allows (files: none \
             of the checked files is there)\n",
        )
        .exits(3);
    move_files(&kept, &test.path("files"));
    import(&test).args(["--resume"]).all_uploaded(3).exits(0);
    assert_stored_exactly_once(&test, 3);
}
