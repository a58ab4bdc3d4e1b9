//! Client certificates where a group asks for them, by phones that speak TLS.

use crate::served::{Served, write};
use cordboard_sip::digest::{Ha1, Request, WwwAuthenticate};
use cordboard_sip::header::Header;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const CONFIG: &str = r#"
domain = "example.test"
shards = 3
[[listen]]
transport = "udp"
address = "127.0.0.1:0"
[[listen]]
transport = "tls"
address = "127.0.0.1:0"
[http]
address = "127.0.0.1:0"
[tls]
ask_client_certificates = "optional"
client_ca = "clients.pem"
[groups.doctors]
client_certificate = true
[[user]]
name = "alice"
password = "word"
groups = ["doctors"]
[[user]]
name = "bob"
password = "word"
groups = ["porters"]
"#;

/// Who issues the certificates of phones.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("a root").pem();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// A certificate that names this URI.
    fn signs(&self, uri: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("a URI"))];
        let chain = vec![params.signed_by(&key, &self.issuer).expect("a certificate").der().clone()];
        Identity { chain, key: PrivateKeyDer::try_from(key.serialize_der()).expect("a key") }
    }
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// A phone on a connection by TLS.
struct Phone {
    user: &'static str,
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    sent: u32,
    calls: u32,
}

impl Phone {
    fn connects(served: &Served, user: &'static str, identity: Option<Identity>) -> Self {
        Self::connects_by(served, user, client(served, identity))
    }

    fn connects_by(served: &Served, user: &'static str, config: Arc<ClientConfig>) -> Self {
        let stream = TcpStream::connect(served.address("tls")).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let name = ServerName::try_from("example.test").expect("a name");
        let client = ClientConnection::new(config, name).expect("a client");
        Self { user, stream: BufReader::new(StreamOwned::new(client, stream)), sent: 0, calls: 0 }
    }

    /// The final answer to a request, which is sent again with the password when that is asked for.
    fn tries(&mut self, method: &str, to: &str) -> String {
        let uri = if method == "REGISTER" { "sip:example.test" } else { to };
        self.calls += 1;
        let first = self.request(method, uri, to, "");
        let (name, header) = match status(&first) {
            401 => ("WWW-Authenticate: ", "Authorization"),
            407 => ("Proxy-Authenticate: ", "Proxy-Authorization"),
            _ => panic!("no challenge: {first}"),
        };
        let challenge = first.lines().find_map(|line| line.strip_prefix(name)).expect("a challenge");
        let challenge = WwwAuthenticate::parse(challenge).expect("a challenge");
        let challenge = challenge.digest().expect("a digest");
        let secret = Ha1::new(challenge.algorithm, self.user, &challenge.realm, "word");
        let request = Request { method, uri, body: b"" };
        let proof = challenge.answer(self.user, &secret, &request, 1, "cnonce");
        self.request(method, uri, to, &format!("{header}: {proof}\r\n"))
    }

    fn request(&mut self, method: &str, uri: &str, to: &str, more: &str) -> String {
        self.sent += 1;
        let (user, n) = (self.user, self.sent);
        let local = self.stream.get_ref().sock.local_addr().expect("an address");
        // One for each try, so that they come to different shards.
        let call = self.calls;
        let mut text = format!("{method} {uri} SIP/2.0\r\n");
        write!(
            text,
            "Via: SIP/2.0/TLS {local};branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\nFrom: <sip:{user}@example.test>;tag=t\r\n\
             To: <{to}>\r\nCall-ID: {local}-{call}\r\nCSeq: {n} {method}\r\nContact: <sip:{user}@{local};transport=tls>\r\n\
             {more}Content-Length: 0\r\n\r\n"
        )
        .expect("memory");
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).expect("it is sent");
        stream.flush().expect("it is sent");
        loop {
            let answer = self.receives();
            if status(&answer) >= 200 {
                return answer;
            }
        }
    }

    /// The next message; none here has a body.
    fn receives(&mut self) -> String {
        let mut message = String::new();
        while !message.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut message).expect("something comes"), 0, "closed: {message}");
        }
        message
    }
}

/// A client that believes the switchboard, shows a certificate if it has one, and remembers its session.
fn client(served: &Served, identity: Option<Identity>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = served.data().join("tls/ca.pem");
    roots.add(CertificateDer::from_pem_file(root).expect("a root")).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    Arc::new(match identity {
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).expect("they fit"),
        None => builder.with_no_client_auth(),
    })
}

fn status(answer: &str) -> u16 {
    answer.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()).expect("an answer")
}

fn start(authority: &Authority, config: &str) -> Served {
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    write(folder.path(), "clients.pem", &authority.root);
    Served::start_in(folder, config)
}

#[track_caller]
fn assert_refused(answer: &str) {
    assert_eq!(status(answer), 403, "{answer}");
    assert!(answer.contains("\r\nWarning: 399 example.test \""), "{answer}");
    assert!(answer.contains("client certificate"), "{answer}");
}

#[test]
fn who_is_asked_for_a_certificate_registers_and_calls_only_with_their_own() {
    let authority = Authority::new();
    let served = start(&authority, CONFIG);
    let bob = "sip:bob@example.test";
    for (shows, enough) in [
        (Some("sip:alice@example.test"), true),
        (Some("sip:example.test"), true),
        (Some("sip:bob@example.test"), false),
        (Some("sip:elsewhere.test"), false),
        (None, false),
    ] {
        let identity = shows.map(|uri| authority.signs(uri));
        let mut alice = Phone::connects(&served, "alice", identity);
        for _ in 0..4 {
            let registered = alice.tries("REGISTER", "sip:alice@example.test");
            let called = alice.tries("INVITE", bob);
            if enough {
                assert_eq!(status(&registered), 200, "{shows:?}: {registered}");
                assert_eq!(status(&called), 480, "bob is not there, {shows:?}: {called}");
            } else {
                assert_refused(&registered);
                assert_refused(&called);
            }
        }
    }
    // Nobody asks bob, and nobody minds.
    for identity in [None, Some(authority.signs(bob))] {
        let mut phone = Phone::connects(&served, "bob", identity);
        assert_eq!(status(&phone.tries("REGISTER", bob)), 200);
    }
}

#[test]
fn a_group_asks_also_those_who_are_added_later() {
    let authority = Authority::new();
    let served = start(&authority, CONFIG);
    served.says(&["users", "add", "carol", "--password", "word", "--group", "doctors"]);
    let carol = "sip:carol@example.test";
    assert_refused(&Phone::connects(&served, "carol", None).tries("REGISTER", carol));
    let identity = Some(authority.signs(carol));
    assert_eq!(status(&Phone::connects(&served, "carol", identity).tries("REGISTER", carol)), 200);
}

/// A session that is resumed shows no certificate again; it proves what its first connection did.
#[test]
fn a_resumed_session_proves_the_same() {
    let authority = Authority::new();
    let served = start(&authority, CONFIG);
    let alice = "sip:alice@example.test";
    let config = client(&served, Some(authority.signs(alice)));
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut phone = Phone::connects_by(&served, "alice", Arc::clone(&config));
        let registered = phone.tries("REGISTER", alice);
        assert_eq!(phone.stream.get_ref().conn.handshake_kind(), Some(kind));
        assert_eq!(status(&registered), 200, "{registered}");
    }
}

/// What a group asks changes without a restart, also for connections that stand.
#[test]
fn a_group_begins_to_ask() {
    let authority = Authority::new();
    let asks = "client_certificate = true";
    let served = start(&authority, &CONFIG.replace(asks, "client_certificate = false"));
    let alice = "sip:alice@example.test";
    let mut bare = Phone::connects(&served, "alice", None);
    let mut certified = Phone::connects(&served, "alice", Some(authority.signs(alice)));
    assert_eq!(status(&bare.tries("REGISTER", alice)), 200);
    write(served.folder.path(), "cordboard.toml", CONFIG);
    assert!(served.says(&["reload"]).contains("is in use"));
    assert_refused(&bare.tries("REGISTER", alice));
    assert_eq!(status(&certified.tries("REGISTER", alice)), 200);
}

#[test]
fn a_group_that_nobody_could_satisfy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let says = |text: &str| {
        let file = write(folder.path(), "cordboard.toml", text);
        crate::served::failing(crate::served::cordboard().arg("check").arg(file))
    };
    write(folder.path(), "clients.pem", &Authority::new().root);
    let deaf = says(&CONFIG.replace("transport = \"tls\"", "transport = \"tcp\""));
    assert!(deaf.contains("`doctors` wants client certificates, and nothing listens for TLS"), "{deaf}");
    let unasked = says(&CONFIG.replace("\"optional\"", "\"no\""));
    assert!(unasked.contains("`doctors` wants client certificates, and no phone is asked"), "{unasked}");
    let rootless = says(&CONFIG.replace("client_ca = \"clients.pem\"\n", ""));
    assert!(rootless.contains("no authority is named") && rootless.contains("client_ca"), "{rootless}");
}
