//! Rows for which requests of a kind stay without an answer, alone or among other rows.

use std::collections::HashMap;

use super::*;
use crate::destination::archive::{Exhibit, Original};
use crate::destination::{
    Amended, AttachmentApi, CreatedAttachment, Destination, Key, NewAttachment, NewNames, Place,
    Presence,
};
use crate::http::{Failure, FetchFailure, Fetched, PutFailure, Receipt};
use crate::memory_service::Address;
use crate::throttle::EarlierAnswer;
use tokio::io::AsyncWrite;

/// Service in memory that never answers requests of a kind for some rows.
struct Deaf {
    memory: Memory,
    to: Operation,
    rows: Vec<usize>,
}

impl Deaf {
    /// Fails if the request is never answered.
    fn hears(&self, operation: Operation, external_id: &ExternalId) -> Result<(), Failure> {
        let is_one = |number: &usize| row(*number).external_id == *external_id;
        if operation == self.to && self.rows.iter().any(is_one) {
            return Err(Failure::Unanswered("status 500".into()));
        }
        Ok(())
    }
}

impl Destination for Deaf {
    type Target = Address;

    async fn put(
        &self,
        target: &Address,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let bad = |number: &usize| original(*number) == *content;
        if self.to == Operation::Put && self.rows.iter().any(bad) {
            return Err(PutFailure::Interrupted("connection reset".into()));
        }
        self.memory.put(target, source, content, sent).await
    }
}

impl AttachmentApi for Deaf {
    async fn find(&self, external_id: &ExternalId) -> Result<Presence, Failure> {
        self.hears(Operation::Find, external_id)?;
        self.memory.find(external_id).await
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence, Failure> {
        self.memory.get(id).await
    }

    async fn list(&self, ids: &[AttachmentId]) -> Result<HashMap<AttachmentId, Presence>, Failure> {
        self.memory.list(ids).await
    }

    async fn create(&self, new: &NewAttachment) -> Result<CreatedAttachment<Address>, Failure> {
        self.hears(Operation::Create, &new.file.external_id)?;
        self.memory.create(new).await
    }

    async fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<Place<Address>, Failure> {
        self.memory.renew(id, file_name, title).await
    }
    async fn amend(&self, key: Key<'_>, names: &NewNames) -> Result<Amended, Failure> {
        self.memory.amend(key, names).await
    }

    async fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Failure> {
        self.memory.inspect(ids).await
    }

    async fn original(&self, id: &AttachmentId) -> Result<Option<Original<Address>>, Failure> {
        self.memory.original(id).await
    }

    async fn fetch(
        &self,
        place: &Address,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Fetched, FetchFailure> {
        self.memory.fetch(place, most, into, received).await
    }
}

/// Runs rows with a service that does not answer for some. Returns the journal, the reason to stop,
/// the duration, and the number of stored attachments.
async fn deaf_to(
    to: Operation,
    rows: &[usize],
    of: usize,
    settings: &Settings,
) -> (Lines, Option<Halt>, Duration, usize) {
    let service = Deaf {
        memory: Memory::new(Rules::default()),
        to,
        rows: rows.to_vec(),
    };
    let (lines, began) = (Lines::default(), Instant::now());
    let tasks = (1..=of).map(fresh).collect();
    let halt = go(&service, &lines, tasks, settings).await;
    (lines, halt, began.elapsed(), service.memory.stored().len())
}

const KINDS: [(Operation, Option<Status>); 3] = [
    (Operation::Find, Some(Status::Pending)),
    (Operation::Create, Some(Status::Creating)),
    (Operation::Put, Some(Status::Created)),
];

#[tokio::test(start_paused = true)]
async fn the_last_row_that_nobody_answers_is_left_after_five_minutes_or_so() {
    for (to, status) in KINDS {
        let (lines, halt, took, stored) = deaf_to(to, &[20], 20, &settings()).await;
        assert_eq!((halt, stored), (None, 19), "{to:?}");
        let last = lines.last(20);
        assert_eq!(last.as_ref().map(|last| last.status), status, "{to:?}");
        let last = last.unwrap();
        assert_eq!(last.reason, Reason::NoAnswer, "{to:?}: {last:?}");
        assert_eq!(last.attachment_id.is_some(), to == Operation::Put);
        assert!(took < Duration::from_mins(8), "{to:?} {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_rows_at_the_head_keep_no_good_ones_waiting_however_few_are_sent_at_once() {
    for (to, _) in KINDS {
        for concurrency in [1, 2, 8] {
            let bad: Vec<usize> = (1..=9).collect();
            let settings = Settings {
                concurrency,
                ..settings()
            };
            let (_, halt, took, stored) = deaf_to(to, &bad, 49, &settings).await;
            assert_eq!((halt, stored), (None, 40), "{to:?} {concurrency}");
            assert!(
                took < Duration::from_mins(30),
                "{to:?} {concurrency} {took:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn three_rows_that_nobody_answers_are_an_outage_where_nothing_else_is_left() {
    let (lines, halt, ..) = deaf_to(Operation::Find, &[1, 2, 3], 3, &came()).await;
    assert!(matches!(halt, Some(Halt::Outage(_))), "{halt:?}");
    assert!((1..=3).all(|row| lines.last(row).is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_never_there_is_given_up_after_two_minutes() {
    let (_, halt, took, _) = deaf_to(Operation::Find, &[1, 2], 2, &settings()).await;
    assert!(matches!(halt, Some(Halt::NeverAnswered { .. })), "{halt:?}");
    assert!(took >= Duration::from_mins(2) && took < Duration::from_mins(3));

    // A service that has answered before the run is not given up so soon.
    let (lines, halt, ..) = deaf_to(Operation::Find, &[1, 2], 2, &came()).await;
    assert_eq!(halt, None);
    assert_eq!(lines.last(1).unwrap().reason, Reason::NoAnswer);
}

#[tokio::test(start_paused = true)]
async fn rows_that_all_fail_alike_stop_the_run_unless_the_user_says_how_many_may() {
    let refused = |operation, _| (operation == Operation::Create).then_some(Fault::Refused);
    let (memory, _, halt) = with_faults(Rules::default(), 100, refused).await;
    match halt {
        Some(Halt::FailedAlike(first)) => assert_eq!(first.reason, Reason::Refused),
        other => panic!("{other:?}"),
    }
    assert!(count(&memory.log(), Operation::Find) < 100);
    let (_, _, halt) = with_faults(Rules::default(), 19, refused).await;
    assert_eq!(halt, None);
    let memory = Memory::with_faults(Rules::default(), Box::new(refused));
    let many = Settings {
        max_errors: Some(1_000),
        ..settings()
    };
    let tasks = (1..=100).map(fresh).collect();
    assert_eq!(go(&memory, &Lines::default(), tasks, &many).await, None);
}

/// Settings for a service that has answered before.
fn came() -> Settings {
    Settings {
        first_answer: EarlierAnswer::Came,
        ..settings()
    }
}
