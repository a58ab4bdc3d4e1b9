//! The torture tests of RFC 4475, with the outcome that it states for each message.
//!
//! What the message layer accepts and another layer refuses is in [`ELSEWHERE`], with the reason.

use std::net::SocketAddr;

use cordboard_sip::{
    Frame, Framer, Header, Method, Name, Reject, Rport, Status, View,
    header::{Contact, From},
    uri::{Scheme, UriRef},
};

/// Messages that are well-formed SIP, and whose outcome is decided above the message layer.
const ELSEWHERE: [(&str, &str); 13] = [
    ("baddate", "§3.1.2.12: whoever needs the Date finds it malformed; nobody else minds"),
    ("regbadct", "§3.1.2.13: the registrar parses Contact and answers 400"),
    ("badbranch", "§3.2.1: the transaction layer takes a branch that is only the cookie for an RFC 2543 one"),
    ("unkscm", "§3.3.2: the proxy or UAS answers 416 to a scheme it does not know"),
    ("novelsc", "§3.3.3: the same for a scheme it will not route"),
    ("unksm2", "§3.3.4: the registrar answers 400 to a To that is neither SIP nor SIPS"),
    ("bext01", "§3.3.5: the proxy or UAS answers 420 and lists what it does not support"),
    ("invut", "§3.3.6: the UAS answers 415; a proxy forwards"),
    ("regaut01", "§3.3.7: the registrar challenges with a scheme that it knows"),
    ("bcast", "§3.3.10: the response-forwarding proxy drops what would go to the broadcast address"),
    ("zeromf", "§3.3.11: the proxy answers 483; a UAS goes on"),
    ("sdp01", "§3.3.15: the UAS answers 406"),
    ("inv2543", "§3.4.1: the transaction and dialog layers match without branch and tag"),
];

use Outcome::{Accepted, Dropped, Refused};

const SOURCE: ([u8; 4], u16) = ([192, 0, 2, 200], 5060);

/// What the RFC says of a message.
enum Outcome {
    /// It is well-formed, and this is what it means.
    Accepted(fn(&View<'_>)),
    /// It is answered with this status.
    Refused(u16),
    /// It gets no answer.
    Dropped,
}

/// Declares one test a message.
macro_rules! messages {
    ($($name:ident => $outcome:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $outcome.check(include_bytes!(concat!("data/rfc4475/", stringify!($name), ".dat")));
            }
        )*

        /// Every message, for the tests that go over all of them.
        const ALL: &[(&str, &[u8])] = &[
            $((stringify!($name), include_bytes!(concat!("data/rfc4475/", stringify!($name), ".dat"))),)*
        ];
    };
}

messages! {
    // §3.1.1: valid messages.
    wsinv => Accepted(|view| {
        assert_eq!((view.method(), view.request_uri()), (Method::Invite, "sip:vivekg@chair-dnrc.example.com;unknownparam"));
        assert_eq!((view.to_tag(), view.from_tag()), (Some("1918181833n"), Some("98asjd8")));
        assert_eq!((view.to_uri(), view.from_uri()), ("sip:vivekg@chair-dnrc.example.com", "sip:jdrosen@example.com"));
        assert_eq!(view.cseq(), (9, Method::Invite));
        assert_eq!(view.max_forwards(), Some(68));
        assert_eq!(view.call_id(), "wsinv.ndaksdj@192.0.2.1");
        let via = view.top_via();
        assert_eq!((via.transport, via.host, via.branch), ("UDP", "192.0.2.2", Some("390skdjuw")));
        assert_eq!(via.rport, Rport::Absent);
        let vias: Vec<String> = view.values(Name::VIA).map(|via| squeezed(&via.unfolded())).collect();
        assert_eq!(vias, [
            "SIP/2.0/UDP192.0.2.2;branch=390skdjuw",
            "SIP/2.0/TCPspindle.example.com;branch=z9hG4bK9ikj8",
            "SIP/2.0/UDP192.168.255.111;branch=z9hG4bK30239",
        ]);
        assert_eq!(view.top_route(), Some("sip:services.example.com;lr;unknownwith=value;unknown-no-value"));
        assert_eq!(view.value(Name::SUBJECT), Some(""));
        assert_eq!(view.named("newfangledheader").next().unwrap().unfolded(), "newfangled value continued newfangled value");
        assert_eq!(view.named("UnknownHeaderWithUnusualValue").next().unwrap().value, ";;,,;;,;");
        let contacts: Vec<_> = view.headers::<Contact>().collect::<Result<_, _>>().unwrap();
        let [Contact::At(contact)] = &contacts[..] else { panic!("one Contact, not {contacts:?}") };
        assert_eq!(contact.params.get("newparam"), Some("newvalue"));
        assert!(contact.params.has("secondparam"));
        let from = view.header::<From>().unwrap().unwrap();
        assert_eq!(from.addr.display.as_deref(), Some("J Rosenberg \\\""));
        assert_eq!(view.body().len(), 150);
    });
    intmeth => Accepted(|view| {
        let method = "!interesting-Method0123456789_*+`.%indeed'~";
        assert_eq!((view.method(), view.method_text()), (Method::Other, method));
        assert_eq!(view.cseq().0, 139_122_385);
        assert_eq!(view.from_tag(), Some("_token~1'+`*%!-."));
        assert_eq!(view.top_via().branch, Some("z9hG4bK-.!%66*_+`'~"));
        assert_eq!(view.call_id(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
        assert_eq!(view.max_forwards(), Some(255));
        let uri = UriRef::parse(view.request_uri()).unwrap();
        assert_eq!(uri.host(), "example.com");
        assert_eq!(uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(uri.password(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
        let to = view.value(Name::TO).unwrap();
        assert!(to.starts_with("\"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:1_unusual"), "{to:?}");
        assert_eq!(view.named("extensionHeader-!.%*+_`'~").next().unwrap().value, "\u{feff}大停電");
    });
    esc01 => Accepted(|view| {
        assert_eq!(view.request_uri(), "sip:sips%3Auser%40example.com@example.net");
        let same = |a: &str, b: &str| UriRef::parse(a).unwrap().equivalent(&UriRef::parse(b).unwrap());
        assert!(same(view.to_uri(), "sip:user@example.com"));
        assert!(!same(view.request_uri(), "sips:user@example.com"));
        let contact = view.contact().unwrap();
        let uri = contact.trim_start_matches('<').trim_end_matches('>');
        assert!(same(uri, "sip:caller@host5.example.net;lr;name=value%2541"));
        assert!(!same(uri, "sip:caller@host5.example.net;lr;name=value%41"));
        assert_eq!(view.body().len(), 150);
    });
    escnull => Accepted(|view| {
        assert_eq!(view.to_uri(), "sip:null-%00-null@example.com");
        let contacts: Vec<Contact> = view.headers().collect::<Result<_, _>>().unwrap();
        let users: Vec<_> = contacts.iter().map(|contact| {
            let uri = &contact.addr().unwrap().addr.uri;
            uri.as_sip().unwrap().user().unwrap().into_owned()
        }).collect();
        assert_eq!(users, ["\0", "\0\0"]);
    });
    esc02 => Accepted(|view| {
        assert_eq!((view.method(), view.method_text()), (Method::Other, "RE%47IST%45R"));
        assert_eq!(view.values(Name::CONTACT).count(), 2);
        assert_eq!(view.named("C%6Fntact").count(), 1);
        let from = view.header::<From>().unwrap().unwrap();
        assert_eq!(from.addr.display.as_deref(), Some("%Z%45"));
    });
    lwsdisp => Accepted(|view| {
        assert_eq!((view.from_uri(), view.from_tag()), ("sip:caller@example.com", Some("323")));
        assert_eq!(view.header::<From>().unwrap().unwrap().addr.display.as_deref(), Some("caller"));
    });
    longreq => Accepted(|view| {
        assert_eq!(view.values(Name::VIA).count(), 34);
        assert_eq!(view.top_via().sent_by, "sip33.example.com");
        assert_eq!(view.from_tag().map(str::len), Some(2 + 150 + 3));
        assert_eq!(view.call_id(), format!("longreq.one{}longcallid", "really".repeat(20)));
        let name = format!("Unknown-{}-Name", "Long".repeat(20));
        assert_eq!(view.named(&name).count(), 1);
        let last = view.values(Name::VIA).last().unwrap();
        assert!(last.text.ends_with("longbranchvalue"));
        assert_eq!(view.body().len(), 150);
    });
    dblreq => Accepted(|view| {
        assert_eq!((view.method(), view.call_id()), (Method::Register, "dblreq.0ha0isndaksdj99sdfafnl3lk233412"));
        assert_eq!(view.body(), b"");
        assert!(!view.bytes().windows(6).any(|w| w == b"INVITE"), "the noise is not forwarded");
    });
    semiuri => Accepted(|view| {
        let uri = UriRef::parse(view.request_uri()).unwrap();
        assert_eq!(uri.user(), Some("user;par=u%40example.net"));
        assert_eq!((uri.host(), uri.params().as_str()), ("example.com", ""));
        assert_eq!(view.values(Name::ACCEPT).count(), 6);
    });
    transports => Accepted(|view| {
        let vias: Vec<_> = view.values(Name::VIA).map(|via| via.text[8..].split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(vias, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    });
    mpart01 => Accepted(|view| {
        assert_eq!(view.method(), Method::Message);
        assert_eq!(view.body().len(), 553);
        assert!(view.body().ends_with(b"--7a9cbec02ceef655--\r\n") && view.body().contains(&0));
        assert_eq!(view.top_via().rport, Rport::Asked);
        assert_eq!(view.top_route(), Some("sip:127.0.0.1:5080"));
    });
    unreason => Accepted(|view| {
        assert_eq!(view.status(), Some(Status::OK));
        assert_eq!(view.reason(), "= 2**3 * 5**2 но сто девяносто девять - простое");
    });
    noreason => Accepted(|view| {
        assert_eq!((view.status(), view.reason()), (Some(Status::TRYING), ""));
    });

    // §3.1.2: invalid messages.
    badinv01 => Refused(400);
    clerr => Refused(400);
    ncl => Refused(400);
    scalar02 => Refused(400);
    scalarlg => Dropped;
    quotbal => Refused(400);
    ltgtruri => Refused(400);
    lwsruri => Refused(400);
    lwsstart => Refused(400);
    trws => Refused(400);
    escruri => Refused(400);
    baddate => Accepted(|view| {
        assert_eq!(view.value(Name::DATE), Some("Fri, 01 Jan 2010 16:00:00 EST"));
    });
    regbadct => Accepted(|view| {
        Contact::parse(view.contact().unwrap()).expect_err("headers in a URI need brackets");
    });
    badaspec => Refused(400);
    baddn => Refused(400);
    badvers => Refused(505);
    mismatch01 => Refused(400);
    mismatch02 => Refused(501);
    bigcode => Dropped;

    // §3.2, §3.3, §3.4: for the layers above.
    badbranch => Accepted(|view| {
        assert_eq!(view.top_via().branch, Some("z9hG4bK"));
    });
    insuf => Refused(400);
    unkscm => Accepted(|view| {
        assert_eq!(view.request_uri(), "nobodyKnowsThisScheme:totallyopaquecontent");
        assert!(matches!(UriRef::parse(view.request_uri()).unwrap().scheme(), Scheme::Other));
    });
    novelsc => Accepted(|view| {
        assert_eq!(view.request_uri(), "soap.beep://192.0.2.103:3002");
    });
    unksm2 => Accepted(|view| {
        assert_eq!((view.to_uri(), view.from_uri()), ("isbn:2983792873", "http://www.example.com"));
        assert!(view.headers::<Contact>().all(|contact| contact.is_ok()));
    });
    bext01 => Accepted(|view| {
        let required: Vec<_> = view.values(Name::REQUIRE).map(|value| value.text).collect();
        assert_eq!(required, ["nothingSupportsThis", "nothingSupportsThisEither"]);
        assert_eq!(view.values(Name::PROXY_REQUIRE).count(), 2);
    });
    invut => Accepted(|view| {
        assert_eq!(view.value(Name::CONTENT_TYPE), Some("application/unknownformat"));
        assert!(view.body().starts_with(b"<audio>"));
    });
    regaut01 => Accepted(|view| {
        assert_eq!(view.value(Name::AUTHORIZATION), Some("NoOneKnowsThisScheme opaque-data=here"));
    });
    multi01 => Refused(400);
    mcl01 => Refused(400);
    bcast => Accepted(|view| {
        assert!(view.values(Name::VIA).nth(1).unwrap().text.contains("255.255.255.255"));
    });
    zeromf => Accepted(|view| {
        assert_eq!(view.max_forwards(), Some(0));
    });
    cparam01 => Accepted(|view| {
        let Contact::At(contact) = view.header().unwrap().unwrap() else { panic!("an address") };
        assert!(contact.params.has("unknownparam"));
        assert!(contact.addr.uri.as_sip().unwrap().params.is_empty());
    });
    cparam02 => Accepted(|view| {
        let Contact::At(contact) = view.header().unwrap().unwrap() else { panic!("an address") };
        assert!(!contact.params.has("unknownparam"));
        assert!(contact.addr.uri.as_sip().unwrap().params.has("unknownparam"));
    });
    regescrt => Accepted(|view| {
        let Contact::At(contact) = view.header().unwrap().unwrap() else { panic!("an address") };
        assert_eq!(contact.addr.uri.to_string(), "sip:user@example.com?Route=%3Csip:sip.example.com%3E");
    });
    sdp01 => Accepted(|view| {
        assert_eq!(view.value(Name::ACCEPT), Some("text/nobodyKnowsThis"));
    });
    inv2543 => Accepted(|view| {
        assert_eq!((view.top_via().branch, view.from_tag(), view.max_forwards()), (None, None, None));
        assert_eq!(view.content_length(), None);
        assert_eq!(view.body().len(), 105);
    });
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn rejected(bytes: &[u8]) -> Reject {
    View::parse(bytes).expect_err("the RFC calls this malformed")
}

impl Outcome {
    fn check(&self, bytes: &[u8]) {
        match self {
            Accepted(check) => check(&View::parse(bytes).expect("the RFC calls this well-formed")),
            Refused(status) => refused(bytes, *status),
            Dropped => dropped(bytes),
        }
    }
}

/// Refused with that status, in a response that finds its way back.
fn refused(bytes: &[u8], status: u16) {
    let reject = rejected(bytes);
    assert_eq!(reject.status().map(Status::code), Some(status), "{reject}");
    let reply = reject.reply(bytes, SocketAddr::from(SOURCE)).expect("an answer");
    let text = std::str::from_utf8(&reply).expect("the answer is text");
    assert!(text.starts_with(&format!("SIP/2.0 {status} ")), "{text}");
    assert!(text.ends_with("\r\nContent-Length: 0\r\n\r\n"), "{text}");
    assert!(text.contains("\r\nVia: "), "{text}");
    assert_eq!(
        Some(reply),
        reject.reply(bytes, SocketAddr::from(SOURCE)),
        "a retransmission gets the same answer"
    );
}

fn dropped(bytes: &[u8]) {
    let reject = rejected(bytes);
    assert_eq!(reject.status(), None, "{reject}");
    assert_eq!(reject.reply(bytes, SocketAddr::from(SOURCE)), None);
}

#[test]
fn none_of_the_49_is_missing() {
    assert_eq!(ALL.len(), 49);
    for (name, reason) in ELSEWHERE {
        let (_, bytes) = ALL.iter().find(|(other, _)| *other == name).expect(name);
        assert!(View::parse(bytes).is_ok(), "{name}: {reason}");
    }
}

#[test]
fn a_refusal_says_what_could_be_read() {
    let (_, bytes) = ALL.iter().find(|(name, _)| *name == "mismatch02").unwrap();
    let reply = rejected(bytes).reply(bytes, SocketAddr::from(SOURCE)).unwrap();
    let view = View::parse(&reply).expect("the answer is well-formed");
    assert_eq!(view.status(), Some(Status::NOT_IMPLEMENTED));
    assert_eq!((view.from_tag(), view.call_id()), (Some("34525"), "mismatch02.dj0234sxdfl3"));
    assert!(view.to_tag().is_some(), "RFC 3261 §8.2.6.2");
    assert_eq!(view.top_via().received, Some("192.0.2.200"));
}

/// On a stream, a length that cannot be trusted ends the connection, and one that is not reached waits (§3.1.2.2,
/// §3.1.2.3, §3.3.9).
#[test]
fn on_a_stream() {
    for (name, bytes) in ALL {
        let mut framer = Framer::accepted();
        framer.push(bytes);
        match (*name, framer.next()) {
            ("ncl" | "mcl01" | "inv2543", Some(Err(reject))) => {
                assert_eq!(reject.status(), Some(Status::BAD_REQUEST), "{name}");
            }
            ("clerr", None) => assert!(framer.is_inside_message()),
            ("dblreq", Some(Ok(Frame::Message(first)))) => {
                assert!(first.starts_with(b"REGISTER"));
                let Some(Ok(Frame::Message(second))) = framer.next() else { panic!("the INVITE") };
                assert!(second.starts_with(b"INVITE"));
            }
            (_, Some(Ok(Frame::Message(message)))) => assert_eq!(message, *bytes, "{name}"),
            (_, other) => panic!("{name}: {other:?}"),
        }
    }
}
