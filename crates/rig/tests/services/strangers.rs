//! `SIPp` in each part of the services that are handed over by dialling: who is parked and who dials the slot (RFC 5359 §2.15),
//! who is picked up and who picks up (§2.16).

use cordboard_rig::Kind::{Baresip, Linphone};
use cordboard_rig::Manner::{Answers, Rings};
use cordboard_rig::Sipp;
use cordboard_rig::house::{House, with_house};
use cordboard_rig::stage::call;
use cordboard_rig::tone::TONES;

use super::bridging::{TABLES, is_clean};
use super::parking::is_slot_taken;
use super::{ALICE, BOB};

/// `SIPp` begins a call that a server takes, or whoever that says.
fn calls(dialog: &str, whom: &str) -> String {
    format!("\n{dialog} > INVITE sdp{whom} auth=407\n{dialog} < 100? 180? 180? 200\n{dialog} > ACK")
}

/// In it, it is asked what it can hear, has somebody through the server, speaks with them, and is hung up on.
fn is_bridged(dialog: &str) -> String {
    let steps = ["< INVITE", "> 200 sdp", "< ACK", "> speaks", "< BYE", "> 200"];
    steps.map(|step| format!("\n{dialog} {step}")).concat()
}

/// Somebody hears `SIPp`'s tone and hangs up, and all was as it should be.
#[track_caller]
fn has_sipp(mut house: House<'_>, whose: usize, sipp: Sipp) {
    let phone = house.phone(whose);
    phone.wait_established();
    phone.recording().expect_tone(TONES[2]);
    phone.hang_up();
    sipp.expect_success();
    is_clean(house);
}

/// baresip parks `SIPp`, and linphone dials the slot. `SIPp` registers, for here its address alone is that of the switchboard, too.
#[test]
fn sipp_is_parked() {
    with_house(TABLES, &[(Linphone, Answers), (Baresip, Answers)], |mut house| {
        let script = [
            "
            r > REGISTER auth=401 to=sip:example.test
                Contact: <sip:sipp@127.0.0.1:5200>
            r < 200",
            &*calls("a", ""),
            "
            a < REFER
                CSeq: ([0-9]+) => number
                Refer-To: sip:702@example.test
            a > 202
            a > NOTIFY
                Event: refer;id={number}
                Subscription-State: active;expires=60
                piece: SIP/2.0 100 Trying
            a < 200",
            &*calls("p", " to=sip:702@example.test"),
            "
            a > NOTIFY
                Event: refer;id={number}
                Subscription-State: terminated;reason=noresource
                piece: SIP/2.0 200 OK
            a < 200
            a < BYE
            a > 200",
            &*is_bridged("p"),
        ];
        let sipp = house.sipp("sipp", "bob", &script.concat());
        let slot = house.uri("702");
        let bob = house.phone(BOB);
        bob.wait_established();
        bob.transfer_unattended(&slot);
        is_slot_taken(&house, true);
        house.phone(ALICE).dial(&slot);
        has_sipp(house, ALICE, sipp);
    });
}

/// linphone parks baresip, and `SIPp` dials the slot.
#[test]
fn sipp_dials_the_slot() {
    with_house(TABLES, &[(Linphone, Answers), (Baresip, Answers)], |mut house| {
        let slot = house.uri("702");
        {
            let [alice, bob] = house.phones([ALICE, BOB]);
            call(bob, alice);
            alice.transfer_unattended(&slot);
        }
        is_slot_taken(&house, true);
        let sipp = house.sipp("sipp", "702", &[calls("a", ""), is_bridged("a")].concat());
        has_sipp(house, BOB, sipp);
    });
}

/// `SIPp`'s call rings at linphone's, and baresip takes it by a code.
#[test]
fn sipp_is_picked_up() {
    with_house(TABLES, &[(Linphone, Rings), (Baresip, Rings)], |mut house| {
        let sipp = house.sipp("sipp", "alice", &[calls("a", ""), is_bridged("a")].concat());
        house.phone(ALICE).wait_incoming();
        let code = house.uri("*8");
        house.phone(BOB).dial(&code);
        house.phone(ALICE).wait_idle();
        has_sipp(house, BOB, sipp);
    });
}
