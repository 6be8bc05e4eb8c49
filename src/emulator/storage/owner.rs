//! The seam between the storage and the APIs that issue its URLs: the storage keeps bytes, and the
//! owner of an object says what they mean.

use std::io;
use std::path::PathBuf;

use super::content::Content;
use crate::emulator::log::Entry;
use crate::whole_file::{Existing, TemporaryFile};

/// An API whose records have stored objects.
pub(in crate::emulator) trait ObjectOwner: Sync {
    /// The id of a record.
    type Id: Copy + Send + Sync;

    /// The base of its objects' URLs, below the emulator's own address.
    const BASE: &'static str;

    /// Reads the id of a record from a segment of a path.
    fn id(segment: &str) -> Option<Self::Id>;

    /// Notes an id in the log.
    fn note(id: Self::Id, entry: &mut Entry);

    /// Notes in the log what is known of a record whose object is fetched.
    fn describe(&self, id: Self::Id, entry: &mut Entry);

    /// Takes bytes that came whole, and notes in the log what they are for. Those that are not kept
    /// are lost.
    fn receive(&self, id: Self::Id, upload: ReceivedObject, entry: &mut Entry) -> io::Result<()>;
}

/// The bytes of an object that came whole, and are not in their place yet.
pub(in crate::emulator) struct ReceivedObject {
    /// The object's key.
    pub(in crate::emulator) key: String,
    /// The bytes' size, and when they came.
    pub(in crate::emulator) content: Content,
    pub(super) file: TemporaryFile,
    pub(super) place: PathBuf,
}

impl ReceivedObject {
    /// Puts the bytes in place under their key, in place of earlier ones.
    pub(in crate::emulator) fn keep(self) -> io::Result<()> {
        self.file.take_name(&self.place, Existing::Replaced)?;
        Ok(())
    }
}
