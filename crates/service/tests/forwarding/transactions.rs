//! Time and repetition: Timer C, silence, repeats and overload.

use crate::stage::{Sent, ack, at, invite, open, reply, request, secs, stage, statuses, udp};
use cordboard_core::dns::Records;
use cordboard_service::location::Target;
use std::time::Duration;

#[test]
fn a_hundred_follows_when_nothing_was_said_for_200_ms() {
    let mut stage = open();
    let sent = stage.one(udp(10), &invite(""));
    assert!(stage.wait(Duration::from_millis(199)).is_empty());
    let trying = stage.wait(Duration::from_millis(1));
    assert_eq!(statuses(&trying), [100]);
    assert!(!trying[0].one("To").contains("tag="));
    assert_eq!(trying[0].flow, udp(10));
    let ringing = stage.one(udp(20), &reply(&sent, 180, ""));
    assert_eq!(ringing.status(), 180);
    assert_eq!(ringing.all("Via").len(), 1);
}

#[test]
fn no_hundred_where_something_was_said() {
    let mut stage = open();
    let sent = stage.one(udp(10), &invite(""));
    stage.pass(udp(20), &reply(&sent, 180, ""));
    assert!(stage.wait(secs(1)).is_empty());
    assert!(stage.pass(udp(20), &reply(&sent, 100, "")).is_empty(), "a 100 is for us alone");
}

#[test]
fn repeats_are_absorbed() {
    let mut stage = open();
    let text = invite("");
    let sent = stage.one(udp(10), &text);
    assert!(stage.pass(udp(10), &text).is_empty(), "nothing was said yet");
    stage.pass(udp(20), &reply(&sent, 180, ""));
    assert_eq!(statuses(&stage.pass(udp(10), &text)), [180], "the last answer again");
    let busy = stage.pass(udp(20), &reply(&sent, 486, ""));
    assert_eq!(busy.iter().filter(|sent| sent.is("ACK")).count(), 1);
    let again = stage.pass(udp(20), &reply(&sent, 486, ""));
    assert!(again.len() == 1 && again[0].is("ACK"), "a repeated failure gets its ACK and goes no further");
    assert_eq!(statuses(&stage.pass(udp(10), &text)), [486]);
    let busy = busy.iter().find(|sent| sent.status() == 486).expect("it");
    assert!(stage.pass(udp(10), &ack(&text, busy)).is_empty(), "the ACK ends here");
    assert!(stage.wait(secs(1)).is_empty(), "and with it the repeating");
    stage.assert_ends_idle();
}

/// RFC 3261 §17.2.3: whose branch lacks the cookie is found by what its requests share.
#[test]
fn a_phone_of_rfc_2543_is_understood() {
    for branch in ["", ";branch=1"] {
        let mut stage = open();
        let text = invite(&format!("Via: SIP/2.0/UDP 192.0.2.10:5060{branch}\r\n"));
        let sent = stage.one(udp(10), &text);
        assert!(sent.is("INVITE"));
        stage.pass(udp(20), &reply(&sent, 180, ""));
        assert_eq!(statuses(&stage.pass(udp(10), &text)), [180], "it is the same transaction");
        let cancelled = stage.pass(udp(10), &crate::stage::cancel(&text));
        assert!(cancelled.iter().any(|sent| sent.status() == 200 && sent.flow == udp(10)), "{cancelled:?}");
        assert!(cancelled.iter().any(|sent| sent.is("CANCEL") && sent.flow == udp(20)), "{cancelled:?}");
        let over = stage.pass(udp(20), &reply(&sent, 487, ""));
        let over = over.iter().find(|sent| sent.status() == 487).expect("the end");
        assert!(stage.pass(udp(10), &ack(&text, over)).is_empty(), "the ACK ends here");
        let later = stage.wait(secs(1));
        assert!(later.iter().all(|sent| sent.flow != udp(10)), "and with it the repeating: {later:?}");
        stage.assert_ends_idle();
    }
}

#[test]
fn the_request_is_repeated_until_something_comes() {
    let mut stage = open();
    let sent = stage.one(udp(10), &invite(""));
    let again: Vec<Sent> = stage.wait(secs(4)).into_iter().filter(|sent| sent.is("INVITE")).collect();
    assert_eq!(again.len(), 3, "after 0.5, 1.5 and 3.5 s");
    assert!(again.iter().all(|again| again.text == sent.text && again.flow == udp(20)));
    stage.pass(udp(20), &reply(&sent, 100, ""));
    assert!(stage.wait(secs(30)).iter().all(|sent| !sent.is("INVITE")));
}

#[test]
fn silence_is_a_408() {
    let mut stage = open();
    let text = invite("");
    stage.one(udp(10), &text);
    let back = stage.wait(secs(33));
    let failed = back.iter().find(|sent| sent.status() == 408).expect("a 408");
    assert_eq!(failed.flow, udp(10));
    stage.pass(udp(10), &ack(&text, failed));
    stage.assert_ends_idle();
}

#[test]
fn timer_c_ends_endless_ringing() {
    let mut stage = open();
    let sent = stage.one(udp(10), &invite(""));
    stage.pass(udp(20), &reply(&sent, 180, ""));
    assert!(stage.wait(secs(170)).is_empty());
    stage.pass(udp(20), &reply(&sent, 180, ""));
    assert!(stage.wait(secs(170)).is_empty(), "every provisional response but 100 starts it again");
    stage.pass(udp(20), &reply(&sent, 100, ""));
    let due = stage.wait(secs(12));
    assert!(due.iter().any(|sent| sent.is("CANCEL") && sent.flow == udp(20)), "{due:#?}");
    let back = stage.pass(udp(20), &reply(&sent, 487, ""));
    assert!(back.iter().any(|sent| sent.status() == 408 && sent.flow == udp(10)), "{back:#?}");
    stage.assert_ends_idle();
}

/// RFC 4320 §4.1 and §4.2.
#[test]
fn other_methods_hear_no_408_and_nothing_provisional_but_100() {
    for answered in [false, true] {
        let mut stage = open();
        let sent = stage.one(udp(10), &request("MESSAGE", "sip:bob@example.test", ""));
        assert!(stage.pass(udp(20), &reply(&sent, 183, "")).is_empty());
        let early = stage.wait(Duration::from_millis(3400));
        assert!(early.iter().all(|sent| sent.status() == 0), "{early:#?}");
        let owed = stage.wait(Duration::from_millis(200));
        assert_eq!(owed.iter().filter(|sent| sent.status() == 100 && sent.flow == udp(10)).count(), 1);
        if answered {
            assert!(stage.pass(udp(20), &reply(&sent, 408, "")).is_empty());
        }
        assert!(stage.wait(secs(40)).iter().all(|sent| sent.status() == 0));
        stage.assert_ends_idle();
    }
}

/// More lookups at a time than we can remember: that is overload of our own, not of a next hop.
#[test]
fn overload_is_answered_503_with_retry_after() {
    let mut stage = open();
    stage.silent = true;
    let text = |n: u32| {
        let more = format!("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKo{n}\r\nCall-ID: o{n}\r\n");
        request("MESSAGE", "sip:bob@example.test", &more)
    };
    let mut n = 0;
    let busy = loop {
        let sent = stage.pass(udp(10), &text(n));
        stage.asked.clear();
        if let Some(sent) = sent.into_iter().next() {
            break sent;
        }
        n += 1;
        assert!(n <= 200_000, "it ends somewhere");
    };
    assert_eq!(busy.status(), 503);
    assert!(busy.one("Retry-After").parse::<u32>().expect("seconds") > 0);
}

#[test]
fn a_server_that_has_no_time_is_passed_over_for_the_next() {
    for cancelled in [false, true] {
        let mut stage = open();
        let path = vec!["<sip:edge.example:5060;transport=udp;lr>".into()];
        stage.bob(vec![Target { path, ..at("bob", 20) }]);
        let text = invite("");
        assert!(stage.pass(udp(10), &text).is_empty());
        let addresses = ["192.0.2.31", "192.0.2.32"].map(|ip| ip.parse().expect("an address"));
        let sent = stage.resolved(Records::Addresses(addresses.to_vec()));
        assert_eq!(sent.len(), 1);
        let first = sent[0].clone();
        if cancelled {
            stage.pass(udp(10), &crate::stage::cancel(&text));
        }
        let after = stage.pass(first.flow, &reply(&first, 503, ""));
        let moved = after.iter().any(|sent| sent.is("INVITE") && sent.flow != first.flow);
        assert_eq!(moved, !cancelled, "{after:#?}");
    }
}

#[test]
fn a_request_may_be_answered_by_a_redirect() {
    let mut stage = stage(|settings| {
        settings.auth.calls = false;
        settings.role = cordboard_service::settings::Role::Switchboard(
            cordboard_service::settings::Switchboard::Redirects,
        );
    });
    stage.bob(vec![at("bob", 20), at("bob", 21)]);
    let sent = stage.one(udp(10), &invite(""));
    assert_eq!(sent.status(), 302);
    assert_eq!(sent.all("Contact"), ["<sip:bob@192.0.2.20:5060>", "<sip:bob@192.0.2.21:5060>"]);
}
