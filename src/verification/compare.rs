//! Comparison of the claim of a row with the state at the service. Pure functions.

use super::{Facts, Outcome};
use crate::destination::Fate;
use crate::destination::archive::{Exhibit, Shown};
use crate::http::{Digested, Fetched};
use crate::pipeline::{Bytes, Job, Seen};
use crate::text::{counted, quoted};

/// State of an attachment as the line of a done row claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// External id which the attachment should have now.
    pub external_id: String,
    /// Origin of the external id.
    pub named_by: NamedBy,
    /// Title, if the import gave the title; `None` if the service or somebody else did.
    pub title: Option<String>,
    /// Name under which a job knows the file.
    pub file_name: String,
    /// Expected content. Only the size is known for an attachment of somebody else which the user
    /// kept.
    pub expected: Facts,
}

/// Origin of an attachment's external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The attachment was created with the external id, which is the row's.
    Maker,
    /// The import renamed the attachment, so the external id is not the row's.
    Rename,
}

/// Result of the comparison of a claim with the state at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Gravest difference.
    pub outcome: Outcome,
    /// Content which was found.
    pub found: Facts,
    /// Every difference, for people.
    pub message: String,
}

impl Verdict {
    fn of(outcome: Outcome, found: Facts, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            outcome,
            found,
            message,
        }
    }

    /// Returns the result for a state which could not be read.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::of(Outcome::Error, Facts::default(), why)
    }
}

impl Claim {
    /// Compares the claim with an observed attachment.
    pub fn compare(&self, seen: &Seen) -> Verdict {
        match seen {
            Seen::Absent => Verdict::of(
                Outcome::Missing,
                Facts::default(),
                "the service has no such attachment any more",
            ),
            Seen::Unknown(why) => {
                Verdict::unknown(format!("the service could not be asked: {why}"))
            }
            Seen::There(exhibit, bytes) => self.with_names(self.content(exhibit, bytes), exhibit),
        }
    }

    fn content(&self, exhibit: &Exhibit, bytes: &Bytes) -> Verdict {
        let size = exhibit.size;
        let found = Facts { size, sha256: None };
        match (size, self.expected.size) {
            (None, _) => Verdict::of(Outcome::Pending, found, "the attachment has no bytes"),
            (Some(theirs), Some(ours)) if theirs != ours => Verdict::of(
                Outcome::SizeDiffers,
                found,
                format!(
                    "the service shows {}, and {} were {}",
                    counted(theirs, "byte"),
                    counted(ours, "byte"),
                    self.origin()
                ),
            ),
            (Some(_), _) => match bytes {
                Bytes::NotFetched => Verdict::of(Outcome::Match, found, ""),
                Bytes::Fetched(fetched) => self.fetched(*fetched),
                Bytes::Unfetched(why) => Verdict::of(
                    Outcome::Error,
                    found,
                    format!("the bytes could not be downloaded: {why}"),
                ),
            },
        }
    }

    /// Words for the origin of the content in messages.
    fn origin(&self) -> &'static str {
        match self.expected.sha256 {
            Some(_) => "imported",
            None => "there at the import",
        }
    }

    fn fetched(&self, fetched: Fetched) -> Verdict {
        let (Digested { size, sha256 }, is_web_page) = match fetched {
            Fetched::File(digested) => (digested, false),
            Fetched::WebPage(digested) => (digested, true),
            Fetched::Longer => {
                return Verdict::of(
                    Outcome::ContentDiffers,
                    Facts::default(),
                    "the storage holds more bytes than the service shows",
                );
            }
        };
        let found = Facts {
            size: Some(size),
            sha256: Some(sha256),
        };
        if Some(sha256) == self.expected.sha256 {
            return Verdict::of(Outcome::Match, found, "");
        }
        if is_web_page {
            return Verdict::of(
                Outcome::Error,
                found,
                "a web page came in place of the file; is a proxy or a sign-in page in between?",
            );
        }
        let message = if self.expected.size == Some(size) {
            "the bytes are others than were imported, and just as many".to_owned()
        } else {
            format!(
                "the storage holds {}, other than the service shows",
                counted(size, "byte")
            )
        };
        Verdict::of(Outcome::ContentDiffers, found, message)
    }

    /// Adds the differences of external id and title, which are less grave than differences of
    /// content.
    fn with_names(&self, verdict: Verdict, exhibit: &Exhibit) -> Verdict {
        let external_id = renamed("external_id", &exhibit.external_id, Some(&self.external_id));
        let external_id = external_id.map(|difference| match self.named_by {
            NamedBy::Maker => difference,
            NamedBy::Rename => format!(
                "{difference}, and the import renamed it to {}",
                quoted(&self.external_id)
            ),
        });
        let names = [
            external_id,
            renamed("title", &exhibit.title, self.title.as_deref()),
        ];
        let names: Vec<String> = names.into_iter().flatten().collect();
        if names.is_empty() {
            return verdict;
        }
        let outcome = match verdict.outcome {
            Outcome::Match => Outcome::Renamed,
            graver => graver,
        };
        let all = Some(verdict.message).filter(|message| !message.is_empty());
        let all: Vec<String> = all.into_iter().chain(names).collect();
        Verdict::of(outcome, verdict.found, all.join("; "))
    }

    /// Compares the claim with a job. A job can show nothing more than its end in success.
    pub fn compare_with_job(&self, job: &Job) -> Verdict {
        let (outcome, message) = match job {
            Job::Absent => (
                Outcome::Unverifiable,
                "the service does not know the job any more, and cannot be asked for the file"
                    .into(),
            ),
            Job::Running(word) => (Outcome::Pending, format!("the job has not ended: {word}")),
            Job::Unknown(why) => {
                return Verdict::unknown(format!("the service could not be asked: {why}"));
            }
            Job::Ended(end) => match end.fate(&self.file_name) {
                Fate::Attached => (
                    Outcome::Unverifiable,
                    "the job ended in success, and the service cannot be asked for the file".into(),
                ),
                Fate::NotAttached(why) => (
                    Outcome::Missing,
                    format!("the job did not attach the file: {why}"),
                ),
                Fate::Unknown => (
                    Outcome::Error,
                    format!(
                        "the job does not say that it attached the file: {}",
                        end.word
                    ),
                ),
            },
        };
        Verdict::of(outcome, Facts::default(), message)
    }
}

/// Describes how a name differs from the expected one; `None` if the names are equal or one is
/// unknown.
fn renamed(name: &str, now: &Shown, then: Option<&str>) -> Option<String> {
    let then = then?;
    match now {
        Shown::NotTold => None,
        Shown::Nothing => Some(format!("it has no {name} any more")),
        Shown::Text { value, words } => {
            (value.trim() != then.trim()).then(|| format!("its {name} is now {}", quoted(words)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::destination::End;
    use crate::digest::sha256;

    fn claim() -> Claim {
        Claim {
            external_id: "A1".into(),
            named_by: NamedBy::Maker,
            title: Some("Master agreement".into()),
            file_name: "A1.pdf".into(),
            expected: Facts {
                size: Some(5),
                sha256: Some(sha256(b"hello")),
            },
        }
    }

    fn text(text: &str) -> Shown {
        Shown::Text {
            value: text.into(),
            words: text.into(),
        }
    }

    fn exhibit() -> Exhibit {
        Exhibit {
            external_id: text("A1"),
            title: text("Master agreement"),
            file_name: text("A1.pdf"),
            uploaded_at: Shown::NotTold,
            size: Some(5),
        }
    }

    fn bytes(bytes: &[u8]) -> Digested {
        Digested {
            size: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }

    fn of(exhibit: Exhibit, bytes: Bytes) -> (Outcome, String) {
        let verdict = claim().compare(&Seen::There(exhibit, bytes));
        (verdict.outcome, verdict.message)
    }

    #[test]
    fn the_gravest_difference_is_the_outcome_and_all_of_them_are_told() {
        let cases = [
            (exhibit(), Outcome::Match, ""),
            (
                Exhibit {
                    size: None,
                    ..exhibit()
                },
                Outcome::Pending,
                "the attachment has no bytes",
            ),
            (
                Exhibit {
                    size: Some(6),
                    title: text("Other"),
                    ..exhibit()
                },
                Outcome::SizeDiffers,
                "the service shows 6 bytes, and 5 bytes were imported; its title is now \"Other\"",
            ),
            (
                Exhibit {
                    external_id: Shown::Nothing,
                    ..exhibit()
                },
                Outcome::Renamed,
                "it has no external_id any more",
            ),
            (
                Exhibit {
                    external_id: text("a1"),
                    ..exhibit()
                },
                Outcome::Renamed,
                "its external_id is now \"a1\"",
            ),
            (
                Exhibit {
                    external_id: Shown::NotTold,
                    title: Shown::NotTold,
                    ..exhibit()
                },
                Outcome::Match,
                "",
            ),
        ];
        for (exhibit, outcome, message) in cases {
            assert_eq!(
                of(exhibit, Bytes::NotFetched),
                (outcome, message.to_owned())
            );
        }
    }

    #[test]
    fn a_title_that_the_service_made_up_is_no_change() {
        let untitled = Claim {
            title: None,
            ..claim()
        };
        let verdict = untitled.compare(&Seen::There(exhibit(), Bytes::NotFetched));
        assert_eq!(verdict.outcome, Outcome::Match);
    }

    #[test]
    fn what_was_renamed_is_expected_under_its_new_name_and_no_other() {
        let renamed = Claim {
            external_id: "EU-A1".into(),
            named_by: NamedBy::Rename,
            ..claim()
        };
        for (now, outcome, message) in [
            (text("EU-A1"), Outcome::Match, ""),
            (Shown::NotTold, Outcome::Match, ""),
            (
                text("A1"),
                Outcome::Renamed,
                "its external_id is now \"A1\", and the import renamed it to \"EU-A1\"",
            ),
            (
                Shown::Nothing,
                Outcome::Renamed,
                "it has no external_id any more, and the import renamed it to \"EU-A1\"",
            ),
        ] {
            let exhibit = Exhibit {
                external_id: now,
                ..exhibit()
            };
            let verdict = renamed.compare(&Seen::There(exhibit, Bytes::NotFetched));
            assert_eq!((verdict.outcome, &*verdict.message), (outcome, message));
        }
    }

    #[test]
    fn of_what_somebody_else_stored_the_size_is_compared_and_nobody_says_that_it_was_imported() {
        let kept = Claim {
            expected: Facts {
                size: Some(5),
                sha256: None,
            },
            ..claim()
        };
        let of = |size| {
            let exhibit = Exhibit { size, ..exhibit() };
            let verdict = kept.compare(&Seen::There(exhibit, Bytes::NotFetched));
            (verdict.outcome, verdict.message)
        };
        assert_eq!(of(Some(5)), (Outcome::Match, String::new()));
        assert_eq!(
            of(Some(6)),
            (
                Outcome::SizeDiffers,
                "the service shows 6 bytes, and 5 bytes were there at the import".to_owned()
            )
        );
    }

    #[test]
    fn bytes_are_what_was_imported_or_not() {
        for (fetched, outcome) in [
            (Fetched::File(bytes(b"hello")), Outcome::Match),
            (Fetched::WebPage(bytes(b"hello")), Outcome::Match),
            (Fetched::File(bytes(b"HELLO")), Outcome::ContentDiffers),
            (Fetched::File(bytes(b"hell")), Outcome::ContentDiffers),
            (Fetched::WebPage(bytes(b"<html")), Outcome::Error),
            (Fetched::Longer, Outcome::ContentDiffers),
        ] {
            let (found, _) = of(exhibit(), Bytes::Fetched(fetched));
            assert_eq!(found, outcome, "{fetched:?}");
        }
        let (outcome, message) = of(exhibit(), Bytes::Unfetched("status 404".into()));
        assert_eq!(outcome, Outcome::Error);
        assert_eq!(message, "the bytes could not be downloaded: status 404");
    }

    #[test]
    fn a_digest_proves_the_content_where_the_results_know_no_size() {
        let expected = Facts {
            size: None,
            ..claim().expected
        };
        let claim = Claim {
            expected,
            ..claim()
        };
        let seen = Seen::There(exhibit(), Bytes::Fetched(Fetched::File(bytes(b"hello"))));
        assert_eq!(claim.compare(&seen).outcome, Outcome::Match);
    }

    #[test]
    fn a_job_that_ended_in_success_passes_nothing() {
        let end = |fate| {
            Job::Ended(End {
                word: "COMPLETED".into(),
                files: BTreeMap::from([("A1.pdf".to_owned(), fate)]),
                others: Fate::Attached,
            })
        };
        for (job, outcome) in [
            (end(Fate::Attached), Outcome::Unverifiable),
            (end(Fate::NotAttached("too large".into())), Outcome::Missing),
            (end(Fate::Unknown), Outcome::Error),
            (Job::Absent, Outcome::Unverifiable),
            (Job::Running("RUNNING".into()), Outcome::Pending),
            (Job::Unknown("status 500".into()), Outcome::Error),
        ] {
            assert_eq!(claim().compare_with_job(&job).outcome, outcome, "{job:?}");
        }
    }
}
