//! SHA-256 and MD5 over bytes that arrive in pieces. The only user of `sha2` and `md-5`.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::model::{Md5Digest, Sha256Digest};

/// A SHA-256 in the making. (`sha2` finds the processor's own instructions at run time.)
#[derive(Default)]
pub struct Sha256Hasher(Sha256);

impl Sha256Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken.
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }
}

/// An MD5 in the making: what S3 calls the `ETag` of an object that came in one PUT.
#[derive(Default)]
pub struct Md5Hasher(Md5);

impl Md5Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken.
    pub fn finish(self) -> Md5Digest {
        Md5Digest(self.0.finalize().into())
    }
}

/// The SHA-256 of bytes that are all there.
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    let mut hasher = Sha256Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}
