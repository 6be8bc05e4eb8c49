//! Interface between the storage and the APIs which issue its URLs: the storage keeps bytes, and
//! the owner of an object keeps the record which the bytes belong to.

use std::io;
use std::path::PathBuf;

use super::stored_content::StoredContent;
use crate::atomic_file::{ExistingFilePolicy, TemporaryFile};
use crate::emulator::request_log::RequestLogEntry;

/// API whose records have stored objects.
pub(in crate::emulator) trait ObjectOwner: Sync {
    /// Id of a record.
    type Id: Copy + Send + Sync;

    /// Base path of the URLs of the owner's objects.
    const OBJECTS_BASE: &'static str;

    /// Parses the id of a record from a segment of a path; `None` if the segment is not an id.
    fn parse_id(segment: &str) -> Option<Self::Id>;

    /// Adds the id of a record to a log entry.
    fn note_id(id: Self::Id, entry: &mut RequestLogEntry);

    /// Adds the known facts about a record to the log entry of a download.
    fn note_record(&self, id: Self::Id, entry: &mut RequestLogEntry);

    /// Accepts bytes which arrived as a whole, and adds their record to the log entry. Bytes are
    /// lost unless [`ReceivedObject::store`] is called.
    fn receive(
        &self,
        id: Self::Id,
        upload: ReceivedObject,
        entry: &mut RequestLogEntry,
    ) -> io::Result<()>;
}

/// Bytes of an object which arrived as a whole and are not in place yet.
pub(in crate::emulator) struct ReceivedObject {
    /// Storage key of the object.
    pub(in crate::emulator) key: String,
    /// Size of the bytes, and time of their arrival.
    pub(in crate::emulator) content: StoredContent,
    pub(super) file: TemporaryFile,
    pub(super) path: PathBuf,
}

impl ReceivedObject {
    /// Moves the bytes to the file of their storage key, and replaces earlier bytes.
    pub(in crate::emulator) fn store(self) -> io::Result<()> {
        self.file
            .persist_as(&self.path, ExistingFilePolicy::Replace)?;
        Ok(())
    }
}
