//! Routes of the jobs API, parsed from method and path. No bodies, keys or state are looked at
//! here.

use axum::http::Method;
use uuid::Uuid;

use super::job_record::JobKind;
use super::job_settings::TrailingSlashRule;
use crate::emulator::operation::EmulatorOperation;

/// Base path of the jobs API, below the emulator's own address.
pub(in crate::emulator) const JOBS_BASE: &str = "/api";

/// Base path of the upload URLs of jobs, below the emulator's own address.
pub(super) const JOB_UPLOADS_BASE: &str = "/storage/jobs";

/// Request to the jobs API, by method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) struct JobsRoute {
    pub(super) endpoint: JobEndpoint,
    /// Trailing slash of the path.
    pub(super) slash: TrailingSlash,
}

/// Endpoint addressed by a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum JobEndpoint {
    List,
    Create(JobKind),
    Get(Uuid),
    /// Existing path, with an unsupported method.
    WrongMethod {
        /// Only method of the path, for the `Allow` header.
        allowed: &'static str,
    },
    UnknownPath,
}

/// Presence of a slash at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrailingSlash {
    Present,
    Absent,
}

impl TrailingSlash {
    /// True if the rule allows a path to end like this.
    pub(super) fn satisfies(self, slashes: TrailingSlashRule) -> bool {
        match slashes {
            TrailingSlashRule::Either => true,
            TrailingSlashRule::Required => self == Self::Present,
            TrailingSlashRule::Forbidden => self == Self::Absent,
        }
    }
}

impl JobsRoute {
    /// Parses a method and a path below the base.
    pub(in crate::emulator) fn parse(method: &Method, path: &str) -> Self {
        let (path, slash) = match path.strip_suffix('/') {
            Some(path) => (path, TrailingSlash::Present),
            None => (path, TrailingSlash::Absent),
        };
        Self {
            endpoint: JobEndpoint::parse(method, path),
            slash,
        }
    }

    /// Operation under which the request is logged.
    pub(in crate::emulator) fn operation(self) -> EmulatorOperation {
        match self.endpoint {
            JobEndpoint::List => EmulatorOperation::ListJobs,
            JobEndpoint::Create(_) => EmulatorOperation::CreateJob,
            JobEndpoint::Get(_) => EmulatorOperation::GetJob,
            JobEndpoint::WrongMethod { .. } | JobEndpoint::UnknownPath => EmulatorOperation::Other,
        }
    }
}

impl JobEndpoint {
    fn parse(method: &Method, path: &str) -> Self {
        if path == "jobs" {
            return Self::require_method(method, &Method::GET, "GET", Self::List);
        }
        let Some(name) = path.strip_prefix("jobs/") else {
            return Self::UnknownPath;
        };
        if let Some(kind) = JobKind::ALL
            .into_iter()
            .find(|kind| kind.path_segment() == name)
        {
            return Self::require_method(method, &Method::POST, "POST", Self::Create(kind));
        }
        match name.parse() {
            Ok(id) => Self::require_method(method, &Method::GET, "GET", Self::Get(id)),
            Err(_) => Self::UnknownPath,
        }
    }

    fn require_method(method: &Method, right: &Method, allowed: &'static str, asked: Self) -> Self {
        if method == right {
            asked
        } else {
            Self::WrongMethod { allowed }
        }
    }
}
