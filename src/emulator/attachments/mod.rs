//! Attachments API of the emulator: records that belong to a contract, an event, a project or a
//! supplier company.
//!
//! The storage keeps the bytes of the records and serves their URLs. [`AttachmentServer`] decides
//! each request and is the place to start reading; [`AttachmentSettings`] lists the facts that the
//! vendor documents, and the emulator's assumptions.

mod api;
mod jsonapi;
mod rate;
mod record;
mod route;
mod settings;
mod state;
mod store;
mod uploads;
mod view;

pub(super) use self::api::AttachmentServer;
pub(super) use self::jsonapi::Problem;
pub(super) use self::route::{ATTACHMENTS_BASE, AttachmentRoute};

pub use self::settings::{
    AttachmentSettings, Clash, DottedIds, EmptySizes, ExternalIds, Keys, PurgeClock, Titles,
};
pub use self::store::{StoredAttachment, stored, stored_by_external_id};
