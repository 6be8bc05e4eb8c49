//! The storage behind the upload and download URLs: as much of S3 as a presigned URL shows.
//!
//! The storage knows neither API keys nor rate limits, neither attachments nor jobs: an
//! [`ObjectOwner`] knows the record of an object. Open `storage_server` first.

mod owner;
mod s3_error;
mod storage_route;
mod storage_server;
mod stored_content;
mod url_signer;

pub(super) use self::owner::{ObjectOwner, ReceivedObject};
pub(super) use self::storage_route::{StorageRoute, object_path};
pub(super) use self::storage_server::StorageServer;
pub(super) use self::stored_content::{StoredContent, new_object_key};
