//! Inspection of records: asks the service which attachments each record has, and settles the rows
//! by the answers.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::commands::session::{ServiceClient, Session};
use crate::event::EventSender;
use crate::model::ProcurementService;
use crate::mutex::lock_despite_poison;
use crate::pipeline::{self, HaltReason, ListedObjects};
use crate::progress::{ProgressForm, RunTally, SendingProgress, Workload};
use crate::verification::object_queries::{ObjectAnswers, ObjectQueries};
use crate::verification::row::VerificationRow;

use super::object_checks::ObjectChecks;

/// Inspection of records as part of a verification.
pub(super) struct ObjectInspection<'a> {
    pub(super) session: &'a Session,
    pub(super) runtime: &'a Runtime,
    pub(super) service: ProcurementService,
    pub(super) progress: ProgressForm,
}

impl ObjectInspection<'_> {
    /// Asks for the records of all attachments, unless `halt` says that the verification has
    /// stopped early, and settles the rows. Adds the requests to `tally`, and notes a reason for an
    /// early stop in `halt`.
    pub(super) fn settle_rows(
        &self,
        rows: &mut [VerificationRow],
        halt: &mut Option<HaltReason>,
        tally: &mut RunTally,
    ) -> ObjectChecks {
        let queries = ObjectQueries::from_rows(rows, self.service);
        let mut answers = ObjectAnswers::none_yet(&queries);
        if halt.is_none() {
            let records = Workload::Records(queries.records().len() as u64);
            let (display, events) =
                SendingProgress::start(self.progress, "asking for records", records);
            let asked = self.runtime.block_on(self.ask(&queries, &events));
            drop(events);
            tally.add_phase(display.finish());
            (answers, *halt) = asked;
        }
        answers.settle_rows(&queries, rows);
        ObjectChecks::gather(rows, answers.count())
    }

    /// Asks for all records. Returns the answers, and the reason for an early stop, or `None`.
    async fn ask(
        &self,
        queries: &ObjectQueries,
        events: &EventSender,
    ) -> (ObjectAnswers, Option<HaltReason>) {
        let Session {
            client,
            settings,
            stop_listener,
            ..
        } = self.session;
        let answers = Mutex::new(ObjectAnswers::none_yet(queries));
        let tell = |place, finding| {
            lock_despite_poison(&answers).take(queries, place, Timestamp::now(), finding);
        };
        let listed = ListedObjects {
            enough: &|place, shown| queries.is_enough(place, shown),
            note: &|shown| lock_despite_poison(&answers).note_shown(queries, shown),
        };
        let halt = match client {
            ServiceClient::Workday(workday) => {
                let (records, stop) = (queries.records(), stop_listener.wait_for_stop());
                pipeline::find_objects_in_lists(
                    records, &**workday, settings, events, stop, listed, &tell,
                )
                .await
            }
            // The command has refused to ask a service which does not show the files of its records.
            ServiceClient::Keelvar(_) => None,
        };
        let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        (answers, halt)
    }
}
