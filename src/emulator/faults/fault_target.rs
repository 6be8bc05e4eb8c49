//! Targets of faults: the requests of one operation, of all APIs, or of the storage.

use std::fmt;

use serde::Deserialize;

use crate::emulator::operation::EmulatorOperation;
use crate::text::{nearest_word, quoted};

/// Requests to which a fault can apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum FaultTarget {
    /// Requests of one operation.
    SingleOperation(EmulatorOperation),
    /// Requests about attachments, about the objects of attachments, and about jobs.
    AllApis,
    /// Uploads and downloads.
    Storage,
}

impl From<EmulatorOperation> for FaultTarget {
    fn from(operation: EmulatorOperation) -> Self {
        Self::SingleOperation(operation)
    }
}

impl TryFrom<String> for FaultTarget {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let all = || {
            let each = EmulatorOperation::FAULT_TARGETS
                .into_iter()
                .map(Self::SingleOperation);
            [Self::AllApis, Self::Storage].into_iter().chain(each)
        };
        if let Some(target) = all().find(|target| target.name() == word) {
            return Ok(target);
        }
        let names: Vec<&str> = all().map(Self::name).collect();
        let hint = match nearest_word(&word, names.iter().copied()) {
            Some(name) => format!("did you mean {name}? There"),
            None => "there".to_owned(),
        };
        Err(format!(
            "{} is no operation; {hint} are {}",
            quoted(&word),
            names.join(", ")
        ))
    }
}

impl fmt::Display for FaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FaultTarget {
    /// Name of the target in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleOperation(operation) => operation.name(),
            Self::AllApis => "api",
            Self::Storage => "storage",
        }
    }

    /// True if requests of the operation belong to the target.
    pub(super) fn includes(self, operation: EmulatorOperation) -> bool {
        match self {
            Self::SingleOperation(one) => one == operation,
            Self::AllApis => operation.is_api_request(),
            Self::Storage => operation.is_storage_request(),
        }
    }
}
