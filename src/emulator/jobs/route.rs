//! Routes of the jobs API, parsed from method and path. No bodies, keys or state are looked at
//! here.

use axum::http::Method;
use uuid::Uuid;

use super::job::Kind;
use super::settings::Slashes;
use crate::emulator::operation::Operation;

/// Base path of the jobs API, below the emulator's own address.
pub(in crate::emulator) const JOBS_BASE: &str = "/api";

/// Base path of the upload URLs of jobs, below the emulator's own address.
pub(super) const UPLOADS_BASE: &str = "/storage/jobs";

/// Request to the jobs API, by method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) struct JobsRoute {
    pub(super) asked: Asked,
    /// Trailing slash of the path.
    pub(super) slash: Slash,
}

/// Endpoint addressed by a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum Asked {
    List,
    Create(Kind),
    Get(Uuid),
    /// Existing path, with an unsupported method.
    WrongMethod {
        /// Only method of the path, for the `Allow` header.
        allowed: &'static str,
    },
    Unknown,
}

/// Presence of a slash at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slash {
    There,
    Absent,
}

impl Slash {
    /// True if the rule allows a path to end like this.
    pub(super) fn fits(self, slashes: Slashes) -> bool {
        match slashes {
            Slashes::Either => true,
            Slashes::Required => self == Self::There,
            Slashes::Forbidden => self == Self::Absent,
        }
    }
}

impl JobsRoute {
    /// Parses a method and a path below the base.
    pub(in crate::emulator) fn of(method: &Method, path: &str) -> Self {
        let (path, slash) = match path.strip_suffix('/') {
            Some(path) => (path, Slash::There),
            None => (path, Slash::Absent),
        };
        Self {
            asked: Asked::of(method, path),
            slash,
        }
    }

    /// Operation under which the request is logged.
    pub(in crate::emulator) fn operation(self) -> Operation {
        match self.asked {
            Asked::List => Operation::ListJobs,
            Asked::Create(_) => Operation::CreateJob,
            Asked::Get(_) => Operation::GetJob,
            Asked::WrongMethod { .. } | Asked::Unknown => Operation::Other,
        }
    }
}

impl Asked {
    fn of(method: &Method, path: &str) -> Self {
        if path == "jobs" {
            return Self::if_it_is(method, &Method::GET, "GET", Self::List);
        }
        let Some(name) = path.strip_prefix("jobs/") else {
            return Self::Unknown;
        };
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.endpoint() == name) {
            return Self::if_it_is(method, &Method::POST, "POST", Self::Create(kind));
        }
        match name.parse() {
            Ok(id) => Self::if_it_is(method, &Method::GET, "GET", Self::Get(id)),
            Err(_) => Self::Unknown,
        }
    }

    fn if_it_is(method: &Method, right: &Method, allowed: &'static str, asked: Self) -> Self {
        if method == right {
            asked
        } else {
            Self::WrongMethod { allowed }
        }
    }
}
