//! Operations of all emulated services, with their names in the request log and in scenario files.

use serde::{Deserialize, Serialize};

/// Operation of a request, as the request log and the scripted faults name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmulatorOperation {
    /// `GET /attachments?filter[id_equals]=…`
    List,
    /// `POST /attachments`
    Create,
    /// `GET /attachments/{id}`
    Get,
    /// `GET /attachments/{external_id}/external_id`
    GetByExternalId,
    /// `PATCH /attachments/{id}`
    Update,
    /// `PATCH /attachments/{external_id}/external_id`
    UpdateByExternalId,
    /// `PUT` to an upload URL.
    Upload,
    /// `GET` of a download URL.
    Download,
    /// `GET /contracts`, or the like of events, projects and supplier companies, without a filter.
    ListObjects,
    /// `GET /contracts?filter[external_id_equals]=…`, or the like.
    FilterObjects,
    /// `GET /contracts/{id}`, or the like.
    GetObject,
    /// `GET /contracts/{external_id}/external_id`, or the like of projects and supplier companies.
    GetObjectByExternalId,
    /// `POST /jobs/attach-files-to-sourcing-event` or `POST /jobs/attach-files-to-sourcing-request`
    CreateJob,
    /// `GET /jobs/{id}`
    GetJob,
    /// `GET /jobs/`
    ListJobs,
    /// Anything else: an unknown path, or a method which the path does not have.
    Other,
    /// Not a request: the purge of a record which never got its bytes.
    Purge,
    /// A request of another client of the same company. Their number is
    /// [`AttachmentSettings::other_clients_per_second`](super::AttachmentSettings::other_clients_per_second).
    OtherClient,
}

impl EmulatorOperation {
    /// Operations at which a scripted fault can fire.
    pub(super) const FAULT_TARGETS: [Self; 15] = [
        Self::List,
        Self::Create,
        Self::Get,
        Self::GetByExternalId,
        Self::Update,
        Self::UpdateByExternalId,
        Self::Upload,
        Self::Download,
        Self::ListObjects,
        Self::FilterObjects,
        Self::GetObject,
        Self::GetObjectByExternalId,
        Self::CreateJob,
        Self::GetJob,
        Self::ListJobs,
    ];

    /// Name in scenario files and in the request log.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Create => "create",
            Self::Get => "get",
            Self::GetByExternalId => "get_by_external_id",
            Self::Update => "update",
            Self::UpdateByExternalId => "update_by_external_id",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::ListObjects => "list_objects",
            Self::FilterObjects => "filter_objects",
            Self::GetObject => "get_object",
            Self::GetObjectByExternalId => "get_object_by_external_id",
            Self::CreateJob => "create_job",
            Self::GetJob => "get_job",
            Self::ListJobs => "list_jobs",
            Self::Other => "other",
            Self::Purge => "purge",
            Self::OtherClient => "other_client",
        }
    }

    /// True for requests to the attachments API, to its sister services or to the jobs API.
    pub(super) fn is_api_request(self) -> bool {
        matches!(
            self,
            Self::List
                | Self::Create
                | Self::Get
                | Self::GetByExternalId
                | Self::Update
                | Self::UpdateByExternalId
                | Self::ListObjects
                | Self::FilterObjects
                | Self::GetObject
                | Self::GetObjectByExternalId
                | Self::CreateJob
                | Self::GetJob
                | Self::ListJobs
        )
    }

    /// True for requests to the storage.
    pub(super) fn is_storage_request(self) -> bool {
        matches!(self, Self::Upload | Self::Download)
    }
}
