//! `cordboard phone` and phones that others made: calls both ways over each transport with hold by either side, and
//! transfers with either kind in each role, at the switchboard and without one. Tones prove who hears whom.

use cordboard_rig::Kind::{self, Baresip, Cordboard, Linphone};
use cordboard_rig::Phone;
use cordboard_rig::Transport::{self, Tcp, Tls, Udp};
use cordboard_rig::Way;
use cordboard_rig::stage::{
    Stage, call, is_held_by, talking, talking_without, with_phones, with_phones_alone,
};

/// `caller` calls, `holder` holds and resumes, `caller` hangs up.
fn calls(caller: &mut dyn Phone, called: &mut dyn Phone) {
    call(caller, called);
    for caller_holds in [true, false] {
        let (holder, held): (&mut dyn Phone, &mut dyn Phone) =
            if caller_holds { (&mut *caller, &mut *called) } else { (&mut *called, &mut *caller) };
        holder.hold();
        held.wait_held();
        is_held_by(held, holder);
        holder.resume();
        held.wait_resumed();
        talking(holder, held);
    }
    caller.hang_up();
    called.wait_idle();
}

/// Alice's is ours; she calls bob and carol, and both call her.
fn call_each_other(transport: Transport) {
    with_phones(&[(Cordboard, transport), (Baresip, transport), (Linphone, transport)], |mut stage| {
        let [alice, bob, carol] = stage.three();
        calls(alice, bob);
        calls(bob, alice);
        calls(alice, carol);
        calls(carol, alice);
        stage.verdict().expect(
            "alice > alice: REGISTER 200
             bob > bob: REGISTER 200
             carol > carol: REGISTER 200
             alice > bob: INVITE 180 200, INVITE 200, INVITE 200, BYE 200, INVITE 200, INVITE 200
             bob > alice: INVITE 200, INVITE 200, INVITE 180 200, INVITE 200, INVITE 200, BYE 200
             alice > carol: INVITE 180 200, INVITE 200, INVITE 200, BYE 200, INVITE 200, INVITE 200
             carol > alice: INVITE 200, INVITE 200, INVITE 180 200, INVITE 200, INVITE 200, BYE 200",
        );
    });
}

#[test]
fn calls_over_udp() {
    call_each_other(Udp);
}

#[test]
fn calls_over_tcp() {
    call_each_other(Tcp);
}

#[test]
fn calls_over_tls() {
    call_each_other(Tls);
}

/// Alice calls bob, bob holds her and sends her to carol; then alice and carol talk, and bob is out of it.
fn sends_away(stage: &mut Stage) {
    let [alice, bob, carol] = stage.three();
    call(alice, bob);
    bob.hold();
    alice.wait_held();
    is_held_by(alice, bob);
    bob.transfer_unattended(&carol.account().uri());
    carol.wait_established();
    alice.wait_established();
    talking_without(alice, carol, bob);
    alice.hang_up();
    carol.wait_idle();
}

/// The same, but bob asks carol first.
fn asks_and_joins(stage: &mut Stage) {
    let [alice, bob, carol] = stage.three();
    call(alice, bob);
    bob.hold();
    alice.wait_held();
    is_held_by(alice, bob);
    call(bob, carol);
    bob.transfer_attended();
    carol.wait_established();
    alice.wait_established();
    talking_without(alice, carol, bob);
    alice.hang_up();
    carol.wait_idle();
}

/// linphone holds the transferor while it tries the target.
fn holds(transferee: Kind) -> &'static str {
    if transferee == Linphone { ", INVITE 200" } else { "" }
}

const REGISTERED: &str =
    "alice > alice: REGISTER 200\nbob > bob: REGISTER 200\ncarol > carol: REGISTER 200\n";

fn unattended([transferee, _, _]: [Kind; 3], _: Way) -> String {
    let holds = holds(transferee);
    format!(
        "alice > bob: INVITE 180 200{holds}, NOTIFY 200, NOTIFY 200
         bob > alice: INVITE 200, REFER 202, BYE 200
         alice > carol: INVITE 180 200, BYE 200"
    )
}

fn attended([transferee, transferor, target]: [Kind; 3], way: Way) -> String {
    let holds = holds(transferee);
    // The Contact of a linphone without a registrar names nobody, and is what we hand out.
    let carol = if (way, transferor, target) == (Way::Direct, Cordboard, Linphone) { "" } else { "carol" };
    format!(
        "alice > bob: INVITE 180 200{holds}, NOTIFY 200, NOTIFY 200
         bob > alice: INVITE 200, REFER 202, BYE 200
         bob > carol: INVITE 180 200
         carol > bob: BYE 200
         alice > {carol}: INVITE 180? 200, BYE 200"
    )
}

/// What passes on the wire.
type Expected = fn([Kind; 3], Way) -> String;

/// Which phone is whose: the transferee's, the transferor's, the target's.
fn at_the_switchboard(phones: [Kind; 3], play: fn(&mut Stage), expected: Expected) {
    with_phones(&phones.map(|kind| (kind, Udp)), |mut stage| {
        play(&mut stage);
        stage.verdict().expect(&format!("{REGISTERED}{}", expected(phones, Way::Registered)));
    });
}

fn alone(phones: [Kind; 3], play: fn(&mut Stage), expected: Expected) {
    with_phones_alone(&phones, |mut stage| {
        play(&mut stage);
        stage.verdict().expect(&expected(phones, Way::Direct));
    });
}

/// A test at the switchboard and one without, for each mixture of the transferee's, the transferor's and the target's phone.
macro_rules! transfers {
    ($play:ident, $expected:ident: $($name:ident($transferee:ident, $transferor:ident, $target:ident),)*) => {
        mod $expected {
            use super::*;
            mod at_the_switchboard {
                use super::*;
                $(#[test]
                fn $name() {
                    super::super::at_the_switchboard([$transferee, $transferor, $target], $play, $expected);
                })*
            }
            mod alone {
                use super::*;
                $(#[test]
                fn $name() {
                    super::super::alone([$transferee, $transferor, $target], $play, $expected);
                })*
            }
        }
    };
}

transfers! { sends_away, unattended:
    baresip_is_handed_over(Baresip, Cordboard, Cordboard),
    linphone_is_handed_over(Linphone, Cordboard, Cordboard),
    baresip_hands_over(Cordboard, Baresip, Cordboard),
    linphone_hands_over(Cordboard, Linphone, Cordboard),
    baresip_is_the_target(Cordboard, Cordboard, Baresip),
    linphone_is_the_target(Cordboard, Cordboard, Linphone),
    baresip_is_handed_over_to_linphone(Baresip, Cordboard, Linphone),
    linphone_is_handed_over_to_baresip(Linphone, Cordboard, Baresip),
    baresip_hands_over_to_linphone(Cordboard, Baresip, Linphone),
    linphone_hands_over_to_baresip(Cordboard, Linphone, Baresip),
    baresip_is_handed_over_by_linphone(Baresip, Linphone, Cordboard),
    linphone_is_handed_over_by_baresip(Linphone, Baresip, Cordboard),
    baresip_is_handed_over_to_baresip(Baresip, Cordboard, Baresip),
    linphone_is_handed_over_to_linphone(Linphone, Cordboard, Linphone),
    baresip_hands_over_to_baresip(Cordboard, Baresip, Baresip),
    linphone_hands_over_to_linphone(Cordboard, Linphone, Linphone),
    baresip_is_handed_over_by_baresip(Baresip, Baresip, Cordboard),
    linphone_is_handed_over_by_linphone(Linphone, Linphone, Cordboard),
}

transfers! { asks_and_joins, attended:
    linphone_is_handed_over(Linphone, Cordboard, Cordboard),
    linphone_hands_over(Cordboard, Linphone, Cordboard),
    linphone_is_the_target(Cordboard, Cordboard, Linphone),
    linphone_is_handed_over_to_linphone(Linphone, Cordboard, Linphone),
    linphone_hands_over_to_linphone(Cordboard, Linphone, Linphone),
    linphone_is_handed_over_by_linphone(Linphone, Linphone, Cordboard),
}
