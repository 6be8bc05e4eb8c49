//! Existing attachments, changed as the user asks.

mod dry_run_predictions;
mod name_changes;
mod replacements;
mod simulation_findings;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::AsyncWrite;

use super::*;
use crate::backup::{BackupDraft, BackupName, BackupStore};
use crate::destination::{
    AttachmentApi as _, AttachmentSelector, Destination as _, NameUpdate, NewAttachment, NewFile,
};
use crate::plan::{ConflictPolicy, TitlePolicy, UpdatePolicy};
use crate::results::{BackupOutcome, FormerContent};

type KeptBackups = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Backups in memory, by name. Holds digests, since the service in memory sends nothing else as
/// bytes.
#[derive(Default)]
struct MemoryBackupStore(KeptBackups);

struct MemoryBackupDraft {
    kept: KeptBackups,
    bytes: Vec<u8>,
}

impl AsyncWrite for MemoryBackupDraft {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl BackupDraft for MemoryBackupDraft {
    fn commit(self: Box<Self>, name: &BackupName) -> BoxFuture<'static, io::Result<String>> {
        let name = name.to_string();
        async move {
            self.kept.lock().unwrap().push((name.clone(), self.bytes));
            Ok(name)
        }
        .boxed()
    }
}

impl BackupStore for MemoryBackupStore {
    fn begin_backup(&self) -> BoxFuture<'_, io::Result<Box<dyn BackupDraft>>> {
        let kept = Arc::clone(&self.0);
        let bytes = Vec::new();
        async move { Ok(Box::new(MemoryBackupDraft { kept, bytes }) as Box<dyn BackupDraft>) }
            .boxed()
    }

    fn open_backup(
        &self,
        backup: &str,
    ) -> BoxFuture<'static, io::Result<(UploadSource, FileStamp)>> {
        let is_there = self
            .0
            .lock()
            .unwrap()
            .iter()
            .any(|(name, _)| name == backup);
        let root = Arc::new(Root::from_path(Path::new(".")).unwrap());
        let source = UploadSource::new(root, backup.to_owned());
        let found = is_there.then_some((source, old_content().stamp));
        async move { found.ok_or_else(|| io::Error::other("it is not there")) }.boxed()
    }
}

/// Returns the content stored before the run.
fn old_content() -> CheckedContent {
    content("the old bytes")
}

/// Returns an existing file, since the file is opened before the old bytes are released.
fn new_file() -> (CheckedContent, UploadSource) {
    source_of("Cargo.toml")
}

fn source_of(path: &str) -> (CheckedContent, UploadSource) {
    let root = Arc::new(Root::from_path(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap());
    let stamp = root.stamp_file(path).unwrap();
    let sha256 = sha256(path.as_bytes());
    (
        CheckedContent { stamp, sha256 },
        UploadSource::new(root, path.to_owned()),
    )
}

/// Creates a service in which another client has stored `content` under the name of row 1.
async fn service_with_stored(
    rules: AttachmentServiceRules,
    content: CheckedContent,
    script: FaultScript,
) -> MemoryAttachmentService {
    let memory = MemoryAttachmentService::with_faults(rules, script);
    store(&memory, "A1", content).await;
    memory
}

async fn store(
    memory: &MemoryAttachmentService,
    external_id: &str,
    content: CheckedContent,
) -> AttachmentId {
    let file = NewFile {
        external_id: ExternalId::parse(external_id).unwrap(),
        file_name: "old.pdf".into(),
        title: Some("Old title".into()),
    };
    let object = row(1).object;
    let made = memory
        .create(&NewAttachment { object, file })
        .await
        .unwrap();
    let (_, source) = new_file();
    let target = made.upload_target.target.as_ref().unwrap();
    memory
        .put_file(target, &source, &content, &|_| ())
        .await
        .unwrap();
    made.id
}

fn no_faults() -> FaultScript {
    Box::new(|_, _| None)
}

/// Returns a script with a fault in the n-th request of a kind. Storing an attachment beforehand
/// counts as a request of each kind involved.
fn fault_script(operation: RequestKind, number: u64, fault: DeliveryFault) -> FaultScript {
    Box::new(nth_request(operation, number, fault))
}

fn replacing_settings() -> RunSettings {
    settings_with_policy(UpdatePolicy {
        on_conflict: ConflictPolicy::Replace,
        ..UpdatePolicy::default()
    })
}

fn settings_with_policy(update_policy: UpdatePolicy) -> RunSettings {
    RunSettings {
        update_policy,
        ..settings()
    }
}

/// Returns the task of row 1 with the new file, as in a first run.
fn changed_task(row: ManifestRow) -> AttachmentTask {
    let (content, source) = new_file();
    let mut task = task(
        row,
        content,
        AttachmentStart::LookUp(PriorCreate::NoneUnanswered),
    );
    task.source = source;
    task
}

/// Returns the task of row 1 with the new file, as in a later run.
fn resumed_changed_task(
    row: ManifestRow,
    last: &ResultsEntry,
    settings: &RunSettings,
) -> Option<AttachmentTask> {
    let (content, source) = new_file();
    let file = RowFile::Ready(content);
    let last = Some(last.clone());
    let changes = last.as_ref().unwrap().changes.clone();
    match plan_row(
        &row,
        file,
        last,
        settings.update_policy,
        FailedJobPolicy::Leave,
    ) {
        RowPlan::SendRequests(ProtocolStart::Attachment(start)) => {
            let mut task = task(row, content, start);
            task.source = source;
            task.changes = changes;
            Some(task)
        }
        _ => None,
    }
}

async fn run_with_backups(
    memory: &MemoryAttachmentService,
    lines: &MemoryJournal,
    shelf: Option<&MemoryBackupStore>,
    tasks: Vec<AttachmentTask>,
    settings: &RunSettings,
) -> Option<HaltReason> {
    let (events, _) = EventSender::channel();
    let backup_store = shelf.map(|shelf| shelf as &dyn BackupStore);
    let never = std::future::pending();
    let tasks = tasks.into_iter();
    run_attachments(tasks, memory, lines, backup_store, settings, &events, never).await
}

/// Replaces the content of row 1, and returns its last line.
async fn replace_row(
    memory: &MemoryAttachmentService,
    shelf: Option<&MemoryBackupStore>,
) -> ResultsEntry {
    let lines = MemoryJournal::default();
    let tasks = vec![changed_task(row(1))];
    assert_eq!(
        run_with_backups(memory, &lines, shelf, tasks, &replacing_settings()).await,
        None
    );
    lines.last_line(1).unwrap()
}

/// Returns the digests of all attachments with an `external_id`.
fn stored_digests(memory: &MemoryAttachmentService, external_id: &str) -> Vec<Sha256Digest> {
    let stored = memory.stored().into_iter();
    let of_key = stored.filter(|one| one.external_id.as_str() == external_id);
    of_key.map(|one| one.sha256).collect()
}
