//! The only writer of a run's results: a thread that appends lines and syncs them in groups.
//!
//! A caller who records a line gets an answer once the line is on the disk. While one group is
//! being synced, the next group gathers, so all waiting rows share one sync.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::results_file::ResultsFile;
use super::{ResultsEntry, ResultsError};

/// Durable record of steps that are about to happen and of their results.
pub trait Journal: Send + Sync {
    /// Returns once the lines would survive a loss of power. All lines are written together. Fails
    /// with [`JournalClosed`] where the lines are not on the disk.
    fn record(
        &self,
        entries: Vec<ResultsEntry>,
    ) -> impl Future<Output = Result<(), JournalClosed>> + Send;

    /// Returns once all recorded lines were seen to be where the next run will read them. Callers
    /// check before each request that changes something, since hours may pass between a line and
    /// the request announced by the line.
    fn check_in_place(&self) -> impl Future<Output = Result<(), JournalClosed>> + Send {
        self.record(Vec::new())
    }
}

/// Error: the line is not on the disk, and no further line will be. The writer holds the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the results cannot be written")]
pub struct JournalClosed;

/// Lines to be written together, with the channel for the answer.
struct RecordRequest {
    entries: Vec<ResultsEntry>,
    written: oneshot::Sender<()>,
}

/// The journal of a run, kept in its results file.
#[derive(Debug)]
pub struct FileJournal(Sender<RecordRequest>);

/// Handle of the writing thread. The thread ends when the [`FileJournal`] is dropped, and writes
/// nothing after the first error: the state of the disk after a failed sync is unknown, so the
/// write is never tried again.
#[derive(Debug)]
pub struct JournalWriter(JoinHandle<(ResultsFile, Result<(), ResultsError>)>);

/// Starts the writer of a run.
pub fn start_journal(file: ResultsFile) -> (FileJournal, JournalWriter) {
    let (sender, receiver) = channel();
    let thread = std::thread::spawn(move || write_requests(file, &receiver));
    (FileJournal(sender), JournalWriter(thread))
}

impl Journal for FileJournal {
    async fn record(&self, entries: Vec<ResultsEntry>) -> Result<(), JournalClosed> {
        let (written, answer) = oneshot::channel();
        self.0
            .send(RecordRequest { entries, written })
            .map_err(|_| JournalClosed)?;
        answer.await.map_err(|_| JournalClosed)
    }
}

impl JournalWriter {
    /// Closes the journal and waits until all lines are written. Returns the file, and the error
    /// that ended the writing.
    pub fn finish(self, journal: FileJournal) -> (ResultsFile, Result<(), ResultsError>) {
        drop(journal);
        match self.0.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn write_requests(
    mut file: ResultsFile,
    queue: &Receiver<RecordRequest>,
) -> (ResultsFile, Result<(), ResultsError>) {
    while let Ok(first) = queue.recv() {
        let (entries, waiting): (Vec<Vec<_>>, Vec<_>) = std::iter::once(first)
            .chain(queue.try_iter())
            .map(|request| (request.entries, request.written))
            .unzip();
        if let Err(error) = file.append(&entries.concat()) {
            // Callers who wait see their answer dropped, and learn of the failure by the drop.
            // Lines still in the queue are not written, but kept in memory in case the results have
            // to be written elsewhere.
            drop(waiting);
            for request in queue {
                let _ = file.keep_in_memory(&request.entries);
            }
            return (file, Err(error));
        }
        for written in waiting {
            // A row that was given up no longer waits for its answer.
            let _ = written.send(());
        }
    }
    (file, Ok(()))
}
