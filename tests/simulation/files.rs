//! The files of rows, as they are on the disk, in all versions that people save. Nobody reads them:
//! what a service in memory stores of a file is its digest. But before content is replaced, its
//! successor is opened, so they have to be there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use consign::digest::sha256;
use consign::model::{Content, FileStamp, Sha256Digest};
use consign::root::Root;
use consign::source::Source;

/// So many rows have files.
pub(crate) const ROWS: usize = 3;

/// What the files of a row may say: three of them as long as each other, and others.
const VERSIONS: [&str; 5] = [
    "the text of row",
    "THE TEXT OF ROW",
    "The Text of Row",
    "a newer text, for row",
    "short",
];

/// What people hang there who have nothing to do with the rows.
const STRANGE: [&str; 3] = ["strangers' text..", "another text", "what came in between"];

/// Each text, by its digest, with the file that holds it.
static FILES: LazyLock<BTreeMap<[u8; 32], (String, u64)>> = LazyLock::new(|| {
    let of_rows = (1..=ROWS).flat_map(|row| VERSIONS.map(|version| format!("{version} {row}")));
    let texts = of_rows.chain(STRANGE.map(str::to_owned));
    let files = texts.enumerate().map(|(nth, text)| {
        let name = format!("{nth}.pdf");
        write(&folder().join(&name), &text);
        (sha256(text.as_bytes()).0, (name, text.len() as u64))
    });
    files.collect()
});

static ROOT: LazyLock<Arc<Root>> = LazyLock::new(|| Arc::new(Root::at(&folder()).unwrap()));

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

/// What a version of a row's file holds; of the first three, one is as long as the other.
pub(crate) fn version(row: usize, nth: usize) -> Content {
    content(&format!("{} {row}", VERSIONS[nth % VERSIONS.len()]))
}

/// Whether this is a version of a row's file.
pub(crate) fn is_of_row(sha256: Sha256Digest, row: usize) -> bool {
    (0..VERSIONS.len()).any(|nth| version(row, nth).sha256 == sha256)
}

/// Something else: as long as the first versions, or not.
pub(crate) fn strange(nth: usize) -> Content {
    content(STRANGE[nth])
}

fn content(text: &str) -> Content {
    let sha256 = sha256(text.as_bytes());
    let stamp = stamp_of(sha256);
    Content { stamp, sha256 }
}

/// What shows of a file from outside, given what it holds.
pub(crate) fn stamp_of(sha256: Sha256Digest) -> FileStamp {
    FileStamp {
        size: FILES[&sha256.0].1,
        modified: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// The file that holds something.
pub(crate) fn holding(sha256: Sha256Digest) -> Source {
    source(&FILES[&sha256.0].0)
}

/// A file by its name, be it there or not.
pub(crate) fn source(name: &str) -> Source {
    Source::new(Arc::clone(&ROOT), name.to_owned())
}
