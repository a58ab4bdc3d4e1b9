//! When two contact URIs name the same binding (RFC 3261 §19.1.4), without allocating.
//!
//! Equivalence is not transitive, so it cannot be a hash key: [`fingerprint`] covers what must always
//! match (scheme, user, host, port) and [`equivalent`] decides among the few that share it.

use cordboard_sip::uri::{self, UriRef};
use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;
use std::net::SocketAddr;

/// Whether two contact URIs are equivalent. What is no URI is equal octet by octet.
pub(super) fn equivalent(one: &str, two: &str) -> bool {
    one == two
        || match (UriRef::parse(one), UriRef::parse(two)) {
            (Ok(one), Ok(two)) => one.equivalent(&two),
            _ => false,
        }
}

/// A keyed hash that equivalent URIs share.
pub(super) fn fingerprint(uri: &str, hasher: SipHasher13) -> u64 {
    let mut sink = Sink(hasher);
    if UriRef::parse(uri).is_ok_and(|uri| uri.write_aor(&mut sink).is_ok()) {
        return sink.0.finish();
    }
    let mut whole = hasher;
    whole.write(uri.as_bytes());
    whole.finish()
}

/// Whether the URI's host is written as the numbers of `remote`; a missing port is `default_port`.
pub(super) fn names(contact: &str, remote: SocketAddr, default_port: u16) -> bool {
    UriRef::parse(contact).is_ok_and(|contact| {
        uri::ip(contact.host()) == Some(remote.ip())
            && contact.port().unwrap_or(default_port) == remote.port()
    })
}

/// Hashes what is written into it.
struct Sink(SipHasher13);

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_contacts_are_found_as_each_other() {
        let hash = |uri| fingerprint(uri, SipHasher13::new_with_keys(1, 2));
        for (one, two) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:bob@[2001:db8::1]:5070", "sip:bob@[2001:0DB8:0::1]:5070"),
            ("SIP:x@y.invalid;transport=ws", "sip:x@y.invalid;transport=ws;ob"),
        ] {
            assert!(equivalent(one, two), "{one} is {two}");
            assert_eq!(hash(one), hash(two), "{one} is found as {two}");
        }
        for (one, two) in [("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"), ("not a uri", "another")] {
            assert!(!equivalent(one, two) && hash(one) != hash(two), "{one} is not {two}");
        }
    }

    #[test]
    fn tells_whether_a_contact_names_the_address_it_came_from() {
        let remote = "192.0.2.4:5060".parse().unwrap();
        assert!(names("sip:bob@192.0.2.4", remote, 5060));
        assert!(!names("sip:bob@192.0.2.4:5070", remote, 5060));
        assert!(!names("sip:bob@bob.example", remote, 5060));
        assert!(names("sip:[::1]:5070", "[::1]:5070".parse().unwrap(), 5060));
    }
}
