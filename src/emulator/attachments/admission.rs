//! Admission of a request to the attachments API or to a sister service, by its keys and by the
//! company's rate limit.

use std::time::Instant;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::attachment_settings::AttachmentSettings;
use super::attachment_state::AttachmentState;
use super::jsonapi::JsonApiProblem;
use super::rate::RateLimitDecision;
use crate::emulator::reply::WholeReply;
use crate::emulator::request_log::RequestLog;

/// Checks the keys of a request, then the rate. Returns the refusal; `None` if the request may be
/// performed.
// In this order: the rate limit is the company's, so that a request without good keys falls
// under no limit.
pub(in crate::emulator) fn refuse_by_keys_and_rate(
    settings: &AttachmentSettings,
    state: &mut AttachmentState,
    headers: &HeaderMap,
    arrival: Instant,
    log: &mut RequestLog,
) -> Option<WholeReply> {
    if !settings.accepted_keys.accept(headers) {
        let detail = "X-Api-Key, X-User-Token and X-User-Email do not identify a user";
        return Some(JsonApiProblem::new(StatusCode::UNAUTHORIZED, detail).into_reply());
    }
    if let Err(error) = state.count_other_clients_until(arrival, log) {
        return Some(JsonApiProblem::from(error).into_reply());
    }
    match state.admit(arrival) {
        RateLimitDecision::Admitted => None,
        RateLimitDecision::Refused => {
            let detail = "the rate limit is reached; sleep 1 second and retry";
            let reply = JsonApiProblem::new(StatusCode::TOO_MANY_REQUESTS, detail).into_reply();
            Some(reply.with_header(RETRY_AFTER, HeaderValue::from_static("1")))
        }
    }
}
