//! The first request of an import: sent before the hashing, and only where something is to be sent
//! at all.

use std::time::Duration;

use crate::cli::ImportArgs;
use crate::commands::session::Contact;
use crate::config::{Base, renewal};
use crate::error::Error;
use crate::http::FIRST_ANSWER_LIMIT;
use crate::manifest::{Manifest, RawRow};
use crate::model::{AttachmentId, Service};
use crate::pipeline::{Cleared, Obstacle};
use crate::plan::{FailedJobs, Step, Wishes, step};
use crate::prepare::{Looked, RowFile};
use crate::progress::span;
use crate::results::previous::Previous;
use crate::text::{escape, tell};

/// Whether some row needs requests, as far as that shows before the files are read: one whose file
/// has to be read does, be it new or touched since. Where rows are not fit to be sent, and are not to
/// be left out, nothing will be.
pub(super) fn is_worth_it(
    args: &ImportArgs,
    looked: &Looked<'_>,
    previous: &Previous,
    wishes: Wishes,
    failed_jobs: FailedJobs,
) -> bool {
    if args.consent.skip_preflight {
        return false;
    }
    let needs_requests = |row: RawRow<'_>, file| {
        let Ok(row) = row.parse() else { return false };
        let previous = previous.get(row.external_id.as_str());
        matches!(
            step(&row, file, previous, wishes, failed_jobs),
            Step::Send(_)
        )
    };
    let mut is_worth_it = false;
    for (index, row) in looked.manifest().rows().enumerate() {
        is_worth_it = match looked.file(index) {
            Some(RowFile::Unfit) if args.skip_invalid => is_worth_it,
            Some(RowFile::Unfit) => return false,
            None => true,
            Some(file) => is_worth_it || needs_requests(row, file),
        };
    }
    is_worth_it
}

/// Asks for a first answer, and explains what is wrong with the one that came.
pub(super) fn ask(
    args: &ImportArgs,
    base: &Base,
    service: Service,
    contact: &mut Contact,
    known: Option<&AttachmentId>,
) -> Result<(), Error> {
    let limit = FIRST_ANSWER_LIMIT.min(args.service.max_outage);
    let waiting = |why: &str| {
        if !args.output.quiet {
            tell(&format!(
                "no good answer from {} yet ({}); it is asked again for up to {}\n",
                name(base),
                escape(why),
                span(limit.as_secs_f64())
            ));
        }
    };
    match contact.introduce(known, limit, waiting) {
        Ok(Cleared::Proven) => {}
        Ok(Cleared::Unproven(why)) => {
            tracing::info!(why, "the first answer proves nothing");
            if !args.output.quiet {
                tell(&format!(
                    "{} does not show its list of jobs ({}), which no document promises: whether \
                     address and key are right shows with the first job\n",
                    name(base),
                    escape(&why)
                ));
            }
        }
        Err(obstacle) => {
            return Err(Error::NoGoodAnswer {
                why: words(&obstacle, base, service),
            });
        }
    }
    tracing::info!("the service is there");
    Ok(())
}

/// Something that the service has, if an earlier run has left anything there.
pub(super) fn known(manifest: &Manifest, previous: &Previous) -> Option<AttachmentId> {
    let id = |row: RawRow<'_>| previous.get(row.external_id())?.attachment_id;
    manifest.rows().find_map(id)
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
