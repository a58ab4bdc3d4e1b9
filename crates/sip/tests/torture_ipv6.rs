//! The IPv6 torture tests of RFC 5118, with the outcome that it states for each message.

use std::net::IpAddr;

use cordboard_sip::{
    Method, Name, View,
    header::Contact,
    uri::{self, UriRef},
};

macro_rules! view {
    ($file:literal) => {
        View::parse(include_bytes!(concat!("data/rfc5118/", $file)))
            .expect("the message layer has no quarrel with it")
    };
}

fn host(uri: &str) -> IpAddr {
    uri::ip(UriRef::parse(uri).expect("a URI").host()).expect("an address")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn valid_message_with_an_ipv6_reference() {
    let view = view!("ipv6-good");
    assert_eq!(host(view.request_uri()), address("2001:db8::10"));
    assert_eq!(view.top_via().ip(), Some(address("2001:db8::9:1")));
    assert!(view.header::<Contact>().unwrap().is_ok());
}

/// §4.2: 400. The message layer leaves the parts of the Request-URI to whoever routes by it, who parses it so.
#[test]
fn invalid_message_with_an_ipv6_reference() {
    UriRef::parse(view!("ipv6-bad").request_uri()).expect_err("an IPv6 address needs brackets");
}

#[test]
fn port_ambiguous() {
    let view = view!("port-ambiguous");
    assert_eq!(host(view.request_uri()), address("2001:db8::10:5070"));
    assert_eq!(UriRef::parse(view.request_uri()).unwrap().port(), None);
}

#[test]
fn port_unambiguous() {
    let view = view!("port-unambiguous");
    assert_eq!(host(view.request_uri()), address("2001:db8::10"));
    assert_eq!(UriRef::parse(view.request_uri()).unwrap().port(), Some(5070));
}

#[test]
fn received_with_and_without_delimiters() {
    for view in [view!("via-received-param-with-delim"), view!("via-received-param-no-delim")] {
        assert_eq!(view.top_via().received, Some("2001:db8::9:255"));
        assert!(view.top_via().branch.is_some());
    }
}

#[test]
fn addresses_in_sdp() {
    let view = view!("ipv6-in-sdp");
    assert_eq!((view.method(), host(view.to_uri())), (Method::Invite, address("2001:db8::10")));
    assert!(view.body().ends_with(b"a=rtpmap:107 H263-1998/90000\r\n"));
}

#[test]
fn multiple_addresses_in_headers() {
    let view = view!("mult-ip-in-header");
    assert_eq!((view.top_via().ip(), view.top_via().port), (Some(address("2001:db8::9:1")), Some(6050)));
    assert_eq!(view.values(Name::VIA).count(), 3);
}

#[test]
fn multiple_addresses_in_sdp() {
    let view = view!("mult-ip-in-sdp");
    assert_eq!(view.body().windows(5).filter(|w| w == b"c=IN ").count(), 2);
}

#[test]
fn ipv4_mapped_addresses() {
    let view = view!("ipv4-mapped-ipv6");
    assert_eq!((view.top_via().ip(), view.top_via().port), (Some(address("::ffff:192.0.2.10")), Some(19823)));
    assert!(view.header::<Contact>().unwrap().is_ok());
}

/// §4.10: the third colon that RFC 3261's grammar asks for is to be tolerated.
#[test]
fn the_bug_in_the_grammar() {
    for view in [view!("ipv6-bug-abnf-3-colons"), view!("ipv6-correct-abnf-2-colons")] {
        assert_eq!(host(view.request_uri()), address("2001:db8::192.0.2.1"));
        assert_eq!(host(view.to_uri()), address("2001:db8::192.0.2.1"));
    }
}
