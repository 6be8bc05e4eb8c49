//! Tests of answers in each form which the service may give them.

use super::*;
use crate::destination::NewFile;
use crate::http::api::KeyHeader;
use crate::model::{ExternalId, ObjectRef};

fn client() -> KeelvarClient {
    let settings = KeelvarSettings {
        user: "john.doe@email.com".into(),
        job_timeout: Duration::from_mins(5),
        success_words: vec![StatusWord::parse("ALL_SET").unwrap()],
    };
    let key = KeyHeader::bearer("CANARY-KEY".to_owned().into());
    let base = "https://api.example.com/api".parse().unwrap();
    KeelvarClient::new(base, &[key], &NetworkConfig::default(), settings).unwrap()
}

fn job(status: &str, detail: &Value) -> Value {
    json!({"id": "j-1", "type": "ATTACH_FILES_TO_SOURCING_EVENT", "status": status, "detail": detail})
}

/// Returns the result of a job with two files, and fails unless the job has ended.
fn ended_job(status: &str, detail: &Value) -> JobOutcome {
    match client().presence(&job(status, detail)) {
        JobPresence::Ended(end) => end,
        other => panic!("{other:?}"),
    }
}

fn two_files() -> Value {
    json!([{"file_name": "a.pdf"}, {"file_name": "b.pdf"}])
}

#[test]
fn a_job_is_asked_for_as_the_vendor_documents_it() {
    let uuid = "0b1e7a52-6a5c-4f5e-9d0c-2f4b8a1c3d5e";
    let new = |kind| NewJob {
        object: ObjectRef::parse(kind, uuid).unwrap(),
        files: ["file1.txt", "file2.pdf"]
            .map(|name| NewFile {
                external_id: ExternalId::parse(name).unwrap(),
                file_name: name.into(),
                title: None,
            })
            .into(),
    };
    assert_eq!(
        create_body(&new(ObjectType::SourcingEvent), "john.doe@email.com"),
        json!({"sourcing_event": uuid, "created_by": "john.doe@email.com",
            "files": ["file1.txt", "file2.pdf"]})
    );
    assert_eq!(
        create_body(&new(ObjectType::SourcingRequest), "john.doe@email.com"),
        json!({"sourcing_request": uuid, "requester": "john.doe@email.com",
            "files": ["file1.txt", "file2.pdf"]})
    );
}

#[test]
fn only_known_words_end_a_job_and_more_words_for_success_can_be_named() {
    let keelvar = client();
    let presence = |word| keelvar.presence(&job(word, &Value::Null));
    for word in ["COMPLETED", "Done", "succeeded", "all_set", "FAILED"] {
        assert!(matches!(presence(word), JobPresence::Ended(_)), "{word}");
    }
    for word in ["PENDING", "RUNNING", "QUEUED", "COMPLETED_WITH_ERRORS", ""] {
        assert!(
            matches!(presence(word), JobPresence::Running { .. }),
            "{word}"
        );
    }
    let without = json!({"id": "j-1"});
    assert!(matches!(
        keelvar.presence(&without),
        JobPresence::Running { status, .. } if status == "a job without a status"
    ));
}

#[test]
fn a_running_job_says_where_each_file_goes() {
    let files = json!({"files": [
        {"file_name": "a.pdf", "upload_url": "https://storage.example.com/a?signature=CANARY"},
        {"file_name": "b.pdf", "upload_url": "http://storage.example.com/b"},
        {"file_name": "c.pdf"},
        "nonsense",
    ]});
    let JobPresence::Running {
        upload_targets: places,
        ..
    } = client().presence(&job("RUNNING", &files))
    else {
        panic!("it runs");
    };
    let [a, b] = places.try_into().unwrap();
    assert_eq!((a.file_name.as_str(), a.target.is_ok()), ("a.pdf", true));
    let refused = b.target.unwrap_err().to_string();
    assert_eq!(refused, "the upload address is http, not https");
    for pending in [json!(null), json!({}), json!({"files": null}), json!([])] {
        let presence = client().presence(&job("PENDING", &pending));
        assert!(
            matches!(presence, JobPresence::Running { upload_targets, .. } if upload_targets.is_empty())
        );
    }
}

#[test]
fn success_without_a_word_of_errors_is_that_of_all_files() {
    let end = ended_job("COMPLETED", &json!({"files": two_files()}));
    assert_eq!(end.file_outcome("a.pdf"), &FileOutcome::Attached);
    assert_eq!(end.file_outcome("b.pdf"), &FileOutcome::Attached);
    assert_eq!(end.message, "COMPLETED");
}

#[test]
fn success_with_errors_is_that_of_the_files_that_they_do_not_name() {
    let errors = json!({"files": two_files(), "errors": ["File 'b.pdf' was not uploaded"]});
    let end = ended_job("COMPLETED", &errors);
    assert_eq!(end.file_outcome("a.pdf"), &FileOutcome::Attached);
    let why = "File 'b.pdf' was not uploaded".to_owned();
    assert_eq!(end.file_outcome("b.pdf"), &FileOutcome::NotAttached(why));
}

#[test]
fn success_with_errors_that_name_no_file_says_nothing_of_any() {
    let end = ended_job(
        "COMPLETED",
        &json!({"files": two_files(), "errors": [{"detail": "One file is missing"}]}),
    );
    assert_eq!(end.file_outcome("a.pdf"), &FileOutcome::Unknown);
    assert_eq!(end.message, "COMPLETED: One file is missing");
}

#[test]
fn failure_says_nothing_of_the_files_that_it_does_not_name() {
    let errors = json!({"errors": ["b.pdf: expired", {"title": "Timeout"}]});
    let mut failed = job("FAILED", &json!({"files": two_files()}));
    failed["errors"] = errors["errors"].clone();
    let JobPresence::Ended(end) = client().presence(&failed) else {
        panic!("it has ended");
    };
    assert_eq!(end.file_outcome("a.pdf"), &FileOutcome::Unknown);
    assert_eq!(
        end.file_outcome("b.pdf"),
        &FileOutcome::NotAttached("b.pdf: expired".into())
    );
    assert_eq!(end.message, "FAILED: b.pdf: expired; Timeout");
}

#[test]
fn a_status_of_its_own_says_what_became_of_a_file() {
    let files = json!({"files": [
        {"file_name": "a.pdf", "status": "COMPLETED"},
        {"file_name": "b.pdf", "status": "FAILED", "error": "too large"},
        {"file_name": "c.pdf", "status": "UPLOADED"},
    ]});
    let end = ended_job("FAILED", &files);
    assert_eq!(end.file_outcome("a.pdf"), &FileOutcome::Attached);
    assert_eq!(
        end.file_outcome("b.pdf"),
        &FileOutcome::NotAttached("FAILED too large".into())
    );
    assert_eq!(
        end.file_outcome("c.pdf"),
        &FileOutcome::Unknown,
        "the storage has it"
    );
}

#[test]
fn a_name_that_may_be_a_part_of_another_one_is_not_taken_for_itself() {
    let files = json!([
        {"file_name": "a.pdf"}, {"file_name": "report a.pdf"}, {"file_name": "aa.pdf"},
    ]);
    let detail = json!({"files": files, "errors": ["report a.pdf is missing"]});
    let end = ended_job("COMPLETED", &detail);
    assert!(matches!(
        end.file_outcome("report a.pdf"),
        FileOutcome::NotAttached(_)
    ));
    assert_eq!(end.file_outcome("a.pdf"), &FileOutcome::Unknown);
    assert_eq!(end.file_outcome("aa.pdf"), &FileOutcome::Attached);
}

#[test]
fn what_a_job_says_is_shown_without_the_key_and_without_addresses() {
    let said = "the key CANARY-KEY may not use https://storage.example.com/x?signature=CANARY";
    let end = ended_job("FAILED", &json!({"errors": [said]}));
    assert!(!end.message.contains("CANARY"), "{}", end.message);
}

#[test]
fn an_answer_that_names_another_job_is_none() {
    let asked = AttachmentId::parse("j-1").unwrap();
    assert!(!names_another_job(&json!({"id": "J-1"}), &asked));
    assert!(!names_another_job(&json!({"status": "RUNNING"}), &asked));
    assert!(names_another_job(&json!({"id": "j-2"}), &asked));
    assert!(names_another_job(&json!({"job_id": "j-2"}), &asked));
    assert!(!names_another_job(
        &json!({"id": "task-9", "job_id": "j-1"}),
        &asked
    ));
}

#[test]
fn the_id_of_a_job_is_read_in_each_form_that_an_answer_may_have() {
    for answer in [
        json!({"id": "j-1", "status": "PENDING"}),
        json!({"job_id": "j-1"}),
        json!({"id": null, "job_id": "j-1"}),
        json!("j-1"),
    ] {
        let id = job_id(&answer).map(|id| id.to_string());
        assert_eq!(id.as_deref(), Some("j-1"), "{answer}");
    }
    for answer in [json!({}), json!(null), json!("no job"), json!(["j-1"])] {
        assert_eq!(job_id(&answer), None, "{answer}");
    }
}

#[test]
fn what_a_job_says_of_a_file_is_known_by_its_name_in_another_spelling() {
    let (composed, decomposed) = ("caf\u{e9}.pdf", "cafe\u{301}.pdf");
    let files = json!([{"file_name": decomposed}, {"file_name": "a b.pdf"}]);
    let errors = json!([format!("File {composed} was not uploaded in time.")]);
    let end = ended_job("COMPLETED", &json!({"files": files, "errors": errors}));
    assert!(matches!(
        end.file_outcome(composed),
        FileOutcome::NotAttached(_)
    ));
    assert!(matches!(
        end.file_outcome(decomposed),
        FileOutcome::NotAttached(_)
    ));
    assert_eq!(end.file_outcome("a  b.pdf"), &FileOutcome::Attached);
}
