//! Metadata and downloads of the attachments in memory, for backups and for `verify`.

use std::collections::HashMap;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::world::AttachmentWorld;
use super::{MemoryAddress, MemoryAttachmentService, RequestKind, private};
use consign::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use consign::http::{ApiFailure, DigestedBytes, FetchFailure, FetchedContent, UnsafeTargetError};
use consign::model::AttachmentId;

impl MemoryAttachmentService {
    pub(super) async fn show_all(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure> {
        let inspect = |world: &mut AttachmentWorld, now| {
            world.note(RequestKind::Inspect, None, now);
            let there = ids
                .iter()
                .filter_map(|id| Some((id.clone(), world.exhibit(private(id), now)?)));
            there.collect()
        };
        self.0.ask(RequestKind::Inspect, inspect).await
    }

    pub(super) async fn show(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure> {
        let original = |world: &mut AttachmentWorld, now| {
            let id = private(id);
            world.note(RequestKind::Original, Some(id), now);
            let exhibit = world.exhibit(id, now)?;
            let place = world.lend(id, now);
            let place = place.ok_or_else(|| UnsafeTargetError("there are no bytes".into()));
            Some(AttachmentDownload {
                metadata: exhibit,
                download_target: place,
            })
        };
        self.0.ask(RequestKind::Original, original).await
    }

    pub(super) async fn hand_out(
        &self,
        place: &MemoryAddress,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        let fetch = |world: &mut AttachmentWorld, now| {
            world.note(RequestKind::Fetch, None, now);
            world.lent(*place, now)
        };
        let content = match self.0.ask(RequestKind::Fetch, fetch).await {
            Ok(content) => content.ok_or(FetchFailure::Expired)?,
            Err(failure) => return Err(of_a_fetch(failure)),
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
fn of_a_fetch(failure: ApiFailure) -> FetchFailure {
    match failure {
        ApiFailure::Denied(_) => FetchFailure::Expired,
        ApiFailure::Refused(why) | ApiFailure::Intercepted(why) => FetchFailure::Refused(why),
        ApiFailure::NotSent(why) | ApiFailure::Unanswered(why) | ApiFailure::NeverPossible(why) => {
            FetchFailure::Interrupted(why)
        }
        ApiFailure::Throttled { .. } | ApiFailure::Withheld => {
            FetchFailure::Interrupted("status 503".into())
        }
    }
}
