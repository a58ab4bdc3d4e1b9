//! Names, numbers and addresses for logs: who it was can be recognised again, not read.

use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::OnceLock;

static KEY: OnceLock<[u8; 16]> = OnceLock::new();

/// Keys the masks of this process, so that nobody without the key can try names until a mask fits.
/// The first call counts; without any, a fixed key is used.
pub fn set_key(key: [u8; 16]) {
    KEY.get_or_init(|| key);
}

/// Masks an identity: `sip:alice@example.com` is shown as `sip:~5d2c01fa@example.com`, the same each
/// time, and an address as `~5d2c01fa`. Domains are shown, for they belong to organisations; those
/// that are addresses are masked too.
///
/// ```
/// use cordboard::private::Private;
/// let masked = Private("sip:alice@example.com").to_string();
/// assert!(masked.starts_with("sip:~") && masked.ends_with("@example.com") && !masked.contains("alice"));
/// ```
#[derive(Clone, Copy)]
pub struct Private<'a>(pub &'a str);

impl fmt::Display for Private<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim_matches(['<', '>', ' ', '"']);
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme @ ("sip" | "sips" | "tel"), rest)) => (Some(scheme), rest),
            _ => (None, text),
        };
        if let Some(scheme) = scheme {
            write!(f, "{scheme}:")?;
        }
        let rest = rest.split([';', '?', '>']).next().unwrap_or("");
        let (user, domain) =
            rest.rsplit_once('@').map_or((rest, None), |(user, domain)| (user, Some(domain)));
        match domain.filter(|domain| is_name(domain)) {
            Some(domain) => write!(f, "~{}@{domain}", mask(user)),
            None => write!(f, "~{}", mask(rest)),
        }
    }
}

impl fmt::Debug for Private<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_name(domain: &str) -> bool {
    let host = domain.rsplit_once(':').map_or(domain, |(host, _)| host);
    host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err()
        && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
}

/// Thirty-two bits are enough to tell two callers of one log apart.
fn mask(text: &str) -> String {
    let mut hasher = SipHasher13::new_with_key(KEY.get().unwrap_or(&[0; 16]));
    hasher.write(text.as_bytes());
    format!("{:08x}", hasher.finish() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_person_is_left() {
        for (identity, hidden) in [
            ("sip:alice@example.com;tag=1", "alice"),
            ("\"Alice\" <sip:alice@example.com>", "lice"),
            ("alice@example.com", "alice"),
            ("alice", "alice"),
            ("tel:+4930123456", "4930"),
            ("sip:+4930123456@192.0.2.1:5060", "192"),
            ("sip:+4930123456@192.0.2.1:5060", "4930"),
            ("192.0.2.1:5060", "192"),
            ("[2001:db8::1]:5060", "db8"),
            ("sip:x@[2001:db8::1]", "db8"),
        ] {
            let shown = Private(identity).to_string();
            assert!(!shown.contains(hidden) && shown.contains('~'), "{identity}: {shown}");
        }
    }

    #[test]
    fn the_same_is_shown_the_same_and_others_are_not() {
        let shown = |text| Private(text).to_string();
        assert_eq!(shown("sip:alice@example.com"), shown("<sip:alice@example.com>"));
        assert_ne!(shown("sip:alice@example.com"), shown("sip:bob@example.com"));
        assert!(shown("sip:alice@example.com:5061").ends_with("@example.com:5061"));
        assert!(shown("sip:alice@example.com\nforged").starts_with("sip:~"), "a line cannot be forged");
        assert!(!shown("sip:alice@example.com\nforged").contains('\n'));
    }
}
