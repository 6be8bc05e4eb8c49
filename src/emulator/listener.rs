//! Connections which the server can cut in the middle of a request. Scripted faults must be real
//! ones: the client sees the end of the connection, not an answer which reports a fault.
//!
//! hyper sees the end of a connection one turn late. hyper reads on for as long as bytes are there
//! before a request begins, and a request that has not begun at the end of its connection is dropped:
//! a client that sends and goes away would leave neither an effect nor a line in the log.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Listener whose connections a [`ConnectionCutter`] can cut.
pub(super) struct CuttableListener(pub(super) TcpListener);

/// Connection which fails after a call of [`ConnectionCutter::cut`].
pub(super) struct CuttableStream {
    tcp: TcpStream,
    cutter: ConnectionCutter,
    read_end: ReadEnd,
}

/// End of the bytes from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadEnd {
    /// The end has not come.
    Ahead,
    /// The end has come, and the server was told of a pause until its next turn.
    Deferred,
}

/// Handle which cuts a connection. The server hands the handle to the code which answers the
/// requests of the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectionCutter(Arc<AtomicBool>);

impl ConnectionCutter {
    /// Cuts the connection. Later writes of the server do not arrive.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check_uncut(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        // The implementation for `TcpListener` waits and tries again if accepting fails.
        let (tcp, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "answers on this connection may be delayed");
        }
        let stream = CuttableStream {
            tcp,
            cutter: ConnectionCutter::default(),
            read_end: ReadEnd::Ahead,
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for ConnectionCutter {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cutter.clone()
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cutter.check_uncut()?;
        let before = buffer.remaining();
        let read = Pin::new(&mut self.tcp).poll_read(context, buffer);
        let is_end = match &read {
            Poll::Ready(Ok(())) => before > 0 && buffer.remaining() == before,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if is_end && self.read_end == ReadEnd::Ahead {
            self.read_end = ReadEnd::Deferred;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        read
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cutter.check_uncut()?;
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.cutter.check_uncut()?;
        Pin::new(&mut self.tcp).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
