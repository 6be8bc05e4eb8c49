//! Inspection and hashing of a single file.

use std::cell::RefCell;
use std::io::{self, Read};

use super::HashProgress;
use super::distinct_files::PreparationState;
use crate::digest::Sha256Hasher;
use crate::manifest::problem::ProblemKind;
use crate::model::{CheckedContent, FileStamp, MAX_FILE_SIZE, Sha256Digest};
use crate::platform;
use crate::root::{OpenFileError, Root};

/// Number of bytes read at a time.
const BUFFER_SIZE: usize = 256 * 1024;

thread_local! {
    /// Read buffer of a worker thread, used for all of its files.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_SIZE]);
}

/// Inspects a file without reading the content.
pub(super) fn inspect_file(root: &Root, file_path: &str) -> PreparationState {
    match root.stamp_file(file_path) {
        Ok(stamp) => match check_size(stamp) {
            Ok(()) => PreparationState::NotHashed(stamp),
            Err(wrong) => PreparationState::Unfit(wrong),
        },
        Err(OpenFileError::Missing) => PreparationState::Missing,
        Err(error) => PreparationState::Unfit(problem_for_open_error(error)),
    }
}

/// Hashes a file, and returns the pattern of its bytes as well. Fails with [`ProblemKind::ChangedWhileRead`] if the file changed during the
/// reading.
pub(super) fn hash_file(
    root: &Root,
    file_path: &str,
    watch: &dyn HashProgress,
) -> Result<(CheckedContent, BytePattern), ProblemKind> {
    let mut opened = root.open_file(file_path).map_err(problem_for_open_error)?;
    let stamp = opened.stamp;
    check_size(stamp)?;
    let read = BUFFER.with_borrow_mut(|buffer| read_to_end(buffer, &mut opened.file, watch));
    let ReadContent {
        size,
        sha256,
        pattern,
    } = read.map_err(|error| unreadable_problem(&error))?;
    let after = opened
        .current_stamp()
        .map_err(|error| unreadable_problem(&error))?;
    if size != stamp.size || after != stamp {
        return Err(ProblemKind::ChangedWhileRead);
    }
    Ok((CheckedContent { stamp, sha256 }, pattern))
}

/// Reads to the end and returns the number of bytes read and their digest.
pub fn digest_to_end(
    file: &mut impl Read,
    watch: &dyn HashProgress,
) -> io::Result<(u64, Sha256Digest)> {
    let read = BUFFER.with_borrow_mut(|buffer| read_to_end(buffer, file, watch))?;
    Ok((read.size, read.sha256))
}

/// Content of a file that was read to the end.
struct ReadContent {
    /// Number of bytes read.
    size: u64,
    sha256: Sha256Digest,
    pattern: BytePattern,
}

/// Pattern of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BytePattern {
    /// All bytes are zero, as in placeholders of cloud folders and after some failures of disks.
    OnlyZeros,
    /// Some byte is not zero, or the bytes were not read.
    Ordinary,
}

fn read_to_end(
    buffer: &mut [u8],
    file: &mut impl Read,
    watch: &dyn HashProgress,
) -> io::Result<ReadContent> {
    let mut hasher = Sha256Hasher::default();
    let mut size = 0;
    let mut pattern = BytePattern::OnlyZeros;
    loop {
        let length = match file.read(buffer) {
            Ok(0) => {
                return Ok(ReadContent {
                    size,
                    sha256: hasher.finish(),
                    pattern,
                });
            }
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..length]);
        if pattern == BytePattern::OnlyZeros && !has_only_zeros(&buffer[..length]) {
            pattern = BytePattern::Ordinary;
        }
        size += length as u64;
        watch.add_bytes(length as u64);
    }
}

/// Returns `true` if all bytes are zero. Nearly every file ends the search in its first block.
fn has_only_zeros(bytes: &[u8]) -> bool {
    // The bytes of a block are joined without a branch, so the compiler takes many at a time.
    bytes
        .chunks(64)
        .all(|block| block.iter().fold(0, |all, byte| all | byte) == 0)
}

fn check_size(stamp: FileStamp) -> Result<(), ProblemKind> {
    match stamp.size {
        0 => Err(ProblemKind::EmptyFile),
        size if size > MAX_FILE_SIZE => Err(ProblemKind::FileTooLarge { size }),
        _ => Ok(()),
    }
}

fn problem_for_open_error(error: OpenFileError) -> ProblemKind {
    match error {
        OpenFileError::Missing => missing_file_problem(),
        OpenFileError::OutsideRoot => ProblemKind::OutsideRoot,
        OpenFileError::NotAFile(what) => ProblemKind::NotAFile(what),
        OpenFileError::InUse => ProblemKind::FileInUse,
        OpenFileError::Io(error) => unreadable_problem(&error),
    }
}

fn missing_file_problem() -> ProblemKind {
    ProblemKind::FileMissing {
        similar_paths: Box::default(),
    }
}

fn unreadable_problem(error: &io::Error) -> ProblemKind {
    if platform::is_file_in_use(error) {
        return ProblemKind::FileInUse;
    }
    ProblemKind::Unreadable {
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
    struct WriteWhileHashing {
        file: PathBuf,
        done: AtomicBool,
        meddle: fn(&mut fs::File),
    }

    impl HashProgress for WriteWhileHashing {
        fn begin(&self, _: u64, _: u64) {}

        fn add_bytes(&self, _: u64) {
            if !self.done.swap(true, Ordering::Relaxed) {
                let mut file = fs::OpenOptions::new()
                    .append(true)
                    .open(&self.file)
                    .unwrap();
                (self.meddle)(&mut file);
            }
        }

        fn add_file(&self) {}
    }

    #[test]
    fn a_file_that_is_written_while_it_is_read_is_not_taken() {
        let grow: fn(&mut fs::File) = |file| file.write_all(b"more").unwrap();
        let shrink: fn(&mut fs::File) = |file| file.set_len(10).unwrap();
        for meddle in [grow, shrink] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("a");
            fs::write(&file, vec![1; 2 * BUFFER_SIZE]).unwrap();
            let root = Root::from_path(folder.path()).unwrap();
            let done = AtomicBool::new(false);
            let meddler = WriteWhileHashing { file, done, meddle };
            assert_eq!(
                hash_file(&root, "a", &meddler).unwrap_err(),
                ProblemKind::ChangedWhileRead
            );
        }
    }

    #[test]
    fn a_file_of_zeros_alone_is_known_however_its_bytes_arrive() {
        /// Reader with at most 100 bytes at a time.
        struct SlowReader<'b>(&'b [u8]);
        impl Read for SlowReader<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let most = buffer.len().min(100);
                self.0.read(&mut buffer[..most])
            }
        }
        let zeros = vec![0; 1_000];
        let with_one = |at: usize| {
            let mut bytes = zeros.clone();
            bytes[at] = 1;
            bytes
        };
        for (bytes, pattern) in [
            (zeros.clone(), BytePattern::OnlyZeros),
            (vec![0], BytePattern::OnlyZeros),
            (with_one(0), BytePattern::Ordinary),
            (with_one(550), BytePattern::Ordinary),
            (with_one(999), BytePattern::Ordinary),
        ] {
            let watch = &super::super::IgnoredHashProgress;
            let mut buffer = vec![0; BUFFER_SIZE];
            let read = read_to_end(&mut buffer, &mut SlowReader(&bytes), watch).unwrap();
            assert_eq!(read.pattern, pattern);
            assert_eq!(read.size, bytes.len() as u64);
        }
    }

    #[test]
    fn a_disk_that_fails_is_not_taken_for_the_end_of_the_file() {
        struct FailingReader;
        impl Read for FailingReader {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk fell off"))
            }
        }
        let error =
            digest_to_end(&mut FailingReader, &super::super::IgnoredHashProgress).unwrap_err();
        assert_eq!(error.to_string(), "the disk fell off");
    }

    #[test]
    fn a_file_that_vanished_after_it_was_seen_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::from_path(folder.path()).unwrap();
        let wrong = hash_file(&root, "gone", &super::super::IgnoredHashProgress).unwrap_err();
        assert_eq!(wrong, missing_file_problem());
    }
}
