//! Real S3 server in the test's own process, with a record of its requests.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::sigv4::AccessKey;

/// Only access key known to the server.
pub(super) const KEY: AccessKey = AccessKey {
    id: "AKIACANARY7EXAMPLE",
    secret: "canary/secret+of/the/bucket",
};

/// Bucket of all objects.
pub(super) const BUCKET: &str = "attachments";

/// Running S3 server.
pub(super) struct S3Storage {
    pub(super) address: SocketAddr,
    folder: TempDir,
    exchanges: Arc<Mutex<Vec<StorageExchange>>>,
}

/// Recorded request, with the server's answer.
#[derive(Debug, Clone)]
pub(super) struct StorageExchange {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) status: u16,
    /// Body of the answer.
    pub(super) answer_body: String,
}

impl StorageExchange {
    /// Returns method, status and error code, such as `PUT 403 AccessDenied`.
    pub(super) fn in_words(&self) -> String {
        let code = self
            .answer_body
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map_or("", |(code, _)| code);
        format!("{} {} {code}", self.method, self.status)
            .trim_end()
            .to_owned()
    }

    /// Returns the value of a header, or an empty text if the header is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// State of the request handler.
#[derive(Clone)]
struct StorageDoor {
    s3: S3Service,
    came: Arc<Mutex<Vec<StorageExchange>>>,
}

impl S3Storage {
    /// Starts a server with an empty bucket.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY.id, KEY.secret));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::default();
        let door = Router::new()
            .fallback(handle_request)
            .with_state(StorageDoor {
                s3: builder.build(),
                came: Arc::clone(&came),
            });
        tokio::spawn(async move { axum::serve(listener, door).await });
        Self {
            address,
            folder,
            exchanges: came,
        }
    }

    /// Returns the path of the file which holds an object.
    pub(super) fn object(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// Returns all requests so far.
    pub(super) fn exchanges(&self) -> Vec<StorageExchange> {
        self.exchanges.lock().unwrap().clone()
    }
}

/// Passes a request to the server, and records request and answer.
async fn handle_request(State(door): State<StorageDoor>, request: Request) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let answer = door
        .s3
        .call(request.map(s3s::Body::http_body_unsync))
        .await
        .unwrap();
    let (head, body) = answer.into_parts();
    let said: Bytes = to_bytes(Body::new(body), usize::MAX).await.unwrap();
    door.came.lock().unwrap().push(StorageExchange {
        method,
        headers,
        status: head.status.as_u16(),
        answer_body: String::from_utf8_lossy(&said).into_owned(),
    });
    Response::from_parts(head, Body::from(said))
}
