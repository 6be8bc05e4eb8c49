//! What an exception means, and what to do about it, in the words of a person who explains it.

use crate::model::Service;
use crate::results::{Reason, Status};
use crate::verification::Outcome;

/// What is said of a group of exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Advice {
    /// What it means.
    pub(super) meaning: &'static str,
    /// What to do.
    pub(super) what_to_do: &'static str,
}

const RESUME: &str = "Run the import again with --resume.";

/// Of rows that are not done: by the reason, which is the more exact word, or else by the status.
pub(super) fn of_status(status: Status, reason: &Reason, service: Option<Service>) -> Advice {
    let (meaning, what_to_do) = match status {
        // The reason only tells how far it came.
        Status::Replacing => of_replacing(reason),
        _ => of_reason(reason).unwrap_or_else(|| of_bare_status(status, service)),
    };
    Advice {
        meaning,
        what_to_do,
    }
}

/// Each reason that a row can have, what it means, and what to do.
const REASONS: [(&Reason, &str, &str); 28] = [
    (
        &Reason::NotReached,
        "The import ended before their turn came.",
        RESUME,
    ),
    (
        &Reason::PendingElsewhere,
        "A record without bytes has their external_id, and it is not known to be this import's.",
        "The service removes such records within an hour: run the import again with --resume then.",
    ),
    (
        &Reason::StoredOtherSize,
        "An attachment of another size has their external_id. It was left as it is.",
        "Give these rows other external_ids, or take them out of the manifest. If the files should \
             take its place, import with --on-conflict replace; if it should stay, with --on-conflict \
             skip.",
    ),
    (
        &Reason::FileChanged,
        "The file has changed since the row was done. What is stored was left as it is.",
        "Put the file back as it was, or give the row a new external_id. If the file should take the \
             place of what is stored, import with --on-conflict replace.",
    ),
    (
        &Reason::ObjectChanged,
        "The manifest names another record than the one that the row was begun for.",
        "Undo the change, or give the row a new external_id; an unfinished one can be resumed \
             after an hour.",
    ),
    (
        &Reason::LookupMismatch,
        "The service answered the look-up with an attachment of another external_id.",
        "Choose external_ids without special characters.",
    ),
    (
        &Reason::Refused,
        "The service refused to take them; the message is what it said.",
        "Mend what the message names, then run the import again with --resume.",
    ),
    (
        &Reason::Forbidden,
        "The keys work, but not for these records.",
        "Ask for the rights on these records, then run the import again with --resume.",
    ),
    (
        &Reason::UnsafeUploadUrl,
        "The service gave an address to which it is not safe to send. Nothing was sent there.",
        "Ask the service's support.",
    ),
    (
        &Reason::UploadRefused,
        "The storage refused the file; the message is what it said.",
        "Mend what the message names, then run the import again with --resume.",
    ),
    (
        &Reason::NoAnswer,
        "The service answered other requests, but not those for these rows.",
        "Run the import again with --resume later.",
    ),
    (
        &Reason::SourceChanged,
        "The file changed, or went away, after it was checked. It was not stored.",
        "Run the import again with --resume, which checks and sends it as it is then.",
    ),
    (
        &Reason::SizeNotShown,
        "The storage took the file, and the service did not show its size in time.",
        "Run the import again with --resume later; it asks before it sends.",
    ),
    (
        &Reason::Renewing,
        "A new upload address was asked for, and how that ended is not recorded.",
        RESUME,
    ),
    (
        &Reason::SizeMismatch,
        "The service shows another size than was sent.",
        "Look at the attachment in the service.",
    ),
    (
        &Reason::Purged,
        "The service removed the record after its bytes were sent, twice.",
        "Ask the service's support, or run the import again with --resume.",
    ),
    (
        &Reason::Sending,
        "The file was being sent to a job, and how that ended is not recorded.",
        RESUME,
    ),
    (
        &Reason::JobWaiting,
        "The job did not say in time where its files go. Nothing was sent.",
        "Run the import again with --resume later.",
    ),
    (
        &Reason::JobRunning,
        "The storage took the file, and its job did not end in time.",
        "Run the import again with --resume later.",
    ),
    (
        &Reason::JobFailed,
        "The job failed after files were sent to it, and the service does not say which of them \
             it attached. Bidders may see them already.",
        "Look at the record; if the file is not there, run the import again with --resume \
             --retry-failed-jobs.",
    ),
    (
        &Reason::NotAttached,
        "The job came to nothing for these files: they are not attached.",
        RESUME,
    ),
    (
        &Reason::Updating,
        "A new title was sent, and how that ended is not recorded.",
        RESUME,
    ),
    (
        &Reason::Renaming,
        "A new external_id was sent, and how that ended is not recorded.",
        RESUME,
    ),
    (
        &Reason::NewIdTaken,
        "Another attachment has the new external_id. Neither of them was touched.",
        "Give these rows other new external_ids, or leave the cells empty.",
    ),
    (
        &Reason::RenamedElsewhere,
        "The attachment has an external_id that neither the manifest nor an earlier import gave it.",
        "Find out who renamed it, and which external_id is right.",
    ),
    (
        &Reason::NoBackup,
        "What was to be replaced could not be kept, or not be compared. It was left as it is.",
        "Mend what the message names, then run the import again with --resume.",
    ),
    (
        &Reason::Gone,
        "The attachment is not in the service any more, or has lost its bytes. Nothing was changed.",
        "Look at the record in the service. To attach the file again, give the row a new external_id.",
    ),
    (
        &Reason::NotFit,
        "The row or its file is not fit to send; the message says why.",
        "Mend the manifest or the file, then run the import again with --resume.",
    ),
];
fn of_reason(reason: &Reason) -> Option<(&'static str, &'static str)> {
    REASONS
        .iter()
        .find(|(known, _, _)| *known == reason)
        .map(|(_, meaning, what_to_do)| (*meaning, *what_to_do))
}

/// Of attachments whose content was being replaced, which cannot wait.
fn of_replacing(reason: &Reason) -> (&'static str, &'static str) {
    let meaning = if *reason == Reason::Renewing {
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
        Status::Replacing => of_replacing(&Reason::None),
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

/// Of rows about which `verify` found something to say.
pub(super) fn of_outcome(outcome: Outcome, service: Option<Service>) -> Advice {
    let (meaning, what_to_do) = match outcome {
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
    };
    Advice {
        meaning,
        what_to_do,
    }
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
