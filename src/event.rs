//! Events of a run, sent from the pipeline to the progress display.

use std::time::Duration;

use crate::destination::Kind;
use crate::results::Status;

/// Event of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An API request was answered, or given up.
    Request(Kind),
    /// A record was created: an attachment or a job.
    Created,
    /// Bytes of files were sent. Holds their number.
    Sent(u64),
    /// The protocol of a row has ended in this run.
    Ended {
        /// New status of the row.
        status: Status,
    },
    /// The state of a row's attachment or job at the service was read.
    Inspected,
    /// Bytes of files were received. Holds their number.
    Received(u64),
    /// The service answered 429.
    Throttled {
        /// Kind of the requests which wait; `None` if all requests wait.
        kind: Option<Kind>,
        /// Length of the wait.
        wait: Duration,
    },
    /// The budget for a kind of request is used up. Requests of this kind wait.
    Spent {
        /// Kind of the requests which wait.
        kind: Kind,
        /// Length of the wait.
        wait: Duration,
    },
    /// The service does not answer. All requests to the service wait.
    Away {
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
    Back,
    /// The folder of the files is not available. Everything which needs a file waits.
    FilesAway {
        /// Path of the folder, and what is there instead.
        why: String,
    },
    /// The folder of the files is available again.
    FilesBack,
}

/// Sender of events. Sending never waits for the receiver.
#[derive(Debug, Clone)]
pub struct Events(std::sync::mpsc::Sender<Event>);

impl Events {
    /// Creates a sender and the receiver of its events.
    pub fn channel() -> (Self, std::sync::mpsc::Receiver<Event>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self(sender), receiver)
    }

    /// Sends an event. A closed receiver is no error.
    pub fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }
}
