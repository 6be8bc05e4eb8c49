//! Dispatch to the pipeline of the service: one entry point for the search for records, one for
//! sending, one for the survey of a dry run.

use std::time::Duration;

use super::work_list::WorkList;
use crate::backup::BackupStore;
use crate::commands::session::ServiceClient;
use crate::event::EventSender;
use crate::model::NamedObject;
use crate::pipeline::{
    BatchSurvey, HaltReason, ObjectFinding, RunSettings, find_objects, run_attachments, run_jobs,
    survey_attachments, survey_jobs,
};
use crate::results::journal::Journal;

/// Looks up all records, and passes each result to `tell` with the place of its record. Returns the
/// reason for an early stop, or `None`.
pub(super) async fn find_records(
    client: &ServiceClient,
    records: &[NamedObject],
    (settings, events): (&RunSettings, &EventSender),
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(usize, ObjectFinding) + Sync),
) -> Option<HaltReason> {
    match client {
        ServiceClient::Workday(to) => {
            // An import needs nothing but the id of a record, which each list shows.
            let is_enough = |_, _: &_| true;
            find_objects(records, &**to, settings, events, stop, &is_enough, tell).await
        }
        // Rows name the records of Keelvar by the service's own ids alone.
        ServiceClient::Keelvar(_) => None,
    }
}

/// Sends all planned rows. Replaced content goes into `backup_store`; `None` keeps no backups.
/// Returns the reason for an early stop, or `None`.
pub(super) async fn run_pipeline<J: Journal>(
    client: &ServiceClient,
    plan: &WorkList<'_>,
    journal: &J,
    backup_store: Option<&dyn BackupStore>,
    (settings, events): (&RunSettings, &EventSender),
    stop: impl Future<Output = Duration>,
) -> Option<HaltReason> {
    match client {
        ServiceClient::Workday(to) => {
            let tasks = plan.attachment_tasks_to_send(settings.look_ups);
            run_attachments(tasks, &**to, journal, backup_store, settings, events, stop).await
        }
        ServiceClient::Keelvar(to) => {
            let tasks = plan.job_tasks();
            run_jobs(tasks, &**to, journal, settings, events, stop).await
        }
    }
}

/// Surveys all planned rows without changing anything. Returns the surveys and the reason for an
/// early stop, or `None`.
pub(super) async fn run_survey(
    client: &ServiceClient,
    plan: &WorkList<'_>,
    (settings, events): (&RunSettings, &EventSender),
    stop: impl Future<Output = ()>,
) -> (Vec<BatchSurvey>, Option<HaltReason>) {
    match client {
        ServiceClient::Workday(to) => {
            let tasks = plan.attachment_tasks();
            survey_attachments(tasks, &**to, settings, events, stop).await
        }
        ServiceClient::Keelvar(to) => {
            survey_jobs(plan.job_tasks(), &**to, settings, events, stop).await
        }
    }
}
