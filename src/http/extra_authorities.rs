//! Certificate authorities added by the user to the system's.
//!
//! A host without a certificate signed by a trusted authority is never trusted, and no option
//! changes the rule.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::text::escape;

/// Authorities to trust, in addition to the system's.
#[derive(Debug, Clone, Default)]
pub struct ExtraAuthorities(Vec<Certificate>);

/// Error for an unusable file of authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the --ca-file {} {why}", escape(&path.to_string_lossy()))]
pub struct CaFileError {
    path: PathBuf,
    why: String,
}

impl ExtraAuthorities {
    /// Reads a PEM file of authorities. Fails with [`CaFileError`] if the file has no certificate,
    /// or a certificate unfit for an authority.
    pub fn read(path: &Path) -> Result<Self, CaFileError> {
        let unfit = |why: String| CaFileError {
            path: path.to_owned(),
            why,
        };
        let pem = fs::read(path).map_err(|error| {
            unfit(format!(
                "cannot be read: {error}; give the path of a PEM file"
            ))
        })?;
        let roots = CertificateDer::pem_slice_iter(&pem)
            .zip(1..)
            .map(|(found, number)| {
                found
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| parse_authority(&certificate))
                    .map_err(|why| unfit(format!("has a damaged certificate, number {number}: {why}; export it anew as PEM")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() {
            return Err(unfit(
                "has no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----; \
                 a binary one becomes PEM with: openssl x509 -inform der -in FILE -out FILE.pem"
                    .to_owned(),
            ));
        }
        Ok(Self(roots))
    }

    /// Returns the certificates in the HTTP library's form.
    pub(super) fn certificates(&self) -> impl Iterator<Item = Certificate> {
        self.0.iter().cloned()
    }
}

/// Parses a certificate, which must be fit for an authority.
fn parse_authority(certificate: &CertificateDer<'_>) -> Result<Certificate, String> {
    RootCertStore::empty()
        .add(certificate.clone())
        .map_err(|error| error.to_string())?;
    Certificate::from_der(certificate).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: impl AsRef<[u8]>) -> Result<ExtraAuthorities, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        fs::write(&path, content).unwrap();
        let named = path.to_string_lossy().into_owned();
        ExtraAuthorities::read(&path).map_err(|error| error.to_string().replace(&named, "[file]"))
    }

    fn certificate() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["example.com".to_owned()]).unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_file_may_have_several_certificates_with_anything_between_them() {
        let both = format!(
            "the first:\r\n{}\nthe second:\n{}",
            certificate(),
            certificate()
        );
        assert_eq!(read(both).unwrap().0.len(), 2);
    }

    #[test]
    fn what_is_no_pem_is_named_with_what_to_do() {
        for content in [
            "",
            "hello",
            "\u{0}\u{1}",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let error = read(content).unwrap_err();
            assert!(
                error.starts_with("the --ca-file [file] has no certificate in PEM form"),
                "{content:?}: {error}"
            );
        }
    }

    #[test]
    fn a_damaged_certificate_is_told_by_its_number() {
        let torn = certificate().replacen("MII", "AAA", 1);
        let error = read(certificate() + &torn).unwrap_err();
        assert!(
            error.starts_with("the --ca-file [file] has a damaged certificate, number 2: "),
            "{error}"
        );
        assert!(read("-----BEGIN CERTIFICATE-----\nMIIB").is_err());
    }
}
