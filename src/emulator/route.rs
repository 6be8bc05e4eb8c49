//! From method and path to what is asked for: the six operations of the attachments API and the two
//! of the storage. What is asked of the jobs API is read in `jobs`. Nothing here looks at bodies,
//! keys or state.
//!
//! Paths are matched as they were sent and only then percent-decoded, so that an external id may
//! contain a `/` or a `%`.

use axum::http::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::jobs::{JOBS_BASE, JobsRoute};
use super::log::Entry;

/// Where the service's API stands, below the emulator's own address.
pub(super) const API_BASE: &str = "/services/attachments/v1";

/// Where uploads go and downloads come from, below the emulator's own address.
pub(super) const STORAGE_BASE: &str = "/storage/uploads";

/// Where the uploads of jobs go, likewise.
pub(super) const JOBS_STORAGE_BASE: &str = "/storage/jobs";

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
    /// A request of another client of the same company ([`super::Settings::others`]).
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

/// How a path names an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// By the service's own number.
    Id(u64),
    /// By the user's key, percent-decoded.
    ExternalId(String),
}

/// A request of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApiRoute {
    List,
    Create,
    Get(Name),
    Update(Name),
    /// The path exists, but not with this method.
    WrongMethod {
        /// The methods that it has, as the `Allow` header lists them.
        allowed: &'static str,
    },
    Unknown,
}

/// A request of the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StorageRoute {
    Upload(ObjectPath),
    Download(ObjectPath),
    Unknown,
}

/// What a storage path says about the object behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectPath {
    /// For what the URL was issued.
    pub(super) owner: Owner,
    /// The object's key: 32 hexadecimal digits, which is what makes it fit to be a file's name.
    pub(super) key: String,
}

/// For what an upload or download URL was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// For an attachment, by its id.
    Attachment(u64),
    /// For a job, by its id.
    Job(Uuid),
}

impl Owner {
    /// Notes it in the log.
    pub(super) fn note(self, entry: &mut Entry) {
        match self {
            Self::Attachment(id) => entry.id = Some(id),
            Self::Job(id) => entry.job = Some(id.to_string()),
        }
    }
}

/// Which service a request is for, and what it asks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Api(ApiRoute),
    Jobs(JobsRoute),
    Storage(StorageRoute),
    /// Below none of the bases.
    Outside,
}

impl Route {
    /// Reads a method and a path that is still percent-encoded.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        if let Some(rest) = below(path, API_BASE) {
            Self::Api(ApiRoute::of(method, rest))
        } else if let Some(rest) = below(path, JOBS_BASE) {
            Self::Jobs(JobsRoute::of(method, rest))
        } else if let Some(rest) = below(path, STORAGE_BASE) {
            let id = |id: &str| number(id).map(Owner::Attachment);
            Self::Storage(StorageRoute::of(method, object(rest, id)))
        } else if let Some(rest) = below(path, JOBS_STORAGE_BASE) {
            let id = |id: &str| id.parse().ok().map(Owner::Job);
            Self::Storage(StorageRoute::of(method, object(rest, id)))
        } else {
            Self::Outside
        }
    }

    /// The name under which the request is logged.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Api(ApiRoute::List) => Operation::List,
            Self::Api(ApiRoute::Create) => Operation::Create,
            Self::Api(ApiRoute::Get(Name::Id(_))) => Operation::Get,
            Self::Api(ApiRoute::Get(Name::ExternalId(_))) => Operation::GetByExternalId,
            Self::Api(ApiRoute::Update(Name::Id(_))) => Operation::Update,
            Self::Api(ApiRoute::Update(Name::ExternalId(_))) => Operation::UpdateByExternalId,
            Self::Storage(StorageRoute::Upload(_)) => Operation::Upload,
            Self::Storage(StorageRoute::Download(_)) => Operation::Download,
            Self::Jobs(route) => route.operation(),
            Self::Api(ApiRoute::WrongMethod { .. } | ApiRoute::Unknown)
            | Self::Storage(StorageRoute::Unknown)
            | Self::Outside => Operation::Other,
        }
    }
}

impl ApiRoute {
    fn of(method: &Method, path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["attachments"] => match *method {
                Method::GET => Self::List,
                Method::POST => Self::Create,
                _ => Self::WrongMethod {
                    allowed: "GET, POST",
                },
            },
            ["attachments", id] => Self::of_one(method, number(id).map(Name::Id)),
            ["attachments", external_id, "external_id"] => {
                Self::of_one(method, decoded(external_id).map(Name::ExternalId))
            }
            _ => Self::Unknown,
        }
    }

    fn of_one(method: &Method, name: Option<Name>) -> Self {
        match (name, method) {
            (None, _) => Self::Unknown,
            (Some(name), &Method::GET) => Self::Get(name),
            (Some(name), &Method::PATCH) => Self::Update(name),
            (Some(_), _) => Self::WrongMethod {
                allowed: "GET, PATCH",
            },
        }
    }
}

impl StorageRoute {
    fn of(method: &Method, object: Option<ObjectPath>) -> Self {
        match (object, method) {
            (Some(object), &Method::PUT) => Self::Upload(object),
            (Some(object), &Method::GET) => Self::Download(object),
            _ => Self::Unknown,
        }
    }
}

/// The rest of a path below a base, without the slash between them.
fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base)?.strip_prefix('/')
}

fn number(segment: &str) -> Option<u64> {
    // `parse` alone would take `+7` for 7.
    segment
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| segment.parse().ok())?
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

/// `{id}/{key}/{file name}`. The file name only makes the URL pleasant to read.
fn object(path: &str, owner: impl FnOnce(&str) -> Option<Owner>) -> Option<ObjectPath> {
    let mut segments = path.splitn(3, '/');
    let owner = owner(segments.next()?)?;
    let key = segments.next()?;
    segments.next()?;
    let is_key = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_key.then(|| ObjectPath {
        owner,
        key: key.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Route {
        Route::of(&Method::GET, &format!("{API_BASE}{path}"))
    }

    fn by_external_id(text: &str) -> Route {
        Route::Api(ApiRoute::Get(Name::ExternalId(text.to_owned())))
    }

    #[test]
    fn an_external_id_in_a_path_may_hold_any_character() {
        for (sent, meant) in [
            ("AT1", "AT1"),
            ("a%2Fb", "a/b"),
            ("100%25", "100%"),
            ("a+b", "a+b"),
            ("a%2Bb", "a+b"),
            ("a%20b", "a b"),
            ("CTR$1", "CTR$1"),
            ("%C2%A73", "§3"),
            ("%E6%96%87%E6%9B%B8", "文書"),
            ("external_id", "external_id"),
            ("%252F", "%2F"),
        ] {
            let route = get(&format!("/attachments/{sent}/external_id"));
            assert_eq!(route, by_external_id(meant), "{sent}");
        }
    }

    #[test]
    fn a_path_that_names_no_attachment_is_unknown() {
        for path in [
            "/attachments/abc",
            "/attachments/+7",
            "/attachments/",
            "/attachments//external_id",
            "/attachments/%FF/external_id",
            "/attachments/1/2/3",
            "/contracts",
            "/",
        ] {
            assert_eq!(get(path), Route::Api(ApiRoute::Unknown), "{path}");
        }
        assert_eq!(
            Route::of(&Method::GET, "/services/contracts/v1"),
            Route::Outside
        );
    }

    #[test]
    fn a_storage_key_is_hexadecimal_and_so_cannot_leave_its_folder() {
        let path = |key: &str| format!("{STORAGE_BASE}/7/{key}/a.pdf");
        let key = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            Route::of(&Method::PUT, &path(key)),
            Route::Storage(StorageRoute::Upload(ObjectPath {
                owner: Owner::Attachment(7),
                key: key.to_owned()
            }))
        );
        for bad in ["..", "%2E%2E", "abc", "0123456789abcdef0123456789abcde%2F"] {
            assert_eq!(
                Route::of(&Method::PUT, &path(bad)),
                Route::Storage(StorageRoute::Unknown),
                "{bad}"
            );
        }
    }
}
