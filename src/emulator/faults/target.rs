//! Targets of faults: the requests of one operation, of all APIs, or of the storage.

use std::fmt;

use serde::Deserialize;

use crate::emulator::operation::Operation;
use crate::text::{nearest, quoted};

/// Requests to which a fault can apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Target {
    /// Requests of one operation.
    One(Operation),
    /// Requests to both APIs, of attachments and of jobs.
    Api,
    /// Uploads and downloads.
    Storage,
}

impl From<Operation> for Target {
    fn from(operation: Operation) -> Self {
        Self::One(operation)
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let all = || {
            let each = Operation::BEFALLEN.into_iter().map(Self::One);
            [Self::Api, Self::Storage].into_iter().chain(each)
        };
        if let Some(target) = all().find(|target| target.name() == word) {
            return Ok(target);
        }
        let names: Vec<&str> = all().map(Self::name).collect();
        let hint = match nearest(&word, names.iter().copied()) {
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

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Target {
    /// Name of the target in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::One(operation) => operation.name(),
            Self::Api => "api",
            Self::Storage => "storage",
        }
    }

    /// True if requests of the operation belong to the target.
    pub(super) fn includes(self, operation: Operation) -> bool {
        match self {
            Self::One(one) => one == operation,
            Self::Api => operation.is_of_the_api(),
            Self::Storage => operation.is_of_the_storage(),
        }
    }
}
