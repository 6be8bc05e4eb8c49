//! Routing of a request by path to an emulated service. Each service parses the rest
//! of the path itself.

use axum::http::Method;
use uuid::Uuid;

use super::attachments::{ATTACHMENTS_BASE, AttachmentRoute, AttachmentServer};
use super::jobs::{JOBS_BASE, JobServer, JobsRoute};
use super::operation::Operation;
use super::path::below;
use super::storage::{ObjectOwner, StorageRoute};

/// Service for a request, with the route inside the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Attachments(AttachmentRoute),
    Jobs(JobsRoute),
    /// The storage, for an object of an attachment.
    AttachmentObject(StorageRoute<u64>),
    /// The storage, for an object of a job.
    JobObject(StorageRoute<Uuid>),
    /// The path is below none of the bases.
    Outside,
}

impl Route {
    /// Parses a method and a percent-encoded path.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        if let Some(rest) = below(path, ATTACHMENTS_BASE) {
            Self::Attachments(AttachmentRoute::of(method, rest))
        } else if let Some(rest) = below(path, JOBS_BASE) {
            Self::Jobs(JobsRoute::of(method, rest))
        } else if let Some(rest) = below(path, AttachmentServer::BASE) {
            Self::AttachmentObject(StorageRoute::of(method, rest, AttachmentServer::id))
        } else if let Some(rest) = below(path, JobServer::BASE) {
            Self::JobObject(StorageRoute::of(method, rest, JobServer::id))
        } else {
            Self::Outside
        }
    }

    /// Returns the operation under which the request is logged.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Attachments(route) => route.operation(),
            Self::Jobs(route) => route.operation(),
            Self::AttachmentObject(route) => route.operation(),
            Self::JobObject(route) => route.operation(),
            Self::Outside => Operation::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_service_whose_base_it_begins_with() {
        let get = |path: &str| Route::of(&Method::GET, path);
        assert_eq!(
            get("/services/attachments/v1/attachments"),
            Route::Attachments(AttachmentRoute::List)
        );
        assert_eq!(get("/api/jobs").operation(), Operation::ListJobs);
        let key = "0123456789abcdef0123456789abcdef";
        let object = get(&format!("/storage/uploads/7/{key}/a.pdf"));
        assert!(matches!(
            object,
            Route::AttachmentObject(StorageRoute::Download(_))
        ));
        let job = "9d8d1d8e-4e4b-4f29-8d0c-1d6f0b8f9a11";
        let object = get(&format!("/storage/jobs/{job}/{key}/a.pdf"));
        assert!(matches!(
            object,
            Route::JobObject(StorageRoute::Download(_))
        ));
        assert_eq!(get("/services/contracts/v1"), Route::Outside);
    }
}
