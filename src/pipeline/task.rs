//! What a run is given to work on.

use crate::manifest::Row;
use crate::model::{AttachmentId, Content, ObjectRef};
use crate::plan::{AttachmentStart, JobStart};
use crate::results::Changes;
use crate::source::Source;

/// A row whose file becomes an attachment.
pub type AttachmentTask = TaskRow<AttachmentStart>;

/// One row to be worked on, whose protocol starts with `S`.
#[derive(Debug)]
pub struct TaskRow<S> {
    /// The row.
    pub row: Row,
    /// Its file.
    pub source: Source,
    /// What the file must hold.
    pub content: Content,
    /// Where its protocol starts.
    pub start: S,
    /// How often it was tried in earlier runs.
    pub attempts: u32,
    /// What earlier runs changed on request.
    pub changes: Changes,
}

/// The rows whose files go into one job: at least one, all of one object, and all new or all of the same
/// earlier job.
#[derive(Debug)]
pub struct JobTask {
    first: TaskRow<JobStart>,
    others: Vec<TaskRow<JobStart>>,
}

impl JobTask {
    /// The task of these rows; `None` where there are none.
    pub fn of(rows: impl IntoIterator<Item = TaskRow<JobStart>>) -> Option<Self> {
        let mut rows = rows.into_iter();
        Some(Self {
            first: rows.next()?,
            others: rows.collect(),
        })
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        1 + self.others.len()
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &TaskRow<JobStart>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The number of its first row.
    pub(super) fn number(&self) -> usize {
        self.first.row.number
    }

    /// The object of its rows.
    pub(super) fn object(&self) -> ObjectRef {
        self.first.row.object
    }

    /// The job that an earlier run put its rows into.
    pub(super) fn earlier_job(&self) -> Option<&AttachmentId> {
        self.first.start.job()
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = TaskRow<JobStart>> {
        std::iter::once(self.first).chain(self.others)
    }
}
