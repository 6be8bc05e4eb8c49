//! Jobs API as an owner of stored objects.

use std::io;

use uuid::Uuid;

use super::api::JobServer;
use super::route::UPLOADS_BASE;
use crate::emulator::log::Entry;
use crate::emulator::storage::{ObjectOwner, ReceivedObject};

impl ObjectOwner for JobServer {
    type Id = Uuid;

    const BASE: &'static str = UPLOADS_BASE;

    fn id(segment: &str) -> Option<Uuid> {
        segment.parse().ok()
    }

    fn note(id: Uuid, entry: &mut Entry) {
        entry.job = Some(id.to_string());
    }

    /// Leaves the log entry as it is: a job issues no URLs to download its files.
    fn describe(&self, _id: Uuid, _entry: &mut Entry) {}

    /// Stores uploaded bytes and notes them in the record of the running job. Bytes that arrive
    /// after the job's end change nothing.
    fn receive(&self, id: Uuid, upload: ReceivedObject, entry: &mut Entry) -> io::Result<()> {
        let jobs = &mut self.state().jobs;
        let (key, content) = (upload.key.clone(), upload.content);
        let Some(job) = jobs.get(id) else {
            return Ok(());
        };
        job.note(&key, entry);
        if !job.is_running(content.stored_at) {
            return Ok(());
        }
        upload.keep()?;
        jobs.note_content(id, &key, content)
    }
}
