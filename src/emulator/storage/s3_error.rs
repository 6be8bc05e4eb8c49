//! Errors of the storage, in the words and the XML of S3.

use std::io;

use axum::http::StatusCode;

use super::url_signer::SignatureError;
use crate::emulator::reply::WholeReply;

/// Error with which the storage refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum S3Error {
    /// The path names no object, or the URL has no signature.
    AccessDenied,
    EntityTooLarge,
    Expired,
    ExpiredToken,
    InvalidRequest,
    MissingContentLength,
    NoSuchKey,
    NotImplemented,
    SignatureDoesNotMatch,
    /// A script requested this status.
    Scripted(StatusCode),
    /// The emulator could not read or write its own disk.
    Internal,
}

impl S3Error {
    /// Returns status, code and message, in S3's words where S3 has this error.
    fn status_code_and_message(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::AccessDenied => (StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
            Self::EntityTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
            ),
            Self::Expired => (StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"),
            Self::ExpiredToken => (
                StatusCode::BAD_REQUEST,
                "ExpiredToken",
                "The provided token has expired.",
            ),
            Self::InvalidRequest => (
                StatusCode::BAD_REQUEST,
                "InvalidRequest",
                "A request with a presigned URL must carry no other credentials",
            ),
            Self::MissingContentLength => (
                StatusCode::LENGTH_REQUIRED,
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
            ),
            Self::NoSuchKey => (
                StatusCode::NOT_FOUND,
                "NoSuchKey",
                "The specified key does not exist.",
            ),
            Self::NotImplemented => (
                StatusCode::NOT_IMPLEMENTED,
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
            ),
            Self::SignatureDoesNotMatch => (
                StatusCode::FORBIDDEN,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            ),
            Self::Scripted(StatusCode::CONFLICT) => (
                StatusCode::CONFLICT,
                "OperationAborted",
                "A conflicting conditional operation is currently in progress against this \
                 resource. Please try again.",
            ),
            Self::Scripted(StatusCode::TEMPORARY_REDIRECT) => (
                StatusCode::TEMPORARY_REDIRECT,
                "TemporaryRedirect",
                "Please re-send this request to the specified temporary endpoint.",
            ),
            Self::Scripted(StatusCode::SERVICE_UNAVAILABLE) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
            Self::Scripted(status) => (status, "Scripted", "A script asked for this answer."),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
        }
    }

    /// Returns the answer with this error.
    pub(super) fn reply(self) -> WholeReply {
        let (status, code, message) = self.status_code_and_message();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        WholeReply::new(status, "application/xml", xml.into_bytes())
    }
}

impl From<SignatureError> for S3Error {
    fn from(refusal: SignatureError) -> Self {
        match refusal {
            SignatureError::Unsigned => Self::AccessDenied,
            SignatureError::Mismatch => Self::SignatureDoesNotMatch,
            SignatureError::Expired => Self::Expired,
        }
    }
}

impl From<io::Error> for S3Error {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the emulator cannot keep a file");
        Self::Internal
    }
}
