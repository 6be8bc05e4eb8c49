//! Interface between the storage and the APIs which issue its URLs: the storage keeps bytes, and
//! the owner of an object keeps the record which the bytes belong to.

use std::io;
use std::path::PathBuf;

use super::content::Content;
use crate::emulator::log::Entry;
use crate::whole_file::{Existing, TemporaryFile};

/// API whose records have stored objects.
pub(in crate::emulator) trait ObjectOwner: Sync {
    /// Id of a record.
    type Id: Copy + Send + Sync;

    /// Base path of the URLs of the owner's objects.
    const BASE: &'static str;

    /// Parses the id of a record from a segment of a path; `None` if the segment is not an id.
    fn id(segment: &str) -> Option<Self::Id>;

    /// Adds the id of a record to a log entry.
    fn note(id: Self::Id, entry: &mut Entry);

    /// Adds the known facts about a record to the log entry of a download.
    fn describe(&self, id: Self::Id, entry: &mut Entry);

    /// Accepts bytes which arrived as a whole, and adds their record to the log entry. Bytes are
    /// lost unless [`ReceivedObject::keep`] is called.
    fn receive(&self, id: Self::Id, upload: ReceivedObject, entry: &mut Entry) -> io::Result<()>;
}

/// Bytes of an object which arrived as a whole and are not in place yet.
pub(in crate::emulator) struct ReceivedObject {
    /// Storage key of the object.
    pub(in crate::emulator) key: String,
    /// Size of the bytes, and time of their arrival.
    pub(in crate::emulator) content: Content,
    pub(super) file: TemporaryFile,
    pub(super) place: PathBuf,
}

impl ReceivedObject {
    /// Moves the bytes to the file of their storage key, and replaces earlier bytes.
    pub(in crate::emulator) fn keep(self) -> io::Result<()> {
        self.file.take_name(&self.place, Existing::Replaced)?;
        Ok(())
    }
}
