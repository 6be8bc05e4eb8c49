//! First import, without any trouble.

use std::num::NonZeroU32;
use std::time::Duration;

use consign::emulator::EmulatorOperation::{CreateJob, GetJob, Upload};
use consign::emulator::{FileStatusDisplay, JobFileNaming, JobPostStatus, PostAnswerBody};

use crate::harness::{
    ImportTest, MANIFEST_HEADER, OTHER_SOURCING_EVENT, SOURCING_EVENT, SOURCING_REQUEST,
    assert_attached_once,
};

#[test]
fn the_files_of_two_events_and_a_request_are_attached_by_a_job_for_each() {
    let test = ImportTest::with_object_rows([
        (SOURCING_EVENT, 3),
        (SOURCING_REQUEST, 2),
        (OTHER_SOURCING_EVENT, 1),
    ]);
    let rows: Vec<String> = (1..=6)
        .map(|number| format!("A{number} uploaded"))
        .collect();
    test.import()
        .stdout(
            "all 6 rows done (78 B sent in [time], 3 jobs, 6 look-ups)\n\
             \x20 uploaded          6  attached: the job ended in success\n\
             results: m.results.csv\n",
        )
        .rows(rows.iter().map(String::as_str))
        .exits(0);
    assert_attached_once(&test);
    let service = test.service();
    assert_eq!(service.count_requests(CreateJob), 3);
    assert_eq!(service.count_requests(GetJob), 6);
    assert_eq!(service.count_requests(Upload), 6);
    let results = test.results();
    for (id, with) in [("A2", "A1"), ("A3", "A1"), ("A5", "A4")] {
        let job = |id| results.cell(id, "attachment_id");
        assert_eq!(job(id), job(with));
        assert_ne!(job(id), job("A6"));
    }
    for line in &results.lines {
        assert_eq!(line.cell("verified"), "etag");
        assert_eq!(line.cell("attempts"), "1");
        assert_eq!(line.cell("destination"), service.label());
        assert_eq!(line.cell("message"), "");
    }
}

#[test]
fn a_job_is_made_then_asked_for_its_addresses_then_filled_then_asked_for_its_end() {
    let test = ImportTest::with_event_rows(3);
    test.import()
        .requests([
            "create_job J1 201",
            "get_job J1 200",
            "upload A1.pdf 200",
            "upload A2.pdf 200",
            "upload A3.pdf 200",
            "get_job J1 200",
        ])
        .attached(["A1", "A2", "A3"])
        .exits(0);
}

#[test]
fn jobs_are_not_asked_for_more_often_than_every_two_seconds_whatever_their_number() {
    // The budgets are the service's own, and time passes at its normal speed.
    let test = ImportTest::with_object_rows([(SOURCING_EVENT, 1), (OTHER_SOURCING_EVENT, 1)])
        .configure_jobs(|jobs| {
            jobs.budgets.reads_a_minute = NonZeroU32::new(30).unwrap();
            jobs.budgets.reads_an_hour = NonZeroU32::new(600).unwrap();
        });
    test.import_at_once(8)
        .rows(["A1 uploaded", "A2 uploaded"])
        .attached(["A1", "A2"])
        .exits(0);
    let log = test.service().request_log();
    let reads: Vec<_> = log
        .iter()
        .filter(|entry| entry.operation == GetJob)
        .collect();
    assert_eq!(reads.len(), 4);
    for pair in reads.windows(2) {
        let apart = pair[1].at.duration_since(pair[0].at).unsigned_abs();
        assert!(apart >= Duration::from_secs(2), "{pair:?}");
    }
}

#[test]
fn a_job_of_which_the_answer_tells_only_the_id_is_as_good_in_whatever_form() {
    for form in [
        PostAnswerBody::IdOnly,
        PostAnswerBody::JobIdOnly,
        PostAnswerBody::BareId,
    ] {
        let test = ImportTest::with_event_rows(2).configure_jobs(|jobs| {
            jobs.post_status = JobPostStatus::Accepted202;
            jobs.post_answer_body = form;
        });
        test.import()
            .requests([
                "create_job J1 202",
                "get_job J1 200",
                "upload A1.pdf 200",
                "upload A2.pdf 200",
                "get_job J1 200",
            ])
            .attached(["A1", "A2"])
            .exits(0);
    }
}

#[test]
fn files_go_to_their_places_although_the_service_spells_their_names_in_another_way() {
    let object = SOURCING_EVENT.replace(' ', ",");
    for names in [
        JobFileNaming::AsGiven,
        JobFileNaming::Decomposed,
        JobFileNaming::Trimmed,
    ] {
        for file_status in [
            FileStatusDisplay::NameOnly,
            FileStatusDisplay::NameAndStatus {
                attached: "ATTACHED".to_owned(),
                not_attached: "NOT_ATTACHED".to_owned(),
            },
        ] {
            let test = ImportTest::for_keelvar()
                .file("Ange\u{e9}bot  1.pdf", "alpha")
                .file("plain.pdf", "beta")
                .file("caf\u{e9}.pdf", "gamma")
                .manifest(format!(
                    "{MANIFEST_HEADER}Ange\u{e9}bot  1.pdf,{object},A1\nplain.pdf,{object},A2\n\
                     caf\u{e9}.pdf,{object},A3\n"
                ))
                .configure_jobs(|jobs| {
                    jobs.file_naming = names;
                    jobs.file_status = file_status.clone();
                });
            test.import()
                .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
                .attached(["A1", "A2", "A3"])
                .exits(0);
            assert_eq!(test.service().count_requests(CreateJob), 1);
        }
    }
}

#[test]
fn a_job_that_has_its_addresses_at_once_is_filled_at_once() {
    let test = ImportTest::with_event_rows(1)
        .configure_jobs(|jobs| jobs.terms.start_delay = Duration::ZERO);
    test.import()
        .requests(["create_job J1 201", "upload A1.pdf 200", "get_job J1 200"])
        .attached(["A1"])
        .exits(0);
}

#[test]
fn files_go_under_the_names_that_the_manifest_gives_them() {
    let test = ImportTest::with_event_rows(2).manifest(format!(
        "file_path,object_type,object_id,external_id,file_name\n\
         A1.pdf,{object},A1,Offre n° 1.pdf\n\
         A2.pdf,{object},A2,\n",
        object = SOURCING_EVENT.replace(' ', ",")
    ));
    test.import()
        .rows(["A1 uploaded", "A2 uploaded"])
        .attached(["A1", "A2"])
        .exits(0);
    assert_eq!(test.service().attached_files()[1].name, "Offre n° 1.pdf");
}
