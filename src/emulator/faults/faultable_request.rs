//! Injection of faults into requests to an API, the same for each API. The storage injects faults
//! into uploads and downloads, which are streams.

use std::collections::BTreeMap;
use std::io;

use axum::http::StatusCode;

use super::fault::{self, FaultEffect};
use crate::emulator::reply::{RequestEnd, WholeReply};
use crate::emulator::request_log::{RequestLog, RequestLogEntry};

/// Complete request to an API, with a document as its answer, into which a fault can be injected.
pub(in crate::emulator) trait FaultableRequest {
    /// Returns the request log and the request's entry.
    fn log_and_entry(&mut self) -> (&mut RequestLog, &mut RequestLogEntry);

    /// Performs the request.
    fn perform(&mut self) -> WholeReply;

    /// Creates an error answer in the API's format.
    fn error_reply(&self, status: StatusCode, detail: &str) -> WholeReply;

    /// Creates the answer to a failure of the emulator's own disk, in the API's format.
    fn disk_error_reply(&self, error: io::Error) -> WholeReply;

    /// Replaces the upload target in an answer, if the answer names one. `headers` are added to the
    /// upload headers.
    fn redirect_upload(
        &self,
        reply: WholeReply,
        url: Option<&str>,
        headers: &BTreeMap<String, String>,
    ) -> WholeReply;
}

/// Performs a request under `effect`; some effects leave the request undone.
pub(super) fn perform_with_effect(
    request: &mut impl FaultableRequest,
    effect: Option<&FaultEffect>,
) -> RequestEnd {
    match effect {
        Some(FaultEffect::Reset) => RequestEnd::ConnectionCut,
        Some(FaultEffect::Late { delay: lasting }) => RequestEnd::ExecutedLater(*lasting),
        Some(FaultEffect::Status { code, retry_after }) => {
            let status = fault::scripted_status(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let reply = request.error_reply(status, "this answer comes from a scripted fault");
            reply.with_retry_after(retry_after.as_deref()).into()
        }
        Some(FaultEffect::Html200) => WholeReply::captive_portal().into(),
        Some(FaultEffect::GarbageBody) => request.perform().with_half_of_body().into(),
        Some(FaultEffect::DeliverTwice) => perform_twice(request).into(),
        Some(FaultEffect::UploadTarget { url, headers }) => {
            let reply = request.perform();
            let elsewhere = request.redirect_upload(reply, url.as_deref(), headers);
            elsewhere.into()
        }
        // The other effects are the storage's, or happen to the answer on its way.
        _ => request.perform().into(),
    }
}

/// Performs a request twice in a row, each time with a log entry, and returns the second answer.
fn perform_twice(request: &mut impl FaultableRequest) -> WholeReply {
    let anew = RequestLogEntry {
        // For a budget, both are one request.
        budget_left: None,
        ..request.log_and_entry().1.clone()
    };
    let first = request.perform();
    let (log, entry) = request.log_and_entry();
    let mut entry = std::mem::replace(entry, anew);
    entry.status = Some(first.status.as_u16());
    match log.append(entry) {
        Ok(()) => request.perform(),
        Err(error) => request.disk_error_reply(error),
    }
}
