//! Tries of a file that cannot be read although its folder is there.

use std::time::Duration;

use tokio::time::sleep;

use super::RequestSender;
use crate::destination::Destination;
use crate::event::RunEvent;
use crate::upload_source::UploadSource;

/// Waits before the tries of a file that another program holds: a minute in all, enough for a person
/// to close a document.
const HELD_FILE_WAITS: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

/// Number of times an unreadable file is tried again: the file may be reachable through a folder
/// opened anew.
const MAX_UNREADABLE_RETRIES: usize = 1;

/// Trouble with a file whose folder is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum SourceTrouble {
    /// The file is missing or unreadable.
    Unreadable,
    /// Another program holds the file.
    InUse,
}

/// Decision about another try of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum SourceRetry {
    /// The file is to be tried again.
    Again,
    /// No try is left.
    GiveUp,
}

/// Tries of one file so far.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct SourceTries {
    unreadable: usize,
    in_use: usize,
}

impl SourceTries {
    /// Counts a failed try, and returns the wait before the next try, or `None` if no try is left.
    fn next_wait(&mut self, trouble: SourceTrouble) -> Option<Duration> {
        match trouble {
            SourceTrouble::Unreadable => {
                self.unreadable += 1;
                (self.unreadable <= MAX_UNREADABLE_RETRIES).then_some(Duration::ZERO)
            }
            SourceTrouble::InUse => {
                self.in_use += 1;
                HELD_FILE_WAITS.get(self.in_use - 1).copied()
            }
        }
    }
}

impl<D: Destination> RequestSender<'_, D> {
    /// Waits until the time for another try of a file.
    pub(in crate::pipeline) async fn retry_source(
        &self,
        source: &UploadSource,
        tries: &mut SourceTries,
        trouble: SourceTrouble,
    ) -> SourceRetry {
        let Some(wait) = tries.next_wait(trouble) else {
            return SourceRetry::GiveUp;
        };
        if trouble == SourceTrouble::InUse {
            let file_path = source.file_path().to_owned();
            self.events.send(RunEvent::FileInUse { file_path });
        }
        sleep(wait).await;
        SourceRetry::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the waits in seconds before all further tries, if each try meets the same trouble.
    fn all_waits(trouble: SourceTrouble) -> Vec<u64> {
        let mut tries = SourceTries::default();
        let waits = std::iter::from_fn(|| tries.next_wait(trouble));
        waits.map(|wait| wait.as_secs()).collect()
    }

    #[test]
    fn a_file_that_another_program_holds_is_tried_for_a_minute_and_an_unreadable_one_once_more() {
        let in_use = all_waits(SourceTrouble::InUse);
        assert_eq!(in_use, [1, 2, 4, 8, 15, 30]);
        assert_eq!(in_use.iter().sum::<u64>(), 60);
        assert_eq!(all_waits(SourceTrouble::Unreadable), [0]);
    }
}
