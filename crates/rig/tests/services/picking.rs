//! Pickup (RFC 5359 §2.16): a call that rings at baresip's is taken by linphone, which knows nothing of pickup and dials a code; and
//! linphone, which calls, is taken over by a phone that knows it (RFC 3891).

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Rings;
use cordboard_rig::house::with_house;
use cordboard_rig::stage::talking;

use super::{ALICE, BOB, CAROL};

const CODES: &str = "
[codes]
pick_up = \"*8\"
";

#[test]
fn by_a_dialled_code() {
    with_house(CODES, &[(Linphone, Rings), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        let [at_bob, code] = ["bob", "*8bob"].map(|user| house.uri(user));
        house.phone(CAROL).dial(&at_bob);
        house.phone(BOB).wait_incoming();
        house.phone(ALICE).dial(&code);
        house.phone(BOB).wait_idle();
        let [alice, carol] = house.phones([ALICE, CAROL]);
        carol.wait_established();
        alice.wait_established();
        talking(carol, alice);
        alice.hang_up();
        carol.wait_idle();
        let verdict = house.verdict();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}

/// Ours asks what rings at baresip's, and takes linphone's call by INVITE with Replaces.
#[test]
fn by_replaces() {
    with_house("", &[(Linphone, Rings), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        let at_bob = house.uri("bob");
        house.phone(ALICE).dial(&at_bob);
        house.phone(BOB).wait_incoming();
        house.ours(CAROL).does("pickup bob");
        house.phone(ALICE).answer();
        house.phone(BOB).wait_idle();
        let [alice, carol] = house.phones([ALICE, CAROL]);
        carol.wait_established();
        talking(alice, carol);
        carol.hang_up();
        alice.wait_idle();
        let verdict = house.verdict();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}
