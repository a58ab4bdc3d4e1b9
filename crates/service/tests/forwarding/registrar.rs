//! REGISTER: RFC 3261 §10.3, RFC 3327, RFC 5626 §6, RFC 5627 §5, and digest on it (RFC 7616, RFC 8760).

use crate::stage::{
    Sent, Stage, at, build, credentials, flow, found, guarded, open, request, secs, stage, udp, with_password,
};
use cordboard_core::transport::Transport;
use cordboard_sip::digest::Algorithm;

/// Bob's phone at 192.0.2.20 registers; `n` counts its requests.
fn register(stage: &mut Stage, n: u32, more: &str) -> Sent {
    stage.one(udp(20), &text(n, more))
}

fn text(n: u32, more: &str) -> String {
    let more = format!(
        "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKr{n}\r\nCSeq: {n} REGISTER\r\nCall-ID: reg\r\n{more}"
    );
    let contact = if more.contains("Contact: ") {
        String::new()
    } else {
        "Contact: <sip:bob@192.0.2.20:5060>\r\n".into()
    };
    build("", "sip:bob@example.test", 20, "REGISTER", "sip:example.test", &format!("{more}{contact}"))
}

#[test]
fn how_long_a_contact_stays() {
    for (more, expires) in [
        ("Expires: 600\r\n", "600"),
        ("Contact: <sip:bob@192.0.2.20:5060>;expires=300\r\nExpires: 600\r\n", "300"),
        ("", "3600"),
        ("Expires: 4294967295\r\n", "3600"),
        ("Expires: soon\r\n", "3600"),
        ("Expires: 30\r\n", "30"),
    ] {
        let ok = register(&mut open(), 1, more);
        assert_eq!(ok.status(), 200, "{more}");
        assert_eq!(ok.one("Contact"), format!("<sip:bob@192.0.2.20:5060>;expires={expires}"), "{more}");
    }
    let brief = register(&mut open(), 1, "Expires: 29\r\n");
    assert_eq!((brief.status(), brief.one("Min-Expires")), (423, "30"));
}

#[test]
fn what_a_star_may() {
    for (more, status, left) in [
        ("Contact: *\r\nExpires: 0\r\n", 200, 0),
        ("Contact: *\r\nExpires: 1\r\n", 400, 1),
        ("Contact: *\r\n", 400, 1),
        ("Contact: *\r\nContact: <sip:x@192.0.2.20>\r\nExpires: 0\r\n", 400, 1),
    ] {
        let mut stage = open();
        assert_eq!(register(&mut stage, 1, "").status(), 200);
        assert_eq!(register(&mut stage, 2, more).status(), status, "{more}");
        let now = register(&mut stage, 3, "Contact: -\r\n");
        assert_eq!((now.status(), now.all("Contact").len()), (200, left), "{more}");
    }
}

#[test]
fn several_contacts_with_their_preferences() {
    let mut stage = open();
    let two = "Contact: <sip:bob@192.0.2.20:5060>;q=0.7, <sip:bob@192.0.2.21>;q=0.25;expires=60\r\n";
    let ok = register(&mut stage, 1, two);
    let mut listed = ok.all("Contact");
    listed.sort_unstable();
    assert_eq!(
        listed,
        ["<sip:bob@192.0.2.20:5060>;expires=3600;q=0.700", "<sip:bob@192.0.2.21>;expires=60;q=0.250"]
    );
    stage.wait(secs(61));
    assert_eq!(register(&mut stage, 2, "Contact: -\r\n").all("Contact").len(), 1, "the other has ended");
    let gone = register(&mut stage, 3, "Contact: <sip:bob@192.0.2.20:5060>;expires=0\r\n");
    assert!(gone.all("Contact").is_empty());
    let late = register(&mut stage, 2, "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKlate\r\n");
    assert!(matches!(late.status(), 200 | 500));
}

#[test]
fn a_request_that_was_overtaken_is_refused() {
    let mut stage = open();
    assert_eq!(register(&mut stage, 5, "").status(), 200);
    assert_eq!(register(&mut stage, 4, "").status(), 500, "RFC 3261 §10.3 step 7");
}

#[test]
fn who_and_what_is_refused() {
    for (more, status) in [
        ("Require: path, teleport, gruu\r\n", 420),
        ("To: <sip:nobody@example.test>\r\n", 404),
        ("To: <sip:bob@elsewhere.test>\r\n", 404),
        ("To: <sip:example.test>\r\n", 404),
        ("To: <sip:%62ob@EXAMPLE.test:5060>\r\n", 200),
        ("Contact: <sip:bob@192.0.2.20?Route=%3Csip:x%3E>\r\n", 400),
        ("Require: outbound, path\r\n", 200),
    ] {
        let sent = register(&mut open(), 1, more);
        assert_eq!(sent.status(), status, "{more}");
        if status == 420 {
            assert_eq!(sent.one("Unsupported"), "teleport");
        }
    }
}

#[test]
fn instance_flow_number_and_gruu_are_told() {
    let urn = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let contact = format!("Contact: <sip:bob@192.0.2.20:5060>;reg-id=2;+sip.instance=\"<{urn}>\"\r\n");
    let plain = register(&mut open(), 1, &contact);
    assert!(plain.one("Contact").contains(&format!("+sip.instance=\"<{urn}>\"")));
    assert!(!plain.one("Contact").contains("gruu") && plain.all("Require").is_empty());
    let ok = register(&mut open(), 1, &format!("{contact}Supported: path, outbound, gruu\r\n"));
    assert_eq!(ok.one("Require"), "outbound");
    assert!(ok.one("Contact").contains(";reg-id=2"), "{}", ok.one("Contact"));
    assert!(ok.one("Contact").contains(&format!("pub-gruu=\"sip:bob@example.test;gr={urn}\"")));
}

#[test]
fn a_gruu_leads_to_one_phone() {
    let mut stage = open();
    for n in [1, 2] {
        let contact = format!("Contact: <sip:bob@192.0.2.2{n}:5060>;+sip.instance=\"<urn:uuid:{n}>\"\r\n");
        assert_eq!(register(&mut stage, n, &contact).status(), 200);
    }
    let sent = stage.one(udp(10), &request("INVITE", "sip:bob@example.test;gr=urn:uuid:2", ""));
    assert_eq!(sent.request_uri(), "sip:bob@192.0.2.22:5060");
    let none = stage.one(
        udp(10),
        &request(
            "INVITE",
            "sip:bob@example.test;gr=urn:uuid:3",
            "Call-ID: c3\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKg3\r\n",
        ),
    );
    assert!(matches!(none.status(), 404 | 480), "{none:?}");
}

#[test]
fn a_path_is_kept_and_told() {
    let mut stage = open();
    let path = "Path: <sip:192.0.2.40;lr>\r\nPath: <sip:192.0.2.50;lr>\r\n";
    let ok = register(&mut stage, 1, &format!("{path}Supported: path\r\n"));
    assert_eq!(ok.all("Path"), ["<sip:192.0.2.40;lr>", "<sip:192.0.2.50;lr>"]);
    let sent = stage.one(udp(10), &request("INVITE", "sip:bob@example.test", ""));
    assert_eq!(sent.flow, udp(40));
    assert_eq!(sent.all("Route"), ["<sip:192.0.2.40;lr>", "<sip:192.0.2.50;lr>"]);
}

/// RFC 3327 §5.3.
#[test]
fn who_does_not_understand_a_path_is_told_of_it() {
    let path = "Path: <sip:192.0.2.40;lr>\r\n";
    let mut stage = open();
    let refused = register(&mut stage, 1, &format!("{path}Supported: outbound, gruu\r\n"));
    assert_eq!((refused.status(), refused.one("Unsupported")), (420, "path"));
    assert!(refused.all("Path").is_empty());
    assert!(register(&mut stage, 2, "Contact: -\r\n").all("Contact").is_empty(), "nothing was registered");
    for more in ["Supported: outbound, PATH\r\n", "k: path\r\n", "Require: path\r\n"] {
        let ok = register(&mut open(), 1, &format!("{path}{more}"));
        assert_eq!((ok.status(), ok.one("Path")), (200, "<sip:192.0.2.40;lr>"), "{more}");
    }
}

/// RFC 5626 §6: without outbound at the first hop there is no flow to keep.
#[test]
fn outbound_needs_a_first_hop_that_does_it() {
    let contact = "Contact: <sip:bob@192.0.2.20:5060>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\nSupported: path, outbound\r\n";
    let via = "Via: SIP/2.0/UDP 192.0.2.30:5060;branch=z9hG4bKedge\r\n";
    for (path, status) in
        [("", 439), ("Path: <sip:192.0.2.40;lr>\r\n", 439), ("Path: <sip:x@192.0.2.40;lr;ob>\r\n", 200)]
    {
        let ok = register(&mut open(), 1, &format!("{via}{contact}{path}"));
        assert_eq!(ok.status(), status, "{path}");
        assert_eq!(ok.all("Require").len(), usize::from(status == 200));
    }
}

#[test]
fn a_dead_connection_is_a_430() {
    let mut stage = open();
    let tcp = flow(Transport::Tcp, 20);
    let more = "Via: SIP/2.0/TCP 192.0.2.20:5060;branch=z9hG4bKt\r\nContact: <sip:bob@192.0.2.20:5060;transport=tcp>\r\n";
    let register = build("", "sip:bob@example.test", 20, "REGISTER", "sip:example.test", more);
    assert_eq!(stage.one(tcp, &register).status(), 200);
    stage.location.flow_closed(&tcp);
    assert_eq!(stage.one(udp(10), &request("INVITE", "sip:bob@example.test", "")).status(), 430);
}

// Digest.

fn challenge(sent: &Sent) -> String {
    assert_eq!(sent.status(), 401, "{sent:?}");
    sent.all("WWW-Authenticate")[0].to_owned()
}

fn with(credentials: &str) -> String {
    format!("Authorization: {credentials}\r\n")
}

const URI: &str = "sip:example.test";

#[test]
fn the_right_password_registers_once_for_each_count() {
    let mut stage = guarded();
    let asked = challenge(&register(&mut stage, 1, ""));
    assert!(asked.contains("realm=\"example.test\"") && !asked.contains("stale=true"));
    let one = with(&credentials(&asked, "bob", "REGISTER", URI, 1));
    let two = with(&credentials(&asked, "bob", "REGISTER", URI, 2));
    assert_eq!(register(&mut stage, 2, &one).status(), 200);
    assert_eq!(register(&mut stage, 3, &two).status(), 200);
    for (n, replayed) in [(4, &one), (5, &two)] {
        assert!(challenge(&register(&mut stage, n, replayed)).contains("stale=true"), "a replay");
    }
    let ahead = with(&credentials(&asked, "bob", "REGISTER", URI, 9));
    let behind = with(&credentials(&asked, "bob", "REGISTER", URI, 8));
    assert_eq!(register(&mut stage, 6, &ahead).status(), 200);
    assert_eq!(register(&mut stage, 7, &behind).status(), 200, "it was overtaken");
}

#[test]
fn an_old_nonce_is_stale_and_a_foreign_one_too() {
    let mut stage = guarded();
    let asked = challenge(&register(&mut stage, 1, ""));
    let answer = with(&credentials(&asked, "bob", "REGISTER", URI, 1));
    stage.wait(secs(3601));
    assert!(challenge(&register(&mut stage, 2, &answer)).contains("stale=true"));
    let foreign = asked.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
    let foreign = asked.replace(foreign, "fromanotherlife");
    let right = with(&credentials(&foreign, "bob", "REGISTER", URI, 1));
    let wrong = with(&with_password(&foreign, "bob", "guess", "REGISTER", URI, 1));
    assert!(challenge(&register(&mut guarded(), 3, &right)).contains("stale=true"), "before a restart");
    assert!(!challenge(&register(&mut guarded(), 3, &wrong)).contains("stale=true"));
}

/// The answer does not tell who exists.
#[test]
fn a_wrong_password_and_an_unknown_user_look_alike() {
    let shape = |user: &str, password: &str| {
        let mut stage = guarded();
        let asked = challenge(&register(&mut stage, 1, ""));
        let answer = with(&with_password(&asked, user, password, "REGISTER", URI, 1));
        register(&mut stage, 2, &answer).text
    };
    assert_eq!(shape("bob", "guess"), shape("nobody", "guess"));
    assert!(shape("bob", "guess").starts_with("SIP/2.0 401"));
}

#[test]
fn credentials_that_make_no_sense_are_a_400() {
    let mut stage = guarded();
    let asked = challenge(&register(&mut stage, 1, ""));
    let right = credentials(&asked, "bob", "REGISTER", URI, 1);
    let elsewhere = credentials(&asked, "bob", "REGISTER", "sip:elsewhere.test", 1);
    for (n, wrong) in [
        "Digest realm=\"example.test\"".to_owned(),
        right.replace("algorithm=MD5", "algorithm=ROT13"),
        right.replace("nc=00000001", "nc=one"),
        elsewhere,
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(register(&mut stage, 2 + n as u32, &with(wrong)).status(), 400, "{wrong}");
    }
}

#[test]
fn nobody_registers_for_another() {
    let mut stage = guarded();
    let asked = challenge(&register(&mut stage, 1, ""));
    let alice = with(&credentials(&asked, "alice", "REGISTER", URI, 1));
    assert_eq!(register(&mut stage, 2, &alice).status(), 403);
}

#[test]
fn every_algorithm_is_offered_and_only_those_count() {
    let all = [Algorithm::Sha256, Algorithm::Sha512_256, Algorithm::Md5];
    let mut stage = stage(|settings| settings.auth.algorithms = all.to_vec());
    let asked = register(&mut stage, 1, "");
    let asked = asked.all("WWW-Authenticate");
    for (challenge, algorithm) in asked.iter().zip(["SHA-256", "SHA-512-256", "MD5"]) {
        assert!(challenge.contains(&format!("algorithm={algorithm}")), "{challenge}");
    }
    for (n, challenge) in asked.iter().enumerate() {
        let n = n as u32;
        let answer = with(&credentials(challenge, "bob", "REGISTER", URI, n + 1));
        assert_eq!(register(&mut stage, 2 + n, &answer).status(), 200, "{challenge}");
    }
    let mut strict = crate::stage::stage(|settings| settings.auth.algorithms = vec![Algorithm::Sha256]);
    let offered = challenge(&register(&mut strict, 1, ""));
    let weaker = offered.replace("SHA-256", "MD5");
    let answer = with(&credentials(&weaker, "bob", "REGISTER", URI, 1));
    assert_eq!(register(&mut strict, 2, &answer).status(), 401, "nobody may bid us down");
}

#[test]
fn a_register_goes_to_whom_it_names_and_a_call_then_too() {
    let mut stage = open();
    stage.users.clear();
    register(&mut stage, 1, "Contact: <sip:bob@192.0.2.20:5070>\r\n");
    let sent = stage.one(udp(10), &request("MESSAGE", "sip:bob@example.test", ""));
    assert_eq!(sent.request_uri(), "sip:bob@192.0.2.20:5070");
    assert_eq!(sent.flow, udp(20), "the flow it registered over, for its contact names another port");
    stage.users.insert("bob@example.test".into(), found(vec![at("bob", 99)]));
}
