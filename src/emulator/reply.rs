//! Answers to requests, and ends of connections without an answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

/// Complete answer in memory, before it becomes a response stream.
#[derive(Debug, Clone)]
pub(super) struct WholeReply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl WholeReply {
    /// Creates an answer with a body.
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers: HeaderMap::from_iter([content_type]),
            body,
        }
    }

    /// Creates an answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// Adds or replaces a header.
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl From<WholeReply> for Response {
    fn from(reply: WholeReply) -> Self {
        let mut response = Self::new(Body::from(reply.body));
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }
}

/// End of a request.
#[derive(Debug)]
pub(super) enum RequestEnd {
    /// The client gets this answer.
    Answered(Response),
    /// The connection ends. The request was carried out, and the lost answer had this status.
    AnswerLost(StatusCode),
    /// The connection stays open without an answer. The request was carried out, and the withheld
    /// answer had this status.
    AnswerWithheld(StatusCode),
    /// The connection ends, and the request was not carried out.
    ConnectionCut,
    /// The connection ends, and the request is carried out after this time.
    ExecutedLater(Duration),
}

impl RequestEnd {
    /// Returns the status for the request log.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answered(response) => Some(response.status()),
            Self::AnswerLost(status) | Self::AnswerWithheld(status) => Some(*status),
            Self::ConnectionCut | Self::ExecutedLater(_) => None,
        }
    }
}

impl From<WholeReply> for RequestEnd {
    fn from(reply: WholeReply) -> Self {
        Self::Answered(reply.into())
    }
}
