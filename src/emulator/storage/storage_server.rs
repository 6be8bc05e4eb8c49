//! The two requests of the storage, with the faults which fire at them.
//!
//! Each upload URL has a separate object. Only after all bytes have arrived, the owner decides
//! whether its record still points at this object.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    TRANSFER_ENCODING,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use tokio::io::AsyncReadExt as _;
use tokio::task::spawn_blocking;

use crate::atomic_file::{Durability, TemporaryFile};
use crate::digest::Md5Hasher;
use crate::model::Md5Digest;

use super::owner::{ObjectOwner, ReceivedObject};
use super::s3_error::S3Error;
use super::storage_route::{ObjectPath, StorageRoute};
use super::stored_content::StoredContent;
use super::url_signer::UrlSigner;
use crate::emulator::body::{self, BodyError, BodyPieces};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::{self, FaultEffect, FaultInjector};
use crate::emulator::reply::{RequestEnd, WholeReply};
use crate::emulator::request_log::RequestLogEntry;
use crate::emulator::state_folder::{StateError, StatePaths};

/// Number of bytes which are gathered before a write, and read before a send.
const BUFFER_SIZE: usize = 256 * 1024;

/// Storage of an emulator.
pub(in crate::emulator) struct StorageServer {
    context: Arc<ServerContext>,
    faults: Arc<FaultInjector>,
    folder: StatePaths,
    signer: UrlSigner,
    /// Largest number of bytes in an object; `None` for no limit.
    largest_upload: Option<u64>,
}

impl StorageServer {
    /// Loads the state which an earlier emulator left.
    pub(in crate::emulator) fn load(
        context: Arc<ServerContext>,
        faults: Arc<FaultInjector>,
        folder: &StatePaths,
        largest_upload: Option<u64>,
    ) -> Result<Self, StateError> {
        let signer = UrlSigner::load_or_create(&folder.signing_key, &folder.incoming)
            .map_err(StateError::io_at(&folder.signing_key))?;
        Ok(Self {
            context,
            faults,
            folder: folder.clone(),
            signer,
            largest_upload,
        })
    }

    /// Signs the path of an object and returns the URL. The URL allows requests with this method
    /// and these headers until it expires.
    pub(in crate::emulator) fn signed_url(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        expires: Timestamp,
    ) -> String {
        let target = self.signer.sign(method, path, headers, expires);
        self.context.url(&target)
    }

    /// Answers and logs a request to the storage.
    pub(in crate::emulator) async fn answer<O: ObjectOwner>(
        &self,
        owner: &O,
        request: Request,
        route: &StorageRoute<O::Id>,
        entry: RequestLogEntry,
    ) -> RequestEnd {
        match route {
            StorageRoute::Upload(object) => self.upload(owner, request, object, entry).await,
            StorageRoute::Download(object) => self.download(owner, request, object, entry).await,
            StorageRoute::Unknown => {
                let refusal = S3Error::AccessDenied.reply();
                self.refuse(request.into_body(), refusal, entry).await
            }
        }
    }

    async fn upload<O: ObjectOwner>(
        &self,
        owner: &O,
        request: Request,
        object: &ObjectPath<O::Id>,
        mut entry: RequestLogEntry,
    ) -> RequestEnd {
        let (head, body) = request.into_parts();
        O::note_id(object.id, &mut entry);
        let effect = self.faults.pick_effect(&mut entry, Instant::now());
        match effect {
            Some(FaultEffect::Reset) => {
                return self.decide_and_log(entry, |_| RequestEnd::ConnectionCut);
            }
            Some(FaultEffect::HalfRead | FaultEffect::StalledRead) => {
                return self.read_half(&head, body, entry, effect).await;
            }
            Some(FaultEffect::RefuseEarly { code }) => {
                return self.refuse_early(early_refusal(code), entry);
            }
            _ => {}
        }
        let most = self.largest_upload;
        if most.is_some_and(|most| content_length(&head.headers) > Some(most)) {
            return self.refuse_early(S3Error::EntityTooLarge, entry);
        }
        if let Some(refusal) = scripted_or_own_refusal(effect.as_ref(), || self.check_upload(&head))
        {
            return self.refuse(body, refusal, entry).await;
        }
        let body = match effect {
            Some(FaultEffect::PausedRead { pause: lasting }) => {
                let half = content_length(&head.headers).unwrap_or(0) / 2;
                body::with_pause(body, half, lasting)
            }
            _ => body,
        };
        let received = match self.receive(body).await {
            Ok(received) => received,
            Err(ReceiveError::Gone) => {
                return self.decide_and_log(entry, |_| RequestEnd::ConnectionCut);
            }
            Err(ReceiveError::Disk(error)) => {
                return self.decide_and_log(entry, |_| S3Error::from(error).reply().into());
            }
        };
        entry.bytes = Some(received.size);
        self.decide_and_log(entry, |entry| {
            let reply = self
                .give_to_owner(owner, entry, object, received, effect.as_ref())
                .unwrap_or_else(|error| S3Error::from(error).reply());
            self.faults.inject_on_the_way(reply.into(), effect.as_ref())
        })
    }

    async fn download<O: ObjectOwner>(
        &self,
        owner: &O,
        request: Request,
        object: &ObjectPath<O::Id>,
        mut entry: RequestLogEntry,
    ) -> RequestEnd {
        let (head, body) = request.into_parts();
        O::note_id(object.id, &mut entry);
        let effect = self.faults.pick_effect(&mut entry, Instant::now());
        if effect == Some(FaultEffect::Reset) {
            return self.decide_and_log(entry, |_| RequestEnd::ConnectionCut);
        }
        if let Some(refusal) =
            scripted_or_own_refusal(effect.as_ref(), || self.check_permission(&head))
        {
            return self.refuse(body, refusal, entry).await;
        }
        let opened = self.open_object(&object.key).await;
        self.decide_and_log(entry, |entry| match opened {
            Err(error) => error.reply().into(),
            Ok((file, size)) => {
                entry.bytes = Some(size);
                owner.note_record(object.id, entry);
                let answer = RequestEnd::Answered(file_response(file, size));
                self.faults.inject_on_the_way(answer, effect.as_ref())
            }
        })
    }

    /// Decides and logs a request.
    fn decide_and_log(
        &self,
        entry: RequestLogEntry,
        decide: impl FnOnce(&mut RequestLogEntry) -> RequestEnd,
    ) -> RequestEnd {
        self.context
            .decide_and_log(entry, |_, entry| decide(entry))
            .unwrap_or_else(|error| S3Error::from(error).reply().into())
    }

    async fn refuse(&self, body: Body, refusal: WholeReply, entry: RequestLogEntry) -> RequestEnd {
        let drained = body::drain(&self.context, body).await;
        self.decide_and_log(entry, |_| match drained {
            Ok(()) => refusal.into(),
            Err(_) => RequestEnd::ConnectionCut,
        })
    }

    /// Refuses a request without reading the body, and closes the connection.
    fn refuse_early(&self, error: S3Error, entry: RequestLogEntry) -> RequestEnd {
        let reply = error
            .reply()
            .with_header(CONNECTION, HeaderValue::from_static("close"));
        self.decide_and_log(entry, |_| reply.into())
    }

    async fn read_half(
        &self,
        head: &Parts,
        body: Body,
        mut entry: RequestLogEntry,
        effect: Option<FaultEffect>,
    ) -> RequestEnd {
        let half = content_length(&head.headers).unwrap_or(0) / 2;
        let mut pieces = BodyPieces::new(&self.context, body);
        entry.bytes = pieces.skip(half).await.ok();
        let answer = self.decide_and_log(entry, |_| RequestEnd::ConnectionCut);
        if effect == Some(FaultEffect::StalledRead) {
            // The client waits for as long as the rest of the body is neither read nor dropped.
            self.context.wait_for_end().await;
        }
        drop(pieces);
        answer
    }

    /// Checks everything which is known before the body is read.
    fn check_upload(&self, head: &Parts) -> Result<(), S3Error> {
        if head.headers.contains_key(TRANSFER_ENCODING) {
            return Err(S3Error::NotImplemented);
        }
        content_length(&head.headers).ok_or(S3Error::MissingContentLength)?;
        self.check_permission(head)
    }

    fn check_permission(&self, head: &Parts) -> Result<(), S3Error> {
        if carries_credentials(&head.headers) {
            return Err(S3Error::InvalidRequest);
        }
        let now = Timestamp::now();
        self.signer
            .check(&head.method, &head.uri, &head.headers, now)
            .map_err(S3Error::from)
    }

    async fn receive(&self, body: Body) -> Result<ReceivedBody, ReceiveError> {
        let mut sink = UploadSink {
            file: TemporaryFile::create(&self.folder.incoming, Durability::NotNeeded)?,
            md5: Md5Hasher::default(),
            size: 0,
        };
        let mut pieces = BodyPieces::new(&self.context, body);
        let mut gathered = Vec::new();
        let mut gathered_bytes = 0;
        while let Some(piece) = pieces.next().await? {
            gathered_bytes += piece.len();
            gathered.push(piece);
            if gathered_bytes >= BUFFER_SIZE {
                sink = sink.write(std::mem::take(&mut gathered)).await?;
                gathered_bytes = 0;
            }
        }
        let UploadSink { file, md5, size } = sink.write(gathered).await?;
        Ok(ReceivedBody {
            file,
            size,
            md5: md5.finish(),
        })
    }

    /// Hands received bytes to the owner of the object.
    fn give_to_owner<O: ObjectOwner>(
        &self,
        owner: &O,
        entry: &mut RequestLogEntry,
        object: &ObjectPath<O::Id>,
        received: ReceivedBody,
        effect: Option<&FaultEffect>,
    ) -> io::Result<WholeReply> {
        let surplus = u64::from(effect == Some(&FaultEffect::WrongSize));
        let etag = HeaderValue::from_str(&format!("\"{}\"", received.md5))
            .expect("hexadecimal digits can stand in a header");
        let upload = ReceivedObject {
            key: object.key.clone(),
            content: StoredContent {
                size: received.size + surplus,
                stored_at: Timestamp::now(),
            },
            file: received.file,
            path: self.folder.object_file(&object.key),
        };
        owner.receive(object.id, upload, entry)?;
        Ok(WholeReply::empty(StatusCode::OK).with_header(ETAG, etag))
    }

    async fn open_object(&self, key: &str) -> Result<(tokio::fs::File, u64), S3Error> {
        match tokio::fs::File::open(self.folder.object_file(key)).await {
            Ok(file) => {
                let size = file.metadata().await?.len();
                Ok((file, size))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(S3Error::NoSuchKey),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the refusal which a fault scripts, or else the refusal of a request which is not valid.
fn scripted_or_own_refusal(
    effect: Option<&FaultEffect>,
    check: impl FnOnce() -> Result<(), S3Error>,
) -> Option<WholeReply> {
    match effect {
        Some(FaultEffect::Status { code, retry_after }) => {
            let status =
                faults::scripted_status(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let reply = S3Error::Scripted(status).reply();
            Some(reply.with_retry_after(retry_after.as_deref()))
        }
        Some(FaultEffect::Html200) => Some(WholeReply::captive_portal()),
        Some(FaultEffect::ExpiredUrl) => Some(S3Error::Expired.reply()),
        Some(FaultEffect::ExpiredToken) => Some(S3Error::ExpiredToken.reply()),
        _ => check().err().map(S3Error::reply),
    }
}

/// Returns the error for a scripted early refusal, which gives only a status.
fn early_refusal(code: u16) -> S3Error {
    match faults::scripted_status(code) {
        Some(StatusCode::FORBIDDEN) => S3Error::Expired,
        Some(StatusCode::PAYLOAD_TOO_LARGE) => S3Error::EntityTooLarge,
        Some(status) => S3Error::Scripted(status),
        None => S3Error::Internal,
    }
}

/// True if a request carries credentials which do not belong to the storage. S3 refuses an
/// `Authorization` header beside a signature. S3 ignores the API's headers; the emulator refuses
/// them as well, because a client which sends them leaks its keys.
fn carries_credentials(headers: &HeaderMap) -> bool {
    let of_the_api = |name: &str| name == "x-api-key" || name.starts_with("x-user-");
    headers.contains_key(AUTHORIZATION) || headers.keys().any(|name| of_the_api(name.as_str()))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Body which was received as a whole.
struct ReceivedBody {
    file: TemporaryFile,
    size: u64,
    md5: Md5Digest,
}

/// Reason why a body was not received as a whole.
enum ReceiveError {
    Gone,
    Disk(io::Error),
}

impl From<BodyError> for ReceiveError {
    fn from(_: BodyError) -> Self {
        Self::Gone
    }
}

impl From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Temporary file which receives a body. The file moves to the threads for blocking work, one
/// buffer at a time, so that memory is bounded and no other request waits for the disk.
struct UploadSink {
    file: TemporaryFile,
    md5: Md5Hasher,
    size: u64,
}

impl UploadSink {
    async fn write(mut self, pieces: Vec<Bytes>) -> io::Result<Self> {
        let written = spawn_blocking(move || {
            for piece in &pieces {
                self.file.as_file().write_all(piece)?;
                self.md5.update(piece);
                self.size += piece.len() as u64;
            }
            Ok(self)
        });
        written.await.map_err(io::Error::other)?
    }
}

fn file_response(file: tokio::fs::File, size: u64) -> Response {
    let pieces = futures::stream::try_unfold(file, async |mut file| {
        let mut buffer = Vec::with_capacity(BUFFER_SIZE);
        let count = (&mut file)
            .take(BUFFER_SIZE as u64)
            .read_to_end(&mut buffer)
            .await?;
        Ok::<_, io::Error>((count > 0).then_some((buffer, file)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, size.into());
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    response
}
