//! What `emulator` takes.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ArgAction, Args, ValueEnum};
use uuid::Uuid;

use crate::duration::parse_duration;
use crate::model::ObjectRef;

/// What `emulator` takes.
#[derive(Debug, Args)]
pub struct EmulatorArgs {
    /// Address to listen on; port 0 takes any that is free
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
    pub duplicate_ids: DuplicateIds,
    /// How long after it got its external id an attachment is not found by it
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub external_id_delay: Duration,
    /// What a path gets that has an external id with a dot in it: its attachment, 404, or the 404
    /// page of a router
    #[arg(long, value_name = "ANSWER", default_value = "found")]
    pub dotted_ids: DottedPaths,
    /// A contract, event, project or supplier company that does not exist (404), such as contract:7;
    /// may be given several times
    #[arg(long, value_name = "TYPE:ID", value_parser = super::record)]
    pub unknown_record: Vec<ObjectRef>,
    /// One that is closed, so that nothing can be attached to it any more (422)
    #[arg(long, value_name = "TYPE:ID", value_parser = super::record)]
    pub closed_record: Vec<ObjectRef>,
    /// What becomes of a title when a PATCH names a new file and no title
    #[arg(long, value_name = "WAY", default_value = "keep")]
    pub titles: RenewedTitles,
    /// What is shown for a size before the bytes are there
    #[arg(long, value_name = "SIZE", default_value = "null")]
    pub empty_size: EmptySize,
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
    pub purge_from: PurgeFrom,
    /// Longest file that its storage takes, such as 5MB; longer ones are refused unread [default: any]
    #[arg(long, value_name = "SIZE")]
    pub largest_upload: Option<ByteSize>,
    /// What the jobs do.
    #[command(flatten)]
    pub jobs: JobsArgs,
    /// Say more about what is done; twice or three times for still more
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
}

/// How the emulator deals with jobs.
#[derive(Debug, Args)]
pub struct JobsArgs {
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
    pub job_answer: JobAnswer,
    /// How a job calls its files: as they were called, with accents as characters of their own (NFD),
    /// or without superfluous blanks
    #[arg(long, value_name = "WAY", default_value = "as-given")]
    pub job_file_names: JobFileNames,
    /// A sourcing event or request that does not exist; may be given several times
    #[arg(long, value_name = "UUID", value_parser = uuid)]
    pub unknown_object: Vec<Uuid>,
    /// What a job for such an object gets: status 400, or a job that fails
    #[arg(long, value_name = "ANSWER", default_value = "400")]
    pub unknown_as: UnknownObjects,
}

fn uuid(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "a UUID is expected, such as 0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01".to_owned())
}

/// What the emulator does with a job for an object that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnknownObjects {
    /// Refused, and no job is created
    #[value(name = "400")]
    BadRequest,
    /// Created, and failed at its start
    #[value(name = "failed-job")]
    FailedJob,
}

/// What the emulator says to a second attachment with the same external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DuplicateIds {
    /// Refused as a conflict
    #[value(name = "409")]
    Conflict,
    /// Refused as invalid
    #[value(name = "422")]
    Invalid,
    /// Taken
    #[value(name = "allow")]
    Allow,
}

/// What the emulator does with a path that has an external id with a dot in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DottedPaths {
    /// It leads to the attachment
    Found,
    /// 404, as of an attachment that is not there
    #[value(name = "404")]
    NotFound,
    /// 404, with a web page
    Page,
}

/// What the emulator shows for a size before the bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EmptySize {
    /// Null
    Null,
    /// Zero
    #[value(name = "0")]
    Zero,
}

/// From when on the emulator counts until it removes a record without bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PurgeFrom {
    /// From when it lost its bytes, if it ever had any
    Bytes,
    /// From its creation
    Creation,
}

/// What the emulator tells of a job that was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JobAnswer {
    /// All that a read tells
    Job,
    /// Its id, as `id`
    Id,
    /// Its id, as `job_id`
    #[value(name = "job_id")]
    JobId,
    /// Its id, as a text that stands by itself
    Text,
}

/// How a job of the emulator calls its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JobFileNames {
    /// As they were called
    AsGiven,
    /// With accents as characters of their own
    Nfd,
    /// Without superfluous blanks
    Trimmed,
}

/// What the emulator does with a title when a PATCH names a new file and no title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenewedTitles {
    /// It stays
    Keep,
    /// It is derived from the file's name
    Derive,
}
