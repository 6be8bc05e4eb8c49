//! Downloads from the storage: bytes are hashed as they come, and written to a sink.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use hyper::Method;
use reqwest::{Body, Response};

use super::answer::{StorageAnswer, StorageAnswerClass};
use super::{PIECE_SIZE, STALL_TIMEOUT, TransferClient, read_error_body, storage_request};
use crate::digest::Sha256Hasher;
use crate::http::media_type;
use crate::http::target::TransferTarget;
use crate::http::transport_error::{TransportError, describe_error, unsafe_connection_message};
use crate::http::{DigestedBytes, FetchFailure, FetchedContent};
use crate::text::count_with_noun;

/// Longest wait for the beginning of the storage's answer.
const DOWNLOAD_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

impl TransferClient {
    /// Reads at most `most` bytes at a presigned address and writes them to `into`. Calls
    /// `received` with the size of each piece.
    pub async fn fetch(
        &self,
        target: &TransferTarget,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        let request = storage_request(Method::GET, target, Body::default());
        let arrived = tokio::time::timeout(DOWNLOAD_ANSWER_TIMEOUT, self.send(request))
            .await
            .map_err(|_| stall_failure(DOWNLOAD_ANSWER_TIMEOUT))?
            .map_err(fetch_failure)?;
        let response = arrived.response;
        let status = response.status().as_u16();
        tracing::debug!(%target, status, "download");
        if status != 200 {
            return Err(read_refusal(target, response).await);
        }
        let is_web_page = media_type(response.headers()) == "text/html";
        let length_told = response.content_length().is_some();
        match self
            .receive_and_hash(response, most, into, received)
            .await?
        {
            // A web page says nothing about the length of the file.
            None if is_web_page => Err(FetchFailure::Refused(
                "a web page came in place of the file; is a proxy or a sign-in page in between?"
                    .into(),
            )),
            None => Ok(FetchedContent::TooLong),
            Some(digested) if is_web_page => Ok(FetchedContent::WebPage(digested)),
            // The connection may as well have broken off at this point.
            Some(DigestedBytes { size, .. }) if size < most && !length_told => {
                Err(FetchFailure::Interrupted(format!(
                    "the download ended after {}, and its length was not announced",
                    count_with_noun(size, "byte")
                )))
            }
            Some(digested) => Ok(FetchedContent::File(digested)),
        }
    }

    /// Hashes a body to its end and writes it to `into`. Returns `None` where the body is longer
    /// than `most` bytes.
    ///
    /// As with an upload, less than one piece in [`STALL_TIMEOUT`] counts as stuck, so an answer
    /// that comes a byte at a time does not hold a row for ever. The limit is the storage's: time
    /// spent in writing to `into` does not count.
    async fn receive_and_hash(
        &self,
        mut response: reqwest::Response,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Option<DigestedBytes>, FetchFailure> {
        let mut hasher = Sha256Hasher::default();
        let (mut size, mut milestone) = (0, 0);
        let mut deadline = Instant::now() + STALL_TIMEOUT;
        loop {
            let piece = tokio::time::timeout_at(deadline, response.chunk())
                .await
                .map_err(|_| stall_failure(STALL_TIMEOUT))?
                .map_err(|error| FetchFailure::Interrupted(describe_error(&error)))?;
            let Some(piece) = piece else {
                let sha256 = hasher.finish();
                return Ok(Some(DigestedBytes { size, sha256 }));
            };
            hasher.update(&piece);
            size += piece.len() as u64;
            received(piece.len() as u64);
            if size > most {
                return Ok(None);
            }
            let began = Instant::now();
            let taken = into.write_all(&piece).await;
            taken.map_err(|error| FetchFailure::NotWritten(error.to_string()))?;
            deadline += began.elapsed();
            if size >= milestone + PIECE_SIZE as u64 {
                milestone = size;
                deadline = Instant::now() + STALL_TIMEOUT;
            }
        }
    }
}

/// Returns the failure for an answer other than 200.
async fn read_refusal(target: &TransferTarget, response: Response) -> FetchFailure {
    let mut answer = StorageAnswer::from_head(&response);
    answer.body = read_error_body(response).await;
    match answer.classify() {
        StorageAnswerClass::Expired => FetchFailure::Expired,
        StorageAnswerClass::Transient => FetchFailure::Interrupted(answer.describe(target)),
        StorageAnswerClass::Success | StorageAnswerClass::Permanent => {
            FetchFailure::Refused(answer.describe(target))
        }
    }
}

fn fetch_failure(trouble: TransportError) -> FetchFailure {
    match trouble {
        TransportError::NotSent(why) | TransportError::ConnectionBroken(why) => {
            FetchFailure::Interrupted(why)
        }
        TransportError::UntrustedCertificate(why) => {
            FetchFailure::NeverPossible(unsafe_connection_message(&why))
        }
        TransportError::PrivateAddress(why) | TransportError::RefusedByProxy(why) => {
            FetchFailure::NeverPossible(why)
        }
    }
}

fn stall_failure(limit: Duration) -> FetchFailure {
    FetchFailure::Interrupted(format!("no progress for {} s", limit.as_secs()))
}

#[cfg(test)]
mod tests;
