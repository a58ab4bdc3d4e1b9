//! Client certificates where a group asks for them: RFC 5922 §7.4 to §7.6, RFC 3261 §23.1.

use crate::stage::{
    Sent, Stage, at, build, credentials, directory, flow, found, guarded, open, reply, request, secs, stage,
    udp,
};
use cordboard_core::transport::{Flow, FlowError, Transport};
use cordboard_service::directory::Group;
use cordboard_service::door::{Command, CommandId, Input, PeerIdentity};
use cordboard_service::location::{Aor, Located, Target};
use std::sync::Arc;

fn user(aor: &str) -> PeerIdentity {
    PeerIdentity::User(Aor(aor.into()))
}

fn domain(name: &str) -> PeerIdentity {
    PeerIdentity::Domain(name.into())
}

/// Alice is a doctor, and doctors need a certificate; bob is in a group that asks for nothing.
fn with_doctors(mut stage: Stage) -> Stage {
    let mut directory = directory();
    for (name, groups) in [("alice", &["sales", "doctors"][..]), ("bob", &["sales"])] {
        let user = directory.users.get_mut(name).expect("a user");
        user.groups = groups.iter().map(|group| Box::from(*group)).collect();
    }
    directory.groups.insert("doctors".into(), Group { client_certificate: true });
    directory.groups.insert("sales".into(), Group::default());
    let command = Command::UseDirectory(Arc::new(directory));
    stage.agent.handle(stage.now, Input::Command(CommandId(1), command));
    stage
}

/// A connection by TLS from 192.0.2.`host`, whose certificate proves this.
fn connected(stage: &mut Stage, host: u8, proves: &[PeerIdentity]) -> Flow {
    let tls = flow(Transport::Tls, host);
    if !proves.is_empty() {
        stage.agent.handle(stage.now, Input::FlowOpened(tls, proves.into()));
    }
    tls
}

/// The same request, again with the right password when that is asked for.
fn tries(stage: &mut Stage, over: Flow, who: &str, caller: &str, method: &str, to: &str) -> Sent {
    let uri = if method == "REGISTER" { "sip:example.test" } else { to };
    stage.wait(secs(1));
    let n = stage.now.as_micros();
    let text = |n: u64, more: &str| {
        let head = format!(
            "Via: SIP/2.0/{} 192.0.2.10;branch=z9hG4bK{n}\r\nCSeq: {n} {method}\r\nTo: <{to}>\r\n{more}",
            over.transport
        );
        build("", caller, 10, method, uri, &head)
    };
    let first = stage.one(over, &text(n, ""));
    let (challenge, answer) = match first.status() {
        401 => ("WWW-Authenticate", "Authorization"),
        407 => ("Proxy-Authenticate", "Proxy-Authorization"),
        _ => return first,
    };
    let proof = credentials(first.all(challenge)[0], who, method, uri, 1);
    stage.one(over, &text(n + 1, &format!("{answer}: {proof}\r\n")))
}

fn registers(stage: &mut Stage, over: Flow, who: &str) -> Sent {
    let address = format!("sip:{who}@example.test");
    tries(stage, over, who, &address, "REGISTER", &address)
}

fn calls(stage: &mut Stage, over: Flow, who: &str, caller: &str) -> Sent {
    tries(stage, over, who, caller, "INVITE", "sip:bob@example.test")
}

#[track_caller]
fn assert_refused(sent: &Sent) {
    assert_eq!(sent.status(), 403, "{sent:?}");
    let warning = sent.one("Warning");
    assert!(warning.starts_with("399 example.test \""), "{warning}");
    assert!(warning.contains("client certificate"), "{warning}");
}

#[test]
fn a_certificate_must_name_the_user_or_the_domain() {
    for (proves, enough) in [
        (&[][..], false),
        (&[user("alice@example.test")], true),
        (&[domain("example.test")], true),
        (&[user("bob@example.test"), user("alice@example.test")], true),
        (&[user("bob@example.test")], false),
        (&[user("Alice@example.test")], false),
        (&[user("alice@elsewhere.test")], false),
        (&[domain("elsewhere.test")], false),
        (&[domain("sub.example.test"), domain("*.example.test"), domain("test")], false),
        // What names a user is no domain, and what is a domain names no user.
        (&[domain("alice@example.test")], false),
        (&[user("example.test@example.test")], false),
    ] {
        let mut stage = with_doctors(guarded());
        let tls = connected(&mut stage, 10, proves);
        let registered = registers(&mut stage, tls, "alice");
        let called = calls(&mut stage, tls, "alice", "sip:alice@example.test");
        if enough {
            assert_eq!(registered.status(), 200, "{proves:?}");
            assert!(called.is("INVITE"), "{proves:?}: {called:?}");
        } else {
            assert_refused(&registered);
            assert_refused(&called);
        }
    }
}

#[test]
fn a_certificate_does_not_replace_the_password() {
    let mut stage = with_doctors(guarded());
    let tls = connected(&mut stage, 10, &[user("alice@example.test")]);
    let register = "To: <sip:alice@example.test>\r\nCall-ID: r\r\n";
    assert_eq!(stage.one(tls, &request("REGISTER", "sip:example.test", register)).status(), 401);
    let invite =
        |more| build("TLS 192.0.2.10", "sip:alice@example.test", 10, "INVITE", "sip:bob@example.test", more);
    assert_eq!(stage.one(tls, &invite("Call-ID: i\r\n")).status(), 407);
    // Nor does anybody without the password learn of whom a certificate is asked.
    assert_eq!(stage.one(udp(66), &invite("Call-ID: j\r\n")).status(), 407);
}

#[test]
fn who_is_not_asked_needs_none() {
    for proves in [&[][..], &[user("alice@example.test")]] {
        let mut stage = with_doctors(guarded());
        let tls = connected(&mut stage, 10, proves);
        assert_eq!(registers(&mut stage, tls, "bob").status(), 200);
        assert!(calls(&mut stage, tls, "carol", "sip:carol@example.test").is("INVITE"));
    }
    assert_eq!(registers(&mut with_doctors(guarded()), udp(10), "bob").status(), 200);
}

/// Whoever hides may write any domain, also one whose certificate they own.
#[test]
fn an_anonymous_caller_is_who_the_password_says() {
    for (proves, enough) in [
        (&[][..], false),
        (&[user("bob@example.test")], false),
        (&[domain("anonymous.invalid")], false),
        (&[user("alice@example.test")], true),
    ] {
        let mut stage = with_doctors(guarded());
        let tls = connected(&mut stage, 10, proves);
        let hidden = "sip:anonymous@anonymous.invalid";
        let probe =
            build("TLS 192.0.2.10", "sip:alice@example.test", 10, "INVITE", "sip:bob@example.test", "");
        let challenge = stage.one(tls, &probe);
        let proof =
            credentials(challenge.all("Proxy-Authenticate")[0], "alice", "INVITE", "sip:bob@example.test", 1);
        let more = format!("Proxy-Authorization: {proof}\r\nCall-ID: hidden\r\n");
        let sent =
            stage.one(tls, &build("TLS 192.0.2.10", hidden, 10, "INVITE", "sip:bob@example.test", &more));
        if enough {
            assert!(sent.is("INVITE"), "{sent:?}");
        } else {
            assert_refused(&sent);
        }
    }
}

#[test]
fn it_is_asked_for_also_where_passwords_are_not() {
    let mut stage = with_doctors(open());
    assert_refused(&registers(&mut stage, udp(10), "alice"));
    assert_refused(&calls(&mut stage, udp(10), "alice", "sip:%61lice@Example.test"));
    assert!(calls(&mut stage, udp(10), "alice", "sip:alice@elsewhere.test").is("INVITE"), "another alice");
    let tls = connected(&mut stage, 11, &[user("alice@example.test")]);
    assert_eq!(registers(&mut stage, tls, "alice").status(), 200);
    assert!(calls(&mut stage, tls, "alice", "sip:alice@example.test").is("INVITE"));
}

#[test]
fn a_server_that_is_trusted_without_a_password_is_trusted_without_a_certificate() {
    let mut stage = with_doctors(stage(|settings| settings.neighbours.push(udp(10).remote.ip())));
    assert!(calls(&mut stage, udp(10), "alice", "sip:alice@example.test").is("INVITE"));
}

#[test]
fn another_name_of_the_domain_is_the_domain() {
    let mut stage = with_doctors(stage(|settings| settings.domains.push("192.0.2.1".into())));
    let tls = connected(&mut stage, 10, &[user("alice@192.0.2.1")]);
    assert_eq!(registers(&mut stage, tls, "alice").status(), 200);
}

#[test]
fn what_a_connection_proved_ends_with_it() {
    let mut stage = with_doctors(guarded());
    let tls = connected(&mut stage, 10, &[user("alice@example.test")]);
    assert_eq!(registers(&mut stage, tls, "alice").status(), 200);
    let other = flow(Transport::Tls, 11);
    stage.agent.handle(stage.now, Input::FlowClosed(other, FlowError::Closed));
    assert!(calls(&mut stage, tls, "alice", "sip:alice@example.test").is("INVITE"), "it was another one");
    stage.agent.handle(stage.now, Input::FlowClosed(tls, FlowError::Closed));
    assert_refused(&registers(&mut stage, tls, "alice"));
}

/// What was registered before the group asked, or leads elsewhere, is not called.
#[test]
fn a_call_goes_only_to_a_connection_that_proves_the_callee() {
    let call = |stage: &mut Stage| {
        let uri = "sip:alice@example.test";
        stage.one(udp(10), &request("INVITE", uri, &format!("To: <{uri}>\r\n")))
    };
    let target = |over: Flow, by_flow| Target { flow: over, by_flow, ..at("alice", 20) };
    let mut stage = with_doctors(open());
    let certified = connected(&mut stage, 20, &[user("alice@example.test")]);
    let bare = connected(&mut stage, 21, &[]);
    let strange = connected(&mut stage, 22, &[user("bob@example.test")]);

    let others = vec![target(bare, true), target(strange, true), target(udp(20), false)];
    stage.users.insert("alice@example.test".into(), found(others.clone()));
    assert_eq!(call(&mut stage).status(), 480);
    // With one that does, it is this one alone, over its connection and not to where the Contact points.
    let mut all = others;
    all.push(target(certified, false));
    stage.users.insert("alice@example.test".into(), found(all));
    let sent = stage.pass(udp(10), &request("INVITE", "sip:alice@example.test", "Call-ID: second\r\n"));
    assert_eq!(sent.iter().map(|sent| sent.flow).collect::<Vec<_>>(), [certified], "{sent:?}");
    assert!(sent[0].is("INVITE"));
    let ringing = stage.one(certified, &reply(&sent[0], 180, ""));
    assert_eq!((ringing.status(), ringing.flow), (180, udp(10)));
    // Nor does a request that is too large for a datagram look for another way (RFC 3261 §18.1.1).
    let large = format!("Call-ID: large\r\nSubject: {}\r\n", "x".repeat(1400));
    let sent = stage.one(udp(10), &request("INVITE", "sip:alice@example.test", &large));
    assert!(sent.is("INVITE") && sent.flow == certified, "{sent:?}");
    // Nobody is there at all.
    let gone = Located { only_dead_flows: true, ..found(Vec::new()) };
    stage.users.insert("alice@example.test".into(), gone);
    let sent = stage.one(udp(10), &request("INVITE", "sip:alice@example.test", "Call-ID: the-third\r\n"));
    assert_eq!(sent.status(), 430);
}
