//! The client for the storage: it carries no keys, and sends files to presigned URLs. How they are
//! read back is the business of [`fetch`].
//!
//! A file is read, hashed and sent in one pass, in bounded memory, and its last piece is held back
//! until size and SHA-256 are those that were checked. So a file that has changed is never stored:
//! the connection is dropped before the storage has as many bytes as were announced.

mod fetch;

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use tokio::sync::Notify;

use super::proxy::Proxies;
use super::public::{LookUp, PublicOnly, by_system};
use super::redact::Secrets;
use super::target::{ApiHost, Target};
use super::trouble::{Trouble, trouble, unsafe_connection};
use super::{ClientError, Network, build, client_builder, media_type, read_bounded};
use crate::destination::{PutFailure, Receipt};
use crate::digest::{Md5Hasher, Sha256Hasher};
use crate::model::{Content, Md5Digest};
use crate::source::Source;
use crate::sync::lock;

/// How much is read at once: less is slower, more is not faster.
const READ_SIZE: usize = 256 * 1024;

/// How much is handed to the connection at once. The pieces also tell that there is progress: at
/// less than one of them in [`STALL_LIMIT`], an upload counts as stuck.
const PIECE_SIZE: usize = 32 * 1024;

/// An upload may take hours, but not this long without progress.
const STALL_LIMIT: Duration = Duration::from_mins(1);

/// How long the answer may take once the last piece was handed over. Longer than
/// [`STALL_LIMIT`], since the system still holds megabytes that a slow line has to carry.
const ANSWER_LIMIT: Duration = Duration::from_mins(5);

/// The longest answer that is read: errors of S3 take less than 2 kB.
const BODY_LIMIT: usize = 64 * 1024;

/// A client without keys.
#[derive(Debug)]
pub struct TransferClient {
    client: reqwest::Client,
    proxies: Proxies,
}

impl TransferClient {
    /// A client for the uploads of an API.
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
                look_up,
            }),
        };
        Ok(Self {
            client: build(builder)?,
            proxies,
        })
    }

    /// Sends the bytes of a file, which must be `content`, with exactly the headers of the target
    /// and a `Content-Length` (S3 refuses chunked bodies). `sent` is told of each piece.
    pub async fn put(
        &self,
        target: &Target,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let file = source.open(content).map_err(PutFailure::SourceChanged)?;
        let progress = Arc::new(Progress::default());
        let body = pieces(Reading::new(file, *content, Arc::clone(&progress)));
        let mut request = self
            .client
            .put(target.url.clone())
            .header(CONTENT_LENGTH, content.stamp.size)
            .body(reqwest::Body::wrap_stream(body));
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        let answer = tokio::select! {
            answer = self.exchange(request) => answer,
            stalled = watch(&progress, sent) => Err(stalled),
        };
        sent(std::mem::take(&mut *lock(&progress.bytes)));
        if let Some(why) = progress.changed.get() {
            return Err(PutFailure::SourceChanged(why.clone()));
        }
        let answer = answer?;
        tracing::debug!(%target, status = answer.status, bytes = content.stamp.size, "upload");
        answer.judge(target, progress.md5.get().copied())
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, PutFailure> {
        let failure = |error| match trouble(error, &self.proxies) {
            Trouble::NotSent(why) => PutFailure::NotSent(why),
            Trouble::Broken(why) => PutFailure::Interrupted(why),
            Trouble::Certificate(why) => PutFailure::Hopeless(unsafe_connection(&why)),
        };
        let response = request.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let media_type = media_type(response.headers());
        let etag = etag(response.headers());
        let body = match read_bounded(response, BODY_LIMIT).await {
            Ok(body) => body.unwrap_or_default(),
            // The status has come, and the body of a refusal is only needed for words.
            Err(_) if status >= 300 => Vec::new(),
            Err(error) => return Err(failure(error)),
        };
        Ok(Answer {
            status,
            media_type,
            etag,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// What the reader of the file tells those who wait for the upload.
#[derive(Debug, Default)]
struct Progress {
    moved: Notify,
    /// Bytes handed over since somebody last asked.
    bytes: Mutex<u64>,
    ended: AtomicBool,
    md5: OnceLock<Md5Digest>,
    changed: OnceLock<String>,
}

/// Reports progress, and returns when there is none for too long.
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

#[derive(Debug)]
struct Answer {
    status: u16,
    media_type: String,
    etag: Option<String>,
    body: String,
}

impl Answer {
    /// What the storage's answer is worth.
    fn judge(&self, target: &Target, md5: Option<Md5Digest>) -> Result<Receipt, PutFailure> {
        match self.status {
            200..=299 if self.media_type == "text/html" => Err(PutFailure::Interrupted(
                "a web page in place of the storage's answer; is a proxy or a sign-in page in between?"
                    .into(),
            )),
            200..=299 => self.receipt(target, md5),
            403 => Err(PutFailure::Expired),
            408 | 429 | 500.. => Err(PutFailure::Interrupted(self.words(target))),
            // S3 answers so where a body came too slowly or not whole.
            400 if matches!(self.code(), "RequestTimeout" | "IncompleteBody" | "BadDigest") => {
                Err(PutFailure::Interrupted(self.words(target)))
            }
            _ => Err(PutFailure::Refused(self.words(target))),
        }
    }

    fn receipt(&self, target: &Target, md5: Option<Md5Digest>) -> Result<Receipt, PutFailure> {
        let etag = self
            .etag
            .as_deref()
            .map(|etag| etag.trim_matches('"').to_ascii_lowercase());
        let etag = etag.filter(|etag| {
            etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit()) && target.etag_is_md5()
        });
        match (etag, md5) {
            (Some(theirs), Some(ours)) if theirs == ours.to_string() => Ok(Receipt::Checksummed),
            (Some(_), Some(_)) => Err(PutFailure::Interrupted(
                "the bytes were damaged on the way: the storage's MD5 is another".into(),
            )),
            _ => Ok(Receipt::Taken),
        }
    }

    fn code(&self) -> &str {
        element(&self.body, "Code")
    }

    /// What the storage says, in a few words. Some storages repeat the request in their errors, so
    /// what is secret in the address is hidden.
    fn words(&self, target: &Target) -> String {
        let secrets = Secrets::of_url(&target.url);
        // Cut only when no secret is left that could be cut in two.
        let said = |name, most| {
            let told = secrets.hide(element(&self.body, name));
            told.chars().take(most).collect::<String>()
        };
        match (said("Code", 60).as_str(), said("Message", 300).as_str()) {
            ("", "") => format!("status {}", self.status),
            (code, message) => format!("status {}, {code}: {message}", self.status),
        }
    }
}

/// What an answer names as its `ETag`, unless the storage says that it encrypts with keys with which
/// that is no MD5. (Where a bucket does so by itself, only the answer tells.)
fn etag(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let encrypted = header("x-amz-server-side-encryption");
    header("etag")
        .filter(|_| encrypted.is_none_or(|how| how == "AES256"))
        .map(ToOwned::to_owned)
}

/// The text of the first XML element of a name; empty where there is none. S3's errors are flat,
/// and the text is for people, so no more of XML is needed.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let inside = || {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    inside().unwrap_or_default()
}

/// A file on its way: read one piece ahead, so that the last one can be held back.
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

    /// The next block to send, or `None` after the last.
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
            .map_err(|error| self.changed(format!("it cannot be read: {error}")))?;
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

    /// The block that was held back, provided that all of the file was what was checked.
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
        // Set once; a second value cannot come, as the file ends once.
        let _ = self
            .progress
            .md5
            .set(std::mem::take(&mut self.md5).finish());
        self.progress.ended.store(true, Ordering::Release);
        Ok(Some(last))
    }

    fn changed(&self, why: String) -> io::Error {
        let _ = self.progress.changed.set(why.clone());
        io::Error::other(why)
    }
}

/// The body of the request. Reading blocks the thread for a moment, which was measured to be twice
/// as fast as handing each read to another one.
fn pieces(reading: Reading) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let progress = Arc::clone(&reading.progress);
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
            *lock(&progress.bytes) += piece.len() as u64;
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
