//! One file: looked at, and read to its end.

use std::cell::RefCell;
use std::io::{self, Read};

use super::Watch;
use super::files::State;
use crate::digest::Sha256Hasher;
use crate::model::{Content, FileStamp, MAX_FILE_SIZE, Sha256Digest};
use crate::problem::Wrong;
use crate::root::{OpenError, Root};

/// How much is read at a time.
const BUFFER_SIZE: usize = 256 * 1024;

thread_local! {
    /// One buffer for each worker, for all the files that it reads.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_SIZE]);
}

/// What a file is, without reading it.
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

/// The digest of a file that nobody wrote while it was read.
pub(super) fn hash(root: &Root, file_path: &str, watch: &dyn Watch) -> Result<Content, Wrong> {
    let mut opened = root.open(file_path).map_err(wrong_for)?;
    let stamp = opened.stamp;
    check_size(stamp)?;
    let digested = BUFFER.with_borrow_mut(|buffer| digest(&mut opened.file, buffer, watch));
    let (size, sha256) = digested.map_err(|error| unreadable(&error))?;
    let after = opened.stamp_now().map_err(|error| unreadable(&error))?;
    if size != stamp.size || after != stamp {
        return Err(Wrong::Changing);
    }
    Ok(Content { stamp, sha256 })
}

fn digest(
    file: &mut impl Read,
    buffer: &mut [u8],
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
