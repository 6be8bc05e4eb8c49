//! Connections to the storage.
//!
//! `reqwest` makes each connection (proxies, TLS, DNS rules, time limit), and this module takes the
//! connection over before any request is sent on it: `reqwest` offers no hook between itself and a
//! connection in use, and [`LastWord`] has to stand there. A request is started, and a layer around
//! the connector stores the connection in a slot and returns none, so the request never begins. The
//! request carries no more of an address than the host.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::Uri;
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use super::last_word::{LastWord, Wire};
use super::proxy::Proxies;
use super::trouble::{NoConnection, Trouble, trouble};
use super::{ClientError, build};
use crate::sync::lock;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Slot in which a captured connection is stored.
type Berth = Arc<Mutex<Option<Box<dyn Wire>>>>;

tokio::task_local! {
    /// Slot for the connection of the current task.
    static BERTH: Berth;
}

/// Connector for connections to the storage.
#[derive(Clone)]
pub(super) struct Dialler {
    client: reqwest::Client,
    proxies: Arc<Proxies>,
}

impl Dialler {
    /// Returns a connector with the settings of `builder`.
    pub(super) fn new(
        builder: reqwest::ClientBuilder,
        proxies: Proxies,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            client: build(builder.connector_layer(PutAside))?,
            proxies: Arc::new(proxies),
        })
    }

    async fn dial(self, host: Uri) -> Result<LastWord, NoConnection> {
        let origin = origin(&host).ok_or_else(|| {
            let why = "the address names no host".to_owned();
            NoConnection(Trouble::NotSent(why))
        })?;
        let berth = Berth::default();
        let asked = self.client.get(origin).send();
        let ended = BERTH.scope(Arc::clone(&berth), asked).await;
        if let Some(wire) = lock(&berth).take() {
            return Ok(LastWord::over(wire));
        }
        Err(NoConnection(match ended {
            Err(error) => trouble(error, &self.proxies).await,
            // No request was sent on the connection, so no answer can be worth anything.
            Ok(_) => Trouble::NotSent("the connection was used up".to_owned()),
        }))
    }
}

/// Returns scheme, host and port of an address, and nothing of the secret parts.
fn origin(uri: &Uri) -> Option<Url> {
    Url::parse(&format!("{}://{}/", uri.scheme_str()?, uri.authority()?)).ok()
}

impl Service<Uri> for Dialler {
    type Response = LastWord;
    type Error = NoConnection;
    type Future = BoxFuture<Result<LastWord, NoConnection>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoConnection>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

/// Layer for capturing connections.
#[derive(Clone)]
struct PutAside;

impl<S> Layer<S> for PutAside {
    type Service = PuttingAside<S>;

    fn layer(&self, connector: S) -> PuttingAside<S> {
        PuttingAside(connector)
    }
}

#[derive(Clone)]
struct PuttingAside<S>(S);

impl<S, R> Service<R> for PuttingAside<S>
where
    S: Service<R, Error = BoxError>,
    S::Response: Wire + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let connecting = self.0.call(destination);
        let berth = BERTH.try_with(Arc::clone);
        Box::pin(async move {
            let wire = connecting.await?;
            *lock(&*berth?) = Some(Box::new(wire));
            Err(PutAsideAlready.into())
        })
    }
}

/// Error for `reqwest` in place of a captured connection.
#[derive(Debug)]
struct PutAsideAlready;

impl fmt::Display for PutAsideAlready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is with somebody else")
    }
}

impl std::error::Error for PutAsideAlready {}
