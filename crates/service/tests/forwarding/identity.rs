//! Who calls: digest for calls, From, P-Asserted-Identity and whose credentials go on.

use crate::stage::{Sent, Stage, build, credentials, from, guarded, invite, open, stage, udp};

fn as_alice(more: &str) -> String {
    build("UDP 192.0.2.10:5060", "sip:alice@example.test", 10, "INVITE", "sip:bob@example.test", more)
}

/// Alice's INVITE after its challenge, with `more` in it, claiming to come from `caller`.
fn answered(stage: &mut Stage, caller: &str, user: &str, more: &str) -> Vec<Sent> {
    let challenged = stage.one(udp(10), &as_alice("Call-ID: first\r\n"));
    assert_eq!(challenged.status(), 407);
    let credentials =
        credentials(challenged.all("Proxy-Authenticate")[0], user, "INVITE", "sip:bob@example.test", 1);
    let more = format!("{more}Proxy-Authorization: {credentials}\r\n");
    let text = build("UDP 192.0.2.10:5060", caller, 10, "INVITE", "sip:bob@example.test", &more);
    stage.pass(udp(10), &text)
}

#[test]
fn from_must_be_the_user_who_proved_it() {
    for (caller, user, status) in [
        ("sip:alice@example.test", "alice", 0),
        ("sip:%61lice@example.test", "alice", 0),
        ("sip:alice@EXAMPLE.test:5060", "alice", 0),
        ("sip:bob@example.test", "alice", 403),
        ("sip:Alice@example.test", "alice", 403),
        ("sip:example.test", "alice", 403),
    ] {
        let sent = answered(&mut guarded(), caller, user, "");
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].status(), status, "{caller} by {user}");
    }
}

#[test]
fn who_was_proved_is_asserted() {
    for (more, asserted) in [
        ("", &["<sip:alice@example.test>"][..]),
        ("P-Asserted-Identity: <sip:king@example.test>\r\n", &["<sip:alice@example.test>"]),
        ("Privacy: none\r\n", &["<sip:alice@example.test>"]),
        ("Privacy: id\r\n", &[]),
        ("Privacy: header; ID\r\nP-Asserted-Identity: <sip:king@example.test>\r\n", &[]),
    ] {
        let sent = answered(&mut guarded(), "sip:alice@example.test", "alice", more);
        assert_eq!(sent[0].all("P-Asserted-Identity"), asserted, "{more}");
    }
}

#[test]
fn a_stranger_asserts_nothing() {
    let claim = "P-Asserted-Identity: <sip:king@example.test>, <tel:+1>\r\nP-Preferred-Identity: <sip:q@example.test>\r\n";
    let sent = open().one(udp(10), &invite(claim));
    assert!(sent.all("P-Asserted-Identity").is_empty());
    assert!(sent.all("P-Preferred-Identity").is_empty(), "RFC 3325 §6");
}

#[test]
fn a_trusted_neighbour_may_assert() {
    for (privacy, kept) in [("", 1), ("Privacy: id\r\n", 0)] {
        let mut stage = stage(|settings| settings.neighbours.push(udp(10).remote.ip()));
        let claim = format!("P-Asserted-Identity: <sip:king@elsewhere.test>\r\n{privacy}");
        assert_eq!(stage.one(udp(10), &invite(&claim)).all("P-Asserted-Identity").len(), kept);
        assert!(
            stage
                .one(udp(66), &from(66, "INVITE", "sip:bob@example.test", &claim))
                .all("P-Asserted-Identity")
                .is_empty()
        );
    }
}

#[test]
fn a_phone_that_answers_asserts_nothing_either() {
    let mut stage = open();
    let sent = stage.one(udp(10), &invite(""));
    let back = stage
        .one(udp(20), &crate::stage::reply(&sent, 180, "P-Asserted-Identity: <sip:king@example.test>\r\n"));
    assert!(back.all("P-Asserted-Identity").is_empty());
}

#[test]
fn credentials_for_us_end_here_and_others_go_on() {
    let other = "Digest username=\"a\", realm=\"other.test\", nonce=\"1\", uri=\"sip:x\", response=\"00000000000000000000000000000000\"";
    for spelled in ["realm=\"example.test\"", "realm = \"example.test\"", "Realm=\"example.test\""] {
        let ours = other.replace("realm=\"other.test\"", spelled);
        let sent = open().one(
            udp(10),
            &invite(&format!("Proxy-Authorization: {other}\r\nProxy-Authorization: {ours}\r\n")),
        );
        assert_eq!(sent.all("Proxy-Authorization"), [other], "{spelled}");
    }
    let sent = &answered(
        &mut guarded(),
        "sip:alice@example.test",
        "alice",
        &format!("Proxy-Authorization: {other}\r\n"),
    )[0];
    assert_eq!(sent.all("Proxy-Authorization"), [other]);
}
