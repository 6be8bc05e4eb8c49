//! Carrying a request out under the fault that befalls it: the part that is the same for every
//! API. Uploads and downloads, which are streams, are befallen in `storage`.

use std::collections::BTreeMap;
use std::io;

use axum::http::StatusCode;

use super::fault::{self, Effect};
use crate::emulator::log::{Entry, Log};
use crate::emulator::reply::{Answer, Reply};

/// A request of an API that is all there, and whose answer is a document.
pub(in crate::emulator) trait Befallen {
    /// The log, and how the request stands in it.
    fn book(&mut self) -> (&mut Log, &mut Entry);

    /// Carries it out.
    fn perform(&mut self) -> Reply;

    /// An error in the words of the API.
    fn refuse(&self, status: StatusCode, detail: &str) -> Reply;

    /// Tells that the emulator's own disk failed, in the words of the API.
    fn fail(&self, error: io::Error) -> Reply;

    /// The answer with another place for the bytes in it, where it names one.
    fn sent_elsewhere(
        &self,
        reply: Reply,
        url: Option<&str>,
        headers: &BTreeMap<String, String>,
    ) -> Reply;
}

/// Carries a request out, if the fault that is due lets it be.
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
        // The others are the storage's, or happen on the way back.
        _ => request.perform().into(),
    }
}

/// Carries a request out again right after itself, each time with an entry in the log.
fn perform_twice(request: &mut impl Befallen) -> Reply {
    let anew = Entry {
        // For a budget it is one.
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
