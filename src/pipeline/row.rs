//! A row in flight, and the journal lines of the row.

use super::verdict::Verdict;
use super::{Halt, Run, TaskRow};
use crate::destination::{Destination, NewFile};
use crate::event::Event;
use crate::manifest::Row;
use crate::model::Content;
use crate::results::journal::Journal;
use crate::results::{Changes, Entry, Known};
use crate::source::Source;
use crate::text::escape;

/// Row in flight, the same for attachments and jobs.
#[derive(Debug)]
pub(super) struct RowInFlight {
    pub(super) row: Row,
    pub(super) source: Source,
    /// Content expected of the file.
    pub(super) content: Content,
    /// Number of attempts over all runs, including the present run.
    pub(super) attempts: u32,
    /// Changes made on request, over all runs.
    pub(super) changes: Changes,
}

impl RowInFlight {
    /// Creates the row of a task, on its first attempt in this run. Returns the start of the
    /// protocol, too.
    pub(super) fn new<S>(task: TaskRow<S>) -> (Self, S) {
        let row = Self {
            row: task.row,
            source: task.source,
            content: task.content,
            attempts: task.attempts + 1,
            changes: task.changes,
        };
        (row, task.start)
    }

    /// Returns the file as the request for a new record describes it.
    pub(super) fn new_file(&self) -> NewFile {
        NewFile {
            external_id: self.row.external_id.clone(),
            file_name: self.row.file_name().to_owned(),
            title: self.row.title.clone(),
        }
    }

    /// Returns the results line of the row with `verdict`.
    pub(super) fn line(&self, verdict: Verdict, destination: &str) -> Entry {
        let row = &self.row;
        let (status, reason) = verdict.state.encode();
        let (object_type, object_id) = match verdict.elsewhere {
            Some(object) => (object.kind, object.id),
            None => (row.object.kind().to_string(), row.object.id().to_string()),
        };
        Entry {
            row: Some(row.number),
            file_path: row.file_path.clone(),
            object_type,
            object_id,
            external_id: row.external_id.to_string(),
            status,
            reason,
            attachment_id: verdict.id,
            known: verdict.known.unwrap_or(Known::Content(self.content)),
            verified: verdict.verified,
            attempts: self.attempts,
            destination: destination.to_owned(),
            updated_at: jiff::Timestamp::now(),
            // The message may repeat words of the service.
            message: escape(&verdict.message).into_owned(),
            changes: self.changes.clone(),
        }
    }
}

impl<D: Destination, J: Journal> Run<'_, D, J> {
    /// Makes lines durable together: of the rows of a job, either all are known to be in the job,
    /// or none.
    pub(super) async fn record(&self, lines: Vec<Entry>) -> Result<(), Halt> {
        let recorded = self.journal.record(lines).await;
        recorded.map_err(|_| Halt::Journal)
    }

    /// Makes the last lines of rows durable, and reports the rows as ended.
    pub(super) async fn end(&self, lines: &[Entry]) -> Result<(), Halt> {
        for line in lines {
            let (row, external_id, status) = (line.row, &line.external_id, line.status);
            tracing::info!(row, ?external_id, %status, reason = line.reason.as_str(), "ended");
        }
        self.record(lines.to_vec()).await?;
        for line in lines {
            let status = line.status;
            self.events.send(Event::Ended { status });
        }
        Ok(())
    }
}
