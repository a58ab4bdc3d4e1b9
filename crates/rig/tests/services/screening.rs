//! Screening (RFC 5359 §2.13, §2.14): who is refused with 403, and is told what to listen to; and who gets through.

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Rings;
use cordboard_rig::house::with_house;

use super::{ALICE, BOB, CAROL, NAMES, REGISTERED, answers, answers_sipp, is_heard};

/// What the callers are told to listen to.
const ANNOUNCEMENTS: &str = "
[announcements]
screened_in = \"sip:not-wanted@example.test\"
screened_out = \"sip:not-allowed@example.test\"
";

/// A call that is refused, with what is said of why.
fn is_refused(dialog: &str, announcement: &str) -> String {
    format!(
        "
        {dialog} > INVITE sdp auth=407
        {dialog} < 100? 403
            Error-Info: <sip:{announcement}@example.test>
        {dialog} > ACK"
    )
}

/// Each make of phone refuses, is refused, and lets others in.
#[test]
fn callers_are_refused_by_name() {
    with_house(ANNOUNCEMENTS, &[(Linphone, Rings), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        // After a 403 linphone answers no challenge any more: it believes that its password is wrong.
        for [refused, called, welcome] in [[CAROL, ALICE, BOB], [BOB, CAROL, ALICE], [ALICE, BOB, CAROL]] {
            let [name, whom] = [NAMES[refused], NAMES[called]];
            house.ctl(&format!("screen {whom} --deny-from {name} --deny-from sipp"));
            let dialled = house.uri(whom);
            house.phone(refused).dial(&dialled);
            house.phone(refused).wait_refused(403);
            house.sipp("sipp", whom, &is_refused("a", "not-wanted")).expect_success();
            // Had it rung before, this would be the second call.
            house.phone(welcome).dial(&dialled);
            answers(&mut house, welcome, called);
            house.ctl(&format!("screen {whom} --off"));
        }
        let sipp = house.sipp(
            "sipp",
            "bob",
            &("\na > INVITE sdp auth=407\na < 100? 180? 200".to_owned() + &is_heard("a")),
        );
        answers_sipp(&mut house, BOB);
        sipp.expect_success();
        house.verdict().expect(&format!(
            "{REGISTERED}
             carol > alice: INVITE 403
             sipp > alice: INVITE 403
             bob > alice: INVITE 180 200, BYE 200
             bob > carol: INVITE 403
             sipp > carol: INVITE 403
             alice > carol: INVITE 180 200, BYE 200
             alice > bob: INVITE 403
             sipp > bob: INVITE 403, INVITE 180 200
             carol > bob: INVITE 180 200, BYE 200
             bob > sipp: BYE 200"
        ));
    });
}

/// Only bob may call carol, and nobody may call where it costs.
#[test]
fn callers_and_called_are_let_through_by_name() {
    with_house(ANNOUNCEMENTS, &[(Linphone, Rings), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        house.ctl("screen carol --allow-from bob --allow-from alice");
        let dialled = house.uri("carol");
        for welcome in [ALICE, BOB] {
            house.phone(welcome).dial(&dialled);
            answers(&mut house, welcome, CAROL);
        }
        house.sipp("sipp", "carol", &is_refused("a", "not-wanted")).expect_success();
        let dialled = house.uri("+19005550100");
        for user in ["alice", "bob", "carol", "sipp"] {
            house.ctl(&format!("screen {user} --deny-to +1900*"));
        }
        for caller in [ALICE, BOB, CAROL] {
            house.phone(caller).dial(&dialled);
            house.phone(caller).wait_refused(403);
        }
        house.sipp("sipp", "+19005550100", &is_refused("a", "not-allowed")).expect_success();
        house.verdict().expect(&format!(
            "{REGISTERED}
             alice > carol: INVITE 180 200, BYE 200
             bob > carol: INVITE 180 200, BYE 200
             sipp > carol: INVITE 403
             alice > +19005550100: INVITE 403
             bob > +19005550100: INVITE 403
             carol > +19005550100: INVITE 403
             sipp > +19005550100: INVITE 403"
        ));
    });
}
