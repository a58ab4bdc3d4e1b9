//! Attended transfer (RFC 5359 §2.5) by REFER with Replaces, linphone in all three roles; baresip 1.0.0 has no Replaces.

use cordboard_rig::Kind::Linphone;
use cordboard_rig::Transport::{self, Tcp, Tls, Udp};
use cordboard_rig::stage::{call, is_held_by, talking_without, with_phones};

/// Alice calls bob; bob holds her, asks carol, and joins the two; then alice and carol talk, and bob is out of it.
fn transfers(transports: [Transport; 3]) {
    with_phones(&transports.map(|transport| (Linphone, transport)), |mut stage| {
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
        stage.verdict().expect(
            "alice > alice: REGISTER 200
             bob > bob: REGISTER 200
             carol > carol: REGISTER 200
             alice > bob: INVITE 180 200, INVITE 200, NOTIFY 200, NOTIFY 200
             bob > alice: INVITE 200, REFER 202, BYE 200
             bob > carol: INVITE 180 200
             carol > bob: BYE 200
             alice > carol: INVITE 180 200, BYE 200",
        );
    });
}

#[test]
fn over_udp() {
    transfers([Udp; 3]);
}

#[test]
fn over_tcp() {
    transfers([Tcp; 3]);
}

#[test]
fn over_tls() {
    transfers([Tls; 3]);
}

#[test]
fn over_udp_tcp_and_tls() {
    transfers([Udp, Tcp, Tls]);
}
