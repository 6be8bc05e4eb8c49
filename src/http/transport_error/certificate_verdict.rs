//! Verdicts on the certificate of a server, in words for the user.
//!
//! On Linux the TLS library judges certificates and gives a typed reason for each refusal.
//! Windows and macOS judge by their own verifiers, and the library passes on most of their refusals
//! as a text in the language of the system, with the number of the error at its end (read in the
//! source of `rustls-platform-verifier` 0.7.1).

use std::error::Error;

use rustls::CertificateError;

/// Largest number of a certificate's names in a message.
const MAX_NAMES_SHOWN: usize = 3;

/// Longest text of a system's verifier in a message, in characters.
const MAX_TEXT_CHARS: usize = 200;

const EXPIRED: &str = "the certificate has expired (or the clock of this machine is wrong)";

const NOT_VALID_YET: &str =
    "the certificate is not valid yet (or the clock of this machine is wrong)";

const UNKNOWN_AUTHORITY: &str = "the certificate is signed by no authority that this machine trusts; \
    if your company has its own authority, or a proxy that inspects TLS, add the authority's \
    certificate with --ca-file";

const REVOKED: &str = "the certificate was revoked by its authority; ask the administrator of the \
    host for a new certificate";

/// Describes the problem if the error is about a certificate.
pub(super) fn describe_certificate_error(error: &(dyn Error + 'static)) -> Option<String> {
    let Some(rustls::Error::InvalidCertificate(wrong)) = error.downcast_ref() else {
        return None;
    };
    Some(match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => EXPIRED.to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            NOT_VALID_YET.to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the certificate is for another host ({}); is the address right?",
            first_names(presented)
        ),
        CertificateError::NotValidForName => {
            "the certificate is for another host; is the address right?".to_owned()
        }
        CertificateError::UnknownIssuer => UNKNOWN_AUTHORITY.to_owned(),
        CertificateError::Revoked => REVOKED.to_owned(),
        CertificateError::Other(verdict) => describe_system_verdict(&verdict.to_string()),
        other => format!("the certificate is not trusted: {other}"),
    })
}

/// Describes a refusal of the system's verifier by the text of the refusal:
/// `... (os error -2146762486)` on Windows, `...: -67843` on macOS.
fn describe_system_verdict(text: &str) -> String {
    match error_number(text).and_then(SystemRefusal::from_number) {
        Some(SystemRefusal::UnknownAuthority) => UNKNOWN_AUTHORITY.to_owned(),
        Some(SystemRefusal::Expired) => EXPIRED.to_owned(),
        Some(SystemRefusal::NotValidYet) => NOT_VALID_YET.to_owned(),
        Some(SystemRefusal::Revoked) => REVOKED.to_owned(),
        None => format!(
            "this system does not trust the certificate: {}; ask the administrator of the host for \
             a certificate that the system accepts, or add the authority of a proxy that inspects \
             TLS with --ca-file",
            text.chars().take(MAX_TEXT_CHARS).collect::<String>()
        ),
    }
}

/// Refusal by a system's verifier for a reason known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SystemRefusal {
    UnknownAuthority,
    Expired,
    NotValidYet,
    Revoked,
}

impl SystemRefusal {
    /// Recognises a refusal by the error number of Windows (`winerror.h`) or macOS (`SecBase.h`). The
    /// two ranges of numbers are apart.
    fn from_number(number: i32) -> Option<Self> {
        /// A chain does not lead to a root: `CERT_E_CHAINING`.
        const CHAIN_WITHOUT_ROOT: i32 = 0x800B_010A_u32.cast_signed();
        /// `CERT_E_UNTRUSTEDTESTROOT`.
        const TEST_ROOT: i32 = 0x800B_010D_u32.cast_signed();
        /// `CERT_E_UNTRUSTEDCA`.
        const UNTRUSTED_AUTHORITY: i32 = 0x800B_0112_u32.cast_signed();
        /// `CERT_E_REVOKED`.
        const CERTIFICATE_REVOKED: i32 = 0x800B_010C_u32.cast_signed();
        /// `errSecNotTrusted`.
        const APPLE_NOT_TRUSTED: i32 = -67843;
        /// `errSecCertificateExpired`.
        const APPLE_EXPIRED: i32 = -67818;
        /// `errSecCertificateNotValidYet`.
        const APPLE_NOT_VALID_YET: i32 = -67819;
        match number {
            CHAIN_WITHOUT_ROOT | TEST_ROOT | UNTRUSTED_AUTHORITY | APPLE_NOT_TRUSTED => {
                Some(Self::UnknownAuthority)
            }
            APPLE_EXPIRED => Some(Self::Expired),
            APPLE_NOT_VALID_YET => Some(Self::NotValidYet),
            CERTIFICATE_REVOKED => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// Returns the number at the end of a text, before a closing bracket if there is one.
fn error_number(text: &str) -> Option<i32> {
    let text = text.trim_end().trim_end_matches(')');
    let is_part = |c: char| c.is_ascii_digit() || c == '-';
    let start = text.trim_end_matches(is_part).len();
    text[start..].parse().ok()
}

/// Returns the first names of a certificate. The library shows them as `DnsName("example.com")`.
/// The server chooses the names, so messages are escaped where they are shown.
fn first_names(names: &[String]) -> String {
    let first: Vec<String> = names
        .iter()
        .take(MAX_NAMES_SHOWN)
        .map(|name| {
            let name = name.strip_prefix("DnsName(\"").unwrap_or(name);
            let name = name.strip_suffix("\")").unwrap_or(name);
            name.chars().take(100).collect()
        })
        .collect();
    first.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    fn told(verdict: &str) -> String {
        let verdict = OtherError(Arc::from(Box::from(verdict)));
        let error = rustls::Error::InvalidCertificate(CertificateError::Other(verdict));
        describe_certificate_error(&error).unwrap()
    }

    #[test]
    fn refusals_of_windows_and_macos_are_told_in_the_words_of_linux() {
        for (verdict, words) in [
            (
                "Eine Zertifikatkette konnte nicht erstellt werden. (os error -2146762486)",
                UNKNOWN_AUTHORITY,
            ),
            (
                "A root is for tests. (os error -2146762483)",
                UNKNOWN_AUTHORITY,
            ),
            (
                "An authority is not trusted. (os error -2146762478)",
                UNKNOWN_AUTHORITY,
            ),
            ("It was revoked. (os error -2146762484)", REVOKED),
            (
                "“a.example” certificate is not trusted: -67843",
                UNKNOWN_AUTHORITY,
            ),
            ("“a.example” certificate is expired: -67818", EXPIRED),
            (
                "“a.example” certificate is not yet valid: -67819",
                NOT_VALID_YET,
            ),
        ] {
            assert_eq!(told(verdict), words, "{verdict}");
        }
    }

    #[test]
    fn a_refusal_without_words_of_its_own_is_quoted_with_what_to_do() {
        for verdict in [
            "“a.example” certificate is not standards compliant: -67901",
            "A certificate has no constraint. (os error -2146869223)",
            "no number",
            "",
        ] {
            let start = format!("this system does not trust the certificate: {verdict}; ask the ");
            assert!(told(verdict).starts_with(&start), "{}", told(verdict));
        }
        let long = told(&"x".repeat(10_000));
        assert!(long.len() < 500, "{long}");
    }

    #[test]
    fn a_certificate_for_another_host_is_told_where_the_system_names_no_host() {
        let error = rustls::Error::InvalidCertificate(CertificateError::NotValidForName);
        let told = describe_certificate_error(&error).unwrap();
        assert!(
            told.starts_with("the certificate is for another host; "),
            "{told}"
        );
    }
}
