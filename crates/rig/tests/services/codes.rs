//! Forwarding by dialled codes (RFC 5359 §2.7): linphone and baresip send their calls to each other, and take them back.

use cordboard_rig::Kind::{Baresip, Linphone};
use cordboard_rig::Manner::Rings;
use cordboard_rig::house::{House, with_house};

use super::{ALICE, BOB, NAMES, answers_sipp, is_heard};

const CODES: &str = "
[codes]
forward = \"*72\"
forward_off = \"*73\"
";

/// Somebody dials a code, hears a tone, and is hung up on.
fn dials(house: &mut House<'_>, who: usize, code: &str) {
    let code = house.uri(code);
    let phone = house.phone(who);
    phone.dial(&code);
    phone.wait_established();
    phone.wait_idle();
}

/// Where all calls of somebody go.
fn goes_to(house: &House<'_>, who: usize) -> serde_json::Value {
    house.ctl(&format!("forward {}", NAMES[who]))["rules"]["forward"]["always"].clone()
}

#[test]
fn calls_are_forwarded_and_taken_back() {
    with_house(CODES, &[(Linphone, Rings), (Baresip, Rings)], |mut house| {
        for [owner, other] in [[ALICE, BOB], [BOB, ALICE]] {
            dials(&mut house, owner, &format!("*72{}", NAMES[other]));
            let script = "\na > INVITE sdp auth=407\na < 100? 181? 180? 181? 200".to_owned() + &is_heard("a");
            let sipp = house.sipp("sipp", NAMES[owner], &script);
            answers_sipp(&mut house, other);
            sipp.expect_success();
            assert_eq!(goes_to(&house, owner), NAMES[other]);
            dials(&mut house, owner, "*73");
            assert!(goes_to(&house, owner).is_null());
        }
        let verdict = house.verdict();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}
