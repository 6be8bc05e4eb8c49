//! Destination of a run, rate, and network settings.
//!
//! The service follows from the manifest or the results. Settings that depend on the service are
//! resolved after reading them: [`ServiceConfig::resolve_destination`], then
//! [`ServiceConfig::resolve_access`].

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::ConfigError;
use crate::destination::workday::ObjectServices;
use crate::http::proxy::SystemProxies;
use crate::http::target::{ApiLocation, HostSuffix, is_loopback};
use crate::model::ProcurementService;

/// Label of the embedded emulator in the results.
const EMULATOR_LABEL: &str = "emulator";

/// User's settings for the service and the way there.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Destination, as far as named by the user.
    pub destination: NamedDestination,
    /// API requests a second.
    pub rate: u32,
    /// Rows at work at once.
    pub concurrency: usize,
    /// Treatment of the first request.
    pub preflight: PreflightPolicy,
    /// Longest absence of the service before a run stops.
    pub max_outage: Duration,
    /// PEM file of authorities to trust, in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Only hosts for the bytes of files, and the hosts below them. Empty: any public host.
    pub upload_hosts: Vec<HostSuffix>,
}

/// Destination as named by the user. Each service interprets the name in a way of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedDestination {
    /// An emulator, started for the run.
    Emulator,
    /// Unchecked base URL of the service.
    BaseUrl(String),
    /// A tenant of Workday.
    Tenant(TenantRegion, TenantEnvironment),
    /// One half of a tenant's name. Judged only when the service is known, since a service without
    /// tenants refuses tenants for a reason of its own.
    HalfTenant {
        /// Option for the other half.
        missing: &'static str,
    },
    /// No destination, so the service's environment variable counts.
    Unnamed,
}

/// Region of Workday's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantRegion {
    /// United States.
    Us,
    /// Europe.
    Eu,
    /// Canada.
    Ca,
}

/// Environment of a company in Workday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantEnvironment {
    /// The real one.
    Production,
    /// Environment for trials.
    Sandbox,
}

/// Treatment of the first request of a run, whose answer proves address and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreflightPolicy {
    /// The request is sent before files are hashed, which may take an hour.
    Ask,
    /// The request is left out. The first request of the work itself proves address and keys.
    Skip,
}

/// Destination of attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedDestination {
    /// Base URL of the service.
    Service(Url),
    /// An emulator, started for the run.
    Emulator,
}

impl ServiceConfig {
    /// Resolves the destination for a manifest of this service. Fails if no destination is named,
    /// or the named destination cannot be used.
    pub fn resolve_destination(
        &self,
        service: ProcurementService,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<ResolvedDestination, ConfigError> {
        let named = match &self.destination {
            NamedDestination::Emulator => return Ok(ResolvedDestination::Emulator),
            NamedDestination::BaseUrl(url) => Some(url.clone()),
            NamedDestination::Tenant(region, environment)
                if service == ProcurementService::Workday =>
            {
                Some(tenant_base_url(*region, *environment))
            }
            NamedDestination::HalfTenant { missing } if service == ProcurementService::Workday => {
                return Err(ConfigError::HalfTenant { missing });
            }
            NamedDestination::Tenant(..) | NamedDestination::HalfTenant { .. } => {
                return Err(ConfigError::NoSuchTenant { service });
            }
            NamedDestination::Unnamed => variable(base_url_variable(service)),
        };
        let url = named.ok_or(ConfigError::NoDestination { service })?;
        parse_base_url(&url, service).map(ResolvedDestination::Service)
    }
}

impl ResolvedDestination {
    /// Returns the label of the destination in the results: host and path, or `emulator`.
    pub fn label(&self) -> String {
        match self {
            Self::Emulator => EMULATOR_LABEL.to_owned(),
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

    /// Checks that the services of Workday's records are known beside the base URL. An embedded
    /// emulator has these services.
    pub fn check_object_services(&self) -> Result<(), ConfigError> {
        match self {
            Self::Emulator => Ok(()),
            Self::Service(base) => Ok(ObjectServices::beside(base).map(|_| ())?),
        }
    }

    /// Returns the proxy on the way to the service, if any.
    pub fn proxy(&self) -> Option<String> {
        match self {
            Self::Emulator => None,
            Self::Service(url) => {
                SystemProxies::for_api(ApiLocation::from_base_url(url)).proxy_for(url)
            }
        }
    }

    /// Returns the location of the API. An embedded emulator is on this machine.
    pub fn api_location(&self) -> ApiLocation {
        match self {
            Self::Emulator => ApiLocation::Loopback,
            Self::Service(url) => ApiLocation::from_base_url(url),
        }
    }
}

/// Returns the environment variable of the base URL, for users with a single base.
fn base_url_variable(service: ProcurementService) -> &'static str {
    match service {
        ProcurementService::Workday => "WORKDAY_BASE_URL",
        ProcurementService::Keelvar => "KEELVAR_BASE_URL",
    }
}

/// Returns one of the six base URLs documented by the vendor.
fn tenant_base_url(region: TenantRegion, environment: TenantEnvironment) -> String {
    let sandbox = match environment {
        TenantEnvironment::Production => "",
        TenantEnvironment::Sandbox => "sandbox.",
    };
    let region = match region {
        TenantRegion::Us => "us",
        TenantRegion::Eu => "eu",
        TenantRegion::Ca => "ca",
    };
    format!("https://api.{sandbox}{region}.workdayspend.com/services/attachments/v1")
}

fn parse_base_url(text: &str, service: ProcurementService) -> Result<Url, ConfigError> {
    let bad = |url: &str, why: String| ConfigError::InvalidBaseUrl {
        service,
        url: url.to_owned(),
        why,
    };
    let mut url =
        Url::parse(text.trim()).map_err(|error| bad(text, format!("is no URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // The message does not repeat the text, which may hold a password.
        return Err(bad(
            "…",
            "names a user; keys come from the environment".into(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad(text, "has a query or a fragment".into()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(destination: NamedDestination) -> ServiceConfig {
        ServiceConfig {
            destination,
            rate: 5,
            concurrency: 8,
            preflight: PreflightPolicy::Ask,
            max_outage: Duration::from_secs(1),
            ca_file: None,
            upload_hosts: Vec::new(),
        }
    }

    fn unnamed() -> ServiceConfig {
        named(NamedDestination::Unnamed)
    }

    fn half_tenant() -> ServiceConfig {
        let missing = "--environment production|sandbox";
        named(NamedDestination::HalfTenant { missing })
    }

    fn base_url(url: &str) -> Result<ResolvedDestination, ConfigError> {
        let config = named(NamedDestination::BaseUrl(url.to_owned()));
        config.resolve_destination(ProcurementService::Workday, |_| None)
    }

    #[test]
    fn the_six_documented_bases_are_known() {
        for (region, environment, host) in [
            (TenantRegion::Us, TenantEnvironment::Production, "api.us"),
            (TenantRegion::Eu, TenantEnvironment::Production, "api.eu"),
            (TenantRegion::Ca, TenantEnvironment::Production, "api.ca"),
            (
                TenantRegion::Us,
                TenantEnvironment::Sandbox,
                "api.sandbox.us",
            ),
            (
                TenantRegion::Eu,
                TenantEnvironment::Sandbox,
                "api.sandbox.eu",
            ),
            (
                TenantRegion::Ca,
                TenantEnvironment::Sandbox,
                "api.sandbox.ca",
            ),
        ] {
            let config = named(NamedDestination::Tenant(region, environment));
            let variable = |_| Some("https://ignored.example".to_owned());
            let base = config
                .resolve_destination(ProcurementService::Workday, variable)
                .unwrap();
            assert_eq!(
                base.label(),
                format!("{host}.workdayspend.com/services/attachments/v1")
            );
        }
    }

    #[test]
    fn there_is_no_default_and_half_a_tenant_is_none() {
        let service = ProcurementService::Workday;
        assert_eq!(
            unnamed().resolve_destination(service, |_| None),
            Err(ConfigError::NoDestination { service })
        );
        let half = half_tenant()
            .resolve_destination(service, |_| None)
            .unwrap_err();
        assert!(half.to_string().contains("--environment"));
    }

    #[test]
    fn each_service_has_a_variable_of_its_own_for_its_base() {
        let variable = |name: &'static str| {
            let host = name.strip_suffix("_BASE_URL")?.to_lowercase();
            Some(format!("https://{host}.example/x"))
        };
        for (service, label) in [
            (ProcurementService::Workday, "workday.example/x"),
            (ProcurementService::Keelvar, "keelvar.example/x"),
        ] {
            let base = unnamed().resolve_destination(service, variable).unwrap();
            assert_eq!(base.label(), label);
        }
    }

    #[test]
    fn keelvar_has_no_tenants_and_no_default() {
        let service = ProcurementService::Keelvar;
        let said = |config: &ServiceConfig| {
            let refused = config.resolve_destination(service, |_| None).unwrap_err();
            refused.to_string()
        };
        assert_eq!(
            said(&unnamed()),
            "no destination is named, and there is no default, so that nothing reaches the wrong \
             company: give --base-url URL (the address of your company's Keelvar, ending in /api), \
             or set KEELVAR_BASE_URL, or --emulator to try consign without an account"
        );
        let whole = NamedDestination::Tenant(TenantRegion::Us, TenantEnvironment::Sandbox);
        for tenant in [half_tenant(), named(whole)] {
            assert_eq!(
                said(&tenant),
                "--region and --environment name a tenant of Workday Strategic Sourcing, and the \
                 object types of this manifest are of Keelvar: give --base-url URL (the address of \
                 your company's Keelvar, ending in /api), or set KEELVAR_BASE_URL, or --emulator \
                 to try consign without an account"
            );
        }
        let bad = named(NamedDestination::BaseUrl(
            "http://example.com/api".to_owned(),
        ));
        assert_eq!(
            said(&bad),
            "the base URL \"http://example.com/api\" is not https (http is for this machine only); \
             a base URL looks like https://my.keelvar.app/api, with the host that your company \
             uses"
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
