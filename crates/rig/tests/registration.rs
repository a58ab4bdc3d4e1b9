//! Phones register with digest over each transport: RFC 3665 §2.1.

use cordboard_rig::{Account, Capture, Kind, Switchboard, Transport, isolated};

/// Registers one phone and checks that it was challenged first.
fn registers(kind: Kind, transport: Transport) {
    isolated(&[kind.programs(), &["tcpdump", "tshark"]].concat(), |place| {
        let capture = Capture::start(place);
        let switchboard = Switchboard::start(place);
        let mut alice = kind.phone(place, Account::of(&switchboard, 0, transport));
        alice.register();
        let verdict = capture.finish();
        assert!(verdict.challenged("REGISTER"), "nobody was asked for credentials:\n{}", verdict.ladder());
        verdict.expect("alice > alice: REGISTER 200");
    });
}

#[test]
fn baresip_over_udp() {
    registers(Kind::Baresip, Transport::Udp);
}

#[test]
fn baresip_over_tcp() {
    registers(Kind::Baresip, Transport::Tcp);
}

#[test]
fn baresip_over_tls() {
    registers(Kind::Baresip, Transport::Tls);
}

#[test]
fn linphone_over_udp() {
    registers(Kind::Linphone, Transport::Udp);
}

#[test]
fn linphone_over_tcp() {
    registers(Kind::Linphone, Transport::Tcp);
}

#[test]
fn linphone_over_tls() {
    registers(Kind::Linphone, Transport::Tls);
}
