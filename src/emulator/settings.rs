//! How an emulator behaves: a switch for each thing that somebody may want otherwise.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use super::fault::Fault;
use super::jobs::JobSettings;

/// How the emulator behaves. The default is the documented service, as far as it is documented.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the state is kept; without it, a temporary folder that goes away with the emulator.
    pub state: Option<PathBuf>,
    /// How many requests of the attachments API a second are answered. Uploads and downloads do not
    /// count, and jobs have budgets of their own.
    pub rate: NonZeroU32,
    /// How many of these a second other clients of the same company take, who are never refused;
    /// fewer than all.
    pub others: u32,
    /// Whether two attachments may have the same external id.
    pub external_ids: ExternalIds,
    /// What becomes of a title when a PATCH names a new file and no title.
    pub titles: Titles,
    /// How long after an upload the size stays hidden.
    pub size_delay: Duration,
    /// How long an upload or download URL of an attachment is good.
    pub url_life: Duration,
    /// How long a record may be without bytes before it goes away.
    pub purge_after: Duration,
    /// Which keys are taken.
    pub keys: Keys,
    /// The id of the first attachment.
    pub first_id: u64,
    /// How the jobs API behaves.
    pub jobs: JobSettings,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            state: None,
            rate: const { NonZeroU32::new(5).unwrap() },
            others: 0,
            external_ids: ExternalIds::Unique {
                clash: Clash::Unprocessable422,
            },
            titles: Titles::Keep,
            size_delay: Duration::ZERO,
            url_life: Duration::from_mins(15),
            purge_after: Duration::from_mins(45),
            keys: Keys::Any,
            first_id: 1,
            jobs: JobSettings::default(),
            faults: Vec::new(),
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
