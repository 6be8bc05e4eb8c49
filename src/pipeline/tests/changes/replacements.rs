//! Replacement of stored bytes.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_replaced_was_kept_and_announced_before_and_is_named_afterwards() {
    let memory = service_with_stored(
        AttachmentServiceRules::default(),
        old_content(),
        no_faults(),
    )
    .await;
    let (shelf, lines) = (MemoryBackupStore::default(), MemoryJournal::default());
    let tasks = vec![changed_task(row(1))];
    let halt = run_with_backups(&memory, &lines, Some(&shelf), tasks, &replacing_settings()).await;
    assert_eq!(halt, None);
    assert_eq!(
        lines.statuses(1),
        [Status::Replacing, Status::Replacing, Status::Replaced]
    );
    assert_eq!(lines.lines_of(1)[0].reason, StatusReason::Renewing);
    let renewed = memory
        .log()
        .iter()
        .find(|one| one.kind == RequestKind::Renew)
        .unwrap()
        .at;
    assert!(lines.recorded_at(1, Status::Replacing) <= renewed);
    let last = lines.last_line(1).unwrap();
    let Some(FormerContent {
        size,
        sha256,
        backup: BackupOutcome::Kept(name),
    }) = last.changes.replaced
    else {
        panic!("{last:?}");
    };
    assert_eq!(
        (size, sha256),
        (old_content().stamp.size, Some(old_content().sha256))
    );
    let kept = shelf.0.lock().unwrap().clone();
    assert_eq!(kept, [(name, old_content().sha256.0.to_vec())]);
    assert_eq!(stored_digests(&memory, "A1"), [new_file().0.sha256]);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("Old title"));
    assert_eq!(
        count_requests(&memory.log(), RequestKind::Create),
        1,
        "by whoever was there before"
    );
}

#[tokio::test(start_paused = true)]
async fn a_title_that_the_service_would_derive_anew_stays_as_it_was() {
    let rules = AttachmentServiceRules {
        titles: memory_service::TitleRule::DerivedAnew,
        ..AttachmentServiceRules::default()
    };
    let memory = service_with_stored(rules, old_content(), no_faults()).await;
    assert_eq!(replace_row(&memory, None).await.status, Status::Replaced);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("Old title"));
}

#[tokio::test(start_paused = true)]
async fn unasked_other_content_is_a_conflict_and_may_be_let_be() {
    for (on_conflict, status, reason) in [
        (
            ConflictPolicy::Fail,
            Status::Conflict,
            StatusReason::StoredOtherSize,
        ),
        (
            ConflictPolicy::Skip,
            Status::Skipped,
            StatusReason::KeptExisting,
        ),
    ] {
        let memory = service_with_stored(
            AttachmentServiceRules::default(),
            old_content(),
            no_faults(),
        )
        .await;
        let lines = MemoryJournal::default();
        let update_policy = UpdatePolicy {
            on_conflict,
            ..UpdatePolicy::default()
        };
        let tasks = vec![changed_task(row(1))];
        run_with_backups(
            &memory,
            &lines,
            None,
            tasks,
            &settings_with_policy(update_policy),
        )
        .await;
        let last = lines.last_line(1).unwrap();
        assert_eq!((last.status, last.reason), (status, reason));
        assert_eq!(
            last.known_content,
            KnownContent::Size(old_content().stamp.size)
        );
        assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_are_not_replaced_and_others_of_the_same_number_are() {
    let (new, _) = new_file();
    for kept in [true, false] {
        let shelf = kept.then(MemoryBackupStore::default);
        let memory = service_with_stored(AttachmentServiceRules::default(), new, no_faults()).await;
        let last = replace_row(&memory, shelf.as_ref()).await;
        assert_eq!(
            (last.status, last.reason),
            (Status::Skipped, StatusReason::SameContent)
        );
        assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
        assert_eq!(last.changes, AttachmentChanges::default());
        if let Some(shelf) = &shelf {
            assert!(
                shelf.0.lock().unwrap().is_empty(),
                "there is nothing to keep"
            );
        }

        let other = CheckedContent {
            sha256: sha256(b"as many"),
            ..new
        };
        let memory =
            service_with_stored(AttachmentServiceRules::default(), other, no_faults()).await;
        let last = replace_row(&memory, shelf.as_ref()).await;
        assert_eq!(last.status, Status::Replaced);
        assert_eq!(last.changes.replaced.unwrap().sha256, Some(other.sha256));
        assert_eq!(stored_digests(&memory, "A1"), [new.sha256]);
        assert_eq!(
            count_requests(&memory.log(), RequestKind::Fetch),
            2,
            "before and after"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_of_unknown_fate_is_waited_out_before_another_one() {
    for fault in [
        DeliveryFault::RequestLost,
        DeliveryFault::AnswerLost,
        DeliveryFault::FailedAfterEffect,
        DeliveryFault::ExecutedLate(Duration::from_secs(50)),
    ] {
        let memory = service_with_stored(
            AttachmentServiceRules::default(),
            old_content(),
            fault_script(RequestKind::Renew, 1, fault),
        )
        .await;
        let last = replace_row(&memory, Some(&MemoryBackupStore::default())).await;
        assert_eq!(last.status, Status::Replaced, "{fault:?}: {last:?}");
        assert_eq!(
            last.changes.replaced.unwrap().sha256,
            Some(old_content().sha256)
        );
        assert_eq!(stored_digests(&memory, "A1"), [new_file().0.sha256]);
        let at = |operation| {
            let log = memory.log();
            let last = log.iter().rfind(|one| one.kind == operation);
            last.unwrap().at
        };
        assert!(at(RequestKind::Renew) < at(RequestKind::Put));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_new_bytes_are_refused_the_old_ones_go_back() {
    let refused = fault_script(RequestKind::Put, 2, DeliveryFault::Refused);
    let memory =
        service_with_stored(AttachmentServiceRules::default(), old_content(), refused).await;
    let last = replace_row(&memory, Some(&MemoryBackupStore::default())).await;
    assert_eq!(
        (last.status, &last.reason),
        (Status::Conflict, &StatusReason::UploadRefused),
        "{last:?}"
    );
    assert!(
        last.message
            .ends_with("; the previous content was put back")
    );
    assert_eq!(last.changes, AttachmentChanges::default());
    assert_eq!(stored_digests(&memory, "A1"), [old_content().sha256]);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("Old title"));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_kept_an_attachment_without_bytes_is_named_and_a_later_run_fills_it() {
    let refused = fault_script(RequestKind::Put, 2, DeliveryFault::Refused);
    let memory =
        service_with_stored(AttachmentServiceRules::default(), old_content(), refused).await;
    let last = replace_row(&memory, None).await;
    assert_eq!(
        (last.status, &last.reason),
        (Status::Replacing, &StatusReason::UploadRefused)
    );
    assert!(
        last.message.contains("THE ATTACHMENT HAS NO CONTENT NOW"),
        "{last:?}"
    );
    assert_eq!(
        last.changes.replaced.as_ref().unwrap().backup,
        BackupOutcome::Waived
    );
    assert!(memory.stored().is_empty());

    // A replacement is finished even under a policy without replacements: the attachment would stay
    // empty.
    let lines = MemoryJournal::default();
    let task = resumed_changed_task(row(1), &last, &settings()).unwrap();
    run_with_backups(&memory, &lines, None, vec![task], &settings()).await;
    assert_eq!(lines.last_line(1).unwrap().status, Status::Replaced);
    assert_eq!(stored_digests(&memory, "A1"), [new_file().0.sha256]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_not_let_go_of() {
    let refused = Box::new(|operation, _| {
        (operation == RequestKind::Fetch).then_some(DeliveryFault::Refused)
    });
    let memory =
        service_with_stored(AttachmentServiceRules::default(), old_content(), refused).await;
    let last = replace_row(&memory, Some(&MemoryBackupStore::default())).await;
    assert_eq!(
        (last.status, last.reason),
        (Status::Conflict, StatusReason::NoBackup)
    );
    assert_eq!(stored_digests(&memory, "A1"), [old_content().sha256]);
    assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_is_cut_off_at_any_line_is_finished_by_the_next_run() {
    for limit in 0..3 {
        for asked_again in [true, false] {
            let memory = service_with_stored(
                AttachmentServiceRules::default(),
                old_content(),
                no_faults(),
            )
            .await;
            let shelf = MemoryBackupStore::default();
            let lines = MemoryJournal {
                max_lines: Some(limit),
                ..MemoryJournal::default()
            };
            let tasks = vec![changed_task(row(1))];
            let halt =
                run_with_backups(&memory, &lines, Some(&shelf), tasks, &replacing_settings()).await;
            assert_eq!(halt, Some(HaltReason::JournalUnusable));
            let settings = if asked_again {
                replacing_settings()
            } else {
                settings()
            };
            let again = match lines.last_line(1) {
                Some(last) => resumed_changed_task(row(1), &last, &settings).unwrap(),
                None => changed_task(row(1)),
            };
            let lines = MemoryJournal::default();
            run_with_backups(&memory, &lines, Some(&shelf), vec![again], &settings).await;
            let last = lines.last_line(1).unwrap();
            let status = match (asked_again, limit) {
                (false, 0) => Status::Conflict,
                _ => Status::Replaced,
            };
            assert_eq!(last.status, status, "{limit} {asked_again} {last:?}");
            let held = if status == Status::Replaced {
                new_file().0
            } else {
                old_content()
            };
            assert_eq!(
                stored_digests(&memory, "A1"),
                [held.sha256],
                "{limit} {asked_again}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_stores_between_the_backup_and_the_patch_is_kept_too() {
    let memory = Arc::new(
        service_with_stored(
            AttachmentServiceRules::default(),
            old_content(),
            no_faults(),
        )
        .await,
    );
    let shelf = MemoryBackupStore::default();
    let lines = MemoryJournal::default();
    // Other bytes arrive just as the second look, before the PATCH, is on its way.
    let meddler = Arc::clone(&memory);
    let meddling = async move {
        while count_requests(&meddler.log(), RequestKind::Original) < 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let id = AttachmentId::parse("1").unwrap();
        let place = meddler
            .renew_upload_target(&id, "other.pdf", None)
            .await
            .unwrap();
        let (_, source) = new_file();
        let between = content("in between");
        meddler
            .put_file(&place.target.unwrap(), &source, &between, &|_| ())
            .await
            .unwrap();
    };
    let tasks = vec![changed_task(row(1))];
    let settings = replacing_settings();
    let running = run_with_backups(&memory, &lines, Some(&shelf), tasks, &settings);
    let ((), halt) = tokio::join!(meddling, running);
    assert_eq!(halt, None);
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Replaced, "{last:?}");
    let former = last.changes.replaced.unwrap();
    assert_eq!(former.sha256, Some(content("in between").sha256));
    assert_eq!(shelf.0.lock().unwrap().len(), 2);
}
