//! The decisions about a row whose service keeps jobs: from the earlier line, and from the end of
//! the job.
//!
//! A job can be looked up by nothing but its id, so only the results record the requests sent. A
//! row goes into another job only if no job has attached its file, for certain, or ever will:
//! bidders can see an attached file, and nobody can take the file back.

use super::{
    BegunProgress, BegunRecord, JobStart, ProtocolStart, RowPlan, UpdatePolicy, other_object_of,
    plan_done_row,
};
use crate::destination::FileOutcome;
use crate::manifest::ManifestRow;
use crate::model::CheckedContent;
use crate::prepare::RowFile;
use crate::results::{ResultsEntry, RowState};

/// Policy for rows whose job failed without saying which files it had attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedJobPolicy {
    /// The row stays failed until a person has looked.
    #[default]
    Leave,
    /// The user has looked: the row goes into another job.
    Retry,
}

/// Bytes of a row's file in its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentBytes {
    /// The job has no bytes, for certain.
    Nothing,
    /// The job may have none, some or all bytes.
    Unknown,
    /// The job has all bytes.
    All,
}

impl SentBytes {
    /// Returns the bytes in an earlier run's job, by the stage of the run.
    pub fn from_progress(progress: BegunProgress) -> Self {
        match progress {
            BegunProgress::NotSent => Self::Nothing,
            BegunProgress::Sent => Self::All,
            BegunProgress::Unknown | BegunProgress::AddressRenewing | BegunProgress::JobFailed => {
                Self::Unknown
            }
        }
    }
}

/// Decides from the earlier line of a row how the row continues.
pub(super) fn plan_job_row(
    row: &ManifestRow,
    file: RowFile,
    earlier_entry: Option<ResultsEntry>,
    failed_jobs: FailedJobPolicy,
) -> RowPlan {
    let Some(previous) = earlier_entry else {
        return RowPlan::SendRequests(ProtocolStart::Job(JobStart::New));
    };
    if previous.was_done() {
        return plan_done_row(row, file, previous, UpdatePolicy::default());
    }
    if needs_manual_check(&previous) && failed_jobs == FailedJobPolicy::Leave {
        return RowPlan::KeepLine;
    }
    let start = earlier_job(row, &previous).map_or(JobStart::New, JobStart::Earlier);
    RowPlan::SendRequests(ProtocolStart::Job(start))
}

/// True if only a person who looks can decide about the outcome of the row's file.
pub fn needs_manual_check(entry: &ResultsEntry) -> bool {
    entry.state() == RowState::JobFailed
}

/// Returns the job of the earlier run; `None` where the job has come to nothing, for certain. A
/// POST without an answer leaves no job: nobody has the addresses of the job.
fn earlier_job(row: &ManifestRow, earlier_entry: &ResultsEntry) -> Option<BegunRecord> {
    Some(BegunRecord {
        id: earlier_entry.attachment_id.clone()?,
        file_path: earlier_entry.file_path.clone(),
        content: earlier_entry.known_content.content(),
        other_object: other_object_of(row, earlier_entry),
        progress: BegunProgress::from_job_state(&earlier_entry.state()),
    })
}

impl BegunProgress {
    /// Returns the stage of a job from the state of its row.
    fn from_job_state(state: &RowState) -> Self {
        match state {
            // A job in one of these states has certainly not attached the file.
            RowState::Created | RowState::JobWaiting | RowState::FailedWithoutBytes(_) => {
                Self::NotSent
            }
            RowState::JobRunning => Self::Sent,
            RowState::JobFailed => Self::JobFailed,
            _ => Self::Unknown,
        }
    }
}

/// Consequence of the end of a job for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobRowOutcome {
    /// The row's file is attached.
    Attached,
    /// A file is attached, but the row's file or object has changed since.
    AttachedBeforeTheChange,
    /// The row's file is not attached, and the job will never attach the file, which may go into
    /// another job.
    AnotherJob,
    /// The service took the bytes of the file, and did not attach the file.
    Rejected(String),
    /// No answer decides whether the file is attached.
    Unknown,
}

/// Decides the outcome of a row from the outcome of its file in the job. `begun` is the job of an
/// earlier run, if any.
pub fn job_row_outcome(
    outcome: &FileOutcome,
    sent: SentBytes,
    begun: Option<&BegunRecord>,
    content: &CheckedContent,
) -> JobRowOutcome {
    match (sent, outcome) {
        // A job cannot have attached a file without its bytes, whatever the job says.
        (SentBytes::Nothing, _) | (SentBytes::Unknown, FileOutcome::NotAttached(_)) => {
            JobRowOutcome::AnotherJob
        }
        (SentBytes::All, FileOutcome::NotAttached(why)) => JobRowOutcome::Rejected(why.clone()),
        (_, FileOutcome::Attached) if begun.is_none_or(|begun| begun.is_for_content(content)) => {
            JobRowOutcome::Attached
        }
        (_, FileOutcome::Attached) => JobRowOutcome::AttachedBeforeTheChange,
        (_, FileOutcome::Unknown) if begun.is_some_and(BegunRecord::may_retry_in_new_job) => {
            JobRowOutcome::AnotherJob
        }
        (_, FileOutcome::Unknown) => JobRowOutcome::Unknown,
    }
}

impl BegunRecord {
    /// True if the record was begun for this content, and for the object in the present manifest.
    pub fn is_for_content(&self, content: &CheckedContent) -> bool {
        let same = |then: CheckedContent| then.sha256 == content.sha256;
        self.content.is_none_or(same) && self.other_object.is_none()
    }

    /// Returns the name of the row's file in the job; the file of the row may have another name by
    /// now. (A name from a column of the manifest is not kept in the results.)
    pub fn file_name_in_job<'a>(&'a self, row: &'a ManifestRow) -> &'a str {
        row.stored_file_name_at(&self.file_path)
    }

    /// True if the user wants another job, even if this job may have attached the file.
    pub fn may_retry_in_new_job(&self) -> bool {
        self.progress == BegunProgress::JobFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use crate::model::{AttachmentId, ExternalId, FileStamp, ObjectRef, ObjectType};
    use crate::plan::OtherObject;
    use crate::results::{KnownContent, Status, StatusReason, VerifiedBy};

    const EVENT: &str = "0b1e7a52-6a5c-4f5e-9d0c-2f4b8a1c3d5e";

    fn content(text: &str) -> CheckedContent {
        CheckedContent {
            stamp: FileStamp {
                size: text.len() as u64,
                modified: jiff::Timestamp::UNIX_EPOCH,
            },
            sha256: sha256(text.as_bytes()),
        }
    }

    fn row() -> ManifestRow {
        ManifestRow {
            number: 1,
            line: 2,
            file_path: "a.pdf".into(),
            object: ObjectRef::parse(ObjectType::SourcingEvent, EVENT).unwrap(),
            object_external_id: None,
            external_id: ExternalId::parse("A1").unwrap(),
            title: None,
            file_name: None,
            sha256: None,
            new_external_id: None,
        }
    }

    fn earlier_line(status: Status, reason: StatusReason) -> ResultsEntry {
        ResultsEntry {
            row: Some(1),
            file_path: "a.pdf".into(),
            object_type: "sourcing_event".into(),
            object_id: EVENT.into(),
            object_external_id: String::new(),
            external_id: "A1".into(),
            status,
            reason,
            attachment_id: Some(AttachmentId::parse("job-1").unwrap()),
            known_content: KnownContent::Complete(content("text")),
            verified_by: VerifiedBy::Nothing,
            attempts: 1,
            destination: "here".into(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            message: String::new(),
            changes: crate::results::AttachmentChanges::default(),
        }
    }

    fn plan_after(earlier_entry: ResultsEntry, failed_jobs: FailedJobPolicy) -> RowPlan {
        let file = RowFile::Ready(content("text"));
        crate::plan::plan_row(
            &row(),
            file,
            Some(earlier_entry),
            UpdatePolicy::default(),
            failed_jobs,
        )
    }

    fn begun_after(
        earlier_entry: ResultsEntry,
        failed_jobs: FailedJobPolicy,
    ) -> Option<BegunRecord> {
        match plan_after(earlier_entry, failed_jobs) {
            RowPlan::SendRequests(ProtocolStart::Job(JobStart::New)) => None,
            RowPlan::SendRequests(ProtocolStart::Job(JobStart::Earlier(begun))) => Some(begun),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_row_and_one_whose_job_nobody_can_reach_go_into_a_new_job() {
        let file = RowFile::Ready(content("text"));
        let new = crate::plan::plan_row(
            &row(),
            file,
            None,
            UpdatePolicy::default(),
            FailedJobPolicy::Leave,
        );
        assert_eq!(
            new,
            RowPlan::SendRequests(ProtocolStart::Job(JobStart::New))
        );
        let lost = ResultsEntry {
            attachment_id: None,
            ..earlier_line(Status::Creating, StatusReason::None)
        };
        assert_eq!(begun_after(lost, FailedJobPolicy::Leave), None);
    }

    #[test]
    fn the_line_of_a_begun_row_tells_what_its_job_may_have() {
        for (status, reason, sent) in [
            (Status::Created, StatusReason::None, SentBytes::Nothing),
            (
                Status::Pending,
                StatusReason::JobWaiting,
                SentBytes::Nothing,
            ),
            (
                Status::Failed,
                StatusReason::SourceChanged,
                SentBytes::Nothing,
            ),
            (
                Status::Failed,
                StatusReason::UploadRefused,
                SentBytes::Nothing,
            ),
            (
                Status::Failed,
                StatusReason::UnsafeUploadUrl,
                SentBytes::Nothing,
            ),
            (
                Status::Failed,
                StatusReason::NotAttached,
                SentBytes::Nothing,
            ),
            (Status::Failed, StatusReason::Refused, SentBytes::Nothing),
            (Status::Created, StatusReason::Sending, SentBytes::Unknown),
            (Status::Created, StatusReason::NoAnswer, SentBytes::Unknown),
            (Status::Failed, StatusReason::Forbidden, SentBytes::Unknown),
            (Status::Pending, StatusReason::None, SentBytes::Unknown),
            (Status::Pending, StatusReason::JobRunning, SentBytes::All),
        ] {
            let begun =
                begun_after(earlier_line(status, reason.clone()), FailedJobPolicy::Leave).unwrap();
            assert_eq!(begun.id.as_str(), "job-1");
            assert_eq!(
                SentBytes::from_progress(begun.progress),
                sent,
                "{status} {reason:?}"
            );
            assert!(!begun.may_retry_in_new_job());
        }
    }

    #[test]
    fn a_row_whose_job_failed_unheard_is_left_to_people_until_they_say_so() {
        let failed = earlier_line(Status::Failed, StatusReason::JobFailed);
        assert!(needs_manual_check(&failed));
        assert_eq!(
            plan_after(failed.clone(), FailedJobPolicy::Leave),
            RowPlan::KeepLine
        );
        let begun = begun_after(failed, FailedJobPolicy::Retry).unwrap();
        assert!(begun.may_retry_in_new_job());
        let running = earlier_line(Status::Created, StatusReason::Sending);
        let other = begun_after(running, FailedJobPolicy::Retry).unwrap();
        assert!(
            !other.may_retry_in_new_job(),
            "nobody has looked at this one"
        );
    }

    #[test]
    fn a_done_row_is_never_sent_again_and_is_uploaded_whatever_confirmed_it() {
        for verified in [VerifiedBy::Nothing, VerifiedBy::Etag] {
            let done = ResultsEntry {
                verified_by: verified,
                ..earlier_line(Status::Uploaded, StatusReason::None)
            };
            assert_eq!(
                plan_after(done.clone(), FailedJobPolicy::Retry),
                RowPlan::KeepLine
            );
            let changed = crate::plan::plan_row(
                &row(),
                RowFile::Ready(content("TEXT")),
                Some(done),
                UpdatePolicy::default(),
                FailedJobPolicy::Retry,
            );
            let RowPlan::RecordLine(conflict) = changed else {
                panic!("{changed:?}");
            };
            assert_eq!(conflict.reason, StatusReason::FileChanged);
            let RowPlan::RecordLine(restored) = plan_after(*conflict, FailedJobPolicy::Retry)
            else {
                panic!("a line is expected");
            };
            assert_eq!(restored.status, Status::Uploaded);
        }
    }

    fn outcome_of(
        sent: SentBytes,
        outcome: &FileOutcome,
        begun: Option<&BegunRecord>,
    ) -> JobRowOutcome {
        job_row_outcome(outcome, sent, begun, &content("text"))
    }

    #[test]
    fn a_row_goes_into_another_job_only_where_its_file_is_certainly_not_attached() {
        let not = FileOutcome::NotAttached("why".into());
        for (sent, file_outcome, expected) in [
            (
                SentBytes::Nothing,
                &FileOutcome::Attached,
                JobRowOutcome::AnotherJob,
            ),
            (
                SentBytes::Nothing,
                &FileOutcome::Unknown,
                JobRowOutcome::AnotherJob,
            ),
            (SentBytes::Nothing, &not, JobRowOutcome::AnotherJob),
            (
                SentBytes::Unknown,
                &FileOutcome::Attached,
                JobRowOutcome::Attached,
            ),
            (
                SentBytes::Unknown,
                &FileOutcome::Unknown,
                JobRowOutcome::Unknown,
            ),
            (SentBytes::Unknown, &not, JobRowOutcome::AnotherJob),
            (
                SentBytes::All,
                &FileOutcome::Attached,
                JobRowOutcome::Attached,
            ),
            (
                SentBytes::All,
                &FileOutcome::Unknown,
                JobRowOutcome::Unknown,
            ),
            (SentBytes::All, &not, JobRowOutcome::Rejected("why".into())),
        ] {
            assert_eq!(
                outcome_of(sent, file_outcome, None),
                expected,
                "{sent:?} {file_outcome:?}"
            );
        }
    }

    #[test]
    fn what_was_attached_before_the_row_changed_is_told_as_that() {
        let begun = BegunRecord {
            id: AttachmentId::parse("job-1").unwrap(),
            file_path: "a.pdf".into(),
            content: Some(content("text")),
            other_object: None,
            progress: BegunProgress::Unknown,
        };
        let with = |begun: &BegunRecord, file_outcome| {
            outcome_of(SentBytes::Unknown, file_outcome, Some(begun))
        };
        assert_eq!(
            with(&begun, &FileOutcome::Attached),
            JobRowOutcome::Attached
        );
        let other_file = BegunRecord {
            content: Some(content("TEXT")),
            ..begun.clone()
        };
        let other_object = BegunRecord {
            other_object: Some(OtherObject {
                object_type: "sourcing_event".into(),
                object_id: "other".into(),
                object_external_id: String::new(),
            }),
            ..begun.clone()
        };
        for changed in [&other_file, &other_object] {
            let outcome = with(changed, &FileOutcome::Attached);
            assert_eq!(outcome, JobRowOutcome::AttachedBeforeTheChange);
            assert_eq!(with(changed, &FileOutcome::Unknown), JobRowOutcome::Unknown);
        }
        let looked_at = BegunRecord {
            progress: BegunProgress::JobFailed,
            ..begun
        };
        assert_eq!(
            with(&looked_at, &FileOutcome::Unknown),
            JobRowOutcome::AnotherJob
        );
        assert_eq!(
            with(&looked_at, &FileOutcome::Attached),
            JobRowOutcome::Attached
        );
    }
}
