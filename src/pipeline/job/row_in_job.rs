//! A row of a job, and the bytes of the row in the job.

use crate::destination::file_names::pair_file_names;
use crate::destination::{NewFile, UploadTarget};
use crate::http::{PutReceipt, UnsafeTargetError};
use crate::pipeline::TaskRow;
use crate::pipeline::file_upload::{FinishedUpload, UploadOutcome};
use crate::pipeline::row_in_flight::RowInFlight;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{BegunRecord, JobStart, SentBytes};
use crate::results::{KnownContent, ResultsEntry};

/// Row of a job in flight.
pub(super) struct JobRow {
    pub(super) row: RowInFlight,
    /// Job begun by an earlier run. `None` once the row is in a job of this run.
    pub(super) earlier_job: Option<BegunRecord>,
    /// Bytes of the row in the job, as far as known.
    pub(super) sent_bytes: SentBytes,
    /// Answer of the storage to the sent bytes.
    pub(super) receipt: Option<PutReceipt>,
}

impl JobRow {
    pub(super) fn new(task: TaskRow<JobStart>) -> Self {
        let (row, start) = RowInFlight::new(task);
        let earlier_job = match start {
            JobStart::New => None,
            JobStart::Earlier(begun) => Some(begun),
        };
        Self {
            row,
            sent_bytes: earlier_job.as_ref().map_or(SentBytes::Nothing, |begun| {
                SentBytes::from_progress(begun.progress)
            }),
            earlier_job,
            receipt: None,
        }
    }

    /// Returns the name by which the job knows the row's file.
    pub(super) fn file_name(&self) -> &str {
        let row = &self.row.row;
        let begun = self.earlier_job.as_ref();
        begun.map_or_else(
            || row.stored_file_name(),
            |begun| begun.file_name_in_job(row),
        )
    }

    /// Returns the file as the request for a new job describes it.
    pub(super) fn new_file(&self) -> NewFile {
        self.row.new_file()
    }

    /// Returns `true` if the bytes are still to be sent to the job.
    pub(super) fn wants_bytes(&self) -> bool {
        let same = |begun: &BegunRecord| begun.is_for_content(&self.row.content);
        self.sent_bytes != SentBytes::All && self.earlier_job.as_ref().is_none_or(same)
    }

    /// Forgets the sent bytes, since the row is in a new job without any bytes.
    pub(super) fn reset_for_new_job(&mut self) {
        self.earlier_job = None;
        self.sent_bytes = SentBytes::Nothing;
        self.receipt = None;
    }

    /// Notes the outcome of an upload.
    pub(super) fn note_upload(&mut self, upload: &FinishedUpload) {
        self.row.attempts += upload.repetitions;
        if let UploadOutcome::Accepted(receipt) = &upload.outcome {
            self.sent_bytes = SentBytes::All;
            self.receipt = Some(*receipt);
        } else if upload.may_have_arrived {
            self.sent_bytes = SentBytes::Unknown;
        }
    }

    /// Returns the results line of the row with `verdict`. In the job of an earlier run, the line
    /// still names what was begun.
    pub(super) fn results_line(&self, verdict: RowVerdict, destination: &str) -> ResultsEntry {
        let is_in = |begun: &&BegunRecord| Some(&begun.id) == verdict.record_id.as_ref();
        let Some(begun) = self.earlier_job.as_ref().filter(is_in) else {
            return self.row.results_line(verdict, destination);
        };
        let begun_content = || Some(KnownContent::Complete(begun.content?));
        let verdict = RowVerdict {
            other_object: verdict.other_object.or_else(|| begun.other_object.clone()),
            known_content: verdict.known_content.or_else(begun_content),
            ..verdict
        };
        ResultsEntry {
            file_path: begun.file_path.clone(),
            ..self.row.results_line(verdict, destination)
        }
    }
}

/// Returns the upload target for the file of each row, if there is any.
pub(super) fn targets_for_rows<'p, T>(
    rows: &[JobRow],
    upload_targets: &'p [UploadTarget<T>],
) -> Vec<Option<&'p UploadTarget<T>>> {
    let names: Vec<&str> = rows.iter().map(JobRow::file_name).collect();
    let theirs: Vec<&str> = upload_targets
        .iter()
        .map(|place| &*place.file_name)
        .collect();
    let pairs = pair_file_names(&names, &theirs).into_iter();
    pairs
        .map(|pair| pair.map(|place| &upload_targets[place]))
        .collect()
}

/// Returns the address of an upload target. A missing target counts as unsafe.
pub(super) fn target_or_missing<T>(
    upload_target: Option<&UploadTarget<T>>,
) -> Result<&T, UnsafeTargetError> {
    match upload_target {
        Some(place) => place.target.as_ref().map_err(Clone::clone),
        None => Err(UnsafeTargetError(
            "the service names no upload address for this file".into(),
        )),
    }
}
