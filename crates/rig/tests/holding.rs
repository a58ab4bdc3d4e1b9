//! A call, hold and resume (RFC 5359 §2.1), by either side, over each transport.

use cordboard_rig::Kind::{self, Baresip, Linphone};
use cordboard_rig::Phone;
use cordboard_rig::Transport::{self, Tcp, Tls, Udp};
use cordboard_rig::stage::{call, is_held_by, talking, with_phones};

/// Alice calls bob, holds and resumes; then bob holds and resumes; then alice hangs up.
fn calls_holds_resumes(alice: (Kind, Transport), bob: (Kind, Transport)) {
    with_phones(&[alice, bob], |mut stage| {
        let [alice, bob] = stage.two();
        call(alice, bob);
        holds(alice, bob);
        holds(bob, alice);
        alice.hang_up();
        bob.wait_idle();
        stage.verdict().expect(
            "alice > alice: REGISTER 200
             bob > bob: REGISTER 200
             alice > bob: INVITE 180 200, INVITE 200, INVITE 200, BYE 200
             bob > alice: INVITE 200, INVITE 200",
        );
    });
}

/// `holder` holds and resumes the call with `held`.
fn holds(holder: &mut dyn Phone, held: &mut dyn Phone) {
    holder.hold();
    held.wait_held();
    is_held_by(held, holder);
    holder.resume();
    held.wait_resumed();
    talking(holder, held);
}

#[test]
fn baresip_calls_baresip_over_udp() {
    calls_holds_resumes((Baresip, Udp), (Baresip, Udp));
}

#[test]
fn baresip_calls_linphone_over_udp() {
    calls_holds_resumes((Baresip, Udp), (Linphone, Udp));
}

#[test]
fn linphone_calls_baresip_over_udp() {
    calls_holds_resumes((Linphone, Udp), (Baresip, Udp));
}

#[test]
fn linphone_calls_linphone_over_udp() {
    calls_holds_resumes((Linphone, Udp), (Linphone, Udp));
}

#[test]
fn baresip_calls_baresip_over_tcp() {
    calls_holds_resumes((Baresip, Tcp), (Baresip, Tcp));
}

#[test]
fn baresip_calls_linphone_over_tcp() {
    calls_holds_resumes((Baresip, Tcp), (Linphone, Tcp));
}

#[test]
fn linphone_calls_baresip_over_tcp() {
    calls_holds_resumes((Linphone, Tcp), (Baresip, Tcp));
}

#[test]
fn linphone_calls_linphone_over_tcp() {
    calls_holds_resumes((Linphone, Tcp), (Linphone, Tcp));
}

#[test]
fn baresip_calls_baresip_over_tls() {
    calls_holds_resumes((Baresip, Tls), (Baresip, Tls));
}

#[test]
fn baresip_calls_linphone_over_tls() {
    calls_holds_resumes((Baresip, Tls), (Linphone, Tls));
}

#[test]
fn linphone_calls_baresip_over_tls() {
    calls_holds_resumes((Linphone, Tls), (Baresip, Tls));
}

#[test]
fn linphone_calls_linphone_over_tls() {
    calls_holds_resumes((Linphone, Tls), (Linphone, Tls));
}

#[test]
fn baresip_over_udp_calls_linphone_over_tls() {
    calls_holds_resumes((Baresip, Udp), (Linphone, Tls));
}

#[test]
fn linphone_over_tcp_calls_baresip_over_tls() {
    calls_holds_resumes((Linphone, Tcp), (Baresip, Tls));
}
