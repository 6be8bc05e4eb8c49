//! Advice to the user about exceptions: the meaning of a group of exceptions, and what to do.

use crate::model::ProcurementService;
use crate::results::{ReplacementStage, RowState, Status, StatusReason};
use crate::verification::VerificationOutcome;

/// Texts of a group of exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExceptionAdvice {
    /// Meaning of the exceptions, as a sentence.
    pub(super) meaning: &'static str,
    /// Next step for the user, as a sentence.
    pub(super) what_to_do: String,
}

impl ExceptionAdvice {
    fn new((meaning, what_to_do): (&'static str, &str)) -> Self {
        Self {
            meaning,
            what_to_do: what_to_do.to_owned(),
        }
    }
}

const RESUME_ADVICE: &str = "Run the import again with --resume.";

/// Returns advice about rows that are not done: by the reason, which is the more exact word, or
/// else by the status.
pub(super) fn advice_for_status(
    status: Status,
    reason: &StatusReason,
    service: Option<ProcurementService>,
) -> ExceptionAdvice {
    match (RowState::decode(status, reason), reason.meaning()) {
        // The reason only says how far the replacement came.
        (RowState::Replacing(replacement), _) => {
            ExceptionAdvice::new(advice_for_replacing(&replacement))
        }
        (_, "") => ExceptionAdvice::new(advice_without_reason(status, service)),
        (_, meaning) => ExceptionAdvice {
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
fn advice_for_replacing(replacement: &ReplacementStage) -> (&'static str, &'static str) {
    let meaning = if *replacement == ReplacementStage::ReleaseRequested {
        "Their content was about to be replaced when the import ended: the attachments may be WITHOUT \
         CONTENT."
    } else {
        "Their old content was released, and the new content is not confirmed: the attachments may \
         be WITHOUT CONTENT."
    };
    (
        meaning,
        "Run the import again with --resume soon, to store the new content. Until then the old \
         content is in the backup, if a backup was kept.",
    )
}

/// Returns advice about rows without a reason.
fn advice_without_reason(
    status: Status,
    service: Option<ProcurementService>,
) -> (&'static str, &'static str) {
    match status {
        Status::Uploaded
        | Status::Replaced
        | Status::Renamed
        | Status::Updated
        | Status::Skipped => ("They are done.", "Nothing."),
        Status::Conflict => (
            "Another attachment has their external_id, or the row changed after it was done. The \
             stored content was left as it is.",
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
        Status::Replacing => advice_for_replacing(&ReplacementStage::Released(StatusReason::None)),
        Status::Creating => (
            "The import ended while a record was being created; the result is unknown.",
            RESUME_ADVICE,
        ),
        Status::Created if service == Some(ProcurementService::Keelvar) => (
            "Their job was made, and has not been sent their files.",
            RESUME_ADVICE,
        ),
        Status::Created => (
            "Their record was made, and its bytes are not yet confirmed.",
            RESUME_ADVICE,
        ),
        Status::Pending => (
            "They were not reached, or are to be tried again.",
            RESUME_ADVICE,
        ),
    }
}

/// Returns advice about rows with an outcome of `verify`.
pub(super) fn advice_for_outcome(
    outcome: VerificationOutcome,
    service: Option<ProcurementService>,
) -> ExceptionAdvice {
    ExceptionAdvice::new(match outcome {
        VerificationOutcome::Missing if service == Some(ProcurementService::Keelvar) => (
            "The job did not attach the file, although the results say that it did.",
            "Look at the record in the service. To attach a file that is not there, give the row a new \
             external_id and import it.",
        ),
        VerificationOutcome::Pending if service == Some(ProcurementService::Keelvar) => (
            "The job goes on, although the results say that it has ended.",
            "Run consign verify again later, then this report.",
        ),
        VerificationOutcome::Match => {
            ("The file is in the service as it was imported.", "Nothing.")
        }
        VerificationOutcome::NotDone => (
            "The results do not claim that the row is done.",
            RESUME_ADVICE,
        ),
        VerificationOutcome::Missing => (
            "The attachment is no longer in the service.",
            "Find out who removed the attachment. To attach the file again, give the row a new \
             external_id and import it.",
        ),
        VerificationOutcome::Pending => (
            "The attachment is there without its bytes: most likely somebody has begun to replace them.",
            "Find out who did. The service removes such records within an hour.",
        ),
        VerificationOutcome::SizeDiffers => (
            "The attachment has another size than was imported: its content was replaced.",
            "Find out who replaced the content, and which content is right.",
        ),
        VerificationOutcome::ContentDiffers => (
            "The service shows the size that was imported, and gives other bytes.",
            "Find out who replaced the content, and which content is right.",
        ),
        VerificationOutcome::OtherObject => (
            "The attachment is there, and is not on the record that the results name.",
            "Find out which record is right. To attach the file to the record of the row, give the row \
             a new external_id and import it.",
        ),
        VerificationOutcome::Renamed => (
            "The attachment is there with its size, but with another external_id or title.",
            "Find out whether the change was meant: a later import does not find the attachment \
             under another external_id.",
        ),
        VerificationOutcome::Unverifiable => (
            "The service cannot be asked about the file after the end of its job. The file is not \
             known to be wrong, and is not verified.",
            "Look at the record in the service, where it matters.",
        ),
        VerificationOutcome::Error => (
            "The attachment or its record could not be checked; the message says why.",
            "Run consign verify again, then this report.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_says_more_than_the_status_and_is_asked_first() {
        let conflict = |reason| advice_for_status(Status::Conflict, &reason, None);
        assert!(
            conflict(StatusReason::FileChanged)
                .meaning
                .contains("has changed")
        );
        assert_eq!(
            conflict(StatusReason::None).what_to_do,
            "Read the message of each."
        );
    }

    #[test]
    fn whoever_has_an_attachment_without_content_is_told_so_whatever_the_reason() {
        for reason in [StatusReason::None, StatusReason::Renewing] {
            let advice = advice_for_status(Status::Replacing, &reason, None);
            assert!(advice.meaning.ends_with("may be WITHOUT CONTENT."));
            assert!(advice.what_to_do.contains("--resume"));
        }
    }

    #[test]
    fn nobody_is_told_of_attachments_where_there_are_jobs_alone() {
        for outcome in [VerificationOutcome::Missing, VerificationOutcome::Pending] {
            let advice = |service| advice_for_outcome(outcome, Some(service)).meaning;
            assert!(advice(ProcurementService::Keelvar).starts_with("The job "));
            assert!(advice(ProcurementService::Workday).starts_with("The attachment "));
        }
    }

    #[test]
    fn whoever_has_an_exception_is_told_what_to_do() {
        for status in Status::ALL {
            for service in [
                None,
                Some(ProcurementService::Workday),
                Some(ProcurementService::Keelvar),
            ] {
                let advice = advice_for_status(status, &StatusReason::None, service);
                assert!(advice.meaning.ends_with('.') && advice.what_to_do.ends_with('.'));
            }
        }
        for outcome in VerificationOutcome::ALL {
            for service in [
                None,
                Some(ProcurementService::Workday),
                Some(ProcurementService::Keelvar),
            ] {
                let advice = advice_for_outcome(outcome, service);
                assert!(advice.meaning.ends_with('.') && advice.what_to_do.ends_with('.'));
            }
        }
    }
}
