//! Downloads from the storage: bytes are hashed as they come, and written to a sink.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use hyper::Method;
use reqwest::{Body, Response};

use super::answer::{Answer, Standing};
use super::{PIECE_SIZE, STALL_LIMIT, TransferClient, request, words};
use crate::digest::Sha256Hasher;
use crate::http::media_type;
use crate::http::target::Target;
use crate::http::trouble::{Trouble, in_words, unsafe_connection};
use crate::http::{Digested, FetchFailure, Fetched};
use crate::text::counted;

/// Longest wait for the beginning of the storage's answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

impl TransferClient {
    /// Reads at most `most` bytes at a presigned address and writes them to `into`. Calls
    /// `received` with the size of each piece.
    pub async fn fetch(
        &self,
        target: &Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Fetched, FetchFailure> {
        let request = request(Method::GET, target, Body::default());
        let arrived = tokio::time::timeout(ANSWER_LIMIT, self.send(request))
            .await
            .map_err(|_| stalled(ANSWER_LIMIT))?
            .map_err(lost)?;
        let response = arrived.response;
        let status = response.status().as_u16();
        tracing::debug!(%target, status, "download");
        if status != 200 {
            return Err(refusal(target, response).await);
        }
        let is_web_page = media_type(response.headers()) == "text/html";
        let length_told = response.content_length().is_some();
        match self.digest(response, most, into, received).await? {
            // A web page says nothing about the length of the file.
            None if is_web_page => Err(FetchFailure::Refused(
                "a web page came in place of the file; is a proxy or a sign-in page in between?"
                    .into(),
            )),
            None => Ok(Fetched::Longer),
            Some(digested) if is_web_page => Ok(Fetched::WebPage(digested)),
            // The connection may as well have broken off at this point.
            Some(Digested { size, .. }) if size < most && !length_told => {
                Err(FetchFailure::Interrupted(format!(
                    "it ended after {}, and nobody had said how many there are",
                    counted(size, "byte")
                )))
            }
            Some(digested) => Ok(Fetched::File(digested)),
        }
    }

    /// Hashes a body to its end and writes it to `into`. Returns `None` where the body is longer
    /// than `most` bytes.
    ///
    /// As with an upload, less than one piece in [`STALL_LIMIT`] counts as stuck, so an answer that
    /// comes a byte at a time does not hold a row for ever. The limit is the storage's: time spent
    /// in writing to `into` does not count.
    async fn digest(
        &self,
        mut response: reqwest::Response,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Option<Digested>, FetchFailure> {
        let mut hasher = Sha256Hasher::default();
        let (mut size, mut milestone) = (0, 0);
        let mut deadline = Instant::now() + STALL_LIMIT;
        loop {
            let piece = tokio::time::timeout_at(deadline, response.chunk())
                .await
                .map_err(|_| stalled(STALL_LIMIT))?
                .map_err(|error| FetchFailure::Interrupted(in_words(&error)))?;
            let Some(piece) = piece else {
                let sha256 = hasher.finish();
                return Ok(Some(Digested { size, sha256 }));
            };
            hasher.update(&piece);
            size += piece.len() as u64;
            received(piece.len() as u64);
            if size > most {
                return Ok(None);
            }
            let began = Instant::now();
            let taken = into.write_all(&piece).await;
            taken.map_err(|error| FetchFailure::NotKept(error.to_string()))?;
            deadline += began.elapsed();
            if size >= milestone + PIECE_SIZE as u64 {
                milestone = size;
                deadline = Instant::now() + STALL_LIMIT;
            }
        }
    }
}

/// Returns the failure for an answer other than 200.
async fn refusal(target: &Target, response: Response) -> FetchFailure {
    let mut answer = Answer::headed(&response);
    answer.body = words(response).await;
    match answer.standing() {
        Standing::Expired => FetchFailure::Expired,
        Standing::Passing => FetchFailure::Interrupted(answer.words(target)),
        Standing::Good | Standing::Final => FetchFailure::Refused(answer.words(target)),
    }
}

fn lost(trouble: Trouble) -> FetchFailure {
    match trouble {
        Trouble::NotSent(why) | Trouble::Broken(why) => FetchFailure::Interrupted(why),
        Trouble::Certificate(why) => FetchFailure::Hopeless(unsafe_connection(&why)),
        Trouble::Private(why) | Trouble::Refused(why) => FetchFailure::Hopeless(why),
    }
}

fn stalled(limit: Duration) -> FetchFailure {
    FetchFailure::Interrupted(format!("no progress for {} s", limit.as_secs()))
}

#[cfg(test)]
mod tests;
