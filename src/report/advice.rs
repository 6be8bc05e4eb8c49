//! Advice to the user about exceptions: the meaning of a group of exceptions, and what to do.

use crate::model::Service;
use crate::results::{Reason, Replacement, RowState, Status};
use crate::verification::Outcome;

/// Texts of a group of exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advice {
    /// Meaning of the exceptions, as a sentence.
    pub(super) meaning: &'static str,
    /// Next step for the user, as a sentence.
    pub(super) what_to_do: String,
}

impl Advice {
    fn new((meaning, what_to_do): (&'static str, &str)) -> Self {
        Self {
            meaning,
            what_to_do: what_to_do.to_owned(),
        }
    }
}

const RESUME: &str = "Run the import again with --resume.";

/// Returns advice about rows that are not done: by the reason, which is the more exact word, or
/// else by the status.
pub(super) fn of_status(status: Status, reason: &Reason, service: Option<Service>) -> Advice {
    match (RowState::decode(status, reason), reason.meaning()) {
        // The reason only tells how far the replacement came.
        (RowState::Replacing(replacement), _) => Advice::new(of_replacing(&replacement)),
        (_, "") => Advice::new(of_bare_status(status, service)),
        (_, meaning) => Advice {
            meaning,
            what_to_do: sentence(reason.remedy()),
        },
    }
}

/// Returns a remedy as a sentence of its own.
fn sentence(remedy: &str) -> String {
    let mut letters = remedy.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Returns advice about attachments whose content was being replaced. Such attachments cannot wait.
fn of_replacing(replacement: &Replacement) -> (&'static str, &'static str) {
    let meaning = if *replacement == Replacement::LettingGo {
        "Their content was about to be replaced when the import ended: the attachments may be WITHOUT \
         CONTENT."
    } else {
        "Their former content was let go of, and the new one is not confirmed: the attachments may be \
         WITHOUT CONTENT."
    };
    (
        meaning,
        "Run the import again with --resume soon: it puts the new content there. Until then the former \
         content is in the backup, where one was kept.",
    )
}

/// Returns advice about rows without a reason.
fn of_bare_status(status: Status, service: Option<Service>) -> (&'static str, &'static str) {
    match status {
        Status::Uploaded
        | Status::Replaced
        | Status::Renamed
        | Status::Updated
        | Status::Skipped => ("They are done.", "Nothing."),
        Status::Conflict => (
            "Something else has their external_id, or the row changed after it was done. What is \
             stored was left as it is.",
            "Read the message of each.",
        ),
        Status::Failed => (
            "They were tried, and cannot succeed as they are.",
            "Read the message of each, mend what it names, then run the import again with --resume.",
        ),
        Status::Invalid => (
            "The row or its file is not fit to send.",
            "Mend the manifest or the file, then run the import again with --resume.",
        ),
        Status::Replacing => of_replacing(&Replacement::LetGo(Reason::None)),
        Status::Creating => (
            "A record was being made when the import ended; nobody knows yet whether it was.",
            RESUME,
        ),
        Status::Created if service == Some(Service::Keelvar) => (
            "Their job was made, and has not been sent their files.",
            RESUME,
        ),
        Status::Created => (
            "Their record was made, and its bytes are not yet confirmed.",
            RESUME,
        ),
        Status::Pending => ("They were not reached, or are to be tried again.", RESUME),
    }
}

/// Returns advice about rows with an outcome of `verify`.
pub(super) fn of_outcome(outcome: Outcome, service: Option<Service>) -> Advice {
    Advice::new(match outcome {
        Outcome::Missing if service == Some(Service::Keelvar) => (
            "The job did not attach the file, although the results say that it did.",
            "Look at the record in the service. To attach a file that is not there, give the row a new \
             external_id and import it.",
        ),
        Outcome::Pending if service == Some(Service::Keelvar) => (
            "The job goes on, although the results say that it has ended.",
            "Run consign verify again later, then this report.",
        ),
        Outcome::Match => ("It is in the service as it was imported.", "Nothing."),
        Outcome::NotDone => ("The results do not claim that the row is done.", RESUME),
        Outcome::Missing => (
            "The attachment is no longer in the service.",
            "Find out who removed it. To attach it again, give the row a new external_id and import it.",
        ),
        Outcome::Pending => (
            "The attachment is there without its bytes: most likely somebody has begun to replace them.",
            "Find out who did. The service removes such records within an hour.",
        ),
        Outcome::SizeDiffers => (
            "The attachment has another size than was imported: its content was replaced.",
            "Find out who replaced it, and which content is right.",
        ),
        Outcome::ContentDiffers => (
            "The service shows the size that was imported, and gives other bytes.",
            "Find out who replaced it, and which content is right.",
        ),
        Outcome::Renamed => (
            "It is there with its size, but its external_id or title is another one.",
            "Find out whether that was meant: under another external_id a later import would not \
             find it.",
        ),
        Outcome::Unverifiable => (
            "The service has no way to tell what became of the file after its job ended. It is not \
             known to be wrong, and it is not verified.",
            "Look at the record in the service, where it matters.",
        ),
        Outcome::Error => (
            "It could not be found out how the attachment stands; the message says why.",
            "Run consign verify again, then this report.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_says_more_than_the_status_and_is_asked_first() {
        let conflict = |reason| of_status(Status::Conflict, &reason, None);
        assert!(
            conflict(Reason::FileChanged)
                .meaning
                .contains("has changed")
        );
        assert_eq!(
            conflict(Reason::None).what_to_do,
            "Read the message of each."
        );
    }

    #[test]
    fn whoever_has_an_attachment_without_content_is_told_so_whatever_the_reason() {
        for reason in [Reason::None, Reason::Renewing] {
            let advice = of_status(Status::Replacing, &reason, None);
            assert!(advice.meaning.ends_with("may be WITHOUT CONTENT."));
            assert!(advice.what_to_do.contains("--resume"));
        }
    }

    #[test]
    fn nobody_is_told_of_attachments_where_there_are_jobs_alone() {
        for outcome in [Outcome::Missing, Outcome::Pending] {
            let advice = |service| of_outcome(outcome, Some(service)).meaning;
            assert!(advice(Service::Keelvar).starts_with("The job "));
            assert!(advice(Service::Workday).starts_with("The attachment "));
        }
    }

    #[test]
    fn whoever_has_an_exception_is_told_what_to_do() {
        for status in Status::ALL {
            for service in [None, Some(Service::Workday), Some(Service::Keelvar)] {
                let advice = of_status(status, &Reason::None, service);
                assert!(advice.meaning.ends_with('.') && advice.what_to_do.ends_with('.'));
            }
        }
        for outcome in Outcome::ALL {
            for service in [None, Some(Service::Workday), Some(Service::Keelvar)] {
                let advice = of_outcome(outcome, service);
                assert!(advice.meaning.ends_with('.') && advice.what_to_do.ends_with('.'));
            }
        }
    }
}
