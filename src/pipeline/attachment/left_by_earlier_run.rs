//! Attachments left by earlier runs, with their bytes or during a replacement: the look at their
//! present state, and the steps that the user's policy asks for.

use std::io;

use tokio::io::{AsyncWrite, sink};

use super::replacement::{NamesBeforeReplacement, OldBytesState, ReplacementInProgress};
use super::{AttachmentMachine, AttachmentProtocolState, AttachmentTransition};
use crate::backup::BackupDraft;
use crate::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata, Reported};
use crate::destination::{AttachmentApi, AttachmentNames, AttachmentPresence};
use crate::http::{DigestedBytes, FetchedContent};
use crate::model::{AttachmentId, CheckedContent, Sha256Digest};
use crate::pipeline::HaltReason;
use crate::pipeline::inspection::MAX_EXPIRED_DOWNLOADS;
use crate::pipeline::poller::PollOutcome;
use crate::pipeline::request_sender::RequestFailure;
use crate::pipeline::request_sender::attachment_reads::DownloadFailure;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{
    AttachmentBytes, AttachmentEvidence, ChangeStage, ExistingAttachment, NextStep, OldContent,
};
use crate::results::journal::Journal;

/// Amount of reading wanted from an attachment's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WantedBytes {
    /// Digest of the bytes.
    Digest,
    /// Digest of the bytes if their number is as given, else only the metadata.
    DigestIfSize(u64),
    /// Digest of the bytes, and a backup draft.
    Backup,
}

/// Result of a look at an attachment and its bytes.
pub(super) enum AttachmentObservation {
    /// The attachment exists and has bytes.
    WithBytes(Box<ObservedAttachment>),
    /// There is no such attachment.
    NoAttachment,
    /// The attachment has no bytes.
    NoBytes,
    /// The bytes cannot be downloaded. Holds the cause.
    BytesUnavailable(String),
}

/// Attachment as observed: metadata and, if wanted, bytes.
pub(super) struct ObservedAttachment {
    pub(super) metadata: AttachmentMetadata,
    /// Size and digest of the bytes. `None` if the bytes were not read.
    pub(super) digested: Option<DigestedBytes>,
    /// Unnamed file with the bytes. `None` if no backup was wanted.
    pub(super) draft: Option<Box<dyn BackupDraft>>,
}

impl ObservedAttachment {
    /// Creates the observation of an attachment whose bytes were not read.
    fn from_metadata(metadata: AttachmentMetadata) -> Self {
        Self {
            metadata,
            digested: None,
            draft: None,
        }
    }

    /// Returns `ours`, the content named by our lines, if the observed bytes may still be the same.
    pub(super) fn if_still_our_content(
        &self,
        ours: Option<CheckedContent>,
    ) -> Option<CheckedContent> {
        ours.filter(|ours| match self.sha256() {
            Some(seen) => seen == ours.sha256,
            None => self.metadata.size == Some(ours.stamp.size),
        })
    }

    /// Returns the digest of the bytes, if the bytes were read.
    pub(super) fn sha256(&self) -> Option<Sha256Digest> {
        self.digested.map(|seen| seen.sha256)
    }
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks at an attachment left by an earlier run, and decides the next step.
    pub(super) async fn check_existing_attachment(
        &mut self,
        existing: ExistingAttachment,
    ) -> AttachmentTransition<D> {
        if let ChangeStage::NameSent | ChangeStage::ReleaseRequested = existing.change_stage {
            self.wait_out_late_patch().await;
        }
        let size = match self.read_size(&existing).await {
            Ok(size) => size,
            Err(unmet) => return end_unobserved(&existing, unmet),
        };
        let sighting = AttachmentEvidence::ExistingAttachmentSize {
            size,
            attachment: &existing,
        };
        let step = self.next_step(&sighting);
        let was_let_go = !matches!(
            existing.change_stage,
            ChangeStage::NotBegun | ChangeStage::NameSent
        );
        // Bytes that were not released were not replaced.
        if was_let_go && step.finds_foreign_content() {
            self.row.changes.replaced = None;
        }
        self.continue_existing_attachment(step).await
    }

    /// Carries out the next step of an attachment left by an earlier run.
    async fn continue_existing_attachment(&mut self, step: NextStep) -> AttachmentTransition<D> {
        if let NextStep::SendFile(_) | NextStep::ConfirmSize(_) = step {
            self.replacement = Some(self.replacement_begun_earlier().await);
        }
        Ok(self.state_for_step(step))
    }

    /// Returns the number of bytes reported by the service. Waits for the next list if nothing was
    /// begun with the attachment, and asks at once otherwise.
    async fn read_size(
        &mut self,
        existing: &ExistingAttachment,
    ) -> Result<AttachmentBytes<u64>, RequestFailure> {
        if existing.change_stage == ChangeStage::NotBegun {
            self.context.give_slots_back();
            let (owner, id) = (self.context.owner(), existing.id.clone());
            let seen = self.shared.poller.wait_for_next_list(owner, id).await?;
            if let PollOutcome::Observed(AttachmentPresence::Stored { size, names, .. }) = seen {
                self.names = Some(names);
                return Ok(AttachmentBytes::Bytes(size));
            }
        }
        // A gap in a list does not prove that the attachment is gone.
        let original = self
            .run
            .requests
            .get_download(self.context.owner(), &existing.id)
            .await?;
        let Some(AttachmentDownload {
            metadata: exhibit, ..
        }) = original
        else {
            return Ok(AttachmentBytes::NoAttachment);
        };
        let size = exhibit
            .size
            .map_or(AttachmentBytes::NoBytes, AttachmentBytes::Bytes);
        self.names = Some(names_from_metadata(exhibit));
        Ok(size)
    }

    /// Returns the replacement begun by an earlier run, whose old bytes are gone.
    async fn replacement_begun_earlier(&mut self) -> ReplacementInProgress {
        self.context.take_slots(1).await;
        let old = self.row.changes.replaced.as_ref();
        // The title was sent with the request that released the bytes, and is reported without
        // bytes, too.
        let shown = || Some(self.names.as_ref()?.title.value()?.to_owned());
        ReplacementInProgress {
            old_content: OldContent {
                size: old.map_or(0, |former| former.size),
                uploaded_at: Reported::NotReported,
            },
            our_content: None,
            names_before: NamesBeforeReplacement {
                file_name: None,
                title: self.row.changes.previous_title.clone().or_else(shown),
            },
            title_to_send: self.title_to_send(),
            old_bytes: OldBytesState::Released,
        }
    }

    /// Reads the bytes, because nothing else decides whether the run before stored the new bytes.
    pub(super) async fn read_bytes(
        &mut self,
        existing: ExistingAttachment,
    ) -> AttachmentTransition<D> {
        let bytes = match self.observe_bytes(&existing.id, WantedBytes::Digest).await {
            Ok(AttachmentObservation::WithBytes(sight)) => match sight.digested {
                Some(seen) => AttachmentBytes::Bytes((seen.size, seen.sha256)),
                None => {
                    return Ok(RowVerdict::not_observed(
                        &existing,
                        "the stored bytes were not read",
                    )
                    .into());
                }
            },
            Ok(AttachmentObservation::NoAttachment) => AttachmentBytes::NoAttachment,
            Ok(AttachmentObservation::NoBytes) => AttachmentBytes::NoBytes,
            Ok(AttachmentObservation::BytesUnavailable(why)) => {
                return Ok(RowVerdict::not_observed(&existing, &why).into());
            }
            Err(unmet) => return end_unobserved(&existing, unmet),
        };
        let sighting = AttachmentEvidence::ExistingAttachmentBytes {
            bytes,
            attachment: &existing,
        };
        self.continue_existing_attachment(self.next_step(&sighting))
            .await
    }

    /// Looks at an attachment, and reads its bytes as far as wanted.
    pub(super) async fn observe_bytes(
        &self,
        id: &AttachmentId,
        wanted_bytes: WantedBytes,
    ) -> Result<AttachmentObservation, RequestFailure> {
        let (owner, requests) = (self.context.owner(), &self.run.requests);
        let mut expired = 0;
        loop {
            requests.wait_to_download(owner).await;
            let Some(AttachmentDownload {
                metadata: exhibit,
                download_target: place,
            }) = requests.get_download(owner, id).await?
            else {
                return Ok(AttachmentObservation::NoAttachment);
            };
            let Some(size) = exhibit.size else {
                return Ok(AttachmentObservation::NoBytes);
            };
            if matches!(wanted_bytes, WantedBytes::DigestIfSize(wanted) if wanted != size) {
                return Ok(AttachmentObservation::WithBytes(Box::new(
                    ObservedAttachment::from_metadata(exhibit),
                )));
            }
            let place = match place {
                Ok(place) => place,
                Err(why) => return Ok(AttachmentObservation::BytesUnavailable(why.to_string())),
            };
            let mut draft = match (wanted_bytes, self.shared.backup_store) {
                (WantedBytes::Backup, Some(backup_store)) => {
                    Some(backup_store.begin_backup().await.map_err(backup_failed)?)
                }
                _ => None,
            };
            let mut nowhere = sink();
            let into: &mut (dyn AsyncWrite + Unpin + Send) = match &mut draft {
                Some(draft) => draft,
                None => &mut nowhere,
            };
            match requests.download_once(owner, &place, size, into).await {
                Ok(fetched) => {
                    return Ok(match check_length(fetched, size) {
                        Ok(seen) => {
                            AttachmentObservation::WithBytes(Box::new(ObservedAttachment {
                                metadata: exhibit,
                                digested: Some(seen),
                                draft,
                            }))
                        }
                        Err(why) => AttachmentObservation::BytesUnavailable(why),
                    });
                }
                Err(DownloadFailure::Halt(halt)) => return Err(halt.into()),
                Err(DownloadFailure::Interrupted) => {}
                Err(DownloadFailure::TargetExpired) if expired < MAX_EXPIRED_DOWNLOADS => {
                    expired += 1;
                }
                Err(DownloadFailure::TargetExpired) => {
                    let why = "the storage refuses each new address".to_owned();
                    return Ok(AttachmentObservation::BytesUnavailable(why));
                }
                Err(DownloadFailure::GivenUp(why)) => {
                    return Ok(AttachmentObservation::BytesUnavailable(why));
                }
            }
        }
    }
}

/// Returns the reason to stop after a failed backup: the run ends, as after a failure of its
/// results.
#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
pub(super) fn backup_failed(cause: io::Error) -> HaltReason {
    HaltReason::BackupFailed(cause.to_string())
}

/// Ends a row that cannot be continued in this run. The line still names what was begun.
fn end_unobserved<T>(
    existing: &ExistingAttachment,
    failure: RequestFailure,
) -> Result<AttachmentProtocolState<T>, HaltReason> {
    let why = failure.into_message()?;
    Ok(RowVerdict::not_observed(existing, &why).into())
}

/// Checks the length of a download against the size reported by the service.
pub(super) fn check_length(fetched: FetchedContent, size: u64) -> Result<DigestedBytes, String> {
    match fetched {
        FetchedContent::File(seen) | FetchedContent::WebPage(seen) if seen.size == size => Ok(seen),
        FetchedContent::WebPage(_) => Err(
            "a web page came in place of the file; is a proxy or a sign-in page in between?".into(),
        ),
        FetchedContent::File(seen) => Err(format!(
            "the service shows {size} bytes, and the storage holds {}",
            seen.size
        )),
        FetchedContent::TooLong => Err(format!(
            "the service shows {size} bytes, and the storage holds more"
        )),
    }
}

/// Returns the names in the metadata of an attachment.
pub(super) fn names_from_metadata(metadata: AttachmentMetadata) -> AttachmentNames {
    AttachmentNames {
        external_id: metadata.external_id,
        title: metadata.title,
    }
}
