//! Orders of the commands, with settings from the environment.
//!
//! The way in which an order was typed is known to `cli` alone, and nothing is sent here. Open
//! [`ImportPlan`] first.

mod access;
mod change_policy;
mod job_policy;
mod plans;
mod service_config;

use std::path::{Path, PathBuf};

pub use access::{ServiceAccess, ServiceCredentials, key_renewal_advice};
pub use change_policy::{BackupPolicy, ChangePolicy, ChangePolicyError, ServiceChangePolicy};
pub use job_policy::JobPolicy;
pub use plans::{
    AttachPlan, CheckPlan, ComparisonFile, CompletionPlan, ConsentPolicy, EmulatorPlan,
    FolderManifestPlan, ImportMode, ImportPlan, ManifestInput, ManualPage, ManualPlan,
    NoticePolicy, ObjectProofPolicy, OutputConfig, ReportPlan, ResumePolicy, SummaryForm,
    UnfitRowPolicy, VerifyPlan,
};
pub use service_config::{
    NamedDestination, PreflightPolicy, ResolvedDestination, ServiceConfig, TenantEnvironment,
    TenantRegion,
};

use crate::destination::workday::NoObjectServices;
use crate::http::extra_authorities::CaFileError;
use crate::model::ProcurementService;

/// Reason for which a run has no destination, or no keys for the destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No destination was named.
    #[error(
        "no destination is named, and there is no default, so that nothing reaches the wrong \
         company: give {}, or --emulator to try consign without an account",
        destination_options(*service)
    )]
    NoDestination {
        /// Service of the manifest.
        service: ProcurementService,
    },
    /// A tenant of Workday was named for a manifest of another service.
    #[error(
        "--region and --environment name a tenant of {}, and the object types of this manifest are \
         of {service}: give {}, or --emulator to try consign without an account",
        ProcurementService::Workday,
        destination_options(*service)
    )]
    NoSuchTenant {
        /// Service of the manifest.
        service: ProcurementService,
    },
    /// One half of a tenant's name is missing.
    #[error("--region and --environment go together: {missing} is missing")]
    HalfTenant {
        /// Option for the missing half.
        missing: &'static str,
    },
    /// The base URL cannot be used.
    #[error("the base URL {url:?} {why}; a base URL looks like {}", example_base_url(*service))]
    InvalidBaseUrl {
        /// Service of the manifest.
        service: ProcurementService,
        /// The given URL, without secrets.
        url: String,
        /// Problem of the URL.
        why: String,
    },
    /// Keys are not set.
    #[error("the keys of the service come from the environment: {} not set", missing.join(" and ") + if missing.len() == 1 { " is" } else { " are" })]
    MissingKeys {
        /// Environment variables of the keys.
        missing: Vec<&'static str>,
    },
    /// The variable for a user holds no e-mail address. The message does not repeat the value,
    /// which may be a key in the wrong variable.
    #[error(
        "{variable} holds no e-mail address; set the variable to the address of the user in whose \
         name the files are attached"
    )]
    NoEmailAddress {
        /// Environment variable.
        variable: &'static str,
    },
    /// The base URL does not show where the services of the records are.
    #[error(transparent)]
    NoObjectServices(#[from] NoObjectServices),
    /// The file of certificate authorities cannot be read.
    #[error(transparent)]
    CaFile(#[from] CaFileError),
}

fn destination_options(service: ProcurementService) -> &'static str {
    match service {
        ProcurementService::Workday => {
            "--region us|eu|ca and --environment production|sandbox, or --base-url URL (or set \
             WORKDAY_BASE_URL)"
        }
        ProcurementService::Keelvar => {
            "--base-url URL (the address of your company's Keelvar, ending in /api), or set \
             KEELVAR_BASE_URL"
        }
    }
}

fn example_base_url(service: ProcurementService) -> &'static str {
    match service {
        ProcurementService::Workday => "https://api.us.workdayspend.com/services/attachments/v1",
        // Keelvar documents no host, so the example must not look like the right one.
        ProcurementService::Keelvar => {
            "https://my.keelvar.app/api, with the host that your company uses"
        }
    }
}

/// Returns the value of an environment variable. A blank value counts as not set.
pub fn environment_variable(name: &'static str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    (!value.trim().is_empty()).then_some(value)
}

/// Returns the path of the results file: beside the manifest, unless the user chooses another.
pub fn results_path(manifest: &Path, chosen: Option<&Path>) -> PathBuf {
    chosen.map_or_else(|| manifest.with_extension("results.csv"), Path::to_owned)
}
