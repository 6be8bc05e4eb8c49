//! What goes back over a connection: an answer, or its end.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::Timestamp;

use super::fault::retry_after_value;

/// The page of a captive portal, such as an airport's.
const PORTAL_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>\n\
    <body><h1>Free Wi-Fi</h1><p>Please accept our terms to go online.</p></body></html>\n";

/// An answer that is all there, before it becomes a stream.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// An answer with a body of some type.
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers: HeaderMap::from_iter([content_type]),
            body,
        }
    }

    /// An answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// What a captive portal answers to everything.
    pub(super) fn captive_portal() -> Self {
        let page = PORTAL_PAGE.as_bytes().to_vec();
        Self::new(StatusCode::OK, "text/html; charset=utf-8", page)
    }

    /// The answer with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The answer with the `Retry-After` that a script asks for, where it asks for one.
    pub(super) fn with_retry_after(self, text: Option<&str>) -> Self {
        match text.and_then(|text| retry_after_value(text, Timestamp::now())) {
            Some(value) => self.with(RETRY_AFTER, value),
            None => self,
        }
    }

    /// The answer with half of its body, as if it were the whole.
    pub(super) fn broken_off(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        let mut response = Self::new(Body::from(reply.body));
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }
}

/// How a request ends.
#[derive(Debug)]
pub(super) enum Answer {
    /// With this answer.
    Sent(Response),
    /// The connection ends, although the request was carried out and would have had this answer.
    Lost(StatusCode),
    /// Likewise, but the connection stays open.
    Withheld(StatusCode),
    /// The connection ends, and nothing was done.
    Cut,
    /// Likewise, but it will be done so much later.
    Late(Duration),
}

impl Answer {
    /// The status for the request log.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Sent(response) => Some(response.status()),
            Self::Lost(status) | Self::Withheld(status) => Some(*status),
            Self::Cut | Self::Late(_) => None,
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Sent(reply.into())
    }
}
