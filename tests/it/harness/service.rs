//! The emulator, in the test's own process, and its request log in words.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use consign::emulator::log::{self, Entry};
use consign::emulator::{Emulator, Settings, StoredAttachment, stored};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::between::Between;
use super::tls::{self, API_HOST, Proxy, STORAGE_HOST};
use super::{Company, Road};

/// A running emulator.
pub(crate) struct Service {
    emulator: Emulator,
    between: Option<Between>,
    proxy: Option<Proxy>,
    base_url: String,
    /// Dropped last: the emulator lives on it.
    _runtime: Runtime,
}

/// Those who stand before an emulator.
#[derive(Default)]
struct Around {
    /// The base that leads to them.
    base_url: Option<String>,
    between: Option<Between>,
    proxy: Option<Proxy>,
}

impl Service {
    /// Starts one on any free port.
    pub(super) fn start(settings: Settings, company: Company) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let emulator = runtime.block_on(Emulator::start(here, settings)).unwrap();
        let around = runtime.block_on(surround(emulator.address(), company));
        Self {
            base_url: around.base_url.unwrap_or_else(|| emulator.base_url()),
            between: around.between,
            proxy: around.proxy,
            emulator,
            _runtime: runtime,
        }
    }

    /// What the tool is told to use.
    pub(crate) fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// Whoever stands before it.
    pub(crate) fn between(&self) -> &Between {
        self.between.as_ref().expect("somebody is between")
    }

    /// The proxy by way of which it is reached.
    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("there is a proxy")
    }

    /// Whether somebody between holds a request.
    pub(crate) fn is_holding(&self) -> bool {
        self.between.as_ref().is_some_and(Between::is_holding)
    }

    /// How the results call it.
    pub(crate) fn label(&self) -> &str {
        self.base_url.split_once("://").unwrap().1
    }

    /// Every request so far.
    pub(crate) fn log(&self) -> Vec<Entry> {
        log::read(self.emulator.log_path()).unwrap()
    }

    /// Every request after the first `seen`, in words.
    pub(crate) fn requests_after(&self, seen: usize) -> Vec<String> {
        let log = self.log();
        let names = names(&log);
        log[seen..]
            .iter()
            .map(|entry| in_words(entry, &names))
            .collect()
    }

    /// The attachments that have their bytes.
    pub(crate) fn stored(&self) -> Vec<StoredAttachment> {
        stored(self.emulator.state()).unwrap()
    }

    /// External id and bytes of each of them, in the order of the ids.
    pub(crate) fn contents(&self) -> Vec<(String, String)> {
        let mut contents: Vec<(String, String)> = self
            .stored()
            .into_iter()
            .map(|attachment| {
                let bytes = fs::read(&attachment.bytes).unwrap();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                (attachment.external_id.unwrap_or_default(), text)
            })
            .collect();
        contents.sort();
        contents
    }
}

/// Puts others before an emulator.
async fn surround(emulator: SocketAddr, company: Company) -> Around {
    let Some(manner) = company.between else {
        return Around::default();
    };
    let Some((certificate, road)) = company.tls else {
        let between = Between::start(emulator, manner, None).await;
        return Around {
            base_url: Some(between.base_url()),
            between: Some(between),
            proxy: None,
        };
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let here = format!("localhost:{}", address.port());
    let (api, storage, proxy) = match road {
        Road::Straight => (here.as_str(), here.as_str(), None),
        Road::ByProxy => (API_HOST, STORAGE_HOST, Some(Proxy::start(address).await)),
    };
    let between = Between::start(emulator, manner, Some(format!("https://{storage}"))).await;
    tokio::spawn(tls::terminate(listener, certificate, between.address()));
    Around {
        base_url: Some(format!("https://{api}/services/attachments/v1")),
        between: Some(between),
        proxy,
    }
}

/// Which external id each attachment has, as far as the log tells.
fn names(log: &[Entry]) -> HashMap<u64, String> {
    log.iter()
        .filter_map(|entry| Some((entry.id?, entry.external_id.clone()?)))
        .collect()
}

/// A request as a test writes it: operation, external id, status and fault, such as
/// `create A1 201 lose_answer`.
fn in_words(entry: &Entry, names: &HashMap<u64, String>) -> String {
    let operation = serde_json::to_value(entry.operation).unwrap();
    let mut words = vec![operation.as_str().unwrap().to_owned()];
    let of_id = || names.get(&entry.id?).cloned();
    words.extend(
        entry
            .external_id
            .clone()
            .or_else(of_id)
            .or_else(|| in_path(entry, names)),
    );
    words.push(
        entry
            .status
            .map_or("-".to_owned(), |status| status.to_string()),
    );
    words.extend(entry.fault.clone());
    words.join(" ")
}

/// Whom the path names, where the request was not carried out and nothing else tells.
fn in_path(entry: &Entry, names: &HashMap<u64, String>) -> Option<String> {
    let (_, rest) = entry.path.split_once("/attachments/v1/attachments/")?;
    match rest.split_once('/') {
        Some((external_id, _)) => Some(external_id.to_owned()),
        None => names.get(&rest.parse().ok()?).cloned(),
    }
}
