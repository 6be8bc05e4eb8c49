//! Upload of the files of a job, all at once.

use std::time::Duration;

use futures::future::join_all;

use super::row::{JobRow, places_of, target_of};
use super::{JobMachine, Next, State};
use crate::clock::Since;
use crate::destination::{JobApi, Place};
use crate::model::AttachmentId;
use crate::pipeline::Halt;
use crate::pipeline::requests::{Leave, RequestOwner};
use crate::pipeline::upload::{Address, Upload, UploadEnd};
use crate::pipeline::verdict::Verdict;
use crate::plan::Sent;
use crate::results::journal::Journal;

/// Time after which an address of a job is not used any more.
///
/// The service's limit is a minute from the start of the job. The job started some time after the
/// read before, and the rest of the minute allows for this time.
const ADDRESS_LIFE: Duration = Duration::from_secs(45);

/// Number of times a job is asked for addresses again after their expiry.
const MOST_REFRESHES: u32 = 2;

impl<D: JobApi, J: Journal> JobMachine<'_, D, J> {
    /// Sends the bytes of all rows still wanting them, all at once.
    pub(super) async fn put(
        &mut self,
        id: AttachmentId,
        places: Vec<Place<D::Target>>,
        issued: Since,
    ) -> Next<D> {
        self.announce_bytes(&id).await?;
        self.starting = None;
        let owner = self.owner_of_one();
        self.context.leave_to_upload(owner).await;
        let uploads = self.send_all(owner, &places, issued).await?;
        let is_stale = |upload: &Upload| matches!(upload.end, UploadEnd::Stale);
        let leave = if uploads.iter().flatten().any(is_stale) {
            // The permission came too late for the old addresses, but not for the next addresses.
            Leave::Given
        } else {
            Leave::Needed
        };
        self.context.set_upload_leave(leave);
        self.newest.tried = places;
        self.after_put(id, uploads).await
    }

    /// Returns the owner of requests sent for a single row each.
    ///
    /// Of several rows none lends its slot. Otherwise a job waiting for as many slots as rows would
    /// take the lent slot and wait for the slots of the other rows, while the lending row waits for
    /// its own.
    fn owner_of_one(&self) -> RequestOwner {
        let owner = self.context.owner();
        match self.rows.len() {
            1 => owner,
            _ => RequestOwner::without_slot(owner.row),
        }
    }

    /// Sends the wanted files. Returns the upload of each row, or `None` if nothing was to be sent.
    async fn send_all(
        &mut self,
        owner: RequestOwner,
        places: &[Place<D::Target>],
        issued: Since,
    ) -> Result<Vec<Option<Upload>>, Halt> {
        let run = self.run;
        let sending = self.rows.iter().zip(places_of(&self.rows, places));
        let sending = sending.map(async |(row, place)| {
            if !row.wants_bytes() {
                return Ok(None);
            }
            let to = Address {
                target: target_of(place),
                issued,
                life: ADDRESS_LIFE,
            };
            let row = &row.row;
            let upload = run.upload(owner, &row.source, &row.content, to);
            upload.await.map(Some)
        });
        let uploads = join_all(sending).await.into_iter();
        let uploads: Vec<Option<Upload>> = uploads.collect::<Result<_, Halt>>()?;
        for (row, upload) in self.rows.iter_mut().zip(&uploads) {
            if let Some(upload) = upload {
                row.take_note_of(upload);
            }
        }
        Ok(uploads)
    }

    /// Makes durable that bytes may reach the job from now on: without these lines, a failed job is
    /// known to have attached nothing.
    async fn announce_bytes(&self, id: &AttachmentId) -> Result<(), Halt> {
        let wanting = self.rows.iter().filter(|row| row.wants_bytes());
        let lines = wanting.map(|row| self.line(row, Verdict::sending(id)));
        self.run.record(lines.collect()).await
    }

    /// Decides the state after the uploads. `uploads` has an item for each row, `None` if nothing
    /// was to be sent.
    async fn after_put(&mut self, id: AttachmentId, uploads: Vec<Option<Upload>>) -> Next<D> {
        let rows = std::mem::take(&mut self.rows);
        let mut ended: Vec<(JobRow, Verdict)> = Vec::new();
        let mut stale = false;
        for (row, upload) in rows.into_iter().zip(uploads) {
            let id = id.clone();
            let verdict = match upload.map(|upload| upload.end) {
                Some(UploadEnd::Unsafe(why)) => Some(Verdict::unsafe_address(id, &why)),
                Some(UploadEnd::Refused(why)) => Some(Verdict::upload_refused(id, &why)),
                Some(UploadEnd::SourceChanged(why)) => Some(Verdict::source_changed(id, &why)),
                Some(UploadEnd::Stale | UploadEnd::Expired) => {
                    stale = true;
                    None
                }
                Some(UploadEnd::Taken(_) | UploadEnd::GivenUp(_)) | None => None,
            };
            // Only the job's end can tell about a file that may have arrived before.
            match verdict.filter(|_| row.sent == Sent::No) {
                Some(verdict) => ended.push((row, verdict)),
                None => self.rows.push(row),
            }
        }
        self.end(ended).await?;
        if self.rows.is_empty() {
            return Ok(State::Over);
        }
        self.newest.refreshes += u32::from(stale);
        if stale && self.newest.refreshes <= MOST_REFRESHES {
            return Ok(State::Await(id));
        }
        Ok(State::Confirm(id))
    }
}
