//! What a message travels over: transports, listeners and flows (RFC 5626 §3).

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// A transport protocol as SIP names it (RFC 3261 §18, RFC 7118).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A plain stream.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// All of them, in the order in which a newcomer meets them.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Whether the transport delivers in order and without loss, so that nothing is retransmitted
    /// over it (RFC 3261 §17).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether a `sips` request may travel over it (RFC 5630 §3.1.3).
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether the switchboard can only answer over the connection the peer opened (RFC 7118 §5).
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// The token in a Via header (`UDP`, `WSS`, …).
    pub const fn via_token(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The value of a URI's `transport` parameter and of configuration (`udp`, `wss`, …).
    pub const fn token(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port when none is written (RFC 3261 §18.2.1, RFC 7118 §5.2.4).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// No transport has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a transport: use udp, tcp, tls, ws or wss")]
pub struct UnknownTransport;

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        Self::ALL.into_iter().find(|t| t.token().eq_ignore_ascii_case(text)).ok_or(UnknownTransport)
    }
}

/// Names one listener of this process: an index into the list handed to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u16);

/// An address this agent listens on, and how it is written in Via, Contact and Record-Route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name; equal to its place in the list.
    pub id: ListenerId,
    /// What it speaks.
    pub transport: Transport,
    /// The bound address.
    pub local: SocketAddr,
    /// `host:port` as peers should write it.
    pub sent_by: Box<str>,
}

/// One bidirectional stream of messages between us and a peer (RFC 5626 §3): for datagrams the pair
/// of addresses, for streams one connection. A value that needs no table to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow {
    /// What it speaks.
    pub transport: Transport,
    /// The listener it belongs to; a connection that we opened belongs to the listener whose
    /// address we write in its Via.
    pub listener: ListenerId,
    /// The connection's number, never used twice by one process; 0 for datagrams.
    pub connection: u64,
    /// The peer's address as seen on the wire.
    pub remote: SocketAddr,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.remote)
    }
}

/// Why a flow is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// The peer closed it or it broke.
    #[error("the connection was closed by the peer")]
    Closed,
    /// Nothing listens there, or the network says no.
    #[error("the peer cannot be reached")]
    Unreachable,
    /// The peer does not read what we send; its queue is full.
    #[error("the peer is too slow to take what is sent to it")]
    Full,
    /// The certificate or the handshake was refused.
    #[error("the TLS handshake failed")]
    Handshake,
    /// It lived without traffic for longer than the limit.
    #[error("the connection was idle for too long")]
    Idle,
    /// What it sent was not SIP.
    #[error("the peer does not speak SIP")]
    NotSip,
}
