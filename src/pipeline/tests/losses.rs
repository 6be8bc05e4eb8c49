//! Requests that are lost, late, or never answered.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_post_that_was_carried_out_unheard_is_found_and_not_repeated() {
    for ids in [Ids::Unique, Ids::NotUnique] {
        let rules = Rules {
            ids,
            ..Rules::default()
        };
        let script = nth(Operation::Create, 1, Fault::LostAfter);
        let (memory, lines, halt) = with_faults(rules, 1, script).await;
        assert_eq!(halt, None);
        each_is_stored_once(&memory, &lines, 1);
        assert_eq!(count(&memory.log(), Operation::Create), 1);
        assert_eq!(memory.records(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_lost_is_repeated_after_three_look_ups_found_nothing() {
    let script = nth(Operation::Create, 1, Fault::LostBefore);
    let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    let log = memory.log();
    let posted = log
        .iter()
        .position(|one| one.operation == Operation::Create);
    let looked = count(&log[..posted.unwrap()], Operation::Find);
    assert_eq!(looked, 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_arrives_late_leaves_one_attachment_with_bytes() {
    for ids in [Ids::Unique, Ids::NotUnique] {
        for seconds in [5, 35, 40, 60, 70, 75, 90, 300] {
            let rules = Rules {
                ids,
                ..Rules::default()
            };
            let late = Fault::Late(Duration::from_secs(seconds));
            let (memory, lines, halt) =
                with_faults(rules, 1, nth(Operation::Create, 1, late)).await;
            assert_eq!(halt, None);
            tokio::time::sleep(Duration::from_hours(1)).await;
            each_is_stored_once(&memory, &lines, 1);
            assert_eq!(memory.records(), 1, "the other record was purged");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_post_is_not_forgotten_where_looking_for_it_is_forbidden() {
    let script = |operation, number| match (operation, number) {
        (Operation::Create, 1) => Some(Fault::FailedAfter),
        // Between the two lies the look-up that examines the keys.
        (Operation::Find, 2 | 4) => Some(Fault::Denied),
        _ => None,
    };
    let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
    assert_eq!(halt, None);
    let last = lines.last(1).unwrap();
    assert_eq!(
        (last.status, &last.reason),
        (Status::Creating, &Reason::Forbidden)
    );
    let again = resumed(row(1), original(1), last);
    assert_eq!(go(&memory, &lines, vec![again], &settings()).await, None);
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count(&memory.log(), Operation::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_expired_is_renewed_and_the_record_stays_the_same() {
    let script = nth(Operation::Put, 1, Fault::Denied);
    let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    let operations: Vec<_> = memory.log().iter().map(|one| one.operation).collect();
    assert_eq!(
        operations,
        [
            Operation::Find,
            Operation::Create,
            Operation::Get,
            Operation::Renew,
            Operation::Put,
            Operation::List
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_patch_without_an_answer_cannot_detach_what_is_sent_afterwards() {
    for fault in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::Late(Duration::from_secs(1)),
        Fault::Late(Duration::from_secs(45)),
        Fault::Late(Duration::from_secs(85)),
    ] {
        let script = move |operation, number| match (operation, number) {
            (Operation::Put, 1) => Some(Fault::Denied),
            (Operation::Renew, 1) => Some(fault),
            _ => None,
        };
        let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
        assert_eq!(halt, None);
        tokio::time::sleep(Duration::from_mins(10)).await;
        each_is_stored_once(&memory, &lines, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_is_not_repeated_where_the_bytes_have_come_meanwhile() {
    let began = Instant::now();
    let script = move |operation, number| match (operation, number) {
        (Operation::Put, 1) => Some(Fault::Late(Duration::from_secs(35))),
        (Operation::Put, 2) | (Operation::Renew, 1) => Some(Fault::Denied),
        (Operation::Get, 2..) if began.elapsed() < Duration::from_secs(40) => Some(Fault::NotSent),
        _ => None,
    };
    let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count(&memory.log(), Operation::Renew), 0);
    assert_eq!(count(&memory.log(), Operation::Put), 1);
}

#[tokio::test(start_paused = true)]
async fn a_put_without_an_answer_is_sent_again_to_the_same_address() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::NotSent] {
        let script = nth(Operation::Put, 1, fault);
        let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
        assert_eq!(halt, None);
        each_is_stored_once(&memory, &lines, 1);
        assert_eq!(count(&memory.log(), Operation::Renew), 0);
        assert_eq!(lines.last(1).unwrap().attempts, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_requests_stay_unanswered_while_others_get_through_is_left_for_later() {
    let memory = Memory::with_faults(
        Rules::default(),
        Box::new(|operation, number| {
            let own = operation == Operation::Get && number > 1;
            own.then_some(Fault::LostBefore)
        }),
    );
    let lines = Lines::default();
    let last = Entry {
        status: Status::Created,
        attachment_id: Some(crate::model::AttachmentId::parse("99").unwrap()),
        ..pending_entry(1)
    };
    let mut tasks = vec![resumed(row(1), original(1), last.clone())];
    tasks.push(resumed(
        row(2),
        original(2),
        Entry {
            external_id: "A2".into(),
            ..last
        },
    ));
    tasks.extend((3..400).map(fresh));
    let halt = go(&memory, &lines, tasks, &settings()).await;
    assert_eq!(halt, None);
    let left = [1, 2].map(|number| lines.last(number).unwrap());
    assert!(
        left.iter().any(|one| {
            one.status == Status::Created
                && one.reason == Reason::NoAnswer
                && one.attachment_id.is_some()
        }),
        "{left:?}"
    );
}

fn pending_entry(number: usize) -> Entry {
    let row = row(number);
    Entry {
        row: Some(number),
        file_path: row.file_path.clone(),
        object_type: row.object.kind().to_string(),
        object_id: row.object.id().to_string(),
        external_id: row.external_id.to_string(),
        status: Status::Pending,
        reason: Reason::None,
        attachment_id: None,
        known: crate::results::Known::Content(original(number)),
        verified: Verified::No,
        attempts: 1,
        destination: "memory".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: crate::results::Changes::default(),
    }
}
