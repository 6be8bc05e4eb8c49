//! Emulator in the test's own process, and its request log in words.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use consign::emulator::request_log::{self, RequestLogEntry};
use consign::emulator::{
    AcceptedAttachmentKeys, Emulator, EmulatorOperation, EmulatorSettings, StoredAttachment,
    stored_attachments,
};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::holding_proxy::HoldingProxy;
use super::tls::{self, API_HOST, STORAGE_HOST, TunnelProxy};
use super::{ServiceNeighbours, ServiceRoute, TestedService};

/// Running emulator, with the servers in front.
pub(crate) struct EmulatorUnderTest {
    pub(super) api: TestedService,
    pub(super) emulator: Emulator,
    /// Accepted keys.
    pub(super) keys: AcceptedAttachmentKeys,
    holding_proxy: Option<HoldingProxy>,
    proxy: Option<TunnelProxy>,
    base_url: String,
    /// Ids of attachments changed since the run which made them.
    pub(super) tampered_ids: RefCell<HashSet<String>>,
    /// Declared last, so dropped last: the emulator runs on the runtime.
    pub(super) runtime: Runtime,
}

/// Servers in front of an emulator.
#[derive(Default)]
struct ServersInFront {
    /// Base URL of the first server, or `None` without servers in front.
    base_url: Option<String>,
    holding_proxy: Option<HoldingProxy>,
    proxy: Option<TunnelProxy>,
}

impl EmulatorUnderTest {
    /// Starts an emulator on any free port.
    pub(super) fn start(
        api: TestedService,
        settings: EmulatorSettings,
        company: ServiceNeighbours,
    ) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let keys = settings.attachments.accepted_keys.clone();
        let emulator = runtime.block_on(Emulator::start(here, settings)).unwrap();
        let around = runtime.block_on(start_servers_in_front(api, emulator.address(), company));
        Self {
            base_url: around.base_url.unwrap_or_else(|| match api {
                TestedService::WorkdayAttachments => emulator.base_url(),
                TestedService::KeelvarJobs => emulator.jobs_base_url(),
            }),
            api,
            holding_proxy: around.holding_proxy,
            proxy: around.proxy,
            emulator,
            keys,
            tampered_ids: RefCell::default(),
            runtime,
        }
    }

    /// Returns the base URL for the tool.
    pub(crate) fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// Returns the holding proxy. Panics if the test has none.
    pub(crate) fn holding_proxy(&self) -> &HoldingProxy {
        self.holding_proxy.as_ref().expect("somebody is between")
    }

    /// Returns the tunnel proxy. Panics if the test has none.
    pub(crate) fn proxy(&self) -> &TunnelProxy {
        self.proxy.as_ref().expect("there is a proxy")
    }

    /// Returns `true` while the proxy holds a request.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding_proxy
            .as_ref()
            .is_some_and(HoldingProxy::is_holding)
    }

    /// Returns the destination label, as in the results.
    pub(crate) fn label(&self) -> &str {
        self.base_url.split_once("://").unwrap().1
    }

    /// Returns all log entries so far.
    pub(crate) fn request_log(&self) -> Vec<RequestLogEntry> {
        request_log::read(self.emulator.log_path()).unwrap()
    }

    /// Returns the requests after the first `seen`, in words. The files of a job are sent all at
    /// once, in random order, so uploads in sequence are sorted by file name.
    pub(crate) fn requests_after(&self, seen: usize) -> Vec<String> {
        let log = self.request_log();
        let names = LogNames::from_log(&log);
        let mut words: Vec<String> = log[seen..]
            .iter()
            .map(|entry| request_in_words(entry, &names))
            .collect();
        if self.api == TestedService::KeelvarJobs {
            let is_upload = |word: &str| word.starts_with("upload ");
            for uploads in words.chunk_by_mut(|one, next| is_upload(one) && is_upload(next)) {
                uploads.sort_by(|one, other| one.split(' ').nth(1).cmp(&other.split(' ').nth(1)));
            }
        }
        words
    }

    /// Counts the requests of an operation so far.
    pub(crate) fn count_requests(&self, operation: EmulatorOperation) -> usize {
        let log = self.request_log();
        log.iter()
            .filter(|entry| entry.operation == operation)
            .count()
    }

    /// Returns the folder with the emulator's state.
    pub(super) fn state_folder(&self) -> &Path {
        self.emulator.state_path()
    }

    /// Returns the attachments with stored bytes.
    pub(crate) fn stored_attachments(&self) -> Vec<StoredAttachment> {
        stored_attachments(self.emulator.state_path()).unwrap()
    }

    /// Returns external id and content of each stored attachment, sorted by external id.
    pub(crate) fn stored_contents(&self) -> Vec<(String, String)> {
        let mut contents: Vec<(String, String)> = self
            .stored_attachments()
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

/// Starts the servers in front of an emulator.
async fn start_servers_in_front(
    api: TestedService,
    emulator: SocketAddr,
    company: ServiceNeighbours,
) -> ServersInFront {
    let Some(manner) = company.holding_proxy else {
        return ServersInFront::default();
    };
    let Some((certificate, road)) = company.tls else {
        let between = HoldingProxy::start(emulator, manner, None).await;
        return ServersInFront {
            base_url: Some(between.base_url(api)),
            holding_proxy: Some(between),
            proxy: None,
        };
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let here = format!("localhost:{}", address.port());
    let (host, storage, proxy) = match road {
        ServiceRoute::Direct => (here.as_str(), here.as_str(), None),
        ServiceRoute::ThroughProxy => (
            API_HOST,
            STORAGE_HOST,
            Some(TunnelProxy::start(address).await),
        ),
    };
    let between = HoldingProxy::start(emulator, manner, Some(format!("https://{storage}"))).await;
    tokio::spawn(tls::terminate_tls(listener, certificate, between.address()));
    ServersInFront {
        base_url: Some(format!("https://{host}{}", api.base_path())),
        holding_proxy: Some(between),
        proxy,
    }
}

/// Names for the ids in the log.
struct LogNames {
    /// External ids by attachment id, as far as the log names them.
    attachments: HashMap<u64, String>,
    /// Names of jobs by job id: `J1` and so on, in the order of creation.
    jobs: HashMap<String, String>,
}

impl LogNames {
    /// Collects the names from the log.
    fn from_log(log: &[RequestLogEntry]) -> Self {
        let attachments = log
            .iter()
            .filter_map(|entry| Some((entry.id?, entry.external_id.clone()?)));
        let jobs = log
            .iter()
            .filter(|entry| entry.operation == EmulatorOperation::CreateJob)
            .filter_map(|entry| entry.job.clone());
        Self {
            attachments: attachments.collect(),
            jobs: jobs
                .zip(1..)
                .map(|(id, number)| (id, format!("J{number}")))
                .collect(),
        }
    }
}

/// Returns a request in the words of tests: operation, external id, status and fault, such as
/// `create A1 201 lose_answer`; for jobs `get_job J1 200` and `upload A1.pdf 200`; for objects
/// `list_objects contracts 200` and `get_object contracts/7 200`.
fn request_in_words(entry: &RequestLogEntry, names: &LogNames) -> String {
    let operation = serde_json::to_value(entry.operation).unwrap();
    let mut words = vec![operation.as_str().unwrap().to_owned()];
    let of_id = || names.attachments.get(&entry.id?).cloned();
    let of_job = || names.jobs.get(entry.job.as_ref()?).cloned();
    words.extend(
        entry
            .external_id
            .clone()
            .or_else(of_id)
            .or_else(|| uploaded_file(entry))
            .or_else(of_job)
            .or_else(|| subject_in_path(entry, names)),
    );
    words.push(
        entry
            .status
            .map_or("-".to_owned(), |status| status.to_string()),
    );
    words.extend(entry.fault.clone());
    words.join(" ")
}

/// Returns the path below a sister service without the query, such as `contracts/7`.
fn objects_in_path(path: &str) -> Option<&str> {
    let (service, rest) = path.strip_prefix("/services/")?.split_once("/v1/")?;
    (service != "attachments").then(|| rest.split('?').next().unwrap_or(rest))
}

/// Returns the name of the file sent to a job, accepted or refused.
fn uploaded_file(entry: &RequestLogEntry) -> Option<String> {
    let (_, file) = entry
        .path
        .strip_prefix("/storage/jobs/")?
        .rsplit_once('/')?;
    Some(file.to_owned())
}

/// Returns the attachment, job or object named in the path, for requests not carried out, whose log entry
/// has no other subject.
fn subject_in_path(entry: &RequestLogEntry, names: &LogNames) -> Option<String> {
    if let Some((_, job)) = entry.path.split_once("/api/jobs/") {
        return names.jobs.get(job.trim_end_matches('/')).cloned();
    }
    if let Some(objects) = objects_in_path(&entry.path) {
        return Some(objects.to_owned());
    }
    let (_, rest) = entry.path.split_once("/attachments/v1/attachments/")?;
    match rest.split_once('/') {
        Some((external_id, _)) => Some(external_id.to_owned()),
        None => names.attachments.get(&rest.parse().ok()?).cloned(),
    }
}
