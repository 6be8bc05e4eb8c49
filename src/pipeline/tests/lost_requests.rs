//! Requests that are lost, late, or never answered.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_post_that_was_carried_out_unheard_is_found_and_not_repeated() {
    for ids in [ExternalIdRule::Unique, ExternalIdRule::NotUnique] {
        let rules = AttachmentServiceRules {
            external_ids: ids,
            ..AttachmentServiceRules::default()
        };
        let script = nth_request(RequestKind::Create, 1, DeliveryFault::AnswerLost);
        let (memory, lines, halt) = run_with_faults(rules, 1, script).await;
        assert_eq!(halt, None);
        each_is_stored_once(&memory, &lines, 1);
        assert_eq!(count_requests(&memory.log(), RequestKind::Create), 1);
        assert_eq!(memory.record_count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_lost_is_repeated_after_three_look_ups_found_nothing() {
    let script = nth_request(RequestKind::Create, 1, DeliveryFault::RequestLost);
    let (memory, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    let log = memory.log();
    let prior_create = log.iter().position(|one| one.kind == RequestKind::Create);
    let looked = count_requests(&log[..prior_create.unwrap()], RequestKind::Find);
    assert_eq!(looked, 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_arrives_late_leaves_one_attachment_with_bytes() {
    for ids in [ExternalIdRule::Unique, ExternalIdRule::NotUnique] {
        for seconds in [5, 35, 40, 60, 70, 75, 90, 300] {
            let rules = AttachmentServiceRules {
                external_ids: ids,
                ..AttachmentServiceRules::default()
            };
            let late = DeliveryFault::ExecutedLate(Duration::from_secs(seconds));
            let (memory, lines, halt) =
                run_with_faults(rules, 1, nth_request(RequestKind::Create, 1, late)).await;
            assert_eq!(halt, None);
            tokio::time::sleep(Duration::from_hours(1)).await;
            each_is_stored_once(&memory, &lines, 1);
            assert_eq!(memory.record_count(), 1, "the other record was purged");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_post_is_not_forgotten_where_looking_for_it_is_forbidden() {
    let script = |operation, number| match (operation, number) {
        (RequestKind::Create, 1) => Some(DeliveryFault::FailedAfterEffect),
        // Between the two lies the look-up that examines the keys.
        (RequestKind::Find, 2 | 4) => Some(DeliveryFault::Denied),
        _ => None,
    };
    let (memory, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 1, script).await;
    assert_eq!(halt, None);
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, &last.reason),
        (Status::Creating, &StatusReason::Forbidden)
    );
    let again = resumed_task(row(1), file_content(1), last);
    assert_eq!(
        run_tasks(&memory, &lines, vec![again], &settings()).await,
        None
    );
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_expired_is_renewed_and_the_record_stays_the_same() {
    let script = nth_request(RequestKind::Put, 1, DeliveryFault::Denied);
    let (memory, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    let operations: Vec<_> = memory.log().iter().map(|one| one.kind).collect();
    assert_eq!(
        operations,
        [
            RequestKind::Find,
            RequestKind::Create,
            RequestKind::Get,
            RequestKind::Renew,
            RequestKind::Put,
            RequestKind::List
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_patch_without_an_answer_cannot_detach_what_is_sent_afterwards() {
    for fault in [
        DeliveryFault::RequestLost,
        DeliveryFault::AnswerLost,
        DeliveryFault::ExecutedLate(Duration::from_secs(1)),
        DeliveryFault::ExecutedLate(Duration::from_secs(45)),
        DeliveryFault::ExecutedLate(Duration::from_secs(85)),
    ] {
        let script = move |operation, number| match (operation, number) {
            (RequestKind::Put, 1) => Some(DeliveryFault::Denied),
            (RequestKind::Renew, 1) => Some(fault),
            _ => None,
        };
        let (memory, lines, halt) =
            run_with_faults(AttachmentServiceRules::default(), 1, script).await;
        assert_eq!(halt, None);
        tokio::time::sleep(Duration::from_mins(10)).await;
        each_is_stored_once(&memory, &lines, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_is_not_repeated_where_the_bytes_have_come_meanwhile() {
    let began = Instant::now();
    let script = move |operation, number| match (operation, number) {
        (RequestKind::Put, 1) => Some(DeliveryFault::ExecutedLate(Duration::from_secs(35))),
        (RequestKind::Put, 2) | (RequestKind::Renew, 1) => Some(DeliveryFault::Denied),
        (RequestKind::Get, 2..) if began.elapsed() < Duration::from_secs(40) => {
            Some(DeliveryFault::NotSent)
        }
        _ => None,
    };
    let (memory, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
    assert_eq!(count_requests(&memory.log(), RequestKind::Put), 1);
}

#[tokio::test(start_paused = true)]
async fn a_put_without_an_answer_is_sent_again_to_the_same_address() {
    for fault in [
        DeliveryFault::RequestLost,
        DeliveryFault::AnswerLost,
        DeliveryFault::NotSent,
    ] {
        let script = nth_request(RequestKind::Put, 1, fault);
        let (memory, lines, halt) =
            run_with_faults(AttachmentServiceRules::default(), 1, script).await;
        assert_eq!(halt, None);
        each_is_stored_once(&memory, &lines, 1);
        assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
        assert_eq!(lines.last_line(1).unwrap().attempts, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_requests_stay_unanswered_while_others_get_through_is_left_for_later() {
    let memory = MemoryAttachmentService::with_faults(
        AttachmentServiceRules::default(),
        Box::new(|operation, number| {
            let own = operation == RequestKind::Get && number > 1;
            own.then_some(DeliveryFault::RequestLost)
        }),
    );
    let lines = MemoryJournal::default();
    let last = ResultsEntry {
        status: Status::Created,
        attachment_id: Some(crate::model::AttachmentId::parse("99").unwrap()),
        ..pending_entry(1)
    };
    let mut tasks = vec![resumed_task(row(1), file_content(1), last.clone())];
    tasks.push(resumed_task(
        row(2),
        file_content(2),
        ResultsEntry {
            external_id: "A2".into(),
            ..last
        },
    ));
    tasks.extend((3..400).map(new_task));
    let halt = run_tasks(&memory, &lines, tasks, &settings()).await;
    assert_eq!(halt, None);
    let left = [1, 2].map(|number| lines.last_line(number).unwrap());
    assert!(
        left.iter().any(|one| {
            one.status == Status::Created
                && one.reason == StatusReason::NoAnswer
                && one.attachment_id.is_some()
        }),
        "{left:?}"
    );
}

fn pending_entry(number: usize) -> ResultsEntry {
    let row = row(number);
    ResultsEntry {
        row: Some(number),
        file_path: row.file_path.clone(),
        object_type: row.object.object_type().to_string(),
        object_id: row.object.id().to_string(),
        object_external_id: String::new(),
        external_id: row.external_id.to_string(),
        status: Status::Pending,
        reason: StatusReason::None,
        attachment_id: None,
        known_content: crate::results::KnownContent::Complete(file_content(number)),
        verified_by: VerifiedBy::Nothing,
        attempts: 1,
        destination: "memory".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: crate::results::AttachmentChanges::default(),
    }
}
