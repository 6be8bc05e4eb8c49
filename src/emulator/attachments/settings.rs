//! The settings of the attachments API: a switch for each thing that somebody may want otherwise.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use crate::model::ObjectRef;

/// The settings of the attachments API. The default is the documented service, as far as it is documented.
#[derive(Debug, Clone)]
pub struct AttachmentSettings {
    /// How many requests a second are answered. Uploads and downloads do not count, and jobs have
    /// budgets of their own.
    pub rate: NonZeroU32,
    /// How many of these a second other clients of the same company take, who are never refused;
    /// fewer than all.
    pub others: u32,
    /// Whether two attachments may have the same external id.
    pub external_ids: ExternalIds,
    /// How long after it got its external id a record is not found by it.
    pub external_id_delay: Duration,
    /// What becomes of a path in which an external id has a dot.
    pub dotted_ids: DottedIds,
    /// Contracts, events, projects and supplier companies that do not exist; all others do.
    pub unknown_objects: Vec<ObjectRef>,
    /// Those that are closed: nothing can be attached to them any more.
    pub closed_objects: Vec<ObjectRef>,
    /// What becomes of a title when a PATCH names a new file and no title.
    pub titles: Titles,
    /// What is shown for a size before the bytes are there.
    pub empty_sizes: EmptySizes,
    /// How long after an upload the size stays hidden.
    pub size_delay: Duration,
    /// How long an upload or download URL of an attachment is good.
    pub url_life: Duration,
    /// How long a record may be without bytes before it goes away.
    pub purge_after: Duration,
    /// From when on.
    pub purge_clock: PurgeClock,
    /// Which keys are taken.
    pub keys: Keys,
    /// The id of the first attachment.
    pub first_id: u64,
}

impl Default for AttachmentSettings {
    fn default() -> Self {
        Self {
            rate: const { NonZeroU32::new(5).unwrap() },
            others: 0,
            external_ids: ExternalIds::Unique {
                clash: Clash::Unprocessable422,
            },
            external_id_delay: Duration::ZERO,
            dotted_ids: DottedIds::Routed,
            unknown_objects: Vec::new(),
            closed_objects: Vec::new(),
            titles: Titles::Keep,
            empty_sizes: EmptySizes::Null,
            size_delay: Duration::ZERO,
            url_life: Duration::from_mins(15),
            purge_after: Duration::from_mins(45),
            purge_clock: PurgeClock::LastBytes,
            keys: Keys::Any,
            first_id: 1,
        }
    }
}

/// Whether two attachments may have the same external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIds {
    /// They may not.
    Unique {
        /// What the second one is told.
        clash: Clash,
    },
    /// They may.
    NotUnique,
}

/// The status with which an external id that is taken is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// 409 Conflict.
    Conflict409,
    /// 422 Unprocessable Content.
    Unprocessable422,
}

/// What becomes of a path in which an external id has a dot. Many routers take what follows a dot
/// for the format of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DottedIds {
    /// It leads to the attachment, as every other path does.
    Routed,
    /// It leads nowhere: 404, as of an attachment that is not there.
    NotFound404,
    /// It leads nowhere: 404, with the web page of a router in place of a document.
    RouterPage,
}

/// What is shown for a size before the bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptySizes {
    /// Null.
    Null,
    /// A zero.
    Zero,
}

/// From when on a record may be without bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeClock {
    /// From its creation, or from when a PATCH let go of its bytes.
    LastBytes,
    /// From its creation, whatever happened since.
    Creation,
}

/// What becomes of a title when a PATCH names a new file and no title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Titles {
    /// It stays.
    Keep,
    /// It is derived from the new file's name, as that of a new attachment is.
    Derive,
}

/// Which keys are taken. Others are answered with 401.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Any, as long as none of the three headers is missing or empty.
    Any,
    /// Exactly these.
    Only {
        /// The company's key.
        api_key: SecretString,
        /// The user's token.
        user_token: SecretString,
        /// The user's e-mail address.
        user_email: String,
    },
}

impl Keys {
    /// Whether the three headers of a request are good.
    pub(super) fn fit(&self, headers: &HeaderMap) -> bool {
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
