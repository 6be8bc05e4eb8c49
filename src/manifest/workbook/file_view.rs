//! One of several views of an open file, each with a position of its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// View of a file. All views read through the same handle, so the file cannot be replaced between
/// two readings.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct FileView<'f> {
    file: &'f File,
    position: u64,
}

impl<'f> FileView<'f> {
    /// Creates a view at the beginning of a file.
    pub(in crate::manifest) fn new(file: &'f File) -> Self {
        Self { file, position: 0 }
    }
}

impl Read for FileView<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.position))?;
        let read = self.file.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for FileView<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let target = match target {
            SeekFrom::Current(offset) => SeekFrom::Start(
                self.position
                    .checked_add_signed(offset)
                    .ok_or(io::ErrorKind::InvalidInput)?,
            ),
            absolute => absolute,
        };
        self.position = self.file.seek(target)?;
        Ok(self.position)
    }
}
