//! Replies spoilt by a fault, or sent instead of the service's own.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use jiff::Timestamp;

use super::fault::retry_after_value;
use crate::emulator::reply::WholeReply;

/// Web page of a captive portal, such as an airport's.
const PORTAL_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>\n\
    <body><h1>Free Wi-Fi</h1><p>Please accept our terms to go online.</p></body></html>\n";

impl WholeReply {
    /// Creates a captive portal's answer, the same for each request.
    pub(in crate::emulator) fn captive_portal() -> Self {
        let page = PORTAL_PAGE.as_bytes().to_vec();
        Self::new(StatusCode::OK, "text/html; charset=utf-8", page)
    }

    /// Adds the `Retry-After` header of a script, if the script has one.
    pub(in crate::emulator) fn with_retry_after(self, text: Option<&str>) -> Self {
        match text.and_then(|text| retry_after_value(text, Timestamp::now())) {
            Some(value) => self.with_header(RETRY_AFTER, value),
            None => self,
        }
    }

    /// Drops the second half of the body, as if the first were the whole.
    pub(super) fn with_half_of_body(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }
}
