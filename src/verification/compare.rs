//! Comparison of the claim of a row with the state at the service. Pure functions.

use super::{ContentFacts, VerificationOutcome};
use crate::destination::FileOutcome;
use crate::destination::attachment_metadata::{AttachmentMetadata, Reported};
use crate::http::{DigestedBytes, FetchedContent};
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
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::destination::JobOutcome;
    use crate::digest::sha256;

    fn claim() -> AttachmentClaim {
        AttachmentClaim {
            external_id: "A1".into(),
            key_source: KeySource::Creator,
            title: Some("Master agreement".into()),
            file_name: "A1.pdf".into(),
            expected: ContentFacts {
                size: Some(5),
                sha256: Some(sha256(b"hello")),
            },
        }
    }

    fn text(text: &str) -> Reported {
        Reported::Text {
            value: text.into(),
            redacted: text.into(),
        }
    }

    fn metadata() -> AttachmentMetadata {
        AttachmentMetadata {
            external_id: text("A1"),
            title: text("Master agreement"),
            file_name: text("A1.pdf"),
            uploaded_at: Reported::NotReported,
            size: Some(5),
        }
    }

    fn bytes(bytes: &[u8]) -> DigestedBytes {
        DigestedBytes {
            size: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }

    fn compare(
        metadata: AttachmentMetadata,
        bytes: InspectedBytes,
    ) -> (VerificationOutcome, String) {
        let verdict = claim().compare(&InspectedAttachment::Found(metadata, bytes));
        (verdict.outcome, verdict.message)
    }

    #[test]
    fn the_gravest_difference_is_the_outcome_and_all_of_them_are_told() {
        let cases = [
            (metadata(), VerificationOutcome::Match, ""),
            (
                AttachmentMetadata {
                    size: None,
                    ..metadata()
                },
                VerificationOutcome::Pending,
                "the attachment has no bytes",
            ),
            (
                AttachmentMetadata {
                    size: Some(6),
                    title: text("Other"),
                    ..metadata()
                },
                VerificationOutcome::SizeDiffers,
                "the service shows 6 bytes, and 5 bytes were imported; the title is now \"Other\"",
            ),
            (
                AttachmentMetadata {
                    external_id: Reported::Null,
                    ..metadata()
                },
                VerificationOutcome::Renamed,
                "the attachment has no external_id any more",
            ),
            (
                AttachmentMetadata {
                    external_id: text("a1"),
                    ..metadata()
                },
                VerificationOutcome::Renamed,
                "the external_id is now \"a1\"",
            ),
            (
                AttachmentMetadata {
                    external_id: Reported::NotReported,
                    title: Reported::NotReported,
                    ..metadata()
                },
                VerificationOutcome::Match,
                "",
            ),
        ];
        for (exhibit, outcome, message) in cases {
            assert_eq!(
                compare(exhibit, InspectedBytes::NotDownloaded),
                (outcome, message.to_owned())
            );
        }
    }

    #[test]
    fn a_title_that_the_service_made_up_is_no_change() {
        let untitled = AttachmentClaim {
            title: None,
            ..claim()
        };
        let verdict = untitled.compare(&InspectedAttachment::Found(
            metadata(),
            InspectedBytes::NotDownloaded,
        ));
        assert_eq!(verdict.outcome, VerificationOutcome::Match);
    }

    #[test]
    fn what_was_renamed_is_expected_under_its_new_name_and_no_other() {
        let renamed = AttachmentClaim {
            external_id: "EU-A1".into(),
            key_source: KeySource::Rename,
            ..claim()
        };
        for (now, outcome, message) in [
            (text("EU-A1"), VerificationOutcome::Match, ""),
            (Reported::NotReported, VerificationOutcome::Match, ""),
            (
                text("A1"),
                VerificationOutcome::Renamed,
                "the external_id is now \"A1\", but the import set \"EU-A1\"",
            ),
            (
                Reported::Null,
                VerificationOutcome::Renamed,
                "the attachment has no external_id any more, but the import set \"EU-A1\"",
            ),
        ] {
            let metadata = AttachmentMetadata {
                external_id: now,
                ..metadata()
            };
            let verdict = renamed.compare(&InspectedAttachment::Found(
                metadata,
                InspectedBytes::NotDownloaded,
            ));
            assert_eq!((verdict.outcome, &*verdict.message), (outcome, message));
        }
    }

    #[test]
    fn of_what_somebody_else_stored_the_size_is_compared_and_nobody_says_that_it_was_imported() {
        let kept = AttachmentClaim {
            expected: ContentFacts {
                size: Some(5),
                sha256: None,
            },
            ..claim()
        };
        let of = |size| {
            let metadata = AttachmentMetadata { size, ..metadata() };
            let verdict = kept.compare(&InspectedAttachment::Found(
                metadata,
                InspectedBytes::NotDownloaded,
            ));
            (verdict.outcome, verdict.message)
        };
        assert_eq!(of(Some(5)), (VerificationOutcome::Match, String::new()));
        assert_eq!(
            of(Some(6)),
            (
                VerificationOutcome::SizeDiffers,
                "the service shows 6 bytes, and 5 bytes were there at the import".to_owned()
            )
        );
    }

    #[test]
    fn bytes_are_what_was_imported_or_not() {
        for (fetched, outcome) in [
            (
                FetchedContent::File(bytes(b"hello")),
                VerificationOutcome::Match,
            ),
            (
                FetchedContent::WebPage(bytes(b"hello")),
                VerificationOutcome::Match,
            ),
            (
                FetchedContent::File(bytes(b"HELLO")),
                VerificationOutcome::ContentDiffers,
            ),
            (
                FetchedContent::File(bytes(b"hell")),
                VerificationOutcome::ContentDiffers,
            ),
            (
                FetchedContent::WebPage(bytes(b"<html")),
                VerificationOutcome::Error,
            ),
            (FetchedContent::TooLong, VerificationOutcome::ContentDiffers),
        ] {
            let (found, _) = compare(metadata(), InspectedBytes::Downloaded(fetched));
            assert_eq!(found, outcome, "{fetched:?}");
        }
        let (outcome, message) =
            compare(metadata(), InspectedBytes::Unavailable("status 404".into()));
        assert_eq!(outcome, VerificationOutcome::Error);
        assert_eq!(message, "the bytes could not be downloaded: status 404");
    }

    #[test]
    fn a_digest_proves_the_content_where_the_results_know_no_size() {
        let expected = ContentFacts {
            size: None,
            ..claim().expected
        };
        let claim = AttachmentClaim {
            expected,
            ..claim()
        };
        let seen = InspectedAttachment::Found(
            metadata(),
            InspectedBytes::Downloaded(FetchedContent::File(bytes(b"hello"))),
        );
        assert_eq!(claim.compare(&seen).outcome, VerificationOutcome::Match);
    }

    #[test]
    fn a_job_that_ended_in_success_passes_nothing() {
        let end = |fate| {
            InspectedJob::Ended(JobOutcome {
                message: "COMPLETED".into(),
                named_files: BTreeMap::from([("A1.pdf".to_owned(), fate)]),
                other_files: FileOutcome::Attached,
            })
        };
        for (job, outcome) in [
            (
                end(FileOutcome::Attached),
                VerificationOutcome::Unverifiable,
            ),
            (
                end(FileOutcome::NotAttached("too large".into())),
                VerificationOutcome::Missing,
            ),
            (end(FileOutcome::Unknown), VerificationOutcome::Error),
            (InspectedJob::Absent, VerificationOutcome::Unverifiable),
            (
                InspectedJob::Running("RUNNING".into()),
                VerificationOutcome::Pending,
            ),
            (
                InspectedJob::Unknown("status 500".into()),
                VerificationOutcome::Error,
            ),
        ] {
            assert_eq!(claim().compare_with_job(&job).outcome, outcome, "{job:?}");
        }
    }
}
