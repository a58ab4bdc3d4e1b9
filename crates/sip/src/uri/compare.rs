//! When two URIs are equivalent: RFC 3261 §19.1.4, RFC 3966 §4.

use super::escape::{same, same_ignoring_case};
use super::params::{UriHeadersRef, UriParamsRef};
use super::reference::{Scheme, UriRef};
use super::{host, tel};

/// These count even when only one URI has them. §19.1.4's rules name `user`, `ttl`, `method` and
/// `maddr`; its text on defaults and its examples add `transport`.
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

pub(super) fn equivalent(a: &UriRef<'_>, b: &UriRef<'_>) -> bool {
    if a.as_str() == b.as_str() {
        return true;
    }
    if a.scheme() != b.scheme() {
        return false;
    }
    match a.scheme() {
        Scheme::Sip | Scheme::Sips => {
            same_option(a.user(), b.user())
                && same_option(a.password(), b.password())
                && host::same(a.host(), b.host())
                && a.port() == b.port()
                && params_match(a.params(), b.params())
                && headers_match(a.headers(), b.headers())
        }
        Scheme::Tel => tel::equivalent(a, b),
        Scheme::Other => {
            a.scheme_text().eq_ignore_ascii_case(b.scheme_text()) && a.after_scheme() == b.after_scheme()
        }
    }
}

fn same_option(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn params_match(a: UriParamsRef<'_>, b: UriParamsRef<'_>) -> bool {
    a.as_str() == b.as_str() || (params_fit(a, b) && params_fit(b, a))
}

/// Whether nothing in `a` speaks against `b`.
fn params_fit(a: UriParamsRef<'_>, b: UriParamsRef<'_>) -> bool {
    a.iter().all(|(name, value)| match b.find(name) {
        Some(other) => match (value, other) {
            (Some(value), Some(other)) => same_ignoring_case(value, other),
            (None, None) => true,
            _ => false,
        },
        None => !NEVER_IGNORED.iter().any(|counts| same_ignoring_case(name, counts)),
    })
}

/// Headers are never ignored. Values are compared as they are, since those of Replaces, Call-ID and
/// Subject have case.
fn headers_match(a: UriHeadersRef<'_>, b: UriHeadersRef<'_>) -> bool {
    let times = |of: UriHeadersRef<'_>, name: &str, value: &str| {
        of.iter().filter(|(n, v)| same_ignoring_case(n, name) && same(v, value)).count()
    };
    a.as_str() == b.as_str()
        || (a.iter().count() == b.iter().count()
            && a.iter().all(|(name, value)| times(a, name, value) == times(b, name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        let (a, b) = (UriRef::parse(a).unwrap(), UriRef::parse(b).unwrap());
        assert_eq!(a.equivalent(&b), b.equivalent(&a), "equivalence is symmetric");
        a.equivalent(&b)
    }

    #[test]
    fn equivalent_examples_of_the_standard() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=off"),
        ] {
            assert!(alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn different_examples_of_the_standard() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_rules_one_by_one() {
        assert!(!alike("sip:a@b", "sips:a@b"));
        assert!(!alike("sip:a@b", "sip:b"));
        assert!(!alike("sip:a:p@b", "sip:a@b"));
        assert!(!alike("sip:a:p@b", "sip:a:P@b"));
        for one_sided in ["user=phone", "ttl=1", "method=INVITE", "maddr=1.2.3.4", "transport=udp"] {
            assert!(!alike("sip:a@b", &format!("sip:a@b;{one_sided}")), "{one_sided}");
        }
        assert!(!alike("sip:a@b;lr", "sip:a@b;lr=on"));
        assert!(alike("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"));
        assert!(!alike("sip:a%3Bx@b", "sip:a;x@b"));
        assert!(!alike("sip:a@b?x=1&x=2", "sip:a@b?x=1&x=1"));
    }

    #[test]
    fn other_schemes_are_compared_as_written() {
        assert!(alike("URN:service:sos", "urn:service:sos"));
        assert!(!alike("urn:service:sos", "urn:service:SOS"));
    }
}
