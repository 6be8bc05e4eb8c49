//! Tests of the file problems seen by users.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::digest::sha256;
use crate::manifest::problem::{ShownSeverities, render_for_screen};
use crate::manifest::{ManifestOptions, ManifestWithProblems, read_manifest};
use crate::model::FileStamp;
use crate::root::parent_folder;

/// Returns the lines that a user sees on the screen.
fn screen(prepared: &PreparedFiles, manifest: &Manifest) -> String {
    let shown = ShownSeverities::ErrorsAndWarnings;
    render_for_screen(&prepared.problems, manifest, shown)
}

/// Folder with a manifest and files.
struct PrepareFixture(tempfile::TempDir);

impl PrepareFixture {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn root(&self) -> Root {
        Root::from_path(self.0.path()).unwrap()
    }

    /// Reads a manifest with a row for each path; the ids are `A0`, `A1` and so on.
    fn manifest(&self, paths: &[&str]) -> ManifestWithProblems {
        let rows: Vec<String> = paths
            .iter()
            .enumerate()
            .map(|(index, path)| format!("\"{path}\",contract,1,A{index}\n"))
            .collect();
        self.read_manifest_text(&format!(
            "file_path,object_type,object_id,external_id\n{}",
            rows.concat()
        ))
    }

    fn read_manifest_text(&self, text: &str) -> ManifestWithProblems {
        let path = self.path("m.csv");
        fs::write(&path, text).unwrap();
        read_manifest(&path, &ManifestOptions::default()).unwrap()
    }

    fn prepare(
        &self,
        reading: ManifestWithProblems,
        earlier: &dyn EarlierRun,
    ) -> (Manifest, PreparedFiles, HashCounter) {
        let counter = HashCounter::default();
        let ManifestWithProblems { manifest, problems } = reading;
        let prepared = prepare_files(&manifest, problems, &self.root(), earlier, &counter);
        (manifest, prepared, counter)
    }

    /// Returns the problem of a path in words, without its place.
    fn problem_of_path(&self, path: &str) -> String {
        let (manifest, prepared, _) = self.prepare(self.manifest(&[path]), &NoEarlierRun);
        let screen = screen(&prepared, &manifest);
        let place = ", column file_path: ";
        screen
            .split_once(place)
            .map_or(String::new(), |(_, said)| said.trim_end().to_owned())
    }
}

/// Observer that counts hashed files and bytes.
#[derive(Default)]
struct HashCounter {
    planned: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl HashProgress for HashCounter {
    fn begin(&self, files: u64, bytes: u64) {
        assert_eq!(self.planned.swap(bytes, Ordering::Relaxed), 0, "begun once");
        assert_eq!(files == 0, bytes == 0);
    }

    fn add_bytes(&self, more: u64) {
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }
}

impl HashCounter {
    fn hashed(&self) -> (u64, u64) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        assert_eq!(bytes, self.planned.load(Ordering::Relaxed));
        (self.files.load(Ordering::Relaxed), bytes)
    }
}

/// Earlier run with a single row.
struct OneEarlierRow(&'static str, EarlierRow);

impl EarlierRun for OneEarlierRow {
    fn find_row(&self, external_id: &str) -> Option<EarlierRow> {
        (external_id == self.0).then(|| self.1.clone())
    }
}

#[test]
fn files_are_hashed_and_a_file_of_several_rows_only_once() {
    let big = "x".repeat(600 * 1024);
    let folder = PrepareFixture::new(&[("a/ü.txt", "hello"), ("big", &big)]);
    let reading = folder.manifest(&["a/ü.txt", "big", "a/ü.txt"]);
    let (_, prepared, counter) = folder.prepare(reading, &NoEarlierRun);
    assert_eq!(prepared.problems.error_count(), 0);
    assert_eq!(counter.hashed(), (2, 5 + 600 * 1024));
    assert_eq!(prepared.ready_files_and_bytes(), (2, 5 + 600 * 1024));
    for (row, bytes) in [(0, "hello"), (1, big.as_str()), (2, "hello")] {
        let RowFile::Ready(content) = prepared.row_file(row) else {
            panic!("row {row} is not ready");
        };
        assert_eq!(content.sha256, sha256(bytes.as_bytes()));
        assert_eq!(content.stamp.size, bytes.len() as u64);
    }
}

#[test]
fn a_file_that_is_not_there_is_explained() {
    let folder = PrepareFixture::new(&[("Contracts/A–1.PDF", "x")]);
    assert_eq!(
        folder.problem_of_path("contracts/a-1.pdf"),
        "\"contracts/a-1.pdf\" does not exist; did you mean \"Contracts/A–1.PDF\"?"
    );
    assert_eq!(
        folder.problem_of_path("Contracts/b.pdf"),
        "\"Contracts/b.pdf\" does not exist; correct the path, which is relative to the \
         manifest's folder or to --root"
    );
    assert_eq!(
        folder.problem_of_path("Projects/2024/b.pdf"),
        "\"Projects/2024/b.pdf\" does not exist: there is no folder \"Projects\"; correct the \
         path, which is relative to the manifest's folder or to --root"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_with_a_backslash_means_one_file_or_none() {
    let folder = PrepareFixture::new(&[("a/b", "x"), ("a\\c", "x"), ("d/e", "x"), ("d\\e", "x")]);
    assert_eq!(folder.problem_of_path("a\\b"), "");
    assert_eq!(
        folder.problem_of_path("a\\c"),
        "\"a\\c\" is the path of a file with a `\\` in its name, which no service stores; rename the \
         file"
    );
    assert_eq!(
        folder.problem_of_path("d\\e"),
        "\"d\\e\" may mean \"d/e\", and may mean a file with a `\\` in its name, \"d\\e\"; write the \
         path with `/`, or rename the file with the `\\`"
    );
    assert_eq!(
        folder.problem_of_path("a\\x"),
        "\"a\\x\" does not exist; correct the path, which is relative to the manifest's folder or to \
         --root"
    );
    // Two spellings of one path are one file, which one of the two rows may not name so.
    let reading = folder.manifest(&["a\\b", "a/b", "d\\e", "d/e"]);
    let (manifest, prepared, counter) = folder.prepare(reading, &NoEarlierRun);
    assert_eq!(counter.hashed().0, 2);
    let is_ready = |row| matches!(prepared.row_file(row), RowFile::Ready(_));
    assert_eq!([0, 1, 2, 3].map(is_ready), [true, true, false, true]);
    assert_eq!(
        prepared.path_on_disk(&manifest.row(0)).as_deref(),
        Some("a/b")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_in_another_spelling_is_taken_with_one_warning_for_all_rows() {
    let folder = PrepareFixture::new(&[("Vertra\u{308}ge/A.PDF", "a"), ("B.pdf", "b")]);
    let reading = folder.manifest(&["Verträge\\a.pdf", "b.pdf", "b.pdf"]);
    let (manifest, prepared, _) = folder.prepare(reading, &NoEarlierRun);
    let screen = screen(&prepared, &manifest);
    assert!(
        screen.contains(
            " line 2 (row 1), column file_path: \"Verträge\\a.pdf\" is taken for the file \
             \"Vertra\u{308}ge/A.PDF\", which differs only in case or in the encoding of accents (NFC \
             or NFD); correct the path if another file is meant\n  the same in 2 more rows: 2 3\n"
        ),
        "{screen}"
    );
    let RowFile::Ready(content) = prepared.row_file(0) else {
        panic!("the row is not ready");
    };
    assert_eq!(content.sha256, sha256(b"a"));
    for (row, path) in [(0, "Vertra\u{308}ge/A.PDF"), (1, "B.pdf"), (2, "B.pdf")] {
        let row = manifest.row(row);
        let on_disk = prepared.path_on_disk(&row);
        assert_eq!(on_disk.as_deref(), Some(path));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_may_mean_several_files_or_a_file_of_another_row_is_an_error() {
    let folder = PrepareFixture::new(&[("A.pdf", "x"), ("a.PDF", "x"), ("B.pdf", "x")]);
    assert_eq!(
        folder.problem_of_path("a.pdf"),
        "\"a.pdf\" does not exist, and differs only in case or in the encoding of accents (NFC or \
         NFD) from \"A.pdf\" and \"a.PDF\"; write the path of the right file"
    );
    let reading = folder.manifest(&["b.pdf", "B.pdf"]);
    let (manifest, prepared, _) = folder.prepare(reading, &NoEarlierRun);
    let screen = screen(&prepared, &manifest);
    assert!(
        screen.contains(
            " line 2 (row 1), column file_path: \"b.pdf\" does not exist, and \"B.pdf\", which \
             differs only in case or in the encoding of accents (NFC or NFD), is the file of \
             \"B.pdf\" in line 3 (row 2); correct the path, or write the same path in both rows\n"
        ),
        "{screen}"
    );
    assert_eq!(prepared.row_file(0), RowFile::Unfit);
    assert!(matches!(prepared.row_file(1), RowFile::Ready(_)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_letter_and_a_colon_are_part_of_a_name_if_the_file_is_there() {
    let folder = PrepareFixture::new(&[("A: Anlage.pdf", "x"), ("B:b.pdf", "x")]);
    assert_eq!(folder.problem_of_path("A: Anlage.pdf"), "");
    assert_eq!(folder.problem_of_path("B:b.pdf"), "");
    for missing in ["C:c.pdf", "S:Legal\\a.pdf", "S:\\a.pdf"] {
        let told = folder.problem_of_path(missing);
        let sentence = format!(
            "{} begins with a drive letter",
            crate::text::quoted(missing)
        );
        assert!(told.starts_with(&sentence), "{told}");
    }
    assert_eq!(
        folder.problem_of_path("A:Anlage .pdf"),
        "\"A:Anlage .pdf\" begins with a drive letter; take the beginning of the paths off \
         with --strip-prefix, or write the path relative to the root, which --root sets"
    );
}

#[test]
fn what_cannot_be_sent_says_why() {
    let folder = PrepareFixture::new(&[("empty", ""), ("folder/x", "x")]);
    let huge = fs::File::create(folder.path("huge")).unwrap();
    huge.set_len(crate::model::MAX_FILE_SIZE + 1).unwrap();
    assert!(
        folder
            .problem_of_path("empty")
            .starts_with("\"empty\" is an empty file; ")
    );
    assert_eq!(
        folder.problem_of_path("folder"),
        "\"folder\" is a folder, not a file; name a file in the folder"
    );
    assert_eq!(
        folder.problem_of_path("huge"),
        "\"huge\" has 5,368,709,121 bytes, and 5,368,709,120 (5 GiB) is the most that one upload \
         carries; split or compress the file"
    );
    assert!(
        folder
            .problem_of_path("\u{202e}fdp.exe")
            .starts_with("\"\\u{202e}fdp.exe\" contains")
    );
}

#[cfg(unix)]
#[test]
fn a_way_out_of_the_root_and_what_is_no_file_are_refused() {
    let folder = PrepareFixture::new(&[]);
    std::os::unix::fs::symlink("/etc/hostname", folder.path("link")).unwrap();
    std::os::unix::fs::symlink("loop", folder.path("loop")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap();
    assert!(
        folder
            .problem_of_path("link")
            .starts_with("\"link\" leads out of the root")
    );
    assert!(
        folder
            .problem_of_path("socket")
            .starts_with("\"socket\" is a device or a socket")
    );
    assert!(
        folder
            .problem_of_path("loop")
            .starts_with("\"loop\" cannot be read: Too many levels"),
        "{}",
        folder.problem_of_path("loop")
    );
}

#[test]
fn another_digest_than_the_manifest_says_is_an_error_of_that_row_only() {
    let folder = PrepareFixture::new(&[("a", "hello")]);
    let right = sha256(b"hello").to_string().to_uppercase();
    let wrong = "0".repeat(64);
    let reading = folder.read_manifest_text(&format!(
        "file_path,object_type,object_id,external_id,sha256\n\
         a,event,1,A,{right}\na,event,2,B,{wrong}\na,event,3,C,\n"
    ));
    let (manifest, prepared, _) = folder.prepare(reading, &NoEarlierRun);
    let screen = screen(&prepared, &manifest);
    assert!(
        screen.ends_with(&format!(
            " line 3 (row 2), column sha256: \"{wrong}\" is not the SHA-256 of the file, which is \
             {}; put in the right file, or correct the digest\n",
            right.to_lowercase()
        )),
        "{screen}"
    );
    assert!(matches!(prepared.row_file(0), RowFile::Ready(_)));
    assert_eq!(prepared.row_file(1), RowFile::Unfit);
    assert!(matches!(prepared.row_file(2), RowFile::Ready(_)));
}

#[test]
fn a_row_with_a_mistake_has_its_file_looked_at_too() {
    let folder = PrepareFixture::new(&[]);
    let reading = folder
        .read_manifest_text("file_path,object_type,object_id,external_id\nmissing,contract,0,A\n");
    let (_, prepared, _) = folder.prepare(reading, &NoEarlierRun);
    let kinds: Vec<_> = prepared
        .problems
        .iter()
        .map(|found| found.kind.as_str())
        .collect();
    assert_eq!(kinds, ["file_missing", "bad_object_id"]);
}

#[test]
fn a_file_that_an_earlier_run_hashed_is_not_read_again_while_it_looks_untouched() {
    let folder = PrepareFixture::new(&[("a", "hello"), ("b", "hello")]);
    let known = CheckedContent {
        stamp: folder.root().stamp_file("a").unwrap(),
        sha256: sha256(b"told by the earlier run"),
    };
    let row = |file_path: &str, content| EarlierRow {
        done: false,
        file_path: file_path.to_owned(),
        content: Some(content),
    };
    let touched = FileStamp {
        modified: jiff::Timestamp::UNIX_EPOCH,
        ..known.stamp
    };
    for (earlier, hashed, said) in [
        (row("a", known), 0, known.sha256),
        (row("b", known), 1, sha256(b"hello")),
        (
            row(
                "a",
                CheckedContent {
                    stamp: touched,
                    ..known
                },
            ),
            1,
            sha256(b"hello"),
        ),
    ] {
        let reading = folder.manifest(&["a"]);
        let (_, prepared, counter) = folder.prepare(reading, &OneEarlierRow("A0", earlier));
        assert_eq!(counter.hashed().0, hashed);
        let RowFile::Ready(content) = prepared.row_file(0) else {
            panic!("the row is not ready");
        };
        assert_eq!(content.sha256, said);
    }
}

#[test]
fn a_document_that_keelvars_app_would_not_take_is_warned_of() {
    let folder = PrepareFixture::new(&[]);
    let limit = crate::model::MAX_KEELVAR_DOCUMENT_SIZE;
    for (name, size) in [("fits", limit), ("huge", limit + 1)] {
        let file = fs::File::create(folder.path(name)).unwrap();
        file.set_len(size).unwrap();
    }
    let said = |name: &str, object: &str| {
        // The digest comes from an earlier run, so that the test need not read three gigabytes.
        let earlier = EarlierRow {
            done: false,
            file_path: name.to_owned(),
            content: Some(CheckedContent {
                stamp: folder.root().stamp_file(name).unwrap(),
                sha256: sha256(b"told by the earlier run"),
            }),
        };
        let reading = folder.read_manifest_text(&format!(
            "file_path,object_type,object_id,external_id\n{name},{object},A\n"
        ));
        let (manifest, prepared, counter) = folder.prepare(reading, &OneEarlierRow("A", earlier));
        assert_eq!(counter.hashed(), (0, 0));
        assert!(matches!(prepared.row_file(0), RowFile::Ready(_)));
        screen(&prepared, &manifest)
    };
    let request = "sourcing_request,3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    assert!(
        said("huge", request).ends_with(
            "column file_path: \"huge\" has 3,000,000,001 bytes, and Keelvar's app takes \
             3,000,000,000 (3 GB) for one document; whether a job takes more is not documented; \
             send the file alone first, or split or compress the file\n"
        ),
        "{}",
        said("huge", request)
    );
    assert_eq!(said("fits", request), "");
    assert_eq!(said("huge", "contract,1"), "");
}

#[test]
fn a_done_row_may_lose_its_file() {
    let folder = PrepareFixture::new(&[]);
    for (done, file, errors) in [
        (true, RowFile::GoneAfterDone, 0),
        (false, RowFile::Unfit, 1),
    ] {
        let earlier = EarlierRow {
            done,
            file_path: "a".to_owned(),
            content: None,
        };
        let (_, prepared, _) =
            folder.prepare(folder.manifest(&["a"]), &OneEarlierRow("A0", earlier));
        assert_eq!(prepared.row_file(0), file);
        assert_eq!(prepared.problems.error_count(), errors);
    }
}

#[test]
fn the_files_may_lie_elsewhere_than_the_manifest() {
    let files = PrepareFixture::new(&[("a", "x")]);
    let folder = PrepareFixture::new(&[]);
    let ManifestWithProblems { manifest, problems } = folder.manifest(&["a"]);
    let prepared = prepare_files(
        &manifest,
        problems,
        &files.root(),
        &NoEarlierRun,
        &IgnoredHashProgress,
    );
    assert!(prepared.problems.is_empty());
    assert_eq!(parent_folder(&folder.path("m.csv")), folder.0.path());
    assert_eq!(parent_folder(Path::new("m.csv")), Path::new("."));
}
