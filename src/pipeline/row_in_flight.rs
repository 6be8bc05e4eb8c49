//! A row in flight, and the journal lines of the row.

use super::row_verdict::RowVerdict;
use super::{HaltReason, ImportRun, TaskRow};
use crate::destination::{Destination, NewFile};
use crate::event::RunEvent;
use crate::manifest::ManifestRow;
use crate::model::CheckedContent;
use crate::plan::OtherObject;
use crate::results::journal::Journal;
use crate::results::{AttachmentChanges, KnownContent, ResultsEntry};
use crate::text::escape;
use crate::upload_source::UploadSource;

/// Row in flight, the same for attachments and jobs.
#[derive(Debug)]
pub(super) struct RowInFlight {
    pub(super) row: ManifestRow,
    pub(super) source: UploadSource,
    /// Content expected of the file.
    pub(super) content: CheckedContent,
    /// Number of attempts over all runs, including the present run.
    pub(super) attempts: u32,
    /// Changes made on request, over all runs.
    pub(super) changes: AttachmentChanges,
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
            file_name: self.row.stored_file_name().to_owned(),
            title: self.row.title.clone(),
        }
    }

    /// Returns the results line of the row with `verdict`.
    pub(super) fn results_line(&self, verdict: RowVerdict, destination: &str) -> ResultsEntry {
        let row = &self.row;
        let (status, reason) = verdict.state.encode();
        let OtherObject {
            object_type,
            object_id,
            object_external_id,
        } = verdict.other_object.unwrap_or_else(|| OtherObject {
            object_type: row.object.object_type().to_string(),
            object_id: row.object.id().to_string(),
            object_external_id: row.object_external_id_text().to_owned(),
        });
        ResultsEntry {
            row: Some(row.number),
            file_path: row.file_path.clone(),
            object_type,
            object_id,
            object_external_id,
            external_id: row.external_id.to_string(),
            status,
            reason,
            attachment_id: verdict.record_id,
            known_content: verdict
                .known_content
                .unwrap_or(KnownContent::Complete(self.content)),
            verified_by: verdict.verified_by,
            attempts: self.attempts,
            destination: destination.to_owned(),
            updated_at: jiff::Timestamp::now(),
            // The message may repeat words of the service.
            message: escape(&verdict.message).into_owned(),
            changes: self.changes.clone(),
        }
    }
}

impl<D: Destination, J: Journal> ImportRun<'_, D, J> {
    /// Makes lines durable together: of the rows of a job, either all are known to be in the job,
    /// or none.
    pub(super) async fn record_lines(&self, lines: Vec<ResultsEntry>) -> Result<(), HaltReason> {
        let recorded = self.journal.record(lines).await;
        recorded.map_err(|_| HaltReason::JournalUnusable)
    }

    /// Makes the last lines of rows durable, and reports the rows as ended.
    pub(super) async fn record_row_ends(&self, lines: &[ResultsEntry]) -> Result<(), HaltReason> {
        for line in lines {
            let (row, external_id, status) = (line.row, &line.external_id, line.status);
            tracing::info!(row, ?external_id, %status, reason = line.reason.as_str(), "ended");
        }
        self.record_lines(lines.to_vec()).await?;
        for line in lines {
            let status = line.status;
            self.events.send(RunEvent::RowEnded { status });
        }
        Ok(())
    }
}
