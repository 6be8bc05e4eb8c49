//! The commands as they are ordered, with what stands in the environment. Nothing here knows how an
//! order was typed, and nothing is sent.

mod access;
mod amend;
mod jobs;
mod plans;
mod service;

use std::path::{Path, PathBuf};

pub use access::{Access, Credentials, renewal};
pub use amend::{AmendError, Amending, Backups, ChangePolicy};
pub use jobs::Jobs;
pub use plans::{
    AttachPlan, CheckPlan, ConsentPolicy, EmulatorPlan, EvidenceFile, ImportMode, ImportPlan,
    ManifestInput, NoticePolicy, OutputConfig, ReportPlan, ResumePolicy, SummaryForm,
    UnfitRowPolicy, VerifyPlan,
};
pub use service::{
    Base, NamedDestination, PreflightPolicy, ServiceConfig, TenantEnvironment, TenantRegion,
};

use crate::http::trust::CaFileError;
use crate::model::Service;

/// Why a run has no destination, or no keys for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Nothing says where to.
    #[error(
        "where are the attachments to go? There is no default, so that nothing reaches the wrong \
         company: give {}, or --emulator to try it without an account",
        how_to_name_a(*service)
    )]
    NoDestination {
        /// The service of the manifest.
        service: Service,
    },
    /// One of Workday's tenants for a manifest that is not for Workday.
    #[error(
        "--region and --environment name a tenant of {}, and the object types of this manifest \
         are of {service}: give {}, or --emulator to try it without an account",
        Service::Workday,
        how_to_name_a(*service)
    )]
    NoSuchTenant {
        /// The service of the manifest.
        service: Service,
    },
    /// One half of a pair.
    #[error("--region and --environment go together: {missing} is missing")]
    HalfATenant {
        /// The other half.
        missing: &'static str,
    },
    /// A base URL that cannot be used.
    #[error("the base URL {url:?} {why}; it looks like {}", example_of_a_base(*service))]
    BadBase {
        /// The service of the manifest.
        service: Service,
        /// What was given, without anything secret in it.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Keys that are not set.
    #[error("the keys of the service come from the environment: {} not set", missing.join(" and ") + if missing.len() == 1 { " is" } else { " are" })]
    NoKeys {
        /// The variables.
        missing: Vec<&'static str>,
    },
    /// A variable that names a user and holds something else. What it holds is not repeated: it may
    /// be a key that was put into the wrong variable.
    #[error(
        "{variable} holds no e-mail address; set it to that of the user in whose name the files \
         are attached"
    )]
    NoAddress {
        /// The variable.
        variable: &'static str,
    },
    /// Authorities that cannot be read.
    #[error(transparent)]
    CaFile(#[from] CaFileError),
}

fn how_to_name_a(service: Service) -> &'static str {
    match service {
        Service::Workday => {
            "--region us|eu|ca and --environment production|sandbox, or --base-url URL (or set \
             WORKDAY_BASE_URL)"
        }
        Service::Keelvar => {
            "--base-url URL (the address of your company's Keelvar, ending in /api), or set \
             KEELVAR_BASE_URL"
        }
    }
}

fn example_of_a_base(service: Service) -> &'static str {
    match service {
        Service::Workday => "https://api.us.workdayspend.com/services/attachments/v1",
        // Keelvar documents no host, so nobody is to take this one for the right one.
        Service::Keelvar => "https://my.keelvar.app/api, with the host that your company uses",
    }
}

/// A variable of the environment; one that is set to nothing is not set.
pub fn variable(name: &'static str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    (!value.trim().is_empty()).then_some(value)
}

/// Where the results go: beside the manifest, unless the user says otherwise.
pub fn results_path(manifest: &Path, chosen: Option<&Path>) -> PathBuf {
    chosen.map_or_else(|| manifest.with_extension("results.csv"), Path::to_owned)
}
