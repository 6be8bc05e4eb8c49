//! Upload of the files of a job, all at once.

use std::time::Duration;

use futures::future::join_all;

use super::row_in_job::{JobRow, target_or_missing, targets_for_rows};
use super::{JobMachine, JobProtocolState, JobTransition};
use crate::clock::SleepAwareInstant;
use crate::destination::{JobApi, UploadTarget};
use crate::model::AttachmentId;
use crate::pipeline::HaltReason;
use crate::pipeline::file_upload::{ExpiringTarget, FinishedUpload, UploadOutcome};
use crate::pipeline::request_sender::{RequestOwner, SendPermission};
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::SentBytes;
use crate::results::journal::Journal;

/// Time after which an address of a job is not used any more.
///
/// The service's limit is a minute from the start of the job. The job started some time after the
/// read before, and the rest of the minute allows for this time.
const JOB_TARGET_LIFETIME: Duration = Duration::from_secs(45);

/// Number of times a job is asked for addresses again after their expiry.
const MAX_TARGET_REFRESHES: u32 = 2;

impl<D: JobApi, J: Journal> JobMachine<'_, D, J> {
    /// Sends the bytes of all rows still wanting them, all at once.
    pub(super) async fn put_files(
        &mut self,
        id: AttachmentId,
        upload_targets: Vec<UploadTarget<D::Target>>,
        issued: SleepAwareInstant,
    ) -> JobTransition<D> {
        self.announce_sending(&id).await?;
        self.starting_permit = None;
        let owner = self.owner_per_row();
        self.context.wait_to_upload(owner).await;
        let uploads = self.send_files(owner, &upload_targets, issued).await?;
        let is_stale =
            |upload: &FinishedUpload| matches!(upload.outcome, UploadOutcome::TargetTooOld);
        let leave = if uploads.iter().flatten().any(is_stale) {
            // The permission came too late for the old addresses, but not for the next addresses.
            SendPermission::Granted
        } else {
            SendPermission::Needed
        };
        self.context.set_upload_permission(leave);
        self.current_job.tried_targets = upload_targets;
        self.after_files_sent(id, uploads).await
    }

    /// Returns the owner of requests sent for a single row each.
    ///
    /// Of several rows none lends its slot. Otherwise a job waiting for as many slots as rows would
    /// take the lent slot and wait for the slots of the other rows, while the lending row waits for
    /// its own.
    fn owner_per_row(&self) -> RequestOwner {
        let owner = self.context.owner();
        match self.rows.len() {
            1 => owner,
            _ => RequestOwner::without_slot(owner.row),
        }
    }

    /// Sends the wanted files. Returns the upload of each row, or `None` if nothing was to be sent.
    async fn send_files(
        &mut self,
        owner: RequestOwner,
        upload_targets: &[UploadTarget<D::Target>],
        issued: SleepAwareInstant,
    ) -> Result<Vec<Option<FinishedUpload>>, HaltReason> {
        let run = self.run;
        let sending = self
            .rows
            .iter()
            .zip(targets_for_rows(&self.rows, upload_targets));
        let sending = sending.map(async |(row, place)| {
            if !row.wants_bytes() {
                return Ok(None);
            }
            let to = ExpiringTarget {
                target: target_or_missing(place),
                issued_at: issued,
                lifetime: JOB_TARGET_LIFETIME,
            };
            let row = &row.row;
            let upload = run.upload_file(owner, &row.source, &row.content, to);
            upload.await.map(Some)
        });
        let uploads = join_all(sending).await.into_iter();
        let uploads: Vec<Option<FinishedUpload>> = uploads.collect::<Result<_, HaltReason>>()?;
        for (row, upload) in self.rows.iter_mut().zip(&uploads) {
            if let Some(upload) = upload {
                row.note_upload(upload);
            }
        }
        Ok(uploads)
    }

    /// Makes durable that bytes may reach the job from now on: without these lines, a failed job is
    /// known to have attached nothing.
    async fn announce_sending(&self, id: &AttachmentId) -> Result<(), HaltReason> {
        let wanting = self.rows.iter().filter(|row| row.wants_bytes());
        let lines = wanting.map(|row| self.results_line(row, RowVerdict::sending_to_job(id)));
        self.run.record_lines(lines.collect()).await
    }

    /// Decides the state after the uploads. `uploads` has an item for each row, `None` if nothing
    /// was to be sent.
    async fn after_files_sent(
        &mut self,
        id: AttachmentId,
        uploads: Vec<Option<FinishedUpload>>,
    ) -> JobTransition<D> {
        let rows = std::mem::take(&mut self.rows);
        let mut ended: Vec<(JobRow, RowVerdict)> = Vec::new();
        let mut stale = false;
        for (row, upload) in rows.into_iter().zip(uploads) {
            let id = id.clone();
            let verdict = match upload.map(|upload| upload.outcome) {
                Some(UploadOutcome::UnsafeTarget(why)) => {
                    Some(RowVerdict::unsafe_address(id, &why))
                }
                Some(UploadOutcome::Refused(why)) => Some(RowVerdict::upload_refused(id, &why)),
                Some(UploadOutcome::SourceChanged(why)) => {
                    Some(RowVerdict::source_changed(id, &why))
                }
                Some(UploadOutcome::SourceInUse) => Some(RowVerdict::source_in_use(id)),
                Some(UploadOutcome::TargetTooOld | UploadOutcome::TargetExpired) => {
                    stale = true;
                    None
                }
                Some(UploadOutcome::Accepted(_) | UploadOutcome::GivenUp(_)) | None => None,
            };
            // Only the job's end decides about a file that may have arrived before.
            match verdict.filter(|_| row.sent_bytes == SentBytes::Nothing) {
                Some(verdict) => ended.push((row, verdict)),
                None => self.rows.push(row),
            }
        }
        self.end_rows(ended).await?;
        if self.rows.is_empty() {
            return Ok(JobProtocolState::RowsEnded);
        }
        self.current_job.refreshes += u32::from(stale);
        if stale && self.current_job.refreshes <= MAX_TARGET_REFRESHES {
            return Ok(JobProtocolState::WaitForTargets(id));
        }
        Ok(JobProtocolState::WaitForEnd(id))
    }
}
