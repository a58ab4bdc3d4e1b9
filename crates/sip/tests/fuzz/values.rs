//! What must hold for any header value, URI and session description: what parses prints, and what it prints parses
//! and prints the same.

use std::fmt::Display;

use cordboard_sip::{
    Header,
    digest::{AuthenticationInfo, Authorization, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate},
    header::*,
    sdp::Sdp,
    uri::{Uri, UriRef},
};

macro_rules! headers {
    ($($type:ident)*) => {
        const HARNESSES: &[fn(&str)] = &[$(round_trip::<$type>,)*];
    };
}

headers! {
    Accept AcceptEncoding AcceptLanguage AlertInfo CallInfo ErrorInfo Allow AllowEvents ContentEncoding ContentLanguage
    Require ProxyRequire Supported Unsupported CallId InReplyTo Contact ContentType ContentDisposition ContentId
    MimeVersion ContentLength Expires FlowTimer MaxBreadth MaxForwards MinExpires RSeq RAck CSeq Date
    RequestDisposition Event SubscriptionState AcceptContact RejectContact HistoryInfo Diversion InfoPackage RecvInfo
    Join Replaces TargetDialog From To ReplyTo Privacy PAssertedIdentity PPreferredIdentity SipEtag SipIfMatch Reason
    ReferTo ReferSub ReferredBy RetryAfter Route RecordRoute Path ServiceRoute SessionExpires MinSe Server UserAgent
    Subject Organization Priority Timestamp Via Warning
    WwwAuthenticate ProxyAuthenticate Authorization ProxyAuthorization AuthenticationInfo
}

fn round_trip<H: Header + Display>(value: &str) {
    let Ok(header) = H::parse(value) else { return };
    let printed = header.to_string();
    assert!(!printed.contains(['\r', '\n']), "{}: {printed:?} from {value:?}", H::NAME);
    match H::parse(&printed) {
        Ok(again) => assert_eq!(again.to_string(), printed, "{}: from {value:?}", H::NAME),
        Err(error) => panic!("{}: {error}: {printed:?} from {value:?}", H::NAME),
    }
}

/// The first byte chooses the header, the rest is its value.
#[allow(dead_code, reason = "the plain test runs them all")]
pub(crate) fn header(bytes: &[u8]) {
    if let Some((choice, value)) = bytes.split_first()
        && let Ok(value) = std::str::from_utf8(value)
    {
        HARNESSES[usize::from(*choice) % HARNESSES.len()](value);
    }
}

/// Every header's parser on the same value.
#[allow(dead_code, reason = "the fuzz target chooses instead")]
pub(crate) fn every_header(bytes: &[u8]) {
    if let Ok(value) = std::str::from_utf8(bytes) {
        for harness in HARNESSES {
            harness(value);
        }
    }
}

/// Two URIs with a line end between them: each prints back, and their comparison is symmetric.
pub(crate) fn uri(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (first, second) = text.split_once('\n').unwrap_or((text, "sip:a@b"));
    for text in [first, second] {
        let borrowed = UriRef::parse(text);
        let owned = Uri::parse(text);
        assert_eq!(borrowed.is_ok(), owned.is_ok(), "{text:?}: {borrowed:?} {owned:?}");
        if let Ok(owned) = owned {
            let printed = owned.to_string();
            assert!(!printed.contains([' ', '<', '>', '\r', '\n']), "{printed:?}");
            assert_eq!(Uri::parse(&printed).as_ref(), Ok(&owned), "{printed:?} from {text:?}");
        }
    }
    if let (Ok(first), Ok(second)) = (UriRef::parse(first), UriRef::parse(second)) {
        assert_eq!(first.equivalent(&second), second.equivalent(&first), "{first:?} {second:?}");
    }
}

/// What a session description prints parses, and prints the same.
pub(crate) fn sdp(bytes: &[u8]) {
    let Ok(sdp) = Sdp::parse(bytes) else { return };
    let printed = sdp.to_string();
    let again = Sdp::parse(printed.as_bytes()).unwrap_or_else(|error| panic!("{error}: {printed:?}"));
    assert_eq!(again.to_string(), printed);
}
