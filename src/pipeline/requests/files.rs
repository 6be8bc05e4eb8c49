//! Wait for the folder of the files. A network share goes away as a service does, and no row fails
//! for such an outage.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Requests;
use crate::destination::Destination;
use crate::event::Event;
use crate::model::Content;
use crate::pipeline::Halt;
use crate::source::{Source, SourceError};

/// First wait for a folder that is away; each further wait is twice as long.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait between two looks at the folder, and so the longest delay after its return.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Number of times a file that cannot be read is tried again while its folder is there: the file
/// may be reachable through a folder opened anew.
pub(in crate::pipeline) const MOST_MISSES: u32 = 1;

/// State of the folder of a file that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Reach {
    /// The folder was there all the time: the failure is the file's own.
    There,
    /// The folder was away, and is there again.
    Back,
}

impl<D: Destination> Requests<'_, D> {
    /// Waits until the folder of an unreadable file is there. Fails with [`Halt::FilesAway`] after
    /// the longest outage allowed.
    pub(in crate::pipeline) async fn reach(&self, source: &Source) -> Result<Reach, Halt> {
        let began = Instant::now();
        let mut wait = SHORTEST_WAIT;
        let mut reach = Reach::There;
        while let Err(away) = source.look_for_root() {
            reach = Reach::Back;
            let why = away.to_string();
            if began.elapsed() >= self.max_outage {
                return Err(Halt::FilesAway(why));
            }
            self.events.send(Event::FilesAway { why });
            sleep(wait.min(self.max_outage.saturating_sub(began.elapsed()))).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        if reach == Reach::Back {
            self.events.send(Event::FilesBack);
        }
        Ok(reach)
    }

    /// Checks that a file can be sent as checked, once its folder is there. The inner error says
    /// why not.
    pub(in crate::pipeline) async fn can_be_sent(
        &self,
        source: &Source,
        content: &Content,
    ) -> Result<Result<(), String>, Halt> {
        let mut misses = 0;
        loop {
            let why = match source.open(content) {
                Ok(_) => return Ok(Ok(())),
                Err(SourceError::Changed(why)) => return Ok(Err(why)),
                Err(SourceError::Unreadable(why)) => why,
            };
            match self.reach(source).await? {
                Reach::Back => {}
                Reach::There if misses == MOST_MISSES => return Ok(Err(why)),
                Reach::There => misses += 1,
            }
        }
    }
}
