use super::*;

fn invite(cseq: u32, extra: &str) -> String {
    format!(
        "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
         From: Alice <sip:alice@example.com>;tag=a1\r\nTo: Bob <sip:bob@example.com>\r\n\
         Call-ID: c1\r\nCSeq: {cseq} INVITE\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

fn answer(line: &str, tag: &str, extra: &str) -> String {
    format!(
        "SIP/2.0 {line}\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
         From: Alice <sip:alice@example.com>;tag=a1\r\nTo: Bob <sip:bob@example.com>;tag={tag}\r\n\
         Call-ID: c1\r\nCSeq: 7 INVITE\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

const RECORDED: &str =
    "Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\nContact: \"Bob, B.\" <sip:bob@192.0.2.4>\r\n";

#[test]
fn the_caller_reads_the_route_set_backwards() {
    let text = answer("180 Ringing", "b1", RECORDED);
    let dialog = Dialog::from_response(&View::parse(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(dialog.state(), State::Early);
    assert_eq!(dialog.target(), "sip:bob@192.0.2.4");
    assert_eq!(dialog.local(), "Alice <sip:alice@example.com>;tag=a1");
    assert_eq!(dialog.remote(), "Bob <sip:bob@example.com>;tag=b1");
    let way = dialog.way();
    assert_eq!(way.routes.iter().map(|route| &**route).collect::<Vec<_>>(), ["<sip:p1;lr>", "<sip:p2;lr>"]);
}

#[test]
fn the_callee_reads_the_route_set_as_it_stands() {
    let text =
        invite(3, "Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>\r\nContact: <sip:alice@a>\r\n");
    let dialog = Dialog::from_request(&View::parse(text.as_bytes()).unwrap(), "b9").unwrap();
    assert_eq!(dialog.local(), "Bob <sip:bob@example.com>;tag=b9");
    assert_eq!(dialog.remote(), "Alice <sip:alice@example.com>;tag=a1");
    let way = dialog.way();
    assert_eq!((&*way.uri, &*way.next_hop), ("sip:alice@a", "sip:p2;lr"));
    assert_eq!(dialog.id().remote_tag.as_ref(), "a1");
}

/// §13.2.2.4: the 2xx decides on the route set, and later ones do not.
#[test]
fn the_2xx_settles_route_set_and_target_once() {
    let ringing = answer("180 Ringing", "b1", RECORDED);
    let mut dialog = Dialog::from_response(&View::parse(ringing.as_bytes()).unwrap()).unwrap();
    let ok = answer("200 OK", "b1", "Record-Route: <sip:p9;lr>\r\nContact: <sip:bob@192.0.2.5>\r\n");
    dialog.confirm(&View::parse(ok.as_bytes()).unwrap()).unwrap();
    assert_eq!(dialog.state(), State::Confirmed);
    assert_eq!(&*dialog.way().next_hop, "sip:p9;lr");
    assert_eq!(dialog.target(), "sip:bob@192.0.2.5");
    let moved = answer("200 OK", "b1", "Record-Route: <sip:p3;lr>\r\nContact: <sip:bob@192.0.2.6>\r\n");
    dialog.confirm(&View::parse(moved.as_bytes()).unwrap()).unwrap();
    assert_eq!(&*dialog.way().next_hop, "sip:p9;lr");
    assert_eq!(dialog.target(), "sip:bob@192.0.2.6");
}

#[test]
fn the_branches_of_a_fork_are_told_apart() {
    let one = answer("180 Ringing", "b1", RECORDED);
    let other = answer("200 OK", "b2", RECORDED);
    let dialog = Dialog::from_response(&View::parse(one.as_bytes()).unwrap()).unwrap();
    assert!(dialog.fits(&View::parse(one.as_bytes()).unwrap()));
    assert!(!dialog.fits(&View::parse(other.as_bytes()).unwrap()));
}

#[test]
fn a_request_fits_by_both_tags_the_other_way_round() {
    let ok = answer("200 OK", "b1", RECORDED);
    let dialog = Dialog::from_response(&View::parse(ok.as_bytes()).unwrap()).unwrap();
    let bye = |from: &str, to: &str| {
        format!(
            "BYE sip:alice@a SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\nFrom: <sip:bob@example.com>;tag={from}\r\n\
             To: <sip:alice@example.com>;tag={to}\r\nCall-ID: c1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        )
    };
    assert!(dialog.fits(&View::parse(bye("b1", "a1").as_bytes()).unwrap()));
    assert!(!dialog.fits(&View::parse(bye("a1", "b1").as_bytes()).unwrap()));
    assert!(!dialog.fits(&View::parse(bye("b1", "A1").as_bytes()).unwrap()));
}

/// §12.2.2: lower is refused, a gap is none of our business.
#[test]
fn requests_are_put_in_order() {
    let text = invite(3, "Contact: <sip:alice@a>\r\n");
    let mut dialog = Dialog::from_request(&View::parse(text.as_bytes()).unwrap(), "b9").unwrap();
    for (cseq, fine) in [(4, true), (9, true), (8, false), (9, true), (10, true)] {
        let text = invite(cseq, "Contact: <sip:alice@a>\r\n");
        let accepted = dialog.accept(&View::parse(text.as_bytes()).unwrap());
        assert_eq!(accepted.is_ok(), fine, "{cseq}");
    }
    assert_eq!(OutOfOrder.status(), Status::SERVER_INTERNAL_ERROR);
}

#[test]
fn each_side_counts_its_own_requests() {
    let ok = answer("200 OK", "b1", RECORDED);
    let mut caller = Dialog::from_response(&View::parse(ok.as_bytes()).unwrap()).unwrap();
    assert_eq!((caller.created_by(), caller.next_cseq(), caller.next_cseq()), (7, 8, 9));
    caller.has_used(12);
    caller.has_used(4);
    assert_eq!(caller.next_cseq(), 13);
    let text = invite(3, "Contact: <sip:alice@a>\r\n");
    let mut callee = Dialog::from_request(&View::parse(text.as_bytes()).unwrap(), "b9").unwrap();
    assert_eq!(callee.next_cseq(), 1);
}

#[test]
fn what_cannot_be_answered_makes_no_dialog() {
    let no_contact = invite(1, "");
    assert!(Dialog::from_request(&View::parse(no_contact.as_bytes()).unwrap(), "b").is_err());
    let bad = invite(1, "Contact: <sip:a@>\r\nRecord-Route: <sip:p1;lr>\r\n");
    assert!(Dialog::from_request(&View::parse(bad.as_bytes()).unwrap(), "b").is_err());
    let routes = "Record-Route: <sip:p;lr>\r\n".repeat(MAX_ROUTES + 1);
    let many = invite(1, &format!("Contact: <sip:alice@a>\r\n{routes}"));
    assert!(Dialog::from_request(&View::parse(many.as_bytes()).unwrap(), "b").is_err());
}

#[test]
fn a_2xx_without_contact_can_still_be_ended() {
    let ok = answer("200 OK", "b1", "");
    let dialog = Dialog::from_response(&View::parse(ok.as_bytes()).unwrap()).unwrap();
    assert_eq!(dialog.target(), "sip:bob@example.com");
}
