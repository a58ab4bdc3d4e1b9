//! The services of the switchboard for phones that nobody here wrote: linphone and baresip in each part, `SIPp` as a caller of
//! each, and tones that prove who hears whom.

mod among;
mod bridging;
mod codes;
mod finding;
mod forwarding;
mod operating;
mod parking;
mod picking;
mod redialling;
mod rooms;
mod screening;
mod sounding;
mod strangers;
mod table;

use cordboard_rig::house::House;
use cordboard_rig::stage::talking;
use cordboard_rig::tone::TONES;

/// Whose phones they are.
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// What registering them looks like.
const REGISTERED: &str =
    "alice > alice: REGISTER 200\nbob > bob: REGISTER 200\ncarol > carol: REGISTER 200\n";

/// Somebody answers, talks with the caller, and is hung up on.
#[track_caller]
fn answers(house: &mut House<'_>, caller: usize, called: usize) {
    let [caller, called] = house.phones([caller, called]);
    called.answer();
    caller.wait_established();
    talking(caller, called);
    caller.hang_up();
    called.wait_idle();
}

/// What `SIPp` does when a call of its has been answered: it plays a tone until the other side hangs up.
fn is_heard(dialog: &str) -> String {
    format!("\n{dialog} > ACK\n{dialog} > speaks\n{dialog} < BYE\n{dialog} > 200")
}

/// Somebody answers `SIPp`'s call, hears its tone, and hangs up.
#[track_caller]
fn answers_sipp(house: &mut House<'_>, called: usize) {
    let called = house.phone(called);
    called.answer();
    called.recording().expect_tone(TONES[2]);
    called.hang_up();
}
