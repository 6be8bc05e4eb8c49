//! A connection on which a response is read even after a write has failed.
//!
//! A server may refuse a file right after the head of the request, and close the connection on the
//! rest. The next write then fails, and the HTTP library would give up the request, while the
//! answer lies unread in the socket. Here the error of a write is held back until reading has
//! decided: reading finds the answer, or fails, or ends by itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::time::{Instant, Sleep};

/// Longest wait for an answer, or for its next piece, after a write has failed. Mostly the answer
/// has arrived by then: the reset that fails a write comes behind the answer.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(5);

/// Byte stream of a connection.
pub(super) trait ConnectionIo: Read + Write + Connection + Unpin + Send {}

impl<W: Read + Write + Connection + Unpin + Send> ConnectionIo for W {}

/// A connection whose failed writes count only after reading has found no answer.
pub(super) struct EarlyResponseConnection {
    io: Box<dyn ConnectionIo>,
    handle: ConnectionHandle,
    failed_write: Option<FailedWrite>,
}

/// Error of a failed write, held back.
struct FailedWrite {
    error: io::Error,
    silence_timer: Pin<Box<Sleep>>,
}

/// Handle on a connection. Each response carries a handle on the connection of its request.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectionHandle(Arc<ConnectionHandleState>);

#[derive(Debug, Default)]
struct ConnectionHandleState {
    bytes_written: AtomicU64,
    aborted: AtomicBool,
    writer: AtomicWaker,
}

impl ConnectionHandle {
    /// Returns the number of bytes written to the connection since the last call.
    pub(super) fn take_bytes_written(&self) -> u64 {
        self.0.bytes_written.swap(0, Ordering::AcqRel)
    }

    /// Ends the connection at its next write, even while a write waits for a server that does not
    /// read. No more of the request is sent, and the connection is not used again.
    pub(super) fn abort(&self) {
        self.0.aborted.store(true, Ordering::Release);
        self.0.writer.wake();
    }
}

impl EarlyResponseConnection {
    /// Wraps a connection.
    pub(super) fn new(io: Box<dyn ConnectionIo>) -> Self {
        Self {
            io,
            handle: ConnectionHandle::default(),
            failed_write: None,
        }
    }

    /// Writes, unless a write has failed before.
    fn poll_writing<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(
            Pin<&mut (dyn ConnectionIo + 'static)>,
            &mut Context<'_>,
        ) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.handle.0.writer.register(context.waker());
        if self.handle.0.aborted.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let unsendable = match &mut self.failed_write {
            Some(unsendable) => unsendable,
            None => match write(Pin::new(&mut *self.io), context) {
                Poll::Ready(Err(error)) => self.failed_write.insert(FailedWrite {
                    error,
                    silence_timer: Box::pin(tokio::time::sleep(SILENCE_TIMEOUT)),
                }),
                written => return written,
            },
        };
        ready!(unsendable.silence_timer.as_mut().poll(context));
        let kind = unsendable.error.kind();
        let error = std::mem::replace(&mut unsendable.error, kind.into());
        Poll::Ready(Err(error))
    }

    fn count_written(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            let bytes = *bytes as u64;
            self.handle
                .0
                .bytes_written
                .fetch_add(bytes, Ordering::AcqRel);
        }
    }
}

impl Read for EarlyResponseConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut *self.io).poll_read(context, buffer))?;
        if let Some(unsendable) = &mut self.failed_write {
            let deadline = Instant::now() + SILENCE_TIMEOUT;
            unsendable.silence_timer.as_mut().reset(deadline);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for EarlyResponseConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll_writing(context, |wire, context| wire.poll_write(context, bytes));
        self.count_written(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll_writing(context, |wire, context| {
            wire.poll_write_vectored(context, pieces)
        });
        self.count_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_writing(context, Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(context)
    }
}

impl Connection for EarlyResponseConnection {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.handle.clone())
    }
}
