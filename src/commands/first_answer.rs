//! The first request of a command: sent before anything takes long, and only where something is to be
//! asked or sent at all.

use std::time::Duration;

use crate::config::{Base, renewal};
use crate::error::Error;
use crate::model::{AttachmentId, Service};
use crate::pipeline::{Cleared, Obstacle};
use crate::progress::span;
use crate::text::{escape, tell};
use crate::throttle::FIRST_ANSWER_LIMIT;

use super::session::Contact;

/// The question with which a command begins.
pub(super) struct FirstQuestion<'a> {
    /// Where it goes.
    pub(super) base: &'a Base,
    /// The service that should be there.
    pub(super) service: Service,
    /// Something that the service has, if an earlier run has left anything there.
    pub(super) known: Option<&'a AttachmentId>,
    /// How long the service may be away, if that is less than a first answer may take.
    pub(super) max_outage: Duration,
    /// Whether only errors are told.
    pub(super) quiet: bool,
}

impl FirstQuestion<'_> {
    /// Asks for a first answer, and explains what is wrong with the one that came.
    pub(super) fn ask(&self, contact: &mut Contact) -> Result<(), Error> {
        let name = name(self.base);
        let limit = FIRST_ANSWER_LIMIT.min(self.max_outage);
        let waiting = |why: &str| {
            self.tell(&format!(
                "no good answer from {name} yet ({}); it is asked again for up to {}\n",
                escape(why),
                span(limit.as_secs_f64())
            ));
        };
        match contact.introduce(self.known, limit, waiting) {
            Ok(Cleared::Proven) => {}
            Ok(Cleared::Unproven(why)) => {
                tracing::info!(why, "the first answer proves nothing");
                self.tell(&format!(
                    "{name} does not show its list of jobs ({}), which no document promises: whether \
                     address and key are right shows with the first job\n",
                    escape(&why)
                ));
            }
            Err(obstacle) => {
                return Err(Error::NoGoodAnswer {
                    why: words(&obstacle, self.base, self.service),
                });
            }
        }
        tracing::info!("the service is there");
        Ok(())
    }

    fn tell(&self, notice: &str) {
        if !self.quiet {
            tell(notice);
        }
    }
}

/// What is wrong, and what to do.
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
