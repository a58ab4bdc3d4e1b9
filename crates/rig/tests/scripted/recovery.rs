//! Transfers of RFC 5589 that find another way, with `SIPp` as the transferee: it does not know REFER, or is not let in at the
//! target's address.

use cordboard_rig::scene::{Manner, PROGRAMS, Scene};
use cordboard_rig::{Phone, isolated};

use super::hears_sipp;

pub(super) const IS_HELD: &str = "
    a < INVITE
        body: a=sendonly
    a > 200 sdp=recvonly
    a < ACK";

/// Figure 8: the transferee answers the REFER with 501, and so the target is asked to take it over. One `SIPp` has the old call, and
/// where it is called a second one takes the new.
#[test]
fn a_transferee_without_refer_is_called_by_the_target() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers; 2]);
        let called = scene.next_sipp("sipp");
        let taken = scene.sipp(
            "sipp",
            0,
            "
            c < INVITE
                Replaces: ^ *a-?///.*;.*to-tag=a-sipp
            c > 200 sdp
            c < ACK
            c > speaks
            c < BYE
            c > 200",
        );
        taken.wait_listening();
        let old = scene.sipp_known_as(
            &called,
            0,
            &[
                "
                a > INVITE sdp
                    Record-Route: <sip:127.0.0.1:5080;lr>
                a < 100? 180? 200
                a > ACK",
                IS_HELD,
                "
                a < REFER
                    Refer-To: sip:bob@
                a > 501
                a < INFO
                a > 200
                a > BYE
                a < 200",
            ]
            .concat(),
        );
        let [alice, bob] = scene.phones();
        alice.wait_established();
        alice.does(&format!("consult {}", bob.account().uri()));
        bob.wait_established();
        alice.wait_established();
        alice.say("complete");
        let referred = bob.wait_event("referred");
        assert_eq!(referred["to"], called);
        bob.wait("that call 2 is up", |event| event["event"] == "established" && event["call"] == 2);
        // What its other telephone has done its first one learns from its owner.
        old.prompt("a");
        let ending = alice.wait_event("transferred");
        assert_eq!(ending["outcome"], "completed", "{ending}");
        alice.wait_idle();
        hears_sipp(bob);
        bob.hang_up();
        old.expect_success();
        taken.expect_success();
        let complaints = scene.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

/// A NOTIFY of a transferee whose REFER had that number.
pub(super) fn reports(number: &str, state: &str, piece: &str) -> String {
    format!(
        "\na > NOTIFY\nEvent: refer;id={{{number}}}\nSubscription-State: {state}\npiece: SIP/2.0 {piece}\na < 200"
    )
}

/// A REFER to `whom`, accepted; what it asks to replace and its number are kept under names that begin so.
pub(super) fn is_referred(whom: &str, kept: &str) -> String {
    let tag = "([^%;>&]+)";
    format!(
        "
        a < REFER
            CSeq: ([0-9]+) => {kept}number
            Refer-To: <{whom}[^>]*[?&]Replaces={tag}%3Bto-tag%3D{tag}%3Bfrom-tag%3D{tag} => {kept}id {kept}to {kept}from
        a > 202"
    )
}

/// Figure 10: at the target's address the transferee is not let in (403), for there no stranger takes a call over; at its Contact it is.
#[test]
fn a_transferee_is_not_let_in_at_the_address_and_calls_the_contact() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::served(place, &[Manner::Answers; 2]);
        let contact = scene.phone(1).contact();
        let replaces =
            |kept: &str| format!("Replaces: {{{kept}id}};to-tag={{{kept}to}};from-tag={{{kept}from}}");
        let script = [
            "\na > INVITE sdp\na < 100? 180? 200\na > ACK",
            IS_HELD,
            &is_referred("sip:bob@example.test", "first"),
            &reports("firstnumber", "active;expires=60", "100 Trying"),
            "\nc > INVITE sdp to=sip:bob@example.test via=127.0.0.1:5060\n",
            &replaces("first"),
            "\nc < 100? 403\nc > ACK",
            &reports("firstnumber", "terminated;reason=noresource", "403 Forbidden"),
            &is_referred("sip:bob@127.0.0.1:[0-9]+", "second"),
            &reports("secondnumber", "active;expires=60", "100 Trying"),
            &format!("\nd > INVITE sdp to={contact}\n"),
            &replaces("second"),
            "\nd < 100? 200\nd > ACK\nd > speaks",
            &reports("secondnumber", "terminated;reason=noresource", "200 OK"),
            "\na < BYE\na > 200\nd < BYE\nd > 200",
        ]
        .concat();
        let sipp = scene.sipp_beside("sipp", 0, &script);
        let [alice, bob] = scene.phones();
        alice.wait_established();
        alice.does("consult bob");
        bob.wait_established();
        alice.wait_established();
        alice.say("complete");
        let ending = alice.wait_event("transferred");
        assert_eq!(ending["outcome"], "completed", "{ending}");
        let taken = bob.wait_event("taken-over");
        assert_eq!(taken["replaces"], 1);
        alice.wait_idle();
        hears_sipp(bob);
        bob.hang_up();
        sipp.expect_success();
        let complaints = scene.verdict().without_credentials().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}
