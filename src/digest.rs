//! SHA-256, MD5 and HMAC. The only user of `sha2`, `md-5` and `hmac`.
//!
//! `sha2` detects the SHA instructions of the processor at run time and uses them. On processors
//! without SHA instructions, such as older laptops, the vector code of aws-lc would be nearly twice
//! as fast. Hashing takes seconds where sending takes hours, and one trait for all three algorithms
//! is worth more.

use std::io;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::model::{Md5Digest, Sha256Digest};

/// SHA-256 digest under construction.
#[derive(Default)]
pub struct Sha256Hasher(Sha256);

impl Sha256Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes added so far.
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }
}

impl io::Write for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// MD5 digest under construction. S3 uses the MD5 of an object as the `ETag` when one PUT uploaded
/// the object.
#[derive(Default)]
pub struct Md5Hasher(Md5);

impl Md5Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes added so far.
    pub fn finish(self) -> Md5Digest {
        Md5Digest(self.0.finalize().into())
    }
}

/// Returns the SHA-256 of bytes in memory.
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    let mut hasher = Sha256Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// Returns the HMAC-SHA-256 of a message. A holder of the key can check with the code that the
/// message is unaltered.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Sha256Digest {
    Sha256Digest(hmac_state(key, message).finalize().into_bytes().into())
}

/// Returns `true` if `claimed` is the HMAC-SHA-256 of the message. The comparison takes constant
/// time, so that an attacker cannot guess a code byte by byte.
pub fn verify_hmac_sha256(key: &[u8], message: &[u8], claimed: &Sha256Digest) -> bool {
    hmac_state(key, message).verify_slice(&claimed.0).is_ok()
}

fn hmac_state(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_digest_however_its_bytes_arrive_and_whoever_computes_it() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        // Expected values are the output of sha256sum.
        for piece in [1_usize, 63, 64, 65, 262_144] {
            let mut hasher = Sha256Hasher::default();
            bytes.chunks(piece).for_each(|bytes| hasher.update(bytes));
            assert_eq!(
                hasher.finish().to_string(),
                "20ff50e632cc575386b15d7fcd9c3842ef435388ed29ae8c30617158ee907dc5"
            );
        }
        assert_eq!(
            Sha256Hasher::default().finish().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_message_is_recognised_by_whoever_has_the_key() {
        // Test case 2 of RFC 4231.
        let (key, message) = (b"Jefe", b"what do ya want for nothing?");
        let code = hmac_sha256(key, message);
        assert_eq!(
            code.to_string(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(verify_hmac_sha256(key, message, &code));
        assert!(!verify_hmac_sha256(b"Jeff", message, &code));
        assert!(!verify_hmac_sha256(key, b"what do ya want", &code));
    }
}
