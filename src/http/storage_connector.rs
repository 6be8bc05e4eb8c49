//! Connections to the storage.
//!
//! `reqwest` makes each connection (proxies, TLS, DNS rules, time limit), and this module takes the
//! connection over before any request is sent on it: `reqwest` offers no hook between itself and a
//! connection in use, and [`EarlyResponseConnection`] has to be there. A request is started, and a
//! layer around the connector stores the connection in a slot and returns none, so the request
//! never begins. The request carries no more of an address than the host.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::Uri;
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use super::early_response::{ConnectionIo, EarlyResponseConnection};
use super::proxy::SystemProxies;
use super::transport_error::{ConnectError, TransportError, classify_request_error};
use super::{HttpClientError, build_client};
use crate::mutex::lock_despite_poison;

type BoxedConnectError = Box<dyn std::error::Error + Send + Sync>;

type ConnectFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Slot in which a captured connection is stored.
type ConnectionSlot = Arc<Mutex<Option<Box<dyn ConnectionIo>>>>;

tokio::task_local! {
    /// Slot for the connection of the current task.
    static CONNECTION_SLOT: ConnectionSlot;
}

/// Connector for connections to the storage.
#[derive(Clone)]
pub(super) struct StorageConnector {
    client: reqwest::Client,
    proxies: Arc<SystemProxies>,
}

impl StorageConnector {
    /// Returns a connector with the settings of `builder`.
    pub(super) fn new(
        builder: reqwest::ClientBuilder,
        proxies: SystemProxies,
    ) -> Result<Self, HttpClientError> {
        Ok(Self {
            client: build_client(builder.connector_layer(CaptureConnectionLayer))?,
            proxies: Arc::new(proxies),
        })
    }

    async fn connect(self, host: Uri) -> Result<EarlyResponseConnection, ConnectError> {
        let origin = origin(&host).ok_or_else(|| {
            let why = "the address names no host".to_owned();
            ConnectError(TransportError::NotSent(why))
        })?;
        let berth = ConnectionSlot::default();
        let asked = self.client.get(origin).send();
        let ended = CONNECTION_SLOT.scope(Arc::clone(&berth), asked).await;
        if let Some(wire) = lock_despite_poison(&berth).take() {
            return Ok(EarlyResponseConnection::new(wire));
        }
        Err(ConnectError(match ended {
            Err(error) => classify_request_error(error, &self.proxies).await,
            // No request was sent on the connection, so no answer can be worth anything.
            Ok(_) => TransportError::NotSent("the connection was used up".to_owned()),
        }))
    }
}

/// Returns scheme, host and port of an address, and nothing of the secret parts.
fn origin(uri: &Uri) -> Option<Url> {
    Url::parse(&format!("{}://{}/", uri.scheme_str()?, uri.authority()?)).ok()
}

impl Service<Uri> for StorageConnector {
    type Response = EarlyResponseConnection;
    type Error = ConnectError;
    type Future = ConnectFuture<Result<EarlyResponseConnection, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Layer for capturing connections.
#[derive(Clone)]
struct CaptureConnectionLayer;

impl<S> Layer<S> for CaptureConnectionLayer {
    type Service = CapturingConnector<S>;

    fn layer(&self, connector: S) -> CapturingConnector<S> {
        CapturingConnector(connector)
    }
}

#[derive(Clone)]
struct CapturingConnector<S>(S);

impl<S, R> Service<R> for CapturingConnector<S>
where
    S: Service<R, Error = BoxedConnectError>,
    S::Response: ConnectionIo + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxedConnectError;
    type Future = ConnectFuture<Result<S::Response, BoxedConnectError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxedConnectError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let connecting = self.0.call(destination);
        let berth = CONNECTION_SLOT.try_with(Arc::clone);
        Box::pin(async move {
            let wire = connecting.await?;
            *lock_despite_poison(&*berth?) = Some(Box::new(wire));
            Err(ConnectionCaptured.into())
        })
    }
}

/// Error for `reqwest` in place of a captured connection.
#[derive(Debug)]
struct ConnectionCaptured;

impl fmt::Display for ConnectionCaptured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is with somebody else")
    }
}

impl std::error::Error for ConnectionCaptured {}
