//! Metadata and downloads of the attachments in memory, for backups and for `verify`.

use std::collections::HashMap;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::attachment_world::AttachmentWorld;
use super::{MemoryAddress, MemoryAttachmentService, RequestKind, internal_id};
use consign::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use consign::http::{ApiFailure, DigestedBytes, FetchFailure, FetchedContent, UnsafeTargetError};
use consign::model::AttachmentId;

impl MemoryAttachmentService {
    pub(super) async fn read_metadata(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure> {
        let inspect = |world: &mut AttachmentWorld, now| {
            world.log_request(RequestKind::Inspect, None, now);
            let there = ids
                .iter()
                .filter_map(|id| Some((id.clone(), world.metadata(internal_id(id), now)?)));
            there.collect()
        };
        self.0.read(RequestKind::Inspect, inspect).await
    }

    pub(super) async fn read_download(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure> {
        let original = |world: &mut AttachmentWorld, now| {
            let id = internal_id(id);
            world.log_request(RequestKind::Original, Some(id), now);
            let exhibit = world.metadata(id, now)?;
            let place = world.issue_download_address(id, now);
            let place = place.ok_or_else(|| UnsafeTargetError("there are no bytes".into()));
            Some(AttachmentDownload {
                metadata: exhibit,
                download_target: place,
            })
        };
        self.0.read(RequestKind::Original, original).await
    }

    pub(super) async fn read_bytes(
        &self,
        place: &MemoryAddress,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        let fetch = |world: &mut AttachmentWorld, now| {
            world.log_request(RequestKind::Fetch, None, now);
            world.content_at(*place, now)
        };
        let content = match self.0.read(RequestKind::Fetch, fetch).await {
            Ok(content) => content.ok_or(FetchFailure::Expired)?,
            Err(failure) => return Err(download_failure(failure)),
        };
        let size = content.stamp.size;
        received(size.min(most + 1));
        if size > most {
            return Ok(FetchedContent::TooLong);
        }
        let sha256 = content.sha256;
        // There are no bytes. Their digest stands for them, so that a test can tell what was kept.
        let handed_on = into.write_all(&sha256.0).await;
        handed_on.map_err(|error| FetchFailure::NotWritten(error.to_string()))?;
        Ok(FetchedContent::File(DigestedBytes { size, sha256 }))
    }
}

/// Converts the failure of a request into the failure of a download.
fn download_failure(failure: ApiFailure) -> FetchFailure {
    match failure {
        ApiFailure::Denied(_) => FetchFailure::Expired,
        ApiFailure::Refused(refusal) => FetchFailure::Refused(refusal.message),
        ApiFailure::Intercepted(why) => FetchFailure::Refused(why),
        ApiFailure::NotSent(why) | ApiFailure::Unanswered(why) | ApiFailure::NeverPossible(why) => {
            FetchFailure::Interrupted(why)
        }
        ApiFailure::Throttled { .. } | ApiFailure::Withheld => {
            FetchFailure::Interrupted("status 503".into())
        }
    }
}
