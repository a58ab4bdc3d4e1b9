//! When two contact URIs name the same binding (RFC 3261 §19.1.4), without allocating.
//!
//! Equivalence is not transitive, so it cannot be a hash key: [`Parts::fingerprint`] covers what must
//! always match (scheme, user, host, port) and [`equivalent`] decides among the few that share it.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::net::{IpAddr, SocketAddr};

/// Parameters that never match when only one of the two URIs has them (RFC 3261 §19.1.4).
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

/// A SIP or SIPS URI, taken apart as far as comparing it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    scheme: &'a str,
    userinfo: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
    params: &'a str,
    headers: &'a str,
}

impl<'a> Parts<'a> {
    /// Splits `uri`; `None` if it is of another scheme. Nothing is validated: a contact that arrives
    /// here was parsed before.
    pub(super) fn of(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        if !scheme.eq_ignore_ascii_case("sip") && !scheme.eq_ignore_ascii_case("sips") {
            return None;
        }
        // `;` and `?` are legal in a user, `@` is not (RFC 3261 §25.1 `user-unreserved`).
        let (userinfo, rest) = match rest.split_once('@') {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, rest),
        };
        let (rest, headers) = rest.split_once('?').unwrap_or((rest, ""));
        let (hostport, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = match hostport.rfind(':') {
            Some(at) if !hostport[at..].contains(']') => (&hostport[..at], Some(&hostport[at + 1..])),
            _ => (hostport, None),
        };
        Some(Self { scheme, userinfo, host, port, params, headers })
    }

    /// A keyed hash of what equivalent URIs always share.
    pub(super) fn fingerprint(&self, mut hasher: SipHasher13) -> u64 {
        hasher.write_u8(self.scheme.len() as u8);
        if let Some(userinfo) = self.userinfo {
            for (byte, reserved) in unescaped(userinfo) {
                hasher.write(&[byte, u8::from(reserved)]);
            }
            hasher.write_u8(b'@');
        }
        match self.address() {
            Some(ip) => std::hash::Hash::hash(&ip, &mut hasher),
            None => self.host.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase())),
        }
        hasher.write_u32(self.port_number().map_or(0, |port| u32::from(port) + 1));
        hasher.finish()
    }

    /// Whether the host is written as the numbers of `remote`; a missing port is the default one.
    pub(super) fn is_at(&self, remote: SocketAddr, default_port: u16) -> bool {
        self.address() == Some(remote.ip()) && self.port_number().unwrap_or(default_port) == remote.port()
    }

    fn address(&self) -> Option<IpAddr> {
        match self.host.strip_prefix('[') {
            Some(v6) => v6.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
            None => self.host.parse().ok().map(IpAddr::V4),
        }
    }

    fn port_number(&self) -> Option<u16> {
        self.port?.parse().ok()
    }

    fn same_host(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            || matches!((self.address(), other.address()), (Some(one), Some(two)) if one == two)
    }

    fn same_user(&self, other: &Self) -> bool {
        match (self.userinfo, other.userinfo) {
            (Some(one), Some(two)) => one == two || unescaped(one).eq(unescaped(two)),
            (None, None) => true,
            _ => false,
        }
    }

    /// Every parameter of `self` is compatible with `other`; to be asked in both directions.
    fn params_fit(&self, other: &Self) -> bool {
        fields(self.params, ';').all(|(name, value)| {
            match fields(other.params, ';').find(|(theirs, _)| theirs.eq_ignore_ascii_case(name)) {
                Some((_, theirs)) => same_ignoring_case(value, theirs),
                None => !DECISIVE.iter().any(|decisive| decisive.eq_ignore_ascii_case(name)),
            }
        })
    }

    /// Every header of `self` is among those of `other`; to be asked in both directions.
    fn headers_fit(&self, other: &Self) -> bool {
        fields(self.headers, '&').all(|(name, value)| {
            fields(other.headers, '&').any(|(theirs, said)| {
                same_ignoring_case(name, theirs) && unescaped(value).eq(unescaped(said))
            })
        })
    }
}

/// Whether two contact URIs are equivalent. URIs of other schemes are equal octet by octet.
pub(super) fn equivalent(one: &str, two: &str) -> bool {
    if one == two {
        return true;
    }
    let (Some(a), Some(b)) = (Parts::of(one), Parts::of(two)) else {
        return false;
    };
    a.scheme.eq_ignore_ascii_case(b.scheme)
        && a.same_user(&b)
        && a.same_host(&b)
        && a.port.map(str::len).is_some() == b.port.map(str::len).is_some()
        && a.port_number() == b.port_number()
        && a.params_fit(&b)
        && b.params_fit(&a)
        && a.headers_fit(&b)
        && b.headers_fit(&a)
}

fn fields(text: &str, separator: char) -> impl Iterator<Item = (&str, &str)> {
    text.split(separator)
        .filter(|field| !field.is_empty())
        .map(|field| field.split_once('=').unwrap_or((field, "")))
}

fn same_ignoring_case(one: &str, two: &str) -> bool {
    let lower = |(byte, reserved): (u8, bool)| (byte.to_ascii_lowercase(), reserved);
    unescaped(one).map(lower).eq(unescaped(two).map(lower))
}

/// The octets with `%HH` decoded, and whether each is a reserved one that had been escaped: such a one
/// does not equal the bare character (RFC 3261 §19.1.4).
fn unescaped(text: &str) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        if first == b'%'
            && let [high, low, tail @ ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = tail;
            let byte = high << 4 | low;
            return Some((byte, b";/?:@&=+$,".contains(&byte)));
        }
        rest = after;
        Some((first, false))
    })
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3261 §19.1.4, and what they leave out.
    const SAME: &[(&str, &str)] = &[
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:bob@[2001:db8::1]:5070", "sip:bob@[2001:0DB8:0::1]:5070"),
        ("sip:bob;day=tuesday@biloxi.com", "sip:bob;day=tuesday@BILOXI.com"),
        ("SIP:x@y.invalid;transport=ws", "sip:x@y.invalid;transport=ws;ob"),
    ];

    const OTHER: &[(&str, &str)] = &[
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:biloxi.com", "sip:bob@biloxi.com"),
        ("sip:bob:secret@biloxi.com", "sip:bob@biloxi.com"),
        ("sip:a%3Bb@biloxi.com", "sip:a;b@biloxi.com"),
        ("sip:bob@biloxi.com;maddr=10.0.0.1", "sip:bob@biloxi.com"),
        ("tel:+1234", "tel:+1235"),
    ];

    #[test]
    fn compares_as_the_standard_says() {
        let hash = |uri| Parts::of(uri).unwrap().fingerprint(SipHasher13::new_with_keys(1, 2));
        for (one, two) in SAME {
            assert!(equivalent(one, two) && equivalent(two, one), "{one} is {two}");
            assert_eq!(hash(one), hash(two), "{one} is found as {two}");
        }
        for (one, two) in OTHER {
            assert!(!equivalent(one, two) && !equivalent(two, one), "{one} is not {two}");
        }
    }

    #[test]
    fn tells_whether_a_contact_names_the_address_it_came_from() {
        let remote = "192.0.2.4:5060".parse().unwrap();
        assert!(Parts::of("sip:bob@192.0.2.4").unwrap().is_at(remote, 5060));
        assert!(!Parts::of("sip:bob@192.0.2.4:5070").unwrap().is_at(remote, 5060));
        assert!(!Parts::of("sip:bob@bob.example").unwrap().is_at(remote, 5060));
        assert!(Parts::of("sip:[::1]:5070").unwrap().is_at("[::1]:5070".parse().unwrap(), 5060));
    }
}
