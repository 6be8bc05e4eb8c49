//! Credentials from the environment, and the network settings for a destination.
//!
//! Keys are read here and nowhere else.

use std::slice;

use secrecy::SecretString;

use super::{ConfigError, ResolvedDestination, ServiceConfig};
use crate::http::NetworkConfig;
use crate::http::api::KeyHeader;
use crate::http::extra_authorities::ExtraAuthorities;
use crate::http::target::ApiLocation;
use crate::model::ProcurementService;

/// Key for an emulator, which accepts any.
const PLACEHOLDER_KEY: &str = "emulator";

/// User for an emulator, which accepts any.
const PLACEHOLDER_USER: &str = "emulator@example.com";

/// Workday's environment variables, and the headers for their values.
const WORKDAY_KEYS: [(&str, &str); 3] = [
    ("WORKDAY_API_KEY", "x-api-key"),
    ("WORKDAY_USER_TOKEN", "x-user-token"),
    ("WORKDAY_USER_EMAIL", "x-user-email"),
];

/// Environment variable of Keelvar's key.
const KEELVAR_API_KEY: &str = "KEELVAR_API_KEY";

/// Environment variable of the user in whose name Keelvar's jobs are made.
const KEELVAR_USER_EMAIL: &str = "KEELVAR_USER_EMAIL";

/// Credentials and network settings for a destination.
pub struct ServiceAccess {
    /// Credentials for the service.
    pub credentials: ServiceCredentials,
    /// Network settings.
    pub network: NetworkConfig,
}

impl ServiceConfig {
    /// Resolves credentials and network settings for a destination. Fails if a key is missing or a
    /// file cannot be read.
    pub fn resolve_access(
        &self,
        base: &ResolvedDestination,
        service: ProcurementService,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<ServiceAccess, ConfigError> {
        let roots = self
            .ca_file
            .as_deref()
            .map(ExtraAuthorities::read)
            .transpose()?;
        Ok(ServiceAccess {
            credentials: ServiceCredentials::from_variables(service, base, variable)?,
            network: NetworkConfig {
                extra_authorities: roots.unwrap_or_default(),
                upload_hosts: self.upload_hosts.clone(),
            },
        })
    }
}

/// Credentials for a service.
pub enum ServiceCredentials {
    /// Workday's three keys, each in a header of the key's own.
    Workday([KeyHeader; 3]),
    /// Keelvar's key, and a user.
    Keelvar {
        /// Header with the key.
        key: KeyHeader,
        /// E-mail address of the user in whose name files are attached, which is named in each job.
        /// Checked only for text before and after a single `@`.
        user: String,
    },
}

impl ServiceCredentials {
    /// Resolves the credentials for a destination. An emulator on this machine accepts any values,
    /// so no variable needs to be set.
    fn from_variables(
        service: ProcurementService,
        base: &ResolvedDestination,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut variables = CredentialVariables {
            base,
            variable,
            missing: Vec::new(),
        };
        let credentials = match service {
            ProcurementService::Workday => Self::Workday(
                WORKDAY_KEYS.map(|(name, header)| KeyHeader::plain(header, variables.key(name))),
            ),
            ProcurementService::Keelvar => Self::Keelvar {
                key: KeyHeader::bearer(variables.key(KEELVAR_API_KEY)),
                user: variables.value_or(KEELVAR_USER_EMAIL, PLACEHOLDER_USER),
            },
        };
        if !variables.missing.is_empty() {
            let missing = variables.missing;
            return Err(ConfigError::MissingKeys { missing });
        }
        match credentials {
            Self::Keelvar { user, .. } if !looks_like_email_address(&user) => {
                Err(ConfigError::NoEmailAddress {
                    variable: KEELVAR_USER_EMAIL,
                })
            }
            credentials => Ok(credentials),
        }
    }

    /// Returns the service of the credentials.
    pub fn service(&self) -> ProcurementService {
        match self {
            Self::Workday(_) => ProcurementService::Workday,
            Self::Keelvar { .. } => ProcurementService::Keelvar,
        }
    }

    /// Returns the headers for every request. The headers go to the base URL alone.
    pub fn headers(&self) -> &[KeyHeader] {
        match self {
            Self::Workday(keys) => keys,
            Self::Keelvar { key, .. } => slice::from_ref(key),
        }
    }
}

/// Returns advice for rejected keys.
pub fn key_renewal_advice(service: ProcurementService) -> &'static str {
    match service {
        ProcurementService::Workday => {
            "are region and environment right? Each has keys of its own; else renew \
             WORKDAY_API_KEY, WORKDAY_USER_TOKEN and WORKDAY_USER_EMAIL, then go on"
        }
        ProcurementService::Keelvar => {
            "is the base URL right? Else renew KEELVAR_API_KEY, then go on"
        }
    }
}

/// Environment variables, as far as they count for a destination.
struct CredentialVariables<'a, V> {
    base: &'a ResolvedDestination,
    variable: V,
    /// Unset variables of a real service.
    missing: Vec<&'static str>,
}

impl<V: Fn(&'static str) -> Option<String>> CredentialVariables<'_, V> {
    fn key(&mut self, name: &'static str) -> SecretString {
        self.value_or(name, PLACEHOLDER_KEY).into()
    }

    fn value_or(&mut self, name: &'static str, any: &str) -> String {
        let value = match self.base {
            // Variables for a real service do not concern an embedded emulator.
            ResolvedDestination::Emulator => None,
            ResolvedDestination::Service(_) => (self.variable)(name),
        };
        if value.is_none() && self.base.api_location() == ApiLocation::Remote {
            self.missing.push(name);
        }
        value.unwrap_or_else(|| any.to_owned())
    }
}

fn looks_like_email_address(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    match text.split_once('@') {
        Some((name, domain)) => {
            !name.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !text.contains(is_odd)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn base(url: &str) -> ResolvedDestination {
        ResolvedDestination::Service(url.parse().unwrap())
    }

    fn remote() -> ResolvedDestination {
        base("https://example.com/v1")
    }

    /// Returns names and values of the headers.
    fn headers(credentials: &ServiceCredentials) -> Vec<(&'static str, String)> {
        let header = |key: &KeyHeader| (key.name(), key.value().expose_secret().to_owned());
        credentials.headers().iter().map(header).collect()
    }

    fn refusal(
        service: ProcurementService,
        base: &ResolvedDestination,
        set: &[(&str, &str)],
    ) -> String {
        let found = ServiceCredentials::from_variables(service, base, value_of(set));
        found.err().unwrap().to_string()
    }

    fn value_of(set: &[(&str, &str)]) -> impl Fn(&'static str) -> Option<String> {
        |name| {
            let found = set.iter().find(|(set, _)| *set == name)?;
            Some(found.1.to_owned())
        }
    }

    #[test]
    fn missing_keys_are_named() {
        assert_eq!(
            refusal(
                ProcurementService::Workday,
                &remote(),
                &[("WORKDAY_API_KEY", "k")]
            ),
            "the keys of the service come from the environment: \
             WORKDAY_USER_TOKEN and WORKDAY_USER_EMAIL are not set"
        );
        assert_eq!(
            refusal(
                ProcurementService::Keelvar,
                &remote(),
                &[("WORKDAY_API_KEY", "k")]
            ),
            "the keys of the service come from the environment: \
             KEELVAR_API_KEY and KEELVAR_USER_EMAIL are not set"
        );
        assert_eq!(
            refusal(
                ProcurementService::Keelvar,
                &remote(),
                &[("KEELVAR_API_KEY", "k")]
            ),
            "the keys of the service come from the environment: KEELVAR_USER_EMAIL is not set"
        );
    }

    #[test]
    fn each_key_stands_in_the_header_that_its_service_wants() {
        let set = [
            ("WORKDAY_API_KEY", "one"),
            ("WORKDAY_USER_TOKEN", "two"),
            ("WORKDAY_USER_EMAIL", "me@example.com"),
            ("KEELVAR_API_KEY", "three"),
            ("KEELVAR_USER_EMAIL", "you@example.com"),
        ];
        let workday = ServiceCredentials::from_variables(
            ProcurementService::Workday,
            &remote(),
            value_of(&set),
        )
        .unwrap();
        assert_eq!(
            headers(&workday),
            [
                ("x-api-key", "one".to_owned()),
                ("x-user-token", "two".to_owned()),
                ("x-user-email", "me@example.com".to_owned())
            ]
        );
        let keelvar = ServiceCredentials::from_variables(
            ProcurementService::Keelvar,
            &remote(),
            value_of(&set),
        )
        .unwrap();
        assert_eq!(
            headers(&keelvar),
            [("authorization", "Bearer three".to_owned())]
        );
        let ServiceCredentials::Keelvar { user, .. } = keelvar else {
            panic!("it is another service's");
        };
        assert_eq!(user, "you@example.com");
    }

    #[test]
    fn an_emulator_needs_no_keys_and_an_embedded_one_gets_none() {
        let set = [("WORKDAY_API_KEY", "k"), ("KEELVAR_API_KEY", "k")];
        let local = base("http://127.0.0.1:1/v1");
        for (base, service, first) in [
            (&local, ProcurementService::Workday, "k"),
            (&local, ProcurementService::Keelvar, "Bearer k"),
            (
                &ResolvedDestination::Emulator,
                ProcurementService::Workday,
                "emulator",
            ),
            (
                &ResolvedDestination::Emulator,
                ProcurementService::Keelvar,
                "Bearer emulator",
            ),
        ] {
            let found = ServiceCredentials::from_variables(service, base, value_of(&set)).unwrap();
            assert_eq!(headers(&found)[0].1, first);
        }
    }

    #[test]
    fn the_user_of_keelvar_is_an_address_and_nothing_else_is_repeated() {
        for bad in [
            "my-secret-key",
            "@example.com",
            "me@",
            "a@b@c",
            "me @example.com",
        ] {
            let set = [("KEELVAR_API_KEY", "k"), ("KEELVAR_USER_EMAIL", bad)];
            for base in [remote(), base("http://127.0.0.1:1/api")] {
                assert_eq!(
                    refusal(ProcurementService::Keelvar, &base, &set),
                    "KEELVAR_USER_EMAIL holds no e-mail address; set the variable to the address \
                     of the user in whose name the files are attached",
                    "{bad}"
                );
            }
        }
    }
}
