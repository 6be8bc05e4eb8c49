//! Wait for the folder of the files. A network share goes away as a service does, and no row fails
//! for such an outage.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::RequestSender;
use super::source_tries::{SourceRetry, SourceTries, SourceTrouble};
use crate::destination::Destination;
use crate::event::RunEvent;
use crate::model::CheckedContent;
use crate::pipeline::HaltReason;
use crate::upload_source::{UploadSource, UploadSourceError};

/// First wait for a folder that is away; each further wait is twice as long.
const FIRST_FOLDER_WAIT: Duration = Duration::from_secs(1);

/// Longest wait between two looks at the folder, and so the longest delay after its return.
const LONGEST_FOLDER_WAIT: Duration = Duration::from_secs(30);

/// End of all tries of a file that another program holds, as a clause.
pub(in crate::pipeline) const FILE_STAYED_IN_USE: &str =
    "the file was in use by another program for a minute";

/// State of the folder of a file that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum FilesFolderState {
    /// The folder was there all the time: the failure is the file's own.
    Present,
    /// The folder was away, and is there again.
    Recovered,
}

impl<D: Destination> RequestSender<'_, D> {
    /// Waits until the folder of an unreadable file is there. Fails with
    /// [`HaltReason::FilesUnavailable`] after the longest outage allowed.
    pub(in crate::pipeline) async fn wait_for_files_folder(
        &self,
        source: &UploadSource,
    ) -> Result<FilesFolderState, HaltReason> {
        let began = Instant::now();
        let mut wait = FIRST_FOLDER_WAIT;
        let mut reach = FilesFolderState::Present;
        while let Err(away) = source.check_root() {
            reach = FilesFolderState::Recovered;
            let why = away.to_string();
            if began.elapsed() >= self.max_outage {
                return Err(HaltReason::FilesUnavailable(why));
            }
            self.events.send(RunEvent::FilesUnavailable { why });
            sleep(wait.min(self.max_outage.saturating_sub(began.elapsed()))).await;
            wait = (wait * 2).min(LONGEST_FOLDER_WAIT);
        }
        if reach == FilesFolderState::Recovered {
            self.events.send(RunEvent::FilesRecovered);
        }
        Ok(reach)
    }

    /// Checks that a file can be sent as checked, once its folder is there. The inner error is the
    /// reason why not, as a sentence.
    pub(in crate::pipeline) async fn check_sendable(
        &self,
        source: &UploadSource,
        content: &CheckedContent,
    ) -> Result<Result<(), String>, HaltReason> {
        let mut tries = SourceTries::default();
        let changed = |why| format!("the file changed after it was checked: {why}");
        loop {
            let (trouble, why) = match source.open(content) {
                Ok(_) => return Ok(Ok(())),
                Err(UploadSourceError::NotAsChecked(why)) => return Ok(Err(changed(why))),
                Err(UploadSourceError::InUse) => {
                    (SourceTrouble::InUse, FILE_STAYED_IN_USE.to_owned())
                }
                Err(UploadSourceError::Unreadable(why)) => {
                    match self.wait_for_files_folder(source).await? {
                        FilesFolderState::Recovered => continue,
                        FilesFolderState::Present => (SourceTrouble::Unreadable, changed(why)),
                    }
                }
            };
            match self.retry_source(source, &mut tries, trouble).await {
                SourceRetry::Again => {}
                SourceRetry::GiveUp => return Ok(Err(why)),
            }
        }
    }
}
