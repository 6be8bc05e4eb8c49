//! What is noted of a story: everything, where somebody wants to see it, and each foul.

use std::fmt::Debug;
use std::sync::Mutex;

use tokio::time::Instant;

/// The notes of one story.
pub(crate) struct Record {
    began: Instant,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    fouls: Vec<String>,
    trace: Option<Vec<String>>,
}

impl Record {
    /// Nothing is noted yet.
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            notes: Mutex::default(),
        }
    }

    /// Keeps a trace of everything from now on.
    pub(crate) fn keep_a_trace(&self) {
        self.notes.lock().unwrap().trace = Some(Vec::new());
    }

    /// The trace of everything.
    pub(crate) fn trace(&self) -> String {
        let notes = self.notes.lock().unwrap();
        notes.trace.as_ref().map_or(String::new(), |t| t.join("\n"))
    }

    /// The first foul, if there was any.
    pub(crate) fn first_foul(&self) -> Option<String> {
        self.notes.lock().unwrap().fouls.first().cloned()
    }

    /// Notes something in the trace.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        let seconds = self.began.elapsed().as_secs_f64();
        if let Some(trace) = &mut self.notes.lock().unwrap().trace {
            trace.push(format!("{seconds:9.3}  {}", what()));
        }
    }

    /// Notes a request, or its answer.
    pub(crate) fn say(&self, request: &str, about: &dyn Debug, answer: &dyn Debug) {
        self.note(|| format!("{request} {about:?}: {answer:?}"));
    }

    /// Notes a breach of the protocol.
    pub(crate) fn foul(&self, what: String) {
        let mut notes = self.notes.lock().unwrap();
        if let Some(trace) = &mut notes.trace {
            trace.push(format!("FOUL: {what}"));
        }
        notes.fouls.push(what);
    }
}
