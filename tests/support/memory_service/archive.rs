//! Metadata and downloads of the attachments in memory, for backups and for `verify`.

use std::collections::HashMap;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::world::Attachments;
use super::{Address, Memory, Operation, private};
use consign::destination::archive::{Exhibit, Original};
use consign::http::{Digested, Failure, FetchFailure, Fetched, UnsafeTarget};
use consign::model::AttachmentId;

impl Memory {
    pub(super) async fn show_all(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Failure> {
        let inspect = |world: &mut Attachments, now| {
            world.note(Operation::Inspect, None, now);
            let there = ids
                .iter()
                .filter_map(|id| Some((id.clone(), world.exhibit(private(id), now)?)));
            there.collect()
        };
        self.0.ask(Operation::Inspect, inspect).await
    }

    pub(super) async fn show(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<Original<Address>>, Failure> {
        let original = |world: &mut Attachments, now| {
            let id = private(id);
            world.note(Operation::Original, Some(id), now);
            let exhibit = world.exhibit(id, now)?;
            let place = world.lend(id, now);
            let place = place.ok_or_else(|| UnsafeTarget("there are no bytes".into()));
            Some(Original { exhibit, place })
        };
        self.0.ask(Operation::Original, original).await
    }

    pub(super) async fn hand_out(
        &self,
        place: &Address,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Fetched, FetchFailure> {
        let fetch = |world: &mut Attachments, now| {
            world.note(Operation::Fetch, None, now);
            world.lent(*place, now)
        };
        let content = match self.0.ask(Operation::Fetch, fetch).await {
            Ok(content) => content.ok_or(FetchFailure::Expired)?,
            Err(failure) => return Err(of_a_fetch(failure)),
        };
        let size = content.stamp.size;
        received(size.min(most + 1));
        if size > most {
            return Ok(Fetched::Longer);
        }
        let sha256 = content.sha256;
        // There are no bytes. Their digest stands for them, so that a test can tell what was kept.
        let handed_on = into.write_all(&sha256.0).await;
        handed_on.map_err(|error| FetchFailure::NotKept(error.to_string()))?;
        Ok(Fetched::File(Digested { size, sha256 }))
    }
}

/// Converts the failure of a request into the failure of a download.
fn of_a_fetch(failure: Failure) -> FetchFailure {
    match failure {
        Failure::Denied(_) => FetchFailure::Expired,
        Failure::Refused(why) | Failure::Intercepted(why) => FetchFailure::Refused(why),
        Failure::NotSent(why) | Failure::Unanswered(why) | Failure::Hopeless(why) => {
            FetchFailure::Interrupted(why)
        }
        Failure::Throttled { .. } | Failure::Withheld => {
            FetchFailure::Interrupted("status 503".into())
        }
    }
}
