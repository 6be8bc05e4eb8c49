//! Faults of delivery: answers lost, cut short or slowed down on the way to the client.
//!
//! The request has been decided and logged before; only the bytes that reach the client change
//! here.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _, TryStreamExt as _};

use super::fault::Effect;
use crate::emulator::context::ServerContext;
use crate::emulator::reply::Answer;

/// Time between two bytes of a trickling body: slower than any patience, but no stall.
const TRICKLE: Duration = Duration::from_secs(1);

/// Blanks with which an endless body goes on, again and again.
static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];

type Pieces = BoxStream<'static, Result<Bytes, axum::Error>>;

impl Answer {
    /// Injects a fault of delivery into the answer. Other effects leave the answer as it is.
    pub(super) fn under(self, effect: Option<&Effect>, context: &ServerContext) -> Self {
        match (self, effect) {
            (Self::Sent(response), Some(Effect::LoseAnswer)) => Self::Lost(response.status()),
            (Self::Sent(response), Some(Effect::WithholdAnswer)) => {
                Self::Withheld(response.status())
            }
            (Self::Sent(response), Some(effect)) => {
                Self::Sent(with_its_body_under(response, effect, context))
            }
            (answer, _) => answer,
        }
    }
}

fn with_its_body_under(response: Response, effect: &Effect, context: &ServerContext) -> Response {
    let size = size_of(&response);
    let (mut head, body) = response.into_parts();
    let pieces = body.into_data_stream().boxed();
    let spoilt: Pieces = match effect {
        Effect::TruncatedBody => first(pieces, size / 2).chain(broken()).boxed(),
        Effect::StalledBody => first(pieces, size / 2).chain(stream::pending()).boxed(),
        Effect::TricklingBody => byte_by_byte(pieces),
        Effect::EndlessBody => pieces.chain(blanks().map(Ok)).boxed(),
        _ => return Response::from_parts(head, Body::from_stream(pieces)),
    };
    if *effect == Effect::EndlessBody {
        head.headers.remove(CONTENT_LENGTH);
    } else {
        // At least one byte: no client could miss a part of an empty body.
        let announced = HeaderValue::from(size.max(1));
        head.headers.insert(CONTENT_LENGTH, announced);
    }
    let spoilt = spoilt.take_until(context.ended());
    Response::from_parts(head, Body::from_stream(spoilt))
}

/// Length of the body in bytes: each body here has an exact size hint or a `Content-Length`.
fn size_of(response: &Response) -> u64 {
    let announced = || {
        let value = response.headers().get(CONTENT_LENGTH)?;
        value.to_str().ok()?.parse().ok()
    };
    let exact = response.body().size_hint().exact();
    exact.or_else(announced).unwrap_or_default()
}

/// First `count` bytes of a body.
fn first(pieces: Pieces, count: u64) -> Pieces {
    stream::try_unfold((pieces, count), async |(mut pieces, left)| {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut piece) = pieces.try_next().await? else {
            return Ok(None);
        };
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - piece.len() as u64;
        Ok(Some((piece, (pieces, left))))
    })
    .boxed()
}

fn byte_by_byte(pieces: Pieces) -> Pieces {
    let bytes = |piece: Bytes| {
        let one = |at| piece.slice(at..=at);
        stream::iter((0..piece.len()).map(one).map(Ok).collect::<Vec<_>>())
    };
    pieces
        .map_ok(bytes)
        .try_flatten()
        .and_then(async |byte| {
            tokio::time::sleep(TRICKLE).await;
            Ok(byte)
        })
        .boxed()
}

fn blanks() -> impl Stream<Item = Bytes> + Send {
    stream::repeat(Bytes::from_static(&BLANKS))
}

/// Reset of the connection, after the bytes sent before are on their way.
fn broken() -> Pieces {
    stream::once(async {
        tokio::task::yield_now().await;
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        Err(axum::Error::new(reset))
    })
    .boxed()
}
