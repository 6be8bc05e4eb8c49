//! What the simulation has found: names that belong to other rows, and lines that said too much.

use super::*;

fn renamed(number: usize, from: &str, to: &str) -> Row {
    Row {
        external_id: ExternalId::parse(from).unwrap(),
        new_external_id: Some(ExternalId::parse(to).unwrap()),
        ..row(number)
    }
}

/// Row 1, which is to get the name of row 2, which is to get that of nobody.
fn chain() -> Vec<Task> {
    let mut first = changed(renamed(2, "A2", "N2"));
    first.rows[0].is_awaited = true;
    let mut second = changed(renamed(1, "A1", "A2"));
    second.rows[0].new_id = NewId::FreedBy(2);
    vec![first, second]
}

/// Makes a record, of which the bytes never come.
async fn begin(memory: &Memory, external_id: &str) {
    let file = NewFile {
        external_id: ExternalId::parse(external_id).unwrap(),
        file_name: "old.pdf".into(),
        title: None,
    };
    let object = row(1).object;
    let files = vec![file];
    memory.create(&NewRecord { object, files }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_has_the_name_of_another_row_that_kept_it_is_that_rows() {
    let memory = Memory::new(Rules::default());
    store(&memory, "A2", old()).await;
    store(&memory, "N2", content("somebody's")).await;
    let lines = Lines::default();
    run_with(&memory, &lines, None, chain(), &replacing()).await;
    for number in [1, 2] {
        let last = lines.last(number).unwrap();
        assert_eq!(last.status, Status::Conflict);
        assert_eq!(last.reason, Reason::NewIdTaken);
    }
    assert_eq!(holds(&memory, "A2"), [old().sha256]);
    // Nobody can tell whether it is what row 1 was renamed to, so that it is not sent again either.
    assert!(holds(&memory, "A1").is_empty());
    assert_eq!(count(&memory.log(), Operation::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_not_taken_before_the_row_that_has_it_is_renamed_even_if_it_is_free() {
    let memory = Memory::new(Rules::default());
    store(&memory, "A1", new_file().0).await;
    // Row 2 has to wait, and will look for its attachment under its present name then.
    begin(&memory, "N2").await;
    let lines = Lines::default();
    run_with(&memory, &lines, None, chain(), &replacing()).await;
    let waiting = lines.last(2).unwrap();
    assert_eq!(waiting.reason, Reason::PendingElsewhere);
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Conflict);
    assert_eq!(last.reason, Reason::NewIdTaken);
    assert_eq!(holds(&memory, "A1").len(), 1);
    assert_eq!(count(&memory.log(), Operation::Amend), 0);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_row_that_is_not_at_work_is_not_taken_either() {
    let memory = Memory::new(Rules::default());
    store(&memory, "A1", new_file().0).await;
    let lines = Lines::default();
    let mut alone = chain().pop().unwrap();
    alone.rows[0].new_id = NewId::Kept;
    run_with(&memory, &lines, None, vec![alone], &settings()).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.reason, Reason::NewIdTaken);
    assert_eq!(holds(&memory, "A1").len(), 1);
}

/// A row of which the attachment was renamed, and went while new bytes were on their way to it.
async fn gone_while_replaced(memory: &Memory) -> Task {
    let row = renamed(1, "A1", "N1");
    let lines = Lines::default();
    let tasks = vec![changed(row.clone())];
    run_with(memory, &lines, None, tasks, &replacing()).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.changes.renamed_to.as_deref(), Some("N1"));
    memory.remove(memory.stored()[0].id);
    let cut_off = Entry {
        status: Status::Replacing,
        ..last
    };
    changed_after(row, &cut_off, &replacing()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_has_the_old_name_of_an_attachment_that_is_gone_is_another_one() {
    let memory = with_stored(Rules::default(), old(), no_faults()).await;
    let task = gone_while_replaced(&memory).await;
    store(&memory, "A1", old()).await;
    let lines = Lines::default();
    run_with(&memory, &lines, None, vec![task], &replacing()).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Conflict);
    assert_eq!(last.reason, Reason::Gone);
    assert_eq!(last.changes.renamed_to.as_deref(), Some("N1"));
    assert_eq!(holds(&memory, "A1"), [old().sha256]);
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_an_attachment_that_is_gone_is_not_called_renamed_before_it_is() {
    let refused = fault(Operation::Amend, 2, Fault::Refused);
    let memory = with_stored(Rules::default(), old(), refused).await;
    let task = gone_while_replaced(&memory).await;
    let lines = Lines::default();
    run_with(&memory, &lines, None, vec![task], &replacing()).await;
    let last = lines.last(1).unwrap();
    assert!(!last.status.is_done(), "{last:?}");
    assert_eq!(last.changes.renamed_to, None);
    assert_eq!(holds(&memory, "A1"), [new_file().0.sha256]);
}

#[tokio::test(start_paused = true)]
async fn content_that_was_only_as_long_as_the_file_is_not_claimed_to_be_it() {
    let refused = fault(Operation::Fetch, 1, Fault::Refused);
    let memory = with_stored(Rules::default(), old(), refused).await;
    let lines = Lines::default();
    let as_long = content("THE OLD BYTES");
    let start = Start::LookUp(Posted::No);
    let tasks = vec![task(row(1), as_long, start)];
    run_with(&memory, &lines, None, tasks, &settings()).await;
    let skipped = lines.last(1).unwrap();
    assert_eq!(skipped.status, Status::Skipped);
    let tasks = vec![changed_after(row(1), &skipped, &replacing()).unwrap()];
    let shelf = Shelf::default();
    run_with(&memory, &lines, Some(&shelf), tasks, &replacing()).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.reason, Reason::NoBackup);
    assert_eq!(last.verified, Verified::No);
    assert!(last.known.content().is_none(), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_keeps_other_content_stays_renamed() {
    let memory = with_stored(Rules::default(), old(), no_faults()).await;
    let lines = Lines::default();
    let skipping = wishing(Wishes {
        on_conflict: OnConflict::Skip,
        ..Wishes::default()
    });
    let row = renamed(1, "A1", "N1");
    let tasks = vec![changed(row.clone())];
    run_with(&memory, &lines, None, tasks, &skipping).await;
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Renamed);
    assert_eq!(last.reason, Reason::KeptExisting);
    let file = RowFile::Ready(new_file().0);
    let next = step(&row, file, Some(last), skipping.wishes, FailedJobs::Leave);
    assert_eq!(next, Step::Keep);
}

#[tokio::test(start_paused = true)]
async fn new_bytes_that_came_unheard_are_not_taken_for_old_ones_that_are_back() {
    let (new, _) = new_file();
    let as_many = Content {
        sha256: old().sha256,
        ..new
    };
    // The first PUT is that of what was there before.
    let script: Script = Box::new(|operation, number| match (operation, number) {
        (Operation::Put, 2) => Some(Fault::LostAfter),
        (Operation::Put, 3) => Some(Fault::Refused),
        _ => None,
    });
    let memory = with_stored(Rules::default(), as_many, script).await;
    let last = replace(&memory, Some(&Shelf::default())).await;
    assert_eq!(last.status, Status::Replaced, "{last:?}");
    assert_eq!(holds(&memory, "A1"), [new.sha256]);
    let former = last.changes.replaced.unwrap();
    assert_eq!(former.sha256, Some(old().sha256));
}
