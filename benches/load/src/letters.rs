//! What the calling end writes: the INVITE of a call, and the requests inside its dialog.

use std::fmt::Arguments;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::scan::Scan;

/// What all calls of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Letters {
    /// Tells the calls of this run from those of others.
    pub(crate) run: String,
    /// The caller's port.
    pub(crate) caller: u16,
    /// The user that is called.
    pub(crate) user: String,
    /// The domain of the caller and of the user called.
    pub(crate) domain: String,
    /// The session description.
    pub(crate) description: Vec<u8>,
}

/// The other end of a dialog, as its 2xx told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// The To tag with its semicolon.
    to_tag: Box<[u8]>,
    /// The Route lines.
    routes: Box<[u8]>,
    /// The remote target.
    target: Box<[u8]>,
}

impl Peer {
    /// Reads the 2xx.
    pub(crate) fn of(scan: &Scan<'_>) -> Self {
        let mut routes = Vec::new();
        for route in scan.route_set() {
            routes.extend_from_slice(b"Route: ");
            routes.extend_from_slice(route);
            routes.extend_from_slice(b"\r\n");
        }
        Self {
            to_tag: scan.to_tag().unwrap_or_default().into(),
            routes: routes.into(),
            target: scan.contact_uri().unwrap_or_default().into(),
        }
    }
}

/// A name that no other run has.
pub(crate) fn run_name() -> String {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", clock.as_micros() & 0xffff_ffff_ffff)
}

impl Letters {
    /// The call that a message belongs to, by the Call-ID that this run minted.
    pub(crate) fn index_of(&self, scan: &Scan<'_>) -> Option<usize> {
        let text = str::from_utf8(scan.call_id.value).ok()?;
        let (index, rest) = text.split_once('-')?;
        rest.starts_with(&self.run).then_some(())?;
        index.parse().ok()
    }

    /// The INVITE that begins a call.
    pub(crate) fn invite(&self, out: &mut Vec<u8>, index: usize) {
        let Self { run, caller, user, domain, description } = self;
        let _ = write!(
            out,
            "INVITE sip:{user}@{domain} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:{caller};branch=z9hG4bK{run}i{index};rport\r\n\
             Max-Forwards: 70\r\n\
             From: \"Alice\" <sip:alice@{domain}>;tag=a{run}{index}\r\n\
             To: <sip:{user}@{domain}>\r\n\
             Call-ID: {index}-{run}@127.0.0.1\r\n\
             CSeq: 1 INVITE\r\n\
             Contact: <sip:alice@127.0.0.1:{caller}>\r\n\
             User-Agent: bench-load/0.1\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY\r\n\
             Supported: replaces\r\n\
             Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n",
            description.len()
        );
        out.extend_from_slice(description);
    }

    /// A request inside the dialog: the ACK of its 200, its REFER or its BYE. `lines` are what it says besides.
    pub(crate) fn in_dialog(
        &self,
        out: &mut Vec<u8>,
        (index, peer): (usize, &Peer),
        (cseq, method): (u32, &str),
        lines: Arguments<'_>,
    ) {
        let Self { run, caller, user, domain, .. } = self;
        out.extend_from_slice(method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&peer.target);
        let _ = write!(
            out,
            " SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:{caller};branch=z9hG4bK{run}{}{index};rport\r\n\
             Max-Forwards: 70\r\n",
            &method[..1].to_ascii_lowercase()
        );
        out.extend_from_slice(&peer.routes);
        let _ = write!(
            out,
            "From: \"Alice\" <sip:alice@{domain}>;tag=a{run}{index}\r\n\
             To: <sip:{user}@{domain}>"
        );
        out.extend_from_slice(&peer.to_tag);
        let _ = write!(
            out,
            "\r\n\
             Call-ID: {index}-{run}@127.0.0.1\r\n\
             CSeq: {cseq} {method}\r\n\
             Contact: <sip:alice@127.0.0.1:{caller}>\r\n\
             {lines}\
             Content-Length: 0\r\n\r\n"
        );
    }

    /// The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
    pub(crate) fn refusal_ack(&self, out: &mut Vec<u8>, index: usize, refusal: &Scan<'_>) {
        let Self { run, caller, user, domain, .. } = self;
        let _ = write!(
            out,
            "ACK sip:{user}@{domain} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:{caller};branch=z9hG4bK{run}i{index};rport\r\n\
             Max-Forwards: 70\r\n\
             From: \"Alice\" <sip:alice@{domain}>;tag=a{run}{index}\r\n"
        );
        out.extend_from_slice(refusal.to.whole);
        let _ = write!(
            out,
            "\r\n\
             Call-ID: {index}-{run}@127.0.0.1\r\n\
             CSeq: 1 ACK\r\n\
             Content-Length: 0\r\n\r\n"
        );
    }
}
