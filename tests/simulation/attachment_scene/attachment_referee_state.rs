//! State of the referee of attachments: the knowledge about attachments and the requests for them.

use std::collections::{HashMap, HashSet};

use consign::destination::{AttachmentPresence, UploadTarget};
use consign::http::ApiFailure;
use consign::model::{AttachmentId, ExternalId};
use tokio::time::Instant;

use crate::memory_service::MemoryAddress;
use crate::scene::RunOptions;

/// Knowledge of the referee about attachments and the requests for them.
#[derive(Default)]
pub(super) struct AttachmentRefereeState {
    /// Newest answer of the current run about each attachment.
    pub(super) newest_answers: HashMap<AttachmentId, NewestAnswer>,
    /// `external_id` under which each attachment was created or found.
    pub(super) external_ids: HashMap<AttachmentId, ExternalId>,
    pub(super) addresses: HashMap<MemoryAddress, AttachmentId>,
    /// Options of the user in the current run.
    pub(super) options: RunOptions,
    /// Attachments to which bytes were sent, by `external_id`. Only the absence of such an
    /// attachment permits another.
    pub(super) sent_bytes_to: HashMap<ExternalId, AttachmentId>,
    pub(super) posts_under_way: HashSet<ExternalId>,
    /// POSTs of unknown outcome, with the number of empty look-ups since.
    pub(super) posts_of_unknown_fate: HashMap<ExternalId, u32>,
    pub(super) patches_under_way: HashMap<AttachmentId, Instant>,
    /// Attachments met by a PATCH by `external_id` instead of the intended attachment.
    pub(super) misnamed: HashSet<AttachmentId>,
    /// Attachments whose newest PATCH released bytes.
    pub(super) being_replaced: HashSet<AttachmentId>,
    /// PATCH requests of unknown outcome, with the times of sending.
    pub(super) patches_of_unknown_fate: HashMap<AttachmentId, Instant>,
}

/// State of an attachment in the newest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewestAnswer {
    Pending,
    Stored,
    /// Stored, and seen after a durable line announced the replacement.
    StoredToBeReplaced,
}

impl AttachmentRefereeState {
    pub(super) fn note_presence(
        &mut self,
        id: &AttachmentId,
        answer: &Result<AttachmentPresence, ApiFailure>,
    ) {
        let newest = match answer {
            Ok(AttachmentPresence::Absent) => {
                self.sent_bytes_to.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(AttachmentPresence::Pending { .. }) => NewestAnswer::Pending,
            Ok(AttachmentPresence::Stored { .. }) => NewestAnswer::Stored,
            Ok(_) | Err(_) => return,
        };
        // An attachment to be replaced stays so if another row asks for it to see whether the keys
        // are good.
        let gives_way = self.newest_answers.get(id) == Some(&NewestAnswer::StoredToBeReplaced);
        if !(gives_way && newest == NewestAnswer::Stored) {
            self.newest_answers.insert(id.clone(), newest);
        }
    }

    pub(super) fn note_addresses(
        &mut self,
        id: &AttachmentId,
        places: &[UploadTarget<MemoryAddress>],
    ) {
        let addresses = places.iter().flat_map(|place| place.target.clone());
        self.addresses
            .extend(addresses.map(|address| (address, id.clone())));
    }
}
