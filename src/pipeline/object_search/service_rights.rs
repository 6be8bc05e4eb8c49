//! Rights of the keys for the service of a type, as the answers show.

use std::sync::Mutex;

use super::ObjectFinding;
use crate::mutex::lock_despite_poison;
use crate::pipeline::COMMON_FAILURE_LIMIT;
use crate::pipeline::request_sender::RequestFailure;

/// Rights of good keys for the service of a type. Without the rights, every look-up is refused, and
/// a refused look-up costs three requests.
#[derive(Debug, Default)]
pub(super) struct ServiceRights(Mutex<RightsEvidence>);

/// Evidence for the rights.
#[derive(Debug, Default)]
enum RightsEvidence {
    /// No look-up has ended yet.
    #[default]
    None,
    /// All look-ups so far were refused. Holds their number and the latest cause.
    RefusedOnly(usize, String),
    /// A look-up was answered, so a refusal concerns its record alone.
    Answered,
}

impl ServiceRights {
    /// Notes the end of a look-up.
    pub(super) fn note(&self, ended: &Result<ObjectFinding, RequestFailure>) {
        let mut evidence = lock_despite_poison(&self.0);
        match (ended, &mut *evidence) {
            (Ok(_), evidence) => *evidence = RightsEvidence::Answered,
            (Err(RequestFailure::Forbidden(why)), RightsEvidence::RefusedOnly(count, latest)) => {
                *count += 1;
                latest.clone_from(why);
            }
            (Err(RequestFailure::Forbidden(why)), evidence @ RightsEvidence::None) => {
                *evidence = RightsEvidence::RefusedOnly(1, why.clone());
            }
            (Err(_), _) => {}
        }
    }

    /// Returns the cause of the refusals once so many look-ups were refused, and none answered, that
    /// no further one is worth a request.
    pub(super) fn refusal(&self) -> Option<String> {
        match &*lock_despite_poison(&self.0) {
            RightsEvidence::RefusedOnly(count, why) if *count >= COMMON_FAILURE_LIMIT => {
                Some(why.clone())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RequestRefusal;

    #[test]
    fn look_ups_end_after_twenty_refusals_and_not_one_answer() {
        let forbidden = || Err(RequestFailure::Forbidden("status 403".to_owned()));
        let rights = ServiceRights::default();
        for _ in 0..COMMON_FAILURE_LIMIT {
            assert_eq!(rights.refusal(), None);
            rights.note(&forbidden());
        }
        assert_eq!(rights.refusal().as_deref(), Some("status 403"));

        let rights = ServiceRights::default();
        rights.note(&Err(RequestFailure::Refused(RequestRefusal::other(
            "status 422",
        ))));
        rights.note(&forbidden());
        rights.note(&Ok(ObjectFinding::Missing));
        for _ in 0..COMMON_FAILURE_LIMIT {
            rights.note(&forbidden());
        }
        assert_eq!(rights.refusal(), None);
    }
}
