//! Dispatch to the pipeline of the service: one entry point for sending, one for the survey of a
//! dry run.

use super::plan::Plan;
use crate::backup::Vault;
use crate::commands::session::Client;
use crate::event::Events;
use crate::pipeline::{
    Halt, Settings, Survey, run_attachments, run_jobs, survey_attachments, survey_jobs,
};
use crate::results::journal::Journal;

/// Sends all planned rows. Replaced content goes into `vault`; `None` keeps no backups. Returns the
/// reason for an early stop, or `None`.
pub(super) async fn run<J: Journal>(
    client: &Client,
    plan: &Plan<'_>,
    journal: &J,
    vault: Option<&dyn Vault>,
    (settings, events): (&Settings, &Events),
    stop: impl Future<Output = ()>,
) -> Option<Halt> {
    match client {
        Client::Workday(to) => {
            let tasks = plan.attachment_tasks();
            run_attachments(tasks, &**to, journal, vault, settings, events, stop).await
        }
        Client::Keelvar(to) => {
            let tasks = plan.job_tasks();
            run_jobs(tasks, &**to, journal, settings, events, stop).await
        }
    }
}

/// Surveys all planned rows without changing anything. Returns the surveys and the reason for an
/// early stop, or `None`.
pub(super) async fn survey(
    client: &Client,
    plan: &Plan<'_>,
    (settings, events): (&Settings, &Events),
    stop: impl Future<Output = ()>,
) -> (Vec<Survey>, Option<Halt>) {
    match client {
        Client::Workday(to) => {
            let tasks = plan.attachment_tasks();
            survey_attachments(tasks, &**to, settings, events, stop).await
        }
        Client::Keelvar(to) => survey_jobs(plan.job_tasks(), &**to, settings, events, stop).await,
    }
}
