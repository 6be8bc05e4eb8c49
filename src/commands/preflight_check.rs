//! First request of a command, sent before any long work, and only by a command with something to
//! ask or send.

use std::time::Duration;

use crate::config::{OutputConfig, ResolvedDestination, key_renewal_advice};
use crate::error::CommandError;
use crate::model::{AttachmentId, ProcurementService};
use crate::pipeline::{PreflightError, PreflightSuccess};
use crate::progress::human_duration;
use crate::text::{escape, write_stderr};
use crate::throttle::FIRST_ANSWER_TIMEOUT;

use super::session::{ConnectionConfig, SessionBuilder};

/// Asks the service for a first answer. An attachment left by an earlier run, `known`, makes the
/// better question. Fails with [`CommandError::PreflightFailed`], which explains the bad answer.
pub(super) fn check_service(
    contact: &mut SessionBuilder<'_>,
    known: Option<&AttachmentId>,
    output: OutputConfig,
) -> Result<(), CommandError> {
    let tell_of = |notice: &str| {
        if !output.is_quiet() {
            write_stderr(notice);
        }
    };
    let ConnectionConfig {
        base,
        access,
        service,
        ..
    } = contact.config();
    let name = display_base(base);
    let limit = FIRST_ANSWER_TIMEOUT.min(service.max_outage);
    let waiting = |why: &str| {
        tell_of(&format!(
            "no good answer from {name} yet ({}); asking again for up to {}\n",
            escape(why),
            human_duration(limit.as_secs_f64())
        ));
    };
    match contact.preflight(known, limit, waiting) {
        Ok(PreflightSuccess::Proven) => {}
        Ok(PreflightSuccess::Unproven(why)) => {
            tracing::info!(why, "the first answer proves nothing");
            tell_of(&format!(
                "the first answer of {name} proves nothing about address and keys ({}): the first \
                 rows will show whether both are right\n",
                escape(&why)
            ));
        }
        Err(obstacle) => {
            return Err(CommandError::PreflightFailed {
                why: obstacle_message(&obstacle, base, access.credentials.service()),
            });
        }
    }
    tracing::info!("the service is there");
    Ok(())
}

/// Returns the obstacle and the user's next step.
fn obstacle_message(
    obstacle: &PreflightError,
    base: &ResolvedDestination,
    service: ProcurementService,
) -> String {
    let name = display_base(base);
    match obstacle {
        PreflightError::KeysRejected(why) => format!(
            "{name} rejects the {} ({}): {}",
            match service {
                ProcurementService::Workday => "keys",
                ProcurementService::Keelvar => "key",
            },
            escape(why),
            key_renewal_advice(service)
        ),
        PreflightError::NotTheService(why) => format!(
            "{name} does not answer as {service} does ({}): is the base URL right? A base URL \
             looks like {}; to go on without this question, give --skip-preflight",
            escape(why),
            match service {
                ProcurementService::Workday =>
                    "https://api.us.workdayspend.com/services/attachments/v1",
                ProcurementService::Keelvar => "https://HOST/api, and ends where /jobs begins",
            }
        ),
        PreflightError::Blocked(why) => escape(why).into_owned(),
        PreflightError::NoGoodAnswer(why, Duration::ZERO) => {
            format!(
                "no good answer from {name} ({}): is the address right?",
                escape(why)
            )
        }
        PreflightError::NoGoodAnswer(why, limit) => format!(
            "no good answer from {name} in {} ({}): is the address right?",
            human_duration(limit.as_secs_f64()),
            escape(why)
        ),
    }
}

fn display_base(base: &ResolvedDestination) -> String {
    match base {
        ResolvedDestination::Emulator => base.label(),
        ResolvedDestination::Service(url) => escape(url.as_str()).into_owned(),
    }
}
