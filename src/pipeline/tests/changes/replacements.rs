//! Replacement of stored bytes.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_replaced_was_kept_and_announced_before_and_is_named_afterwards() {
    let memory = with_stored(Rules::default(), old(), no_faults()).await;
    let (shelf, lines) = (Shelf::default(), Lines::default());
    let tasks = vec![changed(row(1))];
    let halt = run_with(&memory, &lines, Some(&shelf), tasks, &replacing()).await;
    assert_eq!(halt, None);
    assert_eq!(
        lines.statuses(1),
        [Status::Replacing, Status::Replacing, Status::Replaced]
    );
    assert_eq!(lines.of(1)[0].reason, Reason::Renewing);
    let renewed = memory
        .log()
        .iter()
        .find(|one| one.operation == Operation::Renew)
        .unwrap()
        .at;
    assert!(lines.when(1, Status::Replacing) <= renewed);
    let last = lines.last(1).unwrap();
    let Some(Former {
        size,
        sha256,
        backup: Backup::Kept(name),
    }) = last.changes.replaced
    else {
        panic!("{last:?}");
    };
    assert_eq!((size, sha256), (old().stamp.size, Some(old().sha256)));
    let kept = shelf.0.lock().unwrap().clone();
    assert_eq!(kept, [(name, old().sha256.0.to_vec())]);
    assert_eq!(holds(&memory, "A1"), [new_file().0.sha256]);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("Old title"));
    assert_eq!(
        count(&memory.log(), Operation::Create),
        1,
        "by whoever was there before"
    );
}

#[tokio::test(start_paused = true)]
async fn a_title_that_the_service_would_derive_anew_stays_as_it_was() {
    let rules = Rules {
        titles: memory_service::Titles::DerivedAnew,
        ..Rules::default()
    };
    let memory = with_stored(rules, old(), no_faults()).await;
    assert_eq!(replace(&memory, None).await.status, Status::Replaced);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("Old title"));
}

#[tokio::test(start_paused = true)]
async fn unasked_other_content_is_a_conflict_and_may_be_let_be() {
    for (on_conflict, status, reason) in [
        (OnConflict::Fail, Status::Conflict, Reason::StoredOtherSize),
        (OnConflict::Skip, Status::Skipped, Reason::KeptExisting),
    ] {
        let memory = with_stored(Rules::default(), old(), no_faults()).await;
        let lines = Lines::default();
        let wishes = Wishes {
            on_conflict,
            ..Wishes::default()
        };
        let tasks = vec![changed(row(1))];
        run_with(&memory, &lines, None, tasks, &wishing(wishes)).await;
        let last = lines.last(1).unwrap();
        assert_eq!((last.status, last.reason), (status, reason));
        assert_eq!(last.known, Known::Size(old().stamp.size));
        assert_eq!(count(&memory.log(), Operation::Renew), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_are_not_replaced_and_others_of_the_same_number_are() {
    let (new, _) = new_file();
    for kept in [true, false] {
        let shelf = kept.then(Shelf::default);
        let memory = with_stored(Rules::default(), new, no_faults()).await;
        let last = replace(&memory, shelf.as_ref()).await;
        assert_eq!(
            (last.status, last.reason),
            (Status::Skipped, Reason::SameContent)
        );
        assert_eq!(count(&memory.log(), Operation::Renew), 0);
        assert_eq!(last.changes, Changes::default());
        if let Some(shelf) = &shelf {
            assert!(
                shelf.0.lock().unwrap().is_empty(),
                "there is nothing to keep"
            );
        }

        let other = Content {
            sha256: sha256(b"as many"),
            ..new
        };
        let memory = with_stored(Rules::default(), other, no_faults()).await;
        let last = replace(&memory, shelf.as_ref()).await;
        assert_eq!(last.status, Status::Replaced);
        assert_eq!(last.changes.replaced.unwrap().sha256, Some(other.sha256));
        assert_eq!(holds(&memory, "A1"), [new.sha256]);
        assert_eq!(
            count(&memory.log(), Operation::Fetch),
            2,
            "before and after"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_of_unknown_fate_is_waited_out_before_another_one() {
    for befalls in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::FailedAfter,
        Fault::Late(Duration::from_secs(50)),
    ] {
        let memory =
            with_stored(Rules::default(), old(), fault(Operation::Renew, 1, befalls)).await;
        let last = replace(&memory, Some(&Shelf::default())).await;
        assert_eq!(last.status, Status::Replaced, "{befalls:?}: {last:?}");
        assert_eq!(last.changes.replaced.unwrap().sha256, Some(old().sha256));
        assert_eq!(holds(&memory, "A1"), [new_file().0.sha256]);
        let at = |operation| {
            let log = memory.log();
            let last = log.iter().rfind(|one| one.operation == operation);
            last.unwrap().at
        };
        assert!(at(Operation::Renew) < at(Operation::Put));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_new_bytes_are_refused_the_old_ones_go_back() {
    let refused = fault(Operation::Put, 2, Fault::Refused);
    let memory = with_stored(Rules::default(), old(), refused).await;
    let last = replace(&memory, Some(&Shelf::default())).await;
    assert_eq!(
        (last.status, &last.reason),
        (Status::Conflict, &Reason::UploadRefused),
        "{last:?}"
    );
    assert!(
        last.message
            .ends_with("; the previous content was put back")
    );
    assert_eq!(last.changes, Changes::default());
    assert_eq!(holds(&memory, "A1"), [old().sha256]);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("Old title"));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_kept_an_attachment_without_bytes_is_named_and_a_later_run_fills_it() {
    let refused = fault(Operation::Put, 2, Fault::Refused);
    let memory = with_stored(Rules::default(), old(), refused).await;
    let last = replace(&memory, None).await;
    assert_eq!(
        (last.status, &last.reason),
        (Status::Replacing, &Reason::UploadRefused)
    );
    assert!(
        last.message.contains("THE ATTACHMENT HAS NO CONTENT NOW"),
        "{last:?}"
    );
    assert_eq!(
        last.changes.replaced.as_ref().unwrap().backup,
        Backup::Waived
    );
    assert!(memory.stored().is_empty());

    // A replacement is finished even under a policy without replacements: the attachment would stay
    // empty.
    let lines = Lines::default();
    let task = changed_after(row(1), &last, &settings()).unwrap();
    run_with(&memory, &lines, None, vec![task], &settings()).await;
    assert_eq!(lines.last(1).unwrap().status, Status::Replaced);
    assert_eq!(holds(&memory, "A1"), [new_file().0.sha256]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_not_let_go_of() {
    let refused =
        Box::new(|operation, _| (operation == Operation::Fetch).then_some(Fault::Refused));
    let memory = with_stored(Rules::default(), old(), refused).await;
    let last = replace(&memory, Some(&Shelf::default())).await;
    assert_eq!(
        (last.status, last.reason),
        (Status::Conflict, Reason::NoBackup)
    );
    assert_eq!(holds(&memory, "A1"), [old().sha256]);
    assert_eq!(count(&memory.log(), Operation::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_is_cut_off_at_any_line_is_finished_by_the_next_run() {
    for limit in 0..3 {
        for asked_again in [true, false] {
            let memory = with_stored(Rules::default(), old(), no_faults()).await;
            let shelf = Shelf::default();
            let lines = Lines {
                limit: Some(limit),
                ..Lines::default()
            };
            let tasks = vec![changed(row(1))];
            let halt = run_with(&memory, &lines, Some(&shelf), tasks, &replacing()).await;
            assert_eq!(halt, Some(Halt::Journal));
            let settings = if asked_again { replacing() } else { settings() };
            let again = match lines.last(1) {
                Some(last) => changed_after(row(1), &last, &settings).unwrap(),
                None => changed(row(1)),
            };
            let lines = Lines::default();
            run_with(&memory, &lines, Some(&shelf), vec![again], &settings).await;
            let last = lines.last(1).unwrap();
            let status = match (asked_again, limit) {
                (false, 0) => Status::Conflict,
                _ => Status::Replaced,
            };
            assert_eq!(last.status, status, "{limit} {asked_again} {last:?}");
            let held = if status == Status::Replaced {
                new_file().0
            } else {
                old()
            };
            assert_eq!(holds(&memory, "A1"), [held.sha256], "{limit} {asked_again}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_stores_between_the_backup_and_the_patch_is_kept_too() {
    let memory = Arc::new(with_stored(Rules::default(), old(), no_faults()).await);
    let shelf = Shelf::default();
    let lines = Lines::default();
    // Other bytes arrive just as the second look, before the PATCH, is on its way.
    let meddler = Arc::clone(&memory);
    let meddling = async move {
        while count(&meddler.log(), Operation::Original) < 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let id = AttachmentId::parse("1").unwrap();
        let place = meddler.renew(&id, "other.pdf", None).await.unwrap();
        let (_, source) = new_file();
        let between = content("in between");
        meddler
            .put(&place.target.unwrap(), &source, &between, &|_| ())
            .await
            .unwrap();
    };
    let tasks = vec![changed(row(1))];
    let settings = replacing();
    let running = run_with(&memory, &lines, Some(&shelf), tasks, &settings);
    let ((), halt) = tokio::join!(meddling, running);
    assert_eq!(halt, None);
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Replaced, "{last:?}");
    let former = last.changes.replaced.unwrap();
    assert_eq!(former.sha256, Some(content("in between").sha256));
    assert_eq!(shelf.0.lock().unwrap().len(), 2);
}
