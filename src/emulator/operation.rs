//! The operations of all services, under the names by which the request log and the scripted faults
//! know them.

use serde::{Deserialize, Serialize};

/// What a request asks for, as the request log and the scripted faults name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
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
    /// `POST /jobs/attach-files-to-sourcing-event`, and the same for a request.
    CreateJob,
    /// `GET /jobs/{id}`
    GetJob,
    /// `GET /jobs/`
    ListJobs,
    /// Anything else: an unknown path, or a method that the path does not have.
    Other,
    /// No request at all: a record that never got its bytes went away.
    Purge,
    /// A request of another client of the same company ([`super::AttachmentSettings::others`]).
    OtherClient,
}

impl Operation {
    /// Those that a fault can befall.
    pub(super) const BEFALLEN: [Self; 11] = [
        Self::List,
        Self::Create,
        Self::Get,
        Self::GetByExternalId,
        Self::Update,
        Self::UpdateByExternalId,
        Self::Upload,
        Self::Download,
        Self::CreateJob,
        Self::GetJob,
        Self::ListJobs,
    ];

    /// The name under which scenario files and the request log know it.
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
            Self::CreateJob => "create_job",
            Self::GetJob => "get_job",
            Self::ListJobs => "list_jobs",
            Self::Other => "other",
            Self::Purge => "purge",
            Self::OtherClient => "other_client",
        }
    }

    /// Whether it is one of an API, that of attachments or that of jobs.
    pub(super) fn is_of_the_api(self) -> bool {
        matches!(
            self,
            Self::List
                | Self::Create
                | Self::Get
                | Self::GetByExternalId
                | Self::Update
                | Self::UpdateByExternalId
                | Self::CreateJob
                | Self::GetJob
                | Self::ListJobs
        )
    }

    /// Whether it is one of the two of the storage.
    pub(super) fn is_of_the_storage(self) -> bool {
        matches!(self, Self::Upload | Self::Download)
    }
}
