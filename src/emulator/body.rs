//! Reading of request bodies: in whole, in part, or only to discard the bytes. `storage` reads the
//! bodies to be stored.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures::StreamExt as _;

use crate::model::MAX_FILE_SIZE;

use super::context::ServerContext;

/// Reason why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// The body is longer than the limit.
    TooLarge,
    /// The connection or the emulator ended before the body did.
    Gone,
}

/// Request body as a stream of pieces. The stream ends with an error when the emulator ends.
pub(super) struct BodyPieces<'a> {
    context: &'a ServerContext,
    stream: BodyDataStream,
}

impl<'a> BodyPieces<'a> {
    /// Wraps a body.
    pub(super) fn new(context: &'a ServerContext, body: Body) -> Self {
        let stream = body.into_data_stream();
        Self { context, stream }
    }

    /// Returns the next piece; `None` at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        tokio::select! {
            // Pieces which have arrived are taken first, so that a complete request is never broken
            // off.
            biased;
            piece = self.stream.next() => piece.transpose().map_err(|_| BodyError::Gone),
            () = self.context.wait_for_end() => Err(BodyError::Gone),
        }
    }

    /// Reads and discards pieces until at least `limit` bytes or the whole body are read. Returns
    /// the number of bytes.
    pub(super) async fn skip(&mut self, limit: u64) -> Result<u64, BodyError> {
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

/// Returns a body whose reading pauses once for `lasting`, after `after` bytes.
pub(super) fn with_pause(body: Body, after: u64, lasting: Duration) -> Body {
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

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn read(
    context: &ServerContext,
    body: Body,
    limit: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut pieces = BodyPieces::new(context, body);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await? {
        if bytes.len() + piece.len() > limit {
            pieces.skip(MAX_FILE_SIZE).await?;
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Reads and discards the body of a refused request. If a server answers and closes while the
/// client still sends, the client's system drops the answer, and the refusal looks like a broken
/// connection.
pub(super) async fn drain(context: &ServerContext, body: Body) -> Result<(), BodyError> {
    BodyPieces::new(context, body)
        .skip(MAX_FILE_SIZE)
        .await
        .map(drop)
}

/// Returns the content type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
