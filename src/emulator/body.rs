//! Reading request bodies: whole and small, half, or away. Bodies that are to be stored are read in
//! `storage`.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures::StreamExt as _;

use crate::model::MAX_FILE_SIZE;

use super::context::ServerContext;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than is allowed.
    TooLarge,
    /// The connection ended first, or the emulator did.
    Gone,
}

/// A body as it comes in, which ends when the emulator does.
pub(super) struct Pieces<'a> {
    context: &'a ServerContext,
    stream: BodyDataStream,
}

impl<'a> Pieces<'a> {
    /// The pieces of a body.
    pub(super) fn of(context: &'a ServerContext, body: Body) -> Self {
        let stream = body.into_data_stream();
        Self { context, stream }
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Unread> {
        tokio::select! {
            // What has arrived is taken first, so that a whole request is never broken off.
            biased;
            piece = self.stream.next() => piece.transpose().map_err(|_| Unread::Gone),
            () = self.context.ended() => Err(Unread::Gone),
        }
    }

    /// Reads and drops about so many bytes, or all there are. Answers how many it were.
    pub(super) async fn skip(&mut self, limit: u64) -> Result<u64, Unread> {
        let mut count = 0;
        while count < limit {
            match self.next().await? {
                Some(piece) => count += piece.len() as u64,
                None => break,
            }
        }
        Ok(count)
    }
}

/// The body, of which nothing is read for a while after so many bytes.
pub(super) fn pausing(body: Body, after: u64, lasting: Duration) -> Body {
    let mut left = Some(after);
    let pieces = body.into_data_stream().then(move |piece| {
        let size = piece.as_ref().map_or(0, Bytes::len) as u64;
        let pauses = left.is_some_and(|left| left <= size);
        left = if pauses {
            None
        } else {
            left.map(|left| left - size)
        };
        async move {
            if pauses {
                tokio::time::sleep(lasting).await;
            }
            piece
        }
    });
    Body::from_stream(pieces)
}

/// Reads a body that must not be longer than `limit`.
pub(super) async fn read(
    context: &ServerContext,
    body: Body,
    limit: usize,
) -> Result<Vec<u8>, Unread> {
    let mut pieces = Pieces::of(context, body);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await? {
        if bytes.len() + piece.len() > limit {
            pieces.skip(MAX_FILE_SIZE).await?;
            return Err(Unread::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Reads a refused body away. A server that answers and closes while the client still sends makes
/// the client's system drop the answer, and the refusal would look like a broken connection.
pub(super) async fn drain(context: &ServerContext, body: Body) -> Result<(), Unread> {
    Pieces::of(context, body)
        .skip(MAX_FILE_SIZE)
        .await
        .map(drop)
}

/// The content type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
