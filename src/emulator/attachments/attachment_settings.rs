//! Settings of the attachments API: one switch for each assumption about the service.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use super::existing_objects::ExistingObjects;
use crate::model::ObjectRef;

/// Settings of the attachments API. The default is the documented service, as far as the vendor
/// documents it.
///
/// # Documented by the vendor, and done so here
///
/// - The six operations, their paths, the three headers and 401 without them, the media type.
/// - The four relationships with their types; `file_name` required to create; `title` and
///   `external_id` of at most 255 characters; lists only by `filter[id_equals]`, 50 at a time.
/// - `file_size` is text, or null until bytes are there. `upload_url` and `upload_headers` come
///   with POST and with a PATCH that carries `file_name`, which discards the stored bytes at once.
///   No answer names the object of an attachment.
/// - 409 and its text for a wrong `type`. 429 above the limit of requests per second.
/// - Upload URLs that live 15 minutes, and the purging of records that got no bytes in 30 to 60
///   minutes after their creation.
///
/// # Assumed, and the switch for the alternative
///
/// | assumption | switch |
/// |---|---|
/// | external ids are unique in the company, a clash is answered with 422 | [`AttachmentSettings::external_id_uniqueness`] |
/// | without uniqueness, a look-up finds the oldest | none |
/// | a record is found by its external id at once | [`AttachmentSettings::external_id_delay`] |
/// | a path leads to its attachment, whatever the external id | [`AttachmentSettings::dotted_id_routing`] |
/// | every contract, event, project and supplier company exists | [`AttachmentSettings::existing_objects`], [`AttachmentSettings::unknown_objects`]: 404 |
/// | every existing object takes attachments | [`AttachmentSettings::closed_objects`]: 422 |
/// | a size is null until the bytes are there | [`AttachmentSettings::size_without_bytes`] |
/// | a size is reported as soon as the bytes are stored | [`AttachmentSettings::size_delay`] |
/// | a record without bytes is purged at 45 minutes | [`AttachmentSettings::purge_after`] |
/// | a new URL does not put the purge off, unless bytes were discarded for it | [`AttachmentSettings::purge_clock`] |
/// | the rate limit is a sliding window over arrivals; requests refused for the rate or for their keys do not count | [`AttachmentSettings::requests_per_second`] for the number |
/// | 429 brings `Retry-After: 1` | [`FaultEffect::Status`] |
/// | no other client uses the rate limit | [`AttachmentSettings::other_clients_per_second`] |
/// | download URLs live as long as upload URLs | [`AttachmentSettings::url_lifetime`] |
/// | unknown query parameters, a list without filter or of more than 50 ids: 400 | none |
/// | other invalid values: 422, in the words of the sister services | none |
/// | unknown ids are left out of a list; the rest comes in order | none |
/// | the title of a new attachment is the file name, if no title is given | none |
/// | the title stays when a PATCH changes the file name alone | [`AttachmentSettings::title_on_rename`] |
/// | a PATCH without a file name leaves the bytes alone, and its answer reports their size | none |
/// | there is no DELETE: 405 | none |
/// | the storage is S3: it refuses wrong headers, expired or altered URLs (403) and chunked bodies (501), and answers with an MD5 `ETag` | [`FaultEffect::ExpiredUrl`] |
/// | bytes sent to a URL that was renewed since are taken, and reported nowhere | none |
///
/// [`FaultEffect::Status`]: crate::emulator::FaultEffect::Status
/// [`FaultEffect::ExpiredUrl`]: crate::emulator::FaultEffect::ExpiredUrl
#[derive(Debug, Clone)]
pub struct AttachmentSettings {
    /// Largest number of requests answered per second. Uploads and downloads do not count, and jobs
    /// have budgets of their own.
    pub requests_per_second: NonZeroU32,
    /// Requests per second by other clients of the same company, who are never refused. Smaller
    /// than the rate limit.
    pub other_clients_per_second: u32,
    /// Uniqueness of external ids.
    pub external_id_uniqueness: ExternalIdUniqueness,
    /// Time for which a record cannot be found by a new external id.
    pub external_id_delay: Duration,
    /// Routing of paths whose external id holds a dot.
    pub dotted_id_routing: DottedIdRouting,
    /// Contracts, events, projects and supplier companies that exist.
    pub existing_objects: ExistingObjects,
    /// Contracts, events, projects and supplier companies that do not exist, whatever
    /// [`existing_objects`](Self::existing_objects) says.
    pub unknown_objects: Vec<ObjectRef>,
    /// Closed objects, which take no more attachments.
    pub closed_objects: Vec<ObjectRef>,
    /// Title after a PATCH with a new file name and no title.
    pub title_on_rename: TitleOnRename,
    /// Size shown before the bytes are there.
    pub size_without_bytes: SizeWithoutBytes,
    /// Time for which the size stays hidden after an upload.
    pub size_delay: Duration,
    /// Lifetime of an upload or download URL of an attachment.
    pub url_lifetime: Duration,
    /// Time without bytes after which a record is purged.
    pub purge_after: Duration,
    /// Start of the time until the purge.
    pub purge_clock: PurgeClock,
    /// Keys accepted by the API.
    pub accepted_keys: AcceptedAttachmentKeys,
    /// Id of the first attachment.
    pub first_id: u64,
}

impl Default for AttachmentSettings {
    fn default() -> Self {
        Self {
            requests_per_second: const { NonZeroU32::new(5).unwrap() },
            other_clients_per_second: 0,
            external_id_uniqueness: ExternalIdUniqueness::Unique {
                clash_status: ExternalIdClashStatus::Unprocessable422,
            },
            external_id_delay: Duration::ZERO,
            dotted_id_routing: DottedIdRouting::Routed,
            existing_objects: ExistingObjects::Every,
            unknown_objects: Vec::new(),
            closed_objects: Vec::new(),
            title_on_rename: TitleOnRename::Keep,
            size_without_bytes: SizeWithoutBytes::Null,
            size_delay: Duration::ZERO,
            url_lifetime: Duration::from_mins(15),
            purge_after: Duration::from_mins(45),
            purge_clock: PurgeClock::CreationOrRenewal,
            accepted_keys: AcceptedAttachmentKeys::Any,
            first_id: 1,
        }
    }
}

impl AttachmentSettings {
    /// True if there is a contract, event, project or supplier company with the number.
    pub(super) fn object_exists(&self, object: ObjectRef) -> bool {
        self.existing_objects.contains(object) && !self.unknown_objects.contains(&object)
    }
}

/// Uniqueness of external ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdUniqueness {
    /// No two attachments of the company have the same external id.
    Unique {
        /// Status of the refusal of a taken external id.
        clash_status: ExternalIdClashStatus,
    },
    /// No two attachments on objects of the same type have the same external id.
    UniquePerType {
        /// Status of the refusal of a taken external id.
        clash_status: ExternalIdClashStatus,
    },
    /// No two attachments on the same object have the same external id.
    UniquePerObject {
        /// Status of the refusal of a taken external id.
        clash_status: ExternalIdClashStatus,
    },
    /// Several attachments may have the same external id.
    NotUnique,
}

/// Status with which a taken external id is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdClashStatus {
    /// 409 Conflict.
    Conflict409,
    /// 422 Unprocessable Content.
    Unprocessable422,
}

/// Routing of paths whose external id holds a dot.
// Many routers take the text after a dot for the format of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DottedIdRouting {
    /// The path leads to the attachment, as every other path does.
    Routed,
    /// The path has no route: 404, as for an attachment that does not exist.
    NotFound404,
    /// The path has no route: 404, with the web page of a router in place of a document.
    RouterPage,
}

/// Size shown before the bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeWithoutBytes {
    /// Null.
    Null,
    /// Zero.
    Zero,
}

/// Start of the time until a record without bytes is purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeClock {
    /// The creation, or a later PATCH that discarded stored bytes.
    CreationOrRenewal,
    /// The creation, whatever happened since.
    Creation,
}

/// Title after a PATCH with a new file name and no title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TitleOnRename {
    /// The title stays.
    Keep,
    /// The title becomes the new file name, as for a new attachment.
    Derive,
}

/// Keys accepted by the API. Others are answered with 401.
#[derive(Debug, Clone)]
pub enum AcceptedAttachmentKeys {
    /// Any keys, if none of the three headers is missing or empty.
    Any,
    /// Exactly the given keys.
    Only {
        /// Key of the company, in `X-Api-Key`.
        api_key: SecretString,
        /// Token of the user, in `X-User-Token`.
        user_token: SecretString,
        /// E-mail address of the user, in `X-User-Email`.
        user_email: String,
    },
}

impl AcceptedAttachmentKeys {
    /// True if the three headers of a request hold accepted keys.
    pub(super) fn accept(&self, headers: &HeaderMap) -> bool {
        let sent = ["x-api-key", "x-user-token", "x-user-email"].map(|name| {
            let value = headers.get(name);
            value.and_then(|v| v.to_str().ok()).unwrap_or_default()
        });
        match self {
            Self::Any => sent.iter().all(|value| !value.is_empty()),
            Self::Only {
                api_key,
                user_token,
                user_email,
            } => {
                sent == [
                    api_key.expose_secret(),
                    user_token.expose_secret(),
                    user_email,
                ]
            }
        }
    }
}
