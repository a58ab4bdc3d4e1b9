//! `rvoip-sip-core`: every header typed at once.

use std::fmt::{self, Display};

use rvoip_sip_core::prelude::{Message, TypedHeader, parse_message};
use rvoip_sip_core::types::via::ViaHeader;

use crate::fields::Fields;

pub(super) fn read<R>(bytes: &[u8], show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
    let message = parse_message(bytes).ok()?;
    let uri = match &message {
        Message::Request(request) => Some(request.uri() as &dyn Display),
        Message::Response(_) => None,
    };
    let headers = message.all_headers();
    let find = |wanted: fn(&TypedHeader) -> bool| headers.iter().find(|&header| wanted(header));
    let TypedHeader::Via(via) = find(|header| matches!(header, TypedHeader::Via(_)))? else { return None };
    let TypedHeader::From(from) = find(|header| matches!(header, TypedHeader::From(_)))? else { return None };
    let TypedHeader::To(to) = find(|header| matches!(header, TypedHeader::To(_)))? else { return None };
    let TypedHeader::CSeq(cseq) = find(|header| matches!(header, TypedHeader::CSeq(_)))? else { return None };
    let TypedHeader::CallId(call_id) = find(|header| matches!(header, TypedHeader::CallId(_)))? else {
        return None;
    };
    let top = via.headers().first()?;
    let to_tag = to.tag();
    Some(show(Fields {
        method: cseq.method(),
        request_uri: uri,
        sent_by: &SentBy(top),
        branch: &top.branch()?,
        from_tag: &from.tag()?,
        to_tag: to_tag.as_ref().map(|tag| tag as &dyn Display),
        call_id: &call_id.as_str(),
        cseq: cseq.sequence(),
    }))
}

struct SentBy<'a>(&'a ViaHeader);

impl Display for SentBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.host())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}
