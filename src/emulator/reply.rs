//! What goes back over a connection: an answer, or its end.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

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

    /// The answer with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
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
