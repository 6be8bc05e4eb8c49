//! Log of a story: every foul, and every event where a trace is wanted.

use std::fmt::Debug;
use std::sync::Mutex;

use tokio::time::Instant;

/// Log of one story.
pub(crate) struct StoryLog {
    began: Instant,
    notes: Mutex<StoryNotes>,
}

/// Fouls, and the trace if one is kept.
#[derive(Default)]
struct StoryNotes {
    fouls: Vec<String>,
    trace: Option<Vec<String>>,
}

impl StoryLog {
    /// Returns an empty log.
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            notes: Mutex::default(),
        }
    }

    /// Traces every event from now on.
    pub(crate) fn start_trace(&self) {
        self.notes.lock().unwrap().trace = Some(Vec::new());
    }

    /// Returns the trace; empty if no trace was kept.
    pub(crate) fn trace(&self) -> String {
        let notes = self.notes.lock().unwrap();
        notes.trace.as_ref().map_or(String::new(), |t| t.join("\n"))
    }

    /// Returns the first foul. `None` if there was no foul.
    pub(crate) fn first_foul(&self) -> Option<String> {
        self.notes.lock().unwrap().fouls.first().cloned()
    }

    /// Notes an event in the trace.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        let seconds = self.began.elapsed().as_secs_f64();
        if let Some(trace) = &mut self.notes.lock().unwrap().trace {
            trace.push(format!("{seconds:9.3}  {}", what()));
        }
    }

    /// Notes a request or its answer in the trace.
    pub(crate) fn note_exchange(&self, request: &str, about: &dyn Debug, answer: &dyn Debug) {
        self.note(|| format!("{request} {about:?}: {answer:?}"));
    }

    /// Notes a foul: a breach of the protocol.
    pub(crate) fn foul(&self, what: String) {
        let mut notes = self.notes.lock().unwrap();
        if let Some(trace) = &mut notes.trace {
            trace.push(format!("FOUL: {what}"));
        }
        notes.fouls.push(what);
    }
}
