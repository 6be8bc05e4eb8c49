//! New titles and external ids.

use super::*;

fn titled(title: &str) -> Row {
    Row {
        title: Some(title.into()),
        ..row(1)
    }
}

fn updating() -> Settings {
    wishing(Wishes {
        titles: Titles::Update,
        ..Wishes::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_title_is_changed_alone_and_only_where_it_is_another_one() {
    let (new, _) = new_file();
    for (title, status, requests) in [
        ("New title", Status::Updated, 1),
        ("Old title", Status::Skipped, 0),
    ] {
        let memory = with_stored(Rules::default(), new, no_faults()).await;
        let lines = Lines::default();
        run_with(
            &memory,
            &lines,
            None,
            vec![changed(titled(title))],
            &updating(),
        )
        .await;
        let last = lines.last(1).unwrap();
        assert_eq!(last.status, status);
        let previous = (requests == 1).then(|| "Old title".to_owned());
        assert_eq!(last.changes.previous_title, previous);
        assert_eq!(memory.stored()[0].title.as_deref(), Some(title));
        assert_eq!(count(&memory.log(), Operation::Amend), requests);
        assert_eq!(count(&memory.log(), Operation::Renew), 0);
        assert_eq!(holds(&memory, "A1"), [new.sha256]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_attachment_of_a_done_row_gets_the_title_that_the_manifest_has_now() {
    let memory = with_stored(Rules::default(), new_file().0, no_faults()).await;
    let lines = Lines::default();
    run_with(&memory, &lines, None, vec![changed(row(1))], &settings()).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Skipped);
    assert!(
        changed_after(titled("New title"), &last, &settings()).is_none(),
        "unasked"
    );
    let task = changed_after(titled("New title"), &last, &updating()).unwrap();
    let lines = Lines::default();
    run_with(&memory, &lines, None, vec![task], &updating()).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Updated);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("New title"));
    assert!(changed_after(titled("New title"), &last, &settings()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_title_whose_answer_was_lost_is_looked_for_before_it_is_sent_again() {
    for (befalls, requests) in [
        (Fault::LostBefore, 1),
        (Fault::LostAfter, 1),
        (Fault::NotSent, 1),
    ] {
        let script = fault(Operation::Amend, 1, befalls);
        let memory = with_stored(Rules::default(), new_file().0, script).await;
        let lines = Lines::default();
        run_with(
            &memory,
            &lines,
            None,
            vec![changed(titled("New title"))],
            &updating(),
        )
        .await;
        assert_eq!(
            lines.last(1).unwrap().status,
            Status::Updated,
            "{befalls:?}"
        );
        assert_eq!(
            count(&memory.log(), Operation::Amend),
            requests,
            "{befalls:?}"
        );
    }
}

fn renamed(from: &str, to: &str) -> Row {
    Row {
        external_id: ExternalId::parse(from).unwrap(),
        new_external_id: ExternalId::parse(to).ok(),
        ..row(1)
    }
}

#[tokio::test(start_paused = true)]
async fn an_attachment_is_renamed_once_and_found_by_its_new_name_ever_after() {
    let memory = with_stored(Rules::default(), new_file().0, no_faults()).await;
    for (run, amended) in [(1, 1), (2, 1)] {
        let lines = Lines::default();
        run_with(
            &memory,
            &lines,
            None,
            vec![changed(renamed("A1", "EU-A1"))],
            &settings(),
        )
        .await;
        let last = lines.last(1).unwrap();
        assert_eq!(last.status, Status::Renamed, "run {run}: {last:?}");
        assert_eq!(last.changes.renamed_to.as_deref(), Some("EU-A1"));
        assert_eq!(count(&memory.log(), Operation::Amend), amended);
        assert!(changed_after(renamed("A1", "EU-A1"), &last, &settings()).is_none());
    }
    assert_eq!(holds(&memory, "EU-A1").len(), 1);
    assert!(holds(&memory, "A1").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_yet_is_uploaded_and_then_renamed() {
    let memory = Memory::new(Rules::default());
    let lines = Lines::default();
    run_with(
        &memory,
        &lines,
        None,
        vec![changed(renamed("A1", "EU-A1"))],
        &settings(),
    )
    .await;
    assert_eq!(lines.last(1).unwrap().status, Status::Renamed);
    assert_eq!(holds(&memory, "EU-A1"), [new_file().0.sha256]);
    assert_eq!(memory.records(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_stays_with_whoever_has_it() {
    for ids in [Ids::Unique, Ids::NotUnique] {
        for on_conflict in [OnConflict::Fail, OnConflict::Replace] {
            let rules = Rules {
                ids,
                ..Rules::default()
            };
            let memory = with_stored(rules, old(), no_faults()).await;
            store(&memory, "EU-A1", content("another one")).await;
            let lines = Lines::default();
            let row = renamed("A1", "EU-A1");
            let task = task(row, old(), AttachmentStart::LookUp(Posted::No));
            let settings = wishing(Wishes {
                on_conflict,
                ..Wishes::default()
            });
            run_with(&memory, &lines, None, vec![task], &settings).await;
            let last = lines.last(1).unwrap();
            assert_eq!(
                (last.status, last.reason),
                (Status::Conflict, Reason::NewIdTaken)
            );
            assert_eq!(holds(&memory, "A1").len(), 1);
            assert_eq!(holds(&memory, "EU-A1"), [content("another one").sha256]);
            assert_eq!(count(&memory.log(), Operation::Amend), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clash_that_the_service_takes_is_undone() {
    let rules = Rules {
        ids: Ids::NotUnique,
        ..Rules::default()
    };
    // Another client's attachment is older, and gets the name just before ours.
    let memory = Arc::new(Memory::with_faults(rules, no_faults()));
    let theirs = store(&memory, "THEIRS", content("another one")).await;
    store(&memory, "A1", old()).await;
    let lines = Lines::default();
    let meddler = Arc::clone(&memory);
    let meddling = async move {
        while count(&meddler.log(), Operation::Find) < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let names = NewNames {
            external_id: ExternalId::parse("EU-A1").ok(),
            ..NewNames::default()
        };
        meddler.amend(Key::Id(&theirs), &names).await.unwrap();
    };
    let task = task(
        renamed("A1", "EU-A1"),
        old(),
        AttachmentStart::LookUp(Posted::No),
    );
    let settings = settings();
    let running = run_with(&memory, &lines, None, vec![task], &settings);
    tokio::join!(meddling, running);
    let last = lines.last(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Conflict, Reason::NewIdTaken)
    );
    assert_eq!(holds(&memory, "EU-A1"), [content("another one").sha256]);
    assert_eq!(
        holds(&memory, "A1"),
        [old().sha256],
        "it has its old name again"
    );
    assert_eq!(count(&memory.log(), Operation::Amend), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lost_rename_is_waited_out_and_found() {
    for (befalls, requests) in [(Fault::LostBefore, 1), (Fault::LostAfter, 1)] {
        let script = fault(Operation::Amend, 1, befalls);
        let memory = with_stored(Rules::default(), new_file().0, script).await;
        let lines = Lines::default();
        run_with(
            &memory,
            &lines,
            None,
            vec![changed(renamed("A1", "B1"))],
            &settings(),
        )
        .await;
        assert_eq!(
            lines.last(1).unwrap().status,
            Status::Renamed,
            "{befalls:?}"
        );
        assert_eq!(count(&memory.log(), Operation::Amend), requests);
        assert_eq!(holds(&memory, "B1").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_row_may_be_replaced_retitled_and_renamed() {
    let memory = with_stored(Rules::default(), old(), no_faults()).await;
    let lines = Lines::default();
    let row = Row {
        title: Some("New title".into()),
        ..renamed("A1", "EU-A1")
    };
    let settings = wishing(Wishes {
        on_conflict: OnConflict::Replace,
        titles: Titles::Update,
    });
    run_with(
        &memory,
        &lines,
        Some(&Shelf::default()),
        vec![changed(row)],
        &settings,
    )
    .await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Replaced);
    assert_eq!(last.changes.previous_title.as_deref(), Some("Old title"));
    assert_eq!(last.changes.renamed_to.as_deref(), Some("EU-A1"));
    assert_eq!(holds(&memory, "EU-A1"), [new_file().0.sha256]);
    assert_eq!(memory.stored()[0].title.as_deref(), Some("New title"));
    assert_eq!(
        count(&memory.log(), Operation::Amend),
        1,
        "the title went with the bytes"
    );
}
