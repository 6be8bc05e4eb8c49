//! Events of a run, sent from the pipeline to the progress display.

use std::time::Duration;

use crate::destination::BudgetKind;
use crate::results::Status;

/// Event of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// An API request was answered, or given up.
    RequestEnded(BudgetKind),
    /// A record was created: an attachment or a job.
    RecordCreated,
    /// Bytes of files were sent. Holds their number.
    BytesSent(u64),
    /// The protocol of a row has ended in this run.
    RowEnded {
        /// New status of the row.
        status: Status,
    },
    /// The state of a row's attachment or job at the service was read.
    RowInspected,
    /// A record with attached files was looked up, whatever the result.
    ObjectLookedUp,
    /// Bytes of files were received. Holds their number.
    BytesReceived(u64),
    /// The service answered 429.
    Throttled {
        /// Kind of the requests which wait; `None` if all requests wait.
        kind: Option<BudgetKind>,
        /// Length of the wait.
        wait: Duration,
    },
    /// The budget for a kind of request is used up. Requests of this kind wait.
    BudgetExhausted {
        /// Kind of the requests which wait.
        kind: BudgetKind,
        /// Length of the wait.
        wait: Duration,
    },
    /// The service does not answer. All requests to the service wait.
    ServiceUnavailable {
        /// Latest failure.
        why: String,
        /// Time until the next try.
        wait: Duration,
    },
    /// The service does not answer the requests for the last rows of the run.
    LastRowsUnanswered {
        /// Latest failure.
        why: String,
    },
    /// The service answers again.
    ServiceRecovered,
    /// The folder of the files is not available. Everything which needs a file waits.
    FilesUnavailable {
        /// Path of the folder, and what is there instead.
        why: String,
    },
    /// The folder of the files is available again.
    FilesRecovered,
}

/// Sender of events. Sending never waits for the receiver.
#[derive(Debug, Clone)]
pub struct EventSender(std::sync::mpsc::Sender<RunEvent>);

impl EventSender {
    /// Creates a sender and the receiver of its events.
    pub fn channel() -> (Self, std::sync::mpsc::Receiver<RunEvent>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self(sender), receiver)
    }

    /// Sends an event. A closed receiver is no error.
    pub fn send(&self, event: RunEvent) {
        let _ = self.0.send(event);
    }
}
