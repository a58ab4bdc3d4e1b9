//! An authority of our own, for those who have no certificate yet.
//!
//! `ca.pem` is what phones import once; the server's certificate is signed with it and replaced
//! whenever it does not fit any more. Both keys are readable for their owner only.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, ServerName, UnixTime};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::ReloadError;
use crate::tls;

const DAY: Duration = Duration::from_hours(24);
/// How long an authority lives; phones import it by hand, so it should outlive them.
const AUTHORITY_LIFE: Duration = Duration::from_hours(20 * 365 * 24);
/// How long a certificate lives; some phones refuse longer ones.
const CERTIFICATE_LIFE: Duration = Duration::from_hours(397 * 24);
/// A certificate with less left is replaced.
const RENEW_BEFORE: Duration = Duration::from_hours(30 * 24);

/// Where everything is.
pub(crate) struct Own {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) root: PathBuf,
}

/// Makes whatever is missing or does not fit any more.
pub(crate) fn ensure(folder: &Path, names: &[Box<str>]) -> Result<Own, ReloadError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| ReloadError::Unwritable { path: folder.to_owned(), source })?;
    let own =
        Own { chain: folder.join("cert.pem"), key: folder.join("key.pem"), root: folder.join("ca.pem") };
    let authority_key = ensure_authority(&own.root, &folder.join("ca.key"))?;
    if !still_fits(&own, names) {
        issue(&own, authority_key, names)?;
    }
    Ok(own)
}

/// The authority's key, made together with its certificate if neither is there.
fn ensure_authority(root: &Path, key_file: &Path) -> Result<KeyPair, ReloadError> {
    match (root.exists(), key_file.exists()) {
        (true, true) => {
            let text = String::from_utf8_lossy(&tls::read(key_file)?).into_owned();
            KeyPair::from_pem(&text).map_err(|error| ReloadError::Unusable {
                path: key_file.to_owned(),
                says: format!(
                    "it is no private key: {error}; restore it, or remove it and ca.pem for a new authority"
                ),
            })
        }
        (false, false) => {
            let key = KeyPair::generate().map_err(not_made)?;
            let certificate = authority_params(&key).self_signed(&key).map_err(not_made)?;
            write(key_file, 0o600, &key.serialize_pem())?;
            write(root, 0o644, &certificate.pem())?;
            Ok(key)
        }
        (found, _) => {
            let (here, missing) = if found { (root, key_file) } else { (key_file, root) };
            Err(ReloadError::Unusable {
                path: here.to_owned(),
                says: format!(
                    "{} that belongs to it is missing: restore it, or remove both for a new authority",
                    missing.display()
                ),
            })
        }
    }
}

/// The authority's certificate. Its name follows from its key, so that two of them are told apart,
/// and so that the name need not be read back from the file.
fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let id = params.key_identifier(key).first_chunk().map_or(0, |id| u32::from_be_bytes(*id));
    params.distinguished_name.push(DnType::CommonName, format!("Cordboard authority {id:08x}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = life(AUTHORITY_LIFE);
    params
}

/// From yesterday, for phones whose clocks are slow.
fn life<T: From<SystemTime>>(length: Duration) -> (T, T) {
    let now = SystemTime::now();
    (T::from(now - DAY), T::from(now + length))
}

/// Whether the certificate is there, comes from this authority, lives on for a while, carries every
/// name, and belongs to its key.
fn still_fits(own: &Own, names: &[Box<str>]) -> bool {
    let check = || -> Option<bool> {
        let chain = tls::read_certificates(&own.chain).ok()?;
        let root = tls::read_certificates(&own.root).ok()?;
        let key = PrivateKeyDer::from_pem_slice(&tls::read(&own.key).ok()?).ok()?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(chain.clone(), key, &provider).ok()?;
        let certificate = webpki::EndEntityCert::try_from(chain.first()?).ok()?;
        let anchor = webpki::anchor_from_trusted_cert(root.first()?).ok()?;
        let then = SystemTime::now() + RENEW_BEFORE;
        let then = then.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        certificate
            .verify_for_usage(
                provider.signature_verification_algorithms.all,
                &[anchor],
                &[],
                UnixTime::since_unix_epoch(then),
                webpki::KeyUsage::server_auth(),
                None,
                None,
            )
            .ok()?;
        let carries = |name: &&str| {
            let name = ServerName::try_from(*name).ok()?;
            certificate.verify_is_valid_for_subject_name(&name).ok()
        };
        Some(names.iter().map(|name| &**name).all(|name| carries(&name).is_some()))
    };
    check().unwrap_or(false)
}

/// Signs a new certificate for a new key.
fn issue(own: &Own, authority_key: KeyPair, names: &[Box<str>]) -> Result<(), ReloadError> {
    let issuer = Issuer::new(authority_params(&authority_key), authority_key);
    let key = KeyPair::generate().map_err(not_made)?;
    let mut params = CertificateParams::default();
    let first = names.first().map_or("cordboard", |name| name);
    params.distinguished_name.push(DnType::CommonName, first);
    params.subject_alt_names = subject_alt_names(names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = life(CERTIFICATE_LIFE);
    let certificate = params.signed_by(&key, &issuer).map_err(not_made)?;
    write(&own.key, 0o600, &key.serialize_pem())?;
    write(&own.chain, 0o644, &certificate.pem())
}

/// RFC 5922 §6: a domain is a `sip` URI; it is a DNS name as well for phones that know no better.
fn subject_alt_names(names: &[Box<str>]) -> Result<Vec<SanType>, ReloadError> {
    let mut all = Vec::new();
    for name in names {
        if let Ok(address) = name.parse::<IpAddr>() {
            all.push(SanType::IpAddress(address));
        } else {
            let bad = |error| {
                ReloadError::NotMade(format!("\"{name}\" is neither a domain nor an address: {error}"))
            };
            ServerName::try_from(&**name).map_err(|error| bad(error.to_string()))?;
            let dns =
                String::from(&**name).try_into().map_err(|error: rcgen::Error| bad(error.to_string()))?;
            let uri =
                format!("sip:{name}").try_into().map_err(|error: rcgen::Error| bad(error.to_string()))?;
            all.extend([SanType::DnsName(dns), SanType::URI(uri)]);
        }
    }
    Ok(all)
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn not_made(error: rcgen::Error) -> ReloadError {
    ReloadError::NotMade(error.to_string())
}

/// Writes a file as a whole or not at all.
fn write(file: &Path, mode: u32, text: &str) -> Result<(), ReloadError> {
    let fresh = file.with_extension("new");
    let written = || {
        let _ = std::fs::remove_file(&fresh);
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&fresh, file)
    };
    written().map_err(|source| ReloadError::Unwritable { path: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::identities;
    use rustls_pki_types::CertificateDer;
    use std::os::unix::fs::PermissionsExt;

    fn first(file: &Path) -> CertificateDer<'static> {
        tls::read_certificates(file).unwrap().remove(0)
    }

    fn names(of: &[&str]) -> Vec<Box<str>> {
        of.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data/tls");
        let own = ensure(&folder, &names(&["example.com", "192.0.2.1", "2001:db8::1"])).unwrap();
        let (root, certificate) = (first(&own.root), first(&own.chain));
        assert_eq!(identities(&certificate).len(), 1);
        for (file, mode) in [("ca.key", 0o600), ("key.pem", 0o600), ("cert.pem", 0o644)] {
            let found = std::fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{file}");
        }

        ensure(&folder, &names(&["example.com", "192.0.2.1"])).unwrap();
        assert_eq!(first(&own.chain), certificate, "fewer names fit too");
        ensure(&folder, &names(&["example.com", "example.net"])).unwrap();
        let second = first(&own.chain);
        assert_ne!(second, certificate, "a name was missing");
        std::fs::copy(folder.join("ca.key"), &own.key).unwrap();
        ensure(&folder, &names(&["example.com"])).unwrap();
        assert_ne!(first(&own.chain), second, "the key was another's");
        assert_eq!(first(&own.root), root, "phones have imported this");
    }

    #[test]
    fn half_an_authority_is_no_reason_to_make_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        ensure(folder.path(), &names(&["example.com"])).unwrap();
        std::fs::remove_file(folder.path().join("ca.key")).unwrap();
        let error = ensure(folder.path(), &names(&["example.com"])).err().unwrap().to_string();
        assert!(error.contains("ca.pem is not usable") && error.contains("ca.key"), "{error}");
    }

    #[test]
    fn a_name_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = ensure(folder.path(), &names(&["not a name"])).err().unwrap().to_string();
        assert!(error.contains("\"not a name\" is neither a domain nor an address"), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = ensure(&file.path().join("tls"), &[]).err().unwrap().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }
}
