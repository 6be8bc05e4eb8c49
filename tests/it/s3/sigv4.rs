//! Presigned URLs as AWS documents them: Signature Version 4, in the query of the URL.
//!
//! Written for these tests from the documentation, so that neither the tool nor the S3 server takes
//! part in the signing.

use std::fmt::Write as _;

use consign::digest::{hmac_sha256, sha256};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters outside the set called unreserved by AWS.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const IN_A_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Access key of the signer.
pub(super) struct AccessKey {
    pub(super) id: &'static str,
    pub(super) secret: &'static str,
}

/// Request granted to the holder of its URL.
pub(super) struct PresignedRequest<'a> {
    pub(super) method: &'a str,
    /// `http` or `https`.
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    /// Path, not yet encoded.
    pub(super) path: &'a str,
    /// Headers required in the request, besides the host.
    pub(super) headers: &'a [(String, String)],
    pub(super) from: Timestamp,
    pub(super) seconds: u32,
}

const REGION: &str = "us-east-1";

impl AccessKey {
    /// Returns the presigned URL.
    pub(super) fn presign(&self, permission: &PresignedRequest<'_>) -> String {
        let time = permission.from.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = &time[..8];
        let scope = format!("{date}/{REGION}/s3/aws4_request");
        let path = utf8_percent_encode(permission.path, IN_A_PATH).to_string();
        let headers = permission.signed_headers();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let query = query(&[
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &format!("{}/{scope}", self.id)),
            ("X-Amz-Date", &time),
            ("X-Amz-Expires", &permission.seconds.to_string()),
            ("X-Amz-SignedHeaders", &names),
        ]);
        let mut request = format!("{}\n{path}\n{query}\n", permission.method);
        for (name, value) in &headers {
            let _ = writeln!(request, "{name}:{}", value.trim());
        }
        let _ = write!(request, "\n{names}\nUNSIGNED-PAYLOAD");
        let digest = sha256(request.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let signature = hmac_sha256(&self.signing_key(date), text.as_bytes());
        let PresignedRequest { scheme, host, .. } = permission;
        format!("{scheme}://{host}{path}?{query}&X-Amz-Signature={signature}")
    }

    /// Returns the signing key for one day, one region and one service.
    fn signing_key(&self, date: &str) -> [u8; 32] {
        let first = format!("AWS4{}", self.secret).into_bytes();
        let parts = [date, REGION, "s3", "aws4_request"];
        let last = parts.iter().fold(first, |key, part| {
            hmac_sha256(&key, part.as_bytes()).0.to_vec()
        });
        last.try_into().unwrap()
    }
}

impl PresignedRequest<'_> {
    /// Returns the signed headers with names in lower case, sorted.
    fn signed_headers(&self) -> Vec<(String, String)> {
        let host = ("host".to_owned(), self.host.to_owned());
        let others = self.headers.iter();
        let others = others.map(|(name, value)| (name.to_lowercase(), value.clone()));
        let mut headers: Vec<_> = others.chain([host]).collect();
        headers.sort();
        headers
    }
}

/// Returns the query with the parameters in the given order, which must be sorted by name.
fn query(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)))
        .collect();
    pairs.join("&")
}

#[test]
fn the_example_of_the_aws_documentation_is_signed_as_it_is_there() {
    let key = AccessKey {
        id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };
    let url = key.presign(&PresignedRequest {
        method: "GET",
        scheme: "https",
        host: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        headers: &[],
        from: "2013-05-24T00:00:00Z".parse().unwrap(),
        seconds: 86400,
    });
    assert_eq!(
        url,
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}
