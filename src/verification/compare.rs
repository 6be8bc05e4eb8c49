//! Comparison of the claim of a row with the state at the service. Pure functions.

use super::{ContentFacts, VerificationOutcome};
use crate::destination::FileOutcome;
use crate::destination::attachment_metadata::{AttachmentMetadata, Reported};
use crate::http::{DigestedBytes, FetchedContent};
use crate::model::ObjectRef;
use crate::pipeline::{InspectedAttachment, InspectedBytes, InspectedJob};
use crate::text::{count_with_noun, quoted};

/// State of an attachment as the line of a done row claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentClaim {
    /// External id which the attachment should have now.
    pub external_id: String,
    /// Origin of the external id.
    pub key_source: KeySource,
    /// Title, if the import gave the title; `None` if the service or another client did.
    pub title: Option<String>,
    /// Name under which a job knows the file.
    pub file_name: String,
    /// Record to which the row's file was attached, or the fault of the cells which name no record.
    pub object: Result<ObjectRef, String>,
    /// Expected content. Only the size is known for an attachment of another client which the user
    /// kept.
    pub expected: ContentFacts,
}

/// Origin of an attachment's external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// The attachment was created with the external id, which is the row's.
    Creator,
    /// The import renamed the attachment, so the external id is not the row's.
    Rename,
}

/// Result of the comparison of a claim with the state at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimComparison {
    /// Gravest difference.
    pub outcome: VerificationOutcome,
    /// Content which was found.
    pub found: ContentFacts,
    /// Every difference, for people.
    pub message: String,
}

impl ClaimComparison {
    fn new(outcome: VerificationOutcome, found: ContentFacts, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            outcome,
            found,
            message,
        }
    }

    /// Returns the result for a state which could not be read.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::new(VerificationOutcome::Error, ContentFacts::default(), why)
    }
}

impl AttachmentClaim {
    /// Compares the claim with an observed attachment.
    pub fn compare(&self, seen: &InspectedAttachment) -> ClaimComparison {
        match seen {
            InspectedAttachment::Absent => ClaimComparison::new(
                VerificationOutcome::Missing,
                ContentFacts::default(),
                "the attachment does not exist any more",
            ),
            InspectedAttachment::Unknown(why) => {
                ClaimComparison::unknown(format!("the service could not be asked: {why}"))
            }
            InspectedAttachment::Found(exhibit, bytes) => {
                self.with_name_differences(self.compare_content(exhibit, bytes), exhibit)
            }
        }
    }

    fn compare_content(
        &self,
        metadata: &AttachmentMetadata,
        bytes: &InspectedBytes,
    ) -> ClaimComparison {
        let size = metadata.size;
        let found = ContentFacts { size, sha256: None };
        match (size, self.expected.size) {
            (None, _) => ClaimComparison::new(
                VerificationOutcome::Pending,
                found,
                "the attachment has no bytes",
            ),
            (Some(theirs), Some(ours)) if theirs != ours => ClaimComparison::new(
                VerificationOutcome::SizeDiffers,
                found,
                format!(
                    "the service shows {}, and {} were {}",
                    count_with_noun(theirs, "byte"),
                    count_with_noun(ours, "byte"),
                    self.content_origin()
                ),
            ),
            (Some(_), _) => match bytes {
                InspectedBytes::NotDownloaded => {
                    ClaimComparison::new(VerificationOutcome::Match, found, "")
                }
                InspectedBytes::Downloaded(fetched) => self.compare_downloaded(*fetched),
                InspectedBytes::Unavailable(why) => ClaimComparison::new(
                    VerificationOutcome::Error,
                    found,
                    format!("the bytes could not be downloaded: {why}"),
                ),
            },
        }
    }

    /// Words for the origin of the content in messages.
    fn content_origin(&self) -> &'static str {
        match self.expected.sha256 {
            Some(_) => "imported",
            None => "there at the import",
        }
    }

    fn compare_downloaded(&self, fetched: FetchedContent) -> ClaimComparison {
        let (DigestedBytes { size, sha256 }, is_web_page) = match fetched {
            FetchedContent::File(digested) => (digested, false),
            FetchedContent::WebPage(digested) => (digested, true),
            FetchedContent::TooLong => {
                return ClaimComparison::new(
                    VerificationOutcome::ContentDiffers,
                    ContentFacts::default(),
                    "the storage holds more bytes than the service shows",
                );
            }
        };
        let found = ContentFacts {
            size: Some(size),
            sha256: Some(sha256),
        };
        if Some(sha256) == self.expected.sha256 {
            return ClaimComparison::new(VerificationOutcome::Match, found, "");
        }
        if is_web_page {
            return ClaimComparison::new(
                VerificationOutcome::Error,
                found,
                "a web page came in place of the file; is a proxy or a sign-in page in between?",
            );
        }
        let message = if self.expected.size == Some(size) {
            "the size is right, but the bytes differ from the imported bytes".to_owned()
        } else {
            format!(
                "the storage holds {}, which differ from the imported bytes",
                count_with_noun(size, "byte")
            )
        };
        ClaimComparison::new(VerificationOutcome::ContentDiffers, found, message)
    }

    /// Adds the differences of external id and title, which are less grave than differences of
    /// content.
    fn with_name_differences(
        &self,
        verdict: ClaimComparison,
        metadata: &AttachmentMetadata,
    ) -> ClaimComparison {
        let external_id = name_difference(
            "external_id",
            &metadata.external_id,
            Some(&self.external_id),
        );
        let external_id = external_id.map(|difference| match self.key_source {
            KeySource::Creator => difference,
            KeySource::Rename => format!(
                "{difference}, but the import set {}",
                quoted(&self.external_id)
            ),
        });
        let names = [
            external_id,
            name_difference("title", &metadata.title, self.title.as_deref()),
        ];
        let names: Vec<String> = names.into_iter().flatten().collect();
        if names.is_empty() {
            return verdict;
        }
        let outcome = match verdict.outcome {
            VerificationOutcome::Match => VerificationOutcome::Renamed,
            graver => graver,
        };
        let all = Some(verdict.message).filter(|message| !message.is_empty());
        let all: Vec<String> = all.into_iter().chain(names).collect();
        ClaimComparison::new(outcome, verdict.found, all.join("; "))
    }

    /// Compares the claim with a job. A job can prove nothing more than its end in success.
    pub fn compare_with_job(&self, job: &InspectedJob) -> ClaimComparison {
        let (outcome, message) = match job {
            InspectedJob::Absent => (
                VerificationOutcome::Unverifiable,
                "the service does not know the job any more, and cannot be asked for the file"
                    .into(),
            ),
            InspectedJob::Running(word) => (
                VerificationOutcome::Pending,
                format!("the job has not ended: {word}"),
            ),
            InspectedJob::Unknown(why) => {
                return ClaimComparison::unknown(format!("the service could not be asked: {why}"));
            }
            InspectedJob::Ended(end) => match end.file_outcome(&self.file_name) {
                FileOutcome::Attached => (
                    VerificationOutcome::Unverifiable,
                    "the job ended in success, and the service cannot be asked for the file".into(),
                ),
                FileOutcome::NotAttached(why) => (
                    VerificationOutcome::Missing,
                    format!("the job did not attach the file: {why}"),
                ),
                FileOutcome::Unknown => (
                    VerificationOutcome::Error,
                    format!(
                        "the job does not say whether the file was attached: {}",
                        end.message
                    ),
                ),
            },
        };
        ClaimComparison::new(outcome, ContentFacts::default(), message)
    }
}

/// Describes how a name differs from the expected one; `None` if the names are equal or one is
/// unknown.
fn name_difference(name: &str, now: &Reported, then: Option<&str>) -> Option<String> {
    let then = then?;
    match now {
        Reported::NotReported => None,
        Reported::Null => Some(format!("the attachment has no {name} any more")),
        Reported::Text {
            value,
            redacted: words,
        } => (value.trim() != then.trim()).then(|| format!("the {name} is now {}", quoted(words))),
    }
}

#[cfg(test)]
mod tests;
