//! First request of a command, sent before any long work, and only by a command with something to
//! ask or send.

use std::time::Duration;

use crate::config::{Base, OutputConfig, renewal};
use crate::error::Error;
use crate::model::{AttachmentId, Service};
use crate::pipeline::{Cleared, Obstacle};
use crate::progress::span;
use crate::text::{escape, tell};
use crate::throttle::FIRST_ANSWER_LIMIT;

use super::session::{Contact, Target};

/// Asks the service for a first answer. An attachment left by an earlier run, `known`, makes the
/// better question. Fails with [`Error::NoGoodAnswer`], which explains the bad answer.
pub(super) fn ask(
    contact: &mut Contact<'_>,
    known: Option<&AttachmentId>,
    output: OutputConfig,
) -> Result<(), Error> {
    let tell_of = |notice: &str| {
        if !output.is_quiet() {
            tell(notice);
        }
    };
    let Target {
        base,
        access,
        service,
        ..
    } = contact.target();
    let name = name(base);
    let limit = FIRST_ANSWER_LIMIT.min(service.max_outage);
    let waiting = |why: &str| {
        tell_of(&format!(
            "no good answer from {name} yet ({}); it is asked again for up to {}\n",
            escape(why),
            span(limit.as_secs_f64())
        ));
    };
    match contact.introduce(known, limit, waiting) {
        Ok(Cleared::Proven) => {}
        Ok(Cleared::Unproven(why)) => {
            tracing::info!(why, "the first answer proves nothing");
            tell_of(&format!(
                "{name} does not show its list of jobs ({}), which no document promises: whether \
                 address and key are right shows with the first job\n",
                escape(&why)
            ));
        }
        Err(obstacle) => {
            return Err(Error::NoGoodAnswer {
                why: words(&obstacle, base, access.credentials.service()),
            });
        }
    }
    tracing::info!("the service is there");
    Ok(())
}

/// Returns the obstacle and the user's next step.
fn words(obstacle: &Obstacle, base: &Base, service: Service) -> String {
    let name = name(base);
    match obstacle {
        Obstacle::Denied(why) => format!(
            "{name} rejects the {} ({}): {}",
            match service {
                Service::Workday => "keys",
                Service::Keelvar => "key",
            },
            escape(why),
            renewal(service)
        ),
        Obstacle::Foreign(why) => format!(
            "{name} does not answer as {service} does ({}): is the base URL right? It looks like {}; \
             to go on without this question, say --skip-preflight",
            escape(why),
            match service {
                Service::Workday => "https://api.us.workdayspend.com/services/attachments/v1",
                Service::Keelvar => "https://HOST/api, and ends where /jobs begins",
            }
        ),
        Obstacle::Blocked(why) => escape(why).into_owned(),
        Obstacle::Silence(why, Duration::ZERO) => {
            format!(
                "no good answer from {name} ({}): is the address right?",
                escape(why)
            )
        }
        Obstacle::Silence(why, limit) => format!(
            "no good answer from {name} in {} ({}): is the address right?",
            span(limit.as_secs_f64()),
            escape(why)
        ),
    }
}

fn name(base: &Base) -> String {
    match base {
        Base::Emulator => base.label(),
        Base::Service(url) => escape(url.as_str()).into_owned(),
    }
}
