//! Faults found by the simulation: names of other rows, and lines that claimed too much.

use super::*;

fn renamed(number: usize, from: &str, to: &str) -> Row {
    Row {
        external_id: ExternalId::parse(from).unwrap(),
        new_external_id: Some(ExternalId::parse(to).unwrap()),
        ..row(number)
    }
}

/// Returns the task of a row whose attachment was renamed, and vanished during the replacement of
/// its bytes.
async fn gone_while_replaced(memory: &Memory) -> AttachmentTask {
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
    let start = AttachmentStart::LookUp(Posted::No);
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
    // The first PUT stored the old content.
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
