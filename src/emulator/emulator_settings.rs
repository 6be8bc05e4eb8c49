//! Settings of an emulator: state folder, services and faults.

use std::path::PathBuf;

use super::attachments::AttachmentSettings;
use super::faults::Fault;
use super::jobs::JobSettings;
use super::objects::ObjectSettings;

/// Settings of an emulator. The default is the documented service, as far as the documents go.
#[derive(Debug, Clone, Default)]
pub struct EmulatorSettings {
    /// State folder. `None` takes a temporary folder, which is removed with the emulator.
    pub state: Option<PathBuf>,
    /// Settings of the attachments API.
    pub attachments: AttachmentSettings,
    /// Settings of the sister services, for contracts, events, projects and supplier companies.
    pub objects: ObjectSettings,
    /// Settings of the jobs API.
    pub jobs: JobSettings,
    /// Largest number of bytes which the storage accepts for one file; `None` for no limit. The
    /// storage refuses a larger file by the head of the request, and closes the connection without
    /// reading the file.
    pub largest_upload: Option<u64>,
    /// Scripted faults.
    pub faults: Vec<Fault>,
}
