//! What must hold for the text of any header value, URI or body at all. `fuzz/` feeds these to libFuzzer;
//! `tests/values_corpus.rs` runs them on a corpus and on seeded mutations of it, on stable.

use std::fmt::{Debug, Display};

use cordboard_sip::Header;
use cordboard_sip::body::{Multipart, Sipfrag};
use cordboard_sip::digest::{
    AuthenticationInfo, Authorization, Ha1, ProxyAuthenticate, ProxyAuthorization, Request, WwwAuthenticate,
};
use cordboard_sip::header::*;
use cordboard_sip::sdp::Sdp;
use cordboard_sip::uri::{Uri, UriRef};

/// What parses prints as one line, and that parses to the same.
fn comes_back<H: Header + Display + Debug + PartialEq>(text: &str) {
    let Ok(header) = H::parse(text) else { return };
    let printed = header.to_string();
    assert!(!printed.contains(['\r', '\n']), "{} would break the message: {printed:?}", H::NAME);
    match H::parse(&printed) {
        Ok(again) => {
            assert_eq!(again, header, "{} {text:?} {printed:?}", H::NAME);
            assert_eq!(again.to_string(), printed, "{} {text:?}", H::NAME);
        }
        Err(error) => panic!("{} {text:?} printed as {printed:?}: {error}", H::NAME),
    }
}

macro_rules! each {
    ($text:ident: $($type:ty)*) => { $(comes_back::<$type>($text);)* };
}

/// One value given to every typed header.
pub(crate) fn header(text: &str) {
    each!(text:
        Accept AcceptContact AcceptEncoding AcceptLanguage AlertInfo Allow AllowEvents AuthenticationInfo
        Authorization CSeq CallId CallInfo Contact ContentDisposition ContentEncoding ContentId ContentLanguage
        ContentLength ContentType Date Diversion ErrorInfo Event Expires FlowTimer From HistoryInfo InReplyTo
        InfoPackage Join MaxBreadth MaxForwards MimeVersion MinExpires MinSe Organization PAssertedIdentity
        PPreferredIdentity Path Priority Privacy ProxyAuthenticate ProxyAuthorization ProxyRequire RAck RSeq Reason
        RecordRoute RecvInfo ReferSub ReferTo ReferredBy RejectContact Replaces ReplyTo RequestDisposition Require
        RetryAfter Route Server ServiceRoute SessionExpires SipEtag SipIfMatch Subject SubscriptionState Supported
        TargetDialog Timestamp To Unsupported UserAgent Via Warning WwwAuthenticate
    );
    if let Ok(addr) = NameAddrRef::parse(text) {
        let _ = (addr.display(), addr.uri(), addr.tag());
        assert!(NameAddr::from_ref(&addr).is_err() || addr.uri().is_ok(), "{text:?}");
    }
    if let Ok(Contact::At(contact)) = Contact::parse(text) {
        let _ = contact.features().count();
    }
    if let Some(Ok(replaces)) = ReferTo::parse(text).ok().and_then(|to| to.replaces()) {
        comes_back::<Replaces>(&replaces.to_string());
    }
    if let Ok(Authorization::Digest(credentials)) = Authorization::parse(text) {
        let secret = Ha1::new(credentials.algorithm, "alice", "example.com", "secret");
        let request = Request { method: "REGISTER", uri: "", body: b"" };
        let _ = credentials.is_answered_with(&secret, &request);
    }
}

/// The borrowed and the owned URI agree, and what is printed is equivalent to what was read.
pub(crate) fn uri(text: &str) {
    let borrowed = UriRef::parse(text);
    let owned = Uri::parse(text);
    assert_eq!(borrowed.is_ok(), owned.is_ok(), "{text:?}");
    let (Ok(borrowed), Ok(owned)) = (borrowed, owned) else {
        return;
    };
    let printed = owned.to_string();
    let again = UriRef::parse(&printed).expect("what is printed parses");
    assert!(borrowed.equivalent(&borrowed), "{text:?}");
    assert_eq!(Uri::from_ref(&again).expect("it parsed"), owned, "{text:?}");
    assert_eq!((borrowed.scheme(), borrowed.port()), (again.scheme(), again.port()));
    let (mut one, mut other) = (String::new(), String::new());
    borrowed.write_aor(&mut one).expect("a String takes all");
    again.write_aor(&mut other).expect("a String takes all");
    assert_eq!(one, other, "{text:?} {printed:?}");
}

/// Nothing panics, and what is found lies within the limits.
pub(crate) fn body(bytes: &[u8]) {
    if let Ok(sdp) = Sdp::parse(bytes) {
        let _ = (sdp.is_held(), sdp.version());
        for stream in sdp.streams() {
            let _ = (stream.kind(), stream.direction(), stream.address(), stream.encoding("0"));
        }
        let printed = sdp.to_bytes();
        let again = Sdp::parse(&printed).expect("what is printed parses");
        assert_eq!(again.to_bytes(), printed);
    }
    if let Ok(frag) = Sipfrag::parse(bytes) {
        for (name, _, _) in frag.head().lines() {
            for value in frag.head().values(name) {
                assert_eq!(value, value.trim_matches([' ', '\t', '\r', '\n']));
            }
        }
    }
    let media_type = "multipart/mixed;boundary=\"b\"".parse().expect("a media type");
    if let Ok(parts) = Multipart::parse(&media_type, bytes) {
        assert!(parts.parts().len() <= cordboard_sip::body::multipart::MAX_PARTS);
        let _ = (parts.find("application", "sdp"), parts.find_id("x"));
    }
}
