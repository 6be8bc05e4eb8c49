//! Sister services of the attachments API: contracts, events, projects and supplier companies, as
//! lists and singly, with the ids of their attachments.
//!
//! Keys, rate limit and attachments belong to the attachments API; each request locks the state of
//! the API.
//! [`ObjectServer`] decides each request, with [`object_call`] for the operations;
//! [`ObjectSettings`] lists the facts that the vendor documents, and the emulator's assumptions.

mod object_call;
mod object_directory;
pub mod object_file;
mod object_list_query;
mod object_route;
mod object_server;
mod object_settings;
mod object_view;

pub(super) use self::object_route::ObjectRoute;
pub(super) use self::object_server::ObjectServer;

pub use self::object_settings::{LinkageDisplay, NextLink, ObjectSettings, PendingLinkage};
