//! Tests of requests which do not match the specification.

use super::*;

/// Returns a valid POST with one member set, or removed if `value` is null.
fn create_body_with(pointer: &str, value: Value) -> Value {
    let mut body = create_body("AT1");
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(member);
    } else {
        parent.insert(member.to_owned(), value);
    }
    body
}

#[tokio::test]
async fn a_post_that_is_not_as_the_specification_says_is_refused_with_the_place() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let contract = "/data/relationships/contract/data";
    let two = json!({
        "contract": {"data": {"id": 7, "type": "contracts"}},
        "event": {"data": {"id": 7, "type": "events"}},
    });
    let other = json!({"contact": {"data": {"id": 7, "type": "contacts"}}});
    for (pointer, value, status) in [
        ("/data/type", Value::Null, 409),
        ("/data/type", json!("attachment"), 409),
        ("/data/attributes/file_name", Value::Null, 422),
        ("/data/attributes/file_name", json!(""), 422),
        ("/data/attributes/file_name", json!(".."), 422),
        ("/data/attributes/file_name", json!(5), 422),
        ("/data/attributes/title", json!("é".repeat(256)), 422),
        ("/data/attributes/title", json!(["a"]), 422),
        ("/data/attributes/external_id", json!("x".repeat(256)), 422),
        ("/data/attributes/external_id", json!(""), 422),
        ("/data/attributes", json!("x"), 422),
        ("/data/relationships", Value::Null, 422),
        ("/data/relationships", two, 422),
        ("/data/relationships", other, 422),
        (&format!("{contract}/type"), json!("contract"), 422),
        (&format!("{contract}/id"), json!("seven"), 422),
        (&format!("{contract}/id"), json!(7.5), 422),
        (&format!("{contract}/id"), json!(0), 422),
        (&format!("{contract}/id"), json!(-7), 422),
        ("/data", json!([]), 400),
    ] {
        let refused = service
            .post(&create_body_with(pointer, value.clone()))
            .await;
        assert_eq!(refused.status, status, "{pointer} {value}");
        assert_eq!(refused.pointer(), pointer, "{value}");
        assert_eq!(refused.json["errors"][0]["status"], status.to_string());
        assert!(refused.json["errors"][0]["title"].is_string());
    }
    assert_eq!(
        service.post(&create_body("AT1")).await.id(),
        "1",
        "none was created"
    );
}

#[tokio::test]
async fn titles_and_external_ids_may_have_255_characters() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let mut body = create_body_with("/data/attributes/title", json!("é".repeat(255)));
    body["data"]["attributes"]["external_id"] = json!("ß".repeat(255));
    assert_eq!(service.post(&body).await.status, 201);
}

#[tokio::test]
async fn all_four_kinds_of_objects_take_attachments_by_number_or_digits() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    for (number, (relationship, kind, id)) in [
        ("contract", "contracts", json!(7)),
        ("event", "events", json!("7")),
        ("project", "projects", json!(7)),
        ("supplier_company", "supplier_companies", json!("7")),
    ]
    .into_iter()
    .enumerate()
    {
        let relationships = json!({relationship: {"data": {"id": id, "type": kind}}});
        let mut body = create_body_with("/data/relationships", relationships);
        body["data"]["attributes"]["external_id"] = json!(format!("AT{number}"));
        assert_eq!(service.post(&body).await.status, 201, "{relationship}");
        let entry = service.last_entry();
        assert_eq!(entry.object, Some(format!("{relationship} 7")));
    }
}

#[tokio::test]
async fn a_patch_must_name_the_attachment_of_its_url() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.create("AT1").await;
    let by_id = "/attachments/1";
    let by_external_id = "/attachments/AT1/external_id";
    for (path, id, status) in [
        (by_id, json!("1"), 200),
        (by_id, json!(1), 200),
        (by_id, json!("2"), 409),
        (by_id, json!("AT1"), 409),
        (by_id, Value::Null, 409),
        (by_external_id, json!("AT1"), 200),
        (by_external_id, json!("1"), 409),
        (by_external_id, json!(1), 409),
    ] {
        let mut body = update_body("", &json!({"title": "New"}));
        body["data"]["id"] = id.clone();
        let changed = service.send(Method::PATCH, path, &body).await;
        assert_eq!(changed.status, status, "{path} {id}");
    }
}

#[tokio::test]
async fn a_patch_of_the_wrong_type_gets_the_vendors_own_words() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.create("AT1").await;
    let body = json!({"data": {"id": "1", "attributes": {"title": "New"}}});
    let refused = service.send(Method::PATCH, "/attachments/1", &body).await;
    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.detail(),
        "Missing or invalid 'type' specified, expected 'attachments'"
    );
}

#[tokio::test]
async fn a_patch_of_what_is_not_there_is_not_found() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let refused = service.patch("1", &json!({"title": "New"})).await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn a_body_that_is_no_document_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let post = || service.request(Method::POST, "/attachments");
    for (body, status) in [
        ("{".to_owned(), 400),
        (String::new(), 400),
        ("[]".to_owned(), 400),
        (format!("\"{}\"", "x".repeat(200_000)), 413),
    ] {
        assert_eq!(api_answer(post().body(body)).await.status, status);
    }
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    for (media_type, status) in [
        ("application/json", 415),
        ("text/plain", 415),
        ("application/vnd.api+json; charset=utf-8", 201),
    ] {
        let mut request = service
            .request(Method::POST, "/attachments")
            .body(create_body("AT1").to_string())
            .build()
            .unwrap();
        let value = media_type.parse().unwrap();
        request.headers_mut().insert("content-type", value);
        let response = service.client.execute(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{media_type}");
    }
}

#[tokio::test]
async fn a_query_that_the_specification_does_not_know_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.create("AT1").await;
    let fifty: Vec<String> = (1..=50).map(|id| id.to_string()).collect();
    let fifty = fifty.join(",");
    for (path, status) in [
        ("/attachments".to_owned(), 400),
        ("/attachments?filter[id_equals]=".to_owned(), 400),
        ("/attachments?filter[id_equals]=AT1".to_owned(), 400),
        (
            "/attachments?filter[id_equals]=1&filter[id_equals]=2".to_owned(),
            400,
        ),
        ("/attachments?filter[id_equals]=1&sort=id".to_owned(), 400),
        (
            "/attachments?filter[external_id_equals]=AT1".to_owned(),
            400,
        ),
        ("/attachments/1?include=contract".to_owned(), 400),
        (format!("/attachments?filter[id_equals]={fifty}"), 200),
        (format!("/attachments?filter[id_equals]={fifty},51"), 400),
    ] {
        assert_eq!(service.get(&path).await.status, status, "{path}");
    }
    let refused = service.get("/attachments/1?sort=id").await;
    assert_eq!(refused.detail(), "'sort' parameter is not supported");
}
