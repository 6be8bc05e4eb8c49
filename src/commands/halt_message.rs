//! Message to the user about a run stopped early.

use crate::model::ProcurementService;
use crate::pipeline::{COMMON_FAILURE_LIMIT, HaltReason};
use crate::text::{count_with_noun, escape};
use crate::throttle::FIRST_ANSWER_TIMEOUT;

/// Returns the reason for the stop and the user's next step.
pub(super) fn halt_message(halt: &HaltReason, service: ProcurementService) -> String {
    match halt {
        HaltReason::KeysRejected(why) => match service {
            ProcurementService::Workday => format!(
                "the service rejects the keys ({}): renew WORKDAY_API_KEY, WORKDAY_USER_TOKEN and \
                 WORKDAY_USER_EMAIL, then go on",
                escape(why)
            ),
            ProcurementService::Keelvar => format!(
                "the service rejects the key ({}): renew KEELVAR_API_KEY, then go on",
                escape(why)
            ),
        },
        HaltReason::Outage(why) => format!(
            "the service was away for longer than --max-outage allows ({})",
            escape(why)
        ),
        HaltReason::FilesUnavailable(why) => format!(
            "the files were away for longer than --max-outage allows ({})",
            escape(why)
        ),
        HaltReason::NeverAnswered {
            destination,
            last_failure: why,
        } => format!(
            "no request to {} was answered in {} minutes ({}): is the address right, and can this \
             machine reach it?",
            escape(destination),
            FIRST_ANSWER_TIMEOUT.as_secs() / 60,
            escape(why)
        ),
        HaltReason::NeverPossible(why) | HaltReason::BackupFailed(why) => escape(why).into_owned(),
        HaltReason::ExternalIdNotRouted(why) => format!(
            "{}: use ids of letters, digits, _ and - alone, then go on",
            escape(why)
        ),
        HaltReason::TooManyErrors(rows) => format!(
            "{} failed, more than --max-errors allows",
            count_with_noun(*rows as u64, "row")
        ),
        HaltReason::CommonFailure(first) => format!(
            "the first {COMMON_FAILURE_LIMIT} rows all failed for one reason, {}, and none was \
             done; row {}: {} (mend the cause, then go on; with --max-errors N the run stops only \
             when more than N rows have failed)",
            first.reason.as_str(),
            first.row,
            escape(&first.message)
        ),
        HaltReason::JournalUnusable | HaltReason::RowAbandoned => {
            "the results cannot be written".to_owned()
        }
        HaltReason::Interrupted => "interrupted".to_owned(),
    }
}
