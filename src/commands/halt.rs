//! Message to the user about a run stopped early.

use crate::model::Service;
use crate::pipeline::{ALIKE_ROWS, Halt};
use crate::text::{counted, escape};
use crate::throttle::FIRST_ANSWER_LIMIT;

/// Returns the reason for the stop and the user's next step.
pub(super) fn words(halt: &Halt, service: Service) -> String {
    match halt {
        Halt::Denied(why) => match service {
            Service::Workday => format!(
                "the service rejects the keys ({}): renew WORKDAY_API_KEY, WORKDAY_USER_TOKEN and \
                 WORKDAY_USER_EMAIL, then go on",
                escape(why)
            ),
            Service::Keelvar => format!(
                "the key was rejected ({}): renew KEELVAR_API_KEY, then go on",
                escape(why)
            ),
        },
        Halt::Outage(why) => format!(
            "the service was away for longer than --max-outage allows ({})",
            escape(why)
        ),
        Halt::FilesAway(why) => format!(
            "the files were away for longer than --max-outage allows ({})",
            escape(why)
        ),
        Halt::NeverAnswered { destination, why } => format!(
            "no request to {} was answered in {} minutes ({}): is the address right, and can this \
             machine reach it?",
            escape(destination),
            FIRST_ANSWER_LIMIT.as_secs() / 60,
            escape(why)
        ),
        Halt::Hopeless(why) | Halt::Backup(why) => escape(why).into_owned(),
        Halt::NotRouted(why) => format!(
            "{}: use ids of letters, digits, _ and - alone, then go on",
            escape(why)
        ),
        Halt::TooManyErrors(rows) => format!(
            "{} failed, more than --max-errors allows",
            counted(*rows as u64, "row")
        ),
        Halt::FailedAlike(first) => format!(
            "the first {ALIKE_ROWS} rows all failed for one reason, {}, and none was done; row {}: {} \
             (mend that, then go on; --max-errors N goes on in spite of it, until N rows have failed)",
            first.reason.as_str(),
            first.row,
            escape(&first.message)
        ),
        Halt::Journal | Halt::Abandoned => "the results cannot be written".to_owned(),
        Halt::Interrupted => "interrupted".to_owned(),
    }
}
