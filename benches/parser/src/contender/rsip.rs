//! `rsip`: headers as strings, typed on request.

use std::fmt::Display;

use rsip::headers::UntypedHeader as _;
use rsip::message::HeadersExt as _;
use rsip::prelude::ToTypedHeader as _;
use rsip::{Request, Response, SipMessage};

use crate::fields::Fields;

pub(super) fn read<R>(bytes: &[u8], show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
    let message = SipMessage::try_from(bytes).ok()?;
    let uri = match &message {
        SipMessage::Request(Request { uri, .. }) => Some(uri as &dyn Display),
        SipMessage::Response(Response { .. }) => None,
    };
    let via = message.via_header().ok()?.typed().ok()?;
    let from_tag = message.from_header().ok()?.tag().ok()??;
    let to_tag = message.to_header().ok()?.tag().ok()?;
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    Some(show(Fields {
        method: &cseq.method,
        request_uri: uri,
        sent_by: &via.uri.host_with_port,
        branch: &via.branch()?.value(),
        from_tag: &from_tag.value(),
        to_tag: to_tag.as_ref().map(rsip::uri::param::Tag::value).as_ref().map(|tag| tag as &dyn Display),
        call_id: &message.call_id_header().ok()?.value(),
        cseq: cseq.seq,
    }))
}
