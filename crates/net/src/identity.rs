//! Which SIP domains and users a certificate proves (RFC 5922 §7), and the check that uses it.

use cordboard_service::door::PeerIdentity;
use cordboard_service::location::Aor;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Scheme, UriRef};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;

/// Domains, and users, that are read from one certificate.
const MAX_IDENTITIES: usize = 64;

/// What the certificate of a client proves.
pub(crate) fn identities(certificate: &CertificateDer<'_>) -> Vec<PeerIdentity> {
    let users = users(certificate).into_iter().map(PeerIdentity::User);
    domains(certificate).into_iter().map(PeerIdentity::Domain).chain(users).collect()
}

/// §7.1: the hosts of its `sip` URIs without a user, or, if there is none, its DNS names.
fn domains(certificate: &CertificateDer<'_>) -> Vec<Box<str>> {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return Vec::new() };
    let named = |name: &str| name.to_ascii_lowercase().into();
    let by_uri: Vec<_> =
        certificate.valid_uri_names().filter_map(sip_domain).map(named).take(MAX_IDENTITIES).collect();
    if by_uri.is_empty() {
        certificate.valid_dns_names().map(named).take(MAX_IDENTITIES).collect()
    } else {
        by_uri
    }
}

/// Whose addresses-of-record its `sip` URIs with a user are (RFC 3261 §23.1).
fn users(certificate: &CertificateDer<'_>) -> Vec<Aor> {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return Vec::new() };
    certificate.valid_uri_names().filter_map(sip_user).take(MAX_IDENTITIES).collect()
}

/// The address-of-record that a `sip` URI is. One with a port or parameters is another address
/// (RFC 3261 §19.1.4), and nobody's name.
fn sip_user(uri: &str) -> Option<Aor> {
    let uri = UriRef::parse(uri).ok().filter(|uri| uri.scheme() == Scheme::Sip)?;
    let bare = uri.password().is_none()
        && uri.port().is_none()
        && uri.params().as_str().is_empty()
        && uri.headers().is_empty();
    let user = unescape(uri.user()?);
    (bare && !user.is_empty()).then(|| Aor(format!("{user}@{}", uri.host().to_ascii_lowercase()).into()))
}

/// The domain of a `sip` URI that names no user.
fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    let authority = rest.split(['?', ';']).next()?;
    let domain = authority.split(':').next()?;
    (scheme.eq_ignore_ascii_case("sip") && !rest.contains('@') && !domain.is_empty()).then_some(domain)
}

/// Believes a server whose certificate comes from a root that we trust and proves the SIP domain that
/// we wanted to reach (RFC 5922 §7.3).
#[derive(Debug)]
pub(crate) struct SipServerVerifier {
    /// Checks the chain; `None` when there is no root to trust.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl SipServerVerifier {
    pub(crate) const fn new(chain: Option<Arc<WebPkiServerVerifier>>, provider: Arc<CryptoProvider>) -> Self {
        Self { chain, provider }
    }
}

impl ServerCertVerifier for SipServerVerifier {
    /// Unlike a browser this accepts a URI that names the domain, and no wildcards (§7.2).
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Err(CertificateError::UnknownIssuer.into()) };
        let verified = chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let ServerName::DnsName(wanted) = server_name else { return verified };
        match verified {
            // The name is looked at last, so here the chain is good in any case.
            Ok(_)
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {
                if domains(end_entity).iter().any(|one| one.eq_ignore_ascii_case(wanted.as_ref())) {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(CertificateError::NotValidForName.into())
                }
            }
            Err(error) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
    use rustls::RootCertStore;

    struct Authority {
        issuer: Issuer<'static, KeyPair>,
        verifier: SipServerVerifier,
    }

    fn authority() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let mut roots = RootCertStore::empty();
        roots.add(params.self_signed(&key).unwrap().der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
        Authority {
            issuer: Issuer::new(params, key),
            verifier: SipServerVerifier::new(Some(chain), provider),
        }
    }

    fn certificate(names: &[SanType], issuer: &Issuer<'_, KeyPair>) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    fn uri(name: &str) -> SanType {
        SanType::URI(name.try_into().unwrap())
    }

    fn names(of: &[SanType]) -> Vec<String> {
        domains(&certificate(of, &authority().issuer)).into_iter().map(Into::into).collect()
    }

    #[test]
    fn dns_names_count_only_without_sip_uris() {
        assert_eq!(names(&[dns("Example.com"), dns("example.net")]), ["example.com", "example.net"]);
        assert_eq!(names(&[dns("example.com"), uri("SIP:Example.org")]), ["example.org"]);
        // Neither a user, nor another scheme, is a domain's identity.
        assert_eq!(
            names(&[dns("example.com"), uri("sip:alice@example.org"), uri("https://example.net")]),
            ["example.com"]
        );
        assert_eq!(names(&[uri("sip:example.org:5061;transport=tls")]), ["example.org"]);
        assert!(names(&[uri("im:example.org")]).is_empty());
    }

    #[test]
    fn a_uri_with_a_user_is_that_user_and_no_domain() {
        let found = |of: &[SanType]| identities(&certificate(of, &authority().issuer));
        let user = |aor: &str| PeerIdentity::User(Aor(aor.into()));
        let domain = |name: &str| PeerIdentity::Domain(name.into());
        assert_eq!(found(&[uri("SIP:%61lice@Example.com")]), [user("alice@example.com")]);
        assert_eq!(
            found(&[uri("sip:bob@example.com"), uri("sip:example.com"), uri("sip:Bob@example.com")]),
            [domain("example.com"), user("bob@example.com"), user("Bob@example.com")]
        );
        assert_eq!(
            found(&[dns("example.com"), uri("sip:bob@b.org")]),
            [domain("example.com"), user("bob@b.org")]
        );
        for other in [
            "sips:alice@example.com",
            "mailto:alice@example.com",
            "sip:alice:word@example.com",
            "sip:alice@example.com:5061",
            "sip:alice@example.com;user=phone",
            "sip:alice@example.com?Replaces=x",
            "sip:@example.com",
            "sip:alice@",
        ] {
            assert_eq!(found(&[uri(other)]), [], "{other}");
        }
    }

    #[test]
    fn a_server_must_prove_the_very_domain() {
        let authority = authority();
        let verify = |names: &[SanType], wanted: &'static str| {
            let certificate = certificate(names, &authority.issuer);
            let name = ServerName::try_from(wanted).unwrap();
            authority.verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()).is_ok()
        };
        assert!(verify(&[dns("example.com")], "Example.com"));
        assert!(verify(&[uri("sip:example.com")], "example.com"));
        // RFC 5922 §7.2: no wildcards, no suffixes; §7.1: a SIP URI makes the DNS names irrelevant.
        assert!(!verify(&[dns("*.example.com")], "sip.example.com"));
        assert!(!verify(&[dns("example.com")], "sip.example.com"));
        assert!(!verify(&[uri("sip:example.org"), dns("example.com")], "example.com"));
        let address = SanType::IpAddress("192.0.2.1".parse().unwrap());
        assert!(verify(std::slice::from_ref(&address), "192.0.2.1"));
        assert!(!verify(&[address], "192.0.2.2"));
    }

    #[test]
    fn a_stranger_s_certificate_is_refused_whatever_it_says() {
        let (ours, stranger) = (authority(), authority());
        let certificate = certificate(&[uri("sip:example.com")], &stranger.issuer);
        let name = ServerName::try_from("example.com").unwrap();
        let verify = |verifier: &SipServerVerifier| {
            verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()).is_ok()
        };
        assert!(!verify(&ours.verifier));
        assert!(verify(&stranger.verifier));
        let none = SipServerVerifier::new(None, Arc::clone(&ours.verifier.provider));
        assert!(!verify(&none));
    }
}
