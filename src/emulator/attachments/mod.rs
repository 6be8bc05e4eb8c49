//! Attachments API of the emulator: records that belong to a contract, an event, a project or a
//! supplier company.
//!
//! The storage keeps the bytes of the records and serves their URLs. [`AttachmentServer`] decides
//! each request and is the place to start reading, with [`attachment_call`] for the operations;
//! [`AttachmentSettings`] lists the facts that the vendor documents, and the emulator's assumptions.

mod admission;
mod attachment_call;
mod attachment_record;
mod attachment_route;
mod attachment_server;
mod attachment_settings;
mod attachment_state;
mod attachment_store;
mod attachment_view;
mod existing_objects;
mod jsonapi;
mod object_owner;
pub(super) mod object_text;
mod rate;
pub(super) mod refusals;

pub(super) use self::admission::refuse_by_keys_and_rate;
pub(super) use self::attachment_route::{
    ATTACHMENTS_BASE, AttachmentRoute, decode_segment, parse_number,
};
pub(super) use self::attachment_server::AttachmentServer;
pub(super) use self::attachment_state::{AttachmentState, LinkedAttachment};
pub(super) use self::jsonapi::{JsonApiProblem, document};

pub use self::attachment_settings::{
    AcceptedAttachmentKeys, AttachmentSettings, DottedIdRouting, ExternalIdClashStatus,
    ExternalIdUniqueness, PurgeClock, SizeWithoutBytes, TitleOnRename,
};
pub use self::attachment_store::{StoredAttachment, count_by_external_id, stored_attachments};
pub use self::existing_objects::{CatalogueObject, ExistingObjects};
