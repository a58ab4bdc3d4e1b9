//! What costs an allocation, and what must not.

use allocation_counter::measure;
use cordboard_sip::{Edits, Name, View};

mod typical;

#[test]
fn reading_the_routable_fields_costs_none() {
    for (name, bytes) in typical::MESSAGES {
        let info = measure(|| {
            let view = View::parse(bytes).expect("well-formed");
            let via = view.top_via();
            assert!(!via.host.is_empty() && via.branch.is_some());
            assert!(view.is_request() != view.request_uri().is_empty());
            assert!(view.from_tag().is_some() && !view.call_id().is_empty() && view.cseq().0 > 0);
            let _ = (view.method(), view.to_tag(), view.top_route(), view.max_forwards(), view.contact());
            assert!(view.values(Name::VIA).count() > 0);
        });
        assert_eq!(info.count_total, 0, "{name}");
    }
}

#[test]
fn refusing_costs_none() {
    let info = measure(|| {
        assert!(View::parse(b"REGISTER sip:example.com SIP/2.0\r\nVia: ;;\r\n\r\n").is_err());
        assert!(View::parse(&[0; 1400]).is_err());
    });
    assert_eq!(info.count_total, 0);
}

/// The buffer; the rest is memory that `Edits` keeps.
#[test]
fn a_proxy_hop_costs_one() {
    let (_, bytes) = typical::MESSAGES[10];
    let view = View::parse(bytes).unwrap();
    let mut edits = Edits::new();
    let mut hop = || {
        edits.clear();
        let route = view.values(Name::ROUTE).next().unwrap();
        edits.remove_value(&view, &route);
        edits.set_request_uri(&view, "sip:alice@192.0.2.101:5060;transport=udp");
        edits.set_received(&view, std::net::Ipv4Addr::new(192, 0, 2, 201).into());
        edits.set_rport(&view, 5062);
        edits.push_line(&view, Name::VIA, "SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKproxy");
        edits.push_line(&view, Name::RECORD_ROUTE, "<sip:203.0.113.1;lr>");
        edits.set_value(&view, Name::MAX_FORWARDS, 69);
        edits.apply(&view)
    };
    let first = hop();
    let mut again = first.clone();
    let info = measure(|| again = hop());
    assert_eq!(first, again);
    assert_eq!(info.count_total, 1);
}
