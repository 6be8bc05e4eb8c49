//! Faults found by the simulation: names of other rows, and lines that claimed too much.

use super::*;

fn renamed_row(number: usize, from: &str, to: &str) -> ManifestRow {
    ManifestRow {
        external_id: ExternalId::parse(from).unwrap(),
        new_external_id: Some(ExternalId::parse(to).unwrap()),
        ..row(number)
    }
}

/// Returns the task of a row whose attachment was renamed, and vanished during the replacement of
/// its bytes.
async fn gone_while_replaced(memory: &MemoryAttachmentService) -> AttachmentTask {
    let row = renamed_row(1, "A1", "N1");
    let lines = MemoryJournal::default();
    let tasks = vec![changed_task(row.clone())];
    run_with_backups(memory, &lines, None, tasks, &replacing_settings()).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.changes.renamed_to.as_deref(), Some("N1"));
    memory.remove_record(memory.stored()[0].id);
    let cut_off = ResultsEntry {
        status: Status::Replacing,
        ..last
    };
    resumed_changed_task(row, &cut_off, &replacing_settings()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_has_the_old_name_of_an_attachment_that_is_gone_is_another_one() {
    let memory = service_with_stored(
        AttachmentServiceRules::default(),
        old_content(),
        no_faults(),
    )
    .await;
    let task = gone_while_replaced(&memory).await;
    store(&memory, "A1", old_content()).await;
    let lines = MemoryJournal::default();
    run_with_backups(&memory, &lines, None, vec![task], &replacing_settings()).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Conflict);
    assert_eq!(last.reason, StatusReason::Gone);
    assert_eq!(last.changes.renamed_to.as_deref(), Some("N1"));
    assert_eq!(stored_digests(&memory, "A1"), [old_content().sha256]);
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_an_attachment_that_is_gone_is_not_called_renamed_before_it_is() {
    let refused = fault_script(RequestKind::Amend, 2, DeliveryFault::Refused);
    let memory =
        service_with_stored(AttachmentServiceRules::default(), old_content(), refused).await;
    let task = gone_while_replaced(&memory).await;
    let lines = MemoryJournal::default();
    run_with_backups(&memory, &lines, None, vec![task], &replacing_settings()).await;
    let last = lines.last_line(1).unwrap();
    assert!(!last.status.is_done(), "{last:?}");
    assert_eq!(last.changes.renamed_to, None);
    assert_eq!(stored_digests(&memory, "A1"), [new_file().0.sha256]);
}

#[tokio::test(start_paused = true)]
async fn content_that_was_only_as_long_as_the_file_is_not_claimed_to_be_it() {
    let refused = fault_script(RequestKind::Fetch, 1, DeliveryFault::Refused);
    let memory =
        service_with_stored(AttachmentServiceRules::default(), old_content(), refused).await;
    let lines = MemoryJournal::default();
    let as_long = content("THE OLD BYTES");
    let start = AttachmentStart::LookUp(PriorCreate::NoneUnanswered);
    let tasks = vec![task(row(1), as_long, start)];
    run_with_backups(&memory, &lines, None, tasks, &settings()).await;
    let skipped = lines.last_line(1).unwrap();
    assert_eq!(skipped.status, Status::Skipped);
    let tasks = vec![resumed_changed_task(row(1), &skipped, &replacing_settings()).unwrap()];
    let shelf = MemoryBackupStore::default();
    run_with_backups(&memory, &lines, Some(&shelf), tasks, &replacing_settings()).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.reason, StatusReason::NoBackup);
    assert_eq!(last.verified_by, VerifiedBy::Nothing);
    assert!(last.known_content.content().is_none(), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_keeps_other_content_stays_renamed() {
    let memory = service_with_stored(
        AttachmentServiceRules::default(),
        old_content(),
        no_faults(),
    )
    .await;
    let lines = MemoryJournal::default();
    let skipping = settings_with_policy(UpdatePolicy {
        on_conflict: ConflictPolicy::Skip,
        ..UpdatePolicy::default()
    });
    let row = renamed_row(1, "A1", "N1");
    let tasks = vec![changed_task(row.clone())];
    run_with_backups(&memory, &lines, None, tasks, &skipping).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Renamed);
    assert_eq!(last.reason, StatusReason::KeptExisting);
    let file = RowFile::Ready(new_file().0);
    let next = plan_row(
        &row,
        file,
        Some(last),
        skipping.update_policy,
        FailedJobPolicy::Leave,
    );
    assert_eq!(next, RowPlan::KeepLine);
}

#[tokio::test(start_paused = true)]
async fn new_bytes_that_came_unheard_are_not_taken_for_old_ones_that_are_back() {
    let (new, _) = new_file();
    let as_many = CheckedContent {
        sha256: old_content().sha256,
        ..new
    };
    // The first PUT stored the old content.
    let script: FaultScript = Box::new(|operation, number| match (operation, number) {
        (RequestKind::Put, 2) => Some(DeliveryFault::AnswerLost),
        (RequestKind::Put, 3) => Some(DeliveryFault::Refused),
        _ => None,
    });
    let memory = service_with_stored(AttachmentServiceRules::default(), as_many, script).await;
    let last = replace_row(&memory, Some(&MemoryBackupStore::default())).await;
    assert_eq!(last.status, Status::Replaced, "{last:?}");
    assert_eq!(stored_digests(&memory, "A1"), [new.sha256]);
    let former = last.changes.replaced.unwrap();
    assert_eq!(former.sha256, Some(old_content().sha256));
}
