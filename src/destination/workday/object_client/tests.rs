//! Requests for records as they are sent, and answers that a service should not give.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::destination::{AttachmentLinkage, MAX_OBJECTS_PER_PAGE};
use crate::http::NetworkConfig;
use crate::http::api::KeyHeader;

/// Server that gives the same answer to every request and keeps the targets of the requests.
struct FixedAnswerServer {
    client: WorkdayClient,
    host: String,
    targets: Arc<Mutex<Vec<String>>>,
}

impl FixedAnswerServer {
    /// Starts a server, and a client of the server with the key `CANARY`.
    async fn start(status: &str, answer: impl Fn(&str) -> String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let body = answer(&host);
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/vnd.api+json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let targets = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&targets);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 8192];
                let length = connection.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.lock().unwrap().push(target);
                // A client that has read enough is gone.
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        let key = KeyHeader::plain("x-api-key", "CANARY".to_owned().into());
        let base = format!("{host}/services/attachments/v1").parse().unwrap();
        let client = WorkdayClient::new(base, &[key], &NetworkConfig::default()).unwrap();
        Self {
            client,
            host,
            targets,
        }
    }

    async fn with_json(status: &str, body: Value) -> Self {
        Self::start(status, |_| body.to_string()).await
    }

    fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }

    /// Reads the first page of contracts.
    async fn first_page(&self) -> Result<ObjectPageAnswer<PageQuery>, ApiFailure> {
        let (kind, size) = (ObjectType::Contract, MAX_OBJECTS_PER_PAGE);
        self.client.list_objects(kind, None, None, size).await
    }
}

fn contract(id: u64, external_id: &str) -> Value {
    json!({"type": "contracts", "id": id.to_string(), "attributes": {"external_id": external_id}})
}

fn external_id(text: &str) -> ObjectExternalId {
    ObjectExternalId::parse(text).unwrap()
}

fn object(kind: ObjectType, id: &str) -> ObjectRef {
    ObjectRef::parse(kind, id).unwrap()
}

#[tokio::test]
async fn each_type_is_asked_for_at_its_own_service() {
    let nothing = json!({"errors": []});
    let server = FixedAnswerServer::with_json("404 Not Found", nothing).await;
    let client = &server.client;
    for kind in ProcurementService::Workday.object_types() {
        assert_eq!(client.get_object(object(kind, "12")).await, Ok(None));
    }
    let id = external_id("CW-7");
    for kind in [
        ObjectType::Contract,
        ObjectType::Project,
        ObjectType::SupplierCompany,
    ] {
        assert!(client.has_external_id_path(kind));
        assert_eq!(client.get_object_by_external_id(kind, &id).await, Ok(None));
    }
    assert!(!client.has_external_id_path(ObjectType::Event));
    let kind = ObjectType::Event;
    let refused = client
        .list_objects(kind, Some(&external_id("a b&c")), None, 100)
        .await;
    let why = "status 404: there is no list of events beside the attachments";
    assert_eq!(
        refused,
        Err(ApiFailure::Refused(RequestRefusal::other(why)))
    );
    assert_eq!(
        server.targets(),
        [
            "/services/contracts/v1/contracts/12",
            "/services/events/v1/events/12",
            "/services/projects/v1/projects/12",
            "/services/suppliers/v1/supplier_companies/12",
            "/services/contracts/v1/contracts/CW-7/external_id",
            "/services/projects/v1/projects/CW-7/external_id",
            "/services/suppliers/v1/supplier_companies/CW-7/external_id",
            "/services/events/v1/events?page%5Bsize%5D=100&filter%5Bexternal_id_equals%5D=a+b%26c",
        ]
    );
}

#[tokio::test]
async fn a_page_is_followed_as_the_service_names_the_next_and_with_fewer_records_if_wanted() {
    let body = json!({
        "data": [contract(7, "CANARY")],
        "links": {"next": " /services/contracts/v1/contracts?page[size]=100&page[cursor]=Ab%3D"},
    });
    let server = FixedAnswerServer::with_json("200 OK", body).await;
    let Ok(ObjectPageAnswer::Page(page)) = server.first_page().await else {
        panic!("no page");
    };
    let [found] = &page.objects[..] else {
        panic!("{page:?}");
    };
    assert_eq!(found.object, object(ObjectType::Contract, "7"));
    assert_eq!(found.external_id.value(), Some("CANARY"));
    assert_eq!(found.external_id.redacted(), Some("[hidden]"));
    assert_eq!(found.attachments, AttachmentLinkage::NotReported);
    let kind = ObjectType::Contract;
    let NextObjectPage::At(next) = &page.next else {
        panic!("{page:?}");
    };
    for size in [100, 50] {
        let next = server.client.list_objects(kind, None, Some(next), size);
        next.await.unwrap();
    }
    assert_eq!(
        server.targets(),
        [
            "/services/contracts/v1/contracts?page%5Bsize%5D=100",
            "/services/contracts/v1/contracts?page[size]=100&page[cursor]=Ab%3D",
            "/services/contracts/v1/contracts?page[cursor]=Ab%3D&page%5Bsize%5D=50",
        ]
    );
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed_and_the_records_of_its_page_count() {
    let foreign = "https://evil.example:8443/services/contracts/v1/contracts?page[cursor]=2";
    let body = json!({"data": [{"id": "7", "type": "contracts"}], "links": {"next": foreign}});
    let server = FixedAnswerServer::with_json("200 OK", body).await;
    let why = "the link to the next page leads to https://evil.example:8443; consign follows links \
               within the service alone, because its keys go with the request";
    let Ok(ObjectPageAnswer::Page(page)) = server.first_page().await else {
        panic!("no page");
    };
    assert_eq!(page.next, NextObjectPage::NotFollowed(why.to_owned()));
    assert_eq!(page.objects.len(), 1);
    let within = FixedAnswerServer::start("200 OK", |host| {
        let next = format!("{host}/services/contracts/v1/contracts?page[cursor]=2");
        json!({"data": [], "links": {"next": next}}).to_string()
    })
    .await;
    let page = within.first_page().await;
    assert!(
        matches!(&page, Ok(ObjectPageAnswer::Page(page)) if matches!(page.next, NextObjectPage::At(_))),
        "{page:?} at {}",
        within.host
    );
}

#[tokio::test]
async fn a_page_that_is_too_long_is_to_be_asked_for_in_smaller_pages() {
    let long = |_: &str| format!("{{\"data\": [], \"meta\": \"{}\"}}", "x".repeat(5 << 20));
    let server = FixedAnswerServer::start("200 OK", long).await;
    assert_eq!(server.first_page().await, Ok(ObjectPageAnswer::TooLarge));
    let single = server.client.get_object(object(ObjectType::Contract, "7"));
    let single = single.await;
    assert!(
        matches!(&single, Err(ApiFailure::Unanswered(why)) if why.contains("too long")),
        "{single:?}"
    );
    let failing = FixedAnswerServer::start("500 No", long).await;
    let failed = failing.first_page().await;
    assert!(
        matches!(failed, Err(ApiFailure::Unanswered(_))),
        "{failed:?}"
    );
}

#[tokio::test]
async fn an_answer_about_another_record_is_no_answer() {
    let body = json!({"data": contract(7, "CW-7")});
    let server = FixedAnswerServer::with_json("200 OK", body).await;
    let foreign = ApiFailure::Unanswered("the answer speaks of another record".to_owned());
    let other = server.client.get_object(object(ObjectType::Contract, "8"));
    assert_eq!(other.await, Err(foreign));
    let own = server.client.get_object(object(ObjectType::Contract, "7"));
    let own = own.await.unwrap().unwrap();
    assert_eq!(own.external_id.value(), Some("CW-7"));
    let project = server.client.get_object(object(ObjectType::Project, "7"));
    let project = project.await;
    assert!(
        matches!(project, Err(ApiFailure::Unanswered(_))),
        "{project:?}"
    );
}

#[tokio::test]
async fn keys_without_rights_for_a_sister_service_are_told_of_with_its_name() {
    let server = FixedAnswerServer::with_json("403 No", json!({"errors": []})).await;
    let why = "status 403, from the service of suppliers; do the keys have rights there?";
    let denied = Err(ApiFailure::Denied(why.to_owned()));
    let kind = ObjectType::SupplierCompany;
    let single = server.client.get_object(object(kind, "7")).await;
    assert_eq!(single, denied.clone().map(|()| None));
    let list = server.client.list_objects(kind, None, None, 100).await;
    assert_eq!(list, denied.map(|()| ObjectPageAnswer::TooLarge));
}

#[tokio::test]
async fn beside_another_base_nothing_is_asked() {
    let base = "http://127.0.0.1:9/v1".parse().unwrap();
    let client = WorkdayClient::new(base, &[], &NetworkConfig::default()).unwrap();
    let asked = client.get_object(object(ObjectType::Contract, "7")).await;
    assert!(
        matches!(&asked, Err(ApiFailure::NeverPossible(why))
            if why.contains("http://127.0.0.1:9/v1 does not end in /services/attachments/v1")),
        "{asked:?}"
    );
}
