//! Tests of answers which a service should not give, or gives in an unusual form.

use crate::http::UnsafeTargetError;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Starts a server which gives the same answer to every request, and returns a client of it with
/// the key `CANARY`.
async fn client_of_fixed_answer(status: &str, body: &Value) -> WorkdayClient {
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/vnd.api+json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = connection.read(&mut head).await.unwrap();
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let key = KeyHeader::plain("x-api-key", "CANARY".to_owned().into());
    WorkdayClient::new(base.parse().unwrap(), &[key], &NetworkConfig::default()).unwrap()
}

fn id(id: &str) -> AttachmentId {
    AttachmentId::parse(id).unwrap()
}

fn attachment(attributes: &Value) -> Value {
    json!({"data": {"id": "7", "type": "attachments", "attributes": attributes}})
}

#[tokio::test]
async fn an_answer_about_another_attachment_is_no_answer() {
    let found = attachment(&json!({"file_size": "5"}));
    let service = client_of_fixed_answer("200 OK", &found).await;
    let foreign = ApiFailure::Unanswered("the answer speaks of another attachment".into());
    assert_eq!(service.get_download(&id("8")).await, Err(foreign.clone()));
    assert_eq!(service.get_by_id(&id("8")).await, Err(foreign));
    let stored = AttachmentPresence::Stored {
        id: id("7"),
        size: 5,
        names: AttachmentNames::default(),
    };
    assert_eq!(service.get_by_id(&id("7")).await, Ok(stored));
}

#[tokio::test]
async fn a_name_is_there_or_taken_away_or_not_spoken_of() {
    let text = |value: &str, words: &str| Reported::Text {
        value: value.into(),
        redacted: words.into(),
    };
    for (attributes, external_id, title) in [
        (
            json!({"external_id": "A1", "title": "Agreement"}),
            text("A1", "A1"),
            text("Agreement", "Agreement"),
        ),
        (
            json!({"external_id": null, "title": null}),
            Reported::Null,
            Reported::Null,
        ),
        (json!({}), Reported::NotReported, Reported::NotReported),
        (
            json!({"external_id": 5, "title": ["x"]}),
            Reported::NotReported,
            Reported::NotReported,
        ),
        (
            json!({"external_id": "CANARY", "title": "the CANARY sings"}),
            text("CANARY", "[hidden]"),
            text("the CANARY sings", "the [hidden] sings"),
        ),
    ] {
        let service = client_of_fixed_answer("200 OK", &attachment(&attributes)).await;
        let original = service.get_download(&id("7")).await.unwrap().unwrap();
        let metadata = AttachmentMetadata {
            external_id,
            title,
            file_name: Reported::NotReported,
            uploaded_at: Reported::NotReported,
            size: None,
        };
        assert_eq!(original.metadata, metadata, "{attributes}");
        let why = UnsafeTargetError("the answer names no download address".into());
        assert_eq!(original.download_target, Err(why));
    }
}

#[tokio::test]
async fn a_list_shows_what_is_in_it_and_one_odd_attachment_spoils_it() {
    let two = json!({"data": [
        {"id": 1, "attributes": {"external_id": "A1", "file_size": "5"}},
        {"id": "2", "attributes": {}},
    ]});
    let ids = [id("1"), id("2"), id("3")];
    let listed = client_of_fixed_answer("200 OK", &two)
        .await
        .list_metadata(&ids)
        .await
        .unwrap();
    let mut shown: Vec<_> = listed
        .iter()
        .map(|(id, one)| (id.as_str(), one.size))
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, [("1", Some(5)), ("2", None)]);

    let odd = json!({"data": [{"id": 1, "attributes": {"file_size": "many"}}]});
    for body in [odd, json!({"data": {}}), json!({}), json!({"data": [{}]})] {
        let listed = client_of_fixed_answer("200 OK", &body)
            .await
            .list_metadata(&ids)
            .await;
        assert!(matches!(listed, Err(ApiFailure::Unanswered(_))), "{body}");
    }
    let refused = client_of_fixed_answer("422 No", &json!({}))
        .await
        .list_metadata(&ids)
        .await;
    assert!(
        matches!(refused, Err(ApiFailure::Refused(_))),
        "{refused:?}"
    );
    let absent = client_of_fixed_answer("404 Not Found", &json!({"errors": []})).await;
    assert_eq!(absent.list_metadata(&ids).await, Ok(HashMap::new()));
    assert_eq!(absent.get_download(&id("1")).await, Ok(None));
}

#[tokio::test]
async fn a_look_up_that_finds_another_external_id_says_which_and_hides_what_is_secret() {
    let key = ExternalId::parse("A1").unwrap();
    let mismatch = |other: &str| {
        Ok(AttachmentPresence::Mismatch {
            external_id: other.into(),
        })
    };
    for (told, expected) in [
        (json!("a1"), mismatch("a1")),
        (json!("CANARY"), mismatch("[hidden]")),
        (
            json!("A1"),
            Ok(AttachmentPresence::pending_without_names(id("7"))),
        ),
        (
            json!(null),
            Ok(AttachmentPresence::pending_without_names(id("7"))),
        ),
        (
            json!(1),
            Err(ApiFailure::Unanswered(
                "the answer has an external_id that is no text".into(),
            )),
        ),
    ] {
        let service =
            client_of_fixed_answer("200 OK", &attachment(&json!({"external_id": told}))).await;
        assert_eq!(service.get_by_external_id(&key).await, expected, "{told}");
    }
}
