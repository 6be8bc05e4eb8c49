//! Proxy between the tool and the emulator, for answers no well-behaved service gives, and for
//! tests which act at one certain moment: the proxy can alter answers, and can hold one request
//! until the test releases the request. No code here waits for time to pass.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::TestedService;

/// Function which alters the JSON of each answer.
pub(super) type AlterJson = fn(&mut Value);

/// Function which changes each whole answer. Its first argument is the request's head.
type ForgeResponse = Arc<dyn Fn(&Parts, &mut Response<Vec<u8>>) + Send + Sync>;

/// Changes made by the proxy.
#[derive(Clone)]
pub(super) struct ProxyBehaviour {
    pub(super) alter: AlterJson,
    pub(super) forge: ForgeResponse,
}

impl Default for ProxyBehaviour {
    fn default() -> Self {
        Self {
            alter: |_| {},
            forge: Arc::new(|_, _| {}),
        }
    }
}

/// Head of a request, as received.
#[derive(Debug, Clone)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// Moment at which a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldMoment {
    /// Before the request reaches the service.
    Before,
    /// After the service has carried out the request, before the answer returns.
    After,
}

/// Running proxy, as seen by a test.
#[derive(Debug)]
pub(crate) struct HoldingProxy {
    address: SocketAddr,
    hold: Arc<HoldRule>,
    upload_urls: Arc<Mutex<Vec<String>>>,
    download_urls: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<RequestHead>>>,
}

/// Choice of the request to hold.
#[derive(Debug)]
struct HoldRule {
    /// Number of requests which pass before the held one, and the moment of the hold.
    next: Mutex<Option<(usize, HoldMoment)>>,
    holding: watch::Sender<bool>,
}

/// State shared by all requests through the proxy.
#[derive(Clone)]
struct ProxyState {
    client: reqwest::Client,
    emulator: SocketAddr,
    /// Origin of upload and download URLs: scheme, host and port.
    storage: String,
    manner: ProxyBehaviour,
    hold: Arc<HoldRule>,
    upload_urls: Arc<Mutex<Vec<String>>>,
    download_urls: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<RequestHead>>>,
}

impl HoldingProxy {
    /// Starts a proxy in front of an emulator. Uploads and downloads come through the proxy too,
    /// unless `storage` names another origin.
    pub(super) async fn start(
        emulator: SocketAddr,
        manner: ProxyBehaviour,
        storage: Option<String>,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hold = Arc::new(HoldRule {
            next: Mutex::new(None),
            holding: watch::Sender::new(false),
        });
        let upload_urls = Arc::default();
        let download_urls = Arc::default();
        let heads = Arc::default();
        let app = Router::new().fallback(pass).with_state(ProxyState {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            emulator,
            storage: storage.unwrap_or_else(|| format!("http://{address}")),
            manner,
            hold: Arc::clone(&hold),
            upload_urls: Arc::clone(&upload_urls),
            download_urls: Arc::clone(&download_urls),
            heads: Arc::clone(&heads),
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            hold,
            upload_urls,
            download_urls,
            heads,
        }
    }

    /// Returns the address of the listener.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the heads of all requests so far, uploads and downloads included.
    pub(crate) fn heads(&self) -> Vec<RequestHead> {
        self.heads.lock().unwrap().clone()
    }

    /// Returns the signature of each upload URL seen so far.
    pub(crate) fn signatures(&self) -> Vec<String> {
        signatures(&self.upload_urls)
    }

    /// Returns the signature of each download URL seen so far.
    pub(crate) fn download_signatures(&self) -> Vec<String> {
        signatures(&self.download_urls)
    }

    /// Returns the base URL of the proxy.
    pub(super) fn base_url(&self, api: TestedService) -> String {
        format!("http://{}{}", self.address, api.path())
    }

    /// Holds the `nth` request from now on, counted from 1.
    pub(super) fn hold(&self, nth: usize, moment: HoldMoment) {
        self.hold.holding.send_replace(false);
        *self.hold.next() = Some((nth - 1, moment));
    }

    /// Returns `true` while a request is held.
    pub(super) fn is_holding(&self) -> bool {
        *self.hold.holding.borrow()
    }

    /// Releases the held request.
    pub(crate) fn release(&self) {
        self.hold.holding.send_replace(false);
    }
}

impl HoldRule {
    fn next(&self) -> MutexGuard<'_, Option<(usize, HoldMoment)>> {
        self.next.lock().unwrap()
    }

    /// Counts a request. Returns the moment at which to hold the request, or `None` if the request
    /// passes.
    fn count(&self) -> Option<HoldMoment> {
        let mut next = self.next();
        match next.take() {
            Some((0, moment)) => Some(moment),
            later => {
                *next = later.map(|(requests, moment)| (requests - 1, moment));
                None
            }
        }
    }

    /// Waits until the test releases the request, or until the sender of the request is gone.
    async fn wait(&self) {
        let _gone = ReleaseOnDrop(&self.holding);
        let mut holding = self.holding.subscribe();
        self.holding.send_replace(true);
        // The sender is `self`, so the channel stays open, and the wait ends by a release.
        let _ = holding.wait_for(|holding| !holding).await;
    }
}

/// Marks the hold as ended, even if the server drops a request because its sender is gone.
struct ReleaseOnDrop<'h>(&'h watch::Sender<bool>);

impl Drop for ReleaseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// Handles one request: holds it if chosen, and forwards it to the emulator.
async fn pass(State(way): State<ProxyState>, request: Request) -> Response {
    let held = way.hold.count();
    if held == Some(HoldMoment::Before) {
        way.hold.wait().await;
    }
    let answer = way.carry_on(request).await;
    if held == Some(HoldMoment::After) {
        way.hold.wait().await;
    }
    answer
}

impl ProxyState {
    /// Forwards a request to the emulator, and returns the altered answer.
    async fn carry_on(&self, request: Request) -> Response {
        let (mut head, body) = request.into_parts();
        self.heads.lock().unwrap().push(RequestHead {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            headers: head.headers.clone(),
        });
        let asked = head.clone();
        head.headers.remove(HOST);
        // The emulator does not get incomplete requests.
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            return Response::default();
        };
        let answer = self
            .client
            .request(head.method, format!("http://{}{}", self.emulator, head.uri))
            .headers(head.headers)
            .body(body)
            .send()
            .await
            .unwrap();
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            // These headers describe the body on the emulator's own connection.
            if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
                response = response.header(name, value);
            }
        }
        let body = self.altered(&answer.bytes().await.unwrap());
        let mut response = response.body(body).unwrap();
        (self.manner.forge)(&asked, &mut response);
        response.map(Body::from)
    }

    /// Points URLs at the proxy, and remembers them.
    fn lead_here(&self, urls: Vec<&mut String>, seen: &Mutex<Vec<String>>) {
        for url in urls {
            *url = url.replace(&format!("http://{}", self.emulator), &self.storage);
            seen.lock().unwrap().push(url.clone());
        }
    }

    /// Alters the JSON of a body. Bodies of other kinds pass unchanged.
    fn altered(&self, body: &[u8]) -> Vec<u8> {
        let Ok(mut json) = serde_json::from_slice::<Value>(body) else {
            return body.to_vec();
        };
        // Bytes pass through the proxy too: the signature of a URL does not cover its host.
        self.lead_here(upload_urls(&mut json), &self.upload_urls);
        self.lead_here(download_urls(&mut json), &self.download_urls);
        (self.manner.alter)(&mut json);
        serde_json::to_vec(&json).unwrap()
    }
}

/// Returns the upload URL of an attachment, or all upload URLs of a job.
fn upload_urls(json: &mut Value) -> Vec<&mut String> {
    if json.pointer("/detail/files").is_none() {
        return texts(json.pointer_mut("/data/attributes/upload_url"));
    }
    let files = json.pointer_mut("/detail/files");
    let files = files.and_then(Value::as_array_mut).into_iter().flatten();
    texts(files.filter_map(|file| file.get_mut("upload_url")))
}

/// Returns the download URL of an attachment, or of each attachment in a list.
fn download_urls(json: &mut Value) -> Vec<&mut String> {
    let resources = match json.get_mut("data") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        other => Vec::from_iter(other),
    };
    let urls = resources
        .into_iter()
        .filter_map(|resource| resource.pointer_mut("/attributes/download_url"));
    texts(urls)
}

fn texts<'v>(values: impl IntoIterator<Item = &'v mut Value>) -> Vec<&'v mut String> {
    let text = |value: &'v mut Value| match value {
        Value::String(text) => Some(text),
        _ => None,
    };
    values.into_iter().filter_map(text).collect()
}

/// Returns the signature of each URL.
fn signatures(urls: &Mutex<Vec<String>>) -> Vec<String> {
    let urls = urls.lock().unwrap();
    let signature = |url: &String| url.split_once("signature=").unwrap().1.to_owned();
    urls.iter().map(signature).collect()
}
