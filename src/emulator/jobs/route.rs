//! From method and path to what is asked of the jobs API. Nothing here looks at bodies, keys or
//! state.

use axum::http::Method;
use uuid::Uuid;

use super::job::Kind;
use super::settings::Slashes;
use crate::emulator::operation::Operation;

/// Where the API stands, below the emulator's own address.
pub(in crate::emulator) const JOBS_BASE: &str = "/api";

/// Where the uploads of jobs go, likewise.
pub(super) const UPLOADS_BASE: &str = "/storage/jobs";

/// A request of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) struct JobsRoute {
    pub(super) asked: Asked,
    /// Whether the path ends in a slash.
    pub(super) slash: Slash,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum Asked {
    List,
    Create(Kind),
    Get(Uuid),
    /// The path exists, but not with this method.
    WrongMethod {
        /// The one that it has.
        allowed: &'static str,
    },
    Unknown,
}

/// Whether a path ends in a slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slash {
    There,
    Absent,
}

impl Slash {
    /// Whether a path may end so.
    pub(super) fn fits(self, slashes: Slashes) -> bool {
        match slashes {
            Slashes::Either => true,
            Slashes::Required => self == Self::There,
            Slashes::Forbidden => self == Self::Absent,
        }
    }
}

impl JobsRoute {
    /// Reads a method and a path below the base.
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

    /// The name under which the request is logged.
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
