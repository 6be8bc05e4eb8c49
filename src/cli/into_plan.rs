//! Resolution of typed arguments to orders. Nothing is read and nothing is sent for it.

use super::{
    AmendArgs, AttachArgs, CheckArgs, CliCommand, ColumnArgs, ConsentArgs, DownloadSelection,
    ImportArgs, InputArgs, JobArgs, OutputArgs, ReportArgs, ServiceArgs, UpdatableAttribute,
    VerifyArgs,
};
use crate::config::{
    AttachPlan, BackupPolicy, ChangePolicy, CheckPlan, ComparisonFile, ConsentPolicy, ImportMode,
    ImportPlan, JobPolicy, ManifestInput, NamedDestination, NoticePolicy, ObjectProofPolicy,
    OutputConfig, PreflightPolicy, ReportPlan, ResumePolicy, ServiceConfig, UnfitRowPolicy,
    VerifyPlan, results_path,
};
use crate::manifest::{
    ColumnSourceConflict, ColumnSources, ManifestOptions, OwnOutputPolicy, SimilarIdPolicy,
};
use crate::model::{ObjectRef, SecondCopyPolicy};
use crate::plan::{FailedJobPolicy, PilotScope, TitlePolicy};
use crate::progress::Verbosity;
use crate::root::parent_folder;
use crate::verification::DownloadScope;

impl ImportArgs {
    /// Resolves the arguments to the order of an import. Fails if options contradict each other.
    pub fn into_plan(self) -> Result<ImportPlan, ColumnSourceConflict> {
        let jobs = self.jobs.into_jobs(self.service.concurrency);
        Ok(ImportPlan {
            results: results_path(&self.input.manifest, self.results.as_deref()),
            input: self.input.into_input()?,
            resume: if self.resume {
                ResumePolicy::Resume
            } else {
                ResumePolicy::BeginNew
            },
            mode: if self.dry_run {
                ImportMode::DryRun
            } else {
                ImportMode::Attach
            },
            pilot: PilotScope {
                limit: self.limit,
                only: self.only,
            },
            unfit_rows: if self.skip_invalid {
                UnfitRowPolicy::Skip
            } else {
                UnfitRowPolicy::Refuse
            },
            max_errors: self.max_errors,
            look_ups: self.lookup,
            consent: self.consent.into_policy(),
            service: self.service.into_config(),
            output: self.output.into_config(),
            notices: NoticePolicy::Show,
            changes: self.amend.into_policy(),
            jobs,
        })
    }
}

impl CheckArgs {
    /// Resolves the arguments to the order of a check. Fails if options contradict each other.
    pub fn into_plan(self) -> Result<CheckPlan, ColumnSourceConflict> {
        let usual = || results_path(&self.input.manifest, None);
        Ok(CheckPlan {
            results: self
                .results
                .map_or_else(|| ComparisonFile::Default(usual()), ComparisonFile::Named),
            input: self.input.into_input()?,
            output: self.output.into_config(),
        })
    }
}

impl VerifyArgs {
    /// Resolves the arguments to the order of a verification. Without `--seed`, a random seed is
    /// drawn; the order holds it, so that the sample can be drawn again.
    pub fn into_plan(self) -> VerifyPlan {
        let seed = || self.seed.unwrap_or_else(|| fastrand::u32(..1_000_000));
        VerifyPlan {
            results: self.results,
            encoding: self.encoding,
            download: match self.download {
                None => DownloadScope::None,
                Some(DownloadSelection::All) => DownloadScope::All,
                Some(DownloadSelection::Share(share)) => DownloadScope::Sample {
                    share,
                    seed: seed().into(),
                },
            },
            objects: if self.objects {
                ObjectProofPolicy::Prove
            } else {
                ObjectProofPolicy::Omit
            },
            service: self.service.into_config(),
            jobs: JobPolicy::for_reading_only(self.words.success_status),
            output: self.output.into_config(),
        }
    }
}

impl ReportArgs {
    /// Resolves the arguments to the order of a report. Fails if options contradict each other.
    pub fn into_plan(self) -> Result<ReportPlan, ColumnSourceConflict> {
        Ok(ReportPlan {
            results: self.results,
            manifest: self.manifest,
            sheet: self.sheet,
            encoding: self.encoding,
            columns: self.columns.into_sources()?,
            attach: self.attach_to.map(|object| self.attach.into_plan(object)),
            output: self.output.into_config(),
        })
    }
}

impl AttachArgs {
    fn into_plan(self, object: ObjectRef) -> AttachPlan {
        AttachPlan {
            object,
            consent: self.consent.into_policy(),
            jobs: self.jobs.into_jobs(self.service.concurrency),
            service: self.service.into_config(),
        }
    }
}

impl InputArgs {
    fn into_input(self) -> Result<ManifestInput, ColumnSourceConflict> {
        let second_copies = self.allow_again.unwrap_or(SecondCopyPolicy::Refuse);
        Ok(ManifestInput {
            root: match self.root {
                Some(root) => root,
                None => parent_folder(&self.manifest).to_owned(),
            },
            manifest: self.manifest,
            options: ManifestOptions {
                encoding: self.encoding,
                sheet: self.sheet,
                columns: self.columns.into_sources()?,
                strip_prefix: self.strip_prefix,
                similar_ids: if self.allow_similar_ids {
                    SimilarIdPolicy::Allow
                } else {
                    SimilarIdPolicy::Refuse
                },
                own_outputs: match second_copies {
                    SecondCopyPolicy::Allow => OwnOutputPolicy::Allow,
                    SecondCopyPolicy::Refuse | SecondCopyPolicy::AllowRows(_) => {
                        OwnOutputPolicy::Refuse
                    }
                },
            },
            second_copies,
        })
    }
}

impl ColumnArgs {
    fn into_sources(self) -> Result<ColumnSources, ColumnSourceConflict> {
        ColumnSources::new(self.column, self.set)
    }
}

impl ConsentArgs {
    fn into_policy(self) -> ConsentPolicy {
        if self.yes {
            ConsentPolicy::Given
        } else {
            ConsentPolicy::Ask
        }
    }
}

impl AmendArgs {
    fn into_policy(self) -> ChangePolicy {
        ChangePolicy {
            on_conflict: self.on_conflict,
            backup_policy: match self.backup {
                Some(folder) => Some(BackupPolicy::Folder(folder)),
                None => self.no_backup.then_some(BackupPolicy::Waived),
            },
            titles: match self.update {
                Some(UpdatableAttribute::Title) => TitlePolicy::Update,
                None => TitlePolicy::Leave,
            },
        }
    }
}

impl JobArgs {
    fn into_jobs(self, concurrency: usize) -> JobPolicy {
        JobPolicy {
            limits: JobPolicy::job_limits(self.files_per_job, concurrency),
            timeout: self.job_timeout,
            failed_jobs: if self.retry_failed_jobs {
                FailedJobPolicy::Retry
            } else {
                FailedJobPolicy::Leave
            },
            success_words: self.words.success_status,
        }
    }
}

impl CliCommand {
    /// Returns the amount of output.
    pub fn verbosity(&self) -> Verbosity {
        match self {
            Self::Check(args) => args.output.verbosity(),
            Self::Import(args) => args.output.verbosity(),
            Self::Verify(args) => args.output.verbosity(),
            Self::Report(args) => args.output.verbosity(),
            Self::Manifest(args) => args.output.verbosity(),
            Self::Emulator(args) => verbosity_from_count(args.verbose),
            Self::Completions(_) | Self::Man(_) => Verbosity::Normal,
        }
    }
}

impl OutputArgs {
    fn verbosity(&self) -> Verbosity {
        if self.quiet {
            Verbosity::Quiet
        } else {
            verbosity_from_count(self.verbose)
        }
    }

    pub(super) fn into_config(self) -> OutputConfig {
        OutputConfig {
            verbosity: self.verbosity(),
            form: self.output,
        }
    }
}

fn verbosity_from_count(verbose: u8) -> Verbosity {
    match verbose {
        0 => Verbosity::Normal,
        1 => Verbosity::Steps,
        2 => Verbosity::Details,
        _ => Verbosity::Everything,
    }
}

impl ServiceArgs {
    /// Resolves the arguments, as far as possible before the service is known.
    pub fn into_config(self) -> ServiceConfig {
        ServiceConfig {
            destination: match (self.base_url, self.region, self.environment) {
                _ if self.emulator => NamedDestination::Emulator,
                (Some(url), _, _) => NamedDestination::BaseUrl(url),
                (None, Some(region), Some(environment)) => {
                    NamedDestination::Tenant(region, environment)
                }
                (None, Some(_), None) => NamedDestination::HalfTenant {
                    missing: "--environment production|sandbox",
                },
                (None, None, Some(_)) => NamedDestination::HalfTenant {
                    missing: "--region us|eu|ca",
                },
                (None, None, None) => NamedDestination::Unnamed,
            },
            rate: self.rate,
            concurrency: self.concurrency,
            preflight: if self.skip_preflight {
                PreflightPolicy::Skip
            } else {
                PreflightPolicy::Ask
            },
            max_outage: self.max_outage,
            ca_file: self.ca_file,
            upload_hosts: self.upload_host,
        }
    }
}
