//! Connections to the storage, made by `reqwest` as it makes all of them (proxies, TLS, the rule of
//! names, the time limit), and handed over before it sends anything: it offers no way to stand
//! between it and a connection that it uses itself, and [`LastWord`] has to stand there.
//!
//! A request is asked for, and a layer around the connector puts the connection aside in place of
//! returning it. So the request never starts, and knows of no address but the host.

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

/// Where a connection is put aside.
type Berth = Arc<Mutex<Option<Box<dyn Wire>>>>;

tokio::task_local! {
    /// That of the connection which this task is waiting for.
    static BERTH: Berth;
}

/// Makes connections.
#[derive(Clone)]
pub(super) struct Dialler {
    client: reqwest::Client,
    proxies: Arc<Proxies>,
}

impl Dialler {
    /// Makes them as clients of this builder would.
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
            // Nothing was sent there that is worth an answer.
            Ok(_) => Trouble::NotSent("the connection was used up".to_owned()),
        }))
    }
}

/// Scheme, host and port of an address, and nothing of what is secret in it.
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

/// Puts connections aside.
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

/// In place of a connection, for whom it was not made.
#[derive(Debug)]
struct PutAsideAlready;

impl fmt::Display for PutAsideAlready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is with somebody else")
    }
}

impl std::error::Error for PutAsideAlready {}
