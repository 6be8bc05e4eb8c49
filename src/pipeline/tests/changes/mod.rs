//! Existing attachments, changed as the user asks.

mod foresight;
mod found;
mod names;
mod replacements;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::AsyncWrite;

use super::*;
use crate::backup::{BackupName, Draft, Vault};
use crate::destination::{
    AttachmentApi as _, Destination as _, Key, NewAttachment, NewFile, NewNames,
};
use crate::plan::{OnConflict, Titles, Wishes};
use crate::results::{Backup, Former};

type Kept = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Backups in memory, by name. Holds digests, since the service in memory sends nothing else as
/// bytes.
#[derive(Default)]
struct Shelf(Kept);

struct Sheet {
    kept: Kept,
    bytes: Vec<u8>,
}

impl AsyncWrite for Sheet {
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

impl Draft for Sheet {
    fn keep(self: Box<Self>, name: &BackupName) -> BoxFuture<'static, io::Result<String>> {
        let name = name.to_string();
        async move {
            self.kept.lock().unwrap().push((name.clone(), self.bytes));
            Ok(name)
        }
        .boxed()
    }
}

impl Vault for Shelf {
    fn begin(&self) -> BoxFuture<'_, io::Result<Box<dyn Draft>>> {
        let kept = Arc::clone(&self.0);
        let bytes = Vec::new();
        async move { Ok(Box::new(Sheet { kept, bytes }) as Box<dyn Draft>) }.boxed()
    }

    fn kept(&self, backup: &str) -> BoxFuture<'static, io::Result<(Source, FileStamp)>> {
        let is_there = self
            .0
            .lock()
            .unwrap()
            .iter()
            .any(|(name, _)| name == backup);
        let root = Arc::new(Root::at(Path::new(".")).unwrap());
        let source = Source::new(root, backup.to_owned());
        let found = is_there.then_some((source, old().stamp));
        async move { found.ok_or_else(|| io::Error::other("it is not there")) }.boxed()
    }
}

/// Returns the content stored before the run.
fn old() -> Content {
    content("the old bytes")
}

/// Returns an existing file, since the file is opened before the old bytes are released.
fn new_file() -> (Content, Source) {
    source_of("Cargo.toml")
}

fn source_of(path: &str) -> (Content, Source) {
    let root = Arc::new(Root::at(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap());
    let stamp = root.stamp(path).unwrap();
    let sha256 = sha256(path.as_bytes());
    (
        Content { stamp, sha256 },
        Source::new(root, path.to_owned()),
    )
}

/// Creates a service in which somebody has stored `content` under the name of row 1.
async fn with_stored(rules: Rules, content: Content, script: Script) -> Memory {
    let memory = Memory::with_faults(rules, script);
    store(&memory, "A1", content).await;
    memory
}

async fn store(memory: &Memory, external_id: &str, content: Content) -> AttachmentId {
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
    let target = made.place.target.as_ref().unwrap();
    memory
        .put(target, &source, &content, &|_| ())
        .await
        .unwrap();
    made.id
}

fn no_faults() -> Script {
    Box::new(|_, _| None)
}

/// Returns a script with a fault in the n-th request of a kind. Storing an attachment beforehand
/// counts as a request of each kind involved.
fn fault(operation: Operation, number: u64, fault: Fault) -> Script {
    Box::new(nth(operation, number, fault))
}

fn replacing() -> Settings {
    wishing(Wishes {
        on_conflict: OnConflict::Replace,
        ..Wishes::default()
    })
}

fn wishing(wishes: Wishes) -> Settings {
    Settings {
        wishes,
        ..settings()
    }
}

/// Returns the task of row 1 with the new file, as in a first run.
fn changed(row: Row) -> AttachmentTask {
    let (content, source) = new_file();
    let mut task = task(row, content, AttachmentStart::LookUp(Posted::No));
    task.source = source;
    task
}

/// Returns the task of row 1 with the new file, as in a later run.
fn changed_after(row: Row, last: &Entry, settings: &Settings) -> Option<AttachmentTask> {
    let (content, source) = new_file();
    let file = RowFile::Ready(content);
    let last = Some(last.clone());
    let changes = last.as_ref().unwrap().changes.clone();
    match step(&row, file, last, settings.wishes, FailedJobs::Leave) {
        Step::Send(Start::Attachment(start)) => {
            let mut task = task(row, content, start);
            task.source = source;
            task.changes = changes;
            Some(task)
        }
        _ => None,
    }
}

async fn run_with(
    memory: &Memory,
    lines: &Lines,
    shelf: Option<&Shelf>,
    tasks: Vec<AttachmentTask>,
    settings: &Settings,
) -> Option<Halt> {
    let (events, _) = Events::channel();
    let vault = shelf.map(|shelf| shelf as &dyn Vault);
    let never = std::future::pending();
    let tasks = tasks.into_iter();
    run_attachments(tasks, memory, lines, vault, settings, &events, never).await
}

/// Replaces the content of row 1, and returns its last line.
async fn replace(memory: &Memory, shelf: Option<&Shelf>) -> Entry {
    let lines = Lines::default();
    let tasks = vec![changed(row(1))];
    assert_eq!(
        run_with(memory, &lines, shelf, tasks, &replacing()).await,
        None
    );
    lines.last(1).unwrap()
}

/// Returns the digests of all attachments with an `external_id`.
fn holds(memory: &Memory, external_id: &str) -> Vec<Sha256Digest> {
    let stored = memory.stored().into_iter();
    let of_key = stored.filter(|one| one.external_id.as_str() == external_id);
    of_key.map(|one| one.sha256).collect()
}
