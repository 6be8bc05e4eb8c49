//! Proxy between the tool and the emulator, for answers no well-behaved service gives, and for
//! tests which act at one certain moment: the proxy can alter answers, and can hold one request
//! until the test releases the request. No code here waits for time to pass.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
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
    pub(super) alter_json: AlterJson,
    pub(super) forge_response: ForgeResponse,
}

impl Default for ProxyBehaviour {
    fn default() -> Self {
        Self {
            alter_json: |_| {},
            forge_response: Arc::new(|_, _| {}),
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
    BeforeService,
    /// After the service has carried out the request, before the answer returns.
    BeforeAnswer,
}

/// Running proxy, as seen by a test.
#[derive(Debug)]
pub(crate) struct HoldingProxy {
    address: SocketAddr,
    hold: Arc<HoldRule>,
    upload_urls: Arc<Mutex<Vec<String>>>,
    download_urls: Arc<Mutex<Vec<String>>>,
    request_heads: Arc<Mutex<Vec<RequestHead>>>,
}

/// Choice of the request to hold.
#[derive(Debug)]
struct HoldRule {
    /// Number of requests which pass before the held one, and the moment of the hold.
    next_held: Mutex<Option<(usize, HoldMoment)>>,
    holding: watch::Sender<bool>,
}

/// State shared by all requests through the proxy.
#[derive(Clone)]
struct ProxyState {
    client: reqwest::Client,
    emulator: SocketAddr,
    /// Origin of upload and download URLs: scheme, host and port.
    storage: String,
    behaviour: ProxyBehaviour,
    hold: Arc<HoldRule>,
    upload_urls: Arc<Mutex<Vec<String>>>,
    download_urls: Arc<Mutex<Vec<String>>>,
    request_heads: Arc<Mutex<Vec<RequestHead>>>,
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
            next_held: Mutex::new(None),
            holding: watch::Sender::new(false),
        });
        let upload_urls = Arc::default();
        let download_urls = Arc::default();
        let heads = Arc::default();
        let app = Router::new()
            .fallback(handle_request)
            .with_state(ProxyState {
                client: reqwest::Client::builder().no_proxy().build().unwrap(),
                emulator,
                storage: storage.unwrap_or_else(|| format!("http://{address}")),
                behaviour: manner,
                hold: Arc::clone(&hold),
                upload_urls: Arc::clone(&upload_urls),
                download_urls: Arc::clone(&download_urls),
                request_heads: Arc::clone(&heads),
            });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            hold,
            upload_urls,
            download_urls,
            request_heads: heads,
        }
    }

    /// Returns the address of the listener.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the heads of all requests so far, uploads and downloads included.
    pub(crate) fn request_heads(&self) -> Vec<RequestHead> {
        self.request_heads.lock().unwrap().clone()
    }

    /// Returns the signature of each upload URL seen so far.
    pub(crate) fn upload_signatures(&self) -> Vec<String> {
        url_signatures(&self.upload_urls)
    }

    /// Returns the signature of each download URL seen so far.
    pub(crate) fn download_signatures(&self) -> Vec<String> {
        url_signatures(&self.download_urls)
    }

    /// Returns the base URL of the proxy.
    pub(super) fn base_url(&self, api: TestedService) -> String {
        format!("http://{}{}", self.address, api.base_path())
    }

    /// Holds the `nth` request from now on, counted from 1.
    pub(super) fn hold_nth(&self, nth: usize, moment: HoldMoment) {
        self.hold.holding.send_replace(false);
        *self.hold.lock_next_held() = Some((nth - 1, moment));
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
    fn lock_next_held(&self) -> MutexGuard<'_, Option<(usize, HoldMoment)>> {
        self.next_held.lock().unwrap()
    }

    /// Counts a request. Returns the moment at which to hold the request, or `None` if the request
    /// passes.
    fn count_request(&self) -> Option<HoldMoment> {
        let mut next = self.lock_next_held();
        match next.take() {
            Some((0, moment)) => Some(moment),
            later => {
                *next = later.map(|(requests, moment)| (requests - 1, moment));
                None
            }
        }
    }

    /// Waits until the test releases the request, or until the sender of the request is gone.
    async fn wait_for_release(&self) {
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
async fn handle_request(State(way): State<ProxyState>, request: Request) -> Response {
    let held = way.hold.count_request();
    if held == Some(HoldMoment::BeforeService) {
        way.hold.wait_for_release().await;
    }
    let answer = way.forward_request(request).await;
    if held == Some(HoldMoment::BeforeAnswer) {
        way.hold.wait_for_release().await;
    }
    answer
}

impl ProxyState {
    /// Forwards a request to the emulator, and returns the altered answer.
    async fn forward_request(&self, request: Request) -> Response {
        let (mut head, body) = request.into_parts();
        self.request_heads.lock().unwrap().push(RequestHead {
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
        let body = self.alter_body(&answer.bytes().await.unwrap(), asked.headers.get(HOST));
        let mut response = response.body(body).unwrap();
        (self.behaviour.forge_response)(&asked, &mut response);
        response.map(Body::from)
    }

    /// Points URLs at the proxy, and remembers them.
    fn route_urls_through_proxy(&self, urls: Vec<&mut String>, seen: &Mutex<Vec<String>>) {
        for url in urls {
            *url = url.replace(&format!("http://{}", self.emulator), &self.storage);
            seen.lock().unwrap().push(url.clone());
        }
    }

    /// Alters the JSON of a body. Bodies of other kinds pass unchanged. `host` is the host that the
    /// client asked, which has the next page of a list, too.
    fn alter_body(&self, body: &[u8], host: Option<&HeaderValue>) -> Vec<u8> {
        let Ok(mut json) = serde_json::from_slice::<Value>(body) else {
            return body.to_vec();
        };
        // Bytes pass through the proxy too: the signature of a URL does not cover its host.
        self.route_urls_through_proxy(upload_urls(&mut json), &self.upload_urls);
        self.route_urls_through_proxy(download_urls(&mut json), &self.download_urls);
        if let Some(Value::String(next)) = json.pointer_mut("/links/next") {
            let scheme = self.storage.split("://").next().unwrap();
            let origin = format!("{scheme}://{}", host.unwrap().to_str().unwrap());
            *next = next.replace(&format!("http://{}", self.emulator), &origin);
        }
        (self.behaviour.alter_json)(&mut json);
        serde_json::to_vec(&json).unwrap()
    }
}

/// Returns the upload URL of an attachment, or all upload URLs of a job.
fn upload_urls(json: &mut Value) -> Vec<&mut String> {
    if json.pointer("/detail/files").is_none() {
        return string_values(json.pointer_mut("/data/attributes/upload_url"));
    }
    let files = json.pointer_mut("/detail/files");
    let files = files.and_then(Value::as_array_mut).into_iter().flatten();
    string_values(files.filter_map(|file| file.get_mut("upload_url")))
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
    string_values(urls)
}

fn string_values<'v>(values: impl IntoIterator<Item = &'v mut Value>) -> Vec<&'v mut String> {
    let text = |value: &'v mut Value| match value {
        Value::String(text) => Some(text),
        _ => None,
    };
    values.into_iter().filter_map(text).collect()
}

/// Returns the signature of each URL.
fn url_signatures(urls: &Mutex<Vec<String>>) -> Vec<String> {
    let urls = urls.lock().unwrap();
    let signature = |url: &String| url.split_once("signature=").unwrap().1.to_owned();
    urls.iter().map(signature).collect()
}
