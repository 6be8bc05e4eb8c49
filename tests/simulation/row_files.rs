//! Files of rows on the real disk, in all versions that people save. No test reads their bytes,
//! since the service in memory stores the digest of a file. But before content is replaced, the new
//! file is opened, so the files have to exist.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use consign::digest::sha256;
use consign::model::{CheckedContent, FileStamp, Sha256Digest};
use consign::root::Root;
use consign::upload_source::UploadSource;

/// Number of rows that have files.
pub(crate) const MAX_ROWS: usize = 3;

/// Texts of a row's file, before its number. The first three have the same length, the others do
/// not.
const ROW_TEXTS: [&str; 5] = [
    "the text of row",
    "THE TEXT OF ROW",
    "The Text of Row",
    "a newer text, for row",
    "short",
];

/// Texts that other people attach, who have nothing to do with the rows.
const OTHERS_TEXTS: [&str; 3] = ["strangers' text..", "another text", "what came in between"];

/// Name and size of the file for each text, by the digest of the text.
static FILES: LazyLock<BTreeMap<[u8; 32], (String, u64)>> = LazyLock::new(|| {
    let of_rows =
        (1..=MAX_ROWS).flat_map(|row| ROW_TEXTS.map(|version| format!("{version} {row}")));
    let texts = of_rows.chain(OTHERS_TEXTS.map(str::to_owned));
    let files = texts.enumerate().map(|(nth, text)| {
        let name = format!("{nth}.pdf");
        write(&folder().join(&name), &text);
        (sha256(text.as_bytes()).0, (name, text.len() as u64))
    });
    files.collect()
});

static ROOT: LazyLock<Arc<Root>> = LazyLock::new(|| Arc::new(Root::from_path(&folder()).unwrap()));

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulation");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

/// Returns the content of a version of a row's file. The first three versions have the same size.
pub(crate) fn version_of_row(row: usize, nth: usize) -> CheckedContent {
    content(&format!("{} {row}", ROW_TEXTS[nth % ROW_TEXTS.len()]))
}

/// Returns `true` if the content is a version of a row's file.
pub(crate) fn is_version_of_row(sha256: Sha256Digest, row: usize) -> bool {
    (0..ROW_TEXTS.len()).any(|nth| version_of_row(row, nth).sha256 == sha256)
}

/// Returns content of other people: 0 has the size of the first versions, the rest have not.
pub(crate) fn others_content(nth: usize) -> CheckedContent {
    content(OTHERS_TEXTS[nth])
}

fn content(text: &str) -> CheckedContent {
    let sha256 = sha256(text.as_bytes());
    let stamp = stamp_of(sha256);
    CheckedContent { stamp, sha256 }
}

/// Returns the size and the time of the file with the given digest.
pub(crate) fn stamp_of(sha256: Sha256Digest) -> FileStamp {
    FileStamp {
        size: FILES[&sha256.0].1,
        modified: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Returns the file with the given digest.
pub(crate) fn source_holding(sha256: Sha256Digest) -> UploadSource {
    source(&FILES[&sha256.0].0)
}

/// Returns a file by name, whether it exists or not.
pub(crate) fn source(name: &str) -> UploadSource {
    UploadSource::new(Arc::clone(&ROOT), name.to_owned())
}
