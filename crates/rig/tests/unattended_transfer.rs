//! Unattended transfer (RFC 5359 §2.4): every mixture of phones in the three roles, and every transport.

use cordboard_rig::Kind::{self, Baresip, Linphone};
use cordboard_rig::Transport::{self, Tcp, Tls, Udp};
use cordboard_rig::stage::{call, is_held_by, talking_without, with_phones};

/// Alice calls bob, bob holds her and sends her to carol; then alice and carol talk, and bob is out of it.
fn transfers(transferee: (Kind, Transport), transferor: (Kind, Transport), target: (Kind, Transport)) {
    with_phones(&[transferee, transferor, target], |mut stage| {
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
        // linphone holds the transferor while it tries the target.
        let holds = if transferee.0 == Linphone { ", INVITE 200" } else { "" };
        stage.verdict().expect(&format!(
            "alice > alice: REGISTER 200
             bob > bob: REGISTER 200
             carol > carol: REGISTER 200
             alice > bob: INVITE 180 200{holds}, NOTIFY 200, NOTIFY 200
             bob > alice: INVITE 200, REFER 202, BYE 200
             alice > carol: INVITE 180 200, BYE 200",
        ));
    });
}

#[test]
fn baresip_sends_baresip_to_baresip_over_udp() {
    transfers((Baresip, Udp), (Baresip, Udp), (Baresip, Udp));
}

#[test]
fn baresip_sends_baresip_to_linphone_over_udp() {
    transfers((Baresip, Udp), (Baresip, Udp), (Linphone, Udp));
}

#[test]
fn linphone_sends_baresip_to_baresip_over_udp() {
    transfers((Baresip, Udp), (Linphone, Udp), (Baresip, Udp));
}

#[test]
fn linphone_sends_baresip_to_linphone_over_udp() {
    transfers((Baresip, Udp), (Linphone, Udp), (Linphone, Udp));
}

#[test]
fn baresip_sends_linphone_to_baresip_over_udp() {
    transfers((Linphone, Udp), (Baresip, Udp), (Baresip, Udp));
}

#[test]
fn baresip_sends_linphone_to_linphone_over_udp() {
    transfers((Linphone, Udp), (Baresip, Udp), (Linphone, Udp));
}

#[test]
fn linphone_sends_linphone_to_baresip_over_udp() {
    transfers((Linphone, Udp), (Linphone, Udp), (Baresip, Udp));
}

#[test]
fn linphone_sends_linphone_to_linphone_over_udp() {
    transfers((Linphone, Udp), (Linphone, Udp), (Linphone, Udp));
}

#[test]
fn baresip_sends_baresip_to_linphone_over_tcp() {
    transfers((Baresip, Tcp), (Baresip, Tcp), (Linphone, Tcp));
}

#[test]
fn linphone_sends_baresip_to_baresip_over_tcp() {
    transfers((Baresip, Tcp), (Linphone, Tcp), (Baresip, Tcp));
}

#[test]
fn baresip_sends_linphone_to_linphone_over_tcp() {
    transfers((Linphone, Tcp), (Baresip, Tcp), (Linphone, Tcp));
}

#[test]
fn linphone_sends_linphone_to_baresip_over_tcp() {
    transfers((Linphone, Tcp), (Linphone, Tcp), (Baresip, Tcp));
}

#[test]
fn baresip_sends_baresip_to_linphone_over_tls() {
    transfers((Baresip, Tls), (Baresip, Tls), (Linphone, Tls));
}

#[test]
fn linphone_sends_baresip_to_baresip_over_tls() {
    transfers((Baresip, Tls), (Linphone, Tls), (Baresip, Tls));
}

#[test]
fn baresip_sends_linphone_to_linphone_over_tls() {
    transfers((Linphone, Tls), (Baresip, Tls), (Linphone, Tls));
}

#[test]
fn linphone_sends_linphone_to_baresip_over_tls() {
    transfers((Linphone, Tls), (Linphone, Tls), (Baresip, Tls));
}

#[test]
fn linphone_sends_baresip_to_baresip_over_tls_udp_and_tcp() {
    transfers((Baresip, Tls), (Linphone, Udp), (Baresip, Tcp));
}
