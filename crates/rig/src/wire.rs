//! A peer that is no more than a socket: it sends the bytes it is told to, also those that no phone would send.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Bytes that one read takes: the longest datagram.
const READ: usize = 65_536;

/// How long one write may take before the switchboard counts as stuck.
const WRITE: Duration = Duration::from_secs(10);

/// WebSocket operation codes (RFC 6455 §5.2).
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// One end of a UDP association, a connection, or a WebSocket.
pub struct Wire {
    end: End,
    /// What was read of a stream and is no whole message yet.
    held: Vec<u8>,
    local: SocketAddr,
}

enum End {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    WebSocket(TcpStream),
}

/// What came over a [`Wire`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// One whole message.
    Message(Message),
    /// Nothing in the time given.
    Silence,
    /// The peer has ended the connection; a WebSocket may say why (RFC 6455 §7.4).
    Closed(Option<u16>),
}

/// A message as it came, read with no more understanding than a test needs.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(String);

impl Wire {
    /// A socket of its own for datagrams to `switchboard`.
    pub fn udp(switchboard: &str) -> Self {
        Self::udp_from(0, switchboard)
    }

    /// The same from a port of the loopback, which somebody else has later.
    pub fn udp_from(port: u16, switchboard: &str) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("a port");
        socket.connect(switchboard).expect("an address on loopback");
        let local = socket.local_addr().expect("a bound socket has an address");
        Self { end: End::Udp(socket), held: Vec::new(), local }
    }

    /// A TCP connection.
    pub fn tcp(switchboard: &str) -> Self {
        let (stream, local) = connect(switchboard);
        Self { end: End::Tcp(stream), held: Vec::new(), local }
    }

    /// A TLS connection to the server of `domain`, whose certificate `authority` has signed.
    pub fn tls(switchboard: &str, domain: &str, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authority).expect("the authority can be read") {
            roots.add(certificate.expect("a certificate")).expect("an authority");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(domain.to_owned()).expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let (stream, local) = connect(switchboard);
        let mut stream = StreamOwned::new(client, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).expect("the handshake succeeds");
        }
        Self { end: End::Tls(Box::new(stream)), held: Vec::new(), local }
    }

    /// A WebSocket that speaks SIP (RFC 7118 §4).
    pub fn websocket(switchboard: &str) -> Self {
        let (mut stream, local) = connect(switchboard);
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {switchboard}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        )
        .expect("the handshake is sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("the handshake is answered");
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        Self { end: End::WebSocket(stream), held: Vec::new(), local }
    }

    /// Our address.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// What a Via calls the transport.
    pub fn transport(&self) -> &'static str {
        match self.end {
            End::Udp(_) => "UDP",
            End::Tcp(_) => "TCP",
            End::Tls(_) => "TLS",
            End::WebSocket(_) => "WS",
        }
    }

    /// Sends bytes: a datagram, a piece of a stream, or a text frame.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.end {
            End::Udp(socket) => socket.send(bytes).map(drop),
            End::Tcp(stream) => stream.write_all(bytes),
            End::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            End::WebSocket(stream) => stream.write_all(&frame(TEXT, bytes)),
        }
    }

    /// Says that nothing more will come, and keeps listening.
    pub fn finish(&mut self) {
        let stream = match &self.end {
            End::Udp(_) => return,
            End::Tcp(stream) | End::WebSocket(stream) => stream,
            End::Tls(stream) => &stream.sock,
        };
        // The peer may have closed it before.
        let _ = stream.shutdown(Shutdown::Write);
    }

    /// The next message, if it comes `within` that time. A connection that was reset counts as closed.
    pub fn receive(&mut self, within: Duration) -> Heard {
        let until = Instant::now() + within;
        loop {
            match self.held_message() {
                Ok(Some(message)) => return Heard::Message(message),
                Ok(None) => {}
                Err(why) => return Heard::Closed(why),
            }
            // A timeout of zero is refused by the system.
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match self.read(left) {
                Ok(0) => return Heard::Closed(None),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut if Instant::now() >= until => {
                        return Heard::Silence;
                    }
                    // An ICMP error about an earlier datagram: nobody is there at the moment.
                    ErrorKind::ConnectionRefused if matches!(self.end, End::Udp(_)) => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return Heard::Closed(None),
                },
            }
        }
    }

    fn read(&mut self, within: Duration) -> io::Result<usize> {
        let mut bytes = vec![0; READ];
        let count = match &mut self.end {
            End::Udp(socket) => {
                socket.set_read_timeout(Some(within))?;
                // An empty datagram is no end.
                socket.recv(&mut bytes)?.max(1)
            }
            End::Tcp(stream) | End::WebSocket(stream) => {
                stream.set_read_timeout(Some(within))?;
                stream.read(&mut bytes)?
            }
            End::Tls(stream) => {
                stream.sock.set_read_timeout(Some(within))?;
                stream.read(&mut bytes)?
            }
        };
        self.held.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Cuts the message at the front off what is held.
    fn held_message(&mut self) -> Result<Option<Message>, Option<u16>> {
        match self.end {
            End::Udp(_) if self.held.is_empty() => Ok(None),
            End::Udp(_) => Ok(Some(Message::of(&std::mem::take(&mut self.held)))),
            End::Tcp(_) | End::Tls(_) => Ok(whole(&self.held).map(|length| {
                let rest = self.held.split_off(length);
                Message::of(&std::mem::replace(&mut self.held, rest))
            })),
            End::WebSocket(_) => self.held_frame(),
        }
    }

    fn held_frame(&mut self) -> Result<Option<Message>, Option<u16>> {
        while let Some((operation, payload, length)) = unframe(&self.held) {
            self.held.drain(..length);
            match operation {
                CLOSE => return Err(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
                PING => {
                    if let End::WebSocket(stream) = &mut self.end {
                        // Whether the peer is still there shows when we read on.
                        let _ = stream.write_all(&frame(PONG, &payload));
                    }
                }
                PONG => {}
                _ => return Ok(Some(Message::of(&payload))),
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.transport(), self.local)
    }
}

impl Heard {
    /// The message; panics if there is none.
    #[track_caller]
    pub fn message(self) -> Message {
        match self {
            Self::Message(message) => message,
            other => panic!("no message came: {other:?}"),
        }
    }
}

impl Message {
    fn of(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The request line or status line.
    pub fn start_line(&self) -> &str {
        self.0.lines().next().unwrap_or("")
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        self.start_line().strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        self.start_line().strip_suffix(" SIP/2.0")?.split(' ').next()
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Option<&str> {
        self.start_line().strip_suffix(" SIP/2.0")?.split(' ').nth(1)
    }

    /// The values of the lines called `name`, which is written out, in their order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.lines().skip(1).take_while(|line| !line.is_empty()).filter_map(move |line| {
            let (its_name, value) = line.split_once(':')?;
            its_name.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The value of the first line called `name`; empty when there is none.
    pub fn value<'a>(&'a self, name: &'a str) -> &'a str {
        self.values(name).next().unwrap_or("")
    }

    /// The tag in a From or To.
    pub fn tag<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let value = self.value(name);
        value.split(";tag=").nth(1).map(|rest| rest.split(';').next().unwrap_or(rest))
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

fn connect(switchboard: &str) -> (TcpStream, SocketAddr) {
    let stream = TcpStream::connect(switchboard).unwrap_or_else(|error| panic!("{switchboard}: {error}"));
    stream.set_nodelay(true).expect("a connection can be tuned");
    stream.set_write_timeout(Some(WRITE)).expect("a connection can be tuned");
    let local = stream.local_addr().expect("a connection has an address");
    (stream, local)
}

/// The length of the message at the front of a stream, if it is all there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let message = Message::of(&bytes[..head]);
    let length = head + message.value("Content-Length").parse::<usize>().unwrap_or(0);
    (length <= bytes.len()).then_some(length)
}

/// A client's frame (RFC 6455 §5.2). The mask must be there, and may be anything.
fn frame(operation: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | operation];
    match payload.len() {
        short @ ..=125 => frame.push(0x80 | short as u8),
        middle @ ..=0xffff => {
            frame.push(0x80 | 0x7e);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let mask = [0x5a, 0x17, 0xc3, 0x88];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Operation, payload and length of the server's frame at the front, if it is all there.
fn unframe(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (operation, short) = (bytes.first()? & 0x0f, usize::from(bytes.get(1)? & 0x7f));
    let (start, length): (usize, usize) = match short {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        short => (2, short),
    };
    let payload = bytes.get(start..start.checked_add(length)?)?;
    Some((operation, payload.to_vec(), start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_far_as_tests_need() {
        let bytes = b"SIP/2.0 200 OK\r\nTo: <sip:b@c>;tag=1;x\r\ncontent-length : 2\r\n\r\nhiSIP/2.0";
        assert_eq!(whole(bytes), Some(bytes.len() - 7));
        assert_eq!(whole(&bytes[..bytes.len() - 8]), None);
        let message = Message::of(bytes);
        assert_eq!((message.status(), message.method(), message.tag("to")), (Some(200), None, Some("1")));
        let request = Message::of(b"BYE sip:a SIP/2.0\r\n\r\nTo: body");
        assert_eq!(
            (request.method(), request.request_uri(), request.value("To")),
            (Some("BYE"), Some("sip:a"), "")
        );
    }

    #[test]
    fn frames_of_every_length_are_read_back() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let mut bytes = frame(TEXT, &vec![b'x'; length]);
            // A server does not mask: the bit and the mask are taken away, and the payload as it comes.
            bytes[1] &= 0x7f;
            let head = bytes.len() - length;
            bytes.drain(head - 4..head);
            assert_eq!(unframe(&bytes[..bytes.len() - 1]), None);
            let (operation, payload, whole) = unframe(&bytes).expect("a whole frame");
            assert_eq!((operation, payload.len(), whole), (TEXT, length, bytes.len()));
        }
    }
}
