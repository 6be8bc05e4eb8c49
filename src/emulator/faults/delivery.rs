//! Answers that something on the way loses, breaks off or drags out.
//!
//! What was decided and logged stays so: only what reaches the client changes here.

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

/// The time between two bytes of a trickle: slower than any patience, but no stall.
const TRICKLE: Duration = Duration::from_secs(1);

/// What an endless answer goes on with.
static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];

type Pieces = BoxStream<'static, Result<Bytes, axum::Error>>;

impl Answer {
    /// What reaches the client, where `effect` is something that happens on the way.
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
        // At least one byte, or there would be nothing to miss.
        let announced = HeaderValue::from(size.max(1));
        head.headers.insert(CONTENT_LENGTH, announced);
    }
    let spoilt = spoilt.take_until(context.ended());
    Response::from_parts(head, Body::from_stream(spoilt))
}

/// How long the body is: all bodies here say so, or have it in their head.
fn size_of(response: &Response) -> u64 {
    let announced = || {
        let value = response.headers().get(CONTENT_LENGTH)?;
        value.to_str().ok()?.parse().ok()
    };
    let exact = response.body().size_hint().exact();
    exact.or_else(announced).unwrap_or_default()
}

/// The first bytes of a body.
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

/// The end of the connection, once what was sent before is on its way.
fn broken() -> Pieces {
    stream::once(async {
        tokio::task::yield_now().await;
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        Err(axum::Error::new(reset))
    })
    .boxed()
}
