//! Inspection and hashing of a single file.

use std::cell::RefCell;
use std::io::{self, Read};

use super::Watch;
use super::files::State;
use crate::digest::Sha256Hasher;
use crate::manifest::problem::Wrong;
use crate::model::{Content, FileStamp, MAX_FILE_SIZE, Sha256Digest};
use crate::root::{OpenError, Root};

/// Number of bytes read at a time.
const BUFFER_SIZE: usize = 256 * 1024;

thread_local! {
    /// Read buffer of a worker thread, used for all of its files.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_SIZE]);
}

/// Inspects a file without reading the content.
pub(super) fn look(root: &Root, file_path: &str) -> State {
    match root.stamp(file_path) {
        Ok(stamp) => match check_size(stamp) {
            Ok(()) => State::Seen(stamp),
            Err(wrong) => State::Unfit(wrong),
        },
        Err(OpenError::Missing) => State::Missing,
        Err(error) => State::Unfit(wrong_for(error)),
    }
}

/// Hashes a file. Fails with [`Wrong::Changing`] if the file changed during the reading.
pub(super) fn hash(root: &Root, file_path: &str, watch: &dyn Watch) -> Result<Content, Wrong> {
    let mut opened = root.open(file_path).map_err(wrong_for)?;
    let stamp = opened.stamp;
    check_size(stamp)?;
    let digested = digest(&mut opened.file, watch);
    let (size, sha256) = digested.map_err(|error| unreadable(&error))?;
    let after = opened.stamp_now().map_err(|error| unreadable(&error))?;
    if size != stamp.size || after != stamp {
        return Err(Wrong::Changing);
    }
    Ok(Content { stamp, sha256 })
}

/// Reads to the end and returns the number of bytes read and their digest.
pub fn digest(file: &mut impl Read, watch: &dyn Watch) -> io::Result<(u64, Sha256Digest)> {
    BUFFER.with_borrow_mut(|buffer| digest_by(buffer, file, watch))
}

fn digest_by(
    buffer: &mut [u8],
    file: &mut impl Read,
    watch: &dyn Watch,
) -> io::Result<(u64, Sha256Digest)> {
    let mut hasher = Sha256Hasher::default();
    let mut size = 0;
    loop {
        let length = match file.read(buffer) {
            Ok(0) => return Ok((size, hasher.finish())),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..length]);
        size += length as u64;
        watch.bytes(length as u64);
    }
}

fn check_size(stamp: FileStamp) -> Result<(), Wrong> {
    match stamp.size {
        0 => Err(Wrong::EmptyFile),
        size if size > MAX_FILE_SIZE => Err(Wrong::FileTooLarge { size }),
        _ => Ok(()),
    }
}

fn wrong_for(error: OpenError) -> Wrong {
    match error {
        OpenError::Missing => Wrong::FileMissing { nearly: None },
        OpenError::OutsideRoot => Wrong::OutsideRoot,
        OpenError::NotAFile(what) => Wrong::NotAFile(what),
        OpenError::Io(error) => unreadable(&error),
    }
}

fn unreadable(error: &io::Error) -> Wrong {
    Wrong::Unreadable {
        cause: error.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Observer that writes to the file once while the file is read.
    struct Meddler {
        file: PathBuf,
        done: AtomicBool,
        meddle: fn(&mut fs::File),
    }

    impl Watch for Meddler {
        fn begin(&self, _: u64, _: u64) {}

        fn bytes(&self, _: u64) {
            if !self.done.swap(true, Ordering::Relaxed) {
                let mut file = fs::OpenOptions::new()
                    .append(true)
                    .open(&self.file)
                    .unwrap();
                (self.meddle)(&mut file);
            }
        }

        fn file(&self) {}
    }

    #[test]
    fn a_file_that_is_written_while_it_is_read_is_not_taken() {
        let grow: fn(&mut fs::File) = |file| file.write_all(b"more").unwrap();
        let shrink: fn(&mut fs::File) = |file| file.set_len(10).unwrap();
        for meddle in [grow, shrink] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("a");
            fs::write(&file, vec![1; 2 * BUFFER_SIZE]).unwrap();
            let root = Root::at(folder.path()).unwrap();
            let done = AtomicBool::new(false);
            let meddler = Meddler { file, done, meddle };
            assert_eq!(hash(&root, "a", &meddler).unwrap_err(), Wrong::Changing);
        }
    }

    #[test]
    fn a_disk_that_fails_is_not_taken_for_the_end_of_the_file() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk fell off"))
            }
        }
        let error = digest(&mut Failing, &super::super::Nobody).unwrap_err();
        assert_eq!(error.to_string(), "the disk fell off");
    }

    #[test]
    fn a_file_that_vanished_after_it_was_seen_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path()).unwrap();
        let wrong = hash(&root, "gone", &super::super::Nobody).unwrap_err();
        assert_eq!(wrong, Wrong::FileMissing { nearly: None });
    }
}
