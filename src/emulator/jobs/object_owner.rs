//! Jobs API as an owner of stored objects.

use std::io;

use uuid::Uuid;

use super::job_server::JobServer;
use super::jobs_route::JOB_UPLOADS_BASE;
use crate::emulator::request_log::RequestLogEntry;
use crate::emulator::storage::{ObjectOwner, ReceivedObject};

impl ObjectOwner for JobServer {
    type Id = Uuid;

    const OBJECTS_BASE: &'static str = JOB_UPLOADS_BASE;

    fn parse_id(segment: &str) -> Option<Uuid> {
        segment.parse().ok()
    }

    fn note_id(id: Uuid, entry: &mut RequestLogEntry) {
        entry.job = Some(id.to_string());
    }

    /// Leaves the log entry as it is: a job issues no URLs to download its files.
    fn note_record(&self, _id: Uuid, _entry: &mut RequestLogEntry) {}

    /// Stores uploaded bytes and notes them in the record of the running job. Bytes that arrive
    /// after the job's end change nothing.
    fn receive(
        &self,
        id: Uuid,
        upload: ReceivedObject,
        entry: &mut RequestLogEntry,
    ) -> io::Result<()> {
        let jobs = &mut self.state().jobs;
        let (key, content) = (upload.key.clone(), upload.content);
        let Some(job) = jobs.get(id) else {
            return Ok(());
        };
        job.note_in_log(&key, entry);
        if !job.is_running_at(content.stored_at) {
            return Ok(());
        }
        upload.store()?;
        jobs.note_content(id, &key, content)
    }
}
