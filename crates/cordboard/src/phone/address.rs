//! What people type, as addresses: a name, a number, or a whole URI.

use cordboard_core::transport::Transport;
use cordboard_sip::UriRef;

/// How what is typed is completed.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// Where a bare name is at home; `None` where there is no such place.
    pub(super) domain: Option<String>,
    /// The transport of addresses that name none, where no proxy chooses it.
    pub(super) transport: Option<Transport>,
}

impl Addresses {
    /// The URI of what was typed.
    pub(super) fn uri(&self, typed: &str) -> Result<String, String> {
        let bare = typed.trim().trim_start_matches('<').trim_end_matches('>');
        let has_scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| starts_with(bare, scheme));
        let whole = match (has_scheme, &self.domain) {
            (true, _) => bare.to_owned(),
            (false, _) if bare.contains('@') => format!("sip:{bare}"),
            (false, Some(domain)) => format!("sip:{bare}@{domain}"),
            (false, None) => {
                return Err(format!(
                    "nobody knows where {bare} is; try sip:{bare}@HOST, or start with --domain"
                ));
            }
        };
        let uri = UriRef::parse(&whole)
            .ok()
            .filter(|uri| !bare.is_empty() && uri.user().is_none_or(|user| !user.is_empty()))
            .ok_or_else(|| format!("`{typed}` is no address; try sip:NAME@HOST, or only the name"))?;
        let chosen = uri.params().get("transport").is_some() || starts_with(&whole, "sips:");
        match self.transport.filter(|_| uri.is_sip() && !chosen) {
            Some(transport) => Ok(with_parameter(&whole, &format!("transport={transport}"))),
            None => Ok(whole),
        }
    }
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// A parameter stands before the headers.
fn with_parameter(uri: &str, parameter: &str) -> String {
    match uri.split_once('?') {
        Some((address, headers)) => format!("{address};{parameter}?{headers}"),
        None => format!("{uri};{parameter}"),
    }
}

/// `host:port` without the port.
pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        Some(_) | None => host,
    }
}

/// The person in an address as headers write it: `Bob <sip:bob@example.com>;tag=1` is `sip:bob@example.com`.
pub(super) fn uri_of(header: &str) -> &str {
    let inner = header.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(uri, _)| uri);
    inner.unwrap_or_else(|| header.split(';').next().unwrap_or(header)).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_home() -> Addresses {
        Addresses { domain: Some("example.com".into()), transport: None }
    }

    #[test]
    fn what_is_typed_is_completed() {
        for (typed, uri) in [
            ("bob", "sip:bob@example.com"),
            ("1001", "sip:1001@example.com"),
            ("bob@example.net", "sip:bob@example.net"),
            ("sip:bob@192.0.2.1:5070", "sip:bob@192.0.2.1:5070"),
            ("<SIPS:bob@example.com>", "SIPS:bob@example.com"),
            ("tel:+15550100", "tel:+15550100"),
        ] {
            assert_eq!(at_home().uri(typed).as_deref(), Ok(uri));
        }
        for typed in ["b ob", "sip:", "sip:bob@exa mple.com", ""] {
            assert!(at_home().uri(typed).unwrap_err().contains("try"), "{typed}");
        }
    }

    #[test]
    fn without_a_domain_a_name_is_nowhere() {
        let nowhere = Addresses { domain: None, transport: Some(Transport::Tcp) };
        assert!(nowhere.uri("bob").is_err());
        assert_eq!(nowhere.uri("bob@127.0.0.1").unwrap(), "sip:bob@127.0.0.1;transport=tcp");
        assert_eq!(nowhere.uri("sip:b@h;transport=udp").unwrap(), "sip:b@h;transport=udp");
        assert_eq!(nowhere.uri("sip:b@h?Subject=x").unwrap(), "sip:b@h;transport=tcp?Subject=x");
    }

    #[test]
    fn ports_and_names_are_taken_off() {
        let hosts = ["example.com", "example.com:5060", "127.0.0.1:5060", "[::1]:5060", "[::1]", "::1"];
        let names = ["example.com", "example.com", "127.0.0.1", "[::1]", "[::1]", "::1"];
        assert_eq!(hosts.map(without_port), names);
        assert_eq!(uri_of("\"Bob\" <sip:bob@example.com>;tag=1"), "sip:bob@example.com");
        assert_eq!(uri_of("sip:bob@example.com;tag=1"), "sip:bob@example.com");
    }
}
