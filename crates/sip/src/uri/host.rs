//! Hosts: names, IPv4 addresses, IPv6 references in brackets (RFC 3261 §25.1, RFC 5118 §4).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::{Malformed, grammar, scan};

/// A host as a URI or a Via names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An address of either family; IPv6 is printed in brackets.
    Ip(IpAddr),
    /// A name, in lower case.
    Name(Box<str>),
}

impl Host {
    /// The address, unless the host is a name.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) => None,
        }
    }
}

impl FromStr for Host {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        check(text)?;
        Ok(match ip(text) {
            Some(ip) => Self::Ip(ip),
            None => Self::Name(text.to_ascii_lowercase().into()),
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl From<Ipv4Addr> for Host {
    fn from(ip: Ipv4Addr) -> Self {
        Self::Ip(ip.into())
    }
}

impl From<Ipv6Addr> for Host {
    fn from(ip: Ipv6Addr) -> Self {
        Self::Ip(ip.into())
    }
}

/// The address that the text of a host spells, with brackets around IPv6; `None` for a name.
///
/// ```
/// use cordboard_sip::uri::ip;
/// assert_eq!(ip("[2001:db8::10]"), Some("2001:db8::10".parse().unwrap()));
/// assert_eq!(ip("example.com"), None);
/// ```
pub fn ip(host: &str) -> Option<IpAddr> {
    match host.as_bytes() {
        [b'[', .., b']'] => ipv6(&host[1..host.len() - 1]).map(IpAddr::V6),
        [b'0'..=b'9', ..] => host.parse().ok().map(IpAddr::V4),
        _ => None,
    }
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| {
        // RFC 5118 §4.10: RFC 3261's grammar puts a third colon before an IPv4 address, and that
        // must be tolerated.
        let at = text.find(":::")?;
        let mut two_colons = arrayvec::ArrayString::<45>::new();
        two_colons.try_push_str(&text[..at]).ok()?;
        two_colons.try_push_str(&text[at + 1..]).ok()?;
        two_colons.contains('.').then(|| two_colons.parse().ok())?
    })
}

/// Whether two texts of hosts name the same: addresses by value, names without case.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (a.starts_with('[') && ip(a).is_some() && ip(a) == ip(b))
}

/// Checks the text of a host.
pub(crate) fn check(host: &str) -> Result<(), Malformed> {
    if host.starts_with('[') {
        return match ip(host) {
            Some(_) => Ok(()),
            None => Err(Malformed::new("what stands in brackets is no IPv6 address")),
        };
    }
    if host.is_empty() {
        return Err(Malformed::new("the host is missing"));
    }
    if !host.bytes().all(grammar::is_host_octet) {
        return Err(Malformed::new("the host holds a character that no host name has"));
    }
    Ok(())
}

/// Divides `host[:port]`; both are checked.
pub(crate) fn split_port(text: &str) -> Result<(&str, Option<u16>), Malformed> {
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']').ok_or(Malformed::new("an IPv6 reference lacks its closing bracket"))?;
        let (host, rest) = text.split_at(end + 1);
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => {
                return Err(Malformed::new("something stands between the host and its end"));
            }
        }
    } else {
        let colon = scan::byte(text.as_bytes(), 0, b':');
        (&text[..colon], text.get(colon + 1..))
    };
    check(host)?;
    let port = port.map(read_port).transpose()?;
    Ok((host, port))
}

fn read_port(text: &str) -> Result<u16, Malformed> {
    const WRONG: Malformed = Malformed::new("the port is no number from 0 to 65535");
    scan::decimal(grammar::trim(text).as_bytes()).and_then(|port| u16::try_from(port).ok()).ok_or(WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_values_and_names_are_lower_case() {
        assert_eq!("[2001:DB8:0::1]".parse::<Host>().unwrap().to_string(), "[2001:db8::1]");
        assert_eq!("192.0.2.4".parse::<Host>().unwrap().ip(), Some(Ipv4Addr::new(192, 0, 2, 4).into()));
        assert_eq!("AtLanTa.CoM".parse::<Host>().unwrap().to_string(), "atlanta.com");
    }

    /// RFC 5118 §4.9: IPv4-mapped addresses; §4.10: three colons.
    #[test]
    fn ipv6_forms_of_rfc_5118() {
        assert!("[::ffff:192.0.2.10]".parse::<Host>().is_ok());
        assert_eq!(ip("[2001:db8:::192.0.2.1]"), ip("[2001:db8::192.0.2.1]"));
        assert!("[2001:db8:::1]".parse::<Host>().is_err());
        assert!("2001:db8::10".parse::<Host>().is_err());
        assert!(same("[2001:db8::9:1]", "[2001:DB8:0:0::9:1]"));
        assert!(!same("[2001:db8::9:1]", "[2001:db8::9:2]"));
    }

    #[test]
    fn ports() {
        assert_eq!(split_port("[2001:db8::10]:5070").unwrap(), ("[2001:db8::10]", Some(5070)));
        assert_eq!(split_port("a.example").unwrap(), ("a.example", None));
        for bad in
            ["a:", "a:x", "a:65536", "a:-1", ":5060", "", "[::1", "[::1]x", "[::1]:", "a b", "[]", "a:+1"]
        {
            assert!(split_port(bad).is_err(), "{bad}");
        }
    }
}
