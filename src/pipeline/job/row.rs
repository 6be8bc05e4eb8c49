//! A row of a job: what that job has of its bytes.

use crate::destination::file_names::paired;
use crate::destination::{NewFile, Place};
use crate::http::{Receipt, UnsafeTarget};
use crate::pipeline::TaskRow;
use crate::pipeline::row::RowInFlight;
use crate::pipeline::upload::{Upload, UploadEnd};
use crate::pipeline::verdict::Verdict;
use crate::plan::{Begun, JobStart, Sent};
use crate::results::{Entry, Known};

/// A row of a job on its way.
pub(super) struct JobRow {
    pub(super) row: RowInFlight,
    /// The job that an earlier run began for it, for as long as it is in that one.
    pub(super) begun: Option<Begun>,
    /// What the job has of its bytes.
    pub(super) sent: Sent,
    /// What the storage said of them.
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

    /// The name by which the job that it is in knows its file.
    pub(super) fn file_name(&self) -> &str {
        let row = &self.row.row;
        let begun = self.begun.as_ref();
        begun.map_or_else(|| row.file_name(), |begun| begun.file_name(row))
    }

    pub(super) fn new_file(&self) -> NewFile {
        self.row.new_file()
    }

    /// Whether its bytes are still to be sent to the job that it is in.
    pub(super) fn wants_bytes(&self) -> bool {
        let same = |begun: &Begun| begun.is_for(&self.row.content);
        self.sent != Sent::All && self.begun.as_ref().is_none_or(same)
    }

    /// Forgets what was sent: it is in another job now, which holds nothing.
    pub(super) fn is_in_another_job(&mut self) {
        self.begun = None;
        self.sent = Sent::No;
        self.receipt = None;
    }

    /// Takes note of what came of the sending of its bytes.
    pub(super) fn take_note_of(&mut self, upload: &Upload) {
        self.row.attempts += upload.repetitions;
        if let UploadEnd::Taken(receipt) = &upload.end {
            self.sent = Sent::All;
            self.receipt = Some(*receipt);
        } else if upload.may_have_arrived {
            self.sent = Sent::Perhaps;
        }
    }

    /// The line that says this of it. Of a row that is in an earlier run's job, the line goes on saying
    /// what was begun.
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

/// The place among these for the file of each row, where there is one.
pub(super) fn places_of<'p, T>(
    rows: &[JobRow],
    places: &'p [Place<T>],
) -> Vec<Option<&'p Place<T>>> {
    let names: Vec<&str> = rows.iter().map(JobRow::file_name).collect();
    let theirs: Vec<&str> = places.iter().map(|place| &*place.file_name).collect();
    let pairs = paired(&names, &theirs).into_iter();
    pairs.map(|pair| pair.map(|place| &places[place])).collect()
}

/// Where the bytes go that a place is for.
pub(super) fn target_of<T>(place: Option<&Place<T>>) -> Result<&T, UnsafeTarget> {
    match place {
        Some(place) => place.target.as_ref().map_err(Clone::clone),
        None => Err(UnsafeTarget(
            "the service names no upload address for this file".into(),
        )),
    }
}
