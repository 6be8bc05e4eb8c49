//! The settings of an emulator: its state folder, its services, and its faults.

use std::path::PathBuf;

use super::attachments::AttachmentSettings;
use super::faults::Fault;
use super::jobs::JobSettings;

/// The settings of an emulator. The default is the documented service, as far as it is documented.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where the state is kept; without it, a temporary folder that goes away with the emulator.
    pub state: Option<PathBuf>,
    /// The settings of the attachments API.
    pub attachments: AttachmentSettings,
    /// The settings of the jobs API.
    pub jobs: JobSettings,
    /// The most bytes that the storage takes for one file. It refuses a longer one early: from the
    /// head of the request, with the connection closed on the file.
    pub largest_upload: Option<u64>,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
}
