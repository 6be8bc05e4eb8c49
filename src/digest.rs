//! SHA-256 and MD5 over bytes that arrive in pieces. The only user of `sha2`, `md-5` and `hmac`.

use hmac::{Hmac, KeyInit as _, Mac as _};
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

/// The HMAC-SHA-256 of a message: proof, for whoever knows the key, that the message is unaltered.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Sha256Digest {
    Sha256Digest(keyed(key, message).finalize().into_bytes().into())
}

/// Whether `claimed` is the HMAC-SHA-256 of the message. The comparison takes the same time
/// wherever the two differ, so that nobody can guess a code byte by byte.
pub fn is_hmac_sha256(key: &[u8], message: &[u8], claimed: &Sha256Digest) -> bool {
    keyed(key, message).verify_slice(&claimed.0).is_ok()
}

fn keyed(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_recognised_by_whoever_has_the_key() {
        // Test case 2 of RFC 4231.
        let (key, message) = (b"Jefe", b"what do ya want for nothing?");
        let code = hmac_sha256(key, message);
        assert_eq!(
            code.to_string(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(is_hmac_sha256(key, message, &code));
        assert!(!is_hmac_sha256(b"Jeff", message, &code));
        assert!(!is_hmac_sha256(key, b"what do ya want", &code));
    }
}
