//! TLS: who we are, whom we believe, and certificates that change while people talk.

use crate::stage::{SOON, Setup, Stage, message};
use cordboard_core::transport::Transport;
use cordboard_net::{Certificates, ClientCertificates, Limits, Tls, TrustedRoots};
use cordboard_service::door::PeerIdentity;
use cordboard_service::location::Aor;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

type Client = StreamOwned<ClientConnection, TcpStream>;

/// Our own authority's settings in `folder`.
fn own(folder: &Path, names: &[&str]) -> Tls {
    Tls {
        certificates: Certificates::Own {
            folder: folder.to_owned(),
            names: names.iter().map(|name| Box::from(*name)).collect(),
        },
        clients: ClientCertificates::NotAsked,
        roots: TrustedRoots::default(),
    }
}

fn start(tls: Tls, listeners: &[&str]) -> Stage {
    Setup { tls: Some(tls), shards: 1, ..Setup::on(listeners) }.start()
}

/// An authority that is not ours, and what it signs.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(folder.path().join("root.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// Writes a certificate and its key.
    fn signs(&self, name: &str, names: Vec<SanType>) -> (PathBuf, PathBuf) {
        let files =
            (self.folder.path().join(format!("{name}.pem")), self.folder.path().join(format!("{name}.key")));
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        std::fs::write(&files.0, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn sip(domain: &str) -> SanType {
    SanType::URI(format!("sip:{domain}").try_into().unwrap())
}

/// A client that believes `root` and shows a certificate if it has one.
fn client_config(root: &Path, shows: Option<&(PathBuf, PathBuf)>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match shows {
        Some((chain, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(chain).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    })
}

fn connect(address: SocketAddr, config: Arc<ClientConfig>, name: &'static str) -> Client {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let client = ClientConnection::new(config, ServerName::try_from(name).unwrap()).unwrap();
    StreamOwned::new(client, stream)
}

fn try_echo(client: &mut Client) -> std::io::Result<()> {
    let sent = message("OPTIONS", "secret");
    client.write_all(&sent)?;
    let mut bytes = vec![0; sent.len()];
    client.read_exact(&mut bytes)?;
    assert_eq!(bytes, sent);
    Ok(())
}

#[test]
fn a_first_start_makes_certificates_that_phones_can_believe() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["example.com", "127.0.0.1", "::1"];
    let stage = start(own(folder.path(), &names), &["tls 127.0.0.1", "tls [::1]"]);
    let config = client_config(&folder.path().join("ca.pem"), None);
    for listener in stage.server.listeners() {
        for name in names {
            try_echo(&mut connect(listener.local, Arc::clone(&config), name)).unwrap();
        }
        assert!(try_echo(&mut connect(listener.local, Arc::clone(&config), "example.net")).is_err());
    }
    assert!(stage.opened().1.identities.is_empty());
}

#[test]
fn a_reload_drops_no_connection() {
    let authority = Authority::new();
    let (chain, key) = authority.signs("server", vec![dns("example.com")]);
    let certificates = Certificates::Files { chain: chain.clone(), key: key.clone() };
    let stage = start(Tls { certificates, ..own(&chain, &[]) }, &["tls 127.0.0.1"]);
    let address = stage.address(Transport::Tls);
    let config = || client_config(&authority.root(), None);
    let shown = |client: &Client| client.conn.peer_certificates().unwrap()[0].clone();

    let mut before = connect(address, config(), "example.com");
    try_echo(&mut before).unwrap();
    authority.signs("server", vec![dns("example.com")]);
    stage.server.reload_certificates().unwrap();
    let mut after = connect(address, config(), "example.com");
    try_echo(&mut after).unwrap();
    assert_ne!(shown(&before), shown(&after));
    try_echo(&mut before).unwrap();

    // A bad file is refused, and what was stays.
    std::fs::write(&key, "no key").unwrap();
    let says = stage.server.reload_certificates().unwrap_err().to_string();
    assert!(says.contains("server.key is not usable"), "{says}");
    let mut still = connect(address, config(), "example.com");
    try_echo(&mut still).unwrap();
    assert_eq!(shown(&still), shown(&after));
    try_echo(&mut before).unwrap();
}

#[test]
fn without_tls_there_is_nothing_to_reload() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    assert!(stage.server.reload_certificates().is_err());
}

#[test]
fn clients_show_who_they_are_if_they_are_asked() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let roots = vec![authority.root()];
    let names = vec![sip("peer.example.com"), dns("other.example.com"), sip("alice@example.com")];
    let known = authority.signs("client", names);
    let unknown = stranger.signs("client", vec![sip("peer.example.com")]);
    let root = folder.path().join("ca.pem");

    for required in [false, true] {
        let clients = if required {
            ClientCertificates::Required { roots: roots.clone() }
        } else {
            ClientCertificates::Asked { roots: roots.clone() }
        };
        let stage = start(Tls { clients, ..own(folder.path(), &["example.com"]) }, &["tls 127.0.0.1"]);
        let address = stage.address(Transport::Tls);
        let connects = |shows| connect(address, client_config(&root, shows), "example.com");

        try_echo(&mut connects(Some(&known))).unwrap();
        let (flow, peer) = stage.opened();
        assert_eq!(
            *peer.identities,
            [
                PeerIdentity::Domain("peer.example.com".into()),
                PeerIdentity::User(Aor("alice@example.com".into()))
            ]
        );
        // Before its first message.
        assert_eq!(stage.noted("opened: 2 identities").1, Some(flow));
        assert!(try_echo(&mut connects(Some(&unknown))).is_err());
        assert_eq!(try_echo(&mut connects(None)).is_err(), required);
    }
}

#[test]
fn an_opened_connection_must_prove_the_domain() {
    let ours = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (chain, key) = authority.signs("peer", vec![sip("peer.example.com")]);
    let certificates = Certificates::Files { chain, key };
    let peer = start(Tls { certificates, ..own(ours.path(), &[]) }, &["tls 127.0.0.1"]);
    let remote = peer.address(Transport::Tls);

    let believes = |files: Vec<PathBuf>| {
        let roots = TrustedRoots { system: false, files };
        start(Tls { roots, ..own(ours.path(), &["example.com"]) }, &["tls 127.0.0.1"])
    };
    let stage = believes(vec![authority.root()]);
    stage.order(&format!("open tls {remote} peer.example.com"));
    assert!(!stage.opened().1.incoming);
    let flow = stage.noted("answer 1: Opened(Ok").1.unwrap();
    assert_eq!(flow.remote, remote);
    // The same name is served by the same connection; another must be proven anew, and is not.
    stage.order(&format!("open tls {remote} peer.example.com"));
    assert_eq!(stage.noted("answer 2: Opened(Ok").1, Some(flow));
    stage.order(&format!("open tls {remote} evil.example.com"));
    stage.noted("answer 3: Opened(Err(Handshake))");
    stage.order(&format!("open tls {remote} \"\""));
    stage.noted("answer 4: Opened(Err(Handshake))");

    let doubts = believes(Vec::new());
    doubts.order(&format!("open tls {remote} peer.example.com"));
    doubts.noted("answer 1: Opened(Err(Handshake))");
}

#[test]
fn switchboards_with_certificates_know_each_other() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| {
        let (chain, key) = authority.signs(name, vec![sip(&format!("{name}.example.com"))]);
        let roots = TrustedRoots { system: false, files: vec![authority.root()] };
        let clients = ClientCertificates::Required { roots: vec![authority.root()] };
        start(
            Tls {
                certificates: Certificates::Files { chain, key },
                clients,
                roots: TrustedRoots { ..roots },
            },
            &["tls 127.0.0.1"],
        )
    };
    let (one, two) = (of("one"), of("two"));
    drop(folder);
    one.order(&format!("open tls {} two.example.com", two.address(Transport::Tls)));
    one.noted("answer 1: Opened(Ok");
    let (flow, peer) = two.opened();
    assert_eq!(*peer.identities, [PeerIdentity::Domain("one.example.com".into())]);
    // Its certificate is as good as one that it would show if we connected to it.
    two.order(&format!("open tls {} one.example.com", flow.remote));
    assert_eq!(two.noted("answer 1: Opened(Ok").1, Some(flow));
}

#[test]
fn who_does_not_shake_hands_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { open_time: Duration::from_millis(150), ..Limits::DEFAULT };
    let stage = Setup { tls: Some(own(folder.path(), &["example.com"])), ..Setup::on(&["tls 127.0.0.1"]) }
        .limits(limits)
        .start();
    let address = stage.address(Transport::Tls);
    let mut silent = TcpStream::connect(address).unwrap();
    silent.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
    let mut plain = TcpStream::connect(address).unwrap();
    plain.set_read_timeout(Some(SOON)).unwrap();
    plain.write_all(&message("OPTIONS", "")).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"SIP"), "no SIP outside of TLS");
    stage.until_connections(0);
}
