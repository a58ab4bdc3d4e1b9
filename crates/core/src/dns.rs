//! The questions that finding a server asks of the domain name system (RFC 3263), and their answers.

use std::net::IpAddr;

/// One lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// The services of a domain (RFC 3263 §4.1).
    Naptr(Box<str>),
    /// The servers of a service, such as `_sips._tcp.example.com` (RFC 3263 §4.2).
    Srv(Box<str>),
    /// The addresses of a host, version 4 and 6.
    Addresses(Box<str>),
}

/// One NAPTR record, of the kind that RFC 3263 §4.1 uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Lower comes first.
    pub order: u16,
    /// Lower comes first among equal orders.
    pub preference: u16,
    /// `s` for SRV.
    pub flags: Box<str>,
    /// Such as `SIP+D2U`.
    pub service: Box<str>,
    /// The name to ask next.
    pub replacement: Box<str>,
}

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower comes first.
    pub priority: u16,
    /// Share among equal priorities.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Box<str>,
}

/// What came back. An empty list means that the name has no such record; a lookup that failed
/// (no server answered) is `Failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// To [`Query::Naptr`].
    Naptr(Vec<Naptr>),
    /// To [`Query::Srv`].
    Srv(Vec<Srv>),
    /// To [`Query::Addresses`].
    Addresses(Vec<IpAddr>),
    /// No answer in time.
    Failed,
}
