//! Routing of a request by path to an emulated service. Each service parses the rest
//! of the path itself.

use axum::http::{Method, Uri};
use uuid::Uuid;

use super::attachments::{ATTACHMENTS_BASE, AttachmentRoute, AttachmentServer};
use super::jobs::{JOBS_BASE, JobServer, JobsRoute};
use super::objects::ObjectRoute;
use super::operation::EmulatorOperation;
use super::storage::{ObjectOwner, StorageRoute};
use super::url_path::strip_base;

/// Service for a request, with the route inside the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestRoute {
    Attachments(AttachmentRoute),
    /// A sister service of the attachments API.
    Objects(ObjectRoute),
    Jobs(JobsRoute),
    /// The storage, for an object of an attachment.
    AttachmentObject(StorageRoute<u64>),
    /// The storage, for an object of a job.
    JobObject(StorageRoute<Uuid>),
    /// The path is below none of the bases.
    Unknown,
}

impl RequestRoute {
    /// Parses a method, and the percent-encoded path and query.
    pub(super) fn parse(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        if let Some(rest) = strip_base(path, ATTACHMENTS_BASE) {
            Self::Attachments(AttachmentRoute::parse(method, rest))
        } else if let Some(rest) = strip_base(path, JOBS_BASE) {
            Self::Jobs(JobsRoute::parse(method, rest))
        } else if let Some(rest) = strip_base(path, AttachmentServer::OBJECTS_BASE) {
            Self::AttachmentObject(StorageRoute::parse(
                method,
                rest,
                AttachmentServer::parse_id,
            ))
        } else if let Some(rest) = strip_base(path, JobServer::OBJECTS_BASE) {
            Self::JobObject(StorageRoute::parse(method, rest, JobServer::parse_id))
        } else {
            let query = uri.query().unwrap_or_default();
            ObjectRoute::parse(method, path, query).map_or(Self::Unknown, Self::Objects)
        }
    }

    /// Returns the operation under which the request is logged.
    pub(super) fn operation(&self) -> EmulatorOperation {
        match self {
            Self::Attachments(route) => route.operation(),
            Self::Objects(route) => route.operation(),
            Self::Jobs(route) => route.operation(),
            Self::AttachmentObject(route) => route.operation(),
            Self::JobObject(route) => route.operation(),
            Self::Unknown => EmulatorOperation::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_service_whose_base_it_begins_with() {
        let get = |path: &str| RequestRoute::parse(&Method::GET, &path.parse().unwrap());
        assert_eq!(
            get("/services/attachments/v1/attachments"),
            RequestRoute::Attachments(AttachmentRoute::List)
        );
        assert_eq!(get("/api/jobs").operation(), EmulatorOperation::ListJobs);
        let key = "0123456789abcdef0123456789abcdef";
        let object = get(&format!("/storage/uploads/7/{key}/a.pdf"));
        assert!(matches!(
            object,
            RequestRoute::AttachmentObject(StorageRoute::Download(_))
        ));
        let job = "9d8d1d8e-4e4b-4f29-8d0c-1d6f0b8f9a11";
        let object = get(&format!("/storage/jobs/{job}/{key}/a.pdf"));
        assert!(matches!(
            object,
            RequestRoute::JobObject(StorageRoute::Download(_))
        ));
        let contracts = get("/services/contracts/v1/contracts?page%5Bsize%5D=100");
        assert_eq!(contracts.operation(), EmulatorOperation::ListObjects);
        assert_eq!(get("/services/contracts/v1"), RequestRoute::Unknown);
    }
}
