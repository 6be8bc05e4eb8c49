//! Client for the storage: it carries no keys, and sends files to presigned URLs. Downloads are in
//! `fetch`, the meaning of answers in `answer`.
//!
//! A file is read, hashed and sent in one pass, in bounded memory. The last piece is held back
//! until size and SHA-256 equal the checked ones, so a changed file is never stored: the connection
//! is dropped before the storage has all of the announced bytes.

mod answer;
mod fetch;

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use reqwest::{Body, Response};
use tokio::sync::Notify;

use super::dial::Dialler;
use super::last_word::Line;
use super::proxy::Proxies;
use super::public::{LookUp, PublicOnly, by_system};
use super::target::{ApiHost, Target};
use super::trouble::{Trouble, in_words, interruption, unsafe_connection};
use super::{ClientError, IDLE_LIMIT, NAME_AND_VERSION, Network, client_builder, read_bounded};
use crate::digest::{Md5Hasher, Sha256Hasher};
use crate::http::{PutFailure, Receipt};
use crate::model::{Content, Md5Digest};
use crate::source::{Source, SourceError};
use crate::sync::lock;
use answer::Answer;

/// Bytes per read: fewer are slower, more are not faster.
const READ_SIZE: usize = 256 * 1024;

/// Bytes handed to the connection at once. The pieces also show progress: below one piece in
/// [`STALL_LIMIT`], an upload counts as stuck.
const PIECE_SIZE: usize = 32 * 1024;

/// Longest time without progress. An upload as a whole may take hours.
const STALL_LIMIT: Duration = Duration::from_mins(1);

/// Longest wait for the answer after the last piece was handed over. Longer than [`STALL_LIMIT`],
/// since the system still holds megabytes for a slow line to carry.
const ANSWER_LIMIT: Duration = Duration::from_mins(5);

/// Longest answer read, in bytes. Errors of S3 take less than 2 kB.
const BODY_LIMIT: usize = 64 * 1024;

/// Longest wait for the body of a refusal. The status has come already, and decides the outcome.
const WORDS_LIMIT: Duration = Duration::from_secs(10);

/// Client without keys.
#[derive(Debug)]
pub struct TransferClient {
    client: Client<Dialler, Body>,
}

impl TransferClient {
    /// Returns a client for the transfers of an API.
    pub fn new(api: ApiHost, network: &Network) -> Result<Self, ClientError> {
        Self::with(api, network, by_system)
    }

    fn with(api: ApiHost, network: &Network, look_up: LookUp) -> Result<Self, ClientError> {
        let proxies = Proxies::on_the_way_to(api);
        let builder = client_builder(api, network);
        let builder = match api {
            ApiHost::Loopback => builder,
            ApiHost::Remote => builder.dns_resolver(PublicOnly {
                proxy: proxies.host_for_uploads(),
                named: network.upload_hosts.clone(),
                look_up,
            }),
        };
        // The client repeats no request. Only a request that never began, because its idle
        // connection had been closed, goes over another connection.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .build(Dialler::new(builder, proxies)?);
        Ok(Self { client })
    }

    /// Sends the bytes of a file, which must be `content`, with exactly the headers of the target
    /// and a `Content-Length` (S3 refuses chunked bodies). Calls `sent` with the size of each
    /// piece.
    pub async fn put(
        &self,
        target: &Target,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let size = content.stamp.size;
        target.check_length(size).map_err(PutFailure::Unsafe)?;
        let file = source.open(content)?;
        let progress = Arc::new(Progress::default());
        let body = pieces(Reading::new(file, *content, Arc::clone(&progress)));
        let mut request = request(Method::PUT, target, Body::wrap_stream(body));
        let headers = request.headers_mut();
        headers.insert(CONTENT_LENGTH, size.into());
        for (name, value) in &target.headers {
            headers.append(name, value.clone());
        }
        let answer = tokio::select! {
            answer = self.exchange(request, size, &progress) => answer,
            stalled = watch(&progress, sent) => Err(stalled),
        };
        sent(std::mem::take(&mut *lock(&progress.bytes)));
        if let Some(error) = progress.spoilt.get() {
            return Err(error.clone().into());
        }
        let answer = answer?;
        tracing::debug!(%target, status = answer.status, bytes = size, "upload");
        answer.judge(target, progress.md5.get().copied())
    }

    /// Sends a file of `size` bytes and takes the answer whenever it comes. If the answer comes
    /// before the whole file was sent, no more of the file is sent.
    async fn exchange(
        &self,
        request: Request<Body>,
        size: u64,
        progress: &Progress,
    ) -> Result<Answer, PutFailure> {
        let arrived = self.send(request).await.map_err(put_failure)?;
        let is_sent = progress.ended.load(Ordering::Acquire) && arrived.written >= size;
        let break_off = (!is_sent).then(|| BreakOff(arrived.line));
        let mut answer = Answer::headed(&arrived.response);
        if !answer.is_success() {
            answer.body = words(arrived.response).await;
            return Ok(answer);
        }
        if break_off.is_some() {
            let status = answer.status;
            return Err(PutFailure::Interrupted(format!(
                "the storage said {status} before it had the whole file"
            )));
        }
        // The body is not used, but a connection that ends in the middle of the body was no
        // success.
        read_bounded(arrived.response, BODY_LIMIT)
            .await
            .map_err(|error| PutFailure::Interrupted(in_words(&error)))?;
        Ok(answer)
    }

    async fn send(&self, request: Request<Body>) -> Result<Arrived, Trouble> {
        let mut response = self
            .client
            .request(request)
            .await
            .map_err(|error| interruption(&error))?;
        let line = response
            .extensions_mut()
            .remove::<Line>()
            .unwrap_or_default();
        Ok(Arrived {
            written: line.take_written(),
            line,
            response: response.map(Body::wrap).into(),
        })
    }
}

/// Response with its head received.
struct Arrived {
    response: Response,
    /// Bytes of the request taken by the connection so far, the head included.
    written: u64,
    line: Line,
}

/// Ends the connection in the middle of a request, once the answer has been read.
struct BreakOff(Line);

impl Drop for BreakOff {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// Returns a request with the headers common to all requests to a storage.
fn request(method: Method, target: &Target, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = target.uri();
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, HeaderValue::from_static(NAME_AND_VERSION));
    request
}

fn put_failure(trouble: Trouble) -> PutFailure {
    match trouble {
        Trouble::NotSent(why) => PutFailure::NotSent(why),
        Trouble::Broken(why) => PutFailure::Interrupted(why),
        Trouble::Certificate(why) => PutFailure::Hopeless(unsafe_connection(&why)),
        Trouble::Private(why) | Trouble::Refused(why) => PutFailure::Hopeless(why),
    }
}

/// Reads the body of a refusal, as far as it comes.
async fn words(mut response: Response) -> String {
    let mut body = Vec::new();
    let reading = async {
        while body.len() < BODY_LIMIT
            && let Ok(Some(piece)) = response.chunk().await
        {
            body.extend_from_slice(&piece);
        }
    };
    // A part of the body is better than nothing.
    let _ = tokio::time::timeout(WORDS_LIMIT, reading).await;
    body.truncate(BODY_LIMIT);
    String::from_utf8_lossy(&body).into_owned()
}

/// Progress of an upload, shared by the reader of the file and the code that waits for the answer.
#[derive(Debug, Default)]
struct Progress {
    moved: Notify,
    /// Bytes handed over and not yet reported.
    bytes: Mutex<u64>,
    /// True after the last piece was handed over.
    ended: AtomicBool,
    md5: OnceLock<Md5Digest>,
    /// Reason why the file cannot be sent to its end.
    spoilt: OnceLock<SourceError>,
}

/// Reports progress. Returns when there is no progress for too long.
async fn watch(progress: &Progress, sent: &(dyn Fn(u64) + Send + Sync)) -> PutFailure {
    loop {
        let ended = progress.ended.load(Ordering::Acquire);
        let limit = if ended { ANSWER_LIMIT } else { STALL_LIMIT };
        if tokio::time::timeout(limit, progress.moved.notified())
            .await
            .is_err()
        {
            return PutFailure::Interrupted(format!("no progress for {} s", limit.as_secs()));
        }
        let bytes = std::mem::take(&mut *lock(&progress.bytes));
        sent(bytes);
    }
}

/// Reader of the file with a check of size and SHA-256. Reads one block ahead, so the last block
/// can be held back.
struct Reading {
    file: File,
    content: Content,
    sha256: Sha256Hasher,
    md5: Md5Hasher,
    length: u64,
    held_back: Option<Bytes>,
    progress: Arc<Progress>,
}

impl Reading {
    fn new(file: File, content: Content, progress: Arc<Progress>) -> Self {
        Self {
            file,
            content,
            sha256: Sha256Hasher::default(),
            md5: Md5Hasher::default(),
            length: 0,
            held_back: None,
            progress,
        }
    }

    /// Returns the next block to send, or `None` after the last.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(block) = self.read()? else {
                return self.last();
            };
            if let Some(ready) = self.held_back.replace(block) {
                return Ok(Some(ready));
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<Bytes>> {
        let mut block = Vec::with_capacity(READ_SIZE);
        (&mut self.file)
            .take(READ_SIZE as u64)
            .read_to_end(&mut block)
            .map_err(|error| {
                self.spoilt(SourceError::Unreadable(format!(
                    "it cannot be read: {error}"
                )))
            })?;
        if block.is_empty() {
            return Ok(None);
        }
        self.length += block.len() as u64;
        if self.length > self.content.stamp.size {
            let size = self.content.stamp.size;
            return Err(self.changed(format!("it had {size} bytes and has grown")));
        }
        self.sha256.update(&block);
        self.md5.update(&block);
        Ok(Some(block.into()))
    }

    /// Returns the block held back so far. Fails if the file differs from the checked content.
    fn last(&mut self) -> io::Result<Option<Bytes>> {
        let Some(last) = self.held_back.take() else {
            return Ok(None);
        };
        let size = self.content.stamp.size;
        if self.length != size {
            let length = self.length;
            return Err(self.changed(format!("it had {size} bytes and now has {length}")));
        }
        if std::mem::take(&mut self.sha256).finish() != self.content.sha256 {
            let why = format!("it still has {size} bytes, but other ones than were checked");
            return Err(self.changed(why));
        }
        // Set once: the file ends once, so no second value can come.
        let _ = self
            .progress
            .md5
            .set(std::mem::take(&mut self.md5).finish());
        Ok(Some(last))
    }

    fn changed(&self, why: String) -> io::Error {
        self.spoilt(SourceError::Changed(why))
    }

    fn spoilt(&self, error: SourceError) -> io::Error {
        let _ = self.progress.spoilt.set(error);
        io::Error::other("the file cannot be sent to its end")
    }
}

/// Returns the body of the request. Reading blocks the thread for a moment, which was measured to
/// be twice as fast as handing each read to another thread.
fn pieces(reading: Reading) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let progress = Arc::clone(&reading.progress);
    let mut left = reading.content.stamp.size;
    stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next() {
            Ok(Some(block)) => Some((Ok(block), Some(reading))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .flat_map(|block| stream::iter(split(block)))
    .inspect(move |piece| {
        if let Ok(piece) = piece {
            let bytes = piece.len() as u64;
            *lock(&progress.bytes) += bytes;
            left = left.saturating_sub(bytes);
            progress.ended.fetch_or(left == 0, Ordering::Release);
        }
        progress.moved.notify_one();
    })
}

fn split(block: io::Result<Bytes>) -> Vec<io::Result<Bytes>> {
    let mut rest = match block {
        Ok(block) => block,
        Err(error) => return vec![Err(error)],
    };
    let mut pieces = Vec::with_capacity(READ_SIZE / PIECE_SIZE);
    while rest.len() > PIECE_SIZE {
        pieces.push(Ok(rest.split_to(PIECE_SIZE)));
    }
    pieces.push(Ok(rest));
    pieces
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
