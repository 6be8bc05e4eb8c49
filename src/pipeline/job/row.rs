//! A row of a job, and the bytes of the row in the job.

use crate::destination::file_names::paired;
use crate::destination::{NewFile, Place};
use crate::http::{Receipt, UnsafeTarget};
use crate::pipeline::TaskRow;
use crate::pipeline::row::RowInFlight;
use crate::pipeline::upload::{Upload, UploadEnd};
use crate::pipeline::verdict::Verdict;
use crate::plan::{Begun, JobStart, Sent};
use crate::results::{Entry, Known};

/// Row of a job in flight.
pub(super) struct JobRow {
    pub(super) row: RowInFlight,
    /// Job begun by an earlier run. `None` once the row is in a job of this run.
    pub(super) begun: Option<Begun>,
    /// Bytes of the row in the job, as far as known.
    pub(super) sent: Sent,
    /// Answer of the storage to the sent bytes.
    pub(super) receipt: Option<Receipt>,
}

impl JobRow {
    pub(super) fn new(task: TaskRow<JobStart>) -> Self {
        let (row, start) = RowInFlight::new(task);
        let begun = match start {
            JobStart::New => None,
            JobStart::Earlier(begun) => Some(begun),
        };
        Self {
            row,
            sent: begun
                .as_ref()
                .map_or(Sent::No, |begun| Sent::told_by(begun.progress)),
            begun,
            receipt: None,
        }
    }

    /// Returns the name by which the job knows the row's file.
    pub(super) fn file_name(&self) -> &str {
        let row = &self.row.row;
        let begun = self.begun.as_ref();
        begun.map_or_else(|| row.file_name(), |begun| begun.file_name(row))
    }

    /// Returns the file as the request for a new job describes it.
    pub(super) fn new_file(&self) -> NewFile {
        self.row.new_file()
    }

    /// Returns `true` if the bytes are still to be sent to the job.
    pub(super) fn wants_bytes(&self) -> bool {
        let same = |begun: &Begun| begun.is_for(&self.row.content);
        self.sent != Sent::All && self.begun.as_ref().is_none_or(same)
    }

    /// Forgets the sent bytes, since the row is in a new job without any bytes.
    pub(super) fn is_in_another_job(&mut self) {
        self.begun = None;
        self.sent = Sent::No;
        self.receipt = None;
    }

    /// Notes the outcome of an upload.
    pub(super) fn take_note_of(&mut self, upload: &Upload) {
        self.row.attempts += upload.repetitions;
        if let UploadEnd::Taken(receipt) = &upload.end {
            self.sent = Sent::All;
            self.receipt = Some(*receipt);
        } else if upload.may_have_arrived {
            self.sent = Sent::Perhaps;
        }
    }

    /// Returns the results line of the row with `verdict`. In the job of an earlier run, the line
    /// still names what was begun.
    pub(super) fn line(&self, verdict: Verdict, destination: &str) -> Entry {
        let is_in = |begun: &&Begun| Some(&begun.id) == verdict.id.as_ref();
        let Some(begun) = self.begun.as_ref().filter(is_in) else {
            return self.row.line(verdict, destination);
        };
        let begun_content = || Some(Known::Content(begun.content?));
        let verdict = Verdict {
            elsewhere: verdict.elsewhere.or_else(|| begun.elsewhere.clone()),
            known: verdict.known.or_else(begun_content),
            ..verdict
        };
        Entry {
            file_path: begun.file_path.clone(),
            ..self.row.line(verdict, destination)
        }
    }
}

/// Returns the upload target for the file of each row, if there is any.
pub(super) fn places_of<'p, T>(
    rows: &[JobRow],
    places: &'p [Place<T>],
) -> Vec<Option<&'p Place<T>>> {
    let names: Vec<&str> = rows.iter().map(JobRow::file_name).collect();
    let theirs: Vec<&str> = places.iter().map(|place| &*place.file_name).collect();
    let pairs = paired(&names, &theirs).into_iter();
    pairs.map(|pair| pair.map(|place| &places[place])).collect()
}

/// Returns the address of an upload target. A missing target counts as unsafe.
pub(super) fn target_of<T>(place: Option<&Place<T>>) -> Result<&T, UnsafeTarget> {
    match place {
        Some(place) => place.target.as_ref().map_err(Clone::clone),
        None => Err(UnsafeTarget(
            "the service names no upload address for this file".into(),
        )),
    }
}
