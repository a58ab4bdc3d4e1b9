//! `SIPp` in each part of the services that are handed over by dialling: who is parked and who dials the slot (RFC 5359 §2.15),
//! who is picked up and who picks up (§2.16).

use cordboard_rig::Kind::{Baresip, Linphone};
use cordboard_rig::Manner::{Answers, Rings};
use cordboard_rig::house::{House, with_house};
use cordboard_rig::stage::call;
use cordboard_rig::tone::TONES;

use super::parking::is_slot_taken;
use super::{ALICE, BOB};

const TABLES: &str = "
[codes]
pick_up = \"*8\"
[[park]]
name = \"park\"
slots = [\"701-703\"]
";

#[track_caller]
fn is_clean(house: House<'_>) {
    let verdict = house.verdict();
    let complaints = verdict.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
}

/// baresip parks `SIPp`, and linphone dials the slot. `SIPp` registers, for here its address alone is that of the switchboard, too.
#[test]
fn sipp_is_parked() {
    with_house(TABLES, &[(Linphone, Answers), (Baresip, Answers)], |mut house| {
        let sipp = house.sipp(
            "sipp",
            "bob",
            "
            r > REGISTER auth=401 to=sip:example.test
                Contact: <sip:sipp@127.0.0.1:5200>
            r < 200
            a > INVITE sdp auth=407
            a < 100? 180? 200
            a > ACK
            a < REFER
                CSeq: ([0-9]+) => number
                Refer-To: sip:702@example.test
            a > 202
            a > NOTIFY
                Event: refer;id={number}
                Subscription-State: active;expires=60
                piece: SIP/2.0 100 Trying
            a < 200
            p > INVITE sdp to=sip:702@example.test auth=407
            p < 100? 180? 200
            p > ACK
            a > NOTIFY
                Event: refer;id={number}
                Subscription-State: terminated;reason=noresource
                piece: SIP/2.0 200 OK
            a < 200
            a < BYE
            a > 200
            p < INVITE
            p > 200 sdp
            p < ACK
            p > speaks
            p < BYE
            p > 200",
        );
        let slot = house.uri("702");
        let bob = house.phone(BOB);
        bob.wait_established();
        bob.transfer_unattended(&slot);
        is_slot_taken(&house, true);
        let alice = house.phone(ALICE);
        alice.dial(&slot);
        alice.wait_established();
        alice.recording().expect_tone(TONES[2]);
        alice.hang_up();
        sipp.expect_success();
        is_clean(house);
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
        let sipp = house.sipp(
            "sipp",
            "702",
            "
            a > INVITE sdp auth=407
            a < 100? 180? 200
            a > ACK
            a < INVITE
            a > 200 sdp
            a < ACK
            a > speaks
            a < BYE
            a > 200",
        );
        let bob = house.phone(BOB);
        bob.wait_established();
        bob.recording().expect_tone(TONES[2]);
        bob.hang_up();
        sipp.expect_success();
        is_clean(house);
    });
}

/// `SIPp`'s call rings at linphone's, and baresip takes it by a code.
#[test]
fn sipp_is_picked_up() {
    with_house(TABLES, &[(Linphone, Rings), (Baresip, Rings)], |mut house| {
        let sipp = house.sipp(
            "sipp",
            "alice",
            "
            a > INVITE sdp auth=407
            a < 100? 180? 180? 200
            a > ACK
            a < INVITE
            a > 200 sdp
            a < ACK
            a > speaks
            a < BYE
            a > 200",
        );
        house.phone(ALICE).wait_incoming();
        let code = house.uri("*8");
        house.phone(BOB).dial(&code);
        house.phone(ALICE).wait_idle();
        let bob = house.phone(BOB);
        bob.wait_established();
        bob.recording().expect_tone(TONES[2]);
        bob.hang_up();
        sipp.expect_success();
        is_clean(house);
    });
}
