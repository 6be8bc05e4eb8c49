//! The storage behind the upload and download URLs: as much of S3 as a presigned URL shows.
//!
//! It knows nothing of keys and rate, and nothing of attachments and jobs: whose an object is, an
//! [`ObjectOwner`] knows.

mod api;
mod content;
mod owner;
mod route;
mod s3_error;
mod sign;

pub(super) use self::api::StorageServer;
pub(super) use self::content::{Content, new_key};
pub(super) use self::owner::{ObjectOwner, ReceivedObject};
pub(super) use self::route::{StorageRoute, object_path};
