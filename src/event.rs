//! What happens during a run, as far as somebody who watches it wants to know.

use std::time::Duration;

use crate::destination::Kind;
use crate::results::Status;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An API request was answered, or given up.
    Request(Kind),
    /// A record was made: an attachment, or a job.
    Created,
    /// So many bytes of files were sent.
    Sent(u64),
    /// A row's protocol has come to an end in this run.
    Ended {
        /// How the row stands now.
        status: Status,
    },
    /// It was found out what the service holds of a row.
    Inspected,
    /// So many bytes of files were received.
    Received(u64),
    /// The service answered 429.
    Throttled {
        /// The requests that wait: those of one kind, or all.
        kind: Option<Kind>,
        /// For so long.
        wait: Duration,
    },
    /// The budget of a kind of request is used up; those of that kind wait.
    Spent {
        /// Of which kind.
        kind: Kind,
        /// For so long.
        wait: Duration,
    },
    /// The service does not answer; all requests to it wait.
    Away {
        /// The last failure.
        why: String,
        /// The time until the next try.
        wait: Duration,
    },
    /// The service does not answer what is asked for the last rows.
    LastRowsUnanswered {
        /// The last failure.
        why: String,
    },
    /// The service answers again.
    Back,
    /// The folder of the files is away; whatever needs one of them waits.
    FilesAway {
        /// Where it should be, and what is there instead.
        why: String,
    },
    /// It is there again.
    FilesBack,
}

/// Where events go. They never wait for whoever shows them.
#[derive(Debug, Clone)]
pub struct Events(std::sync::mpsc::Sender<Event>);

impl Events {
    /// A sender and the receiver of its events.
    pub fn channel() -> (Self, std::sync::mpsc::Receiver<Event>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self(sender), receiver)
    }

    /// Tells of an event. Nobody may be listening, which is no concern of the one who tells.
    pub fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }
}
