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

use super::fault::FaultEffect;
use crate::emulator::context::ServerContext;
use crate::emulator::reply::RequestEnd;

/// Time between two bytes of a trickling body: slower than any patience, but no stall.
const TRICKLE_INTERVAL: Duration = Duration::from_secs(1);

/// Blanks with which an endless body continues, again and again.
static BLANK_CHUNK: [u8; 16 * 1024] = [b' '; 16 * 1024];

type BoxedBodyStream = BoxStream<'static, Result<Bytes, axum::Error>>;

impl RequestEnd {
    /// Injects a fault of delivery into the answer. Other effects leave the answer as it is.
    pub(super) fn inject_on_the_way(
        self,
        effect: Option<&FaultEffect>,
        context: &ServerContext,
    ) -> Self {
        match (self, effect) {
            (Self::Answered(response), Some(FaultEffect::LoseAnswer)) => {
                Self::AnswerLost(response.status())
            }
            (Self::Answered(response), Some(FaultEffect::WithholdAnswer)) => {
                Self::AnswerWithheld(response.status())
            }
            (Self::Answered(response), Some(effect)) => {
                Self::Answered(spoil_body(response, effect, context))
            }
            (answer, _) => answer,
        }
    }
}

fn spoil_body(response: Response, effect: &FaultEffect, context: &ServerContext) -> Response {
    let size = body_size(&response);
    let (mut head, body) = response.into_parts();
    let pieces = body.into_data_stream().boxed();
    let spoilt: BoxedBodyStream = match effect {
        FaultEffect::TruncatedBody => first_bytes(pieces, size / 2)
            .chain(connection_reset())
            .boxed(),
        FaultEffect::StalledBody => first_bytes(pieces, size / 2)
            .chain(stream::pending())
            .boxed(),
        FaultEffect::TricklingBody => byte_by_byte(pieces),
        FaultEffect::EndlessBody => pieces.chain(endless_blanks().map(Ok)).boxed(),
        _ => return Response::from_parts(head, Body::from_stream(pieces)),
    };
    if *effect == FaultEffect::EndlessBody {
        head.headers.remove(CONTENT_LENGTH);
    } else {
        // At least one byte: no client could miss a part of an empty body.
        let announced = HeaderValue::from(size.max(1));
        head.headers.insert(CONTENT_LENGTH, announced);
    }
    let spoilt = spoilt.take_until(context.wait_for_end());
    Response::from_parts(head, Body::from_stream(spoilt))
}

/// Length of the body in bytes: each body here has an exact size hint or a `Content-Length`.
fn body_size(response: &Response) -> u64 {
    let announced = || {
        let value = response.headers().get(CONTENT_LENGTH)?;
        value.to_str().ok()?.parse().ok()
    };
    let exact = response.body().size_hint().exact();
    exact.or_else(announced).unwrap_or_default()
}

/// First `count` bytes of a body.
fn first_bytes(pieces: BoxedBodyStream, count: u64) -> BoxedBodyStream {
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

fn byte_by_byte(pieces: BoxedBodyStream) -> BoxedBodyStream {
    let bytes = |piece: Bytes| {
        let one = |at| piece.slice(at..=at);
        stream::iter((0..piece.len()).map(one).map(Ok).collect::<Vec<_>>())
    };
    pieces
        .map_ok(bytes)
        .try_flatten()
        .and_then(async |byte| {
            tokio::time::sleep(TRICKLE_INTERVAL).await;
            Ok(byte)
        })
        .boxed()
}

fn endless_blanks() -> impl Stream<Item = Bytes> + Send {
    stream::repeat(Bytes::from_static(&BLANK_CHUNK))
}

/// Reset of the connection, after the bytes sent before are on their way.
fn connection_reset() -> BoxedBodyStream {
    stream::once(async {
        tokio::task::yield_now().await;
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        Err(axum::Error::new(reset))
    })
    .boxed()
}
