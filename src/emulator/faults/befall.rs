//! Injection of faults into requests to an API, the same for each API. The storage injects faults
//! into uploads and downloads, which are streams.

use std::collections::BTreeMap;
use std::io;

use axum::http::StatusCode;

use super::fault::{self, Effect};
use crate::emulator::log::{Entry, Log};
use crate::emulator::reply::{Answer, Reply};

/// Complete request to an API, with a document as its answer, into which a fault can be injected.
pub(in crate::emulator) trait Befallen {
    /// Returns the request log and the request's entry.
    fn book(&mut self) -> (&mut Log, &mut Entry);

    /// Performs the request.
    fn perform(&mut self) -> Reply;

    /// Creates an error answer in the API's format.
    fn refuse(&self, status: StatusCode, detail: &str) -> Reply;

    /// Creates the answer to a failure of the emulator's own disk, in the API's format.
    fn fail(&self, error: io::Error) -> Reply;

    /// Replaces the upload target in an answer, if the answer names one. `headers` are added to the
    /// upload headers.
    fn sent_elsewhere(
        &self,
        reply: Reply,
        url: Option<&str>,
        headers: &BTreeMap<String, String>,
    ) -> Reply;
}

/// Performs a request under `effect`; some effects leave the request undone.
pub(super) fn perform_under(request: &mut impl Befallen, effect: Option<&Effect>) -> Answer {
    match effect {
        Some(Effect::Reset) => Answer::Cut,
        Some(Effect::Late { lasting }) => Answer::Late(*lasting),
        Some(Effect::Status { code, retry_after }) => {
            let status = fault::status(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let reply = request.refuse(status, "this answer was asked for by a script");
            reply.with_retry_after(retry_after.as_deref()).into()
        }
        Some(Effect::Html200) => Reply::captive_portal().into(),
        Some(Effect::GarbageBody) => request.perform().broken_off().into(),
        Some(Effect::DeliverTwice) => perform_twice(request).into(),
        Some(Effect::UploadTarget { url, headers }) => {
            let reply = request.perform();
            let elsewhere = request.sent_elsewhere(reply, url.as_deref(), headers);
            elsewhere.into()
        }
        // The other effects are the storage's, or happen to the answer on its way.
        _ => request.perform().into(),
    }
}

/// Performs a request twice in a row, each time with a log entry, and returns the second answer.
fn perform_twice(request: &mut impl Befallen) -> Reply {
    let anew = Entry {
        // For a budget, both are one request.
        budget_left: None,
        ..request.book().1.clone()
    };
    let first = request.perform();
    let (log, entry) = request.book();
    let mut entry = std::mem::replace(entry, anew);
    entry.status = Some(first.status.as_u16());
    match log.append(entry) {
        Ok(()) => request.perform(),
        Err(error) => request.fail(error),
    }
}
