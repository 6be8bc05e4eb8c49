//! Services which treat a taken external id in different ways: with each of them every row ends
//! with one attachment.

use consign::emulator::EmulatorOperation::Create;
use consign::emulator::FaultEffect::LoseAnswer;
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{ExternalIdClashStatus, ExternalIdUniqueness};

use crate::harness::{EXIT_CODE_KILLED, HoldMoment, ImportTest, RunningTool};

const REFUSING: [ExternalIdUniqueness; 2] = [
    ExternalIdUniqueness::Unique {
        clash_status: ExternalIdClashStatus::Conflict409,
    },
    ExternalIdUniqueness::Unique {
        clash_status: ExternalIdClashStatus::Unprocessable422,
    },
];

#[test]
fn lost_answers_and_sudden_ends_leave_one_attachment_for_each_row() {
    for external_ids in REFUSING
        .into_iter()
        .chain([ExternalIdUniqueness::NotUnique])
    {
        let test = ImportTest::with_rows(3)
            .with_holding_proxy()
            .configure_emulator(|settings| {
                settings.attachments.external_id_uniqueness = external_ids;
            });
        for (nth, moment) in [
            (2, HoldMoment::BeforeAnswer),
            (3, HoldMoment::BeforeAnswer),
            (3, HoldMoment::BeforeAnswer),
        ] {
            test.resume()
                .while_held(nth, moment, RunningTool::kill)
                .exits(EXIT_CODE_KILLED);
        }
        test.resume()
            .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
            .stored_rows(["A1", "A2", "A3"])
            .exits(0);

        let test = ImportTest::with_rows(1)
            .configure_emulator(|settings| {
                settings.attachments.external_id_uniqueness = external_ids;
            })
            .inject_fault(Create, Nth(1), LoseAnswer);
        let outcome = test
            .import()
            .rows(["A1 uploaded"])
            .stored_rows(["A1"])
            .exits(0);
        assert_eq!(outcome.requests[1], "create A1 201 lose_answer");
        let records = outcome
            .requests
            .iter()
            .filter(|words| words.starts_with("create"));
        assert_eq!(records.count(), 1);
    }
}

#[test]
fn an_id_that_somebody_else_took_since_the_look_up_stays_theirs() {
    for external_ids in REFUSING {
        let test = ImportTest::with_rows(1)
            .with_holding_proxy()
            .configure_emulator(|settings| {
                settings.attachments.external_id_uniqueness = external_ids;
            });
        // Between the look-up and the POST of this run another import does the same row.
        let outcome = test
            .import()
            .while_held(2, HoldMoment::BeforeService, |running| {
                let theirs = running.test.import().with_results("theirs.csv");
                theirs.rows(["A1 uploaded"]).exits(0);
            })
            .rows(["A1 skipped"])
            .stored_rows(["A1"])
            .exits(0);
        let last_two = &outcome.requests[outcome.requests.len() - 2..];
        assert!(last_two[0].starts_with("create A1 4"), "{last_two:?}");
        assert_eq!(last_two[1], "get_by_external_id A1 200");
    }
}
