//! Tasks of a run: a single row of an attachment, or all rows of a job.

use crate::manifest::ManifestRow;
use crate::model::{AttachmentId, CheckedContent, ObjectRef};
use crate::plan::{AttachmentStart, JobStart};
use crate::results::AttachmentChanges;
use crate::upload_source::UploadSource;

/// Row whose file becomes an attachment.
pub type AttachmentTask = TaskRow<AttachmentStart>;

/// Row to import, whose protocol starts with `S`.
#[derive(Debug)]
pub struct TaskRow<S> {
    /// Row of the manifest.
    pub row: ManifestRow,
    /// File of the row.
    pub source: UploadSource,
    /// Content expected of the file.
    pub content: CheckedContent,
    /// Start of the protocol.
    pub start: S,
    /// Number of attempts in earlier runs.
    pub attempts: u32,
    /// Changes made by earlier runs on request.
    pub changes: AttachmentChanges,
}

/// Rows whose files go into the same job: at least one row. All rows name the same object, and all
/// are new or all belong to the same earlier job.
#[derive(Debug)]
pub struct JobTask {
    first: TaskRow<JobStart>,
    others: Vec<TaskRow<JobStart>>,
}

impl JobTask {
    /// Creates the task of `rows`. Returns `None` if there are none.
    pub fn from_rows(rows: impl IntoIterator<Item = TaskRow<JobStart>>) -> Option<Self> {
        let mut rows = rows.into_iter();
        Some(Self {
            first: rows.next()?,
            others: rows.collect(),
        })
    }

    /// Returns the number of rows.
    pub fn row_count(&self) -> usize {
        1 + self.others.len()
    }

    /// Returns the rows in their order.
    pub fn iter(&self) -> impl Iterator<Item = &TaskRow<JobStart>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the number of the first row.
    pub(super) fn first_row_number(&self) -> usize {
        self.first.row.number
    }

    /// Returns the object named by all rows.
    pub(super) fn object(&self) -> ObjectRef {
        self.first.row.object
    }

    /// Returns the job into which an earlier run put the rows.
    pub(super) fn earlier_job(&self) -> Option<&AttachmentId> {
        self.first.start.earlier_job()
    }

    /// Returns the rows in their order, by value.
    pub(super) fn into_rows(self) -> impl Iterator<Item = TaskRow<JobStart>> {
        std::iter::once(self.first).chain(self.others)
    }
}
