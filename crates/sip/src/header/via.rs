//! `Via` (RFC 3261 §20.42; `rport` of RFC 3581): where a request came along, and its response returns.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Branch, Header};
use crate::grammar::{self, trim};
use crate::params::{Params, ParamsRef};
use crate::uri::{self, Host};
use crate::{Malformed, Name, Rport};

/// How a hop carries messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
    /// Streams under TLS.
    Tls,
    /// SCTP (RFC 4168).
    Sctp,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket under TLS (RFC 7118).
    Wss,
    /// Another token.
    Other(Box<str>),
}

impl Transport {
    /// The token in upper case, as a Via has it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Sctp => "SCTP",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Other(token) => token,
        }
    }
}

impl FromStr for Transport {
    type Err = Malformed;

    /// Case does not count (§20.42).
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let token = grammar::token(text, "the transport is no token")?;
        let known = [Self::Udp, Self::Tcp, Self::Tls, Self::Sctp, Self::Ws, Self::Wss];
        Ok(known
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(token))
            .unwrap_or_else(|| Self::Other(token.to_ascii_uppercase().into())))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One Via value, borrowed. No allocation.
#[derive(Clone, Copy, Debug)]
pub struct ViaRef<'a> {
    protocol: &'a str,
    version: &'a str,
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: ParamsRef<'a>,
}

impl<'a> ViaRef<'a> {
    /// Reads one value; white space may stand around every separator.
    pub fn parse(value: &'a str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("a Via starts with SIP/2.0/transport");
        let (sent, params) = ParamsRef::split(value);
        let mut parts = sent.splitn(3, '/').map(trim);
        let (Some(protocol), Some(version), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(WRONG);
        };
        let end = rest.find([' ', '\t', '\r', '\n']).ok_or(Malformed::new("a Via lacks its sent-by"))?;
        let transport = &rest[..end];
        if ![protocol, version, transport].into_iter().all(grammar::is_token) {
            return Err(WRONG);
        }
        let (host, port) = split_sent_by(trim(&rest[end..]))?;
        Ok(Self { protocol, version, transport, host, port, params })
    }

    /// Whether it is of SIP/2.0.
    pub fn is_sip2(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("SIP") && self.version == "2.0"
    }

    /// The protocol's name: `SIP`.
    pub const fn protocol(&self) -> &'a str {
        self.protocol
    }

    /// The protocol's version: `2.0`.
    pub const fn version(&self) -> &'a str {
        self.version
    }

    /// The transport's token as written.
    pub const fn transport(&self) -> &'a str {
        self.transport
    }

    /// The host of the sent-by as written, IPv6 in its brackets.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The port of the sent-by.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// All parameters.
    pub const fn params(&self) -> ParamsRef<'a> {
        self.params
    }

    /// The branch.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch")
    }

    /// The address that the request was seen to come from.
    pub fn received(&self) -> Option<IpAddr> {
        read_received(self.params.get("received")?)
    }

    /// The address that the sender wants responses sent to.
    pub fn maddr(&self) -> Option<&'a str> {
        self.params.get("maddr")
    }

    /// Whether the sender wants its port told, or which it was.
    pub fn rport(&self) -> Result<Rport, Malformed> {
        match self.params.find("rport").map(|param| param.value) {
            None => Ok(Rport::Absent),
            Some(None | Some("")) => Ok(Rport::Asked),
            Some(Some(port)) => grammar::number(port, "rport is no port").map(Rport::Filled),
        }
    }
}

/// `host [":" port]` with white space around the colon.
fn split_sent_by(sent_by: &str) -> Result<(&str, Option<u16>), Malformed> {
    let host_end = match sent_by.find(']') {
        Some(bracket) => bracket + 1,
        None => sent_by.find(':').unwrap_or(sent_by.len()),
    };
    let (host, after) = (trim(&sent_by[..host_end]), trim(&sent_by[host_end..]));
    let (host, none) = uri::split_port(host)?;
    debug_assert_eq!(none, None, "the host ends before its colon");
    match after.strip_prefix(':') {
        Some(port) => Ok((host, Some(grammar::number(port, "the port of a Via is no port")?))),
        None if after.is_empty() => Ok((host, None)),
        None => Err(Malformed::new("something follows the sent-by of a Via")),
    }
}

/// IPv6 stands here without brackets, and with them it is to be understood too (RFC 5118 §4.5).
fn read_received(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| uri::ip(text))
}

/// One Via value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The transport that the sender used.
    pub transport: Transport,
    /// The host of the sent-by.
    pub host: Host,
    /// The port of the sent-by.
    pub port: Option<u16>,
    /// The transaction; peers of before RFC 3261 leave it out.
    pub branch: Option<Branch>,
    /// The address that the request was seen to come from (§18.2.1).
    pub received: Option<IpAddr>,
    /// The port that it was seen to come from (RFC 3581).
    pub rport: Rport,
    /// Where responses go instead of the host (§18.2.2).
    pub maddr: Option<Host>,
    /// How far a multicast reaches.
    pub ttl: Option<u8>,
    /// All others, such as `alias` (RFC 5923) and `keep` (RFC 6223).
    pub params: Params,
}

impl Via {
    /// A Via with a branch and nothing else.
    pub fn new(transport: Transport, host: impl Into<Host>, port: Option<u16>, branch: Branch) -> Self {
        Self {
            transport,
            host: host.into(),
            port,
            branch: Some(branch),
            received: None,
            rport: Rport::Absent,
            maddr: None,
            ttl: None,
            params: Params::new(),
        }
    }
}

impl Header for Via {
    const NAME: Name = Name::VIA;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let via = ViaRef::parse(value)?;
        if !via.is_sip2() {
            return Err(Malformed::new("a Via of another protocol than SIP/2.0"));
        }
        let rport = via.rport()?;
        let received = via.received();
        let mut params = Params::parse(via.params.as_str())?;
        let branch = params.take("branch")?;
        let maddr = params.take("maddr")?;
        let ttl = params.take::<Ttl>("ttl")?.map(|ttl| ttl.0);
        if received.is_some() {
            params.remove("received");
        }
        params.remove("rport");
        Ok(Self {
            transport: via.transport.parse()?,
            host: via.host.parse()?,
            port: via.port,
            branch,
            received,
            rport,
            maddr,
            ttl,
            params,
        })
    }
}

struct Ttl(u8);

impl FromStr for Ttl {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        grammar::number(text, "the ttl of a Via is no number from 0 to 255").map(Self)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.rport {
            Rport::Absent => {}
            Rport::Asked => f.write_str(";rport")?,
            Rport::Filled(port) => write!(f, ";rport={port}")?,
        }
        if let Some(ttl) = self.ttl {
            write!(f, ";ttl={ttl}")?;
        }
        if let Some(maddr) = &self.maddr {
            write!(f, ";maddr={maddr}")?;
        }
        if let Some(received) = self.received {
            write!(f, ";received={received}")?;
        }
        if let Some(branch) = &self.branch {
            write!(f, ";branch={branch}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 3261 §20.42.
    #[test]
    fn examples_of_the_standard() {
        let via = Via::parse("SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7").unwrap();
        assert_eq!((via.transport, via.port), (Transport::Udp, Some(5060)));
        let via =
            Via::parse("SIP/2.0/UDP 192.0.2.1:5060 ;received=192.0.2.207 ;branch=z9hG4bK77asjd").unwrap();
        assert_eq!(via.received, Some("192.0.2.207".parse().unwrap()));
        let via = Via::parse("SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n  ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1").unwrap();
        assert_eq!((via.port, via.ttl), (Some(4000), Some(16)));
        assert_eq!(
            via.to_string(),
            "SIP/2.0/UDP first.example.com:4000;ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7c6a8dlze.1"
        );
    }

    /// RFC 3581 §3 and §4.
    #[test]
    fn rport_asked_and_filled() {
        let via = Via::parse("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff").unwrap();
        assert_eq!(via.rport, Rport::Asked);
        let via =
            Via::parse("SIP/2.0/UDP 10.1.1.1:4540;received=192.0.2.1;rport=9988;branch=z9hG4bKkjshdyff")
                .unwrap();
        assert_eq!(via.rport, Rport::Filled(9988));
    }

    /// RFC 5118 §4.5: `received` with brackets and without.
    #[test]
    fn received_ipv6() {
        for text in ["[2001:db8::9:255]", "2001:db8::9:255"] {
            let via =
                Via::parse(&format!("SIP/2.0/UDP [2001:db8::9:1];received={text};branch=z9hG4bKas3-111"))
                    .unwrap();
            assert_eq!(via.received, Some("2001:db8::9:255".parse().unwrap()));
            assert!(via.to_string().contains(";received=2001:db8::9:255"));
        }
    }

    /// RFC 4475 §3.1.1.1, §3.1.1.10, §3.1.2.16.
    #[test]
    fn odd_ones() {
        let via = ViaRef::parse("SIP  / 2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw").unwrap();
        assert_eq!((via.transport(), via.host(), via.branch()), ("UDP", "192.0.2.2", Some("390skdjuw")));
        let via = ViaRef::parse("SIP/2.0/TCP [2001:db8::1] : 5061").unwrap();
        assert_eq!((via.host(), via.port()), ("[2001:db8::1]", Some(5061)));
        assert!(!ViaRef::parse("SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw").unwrap().is_sip2());
        assert!(Via::parse("SIP/7.0/UDP c.example.com").is_err());
        assert_eq!(
            Via::parse("SIP/2.0/unknown-TP x.y;branch=z9hG4bK1").unwrap().transport,
            Transport::Other("UNKNOWN-TP".into())
        );
        // Hidden hosts of WebSocket clients (RFC 7118 §8.1).
        assert!(Via::parse("SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks").is_ok());
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDP a:b",
            "SIP/2.0/UDP a:5060 x",
            "SIP/2.0/U@P a",
            "SIP/2.0/UDP a;rport=99999",
            "SIP/2.0/UDP a;ttl=256",
            "SIP/2.0/UDP a;branch",
            "SIP/2.0/UDP a;branch=1;branch=2",
        ] {
            assert!(Via::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            host in prop_oneof![any::<IpAddr>().prop_map(Host::from), "[a-z]{1,5}\\.[a-z]{2}".prop_map(|h| h.parse().unwrap())],
            port in any::<Option<u16>>(),
            branch in "z9hG4bK[a-z0-9.]{1,9}",
            received in any::<Option<IpAddr>>(),
            rport in prop_oneof![Just(Rport::Absent), Just(Rport::Asked), any::<u16>().prop_map(Rport::Filled)],
            ttl in any::<Option<u8>>(),
            maddr in any::<Option<IpAddr>>(),
            extra in "(;x[a-z]{1,3}(=[a-z]{1,3})?){0,2}",
        ) {
            let mut via = Via::new(Transport::Wss, host, port, Branch::new(&branch).unwrap());
            via.received = received;
            via.rport = rport;
            via.ttl = ttl;
            via.maddr = maddr.map(Host::from);
            via.params = Params::parse(&extra).unwrap();
            prop_assert_eq!(Via::parse(&via.to_string()).unwrap(), via);
        }

        #[test]
        fn nothing_panics(text in "(SIP/2.0/UDP )?[ -~]{0,30}") {
            let _ = Via::parse(&text);
        }
    }
}
