//! The one writer of a run's results: a thread that appends lines and syncs them in groups.
//!
//! Whoever records a line gets an answer once it is on the disk. While one group is being synced
//! the next one gathers, so a sync is shared by all rows that wait for one.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::file::ResultsFile;
use super::{Entry, ResultsError};

/// Where rows record what is about to happen, and what did.
pub trait Journal: Send + Sync {
    /// Returns once the lines would survive a loss of power. They are written together.
    fn record(&self, entries: Vec<Entry>)
    -> impl Future<Output = Result<(), JournalClosed>> + Send;

    /// Returns once it was seen that what was recorded is still where the next run will read it. It is
    /// to be looked before each request that changes something, since hours may pass between a line
    /// and the request that it announces.
    fn look(&self) -> impl Future<Output = Result<(), JournalClosed>> + Send {
        self.record(Vec::new())
    }
}

/// The line is not on the disk, and no further one will be. The writer knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the results cannot be written")]
pub struct JournalClosed;

struct Request {
    entries: Vec<Entry>,
    written: oneshot::Sender<()>,
}

/// The journal of a run, kept in its results file.
#[derive(Debug)]
pub struct FileJournal(Sender<Request>);

/// The thread that writes. It ends when the [`FileJournal`] is gone, and writes nothing after the
/// first error: what a failed sync left on the disk is not known, so it is never tried again.
#[derive(Debug)]
pub struct Writer(JoinHandle<(ResultsFile, Result<(), ResultsError>)>);

/// Starts the writer of a run.
pub fn start(file: ResultsFile) -> (FileJournal, Writer) {
    let (sender, receiver) = channel();
    let thread = std::thread::spawn(move || write(file, &receiver));
    (FileJournal(sender), Writer(thread))
}

impl Journal for FileJournal {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), JournalClosed> {
        let (written, answer) = oneshot::channel();
        self.0
            .send(Request { entries, written })
            .map_err(|_| JournalClosed)?;
        answer.await.map_err(|_| JournalClosed)
    }
}

impl Writer {
    /// Closes the journal, and waits until all is written. Gives the file back, and the error that ended
    /// the writing.
    pub fn finish(self, journal: FileJournal) -> (ResultsFile, Result<(), ResultsError>) {
        drop(journal);
        match self.0.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn write(
    mut file: ResultsFile,
    queue: &Receiver<Request>,
) -> (ResultsFile, Result<(), ResultsError>) {
    while let Ok(first) = queue.recv() {
        let (entries, waiting): (Vec<Vec<_>>, Vec<_>) = std::iter::once(first)
            .chain(queue.try_iter())
            .map(|request| (request.entries, request.written))
            .unzip();
        if let Err(error) = file.append(&entries.concat()) {
            // Those who wait see their answer dropped, which tells them. What they still had to say
            // is not written, but known where the results have to be written elsewhere.
            drop(waiting);
            for request in queue {
                let _ = file.remember(&request.entries);
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
