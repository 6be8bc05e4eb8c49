//! Rows for which requests of a kind stay without an answer, alone or among other rows.

use std::collections::HashMap;

use super::*;
use crate::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use crate::destination::{
    AttachmentApi, AttachmentPresence, AttachmentSelector, CreatedAttachment, Destination,
    NameUpdate, NewAttachment, UpdatedAttachment, UploadTarget,
};
use crate::http::{ApiFailure, FetchFailure, FetchedContent, PutFailure, PutReceipt};
use crate::memory_service::MemoryAddress;
use crate::throttle::EarlierAnswer;
use tokio::io::AsyncWrite;

/// Service in memory that never answers requests of a kind for some rows, or never gets to see the
/// files of these rows.
struct DeafService {
    memory: MemoryAttachmentService,
    trouble: RowTrouble,
    rows_in_trouble: Vec<usize>,
}

/// Trouble with some rows.
enum RowTrouble {
    /// Requests of a kind are not answered.
    Unanswered(RequestKind),
    /// Another program holds the file, for so many tries more.
    FileInUse(Mutex<u32>),
}

impl DeafService {
    /// Fails if the request is never answered.
    fn check_answered(
        &self,
        operation: RequestKind,
        external_id: &ExternalId,
    ) -> Result<(), ApiFailure> {
        let is_one = |number: &usize| row(*number).external_id == *external_id;
        if self.is_deaf_to(operation) && self.rows_in_trouble.iter().any(is_one) {
            return Err(ApiFailure::Unanswered("status 500".into()));
        }
        Ok(())
    }

    fn is_deaf_to(&self, operation: RequestKind) -> bool {
        matches!(self.trouble, RowTrouble::Unanswered(kind) if kind == operation)
    }
}

impl Destination for DeafService {
    type Target = MemoryAddress;

    async fn put_file(
        &self,
        target: &MemoryAddress,
        source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        let bad = |number: &usize| file_content(*number) == *content;
        if self.rows_in_trouble.iter().any(bad) {
            if self.is_deaf_to(RequestKind::Put) {
                return Err(PutFailure::Interrupted("connection reset".into()));
            }
            if let RowTrouble::FileInUse(tries) = &self.trouble {
                let mut tries_left = tries.lock().unwrap();
                if *tries_left > 0 {
                    *tries_left -= 1;
                    return Err(PutFailure::SourceInUse);
                }
            }
        }
        self.memory.put_file(target, source, content, sent).await
    }
}

impl AttachmentApi for DeafService {
    async fn get_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> Result<AttachmentPresence, ApiFailure> {
        self.check_answered(RequestKind::Find, external_id)?;
        self.memory.get_by_external_id(external_id).await
    }

    async fn get_by_id(&self, id: &AttachmentId) -> Result<AttachmentPresence, ApiFailure> {
        self.memory.get_by_id(id).await
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure> {
        self.memory.list(ids).await
    }

    async fn create(
        &self,
        new: &NewAttachment,
    ) -> Result<CreatedAttachment<MemoryAddress>, ApiFailure> {
        self.check_answered(RequestKind::Create, &new.file.external_id)?;
        self.memory.create(new).await
    }

    async fn renew_upload_target(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<UploadTarget<MemoryAddress>, ApiFailure> {
        self.memory.renew_upload_target(id, file_name, title).await
    }
    async fn update_names(
        &self,
        key: AttachmentSelector<'_>,
        names: &NameUpdate,
    ) -> Result<UpdatedAttachment, ApiFailure> {
        self.memory.update_names(key, names).await
    }

    async fn list_metadata(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure> {
        self.memory.list_metadata(ids).await
    }

    async fn get_download(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure> {
        self.memory.get_download(id).await
    }

    async fn download(
        &self,
        place: &MemoryAddress,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        self.memory.download(place, most, into, received).await
    }
}

/// Runs rows with a service that does not answer for some. Returns the journal, the reason to stop,
/// the duration, and the number of stored attachments.
async fn run_deaf(
    to: RequestKind,
    rows: &[usize],
    of: usize,
    settings: &RunSettings,
) -> (MemoryJournal, Option<HaltReason>, Duration, usize) {
    run_in_trouble(RowTrouble::Unanswered(to), rows, of, settings).await
}

/// Runs rows, some of them in trouble. Returns the same as [`run_deaf`].
async fn run_in_trouble(
    trouble: RowTrouble,
    rows: &[usize],
    of: usize,
    settings: &RunSettings,
) -> (MemoryJournal, Option<HaltReason>, Duration, usize) {
    let service = DeafService {
        memory: MemoryAttachmentService::new(AttachmentServiceRules::default()),
        trouble,
        rows_in_trouble: rows.to_vec(),
    };
    let (lines, began) = (MemoryJournal::default(), Instant::now());
    let tasks = (1..=of).map(new_task).collect();
    let halt = run_tasks(&service, &lines, tasks, settings).await;
    (lines, halt, began.elapsed(), service.memory.stored().len())
}

const UNANSWERED_KINDS: [(RequestKind, Option<Status>); 3] = [
    (RequestKind::Find, Some(Status::Pending)),
    (RequestKind::Create, Some(Status::Creating)),
    (RequestKind::Put, Some(Status::Created)),
];

#[tokio::test(start_paused = true)]
async fn the_last_row_that_nobody_answers_is_left_after_five_minutes_or_so() {
    for (to, status) in UNANSWERED_KINDS {
        let (lines, halt, took, stored) = run_deaf(to, &[20], 20, &settings()).await;
        assert_eq!((halt, stored), (None, 19), "{to:?}");
        let last = lines.last_line(20);
        assert_eq!(last.as_ref().map(|last| last.status), status, "{to:?}");
        let last = last.unwrap();
        assert_eq!(last.reason, StatusReason::NoAnswer, "{to:?}: {last:?}");
        assert_eq!(last.attachment_id.is_some(), to == RequestKind::Put);
        assert!(took < Duration::from_mins(8), "{to:?} {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_rows_at_the_head_keep_no_good_ones_waiting_however_few_are_sent_at_once() {
    for (to, _) in UNANSWERED_KINDS {
        for concurrency in [1, 2, 8] {
            let bad: Vec<usize> = (1..=9).collect();
            let settings = RunSettings {
                rows_at_once: concurrency,
                ..settings()
            };
            let (_, halt, took, stored) = run_deaf(to, &bad, 49, &settings).await;
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
    let (lines, halt, ..) = run_deaf(RequestKind::Find, &[1, 2, 3], 3, &answered_before()).await;
    assert!(matches!(halt, Some(HaltReason::Outage(_))), "{halt:?}");
    assert!((1..=3).all(|row| lines.last_line(row).is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_never_there_is_given_up_after_two_minutes() {
    let (_, halt, took, _) = run_deaf(RequestKind::Find, &[1, 2], 2, &settings()).await;
    assert!(
        matches!(halt, Some(HaltReason::NeverAnswered { .. })),
        "{halt:?}"
    );
    assert!(took >= Duration::from_mins(2) && took < Duration::from_mins(3));

    // A service that has answered before the run is not given up so soon.
    let (lines, halt, ..) = run_deaf(RequestKind::Find, &[1, 2], 2, &answered_before()).await;
    assert_eq!(halt, None);
    assert_eq!(lines.last_line(1).unwrap().reason, StatusReason::NoAnswer);
}

#[tokio::test(start_paused = true)]
async fn rows_that_all_fail_alike_stop_the_run_unless_the_user_says_how_many_may() {
    let refused =
        |operation, _| (operation == RequestKind::Create).then_some(DeliveryFault::Refused);
    let (memory, _, halt) = run_with_faults(AttachmentServiceRules::default(), 100, refused).await;
    match halt {
        Some(HaltReason::CommonFailure(first)) => assert_eq!(first.reason, StatusReason::Refused),
        other => panic!("{other:?}"),
    }
    assert!(count_requests(&memory.log(), RequestKind::Find) < 100);
    let (_, _, halt) = run_with_faults(AttachmentServiceRules::default(), 19, refused).await;
    assert_eq!(halt, None);
    let memory =
        MemoryAttachmentService::with_faults(AttachmentServiceRules::default(), Box::new(refused));
    let many = RunSettings {
        max_errors: Some(1_000),
        ..settings()
    };
    let tasks = (1..=100).map(new_task).collect();
    assert_eq!(
        run_tasks(&memory, &MemoryJournal::default(), tasks, &many).await,
        None
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_in_use_is_sent_once_the_other_program_has_closed_it() {
    let in_use = RowTrouble::FileInUse(Mutex::new(6));
    let (lines, halt, took, stored) = run_in_trouble(in_use, &[2], 3, &settings()).await;
    assert_eq!((halt, stored), (None, 3));
    assert_eq!(lines.last_line(2).unwrap().status, Status::Uploaded);
    assert!(took >= Duration::from_mins(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_stays_in_use_for_a_minute_fails_its_row_alone() {
    let in_use = RowTrouble::FileInUse(Mutex::new(u32::MAX));
    let (lines, halt, took, stored) = run_in_trouble(in_use, &[2], 3, &settings()).await;
    assert_eq!((halt, stored), (None, 2));
    let last = lines.last_line(2).unwrap();
    assert_eq!(last.status, Status::Failed);
    assert_eq!(last.reason, StatusReason::SourceChanged);
    assert_eq!(
        last.message,
        "the file was in use by another program for a minute, and was not stored; close the program \
         that has it open, then run the import again with --resume"
    );
    assert!(took < Duration::from_mins(2), "{took:?}");
}

/// Settings for a service that has answered before.
fn answered_before() -> RunSettings {
    RunSettings {
        earlier_answer: EarlierAnswer::Received,
        ..settings()
    }
}
