//! The top Via value as a proxy needs it: RFC 3261 §18, §20.42, RFC 3581.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
};

use arrayvec::ArrayVec;

use crate::{
    Decimal,
    build::write_parts,
    digits,
    scan::{self, HOST, IPV6, Span, TOKEN},
};

/// Whether a client asked for symmetric response routing (RFC 3581 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport {
    /// No `rport`.
    Absent,
    /// `rport` without a value: the server fills it in.
    Asked,
    /// `rport` with the source port that the server saw.
    Filled(u16),
}

/// The first Via value of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopVia<'a> {
    /// `UDP`, `TCP`, `TLS`, `WS`, `WSS` or another; in the case in which it came.
    pub transport: &'a str,
    /// The host of sent-by; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// `branch`; absent in RFC 2543's time.
    pub branch: Option<&'a str>,
    /// `rport`.
    pub rport: Rport,
    /// `received`, without the brackets that some put around an IPv6 address (RFC 5118 §4.5).
    pub received: Option<&'a str>,
    /// `maddr`.
    pub maddr: Option<&'a str>,
    /// Host and port as written.
    pub sent_by: &'a str,
}

impl TopVia<'_> {
    /// The address in sent-by, if it is one and not a name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

/// Where the parts of the top Via are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ViaSpans {
    pub(crate) transport: Span,
    pub(crate) host: Span,
    pub(crate) sent_by: Span,
    pub(crate) branch: Span,
    /// With brackets, if it has any.
    pub(crate) received: Span,
    pub(crate) maddr: Span,
    /// The name `rport`; empty if absent.
    rport: Span,
    rport_value: Span,
    rport_port: u16,
    /// 0: none.
    port: u16,
    /// The end of the value, where a parameter can be added.
    pub(crate) end: u16,
}

enum Fill {
    Rport,
    Received,
}

impl ViaSpans {
    pub(crate) const NONE: Self = Self {
        transport: Span::NONE,
        host: Span::NONE,
        sent_by: Span::NONE,
        branch: Span::NONE,
        received: Span::NONE,
        maddr: Span::NONE,
        rport: Span::NONE,
        rport_value: Span::NONE,
        rport_port: 0,
        port: 0,
        end: 0,
    };

    /// What `=port` replaces: from the end of the name `rport` to the end of its value; `None` if not asked for.
    pub(crate) fn rport_value(&self) -> Option<(usize, usize)> {
        if self.rport.is_empty() {
            return None;
        }
        let end = if self.rport_value.is_empty() { self.rport.end } else { self.rport_value.end };
        Some((usize::from(self.rport.end), usize::from(end)))
    }

    /// Copies the message from `from` to the end of the value, with `source` as `received`, in place of what it
    /// claimed, and as `rport` if that was asked for (RFC 3261 §18.2.1, RFC 3581 §4). `received` is left out only
    /// where it says what sent-by says already.
    pub(crate) fn write_received(&self, out: &mut Vec<u8>, bytes: &[u8], from: usize, source: SocketAddr) {
        let address = source.ip().to_canonical();
        let text = digits::address(address);
        let mut fills = ArrayVec::<(Range<usize>, Fill), 2>::new();
        fills.extend(self.rport_value().map(|(start, end)| (start..end, Fill::Rport)));
        fills.extend((!self.received.is_empty()).then(|| (self.received.range(), Fill::Received)));
        fills.sort_unstable_by_key(|(range, _)| range.start);
        let mut copied = from;
        for (range, fill) in fills {
            out.extend_from_slice(&bytes[copied..range.start]);
            match fill {
                Fill::Rport => write_parts(out, &["=", &Decimal::new(source.port())]),
                Fill::Received => write_parts(out, &[&text]),
            }
            copied = range.end;
        }
        out.extend_from_slice(&bytes[copied..self.end.into()]);
        let says_so = std::str::from_utf8(&bytes[self.host.range()])
            .is_ok_and(|host| address_of(host) == Some(address));
        if self.received.is_empty() && (!says_so || !self.rport.is_empty()) {
            write_parts(out, &[";received=", &text]);
        }
    }

    #[inline]
    pub(crate) fn read<'a>(&self, head: &'a str) -> TopVia<'a> {
        let text = |span: Span| head.get(span.range()).unwrap_or_default();
        let some = |span: Span| (!span.is_empty()).then(|| text(span));
        TopVia {
            transport: text(self.transport),
            host: text(self.host),
            port: (self.port != 0).then_some(self.port),
            branch: some(self.branch),
            rport: match (self.rport.is_empty(), self.rport_value.is_empty()) {
                (true, _) => Rport::Absent,
                (false, true) => Rport::Asked,
                (false, false) => Rport::Filled(self.rport_port),
            },
            received: some(self.received).map(|r| r.trim_start_matches('[').trim_end_matches(']')),
            maddr: some(self.maddr),
            sent_by: text(self.sent_by),
        }
    }
}

/// Reads the Via value that starts at `at`; `text` ends where its line's value does. `None` if it is malformed.
pub(crate) fn parse(text: &[u8], at: usize) -> Option<ViaSpans> {
    let mut via = ViaSpans::NONE;
    let at = sent_protocol(text, at)?;
    let transport_end = scan::skip(text, at, TOKEN);
    via.transport = some(at, transport_end)?;
    let host_start = scan::skip_lws(text, transport_end);
    if host_start == transport_end {
        return None;
    }
    let at = sent_by(text, host_start, &mut via)?;
    let (end, after) = scan::params(text, at, |name, value| {
        let spelled = &text[name.range()];
        match spelled.len() {
            5 if spelled.eq_ignore_ascii_case(b"rport") => {
                via.rport = name;
                via.rport_value = value;
                if !value.is_empty() {
                    via.rport_port = port(&text[value.range()])?;
                }
            }
            5 if spelled.eq_ignore_ascii_case(b"maddr") => via.maddr = with_value(value)?,
            6 if spelled.eq_ignore_ascii_case(b"branch") => {
                if !via.branch.is_empty() {
                    return None;
                }
                via.branch = with_value(value)?;
            }
            8 if spelled.eq_ignore_ascii_case(b"received") => via.received = with_value(value)?,
            _ => {}
        }
        Some(())
    })?;
    via.end = end as u16;
    matches!(text.get(after), None | Some(b',')).then_some(via)
}

/// Past `SIP/2.0/`, each slash with LWS around it as it may have.
fn sent_protocol(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at..)?.starts_with(b"SIP/2.0/") {
        return Some(scan::skip_lws(text, at + 8));
    }
    let mut at = at;
    for part in [b"SIP".as_slice(), b"2.0"] {
        if !text.get(at..at + 3)?.eq_ignore_ascii_case(part) {
            return None;
        }
        at = scan::skip_lws(text, at + 3);
        if text.get(at) != Some(&b'/') {
            return None;
        }
        at = scan::skip_lws(text, at + 1);
    }
    Some(at)
}

/// `sent-by = host [ COLON port ]`; returns its end.
fn sent_by(text: &[u8], start: usize, via: &mut ViaSpans) -> Option<usize> {
    let host_end = if text.get(start) == Some(&b'[') {
        let close = scan::skip(text, start + 1, IPV6);
        if close == start + 1 || text.get(close) != Some(&b']') {
            return None;
        }
        close + 1
    } else {
        scan::skip(text, start, HOST)
    };
    via.host = some(start, host_end)?;
    let mut end = host_end;
    let colon = scan::skip_lws(text, host_end);
    if text.get(colon) == Some(&b':') {
        let digits = scan::skip_lws(text, colon + 1);
        end = scan::skip(text, digits, HOST);
        via.port = port(text.get(digits..end)?)?;
    }
    via.sent_by = Span::new(start, end);
    Some(end)
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn port(digits: &[u8]) -> Option<u16> {
    scan::decimal(digits).and_then(|n| u16::try_from(n).ok()).filter(|&n| n != 0)
}

fn some(start: usize, end: usize) -> Option<Span> {
    (end > start).then(|| Span::new(start, end))
}

fn with_value(value: Span) -> Option<Span> {
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(via: &str) -> Option<TopVia<'_>> {
        parse(via.as_bytes(), 0).map(|spans| spans.read(via))
    }

    #[test]
    fn all_parts() {
        let via =
            read("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport=9;received=192.0.2.9;maddr=224.0.0.1")
                .unwrap();
        assert_eq!((via.transport, via.host, via.port), ("UDP", "192.0.2.1", Some(5070)));
        assert_eq!(via.sent_by, "192.0.2.1:5070");
        assert_eq!((via.branch, via.rport), (Some("z9hG4bK1"), Rport::Filled(9)));
        assert_eq!((via.received, via.maddr), (Some("192.0.2.9"), Some("224.0.0.1")));
        assert_eq!(via.ip(), Some(IpAddr::from([192, 0, 2, 1])));
    }

    #[test]
    fn white_space_wherever_the_grammar_allows_it() {
        let via = read("SIP  /   2.0\r\n /TCP     spindle.example.com : 5061  ;\r\n  BRANCH  =   z9hG4bK9ikj8  ,\r\n SIP/2.0/UDP x").unwrap();
        assert_eq!((via.transport, via.host, via.port), ("TCP", "spindle.example.com", Some(5061)));
        assert_eq!(via.branch, Some("z9hG4bK9ikj8"));
    }

    #[test]
    fn ipv6_with_and_without_brackets() {
        for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
            let text = format!("SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3-111");
            let via = read(&text).unwrap();
            assert_eq!((via.host, via.port), ("[2001:db8::9:1]", None));
            assert_eq!(via.ip(), "2001:db8::9:1".parse().ok());
            assert_eq!(via.received, Some("2001:db8::9:255"));
        }
    }

    #[test]
    fn malformed() {
        for via in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 UDP a",
            "SIP/3.0/UDP a",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0/UDP a;branch",
            "SIP/2.0/UDP a;branch=",
            "SIP/2.0/UDP a;branch=x;branch=y",
            "SIP/2.0/UDP a:0",
            "SIP/2.0/UDP a:65536",
            "SIP/2.0/UDP a:",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP []",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP a;rport=x",
            "SIP/2.0/UDP a;x=\"y",
        ] {
            assert!(read(via).is_none(), "{via:?}");
        }
    }
}
