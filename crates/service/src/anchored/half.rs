//! One side of a dialog in which we stand, as the other side knows it: who it is, how it is reached, what it has said.

use super::numbers::Numbers;
use super::versions::Shown;
use crate::desk::Desk;
use crate::proxy::target::uri_of;
use bytes::Bytes;
use cordboard_core::dialog::Way;
use cordboard_core::transaction::ClientId;
use cordboard_core::transport::Flow;
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Builder, Name};

/// One side.
#[derive(Clone, Debug)]
pub(super) struct Half {
    pub(super) tag: Box<str>,
    /// Its address with its tag, as From and To have it.
    pub(super) address: Box<str>,
    /// Its Contact, whole: where it is reached, and what it says of itself.
    pub(super) contact: Box<str>,
    /// Who it is, if it is one of ours.
    pub(super) user: Option<Box<str>>,
    /// The way from us to it: what stands between us in the dialog's route.
    pub(super) routes: Vec<Box<str>>,
    /// The only way, if there is only one.
    pub(super) flow: Option<Flow>,
    /// Of the requests that it sends.
    pub(super) numbers: Numbers,
    /// What it has described last, and the other side accepted.
    pub(super) said: Option<Sdp>,
    /// What it was shown of the other side.
    pub(super) shown: Shown,
}

/// A request of ours to one side, in the name of the other.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) method: &'static str,
    pub(super) cseq: u32,
    pub(super) lines: Vec<(Name, Box<str>)>,
    pub(super) body: Option<Bytes>,
    /// Where it goes, if the Contact is a name of ours for that: a GRUU (RFC 5627 §6.1).
    pub(super) at: Option<Way>,
}

impl Half {
    /// The way to it.
    pub(super) fn way(&self) -> Way {
        Way::new(uri_of(&self.contact), &self.routes)
    }

    /// Writes a request to it as if it came from `other`.
    pub(super) fn write(
        &self,
        desk: &Desk,
        (other, call_id): (&Self, &str),
        (client, flow): (ClientId, Flow),
        wanted: &Wanted,
    ) -> Bytes {
        let way = wanted.at.clone().unwrap_or_else(|| self.way());
        let branch = desk.stack.branch(client, None);
        let sent_by = desk.listener(flow.listener).map_or("invalid.invalid", |listener| &listener.sent_by);
        let mut request = Builder::request(wanted.method, &way.uri)
            .line(
                Name::VIA,
                format_args!("SIP/2.0/{} {sent_by};branch={branch};rport", flow.transport.via_token()),
            )
            .line(Name::MAX_FORWARDS, 70);
        for route in &way.routes {
            request = request.line(Name::ROUTE, route);
        }
        request = request
            .line(Name::FROM, &other.address)
            .line(Name::TO, &self.address)
            .line(Name::CALL_ID, call_id)
            .line(Name::CSEQ, format_args!("{} {}", wanted.cseq, wanted.method))
            .line(Name::CONTACT, &other.contact);
        for (name, value) in &wanted.lines {
            request = request.line(*name, value);
        }
        match &wanted.body {
            Some(body) => request.body("application/sdp", body),
            None => request.finish(),
        }
    }
}
