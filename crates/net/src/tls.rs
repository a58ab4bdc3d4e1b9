//! Certificates in use: loaded when the server starts, and again whenever somebody asks.
//!
//! A reload builds everything anew and swaps it in whole, so that connections which exist keep what
//! they were made with, and a bad file changes nothing.

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, KeyLogFile, RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::authority;
use crate::config::{Certificates, ClientCertificates, Tls, TrustedRoots};
use crate::error::ReloadError;
use crate::identity::SipServerVerifier;

/// How we prove who we are, and whom we believe.
pub(crate) struct Identity {
    settings: Tls,
    current: RwLock<Arc<Current>>,
}

struct Current {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Identity {
    pub(crate) fn load(settings: Tls) -> Result<Self, ReloadError> {
        let current = RwLock::new(Arc::new(Current::load(&settings)?));
        Ok(Self { settings, current })
    }

    /// Reads everything again.
    pub(crate) fn reload(&self) -> Result<(), ReloadError> {
        let fresh = Arc::new(Current::load(&self.settings)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current().server))
    }

    pub(crate) fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.current().client))
    }
}

impl Current {
    fn load(settings: &Tls) -> Result<Self, ReloadError> {
        let (chain_file, key_file, own_root) = match &settings.certificates {
            Certificates::Files { chain, key } => (chain.clone(), key.clone(), None),
            Certificates::Own { folder, names } => {
                let own = authority::ensure(folder, names)?;
                (own.chain, own.key, Some(own.root))
            }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = read_certificates(&chain_file)?;
        let key = read_key(&key_file)?;
        let fits = |error: rustls::Error| unusable(&chain_file, &key_file, &error);

        let clients = client_verifier(&settings.clients, &provider)?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(fits)?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(fits)?;
        // Writes session keys only where SSLKEYLOGFILE names a file, for captures to be read.
        server.key_log = Arc::new(KeyLogFile::new());

        let verifier = server_verifier(&settings.roots, own_root.as_deref(), &provider)?;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(fits)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(chain, key)
            .map_err(fits)?;
        client.key_log = Arc::clone(&server.key_log);
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }
}

/// Whether, and against whom, the certificates of clients are checked.
fn client_verifier(
    clients: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ReloadError> {
    let (files, required) = match clients {
        ClientCertificates::NotAsked => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientCertificates::Asked { roots } => (roots, false),
        ClientCertificates::Required { roots } => (roots, true),
    };
    let mut roots = RootCertStore::empty();
    for file in files {
        add_roots(&mut roots, file)?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| {
        let path = files.first().cloned().unwrap_or_default();
        ReloadError::Unusable { path, says: format!("no authority for client certificates: {error}") }
    })
}

/// Whom we believe when we connect.
fn server_verifier(
    trusted: &TrustedRoots,
    own_root: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<SipServerVerifier, ReloadError> {
    let mut roots = RootCertStore::empty();
    for file in trusted.files.iter().map(PathBuf::as_path).chain(own_root) {
        add_roots(&mut roots, file)?;
    }
    if trusted.system {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let chain = if roots.is_empty() {
        None
    } else {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        Some(builder.build().map_err(|error| ReloadError::NotMade(error.to_string()))?)
    };
    Ok(SipServerVerifier::new(chain, Arc::clone(provider)))
}

fn add_roots(roots: &mut RootCertStore, file: &Path) -> Result<(), ReloadError> {
    for certificate in read_certificates(file)? {
        roots.add(certificate).map_err(|error| ReloadError::Unusable {
            path: file.to_owned(),
            says: format!("it holds a certificate that is no authority: {error}"),
        })?;
    }
    Ok(())
}

/// Every certificate of a PEM file, in order.
pub(crate) fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ReloadError> {
    let bytes = read(file)?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable_file(
            file,
            "it holds no certificate; a PEM file with a line `-----BEGIN CERTIFICATE-----` is wanted",
        )),
        Err(error) => Err(unusable_file(file, &no_pem(&error))),
    }
}

/// The parser's own words show file contents as numbers.
fn no_pem(error: &pem::Error) -> String {
    let says = match error {
        pem::Error::MissingSectionEnd { .. } => "it ends within a section",
        pem::Error::IllegalSectionStart { .. } => "a section begins with a malformed line",
        pem::Error::Base64Decode(_) => "what stands between its marks is not base64",
        _ => "it cannot be taken apart",
    };
    format!("it is no whole PEM file: {says}; check that all of it was copied")
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, ReloadError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|error| {
        let says = match error {
            pem::Error::NoItemsFound => {
                "it holds no private key that is readable without a password; a PEM file with a line \
                 `-----BEGIN PRIVATE KEY-----` is wanted"
                    .to_owned()
            }
            error => no_pem(&error),
        };
        ReloadError::Unusable { path: file.to_owned(), says }
    })
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>, ReloadError> {
    std::fs::read(file).map_err(|source| ReloadError::Unreadable { path: file.to_owned(), source })
}

fn unusable_file(file: &Path, says: &str) -> ReloadError {
    ReloadError::Unusable { path: file.to_owned(), says: says.to_owned() }
}

/// Says what is wrong with a certificate and its key.
fn unusable(chain: &Path, key: &Path, error: &rustls::Error) -> ReloadError {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            let says = format!(
                "it is not the key of the first certificate in {}; the two that were issued together are wanted",
                chain.display()
            );
            unusable_file(key, &says)
        }
        rustls::Error::InvalidCertificate(_) => unusable_file(
            chain,
            "its first certificate cannot be read; one of X.509, as authorities issue them, is wanted",
        ),
        error => unusable_file(
            chain,
            &format!("with the key {}: {error}; check that both are of a usual kind", key.display()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn settings(chain: PathBuf, key: PathBuf) -> Tls {
        Tls {
            certificates: Certificates::Files { chain, key },
            clients: ClientCertificates::NotAsked,
            roots: TrustedRoots::default(),
        }
    }

    fn says(settings: Tls) -> String {
        Identity::load(settings).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let [chain, key, other, junk] =
            ["cert.pem", "key.pem", "other.pem", "junk.pem"].map(|name| folder.path().join(name));
        let key_pair = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["example.com".to_owned()]).unwrap().self_signed(&key_pair).unwrap();
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&key, key_pair.serialize_pem()).unwrap();
        std::fs::write(&other, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        std::fs::write(&junk, "not PEM at all").unwrap();

        assert_eq!(says(settings(chain.clone(), key.clone())), "");
        let missing = folder.path().join("missing.pem");
        assert!(says(settings(missing, key.clone())).contains("missing.pem cannot be read"));
        assert!(
            says(settings(chain.clone(), other)).contains("other.pem is not usable: it is not the key of")
        );
        assert!(says(settings(junk.clone(), key.clone())).contains("it holds no certificate"));
        assert!(says(settings(chain.clone(), junk)).contains("it holds no private key"));
        let clients = ClientCertificates::Required { roots: Vec::new() };
        let nobody = Tls { clients, ..settings(chain, key) };
        assert!(says(nobody).contains("no authority for client certificates"));
    }

    #[test]
    fn a_bad_reload_keeps_the_old_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let certificates =
            Certificates::Own { folder: folder.path().join("tls"), names: vec!["example.com".into()] };
        let clients = ClientCertificates::NotAsked;
        let identity = Identity::load(Tls { certificates, clients, roots: TrustedRoots::default() }).unwrap();
        let before = identity.current();
        std::fs::write(folder.path().join("tls/ca.key"), "broken").unwrap();
        std::fs::remove_file(folder.path().join("tls/cert.pem")).unwrap();
        assert!(identity.reload().is_err());
        assert!(Arc::ptr_eq(&before, &identity.current()));
    }
}
