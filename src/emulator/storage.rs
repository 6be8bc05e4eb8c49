//! The storage behind the upload and download URLs: as much of S3 as a presigned URL shows.
//!
//! It knows nothing of keys and rate. Each upload URL has an object of its own; whether an
//! attachment still points at that object when the bytes are there, is looked at last.

use std::io::{self, Write as _};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    TRANSFER_ENCODING,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt as _;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::digest::Md5Hasher;
use crate::model::Md5Digest;

use super::body::{self, Pieces, Unread};
use super::fault::{self, Effect};
use super::log::Entry;
use super::record::{Content, Record};
use super::reply::{Answer, Reply};
use super::route::{ObjectPath, Owner, StorageRoute};
use super::s3_error::Error;
use super::world::{Shared, World};

/// How much is gathered before it is written, and read before it is sent.
const BUFFER: usize = 256 * 1024;

/// Answers a request of the storage and logs it.
pub(super) async fn answer(
    shared: &Shared,
    request: Request,
    route: &StorageRoute,
    entry: Entry,
) -> Answer {
    match route {
        StorageRoute::Upload(object) => upload(shared, request, object, entry).await,
        StorageRoute::Download(object) => download(shared, request, object, entry).await,
        StorageRoute::Unknown => {
            let refusal = Error::AccessDenied.reply();
            refuse(shared, request.into_body(), refusal, entry).await
        }
    }
}

async fn upload(
    shared: &Shared,
    request: Request,
    object: &ObjectPath,
    mut entry: Entry,
) -> Answer {
    let (head, body) = request.into_parts();
    object.owner.note(&mut entry);
    let effect = fire(shared, &mut entry);
    match effect {
        Some(Effect::Reset) => return shared.settle(entry, |_, _| Answer::Cut),
        Some(Effect::HalfRead | Effect::StalledRead) => {
            return read_half(shared, &head, body, entry, effect).await;
        }
        Some(Effect::RefuseEarly { code }) => return refuse_early(shared, early(code), entry),
        _ => {}
    }
    let most = shared.settings.largest_upload;
    if most.is_some_and(|most| content_length(&head.headers) > Some(most)) {
        return refuse_early(shared, Error::EntityTooLarge, entry);
    }
    if let Some(refusal) = refusal(shared, &head, effect.as_ref(), check_upload) {
        return refuse(shared, body, refusal, entry).await;
    }
    let body = match effect {
        Some(Effect::PausedRead { lasting }) => {
            let half = content_length(&head.headers).unwrap_or(0) / 2;
            body::pausing(body, half, lasting)
        }
        _ => body,
    };
    let received = match receive(shared, body).await {
        Ok(received) => received,
        Err(Interrupted::Gone) => return shared.settle(entry, |_, _| Answer::Cut),
        Err(Interrupted::Disk(error)) => {
            return shared.settle(entry, |_, _| Error::from(error).reply().into());
        }
    };
    entry.bytes = Some(received.size);
    shared.settle(entry, |world, entry| {
        let reply = keep(world, entry, object, received, effect.as_ref())
            .unwrap_or_else(|error| Error::from(error).reply());
        Answer::from(reply).under(effect.as_ref(), shared)
    })
}

/// The fault that befalls the request, noted in the log.
fn fire(shared: &Shared, entry: &mut Entry) -> Option<Effect> {
    let effect = shared.world().faults.fire(entry.operation, Instant::now());
    entry.fault = effect.as_ref().map(|effect| effect.name().to_owned());
    effect
}

/// Why a request is not carried out, be it for a fault or for its own.
fn refusal(
    shared: &Shared,
    head: &Parts,
    effect: Option<&Effect>,
    check: impl FnOnce(&Shared, &Parts) -> Result<(), Error>,
) -> Option<Reply> {
    match effect {
        Some(Effect::Status { code, retry_after }) => {
            let status = fault::status(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let reply = Error::Scripted(status).reply();
            Some(reply.with_retry_after(retry_after.as_deref()))
        }
        Some(Effect::Html200) => Some(Reply::captive_portal()),
        Some(Effect::ExpiredUrl) => Some(Error::Expired.reply()),
        Some(Effect::ExpiredToken) => Some(Error::ExpiredToken.reply()),
        _ => check(shared, head).err().map(Error::reply),
    }
}

async fn refuse(shared: &Shared, body: Body, refusal: Reply, entry: Entry) -> Answer {
    let drained = body::drain(shared, body).await;
    shared.settle(entry, |_, _| match drained {
        Ok(()) => refusal.into(),
        Err(_) => Answer::Cut,
    })
}

/// Refuses without reading the body, which the connection is then closed on.
fn refuse_early(shared: &Shared, error: Error, entry: Entry) -> Answer {
    let reply = error
        .reply()
        .with(CONNECTION, HeaderValue::from_static("close"));
    shared.settle(entry, |_, _| reply.into())
}

/// The error of a script that gives no more than a status.
fn early(code: u16) -> Error {
    match fault::status(code) {
        Some(StatusCode::FORBIDDEN) => Error::Expired,
        Some(StatusCode::PAYLOAD_TOO_LARGE) => Error::EntityTooLarge,
        Some(status) => Error::Scripted(status),
        None => Error::Internal,
    }
}

async fn read_half(
    shared: &Shared,
    head: &Parts,
    body: Body,
    mut entry: Entry,
    effect: Option<Effect>,
) -> Answer {
    let half = content_length(&head.headers).unwrap_or(0) / 2;
    let mut pieces = Pieces::of(shared, body);
    entry.bytes = pieces.skip(half).await.ok();
    let answer = shared.settle(entry, |_, _| Answer::Cut);
    if effect == Some(Effect::StalledRead) {
        // As long as the rest is neither read nor dropped, the client is kept waiting.
        shared.ended().await;
    }
    drop(pieces);
    answer
}

/// What can be told before the body is read.
fn check_upload(shared: &Shared, head: &Parts) -> Result<(), Error> {
    if head.headers.contains_key(TRANSFER_ENCODING) {
        return Err(Error::NotImplemented);
    }
    content_length(&head.headers).ok_or(Error::MissingContentLength)?;
    check_permission(shared, head)
}

fn check_permission(shared: &Shared, head: &Parts) -> Result<(), Error> {
    if carries_credentials(&head.headers) {
        return Err(Error::InvalidRequest);
    }
    let now = Timestamp::now();
    shared
        .signer
        .check(&head.method, &head.uri, &head.headers, now)
        .map_err(Error::from)
}

/// Whether a request shows credentials that are none of the storage's business. S3 refuses an
/// `Authorization` beside a signature; the API's headers it would not notice, but a client that
/// sends them leaks them.
fn carries_credentials(headers: &HeaderMap) -> bool {
    let of_the_api = |name: &str| name == "x-api-key" || name.starts_with("x-user-");
    headers.contains_key(AUTHORIZATION) || headers.keys().any(|name| of_the_api(name.as_str()))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that came in as a whole.
struct Received {
    file: NamedTempFile,
    size: u64,
    md5: Md5Digest,
}

/// Why a body did not.
enum Interrupted {
    Gone,
    Disk(io::Error),
}

impl From<Unread> for Interrupted {
    fn from(_: Unread) -> Self {
        Self::Gone
    }
}

impl From<io::Error> for Interrupted {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A file in the making. It is taken along to the threads for blocking work, a buffer at a time,
/// so that memory is bounded and no other request waits for the disk.
struct Sink {
    file: NamedTempFile,
    md5: Md5Hasher,
    size: u64,
}

impl Sink {
    async fn write(mut self, pieces: Vec<Bytes>) -> io::Result<Self> {
        let written = spawn_blocking(move || {
            for piece in &pieces {
                self.file.write_all(piece)?;
                self.md5.update(piece);
                self.size += piece.len() as u64;
            }
            Ok(self)
        });
        written.await.map_err(io::Error::other)?
    }
}

async fn receive(shared: &Shared, body: Body) -> Result<Received, Interrupted> {
    let mut sink = Sink {
        file: NamedTempFile::new_in(&shared.folder.incoming)?,
        md5: Md5Hasher::default(),
        size: 0,
    };
    let mut pieces = Pieces::of(shared, body);
    let mut gathered = Vec::new();
    let mut gathered_bytes = 0;
    while let Some(piece) = pieces.next().await? {
        gathered_bytes += piece.len();
        gathered.push(piece);
        if gathered_bytes >= BUFFER {
            sink = sink.write(std::mem::take(&mut gathered)).await?;
            gathered_bytes = 0;
        }
    }
    let Sink { file, md5, size } = sink.write(gathered).await?;
    Ok(Received {
        file,
        size,
        md5: md5.finish(),
    })
}

/// Puts the bytes where they belong.
fn keep(
    world: &mut World,
    entry: &mut Entry,
    object: &ObjectPath,
    received: Received,
    effect: Option<&Effect>,
) -> io::Result<Reply> {
    let surplus = u64::from(effect == Some(&Effect::WrongSize));
    let content = Content {
        size: received.size + surplus,
        stored_at: Timestamp::now(),
    };
    let etag = HeaderValue::from_str(&format!("\"{}\"", received.md5))
        .expect("hexadecimal digits can stand in a header");
    match object.owner {
        Owner::Attachment(id) => {
            world.store.keep_object(&object.key, received.file)?;
            show(world, entry, id, &object.key, content)?;
        }
        Owner::Job(id) => hand_over(world, entry, id, &object.key, received.file, content)?,
    }
    Ok(Reply::empty(StatusCode::OK).with(ETAG, etag))
}

/// Shows bytes where their attachment points at them. One that was renewed or purged meanwhile does
/// not.
fn show(
    world: &mut World,
    entry: &mut Entry,
    id: u64,
    key: &str,
    content: Content,
) -> io::Result<()> {
    let Some(record) = world.store.get(id).cloned() else {
        return Ok(());
    };
    entry.external_id.clone_from(&record.external_id);
    entry.object = Some(record.object.clone());
    if record.key != key {
        return Ok(());
    }
    world.store.put(Record {
        content: Some(content),
        ..record
    })
}

/// Gives bytes to the job that waits for them. Those that come after its end change nothing.
fn hand_over(
    world: &mut World,
    entry: &mut Entry,
    id: Uuid,
    key: &str,
    file: NamedTempFile,
    content: Content,
) -> io::Result<()> {
    let Some(job) = world.jobs.get(id) else {
        return Ok(());
    };
    job.note(key, entry);
    if !job.is_running(content.stored_at) {
        return Ok(());
    }
    world.store.keep_object(key, file)?;
    world.jobs.note_content(id, key, content)
}

async fn download(
    shared: &Shared,
    request: Request,
    object: &ObjectPath,
    mut entry: Entry,
) -> Answer {
    let (head, body) = request.into_parts();
    object.owner.note(&mut entry);
    let effect = fire(shared, &mut entry);
    if effect == Some(Effect::Reset) {
        return shared.settle(entry, |_, _| Answer::Cut);
    }
    if let Some(refusal) = refusal(shared, &head, effect.as_ref(), check_permission) {
        return refuse(shared, body, refusal, entry).await;
    }
    let opened = open(shared, object).await;
    shared.settle(entry, |world, entry| match opened {
        Err(error) => error.reply().into(),
        Ok((file, size)) => {
            entry.bytes = Some(size);
            if let Owner::Attachment(id) = object.owner
                && let Some(record) = world.store.get(id)
            {
                entry.external_id.clone_from(&record.external_id);
                entry.object = Some(record.object.clone());
            }
            Answer::Sent(streamed(file, size)).under(effect.as_ref(), shared)
        }
    })
}

async fn open(shared: &Shared, object: &ObjectPath) -> Result<(tokio::fs::File, u64), Error> {
    let path = shared.folder.object(&object.key);
    match tokio::fs::File::open(path).await {
        Ok(file) => {
            let size = file.metadata().await?.len();
            Ok((file, size))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoSuchKey),
        Err(error) => Err(error.into()),
    }
}

fn streamed(file: tokio::fs::File, size: u64) -> Response {
    let pieces = futures::stream::try_unfold(file, async |mut file| {
        let mut buffer = Vec::with_capacity(BUFFER);
        let count = (&mut file)
            .take(BUFFER as u64)
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
