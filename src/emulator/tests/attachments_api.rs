//! Tests of the attachments API: the six operations, the keys and the rate limit.

use std::time::Duration;

use super::*;
use crate::emulator::{
    AcceptedAttachmentKeys, ExternalIdClashStatus, ExternalIdUniqueness, TitleOnRename,
};

#[tokio::test]
async fn a_created_attachment_has_an_id_and_an_upload_url_and_no_size() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    assert_eq!(created.id(), "1");
    assert_eq!(created.headers["x-api-version"], "1.0");
    assert_eq!(created.attribute("external_id"), "AT1");
    assert_eq!(created.attribute("title"), "My Test Document");
    assert_eq!(created.attribute("file_size"), &Value::Null);
    assert!(created.upload_url().contains("/Some%20Test%20File.pdf?"));
    assert_eq!(
        created.attribute("upload_headers"),
        &json!([
            {"name": "Content-Type", "value": "application/octet-stream"},
            {"name": "x-amz-acl", "value": "private"},
            {"name": "x-amz-server-side-encryption", "value": "AES256"},
            {"name": "Content-Disposition", "value": "attachment"},
        ])
    );
    assert_eq!(created.json["data"].get("relationships"), None);
}

#[tokio::test]
async fn a_record_without_bytes_shows_neither_size_nor_download() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.create("AT1").await;
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.status, 200);
    assert_eq!(
        shown.json["data"]["attributes"],
        json!({
            "external_id": "AT1",
            "title": "My Test Document",
            "file_name": "Some Test File.pdf",
            "file_size": null,
        })
    );
}

#[tokio::test]
async fn a_stored_attachment_shows_its_size_as_text_who_sent_it_and_where_it_is() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("AT1", b"hello").await;
    let shown = service.get("/attachments/AT1/external_id").await;
    assert_eq!(shown.attribute("file_size"), "5");
    assert_eq!(shown.attribute("uploaded_by"), "someone@example.com");
    for time in ["uploaded_at", "download_url_expires_at"] {
        let text = shown.attribute(time).as_str().unwrap();
        assert_eq!(text.len(), "2020-08-18T12:48:42.978Z".len(), "{text}");
        text.parse::<jiff::Timestamp>().unwrap();
    }
    assert_eq!(
        shown.json["data"]["links"]["self"],
        format!("{}/attachments/1", service.emulator.base_url())
    );
    assert_eq!(shown.json["data"].get("relationships"), None);
}

#[tokio::test]
async fn without_a_title_the_file_name_is_the_title() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let mut body = create_body("AT1");
    body["data"]["attributes"]
        .as_object_mut()
        .unwrap()
        .remove("title");
    let created = service.post(&body).await;
    assert_eq!(created.attribute("title"), "Some Test File.pdf");
}

#[tokio::test]
async fn a_list_holds_the_attachments_that_exist() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("AT1", b"a").await;
    service.create("AT2").await;
    service.create("AT3").await;
    for filter in ["3,1,99", "3%2C1%2C99", "3,3,1"] {
        let list = service
            .get(&format!("/attachments?filter%5Bid_equals%5D={filter}"))
            .await;
        assert_eq!(list.status, 200);
        let data = list.json["data"].as_array().unwrap();
        let ids: Vec<_> = data.iter().map(|item| item["id"].as_str()).collect();
        assert_eq!(ids, [Some("1"), Some("3")], "{filter}");
        assert_eq!(data[0]["attributes"]["file_size"], "1");
        assert_eq!(data[1]["attributes"]["file_size"], Value::Null);
        assert_eq!(list.json["meta"]["count"], 2);
    }
}

#[tokio::test]
async fn an_external_id_with_any_character_is_found_by_its_encoded_path() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let ids = [
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("a+b", "a+b"),
        ("Vertrag 7 §3", "Vertrag%207%20%C2%A73"),
        ("CTR$1", "CTR$1"),
        ("文書?#", "%E6%96%87%E6%9B%B8%3F%23"),
        ("external_id", "external_id"),
    ];
    for (external_id, _) in ids {
        service.create(external_id).await;
    }
    for (external_id, encoded) in ids {
        let found = service
            .get(&format!("/attachments/{encoded}/external_id"))
            .await;
        assert_eq!(found.attribute("external_id"), external_id);
        assert_eq!(
            service.last_entry().external_id.as_deref(),
            Some(external_id)
        );
    }
    assert_eq!(
        service.get("/attachments/AT9/external_id").await.status,
        404
    );
    assert_eq!(service.get("/attachments/99").await.status, 404);
}

#[tokio::test]
async fn a_new_title_or_external_id_leaves_the_bytes_alone_and_gives_no_url() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("AT1", b"hello").await;
    let changed = service
        .patch("1", &json!({"title": "New", "external_id": "AT2"}))
        .await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.attribute("title"), "New");
    assert_eq!(changed.attribute("external_id"), "AT2");
    assert_eq!(changed.attribute("file_size"), "5");
    assert_eq!(changed.attribute("upload_url"), &Value::Null);
    assert_eq!(
        service.get("/attachments/AT1/external_id").await.status,
        404
    );
    let shown = service.get("/attachments/AT2/external_id").await;
    assert_eq!(shown.attribute("file_size"), "5");
}

#[tokio::test]
async fn a_new_file_name_lets_go_of_the_bytes_at_once() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.attach("AT1", b"hello").await;
    let body = update_body("AT1", &json!({"file_name": "b.pdf"}));
    let renewed = service
        .send(Method::PATCH, "/attachments/AT1/external_id", &body)
        .await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_ne!(renewed.upload_url(), created.upload_url());
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), &Value::Null);
    assert_eq!(shown.attribute("file_name"), "b.pdf");
    assert_eq!(shown.attribute("title"), "My Test Document");

    service.upload(&renewed, b"new bytes").await;
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "9");
}

#[tokio::test]
async fn a_new_file_name_alone_changes_the_title_where_the_settings_derive_it() {
    let (name, title) = (json!({"file_name": "b.pdf"}), json!({"title": "New"}));
    let both = json!({"file_name": "b.pdf", "title": "New"});
    for (titles, attributes, expected) in [
        (TitleOnRename::Keep, &name, "My Test Document"),
        (TitleOnRename::Keep, &both, "New"),
        (TitleOnRename::Derive, &name, "b.pdf"),
        (TitleOnRename::Derive, &both, "New"),
        (TitleOnRename::Derive, &title, "New"),
    ] {
        let settings = with_attachments(AttachmentSettings {
            title_on_rename: titles,
            ..unlimited_rate()
        });
        let service = EmulatorFixture::start(settings).await;
        service.attach("AT1", b"hello").await;
        let changed = service.patch("1", attributes).await;
        assert_eq!(changed.attribute("title"), expected, "{titles:?}");
        let shown = service.get("/attachments/1").await;
        assert_eq!(shown.attribute("title"), expected, "{titles:?}");
    }
}

#[tokio::test]
async fn a_patch_without_a_file_name_leaves_the_bytes_alone_however_it_is_addressed() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("AT1", b"hello").await;
    let by_external_id = async |external_id: &str, attributes: Value| {
        let path = format!("/attachments/{external_id}/external_id");
        let body = update_body(external_id, &attributes);
        service.send(Method::PATCH, &path, &body).await
    };
    for changed in [
        service.patch("1", &json!({"title": "New"})).await,
        by_external_id("AT1", json!({"title": "Newer"})).await,
        service.patch("1", &json!({"external_id": "AT2"})).await,
        by_external_id("AT2", json!({"external_id": "AT3"})).await,
    ] {
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(changed.attribute("file_size"), "5");
        assert_eq!(changed.attribute("upload_url"), &Value::Null);
    }
    let shown = service.get("/attachments/AT3/external_id").await;
    assert_eq!(shown.attribute("title"), "Newer");
    let url = shown.attribute("download_url").as_str().unwrap();
    let bytes = service.client.get(url).send().await.unwrap();
    assert_eq!(bytes.text().await.unwrap(), "hello");
    assert_eq!(
        by_external_id("AT1", json!({"title": "x"})).await.status,
        404
    );
}

#[tokio::test]
async fn the_log_shows_what_a_patch_asks_for() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.create("AT1").await;
    for (attributes, changes) in [
        (json!({"title": "New"}), ["title"].as_slice()),
        (
            json!({"title": "a", "file_name": "b"}),
            &["file_name", "title"],
        ),
        (json!({"external_id": "AT2"}), &["external_id"]),
        (json!({}), &[]),
    ] {
        service.patch("1", &attributes).await;
        assert_eq!(service.last_entry().changes, changes);
    }
}

#[tokio::test]
async fn an_external_id_that_is_taken_is_refused_with_the_status_of_the_settings() {
    for (clash, status) in [
        (ExternalIdClashStatus::Conflict409, 409),
        (ExternalIdClashStatus::Unprocessable422, 422),
    ] {
        let settings = with_attachments(AttachmentSettings {
            external_id_uniqueness: ExternalIdUniqueness::Unique {
                clash_status: clash,
            },
            ..unlimited_rate()
        });
        let service = EmulatorFixture::start(settings).await;
        service.create("AT1").await;
        service.create("AT2").await;
        let second = service.post(&create_body("AT1")).await;
        let renamed = service.patch("2", &json!({"external_id": "AT1"})).await;
        for refused in [second, renamed] {
            assert_eq!(refused.status, status);
            assert_eq!(refused.pointer(), "/data/attributes/external_id");
            assert_eq!(refused.detail(), "external_id has already been taken");
        }
        let own = service.patch("1", &json!({"external_id": "AT1"})).await;
        assert_eq!(own.status, 200);
    }
}

#[tokio::test]
async fn an_external_id_may_be_taken_in_the_company_in_a_type_or_on_an_object() {
    let clash_status = ExternalIdClashStatus::Unprocessable422;
    let on = |kind: &str, types: &str, id: u64| {
        let mut body = create_body("AT1");
        let object = json!({"data": {"id": id, "type": types}});
        body["data"]["relationships"] = json!({ kind: object });
        body
    };
    for (external_ids, same_object, same_type, other_type) in [
        (ExternalIdUniqueness::Unique { clash_status }, 422, 422, 422),
        (
            ExternalIdUniqueness::UniquePerType { clash_status },
            422,
            422,
            201,
        ),
        (
            ExternalIdUniqueness::UniquePerObject { clash_status },
            422,
            201,
            201,
        ),
        (ExternalIdUniqueness::NotUnique, 201, 201, 201),
    ] {
        let settings = with_attachments(AttachmentSettings {
            external_id_uniqueness: external_ids,
            ..unlimited_rate()
        });
        let service = EmulatorFixture::start(settings).await;
        let mut answers = Vec::new();
        for body in [
            on("contract", "contracts", 1),
            on("contract", "contracts", 1),
            on("contract", "contracts", 2),
            on("project", "projects", 1),
        ] {
            answers.push(service.post(&body).await.status);
        }
        assert_eq!(answers, [201, same_object, same_type, other_type]);
    }
}

#[tokio::test]
async fn where_external_ids_are_not_unique_the_oldest_is_found() {
    let settings = with_attachments(AttachmentSettings {
        external_id_uniqueness: ExternalIdUniqueness::NotUnique,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    service.create("AT1").await;
    assert_eq!(service.create("AT1").await.id(), "2");
    let found = service.get("/attachments/AT1/external_id").await;
    assert_eq!(found.id(), "1");
}

#[tokio::test]
async fn without_all_three_keys_nothing_is_answered() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let keys = ["X-Api-Key", "X-User-Token", "X-User-Email"];
    let with = |value: fn(&str, &str) -> Option<&'static str>, odd: &str| {
        let bare = service.keyless_request(Method::GET, "/attachments/1");
        let headers = keys.iter().filter_map(|key| Some((*key, value(key, odd)?)));
        headers.fold(bare, |request, (key, value)| request.header(key, value))
    };
    for odd in keys {
        let missing = with(|key, odd| (key != odd).then_some("x"), odd);
        assert_eq!(api_answer(missing).await.status, 401, "{odd} is missing");
        let empty = with(|key, odd| Some(if key == odd { "" } else { "x" }), odd);
        assert_eq!(api_answer(empty).await.status, 401, "{odd} is empty");
    }
    let all = with(|_, _| Some("x"), "");
    assert_eq!(
        api_answer(all).await.status,
        404,
        "there is no attachment 1"
    );
}

#[tokio::test]
async fn keys_other_than_those_of_the_settings_are_rejected() {
    let only = |api_key: &str| {
        with_attachments(AttachmentSettings {
            accepted_keys: AcceptedAttachmentKeys::Only {
                api_key: api_key.into(),
                user_token: "token-canary".into(),
                user_email: "someone@example.com".to_owned(),
            },
            ..unlimited_rate()
        })
    };
    let service = EmulatorFixture::start(only("another")).await;
    assert_eq!(service.get("/attachments/1").await.status, 401);
    let service = EmulatorFixture::start(only("key-canary")).await;
    assert_eq!(service.get("/attachments/1").await.status, 404);
}

#[tokio::test]
async fn over_the_rate_requests_are_told_to_come_back_in_a_second() {
    let settings = with_attachments(AttachmentSettings {
        requests_per_second: NonZeroU32::MIN,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    let mut last = service.get("/attachments/1").await;
    assert_eq!(last.status, 404);
    // Even on a slow machine, two of these requests are closer than a second.
    while last.status != 429 {
        last = service.get("/attachments/1").await;
    }
    assert_eq!(last.headers["retry-after"], "1");
    assert!(last.detail().contains("retry"));
    assert_eq!(service.last_entry().status, Some(429));
}

#[tokio::test]
async fn uploads_and_downloads_do_not_count_towards_the_rate() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    for _ in 0..20 {
        service.upload(&created, b"hello").await;
    }
    let shown = service.get("/attachments/1").await;
    let url = shown.attribute("download_url").as_str().unwrap();
    for _ in 0..20 {
        let response = service.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.create("AT1").await;
    for (method, path, allowed) in [
        (Method::DELETE, "/attachments/1", "GET, PATCH"),
        (Method::DELETE, "/attachments/AT1/external_id", "GET, PATCH"),
        (Method::PUT, "/attachments", "GET, POST"),
        (Method::POST, "/attachments/1", "GET, PATCH"),
    ] {
        let refused = api_answer(service.request(method, path)).await;
        assert_eq!(refused.status, 405, "{path}");
        assert_eq!(refused.headers["allow"], allowed);
        assert_eq!(service.last_entry().operation, EmulatorOperation::Other);
    }
    assert_eq!(service.get("/attachments/1").await.status, 200);
    assert_eq!(service.get("/contracts/1").await.status, 404);
}

#[tokio::test]
async fn a_size_stays_hidden_for_as_long_as_the_settings_say() {
    let settings = with_attachments(AttachmentSettings {
        size_delay: Duration::MAX,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    service.attach("AT1", b"hello").await;
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), &Value::Null);
    assert_eq!(shown.attribute("download_url"), &Value::Null);
}

#[tokio::test]
async fn a_record_that_got_no_bytes_in_time_is_gone_and_its_external_id_is_free() {
    let settings = with_attachments(AttachmentSettings {
        purge_after: Duration::ZERO,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    let first = service.create("AT1").await;
    let second = service.create("AT1").await;
    assert_eq!(second.id(), "2");
    let purge = &service.log()[1];
    assert_eq!(purge.operation, EmulatorOperation::Purge);
    assert_eq!(
        (purge.id, purge.external_id.as_deref()),
        (Some(1), Some("AT1"))
    );

    // The storage accepts late bytes, because it does not know the record.
    service.upload(&first, b"hello").await;
    service.upload(&second, b"hello").await;
    assert_eq!(service.get("/attachments/1").await.status, 404);
    assert_eq!(service.get("/attachments/2").await.status, 200);
}
