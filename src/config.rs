//! What was typed, and what stands in the environment, resolved to what it means. No network.

mod access;
mod amend;
mod jobs;

use std::path::{Path, PathBuf};

use url::Url;

pub use access::{Access, Credentials, renewal};
pub use amend::{AmendError, Amending, Backups};
pub use jobs::Jobs;

use crate::cli::{Environment, Region, ServiceArgs};
use crate::http::proxy::Proxies;
use crate::http::target::{ApiHost, is_loopback};
use crate::http::trust::CaFileError;
use crate::model::Service;

/// How the embedded emulator is called in the results.
const EMULATOR: &str = "emulator";

/// Where attachments go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// To the service behind this URL.
    Service(Url),
    /// To an emulator that is started for this run.
    Emulator,
}

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

impl Base {
    /// Decides where the attachments of a manifest for this service go.
    pub fn of(
        args: &ServiceArgs,
        service: Service,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        if args.emulator {
            return Ok(Self::Emulator);
        }
        let named = match &args.base_url {
            Some(url) => Some(url.clone()),
            None => tenant(args, service)?.or_else(|| variable(base_variable(service))),
        };
        let url = named.ok_or(ConfigError::NoDestination { service })?;
        parse_base(&url, service).map(Self::Service)
    }

    /// How the destination is called in the results: host and path, or `emulator`.
    pub fn label(&self) -> String {
        match self {
            Self::Emulator => EMULATOR.to_owned(),
            Self::Service(url) => {
                let port = url.port().map(|port| format!(":{port}"));
                format!(
                    "{}{}{}",
                    url.host_str().unwrap_or_default(),
                    port.unwrap_or_default(),
                    url.path()
                )
            }
        }
    }

    /// The proxy by way of which the service is reached, if there is one.
    pub fn proxy(&self) -> Option<String> {
        match self {
            Self::Emulator => None,
            Self::Service(url) => Proxies::on_the_way_to(ApiHost::of(url)).of(url),
        }
    }

    /// Where the host of the API stands; an embedded emulator is on this machine.
    pub fn host(&self) -> ApiHost {
        match self {
            Self::Emulator => ApiHost::Loopback,
            Self::Service(url) => ApiHost::of(url),
        }
    }
}

/// The variable with the base, for users who have but one.
fn base_variable(service: Service) -> &'static str {
    match service {
        Service::Workday => "WORKDAY_BASE_URL",
        Service::Keelvar => "KEELVAR_BASE_URL",
    }
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

/// The base of the tenant that the options name, if they name one.
fn tenant(args: &ServiceArgs, service: Service) -> Result<Option<String>, ConfigError> {
    match (service, args.region, args.environment) {
        (_, None, None) => Ok(None),
        (Service::Keelvar, _, _) => Err(ConfigError::NoSuchTenant { service }),
        (Service::Workday, Some(region), Some(environment)) => {
            Ok(Some(tenant_base(region, environment)))
        }
        (Service::Workday, Some(_), None) => Err(ConfigError::HalfATenant {
            missing: "--environment production|sandbox",
        }),
        (Service::Workday, None, Some(_)) => Err(ConfigError::HalfATenant {
            missing: "--region us|eu|ca",
        }),
    }
}

/// One of the six bases that the vendor documents.
fn tenant_base(region: Region, environment: Environment) -> String {
    let sandbox = match environment {
        Environment::Production => "",
        Environment::Sandbox => "sandbox.",
    };
    let region = match region {
        Region::Us => "us",
        Region::Eu => "eu",
        Region::Ca => "ca",
    };
    format!("https://api.{sandbox}{region}.workdayspend.com/services/attachments/v1")
}

fn parse_base(text: &str, service: Service) -> Result<Url, ConfigError> {
    let bad = |url: &str, why: String| ConfigError::BadBase {
        service,
        url: url.to_owned(),
        why,
    };
    let mut url =
        Url::parse(text.trim()).map_err(|error| bad(text, format!("is no URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // The text is not repeated: it may hold a password.
        return Err(bad(
            "…",
            "names a user; keys come from the environment".into(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad(text, "goes on after the path".into()));
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(bad(
            text,
            "is not https (http is for this machine only)".into(),
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Where the results go: beside the manifest, unless the user says otherwise.
pub fn results_path(manifest: &Path, chosen: Option<&Path>) -> PathBuf {
    chosen.map_or_else(|| manifest.with_extension("results.csv"), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn args() -> ServiceArgs {
        ServiceArgs {
            region: None,
            environment: None,
            base_url: None,
            emulator: false,
            rate: 5,
            concurrency: 8,
            skip_preflight: false,
            max_outage: Duration::from_secs(1),
            ca_file: None,
            upload_host: Vec::new(),
        }
    }

    fn base_url(url: &str) -> Result<Base, ConfigError> {
        let base_url = Some(url.to_owned());
        let args = ServiceArgs { base_url, ..args() };
        Base::of(&args, Service::Workday, |_| None)
    }

    #[test]
    fn the_six_documented_bases_are_known() {
        for (region, environment, host) in [
            (Region::Us, Environment::Production, "api.us"),
            (Region::Eu, Environment::Production, "api.eu"),
            (Region::Ca, Environment::Production, "api.ca"),
            (Region::Us, Environment::Sandbox, "api.sandbox.us"),
            (Region::Eu, Environment::Sandbox, "api.sandbox.eu"),
            (Region::Ca, Environment::Sandbox, "api.sandbox.ca"),
        ] {
            let args = ServiceArgs {
                region: Some(region),
                environment: Some(environment),
                ..args()
            };
            let variable = |_| Some("https://ignored.example".to_owned());
            let base = Base::of(&args, Service::Workday, variable).unwrap();
            assert_eq!(
                base.label(),
                format!("{host}.workdayspend.com/services/attachments/v1")
            );
        }
    }

    #[test]
    fn there_is_no_default_and_half_a_tenant_is_none() {
        let service = Service::Workday;
        assert_eq!(
            Base::of(&args(), service, |_| None),
            Err(ConfigError::NoDestination { service })
        );
        let region = Some(Region::Us);
        let args = ServiceArgs { region, ..args() };
        let half = Base::of(&args, service, |_| None).unwrap_err();
        assert!(half.to_string().contains("--environment"));
    }

    #[test]
    fn each_service_has_a_variable_of_its_own_for_its_base() {
        let variable = |name: &'static str| {
            let host = name.strip_suffix("_BASE_URL")?.to_lowercase();
            Some(format!("https://{host}.example/x"))
        };
        for (service, label) in [
            (Service::Workday, "workday.example/x"),
            (Service::Keelvar, "keelvar.example/x"),
        ] {
            let base = Base::of(&args(), service, variable).unwrap();
            assert_eq!(base.label(), label);
        }
    }

    #[test]
    fn keelvar_has_no_tenants_and_no_default() {
        let service = Service::Keelvar;
        let said = |args: &ServiceArgs| {
            let refused = Base::of(args, service, |_| None).unwrap_err();
            refused.to_string()
        };
        assert_eq!(
            said(&args()),
            "where are the attachments to go? There is no default, so that nothing reaches the \
             wrong company: give --base-url URL (the address of your company's Keelvar, ending in \
             /api), or set KEELVAR_BASE_URL, or --emulator to try it without an account"
        );
        let half = ServiceArgs {
            region: Some(Region::Us),
            ..args()
        };
        let whole = ServiceArgs {
            region: Some(Region::Us),
            environment: Some(Environment::Sandbox),
            ..args()
        };
        for tenant in [half, whole] {
            assert_eq!(
                said(&tenant),
                "--region and --environment name a tenant of Workday Strategic Sourcing, and the \
                 object types of this manifest are of Keelvar: give --base-url URL (the address \
                 of your company's Keelvar, ending in /api), or set KEELVAR_BASE_URL, or \
                 --emulator to try it without an account"
            );
        }
        let bad = ServiceArgs {
            base_url: Some("http://example.com/api".to_owned()),
            ..args()
        };
        assert_eq!(
            said(&bad),
            "the base URL \"http://example.com/api\" is not https (http is for this machine \
             only); it looks like https://my.keelvar.app/api, with the host that your company uses"
        );
    }

    #[test]
    fn a_base_is_https_or_on_this_machine() {
        for good in [
            "https://example.com/services/attachments/v1/",
            "http://127.0.0.1:8080/services/attachments/v1",
            "http://localhost:8080/x",
            "http://[::1]:8080/x",
        ] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/x",
            "http://10.0.0.1/x",
            "ftp://example.com",
            "https://example.com/x?tenant=1",
            "example.com",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_a_base_is_refused_and_not_repeated() {
        let refused = base_url("https://me:hunter2@example.com/x").unwrap_err();
        assert!(!refused.to_string().contains("hunter2"));
    }

    #[test]
    fn the_same_base_has_one_label() {
        let label = |url| base_url(url).unwrap().label();
        assert_eq!(label("https://example.com/v1/"), "example.com/v1");
        assert_eq!(label("https://EXAMPLE.com:443/v1"), "example.com/v1");
        assert_eq!(label("http://127.0.0.1:99/v1"), "127.0.0.1:99/v1");
    }
}
