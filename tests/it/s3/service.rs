//! Service which stores its bytes in a real S3: the vendor's six operations as far as an import
//! needs them, with upload addresses checked by the storage itself.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use url::form_urlencoded;

use super::sigv4::PresignedRequest;
use super::storage::{BUCKET, KEY, S3Storage, StorageExchange};

/// Upload headers of the vendor's documentation.
pub(super) const HEADERS: [(&str, &str); 4] = [
    ("Content-Type", "application/octet-stream"),
    ("x-amz-acl", "private"),
    ("x-amz-server-side-encryption", "AES256"),
    ("Content-Disposition", "attachment"),
];

/// Upload addresses given out by the service.
#[derive(Debug, Clone, Copy)]
pub(super) enum AddressDefect {
    /// Valid address.
    NoDefect,
    /// Signed address, past its 15 minutes.
    Expired,
    /// Address with a wrong signature.
    Tampered,
    /// Address without one of its signed headers.
    MissingHeader(&'static str),
    /// Address with another value of one of its signed headers.
    AlteredHeader(&'static str),
    /// Signed address of a folder's name, which takes no bytes.
    Folder,
}

/// Running service with its storage.
pub(super) struct S3Service {
    address: SocketAddr,
    state: Arc<S3ServiceState>,
    /// Declared last, so dropped last: service and storage run on the runtime.
    _runtime: Runtime,
}

/// State behind the answers.
struct S3ServiceState {
    storage: S3Storage,
    records: Mutex<BTreeMap<u64, S3Record>>,
    /// Kinds of the next addresses. After the last, all addresses are valid.
    addresses: Mutex<VecDeque<AddressDefect>>,
    requests: Mutex<Vec<String>>,
    urls: Mutex<Vec<String>>,
}

/// Attachment record.
#[derive(Clone)]
struct S3Record {
    external_id: String,
    file_name: String,
    /// Object key of the bytes, stored or expected.
    key: String,
}

impl S3Service {
    /// Starts service and storage. The first upload addresses are of the given kinds.
    pub(super) fn start_with_addresses(addresses: impl IntoIterator<Item = AddressDefect>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (address, state) = runtime.block_on(start(addresses.into_iter().collect()));
        Self {
            address,
            state,
            _runtime: runtime,
        }
    }

    /// Base URL for the tool.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}/services/attachments/v1", self.address)
    }

    /// Returns the requests to the API so far, as method, path and status.
    pub(super) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Returns the requests to the storage so far.
    pub(super) fn uploads(&self) -> Vec<StorageExchange> {
        self.state.storage.exchanges()
    }

    /// Returns the upload addresses given out so far.
    pub(super) fn urls(&self) -> Vec<String> {
        self.state.urls.lock().unwrap().clone()
    }

    /// Returns the bytes stored for an external id.
    pub(super) fn stored(&self, external_id: &str) -> Option<Vec<u8>> {
        let records = self.state.records.lock().unwrap();
        let mut of_id = records
            .values()
            .filter(|one| one.external_id == external_id);
        let record = of_id.next()?;
        assert!(of_id.next().is_none(), "{external_id} has two records");
        fs::read(self.state.storage.object(&record.key)).ok()
    }
}

async fn start(addresses: VecDeque<AddressDefect>) -> (SocketAddr, Arc<S3ServiceState>) {
    let desk = Arc::new(S3ServiceState {
        storage: S3Storage::start().await,
        records: Mutex::default(),
        addresses: Mutex::new(addresses),
        requests: Mutex::default(),
        urls: Mutex::default(),
    });
    let routes = Router::new()
        .route("/attachments", post(create).get(list))
        .route("/attachments/{id}", get(by_id).patch(update))
        .route("/attachments/{id}/external_id", get(by_external_id))
        .with_state(Arc::clone(&desk));
    let app = Router::new().nest("/services/attachments/v1", routes);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, desk)
}

async fn create(State(desk): State<Arc<S3ServiceState>>, body: Bytes) -> Response {
    let attributes = attributes(&body);
    let text = |name: &str| attributes[name].as_str().unwrap().to_owned();
    let id = desk.records.lock().unwrap().len() as u64 + 1;
    let record = S3Record {
        external_id: text("external_id"),
        file_name: text("file_name"),
        key: String::new(),
    };
    let answer = desk.record_with_address(id, record);
    desk.answer("POST attachments", StatusCode::CREATED, &answer)
}

async fn update(
    State(desk): State<Arc<S3ServiceState>>,
    Path(id): Path<u64>,
    body: Bytes,
) -> Response {
    let file_name = attributes(&body)["file_name"].as_str().unwrap().to_owned();
    let record = desk.records.lock().unwrap()[&id].clone();
    let answer = desk.record_with_address(
        id,
        S3Record {
            file_name,
            ..record
        },
    );
    desk.answer(&format!("PATCH attachments/{id}"), StatusCode::OK, &answer)
}

async fn by_id(State(desk): State<Arc<S3ServiceState>>, Path(id): Path<u64>) -> Response {
    let answer = desk.reported_record(id);
    desk.answer(&format!("GET attachments/{id}"), StatusCode::OK, &answer)
}

async fn by_external_id(
    State(desk): State<Arc<S3ServiceState>>,
    Path(wanted): Path<String>,
) -> Response {
    let found = {
        let records = desk.records.lock().unwrap();
        let mut all = records.iter();
        all.find_map(|(id, record)| (record.external_id == wanted).then_some(*id))
    };
    let request = format!("GET attachments/{wanted}/external_id");
    match found {
        Some(id) => desk.answer(&request, StatusCode::OK, &desk.reported_record(id)),
        None => desk.answer(&request, StatusCode::NOT_FOUND, &json!({"errors": []})),
    }
}

async fn list(State(desk): State<Arc<S3ServiceState>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let (name, ids) = form_urlencoded::parse(query.as_bytes()).next().unwrap();
    assert_eq!(name, "filter[id_equals]");
    let shown = ids
        .split(',')
        .map(|id| desk.reported_record(id.parse().unwrap()));
    let data: Vec<Value> = shown.map(|one| one["data"].clone()).collect();
    desk.answer("GET attachments", StatusCode::OK, &json!({"data": data}))
}

/// Returns the attributes in the body of a request.
fn attributes(body: &[u8]) -> Value {
    serde_json::from_slice::<Value>(body).unwrap()["data"]["attributes"].take()
}

impl S3ServiceState {
    fn answer(&self, request: &str, status: StatusCode, body: &Value) -> Response {
        let words = format!("{request} {}", status.as_u16());
        self.requests.lock().unwrap().push(words);
        let json_api = [(CONTENT_TYPE, "application/vnd.api+json")];
        (status, json_api, body.to_string()).into_response()
    }

    /// Returns a record as GET reports records: with the size of the stored object.
    fn reported_record(&self, id: u64) -> Value {
        let record = self.records.lock().unwrap()[&id].clone();
        let size = fs::metadata(self.storage.object(&record.key)).ok();
        json!({"data": {"id": id.to_string(), "type": "attachments", "attributes": {
            "external_id": record.external_id,
            "file_name": record.file_name,
            "file_size": size.filter(fs::Metadata::is_file).map(|size| size.len().to_string()),
        }}})
    }

    /// Returns a record as POST and PATCH report records: with a new upload address.
    fn record_with_address(&self, id: u64, record: S3Record) -> Value {
        let next = self.addresses.lock().unwrap().pop_front();
        let (key, url, headers) =
            self.new_upload_address(next.unwrap_or(AddressDefect::NoDefect), id, &record);
        self.urls.lock().unwrap().push(url.clone());
        let headers: Vec<Value> = headers
            .into_iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let answer = json!({"data": {"id": id.to_string(), "type": "attachments", "attributes": {
            "external_id": record.external_id,
            "file_size": null,
            "upload_url": url,
            "upload_headers": headers,
        }}});
        let mut records = self.records.lock().unwrap();
        records.insert(id, S3Record { key, ..record });
        answer
    }

    /// Returns the object key, the URL and the headers of a new upload address.
    fn new_upload_address(
        &self,
        how: AddressDefect,
        id: u64,
        record: &S3Record,
    ) -> (String, String, Vec<(String, String)>) {
        let number = self.urls.lock().unwrap().len();
        let key = match how {
            AddressDefect::Folder => format!("uploads/{id}/{number}/"),
            _ => format!("uploads/{id}/{number}/{}", record.file_name),
        };
        let age = match how {
            AddressDefect::Expired => Duration::from_mins(16),
            _ => Duration::ZERO,
        };
        let mut headers = HEADERS
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let mut url = KEY.presign(&PresignedRequest {
            method: "PUT",
            scheme: "http",
            host: &self.storage.address.to_string(),
            path: &format!("/{BUCKET}/{key}"),
            headers: &headers,
            from: Timestamp::now() - age,
            seconds: 900,
        });
        match how {
            AddressDefect::NoDefect | AddressDefect::Expired | AddressDefect::Folder => {}
            AddressDefect::Tampered => url = with_another_last_digit(&url),
            AddressDefect::MissingHeader(absent) => headers.retain(|(name, _)| name != absent),
            AddressDefect::AlteredHeader(altered) => {
                let header = headers.iter_mut().find(|(name, _)| name == altered);
                header.unwrap().1.push('x');
            }
        }
        (key, url, headers)
    }
}

fn with_another_last_digit(url: &str) -> String {
    let (start, last) = url.split_at(url.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}
