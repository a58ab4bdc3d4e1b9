//! The parser inside `rsipstack`: headers as strings, typed on request.

use std::fmt::Display;

use rsipstack::sip::SipMessage;
use rsipstack::sip::parser::parse_message;
use rsipstack::sip::prelude::{HeadersExt as _, ToTypedHeader as _};

use crate::fields::Fields;

pub(super) fn read<R>(bytes: &[u8], show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
    let message = parse_message(bytes).ok()?;
    let uri = match &message {
        SipMessage::Request(request) => Some(&request.uri as &dyn Display),
        SipMessage::Response(_) => None,
    };
    let via = message.top_via_header().ok()?.typed().ok()?;
    let from_tag = message.from_header().ok()?.tag().ok()??;
    let to_tag = message.to_header().ok()?.tag().ok()?;
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    Some(show(Fields {
        method: &cseq.method,
        request_uri: uri,
        sent_by: via.sent_by(),
        branch: &via.branch()?.value(),
        from_tag: &from_tag.value(),
        to_tag: to_tag.as_ref().map(|tag| tag as &dyn Display),
        call_id: &message.call_id_header().ok()?.value(),
        cseq: cseq.seq,
    }))
}
