//! Routes of the sister services, parsed from method, path and the names of the query's parameters.
//! No keys or state are looked at here.

use axum::http::Method;
use url::form_urlencoded;

use crate::emulator::attachments::{decode_segment, parse_number};
use crate::emulator::operation::EmulatorOperation;
use crate::emulator::url_path::strip_base;
use crate::model::ObjectType;

/// Query parameter with the external id of the objects in the list.
pub(super) const EXTERNAL_ID_FILTER: &str = "filter[external_id_equals]";

/// Sister service: type of the objects, base path, and last segment of the list's path, used as the
/// JSON:API type as well.
struct SisterService {
    kind: ObjectType,
    base: &'static str,
    collection: &'static str,
}

const SISTER_SERVICES: [SisterService; 4] = [
    SisterService {
        kind: ObjectType::Contract,
        base: "/services/contracts/v1",
        collection: "contracts",
    },
    SisterService {
        kind: ObjectType::Event,
        base: "/services/events/v1",
        collection: "events",
    },
    SisterService {
        kind: ObjectType::Project,
        base: "/services/projects/v1",
        collection: "projects",
    },
    SisterService {
        kind: ObjectType::SupplierCompany,
        base: "/services/suppliers/v1",
        collection: "supplier_companies",
    },
];

/// Returns the path of a list, and the JSON:API type of its objects.
pub(super) fn list_path(kind: ObjectType) -> (String, &'static str) {
    let service = SISTER_SERVICES.iter().find(|service| service.kind == kind);
    service.map_or_else(Default::default, |service| {
        let path = format!("{}/{}", service.base, service.collection);
        (path, service.collection)
    })
}

/// Request to a sister service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) enum ObjectRoute {
    List(ObjectType),
    /// List with a filter.
    Filter(ObjectType),
    Get(ObjectType, u64),
    /// External id, percent-decoded.
    GetByExternalId(ObjectType, String),
    /// Existing path, with an unsupported method.
    WrongMethod,
    UnknownPath,
}

impl ObjectRoute {
    /// Parses a request; `None` if the path is below no sister service.
    pub(in crate::emulator) fn parse(method: &Method, path: &str, query: &str) -> Option<Self> {
        let in_service = |service: &SisterService| {
            let segments: Vec<&str> = strip_base(path, service.base)?.split('/').collect();
            let (first, rest) = segments.split_first()?;
            Some(if *first == service.collection {
                Self::parse_rest(service.kind, method, rest, query)
            } else {
                Self::UnknownPath
            })
        };
        SISTER_SERVICES.iter().find_map(in_service)
    }

    fn parse_rest(kind: ObjectType, method: &Method, rest: &[&str], query: &str) -> Self {
        let filters = |query: &str| {
            form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == EXTERNAL_ID_FILTER)
        };
        let route = match rest {
            [] if filters(query) => Some(Self::Filter(kind)),
            [] => Some(Self::List(kind)),
            [id] => parse_number(id).map(|id| Self::Get(kind, id)),
            // Events have no such path.
            [external_id, "external_id"] if kind != ObjectType::Event => {
                decode_segment(external_id).map(|id| Self::GetByExternalId(kind, id))
            }
            _ => None,
        };
        match route {
            Some(route) if method == Method::GET => route,
            Some(_) => Self::WrongMethod,
            None => Self::UnknownPath,
        }
    }

    /// Operation under which the request is logged.
    pub(in crate::emulator) fn operation(&self) -> EmulatorOperation {
        match self {
            Self::List(_) => EmulatorOperation::ListObjects,
            Self::Filter(_) => EmulatorOperation::FilterObjects,
            Self::Get(..) => EmulatorOperation::GetObject,
            Self::GetByExternalId(..) => EmulatorOperation::GetObjectByExternalId,
            Self::WrongMethod | Self::UnknownPath => EmulatorOperation::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_a_list_a_filter_objects_and_mostly_objects_by_external_id() {
        use ObjectRoute::{Filter, Get, GetByExternalId, List, UnknownPath};
        let get = |path: &str, query: &str| {
            let path = format!("/services/{path}");
            ObjectRoute::parse(&Method::GET, &path, query)
        };
        let filter = "page%5Bsize%5D=2&filter%5Bexternal_id_equals%5D=a";
        for (path, query, route) in [
            ("contracts/v1/contracts", "", List(ObjectType::Contract)),
            ("events/v1/events", filter, Filter(ObjectType::Event)),
            (
                "suppliers/v1/supplier_companies/7",
                "",
                Get(ObjectType::SupplierCompany, 7),
            ),
            (
                "projects/v1/projects/a%2Fb/external_id",
                "",
                GetByExternalId(ObjectType::Project, "a/b".to_owned()),
            ),
            ("events/v1/events/E-1/external_id", "", UnknownPath),
            ("contracts/v1/projects", "", UnknownPath),
            ("contracts/v1/contracts/x", "", UnknownPath),
        ] {
            assert_eq!(get(path, query), Some(route), "{path}");
        }
        assert_eq!(get("attachments/v1/attachments", ""), None);
        let posted = ObjectRoute::parse(&Method::POST, "/services/events/v1/events", "");
        assert_eq!(posted, Some(ObjectRoute::WrongMethod));
    }
}
