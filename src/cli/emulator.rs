//! Arguments of `emulator`, and their resolution to its settings.

mod values;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ArgAction, Args};
use uuid::Uuid;

use crate::config::EmulatorPlan;
use crate::duration::parse_duration;
use crate::emulator::{
    AttachmentSettings, BudgetSettings, DottedIdRouting, EmulatorSettings, ExternalIdUniqueness,
    JobFileNaming, JobSettings, JobStatusWords, JobTerms, PostAnswerBody, PurgeClock,
    SizeWithoutBytes, TitleOnRename, UnknownObjectAnswer,
};
use crate::model::ObjectRef;

/// Arguments of `emulator`.
#[derive(Debug, Args)]
pub struct EmulatorArgs {
    /// Address to listen on; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8460")]
    pub listen: SocketAddr,
    /// Folder for its state, which then survives a restart [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// API requests a second before it answers 429; those of jobs have budgets of their own
    #[arg(long, value_name = "N", default_value = "5")]
    pub rate: NonZeroU32,
    /// How many of these a second other integrations of the company take
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub others: u32,
    /// Scenario of what is to go wrong, in TOML; the README shows one
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// What a second attachment with the same external id gets: status 409 or 422, or its place
    #[arg(long, value_name = "ANSWER", default_value = "422")]
    pub duplicate_ids: ExternalIdUniqueness,
    /// How long after it got its external id an attachment is not found by it
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub external_id_delay: Duration,
    /// What a path gets that has an external id with a dot in it: its attachment, 404, or the 404
    /// page of a router
    #[arg(long, value_name = "ANSWER", default_value = "found")]
    pub dotted_ids: DottedIdRouting,
    /// A contract, event, project or supplier company that does not exist (404), such as contract:7;
    /// may be given several times
    #[arg(long, value_name = "TYPE:ID", value_parser = super::parse_record)]
    pub unknown_record: Vec<ObjectRef>,
    /// One that is closed, so that nothing can be attached to it any more (422)
    #[arg(long, value_name = "TYPE:ID", value_parser = super::parse_record)]
    pub closed_record: Vec<ObjectRef>,
    /// What becomes of a title when a PATCH names a new file and no title
    #[arg(long, value_name = "WAY", default_value = "keep")]
    pub titles: TitleOnRename,
    /// What is shown for a size before the bytes are there
    #[arg(long, value_name = "SIZE", default_value = "null")]
    pub empty_size: SizeWithoutBytes,
    /// How long after an upload its size stays hidden
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub size_delay: Duration,
    /// How long upload and download addresses are good
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = parse_duration)]
    pub url_life: Duration,
    /// After how long a record without bytes is removed
    #[arg(long, value_name = "TIME", default_value = "45m", value_parser = parse_duration)]
    pub purge_after: Duration,
    /// From when on that counts: from when it lost its bytes, if it ever had any, or always from its
    /// creation
    #[arg(long, value_name = "MOMENT", default_value = "bytes")]
    pub purge_from: PurgeClock,
    /// Longest file that its storage takes, such as 5MB; longer ones are refused unread [default: any]
    #[arg(long, value_name = "SIZE")]
    pub largest_upload: Option<ByteSize>,
    /// Arguments about jobs.
    #[command(flatten)]
    pub jobs: EmulatorJobArgs,
    /// Say more about what is done; twice or three times for still more
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
}

/// Arguments about the emulator's jobs.
#[derive(Debug, Args)]
pub struct EmulatorJobArgs {
    /// Requests that create jobs, within an hour, before it answers 429
    #[arg(long, value_name = "N", default_value = "120")]
    pub posts_an_hour: NonZeroU32,
    /// Requests that create jobs, within a day
    #[arg(long, value_name = "N", default_value = "500")]
    pub posts_a_day: NonZeroU32,
    /// Requests that read jobs, within a minute
    #[arg(long, value_name = "N", default_value = "30")]
    pub reads_a_minute: NonZeroU32,
    /// Requests that read jobs, within an hour
    #[arg(long, value_name = "N", default_value = "600")]
    pub reads_an_hour: NonZeroU32,
    /// From a job's creation to its start, when its upload addresses show
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub job_start_delay: Duration,
    /// From the last of a job's files to its end
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub job_end_delay: Duration,
    /// How long after its start a job's upload addresses are good
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub job_url_life: Duration,
    /// How long after its start a job waits for files that do not come
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    pub job_give_up_after: Duration,
    /// The status of a job that ended well
    #[arg(long, value_name = "WORD", default_value = "COMPLETED")]
    pub job_success_word: String,
    /// What is told of a job that was created: the job, or its id alone, as a member of either name
    /// or as a text that stands by itself
    #[arg(long, value_name = "FORM", default_value = "job")]
    pub job_answer: PostAnswerBody,
    /// How a job calls its files: as they were called, with accents as characters of their own (NFD),
    /// or without superfluous blanks
    #[arg(long, value_name = "WAY", default_value = "as-given")]
    pub job_file_names: JobFileNaming,
    /// A sourcing event or request that does not exist; may be given several times
    #[arg(long, value_name = "UUID", value_parser = parse_uuid)]
    pub unknown_object: Vec<Uuid>,
    /// What a job for such an object gets: status 400, or a job that fails
    #[arg(long, value_name = "ANSWER", default_value = "400")]
    pub unknown_as: UnknownObjectAnswer,
}

fn parse_uuid(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "a UUID is expected, such as 0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01".to_owned())
}

impl EmulatorArgs {
    /// Resolves the arguments to the order of an emulator.
    pub fn into_plan(self) -> EmulatorPlan {
        EmulatorPlan {
            listen: self.listen,
            scenario: self.faults,
            settings: EmulatorSettings {
                state: self.state,
                attachments: AttachmentSettings {
                    requests_per_second: self.rate,
                    other_clients_per_second: self.others,
                    external_id_uniqueness: self.duplicate_ids,
                    external_id_delay: self.external_id_delay,
                    dotted_id_routing: self.dotted_ids,
                    unknown_objects: self.unknown_record,
                    closed_objects: self.closed_record,
                    title_on_rename: self.titles,
                    size_without_bytes: self.empty_size,
                    size_delay: self.size_delay,
                    url_lifetime: self.url_life,
                    purge_after: self.purge_after,
                    purge_clock: self.purge_from,
                    ..AttachmentSettings::default()
                },
                jobs: self.jobs.into_settings(),
                largest_upload: self.largest_upload.map(|size| size.as_u64()),
                faults: Vec::new(),
            },
        }
    }
}

impl EmulatorJobArgs {
    fn into_settings(self) -> JobSettings {
        JobSettings {
            budgets: BudgetSettings {
                posts_an_hour: self.posts_an_hour,
                posts_a_day: self.posts_a_day,
                reads_a_minute: self.reads_a_minute,
                reads_an_hour: self.reads_an_hour,
                ..BudgetSettings::default()
            },
            terms: JobTerms {
                start_delay: self.job_start_delay,
                end_delay: self.job_end_delay,
                give_up_after: self.job_give_up_after,
                ..JobTerms::default()
            },
            url_lifetime: self.job_url_life,
            post_answer_body: self.job_answer,
            file_naming: self.job_file_names,
            status_words: JobStatusWords {
                success: self.job_success_word,
                ..JobStatusWords::default()
            },
            unknown_objects: self.unknown_object,
            unknown_object_answer: self.unknown_as,
            ..JobSettings::default()
        }
    }
}
