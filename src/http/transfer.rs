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

use super::early_response::ConnectionHandle;
use super::proxy::SystemProxies;
use super::public_hosts::{NameLookUp, PublicResolver, look_up_by_system};
use super::storage_connector::StorageConnector;
use super::target::{ApiLocation, TransferTarget};
use super::transport_error::{
    TransportError, classify_transfer_error, describe_error, unsafe_connection_message,
};
use super::{
    HttpClientError, IDLE_CONNECTION_TIMEOUT, NetworkConfig, USER_AGENT_NAME, client_builder,
    read_body_up_to,
};
use crate::digest::{Md5Hasher, Sha256Hasher};
use crate::http::{PutFailure, PutReceipt};
use crate::model::{CheckedContent, Md5Digest};
use crate::mutex::lock_despite_poison;
use crate::upload_source::{UploadSource, UploadSourceError};
use answer::StorageAnswer;

/// Bytes per read: fewer are slower, more are not faster.
const READ_SIZE: usize = 256 * 1024;

/// Bytes handed to the connection at once. The pieces also show progress: below one piece in
/// [`STALL_TIMEOUT`], an upload counts as stuck.
const PIECE_SIZE: usize = 32 * 1024;

/// Longest time without progress. An upload as a whole may take hours.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Longest wait for the answer after the last piece was handed over. Longer than [`STALL_TIMEOUT`],
/// since the system still holds megabytes for a slow line to carry.
const UPLOAD_ANSWER_TIMEOUT: Duration = Duration::from_mins(5);

/// Longest answer read, in bytes. Errors of S3 take less than 2 kB.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Longest wait for the body of a refusal. The status has come already, and decides the outcome.
const ERROR_TEXT_TIMEOUT: Duration = Duration::from_secs(10);

/// Client without keys.
#[derive(Debug)]
pub struct TransferClient {
    client: Client<StorageConnector, Body>,
}

impl TransferClient {
    /// Returns a client for the transfers of an API.
    pub fn new(api: ApiLocation, network: &NetworkConfig) -> Result<Self, HttpClientError> {
        Self::with_look_up(api, network, look_up_by_system)
    }

    fn with_look_up(
        api: ApiLocation,
        network: &NetworkConfig,
        look_up: NameLookUp,
    ) -> Result<Self, HttpClientError> {
        let proxies = SystemProxies::for_api(api);
        let builder = client_builder(api, network);
        let builder = match api {
            ApiLocation::Loopback => builder,
            ApiLocation::Remote => builder.dns_resolver(PublicResolver {
                proxy_host: proxies.upload_proxy_host(),
                upload_hosts: network.upload_hosts.clone(),
                look_up,
            }),
        };
        // The client repeats no request. Only a request that never began, because its idle
        // connection had been closed, goes over another connection.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .build(StorageConnector::new(builder, proxies)?);
        Ok(Self { client })
    }

    /// Sends the bytes of a file, which must be `content`, with exactly the headers of the target
    /// and a `Content-Length` (S3 refuses chunked bodies). Calls `sent` with the size of each
    /// piece.
    pub async fn put(
        &self,
        target: &TransferTarget,
        source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        let size = content.stamp.size;
        target
            .check_length(size)
            .map_err(PutFailure::UnsafeTarget)?;
        let file = source.open(content)?;
        let progress = Arc::new(UploadProgress::default());
        let body = body_stream(CheckedReader::new(file, *content, Arc::clone(&progress)));
        let mut request = storage_request(Method::PUT, target, Body::wrap_stream(body));
        let headers = request.headers_mut();
        headers.insert(CONTENT_LENGTH, size.into());
        for (name, value) in &target.headers {
            headers.append(name, value.clone());
        }
        let answer = tokio::select! {
            answer = self.exchange(request, size, &progress) => answer,
            stalled = watch_progress(&progress, sent) => Err(stalled),
        };
        sent(std::mem::take(&mut *lock_despite_poison(
            &progress.unreported_bytes,
        )));
        if let Some(error) = progress.source_error.get() {
            return Err(error.clone().into());
        }
        let answer = answer?;
        tracing::debug!(%target, status = answer.status, bytes = size, "upload");
        answer.judge_upload(target, progress.md5.get().copied())
    }

    /// Sends a file of `size` bytes and takes the answer whenever it comes. If the answer comes
    /// before the whole file was sent, no more of the file is sent.
    async fn exchange(
        &self,
        request: Request<Body>,
        size: u64,
        progress: &UploadProgress,
    ) -> Result<StorageAnswer, PutFailure> {
        let arrived = self.send(request).await.map_err(put_failure)?;
        let is_sent =
            progress.all_handed_over.load(Ordering::Acquire) && arrived.bytes_written >= size;
        let break_off = (!is_sent).then(|| AbortOnDrop(arrived.connection));
        let mut answer = StorageAnswer::from_head(&arrived.response);
        if !answer.is_success() {
            answer.body = read_error_body(arrived.response).await;
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
        read_body_up_to(arrived.response, MAX_BODY_BYTES)
            .await
            .map_err(|error| PutFailure::Interrupted(describe_error(&error)))?;
        Ok(answer)
    }

    async fn send(&self, request: Request<Body>) -> Result<ArrivedResponse, TransportError> {
        let mut response = self
            .client
            .request(request)
            .await
            .map_err(|error| classify_transfer_error(&error))?;
        let line = response
            .extensions_mut()
            .remove::<ConnectionHandle>()
            .unwrap_or_default();
        Ok(ArrivedResponse {
            bytes_written: line.take_bytes_written(),
            connection: line,
            response: response.map(Body::wrap).into(),
        })
    }
}

/// Response with its head received.
struct ArrivedResponse {
    response: Response,
    /// Bytes of the request taken by the connection so far, the head included.
    bytes_written: u64,
    connection: ConnectionHandle,
}

/// Ends the connection in the middle of a request, once the answer has been read.
struct AbortOnDrop(ConnectionHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Returns a request with the headers common to all requests to a storage.
fn storage_request(method: Method, target: &TransferTarget, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = target.uri();
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_NAME));
    request
}

fn put_failure(trouble: TransportError) -> PutFailure {
    match trouble {
        TransportError::NotSent(why) => PutFailure::NotSent(why),
        TransportError::ConnectionBroken(why) => PutFailure::Interrupted(why),
        TransportError::UntrustedCertificate(why) => {
            PutFailure::NeverPossible(unsafe_connection_message(&why))
        }
        TransportError::PrivateAddress(why) | TransportError::RefusedByProxy(why) => {
            PutFailure::NeverPossible(why)
        }
    }
}

/// Reads the body of a refusal, as far as it comes.
async fn read_error_body(mut response: Response) -> String {
    let mut body = Vec::new();
    let reading = async {
        while body.len() < MAX_BODY_BYTES
            && let Ok(Some(piece)) = response.chunk().await
        {
            body.extend_from_slice(&piece);
        }
    };
    // A part of the body is better than nothing.
    let _ = tokio::time::timeout(ERROR_TEXT_TIMEOUT, reading).await;
    body.truncate(MAX_BODY_BYTES);
    String::from_utf8_lossy(&body).into_owned()
}

/// Progress of an upload, shared by the reader of the file and the code that waits for the answer.
#[derive(Debug, Default)]
struct UploadProgress {
    changed: Notify,
    /// Bytes handed over and not yet reported.
    unreported_bytes: Mutex<u64>,
    /// True after the last piece was handed over.
    all_handed_over: AtomicBool,
    md5: OnceLock<Md5Digest>,
    /// Reason why the file cannot be sent to its end.
    source_error: OnceLock<UploadSourceError>,
}

/// Reports progress. Returns when there is no progress for too long.
async fn watch_progress(
    progress: &UploadProgress,
    sent: &(dyn Fn(u64) + Send + Sync),
) -> PutFailure {
    loop {
        let ended = progress.all_handed_over.load(Ordering::Acquire);
        let limit = if ended {
            UPLOAD_ANSWER_TIMEOUT
        } else {
            STALL_TIMEOUT
        };
        if tokio::time::timeout(limit, progress.changed.notified())
            .await
            .is_err()
        {
            return PutFailure::Interrupted(format!("no progress for {} s", limit.as_secs()));
        }
        let bytes = std::mem::take(&mut *lock_despite_poison(&progress.unreported_bytes));
        sent(bytes);
    }
}

/// Reader of the file with a check of size and SHA-256. Reads one block ahead, so the last block
/// can be held back.
struct CheckedReader {
    file: File,
    content: CheckedContent,
    sha256: Sha256Hasher,
    md5: Md5Hasher,
    bytes_read: u64,
    held_back: Option<Bytes>,
    progress: Arc<UploadProgress>,
}

impl CheckedReader {
    fn new(file: File, content: CheckedContent, progress: Arc<UploadProgress>) -> Self {
        Self {
            file,
            content,
            sha256: Sha256Hasher::default(),
            md5: Md5Hasher::default(),
            bytes_read: 0,
            held_back: None,
            progress,
        }
    }

    /// Returns the next block to send, or `None` after the last.
    fn next_block(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(block) = self.read_block()? else {
                return self.final_block();
            };
            if let Some(ready) = self.held_back.replace(block) {
                return Ok(Some(ready));
            }
        }
    }

    fn read_block(&mut self) -> io::Result<Option<Bytes>> {
        let mut block = Vec::with_capacity(READ_SIZE);
        (&mut self.file)
            .take(READ_SIZE as u64)
            .read_to_end(&mut block)
            .map_err(|error| self.record_error(UploadSourceError::from_read_error(&error)))?;
        if block.is_empty() {
            return Ok(None);
        }
        self.bytes_read += block.len() as u64;
        if self.bytes_read > self.content.stamp.size {
            let size = self.content.stamp.size;
            return Err(self.record_change(format!("the file had {size} bytes and has grown")));
        }
        self.sha256.update(&block);
        self.md5.update(&block);
        Ok(Some(block.into()))
    }

    /// Returns the block held back so far. Fails if the file differs from the checked content.
    fn final_block(&mut self) -> io::Result<Option<Bytes>> {
        let Some(last) = self.held_back.take() else {
            return Ok(None);
        };
        let size = self.content.stamp.size;
        if self.bytes_read != size {
            let length = self.bytes_read;
            return Err(
                self.record_change(format!("the file had {size} bytes and now has {length}"))
            );
        }
        if std::mem::take(&mut self.sha256).finish() != self.content.sha256 {
            let why =
                format!("the file still has {size} bytes, but other content than was checked");
            return Err(self.record_change(why));
        }
        // Set once: the file ends once, so no second value can come.
        let _ = self
            .progress
            .md5
            .set(std::mem::take(&mut self.md5).finish());
        Ok(Some(last))
    }

    fn record_change(&self, why: String) -> io::Error {
        self.record_error(UploadSourceError::NotAsChecked(why))
    }

    fn record_error(&self, error: UploadSourceError) -> io::Error {
        let _ = self.progress.source_error.set(error);
        io::Error::other("the file cannot be sent to its end")
    }
}

/// Returns the body of the request. Reading blocks the thread for a moment, which was measured to
/// be twice as fast as handing each read to another thread.
fn body_stream(reading: CheckedReader) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let progress = Arc::clone(&reading.progress);
    let mut left = reading.content.stamp.size;
    stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next_block() {
            Ok(Some(block)) => Some((Ok(block), Some(reading))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .flat_map(|block| stream::iter(split_into_pieces(block)))
    .inspect(move |piece| {
        if let Ok(piece) = piece {
            let bytes = piece.len() as u64;
            *lock_despite_poison(&progress.unreported_bytes) += bytes;
            left = left.saturating_sub(bytes);
            progress
                .all_handed_over
                .fetch_or(left == 0, Ordering::Release);
        }
        progress.changed.notify_one();
    })
}

fn split_into_pieces(block: io::Result<Bytes>) -> Vec<io::Result<Bytes>> {
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
