//! Tests of the emulator over real connections, as a client sees it.

mod attachments_api;
mod delivery;
mod faults;
mod jobs;
mod objects;
mod state;
mod storage;
mod validation;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::request_log::{self, RequestLogEntry};
use super::{
    AttachmentSettings, Emulator, EmulatorOperation, EmulatorSettings, Fault, FaultEffect,
    FaultTarget, FaultTrigger,
};

const MEDIA_TYPE: &str = "application/vnd.api+json";

/// Any free port on this machine.
const ANY_LOCAL_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Settings under which no test waits for the rate limit.
fn unlimited_settings() -> EmulatorSettings {
    with_attachments(unlimited_rate())
}

fn unlimited_rate() -> AttachmentSettings {
    AttachmentSettings {
        requests_per_second: NonZeroU32::new(100_000).unwrap(),
        ..AttachmentSettings::default()
    }
}

fn with_attachments(attachments: AttachmentSettings) -> EmulatorSettings {
    EmulatorSettings {
        attachments,
        ..EmulatorSettings::default()
    }
}

fn with_fault(
    operation: impl Into<FaultTarget>,
    when: FaultTrigger,
    effect: FaultEffect,
) -> EmulatorSettings {
    EmulatorSettings {
        faults: vec![Fault {
            operation: operation.into(),
            when,
            effect,
        }],
        ..unlimited_settings()
    }
}

/// Emulator with a client.
struct EmulatorFixture {
    emulator: Emulator,
    client: Client,
}

/// JSON:API answer of the attachments API.
#[derive(Debug)]
struct ApiAnswer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    json: Value,
}

impl ApiAnswer {
    fn attribute(&self, name: &str) -> &Value {
        &self.json["data"]["attributes"][name]
    }

    fn id(&self) -> &str {
        self.json["data"]["id"].as_str().expect("an id")
    }

    fn detail(&self) -> &str {
        self.json["errors"][0]["detail"].as_str().expect("a detail")
    }

    fn pointer(&self) -> &Value {
        &self.json["errors"][0]["source"]["pointer"]
    }

    fn upload_url(&self) -> &str {
        self.attribute("upload_url").as_str().expect("a URL")
    }
}

impl EmulatorFixture {
    async fn start(settings: EmulatorSettings) -> Self {
        Self {
            emulator: Emulator::start(ANY_LOCAL_PORT, settings).await.unwrap(),
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Builds a request without keys.
    fn keyless_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.emulator.base_url());
        self.client.request(method, url)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        with_keys(self.keyless_request(method, path)).header("Content-Type", MEDIA_TYPE)
    }

    async fn get(&self, path: &str) -> ApiAnswer {
        api_answer(self.request(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> ApiAnswer {
        api_answer(self.request(method, path).body(body.to_string())).await
    }

    async fn post(&self, body: &Value) -> ApiAnswer {
        self.send(Method::POST, "/attachments", body).await
    }

    async fn create(&self, external_id: &str) -> ApiAnswer {
        let created = self.post(&create_body(external_id)).await;
        assert_eq!(created.status, 201, "{created:?}");
        created
    }

    async fn patch(&self, id: &str, attributes: &Value) -> ApiAnswer {
        let path = format!("/attachments/{id}");
        self.send(Method::PATCH, &path, &update_body(id, attributes))
            .await
    }

    /// Builds a PUT with the headers which the answer requires.
    fn put(&self, created: &ApiAnswer, bytes: &'static [u8]) -> RequestBuilder {
        put_to(&self.client, created.upload_url(), created).body(bytes)
    }

    async fn upload(&self, created: &ApiAnswer, bytes: &'static [u8]) -> reqwest::Response {
        let response = self.put(created, bytes).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    /// Creates an attachment and uploads its bytes.
    async fn attach(&self, external_id: &str, bytes: &'static [u8]) -> ApiAnswer {
        let created = self.create(external_id).await;
        self.upload(&created, bytes).await;
        created
    }

    fn log(&self) -> Vec<RequestLogEntry> {
        request_log::read(self.emulator.log_path()).unwrap()
    }

    fn last_entry(&self) -> RequestLogEntry {
        self.log().pop().expect("a request was logged")
    }
}

/// Waits for a value, so that a test whose value never comes fails instead of hanging.
async fn wait_for<T>(mut there: impl FnMut() -> Option<T>) -> T {
    let comes = async {
        loop {
            match there() {
                Some(value) => return value,
                None => tokio::task::yield_now().await,
            }
        }
    };
    let limit = std::time::Duration::from_mins(1);
    let outcome = tokio::time::timeout(limit, comes).await;
    outcome.expect("it comes within a minute")
}

/// Waits until the storage is receiving a file.
async fn wait_until_receiving(state: &std::path::Path) {
    let incoming = state.join("incoming");
    wait_for(|| std::fs::read_dir(&incoming).unwrap().next().map(drop)).await;
}

fn with_keys(request: RequestBuilder) -> RequestBuilder {
    request
        .header("X-Api-Key", "key-canary")
        .header("X-User-Token", "token-canary")
        .header("X-User-Email", "someone@example.com")
}

fn put_to(client: &Client, url: &str, created: &ApiAnswer) -> RequestBuilder {
    let headers = created.attribute("upload_headers").as_array().unwrap();
    headers.iter().fold(client.put(url), |request, header| {
        request.header(
            header["name"].as_str().unwrap(),
            header["value"].as_str().unwrap(),
        )
    })
}

async fn api_answer(request: RequestBuilder) -> ApiAnswer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], MEDIA_TYPE);
    ApiAnswer {
        status,
        headers,
        json: response.json().await.unwrap(),
    }
}

fn create_body(external_id: &str) -> Value {
    json!({"data": {
        "type": "attachments",
        "attributes": {
            "external_id": external_id,
            "title": "My Test Document",
            "file_name": "Some Test File.pdf",
        },
        "relationships": {"contract": {"data": {"id": 7, "type": "contracts"}}},
    }})
}

fn update_body(id: &str, attributes: &Value) -> Value {
    json!({"data": {"type": "attachments", "id": id, "attributes": attributes}})
}
