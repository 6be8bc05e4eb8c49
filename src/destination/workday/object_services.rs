//! Addresses of the services of contracts, events, projects and suppliers, which stand beside the
//! service of attachments (documented for each of them).

use url::Url;

use crate::model::ObjectType;

/// End of the path of the attachments API, as the vendor documents the path.
const ATTACHMENTS_PATH: &str = "/services/attachments/v1";

/// Services of the records, on the scheme, host and port of the attachments API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectServices {
    /// Path before `/services`; empty at the vendor's own hosts.
    prefix: Box<str>,
}

/// Refusal of a base URL beside which no service of records is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the base URL {base} does not end in /services/attachments/v1, beside which the services of \
     contracts, events, projects and suppliers stand; give a base URL with this end"
)]
pub struct NoObjectServices {
    base: Url,
}

impl ObjectServices {
    /// Returns the services beside a base URL of the attachments API.
    pub fn beside(base: &Url) -> Result<Self, NoObjectServices> {
        let path = base.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        match path.strip_suffix(ATTACHMENTS_PATH) {
            Some(prefix) => Ok(Self {
                prefix: prefix.into(),
            }),
            None => Err(NoObjectServices { base: base.clone() }),
        }
    }

    /// Returns the path of the list of a type. A single record stands below the list.
    pub(super) fn list_path(&self, kind: ObjectType) -> String {
        let (service, list) = (service_name(kind), super::resource_type(kind));
        format!("{}/services/{service}/v1/{list}", self.prefix)
    }
}

/// Returns the name of the service with the records of a type.
pub(super) fn service_name(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::SupplierCompany => "suppliers",
        other => super::resource_type(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(base: &str) -> Result<ObjectServices, NoObjectServices> {
        ObjectServices::beside(&Url::parse(base).unwrap())
    }

    #[test]
    fn the_services_of_records_stand_beside_the_attachments() {
        for base in [
            "https://api.eu.workdayspend.com/services/attachments/v1",
            "https://api.eu.workdayspend.com/services/attachments/v1/",
        ] {
            let services = beside(base).unwrap();
            for (kind, path) in [
                (ObjectType::Contract, "/services/contracts/v1/contracts"),
                (ObjectType::Event, "/services/events/v1/events"),
                (ObjectType::Project, "/services/projects/v1/projects"),
                (
                    ObjectType::SupplierCompany,
                    "/services/suppliers/v1/supplier_companies",
                ),
            ] {
                assert_eq!(services.list_path(kind), path);
            }
        }
        let behind_a_gateway = beside("https://gate.example/wss/services/attachments/v1").unwrap();
        assert_eq!(
            behind_a_gateway.list_path(ObjectType::Event),
            "/wss/services/events/v1/events"
        );
    }

    #[test]
    fn a_base_with_another_end_has_no_such_services() {
        for base in [
            "https://gate.example/v1",
            "https://gate.example/services/attachments/v2",
            "https://gate.example/services/attachments/v1/attachments",
            "https://gate.example/myservices/attachments/v1",
        ] {
            assert!(beside(base).is_err(), "{base}");
        }
        assert_eq!(
            beside("https://gate.example/v1").unwrap_err().to_string(),
            "the base URL https://gate.example/v1 does not end in /services/attachments/v1, beside \
             which the services of contracts, events, projects and suppliers stand; give a base \
             URL with this end"
        );
    }
}
