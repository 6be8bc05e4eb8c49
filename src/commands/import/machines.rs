//! Which machine of the pipeline takes the planned rows through: the one for the service that they are for.

use super::plan::Plan;
use crate::backup::Vault;
use crate::commands::session::Client;
use crate::event::Events;
use crate::pipeline::{
    Halt, Settings, Survey, run_attachments, run_jobs, survey_attachments, survey_jobs,
};
use crate::results::journal::Journal;

/// Works on all planned rows. What is replaced is kept in `vault`, where there is one.
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

/// Finds out what would be done with all planned rows, with requests that change nothing.
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
