//! New titles and external ids.

use super::*;

fn titled_row(title: &str) -> ManifestRow {
    ManifestRow {
        title: Some(title.into()),
        ..row(1)
    }
}

fn updating_settings() -> RunSettings {
    settings_with_policy(UpdatePolicy {
        title_policy: TitlePolicy::Update,
        ..UpdatePolicy::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_title_is_changed_alone_and_only_where_it_is_another_one() {
    let (new, _) = new_file();
    for (title, status, requests) in [
        ("New title", Status::Updated, 1),
        ("Old title", Status::Skipped, 0),
    ] {
        let memory = service_with_stored(AttachmentServiceRules::default(), new, no_faults()).await;
        let lines = MemoryJournal::default();
        run_with_backups(
            &memory,
            &lines,
            None,
            vec![changed_task(titled_row(title))],
            &updating_settings(),
        )
        .await;
        let last = lines.last_line(1).unwrap();
        assert_eq!(last.status, status);
        let previous = (requests == 1).then(|| "Old title".to_owned());
        assert_eq!(last.changes.previous_title, previous);
        assert_eq!(memory.stored()[0].title.as_deref(), Some(title));
        assert_eq!(count_requests(&memory.log(), RequestKind::Amend), requests);
        assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
        assert_eq!(stored_digests(&memory, "A1"), [new.sha256]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_attachment_of_a_done_row_gets_the_title_that_the_manifest_has_now() {
    let memory =
        service_with_stored(AttachmentServiceRules::default(), new_file().0, no_faults()).await;
    let lines = MemoryJournal::default();
    run_with_backups(
        &memory,
        &lines,
        None,
        vec![changed_task(row(1))],
        &settings(),
    )
    .await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Skipped);
    assert!(
        resumed_changed_task(titled_row("New title"), &last, &settings()).is_none(),
        "unasked"
    );
    let task = resumed_changed_task(titled_row("New title"), &last, &updating_settings()).unwrap();
    let lines = MemoryJournal::default();
    run_with_backups(&memory, &lines, None, vec![task], &updating_settings()).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Updated);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("New title"));
    assert!(resumed_changed_task(titled_row("New title"), &last, &settings()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_title_whose_answer_was_lost_is_looked_for_before_it_is_sent_again() {
    for (fault, requests) in [
        (DeliveryFault::RequestLost, 1),
        (DeliveryFault::AnswerLost, 1),
        (DeliveryFault::NotSent, 1),
    ] {
        let script = fault_script(RequestKind::Amend, 1, fault);
        let memory =
            service_with_stored(AttachmentServiceRules::default(), new_file().0, script).await;
        let lines = MemoryJournal::default();
        run_with_backups(
            &memory,
            &lines,
            None,
            vec![changed_task(titled_row("New title"))],
            &updating_settings(),
        )
        .await;
        assert_eq!(
            lines.last_line(1).unwrap().status,
            Status::Updated,
            "{fault:?}"
        );
        assert_eq!(
            count_requests(&memory.log(), RequestKind::Amend),
            requests,
            "{fault:?}"
        );
    }
}

fn renamed_row(from: &str, to: &str) -> ManifestRow {
    ManifestRow {
        external_id: ExternalId::parse(from).unwrap(),
        new_external_id: ExternalId::parse(to).ok(),
        ..row(1)
    }
}

#[tokio::test(start_paused = true)]
async fn an_attachment_is_renamed_once_and_found_by_its_new_name_ever_after() {
    let memory =
        service_with_stored(AttachmentServiceRules::default(), new_file().0, no_faults()).await;
    for (run, amended) in [(1, 1), (2, 1)] {
        let lines = MemoryJournal::default();
        run_with_backups(
            &memory,
            &lines,
            None,
            vec![changed_task(renamed_row("A1", "EU-A1"))],
            &settings(),
        )
        .await;
        let last = lines.last_line(1).unwrap();
        assert_eq!(last.status, Status::Renamed, "run {run}: {last:?}");
        assert_eq!(last.changes.renamed_to.as_deref(), Some("EU-A1"));
        assert_eq!(count_requests(&memory.log(), RequestKind::Amend), amended);
        assert!(resumed_changed_task(renamed_row("A1", "EU-A1"), &last, &settings()).is_none());
    }
    assert_eq!(stored_digests(&memory, "EU-A1").len(), 1);
    assert!(stored_digests(&memory, "A1").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_yet_is_uploaded_and_then_renamed() {
    let memory = MemoryAttachmentService::new(AttachmentServiceRules::default());
    let lines = MemoryJournal::default();
    run_with_backups(
        &memory,
        &lines,
        None,
        vec![changed_task(renamed_row("A1", "EU-A1"))],
        &settings(),
    )
    .await;
    assert_eq!(lines.last_line(1).unwrap().status, Status::Renamed);
    assert_eq!(stored_digests(&memory, "EU-A1"), [new_file().0.sha256]);
    assert_eq!(memory.record_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_stays_with_whoever_has_it() {
    for ids in [ExternalIdRule::Unique, ExternalIdRule::NotUnique] {
        for on_conflict in [ConflictPolicy::Fail, ConflictPolicy::Replace] {
            let rules = AttachmentServiceRules {
                external_ids: ids,
                ..AttachmentServiceRules::default()
            };
            let memory = service_with_stored(rules, old_content(), no_faults()).await;
            store(&memory, "EU-A1", content("another one")).await;
            let lines = MemoryJournal::default();
            let row = renamed_row("A1", "EU-A1");
            let task = task(
                row,
                old_content(),
                AttachmentStart::LookUp(PriorCreate::NoneUnanswered),
            );
            let settings = settings_with_policy(UpdatePolicy {
                on_conflict,
                ..UpdatePolicy::default()
            });
            run_with_backups(&memory, &lines, None, vec![task], &settings).await;
            let last = lines.last_line(1).unwrap();
            assert_eq!(
                (last.status, last.reason),
                (Status::Conflict, StatusReason::NewIdTaken)
            );
            assert_eq!(stored_digests(&memory, "A1").len(), 1);
            assert_eq!(
                stored_digests(&memory, "EU-A1"),
                [content("another one").sha256]
            );
            assert_eq!(count_requests(&memory.log(), RequestKind::Amend), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clash_that_the_service_takes_is_undone() {
    let rules = AttachmentServiceRules {
        external_ids: ExternalIdRule::NotUnique,
        ..AttachmentServiceRules::default()
    };
    // Another client's attachment is older, and gets the name just before ours.
    let memory = Arc::new(MemoryAttachmentService::with_faults(rules, no_faults()));
    let theirs = store(&memory, "THEIRS", content("another one")).await;
    store(&memory, "A1", old_content()).await;
    let lines = MemoryJournal::default();
    let meddler = Arc::clone(&memory);
    let meddling = async move {
        while count_requests(&meddler.log(), RequestKind::Find) < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let names = NameUpdate {
            external_id: ExternalId::parse("EU-A1").ok(),
            ..NameUpdate::default()
        };
        meddler
            .update_names(AttachmentSelector::Id(&theirs), &names)
            .await
            .unwrap();
    };
    let task = task(
        renamed_row("A1", "EU-A1"),
        old_content(),
        AttachmentStart::LookUp(PriorCreate::NoneUnanswered),
    );
    let settings = settings();
    let running = run_with_backups(&memory, &lines, None, vec![task], &settings);
    tokio::join!(meddling, running);
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Conflict, StatusReason::NewIdTaken)
    );
    assert_eq!(
        stored_digests(&memory, "EU-A1"),
        [content("another one").sha256]
    );
    assert_eq!(
        stored_digests(&memory, "A1"),
        [old_content().sha256],
        "it has its old name again"
    );
    assert_eq!(count_requests(&memory.log(), RequestKind::Amend), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lost_rename_is_waited_out_and_found() {
    for (fault, requests) in [
        (DeliveryFault::RequestLost, 1),
        (DeliveryFault::AnswerLost, 1),
    ] {
        let script = fault_script(RequestKind::Amend, 1, fault);
        let memory =
            service_with_stored(AttachmentServiceRules::default(), new_file().0, script).await;
        let lines = MemoryJournal::default();
        run_with_backups(
            &memory,
            &lines,
            None,
            vec![changed_task(renamed_row("A1", "B1"))],
            &settings(),
        )
        .await;
        assert_eq!(
            lines.last_line(1).unwrap().status,
            Status::Renamed,
            "{fault:?}"
        );
        assert_eq!(count_requests(&memory.log(), RequestKind::Amend), requests);
        assert_eq!(stored_digests(&memory, "B1").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_row_may_be_replaced_retitled_and_renamed() {
    let memory = service_with_stored(
        AttachmentServiceRules::default(),
        old_content(),
        no_faults(),
    )
    .await;
    let lines = MemoryJournal::default();
    let row = ManifestRow {
        title: Some("New title".into()),
        ..renamed_row("A1", "EU-A1")
    };
    let settings = settings_with_policy(UpdatePolicy {
        on_conflict: ConflictPolicy::Replace,
        title_policy: TitlePolicy::Update,
    });
    run_with_backups(
        &memory,
        &lines,
        Some(&MemoryBackupStore::default()),
        vec![changed_task(row)],
        &settings,
    )
    .await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Replaced);
    assert_eq!(last.changes.previous_title.as_deref(), Some("Old title"));
    assert_eq!(last.changes.renamed_to.as_deref(), Some("EU-A1"));
    assert_eq!(stored_digests(&memory, "EU-A1"), [new_file().0.sha256]);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("New title"));
    assert_eq!(
        count_requests(&memory.log(), RequestKind::Amend),
        1,
        "the title went with the bytes"
    );
}
