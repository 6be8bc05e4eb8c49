//! The storage behind the upload and download URLs: as much of S3 as a presigned URL shows.
//!
//! The storage knows neither API keys nor rate limits, neither attachments nor jobs: an
//! [`ObjectOwner`] knows the record of an object. Open `api` first.

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
