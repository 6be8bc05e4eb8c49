//! `consign emulator`: stands in for the service until it is told to stop.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::cli::{
    DottedPaths, DuplicateIds, EmptySize, EmulatorArgs, JobAnswer, JobFileNames, JobsArgs,
    PurgeFrom, RenewedTitles, UnknownObjects,
};
use crate::emulator::{
    AttachmentSettings, BudgetSettings, Clash, DottedIds, EmptySizes, Emulator, EmulatorError,
    ExternalIds, FileNames, JobSettings, JobWords, PostBody, PurgeClock, Settings, Terms, Titles,
    UnknownAs, scenario,
};
use crate::error::{Error, Exit};
use crate::signals::Signals;
use crate::text::counted;

/// Runs the command.
pub fn run(args: &EmulatorArgs) -> Result<Exit, Error> {
    let settings = settings(args)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let emulator = Emulator::start(args.listen, settings).await?;
        writeln!(
            io::stdout(),
            "the emulator is at {}\nand for jobs at {}\nits state and its request log are in {}\n\
             try: consign import MANIFEST --base-url {} --rate {}",
            emulator.base_url(),
            emulator.jobs_base_url(),
            emulator.state().display(),
            emulator.base_url(),
            args.rate,
        )?;
        signals.next().await;
        let account = account(&emulator);
        emulator.stop().await;
        io::stdout().write_all(account.as_bytes())?;
        Ok(Exit::DONE)
    })
}

/// What went wrong on purpose, and who else was there: without that, nobody knows whether a
/// rehearsal was one.
fn account(emulator: &Emulator) -> String {
    let mut text = String::new();
    for (fired, number) in emulator.fired().iter().zip(1..) {
        let (effect, target) = (fired.fault.effect.name(), fired.fault.operation);
        let times = match fired.times {
            0 => "never fired".to_owned(),
            times => format!("fired {}", counted(times, "time")),
        };
        let _ = writeln!(text, "fault {number}, {effect} of {target}: {times}");
    }
    let others = emulator.other_clients();
    if others > 0 {
        let _ = writeln!(text, "other integrations: {}", counted(others, "request"));
    }
    text
}

fn settings(args: &EmulatorArgs) -> Result<Settings, EmulatorError> {
    let faults = args.faults.as_deref().map(scenario::read).transpose()?;
    Ok(Settings {
        state: args.state.clone(),
        attachments: attachments(args),
        jobs: jobs(&args.jobs),
        largest_upload: args.largest_upload.map(|size| size.as_u64()),
        faults: faults.unwrap_or_default(),
    })
}

fn attachments(args: &EmulatorArgs) -> AttachmentSettings {
    let unique = |clash| ExternalIds::Unique { clash };
    AttachmentSettings {
        rate: args.rate,
        others: args.others,
        external_ids: match args.duplicate_ids {
            DuplicateIds::Conflict => unique(Clash::Conflict409),
            DuplicateIds::Invalid => unique(Clash::Unprocessable422),
            DuplicateIds::Allow => ExternalIds::NotUnique,
        },
        external_id_delay: args.external_id_delay,
        dotted_ids: match args.dotted_ids {
            DottedPaths::Found => DottedIds::Routed,
            DottedPaths::NotFound => DottedIds::NotFound404,
            DottedPaths::Page => DottedIds::RouterPage,
        },
        unknown_objects: args.unknown_record.clone(),
        closed_objects: args.closed_record.clone(),
        titles: match args.titles {
            RenewedTitles::Keep => Titles::Keep,
            RenewedTitles::Derive => Titles::Derive,
        },
        empty_sizes: match args.empty_size {
            EmptySize::Null => EmptySizes::Null,
            EmptySize::Zero => EmptySizes::Zero,
        },
        size_delay: args.size_delay,
        url_life: args.url_life,
        purge_after: args.purge_after,
        purge_clock: match args.purge_from {
            PurgeFrom::Bytes => PurgeClock::LastBytes,
            PurgeFrom::Creation => PurgeClock::Creation,
        },
        ..AttachmentSettings::default()
    }
}

fn jobs(args: &JobsArgs) -> JobSettings {
    JobSettings {
        budgets: BudgetSettings {
            posts_an_hour: args.posts_an_hour,
            posts_a_day: args.posts_a_day,
            reads_a_minute: args.reads_a_minute,
            reads_an_hour: args.reads_an_hour,
            ..BudgetSettings::default()
        },
        terms: Terms {
            start_delay: args.job_start_delay,
            end_delay: args.job_end_delay,
            give_up_after: args.job_give_up_after,
            ..Terms::default()
        },
        url_life: args.job_url_life,
        post_body: match args.job_answer {
            JobAnswer::Job => PostBody::Job,
            JobAnswer::Id => PostBody::IdOnly,
            JobAnswer::JobId => PostBody::JobIdOnly,
            JobAnswer::Text => PostBody::BareId,
        },
        file_names: match args.job_file_names {
            JobFileNames::AsGiven => FileNames::AsGiven,
            JobFileNames::Nfd => FileNames::Decomposed,
            JobFileNames::Trimmed => FileNames::Trimmed,
        },
        words: JobWords {
            success: args.job_success_word.clone(),
            ..JobWords::default()
        },
        unknown_objects: args.unknown_object.clone(),
        unknown_as: match args.unknown_as {
            UnknownObjects::BadRequest => UnknownAs::BadRequest400,
            UnknownObjects::FailedJob => UnknownAs::FailedJob,
        },
        ..JobSettings::default()
    }
}
