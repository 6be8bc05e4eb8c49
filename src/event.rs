//! Events of a run, sent from the pipeline to the progress display.

use std::time::Duration;

use crate::destination::BudgetKind;
use crate::model::ClashScope;
use crate::results::Status;

/// Event of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// An API request was answered, or given up.
    RequestEnded(BudgetKind),
    /// A record was created: an attachment or a job.
    RecordCreated,
    /// A POST is about to be sent for a record under a throwaway `external_id`, which proves that
    /// the service refuses a second record.
    ProofRecordRequested,
    /// The newest such POST was answered, or certainly had no effect. Without this event, the POST
    /// may have made a record.
    ProofRecordSettled(ProofRecordFate),
    /// The run has ended, and relied on the service's refusals or on look-ups. Sent by runs that
    /// were to prove the refusals.
    ClashProofEnded(ClashFinding),
    /// Bytes of files were sent. Holds their number.
    BytesSent(u64),
    /// The protocol of a row has ended in this run.
    RowEnded {
        /// New status of the row.
        status: Status,
    },
    /// The state of an attachment, or of a row's job, at the service was read.
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
    /// Another program holds the file of a row, which is tried again.
    FileInUse {
        /// Path of the file below the root.
        file_path: String,
    },
}

/// Effect of a POST for a record under a throwaway `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofRecordFate {
    /// The service made the record.
    Made,
    /// The service made no record.
    NotMade,
}

/// Finding of a run about the refusal of a second record with the same `external_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClashFinding {
    /// The service refuses the second record, as far as this scope.
    Proven(ClashScope),
    /// The run looked every row up, for this reason.
    NotProven(NotProvenReason),
}

/// Reason for which a run could not rely on the refusal of a second record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotProvenReason {
    /// No record was made for any row.
    NoRecordMade,
    /// All records were made for the same object.
    OneObject,
    /// Records were made for several objects, but no two of the objects differ in type and id.
    NoFittingPair,
    /// No new row was left when the proof could have been made.
    NotNeeded,
    /// The run ended before the proof.
    RunEnded,
    /// The first throwaway record was refused. Holds the answer.
    FirstRefused(String),
    /// The second throwaway record was accepted: the service refuses no second record.
    SecondAccepted,
    /// The second throwaway record was refused with another status than 409 and 422. Holds the
    /// answer.
    SecondRefusedOtherwise(String),
    /// A POST of the proof stayed without an answer. Holds the failure.
    NoAnswer(String),
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
