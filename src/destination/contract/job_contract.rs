//! Tests of the behaviour on which the pipeline relies, for every service which runs jobs.

use std::time::Duration;

use super::*;
use crate::destination::keelvar::{KeelvarClient, KeelvarSettings};
use crate::emulator::{BudgetSettings, JobSettings, JobTerms};
use crate::memory_service::job_service::{JobServiceRules, MemoryJobService};
use crate::model::StatusWord;

/// Interval between two reads of a job, and the largest number of reads.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const MAX_POLLS: usize = 5_000;

fn new_job(names: &[&str]) -> NewJob {
    let files = names.iter().map(|name| NewFile {
        external_id: ExternalId::parse(name).unwrap(),
        file_name: (*name).to_owned(),
        title: None,
    });
    let event = "0b1e7a52-6a5c-4f5e-9d0c-2f4b8a1c3d5e";
    NewJob {
        object: ObjectRef::parse(ObjectType::SourcingEvent, event).unwrap(),
        files: files.collect(),
    }
}

async fn keeps_the_contract_of_jobs<D: JobApi>(service: &D) {
    for kind in [BudgetKind::Read, BudgetKind::Change] {
        assert!(service.budget(kind).is_some(), "{kind:?}");
    }
    let folder = TempDir::new().unwrap();
    let small = write_file(folder.path(), "small.pdf", b"small");
    what_is_not_there_is_absent(service).await;
    a_job_names_a_place_for_each_file_and_ends_once_it_has_them(service, &small).await;
    a_job_that_misses_a_file_ends_without_it_and_takes_it_no_more(service, &small).await;
}

async fn what_is_not_there_is_absent<D: JobApi>(service: &D) {
    let nobody = AttachmentId::parse("0b1e7a52-0000-4000-8000-2f4b8a1c3d5e").unwrap();
    assert_eq!(service.get_job(&nobody).await, Ok(JobPresence::Absent));
}

async fn a_job_names_a_place_for_each_file_and_ends_once_it_has_them<D: JobApi>(
    service: &D,
    file: &FileToUpload,
) {
    let names = ["Müller & Söhne (2).pdf", "契約 7.pdf"];
    let (id, places) = create_started_job(service, &names).await;
    for place in &places {
        put_whole_file(service, place.target.as_ref().unwrap(), file).await;
    }
    let end = wait_for_end(service, &id).await;
    for name in names {
        assert_eq!(end.file_outcome(name), &FileOutcome::Attached, "{name}");
    }
}

async fn a_job_that_misses_a_file_ends_without_it_and_takes_it_no_more<D: JobApi>(
    service: &D,
    file: &FileToUpload,
) {
    let (id, places) = create_started_job(service, &["sent.pdf", "missing.pdf"]).await;
    let [sent, missing] = places.try_into().unwrap();
    put_whole_file(service, &sent.target.unwrap(), file).await;
    let end = wait_for_end(service, &id).await;
    assert_ne!(
        end.file_outcome("missing.pdf"),
        &FileOutcome::Attached,
        "{end:?}"
    );
    let late = missing.target.unwrap();
    let put = service.put_file(&late, &file.source, &file.content, &|_| {});
    assert_eq!(put.await, Err(PutFailure::Expired));
}

/// Creates a job, and reads the job until it names its upload targets.
async fn create_started_job<D: JobApi>(
    service: &D,
    names: &[&str],
) -> (AttachmentId, Vec<UploadTarget<D::Target>>) {
    let CreatedJob {
        id,
        upload_targets: mut places,
    } = service.create_job(&new_job(names)).await.unwrap();
    for _ in 0..MAX_POLLS {
        if !places.is_empty() {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        places = match service.get_job(&id).await.unwrap() {
            JobPresence::Running {
                upload_targets: places,
                ..
            } => places,
            other => panic!("{other:?}"),
        };
    }
    let shown: Vec<_> = places
        .iter()
        .map(|place| place.file_name.as_str())
        .collect();
    assert_eq!(shown, names);
    (id, places)
}

async fn wait_for_end<D: JobApi>(service: &D, id: &AttachmentId) -> JobOutcome {
    for _ in 0..MAX_POLLS {
        match service.get_job(id).await.unwrap() {
            JobPresence::Ended(end) => return end,
            JobPresence::Running { .. } => tokio::time::sleep(POLL_INTERVAL).await,
            JobPresence::Absent => panic!("the job is not found"),
        }
    }
    panic!("the job does not end");
}

const UNLIMITED: &[crate::throttle::quota::RequestAllowance] = &[];

#[tokio::test(start_paused = true)]
async fn the_service_in_memory_keeps_the_contract_of_jobs() {
    let rules = JobServiceRules {
        read_allowances: UNLIMITED,
        ..JobServiceRules::default()
    };
    keeps_the_contract_of_jobs(&MemoryJobService::new(rules)).await;
}

async fn start_job_emulator() -> (Emulator, KeelvarClient) {
    let many = NonZeroU32::new(10_000).unwrap();
    let jobs = JobSettings {
        budgets: BudgetSettings {
            reads_a_minute: many,
            reads_an_hour: many,
            ..BudgetSettings::default()
        },
        terms: JobTerms {
            start_delay: Duration::from_millis(300),
            end_delay: Duration::from_millis(300),
            give_up_after: Duration::from_secs(2),
            ..JobTerms::default()
        },
        url_lifetime: Duration::from_secs(2),
        ..JobSettings::default()
    };
    let settings = emulator::EmulatorSettings {
        jobs,
        ..emulator::EmulatorSettings::default()
    };
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let emulator = Emulator::start(here, settings).await.unwrap();
    let settings = KeelvarSettings {
        user: "somebody@example.com".into(),
        job_timeout: Duration::from_mins(5),
        success_words: Vec::<StatusWord>::new(),
    };
    let key = KeyHeader::bearer(SecretString::from("key".to_owned()));
    let base = Url::parse(&emulator.jobs_base_url()).unwrap();
    let keelvar = KeelvarClient::new(base, &[key], &NetworkConfig::default(), settings).unwrap();
    (emulator, keelvar)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_the_service_keeps_the_contract_of_jobs() {
    let (emulator, keelvar) = start_job_emulator().await;
    keeps_the_contract_of_jobs(&keelvar).await;
    let attached = emulator::stored_job_files(emulator.state_path()).unwrap();
    assert_eq!(attached.len(), 2, "{attached:?}");
}
