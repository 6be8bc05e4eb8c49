//! Ctrl-C while jobs are under way.

use consign::emulator::EmulatorOperation::{CreateJob, GetJob};
use consign::emulator::JobEnding;

use crate::harness::{
    EXIT_CODE_STOPPED, HoldMoment, ImportTest, STOP_SIGNAL, assert_attached_once,
};

const STOPPING: &str =
    "stopping: no new rows; rows under way have 30 s (stop again to end at once)\n";

#[test]
fn an_interrupted_run_finishes_the_job_under_way_and_makes_no_other() {
    let test = ImportTest::with_event_rows(4).with_holding_proxy();
    test.import_at_once(2)
        .with_fast_clock()
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal("INT");
            running.wait_until_it_prints(STOPPING);
        })
        .stderr(STOPPING)
        .rows([
            "A1 uploaded",
            "A2 uploaded",
            "A3 pending not_reached",
            "A4 pending not_reached",
        ])
        .requests([
            "create_job J1 201",
            "get_job J1 200",
            "upload A1.pdf 200",
            "upload A2.pdf 200",
            "get_job J1 200",
        ])
        .exits(130);
    test.resume().exits(0);
    assert_attached_once(&test);
}

#[test]
fn a_job_that_takes_longer_than_an_interrupted_run_waits_is_gone_on_with() {
    let test =
        ImportTest::with_event_rows(2).configure_jobs(|jobs| jobs.terms.ending = JobEnding::Never);
    let mut running = test.import().start();
    let service = test.service();
    running.wait_until("it waits for the end", || {
        service.count_requests(GetJob) >= 2
    });
    running.signal(STOP_SIGNAL);
    let (code, stdout, stderr) = running.wait_for_exit();
    assert_eq!(code, EXIT_CODE_STOPPED, "{stdout}{stderr}");
    assert!(stdout.contains("begun; --resume finishes them"), "{stdout}");
    assert_eq!(
        test.results().statuses_in_words(),
        ["A1 created sending", "A2 created sending"]
    );
    test.resume()
        .args(["--job-timeout", "5s"])
        .rows(["A1 pending job_running", "A2 pending job_running"])
        .exits(1);
    assert_eq!(service.count_requests(CreateJob), 1);
}
