//! How the folder of the files is waited for: a share goes away as a service does, and no row fails
//! for that.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Requests;
use crate::destination::Destination;
use crate::event::Event;
use crate::model::Content;
use crate::pipeline::Halt;
use crate::source::{Source, SourceError};

/// The first wait for a folder that is away; each further one is twice as long.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// So late is it noticed at the most that it is there again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// So often a file that cannot be read is tried once more while its folder is there: through a folder
/// that was opened anew it may be reached.
pub(in crate::pipeline) const MOST_MISSES: u32 = 1;

/// How it stands with the folder of a file that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Reach {
    /// It is there: the failure is the file's own.
    There,
    /// It was away, and is there again.
    Back,
}

impl<D: Destination> Requests<'_, D> {
    /// Waits until the folder of a file is there that could not be read.
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

    /// Whether a file can be sent as it was checked, once its folder is there. Says why not.
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
