//! Arguments as typed, resolved to what they mean.

use super::ServiceArgs;
use crate::config::{NamedDestination, PreflightPolicy, ServiceConfig};

impl ServiceArgs {
    /// What the arguments mean, as far as that shows before it is known which service they are for.
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
