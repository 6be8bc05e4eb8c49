//! Arguments of `emulator`, and their resolution to its settings.

mod object_args;
mod values;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ArgAction, Args};
use uuid::Uuid;

use self::object_args::EmulatorObjectArgs;
use super::file_path::file_path;
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
    /// Folder for the emulator's state, which then survives a restart [default: a temporary folder]
    #[arg(long, value_name = "DIR", value_parser = file_path())]
    pub state: Option<PathBuf>,
    /// API requests a second before the emulator answers 429; requests about jobs have budgets of
    /// their own
    #[arg(long, value_name = "N", default_value = "5")]
    pub rate: NonZeroU32,
    /// API requests a second taken by other integrations of the company
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub others: u32,
    /// Scenario of faults, in TOML; the README shows an example
    #[arg(long, value_name = "FILE", value_parser = file_path())]
    pub faults: Option<PathBuf>,
    /// Answer to a second attachment with the same external id: status 409, status 422 (in the
    /// company, in the type, or on the record), or success
    #[arg(long, value_name = "ANSWER", default_value = "422")]
    pub duplicate_ids: ExternalIdUniqueness,
    /// Time before an attachment is found by a new external id
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub external_id_delay: Duration,
    /// Answer to a path with a dot in the external id: the attachment, 404, or a router's 404 page
    #[arg(long, value_name = "ANSWER", default_value = "found")]
    pub dotted_ids: DottedIdRouting,
    /// A contract, event, project or supplier company that does not exist (404), such as contract:7;
    /// may be given several times
    #[arg(long, value_name = "TYPE:ID", value_parser = super::parse_record)]
    pub unknown_record: Vec<ObjectRef>,
    /// A closed record, to which nothing can be attached any more (422); may be given several times
    #[arg(long, value_name = "TYPE:ID", value_parser = super::parse_record)]
    pub closed_record: Vec<ObjectRef>,
    /// Title of an attachment after a PATCH with a new file and no title
    #[arg(long, value_name = "WAY", default_value = "keep")]
    pub titles: TitleOnRename,
    /// Size shown before the bytes are there
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
    /// Start of --purge-after: the loss of the record's bytes, if it ever had any, or always its
    /// creation
    #[arg(long, value_name = "MOMENT", default_value = "bytes")]
    pub purge_from: PurgeClock,
    /// Largest file that the storage takes, such as 5MB; larger files are refused unread [default:
    /// any]
    #[arg(long, value_name = "SIZE")]
    pub largest_upload: Option<ByteSize>,
    /// Arguments about contracts, events, projects and supplier companies.
    #[command(flatten)]
    pub records: EmulatorObjectArgs,
    /// Arguments about jobs.
    #[command(flatten)]
    pub jobs: EmulatorJobArgs,
    /// Write log lines, too; given twice or three times, write more of them
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
}

/// Arguments about the emulator's jobs.
#[derive(Debug, Args)]
pub struct EmulatorJobArgs {
    /// Requests that create jobs, within an hour, before the emulator answers 429
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
    /// Time from a job's creation to its start, when its upload addresses show
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub job_start_delay: Duration,
    /// Time from the last of a job's files to the job's end
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub job_end_delay: Duration,
    /// How long after its start a job's upload addresses are good
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub job_url_life: Duration,
    /// How long after its start a job waits for files that do not come
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    pub job_give_up_after: Duration,
    /// Status of a successful job
    #[arg(long, value_name = "WORD", default_value = "COMPLETED")]
    pub job_success_word: String,
    /// Answer to the creation of a job: the job, or only its id, as the member `id` or `job_id`, or as
    /// a bare text
    #[arg(long, value_name = "FORM", default_value = "job")]
    pub job_answer: PostAnswerBody,
    /// Names of a job's files in its answers: as given, with accents as separate characters (NFD),
    /// or without superfluous blanks
    #[arg(long, value_name = "WAY", default_value = "as-given")]
    pub job_file_names: JobFileNaming,
    /// A sourcing event or request that does not exist; may be given several times
    #[arg(long, value_name = "UUID", value_parser = parse_uuid)]
    pub unknown_object: Vec<Uuid>,
    /// Answer to a job for an unknown object: status 400, or a job that fails
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
            objects: self.records.objects.clone(),
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
                objects: self.records.into_settings(),
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
