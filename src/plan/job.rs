//! The decisions about a row whose service keeps jobs: from the earlier line, and from the end of
//! the job.
//!
//! A job can be looked up by nothing but its id, so only the results tell what was done. A row goes
//! into another job only if no job has attached its file, for certain, or ever will: bidders can
//! see an attached file, and nobody can take the file back.

use super::{Begun, JobStart, Progress, Start, Step, Wishes, done, other_object};
use crate::destination::Fate;
use crate::manifest::Row;
use crate::model::Content;
use crate::prepare::RowFile;
use crate::results::{Entry, RowState};

/// Policy for rows whose job failed without saying which files it had attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedJobs {
    /// The row stays failed until somebody has looked.
    #[default]
    Leave,
    /// The user has looked: the row goes into another job.
    Retry,
}

/// Bytes of a row's file in its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The job has no bytes, for certain.
    No,
    /// The job may have none, some or all bytes.
    Perhaps,
    /// The job has all bytes.
    All,
}

impl Sent {
    /// Returns the bytes in an earlier run's job, by the stage of the run.
    pub fn told_by(progress: Progress) -> Self {
        match progress {
            Progress::NotSent => Self::No,
            Progress::Sent => Self::All,
            Progress::Unknown | Progress::Renewing | Progress::Failed => Self::Perhaps,
        }
    }
}

/// Decides from the earlier line of a row how the row goes on.
pub(super) fn step(
    row: &Row,
    file: RowFile,
    previous: Option<Entry>,
    failed_jobs: FailedJobs,
) -> Step {
    let Some(previous) = previous else {
        return Step::Send(Start::Job(JobStart::New));
    };
    if previous.was_done() {
        return done(row, file, previous, Wishes::default());
    }
    if is_for_people(&previous) && failed_jobs == FailedJobs::Leave {
        return Step::Keep;
    }
    let start = begun(row, &previous).map_or(JobStart::New, JobStart::Earlier);
    Step::Send(Start::Job(start))
}

/// True if only a person who looks can tell the fate of the row's file.
pub fn is_for_people(entry: &Entry) -> bool {
    entry.state() == RowState::JobFailed
}

/// Returns the job of the earlier run; `None` where the job has come to nothing, for certain. A
/// POST without an answer leaves no job: nobody has the addresses of the job.
fn begun(row: &Row, previous: &Entry) -> Option<Begun> {
    Some(Begun {
        id: previous.attachment_id.clone()?,
        file_path: previous.file_path.clone(),
        content: previous.known.content(),
        elsewhere: other_object(row, previous),
        progress: Progress::with_job(&previous.state()),
    })
}

impl Progress {
    /// Returns the stage of a job from the state of its row.
    fn with_job(state: &RowState) -> Self {
        match state {
            // A job in one of these states has certainly not attached the file.
            RowState::Created | RowState::JobWaiting | RowState::FailedWithoutBytes(_) => {
                Self::NotSent
            }
            RowState::JobRunning => Self::Sent,
            RowState::JobFailed => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// Consequence of the end of a job for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The row's file is attached.
    Attached,
    /// A file is attached, but the row's file or object has changed since.
    AttachedBeforeTheChange,
    /// The row's file is not attached, and the job will never attach the file, which may go into
    /// another job.
    Again,
    /// The service took the bytes of the file, and did not attach the file.
    Rejected(String),
    /// Nobody can tell whether the file is attached.
    Unknown,
}

/// Decides the outcome of a row from the fate of its file in the job. `begun` is the job of an
/// earlier run, if any.
pub fn outcome(fate: &Fate, sent: Sent, begun: Option<&Begun>, content: &Content) -> Outcome {
    match (sent, fate) {
        // A job cannot have attached a file without its bytes, whatever the job says.
        (Sent::No, _) | (Sent::Perhaps, Fate::NotAttached(_)) => Outcome::Again,
        (Sent::All, Fate::NotAttached(why)) => Outcome::Rejected(why.clone()),
        (_, Fate::Attached) if begun.is_none_or(|begun| begun.is_for(content)) => Outcome::Attached,
        (_, Fate::Attached) => Outcome::AttachedBeforeTheChange,
        (_, Fate::Unknown) if begun.is_some_and(Begun::may_be_tried_again) => Outcome::Again,
        (_, Fate::Unknown) => Outcome::Unknown,
    }
}

impl Begun {
    /// True if the record was begun for this content, and for the object in the present manifest.
    pub fn is_for(&self, content: &Content) -> bool {
        let same = |then: Content| then.sha256 == content.sha256;
        self.content.is_none_or(same) && self.elsewhere.is_none()
    }

    /// Returns the name of the row's file in the job; the file of the row may have another name by
    /// now. (A name from a column of the manifest is not kept in the results.)
    pub fn file_name<'a>(&'a self, row: &'a Row) -> &'a str {
        row.file_name_at(&self.file_path)
    }

    /// True if the user wants another job, even if this job may have attached the file.
    pub fn may_be_tried_again(&self) -> bool {
        self.progress == Progress::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use crate::model::{AttachmentId, ExternalId, FileStamp, ObjectRef, ObjectType};
    use crate::plan::OtherObject;
    use crate::results::{Known, Reason, Status, Verified};

    const EVENT: &str = "0b1e7a52-6a5c-4f5e-9d0c-2f4b8a1c3d5e";

    fn content(text: &str) -> Content {
        Content {
            stamp: FileStamp {
                size: text.len() as u64,
                modified: jiff::Timestamp::UNIX_EPOCH,
            },
            sha256: sha256(text.as_bytes()),
        }
    }

    fn row() -> Row {
        Row {
            number: 1,
            line: 2,
            file_path: "a.pdf".into(),
            object: ObjectRef::parse(ObjectType::SourcingEvent, EVENT).unwrap(),
            external_id: ExternalId::parse("A1").unwrap(),
            title: None,
            file_name: None,
            sha256: None,
            new_external_id: None,
        }
    }

    fn line(status: Status, reason: Reason) -> Entry {
        Entry {
            row: Some(1),
            file_path: "a.pdf".into(),
            object_type: "sourcing_event".into(),
            object_id: EVENT.into(),
            external_id: "A1".into(),
            status,
            reason,
            attachment_id: Some(AttachmentId::parse("job-1").unwrap()),
            known: Known::Content(content("text")),
            verified: Verified::No,
            attempts: 1,
            destination: "here".into(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            message: String::new(),
            changes: crate::results::Changes::default(),
        }
    }

    fn after(previous: Entry, failed_jobs: FailedJobs) -> Step {
        let file = RowFile::Ready(content("text"));
        crate::plan::step(&row(), file, Some(previous), Wishes::default(), failed_jobs)
    }

    fn begun_after(previous: Entry, failed_jobs: FailedJobs) -> Option<Begun> {
        match after(previous, failed_jobs) {
            Step::Send(Start::Job(JobStart::New)) => None,
            Step::Send(Start::Job(JobStart::Earlier(begun))) => Some(begun),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_row_and_one_whose_job_nobody_can_reach_go_into_a_new_job() {
        let file = RowFile::Ready(content("text"));
        let new = crate::plan::step(&row(), file, None, Wishes::default(), FailedJobs::Leave);
        assert_eq!(new, Step::Send(Start::Job(JobStart::New)));
        let lost = Entry {
            attachment_id: None,
            ..line(Status::Creating, Reason::None)
        };
        assert_eq!(begun_after(lost, FailedJobs::Leave), None);
    }

    #[test]
    fn the_line_of_a_begun_row_tells_what_its_job_may_have() {
        for (status, reason, sent) in [
            (Status::Created, Reason::None, Sent::No),
            (Status::Pending, Reason::JobWaiting, Sent::No),
            (Status::Failed, Reason::SourceChanged, Sent::No),
            (Status::Failed, Reason::UploadRefused, Sent::No),
            (Status::Failed, Reason::UnsafeUploadUrl, Sent::No),
            (Status::Failed, Reason::NotAttached, Sent::No),
            (Status::Failed, Reason::Refused, Sent::No),
            (Status::Created, Reason::Sending, Sent::Perhaps),
            (Status::Created, Reason::NoAnswer, Sent::Perhaps),
            (Status::Failed, Reason::Forbidden, Sent::Perhaps),
            (Status::Pending, Reason::None, Sent::Perhaps),
            (Status::Pending, Reason::JobRunning, Sent::All),
        ] {
            let begun = begun_after(line(status, reason.clone()), FailedJobs::Leave).unwrap();
            assert_eq!(begun.id.as_str(), "job-1");
            assert_eq!(Sent::told_by(begun.progress), sent, "{status} {reason:?}");
            assert!(!begun.may_be_tried_again());
        }
    }

    #[test]
    fn a_row_whose_job_failed_unheard_is_left_to_people_until_they_say_so() {
        let failed = line(Status::Failed, Reason::JobFailed);
        assert!(is_for_people(&failed));
        assert_eq!(after(failed.clone(), FailedJobs::Leave), Step::Keep);
        let begun = begun_after(failed, FailedJobs::Retry).unwrap();
        assert!(begun.may_be_tried_again());
        let running = line(Status::Created, Reason::Sending);
        let other = begun_after(running, FailedJobs::Retry).unwrap();
        assert!(!other.may_be_tried_again(), "nobody has looked at this one");
    }

    #[test]
    fn a_done_row_is_never_sent_again_and_is_uploaded_whatever_confirmed_it() {
        for verified in [Verified::No, Verified::Etag] {
            let done = Entry {
                verified,
                ..line(Status::Uploaded, Reason::None)
            };
            assert_eq!(after(done.clone(), FailedJobs::Retry), Step::Keep);
            let changed = crate::plan::step(
                &row(),
                RowFile::Ready(content("TEXT")),
                Some(done),
                Wishes::default(),
                FailedJobs::Retry,
            );
            let Step::Record(conflict) = changed else {
                panic!("{changed:?}");
            };
            assert_eq!(conflict.reason, Reason::FileChanged);
            let Step::Record(restored) = after(*conflict, FailedJobs::Retry) else {
                panic!("a line is expected");
            };
            assert_eq!(restored.status, Status::Uploaded);
        }
    }

    fn of(sent: Sent, fate: &Fate, begun: Option<&Begun>) -> Outcome {
        outcome(fate, sent, begun, &content("text"))
    }

    #[test]
    fn a_row_goes_into_another_job_only_where_its_file_is_certainly_not_attached() {
        let not = Fate::NotAttached("why".into());
        for (sent, fate, expected) in [
            (Sent::No, &Fate::Attached, Outcome::Again),
            (Sent::No, &Fate::Unknown, Outcome::Again),
            (Sent::No, &not, Outcome::Again),
            (Sent::Perhaps, &Fate::Attached, Outcome::Attached),
            (Sent::Perhaps, &Fate::Unknown, Outcome::Unknown),
            (Sent::Perhaps, &not, Outcome::Again),
            (Sent::All, &Fate::Attached, Outcome::Attached),
            (Sent::All, &Fate::Unknown, Outcome::Unknown),
            (Sent::All, &not, Outcome::Rejected("why".into())),
        ] {
            assert_eq!(of(sent, fate, None), expected, "{sent:?} {fate:?}");
        }
    }

    #[test]
    fn what_was_attached_before_the_row_changed_is_told_as_that() {
        let begun = Begun {
            id: AttachmentId::parse("job-1").unwrap(),
            file_path: "a.pdf".into(),
            content: Some(content("text")),
            elsewhere: None,
            progress: Progress::Unknown,
        };
        let with = |begun: &Begun, fate| of(Sent::Perhaps, fate, Some(begun));
        assert_eq!(with(&begun, &Fate::Attached), Outcome::Attached);
        let other_file = Begun {
            content: Some(content("TEXT")),
            ..begun.clone()
        };
        let other_object = Begun {
            elsewhere: Some(OtherObject {
                kind: "sourcing_event".into(),
                id: "other".into(),
            }),
            ..begun.clone()
        };
        for changed in [&other_file, &other_object] {
            let outcome = with(changed, &Fate::Attached);
            assert_eq!(outcome, Outcome::AttachedBeforeTheChange);
            assert_eq!(with(changed, &Fate::Unknown), Outcome::Unknown);
        }
        let looked_at = Begun {
            progress: Progress::Failed,
            ..begun
        };
        assert_eq!(with(&looked_at, &Fate::Unknown), Outcome::Again);
        assert_eq!(with(&looked_at, &Fate::Attached), Outcome::Attached);
    }
}
