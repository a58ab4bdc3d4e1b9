//! GRUUs: RFC 5627 §5 and §6, from the REGISTER that gives them to the request that uses them.

use crate::stage::{Sent, Stage, build, flow, open, reply, request, secs, stage, udp, with_password};
use cordboard_core::transport::Transport;
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{Command, CommandId, Input};
use cordboard_sip::digest::{Algorithm, Ha1};
use cordboard_sip::header::{Contact, ContactAddr, Header};
use std::sync::Arc;

/// A phone of Bob's.
struct Phone {
    instance: &'static str,
    host: u8,
    call_id: &'static str,
}

const DESK: Phone = Phone { instance: "urn:uuid:desk", host: 20, call_id: "desk" };
const HALL: Phone = Phone { instance: "urn:uuid:hall", host: 21, call_id: "hall" };

impl Phone {
    fn contact(&self) -> String {
        format!("<sip:bob@192.0.2.{}:5060>;+sip.instance=\"<{}>\"", self.host, self.instance)
    }

    /// The `n`th REGISTER, for so many seconds.
    fn registers(&self, stage: &mut Stage, n: u32, expires: u32, more: &str) -> Sent {
        let (Self { host, call_id, .. }, contact) = (self, self.contact());
        let more = format!(
            "Via: SIP/2.0/UDP 192.0.2.{host}:5060;branch=z9hG4bK{call_id}{n}\r\nCSeq: {n} REGISTER\r\n\
             Call-ID: {call_id}\r\nContact: {contact};expires={expires}\r\n{more}"
        );
        let text = build("", "sip:bob@example.test", *host, "REGISTER", "sip:example.test", &more);
        stage.one(udp(*host), &text)
    }

    /// The temporary GRUU that it gets, the public one having been looked at.
    fn temporary(&self, stage: &mut Stage, n: u32) -> String {
        let ok = self.registers(stage, n, 3600, "Supported: gruu\r\n");
        let ours =
            contacts(&ok).into_iter().find(|contact| contact.instance.as_deref() == Some(self.instance));
        let ours = ours.expect("it is listed");
        let public = ours.pub_gruu.expect("a public one").to_string();
        assert_eq!(public, format!("sip:bob@example.test;gr={}", self.instance));
        ours.temp_gruu.expect("a temporary one").to_string()
    }
}

fn contacts(ok: &Sent) -> Vec<ContactAddr> {
    assert_eq!(ok.status(), 200, "{}", ok.text);
    ok.all("Contact")
        .into_iter()
        .map(|value| match Contact::parse(value).expect("well-formed") {
            Contact::At(addr) => *addr,
            Contact::All => panic!("a star in a response"),
        })
        .collect()
}

/// What becomes of the `n`th INVITE to `uri`: where it goes, or with what it is refused.
fn called(stage: &mut Stage, n: u32, uri: &str) -> Result<(String, Sent), u16> {
    let more = format!("Call-ID: call{n}\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKcall{n}\r\n");
    let sent = stage.one(udp(10), &request("INVITE", uri, &more));
    match sent.status() {
        0 => Ok((sent.request_uri().to_owned(), sent)),
        status => Err(status),
    }
}

fn reached(stage: &mut Stage, n: u32, uri: &str) -> Result<String, u16> {
    called(stage, n, uri).map(|(uri, _)| uri)
}

const AT_DESK: &str = "sip:bob@192.0.2.20:5060";
const AT_HALL: &str = "sip:bob@192.0.2.21:5060";

#[test]
fn a_temporary_gruu_leads_to_its_instance_until_the_call_id_changes() {
    let mut stage = open();
    let desk = DESK.temporary(&mut stage, 1);
    let hall = HALL.temporary(&mut stage, 1);
    assert!(desk.starts_with("sip:") && desk.ends_with("@example.test;gr") && desk.len() < 130, "{desk}");
    assert!(!desk.contains("bob") && !desk.contains("desk"), "{desk}");
    assert_eq!(reached(&mut stage, 1, &desk).as_deref(), Ok(AT_DESK));
    assert_eq!(reached(&mut stage, 2, &hall).as_deref(), Ok(AT_HALL));

    let second = DESK.temporary(&mut stage, 2);
    assert_ne!(desk, second, "each REGISTER brings a new one");
    for (n, uri) in [(3, &desk), (4, &second)] {
        assert_eq!(reached(&mut stage, n, uri).as_deref(), Ok(AT_DESK), "and the old ones stay good");
    }

    let third = Phone { call_id: "another", ..DESK }.temporary(&mut stage, 1);
    for (n, uri) in [(5, &desk), (6, &second)] {
        assert_eq!(reached(&mut stage, n, uri), Err(404));
    }
    assert_eq!(reached(&mut stage, 7, &third).as_deref(), Ok(AT_DESK));
    assert_eq!(reached(&mut stage, 8, &hall).as_deref(), Ok(AT_HALL), "the other phone is none the wiser");
    let public = format!("sip:bob@example.test;gr={}", DESK.instance);
    assert_eq!(reached(&mut stage, 9, &public).as_deref(), Ok(AT_DESK));
}

/// RFC 5627 §5.3: a temporary one is unknown then, a public one is not there at the moment.
#[test]
fn with_the_last_contact_it_dies() {
    let mut stage = open();
    let public = format!("sip:bob@example.test;gr={}", DESK.instance);
    let removed = DESK.temporary(&mut stage, 1);
    assert!(DESK.registers(&mut stage, 2, 0, "Supported: gruu\r\n").all("Contact").is_empty());
    assert_eq!(reached(&mut stage, 1, &removed), Err(404));
    assert_eq!(reached(&mut stage, 2, &public), Err(480));
    let expired = DESK.temporary(&mut stage, 3);
    assert_eq!(reached(&mut stage, 3, &removed), Err(404), "the same Call-ID does not wake it");
    assert_eq!(reached(&mut stage, 4, &expired).as_deref(), Ok(AT_DESK));
    stage.wait(secs(3601));
    assert_eq!(reached(&mut stage, 5, &expired), Err(404));
}

#[test]
fn only_who_supports_gruus_is_told_of_them() {
    let mut stage = open();
    assert!(!DESK.registers(&mut stage, 1, 3600, "").one("Contact").contains("gruu"));
    assert!(DESK.registers(&mut stage, 2, 3600, "Require: gruu\r\n").one("Contact").contains("temp-gruu"));
    let plain = build(
        "UDP 192.0.2.22:5060",
        "sip:bob@example.test",
        22,
        "REGISTER",
        "sip:example.test",
        "Call-ID: plain\r\nSupported: gruu\r\nContact: <sip:bob@192.0.2.22:5060>\r\n",
    );
    let listed = contacts(&stage.one(udp(22), &plain));
    let told: Vec<_> = listed.iter().map(|contact| contact.temp_gruu.is_some()).collect();
    assert_eq!(told, [true, false], "an instance is what has them");
}

/// RFC 5627 §5.1: what a phone suggests is ignored.
#[test]
fn no_phone_chooses_its_gruus() {
    for suggested in ["\"sip:king@example.test;gr=x\"", "\"sip:king@example.test;gr\"", "\"nonsense\"", "x"] {
        let mut stage = open();
        let more = format!(
            "Supported: gruu\r\nContact: <sip:bob@192.0.2.20:5060>;+sip.instance=\"<urn:x>\";\
             pub-gruu={suggested};temp-gruu={suggested}\r\n"
        );
        let text =
            build("UDP 192.0.2.20:5060", "sip:bob@example.test", 20, "REGISTER", "sip:example.test", &more);
        let listed = contacts(&stage.one(udp(20), &text));
        let public = listed[0].pub_gruu.as_ref().expect("one").to_string();
        assert_eq!(public, "sip:bob@example.test;gr=urn:x", "{suggested}");
        let temporary = listed[0].temp_gruu.as_ref().expect("one").to_string();
        assert_eq!(reached(&mut stage, 1, &temporary).as_deref(), Ok(AT_DESK), "{suggested}");
    }
}

/// RFC 5627 §5.2: the flows of one instance are told the same one.
#[test]
fn flows_of_an_instance_share_it() {
    let mut stage = open();
    let mut told = Vec::new();
    for n in [1, 2] {
        let more = format!(
            "Via: SIP/2.0/UDP 192.0.2.2{n}:5060;branch=z9hG4bKf{n}\r\nCall-ID: flow{n}\r\nSupported: gruu, outbound\r\n\
             Contact: <sip:bob@192.0.2.2{n}:5060>;reg-id={n};+sip.instance=\"<urn:uuid:x>\"\r\n"
        );
        let text = build("", "sip:bob@example.test", 20 + n, "REGISTER", "sip:example.test", &more);
        let listed = contacts(&stage.one(udp(20 + n), &text));
        stage.wait(secs(1));
        told = listed.iter().map(|contact| contact.temp_gruu.clone().expect("one").to_string()).collect();
    }
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], told[1]);
    let (first, sent) = called(&mut stage, 1, &told[0]).expect("it goes on");
    assert_eq!(first, "sip:bob@192.0.2.22:5060", "the latest");
    let next = stage.pass(udp(22), &reply(&sent, 430, ""));
    assert!(next.iter().any(|sent| sent.request_uri() == "sip:bob@192.0.2.21:5060"), "{next:#?}");
}

#[test]
fn one_that_nobody_made_does_not_exist() {
    let mut stage = open();
    let real = DESK.temporary(&mut stage, 1);
    let forged = format!("sip:{}{}", if real.as_bytes()[4] == b'A' { 'B' } else { 'A' }, &real[5..]);
    for (n, uri) in [forged.as_str(), "sip:bob@example.test;gr", "sip:x@example.test;gr"].iter().enumerate() {
        assert_eq!(reached(&mut stage, n as u32, uri), Err(404), "{uri}");
    }
    let escaped = format!("sip:%{:02x}{}", real.as_bytes()[4], &real[5..]);
    assert_eq!(reached(&mut stage, 8, &escaped).as_deref(), Ok(AT_DESK), "the same URI by RFC 3261 §19.1.4");
    let of_others = Phone { call_id: "theirs", ..DESK }.temporary(&mut stage_of([8; 32]), 1);
    assert_eq!(reached(&mut stage, 9, &of_others), Err(404), "another key");
    stage.agent.handle(stage.now, Input::Command(CommandId(1), Command::UseDirectory(Arc::default())));
    assert_eq!(reached(&mut stage, 10, &real), Err(404), "Bob is no user any more");
}

fn stage_of(key: [u8; 32]) -> Stage {
    stage(|settings| {
        settings.auth.calls = false;
        settings.auth.registers = false;
        settings.key = key;
    })
}

#[test]
fn one_whose_flow_has_failed_is_a_430() {
    let mut stage = open();
    let tcp = flow(Transport::Tcp, 20);
    let more = "Via: SIP/2.0/TCP 192.0.2.20:5060;branch=z9hG4bKt\r\nSupported: gruu\r\n\
                Contact: <sip:bob@192.0.2.20:5060;transport=tcp>;+sip.instance=\"<urn:uuid:x>\"\r\n";
    let text = build("", "sip:bob@example.test", 20, "REGISTER", "sip:example.test", more);
    let gruu = contacts(&stage.one(tcp, &text))[0].temp_gruu.clone().expect("one").to_string();
    assert_eq!(called(&mut stage, 1, &gruu).expect("it goes on").1.flow, tcp);
    stage.location.flow_closed(&tcp);
    assert_eq!(reached(&mut stage, 2, &gruu), Err(430));
}

/// RFC 5627 §6.1: inside a dialog too, along our Record-Route; to the phone and not to its address-of-record.
#[test]
fn a_dialog_whose_remote_target_it_is_goes_on() {
    let mut stage = open();
    let gruu = DESK.temporary(&mut stage, 1);
    HALL.temporary(&mut stage, 1);
    let (_, invite) = called(&mut stage, 1, &gruu).expect("it goes on");
    let ringing = stage.one(udp(20), &reply(&invite, 200, &format!("Contact: <{gruu}>\r\n")));
    assert_eq!(ringing.status(), 200);
    for (n, method) in ["ACK", "INVITE", "BYE"].into_iter().enumerate() {
        let more = format!(
            "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKin{n}\r\nCall-ID: call1\r\nCSeq: {} {method}\r\n\
             To: <{gruu}>;tag=b\r\nRoute: {}\r\n",
            n.max(1),
            ringing.one("Record-Route"),
        );
        let onward = stage.one(udp(10), &request(method, &gruu, &more));
        assert_eq!((onward.request_uri(), onward.flow), (AT_DESK, udp(20)), "{method}");
        assert!(onward.all("Route").is_empty(), "{method}");
    }
    Phone { call_id: "another", ..DESK }.temporary(&mut stage, 1);
    let more = format!(
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKlast\r\nCall-ID: call1\r\nCSeq: 9 INFO\r\n\
         To: <{gruu}>;tag=b\r\nRoute: {}\r\n",
        ringing.one("Record-Route"),
    );
    assert_eq!(
        stage.one(udp(10), &request("INFO", &gruu, &more)).status(),
        404,
        "§4.1: it ends with its era"
    );
}

/// Nothing that goes to the phone or back to the caller says whose it is.
#[test]
fn whose_it_is_stays_hidden() {
    let mut stage = open();
    let gruu = DESK.temporary(&mut stage, 1);
    let more = format!("To: <{gruu}>\r\n");
    let sent = stage.one(udp(10), &request("INVITE", &gruu, &more));
    assert_eq!(sent.one("To"), format!("<{gruu}>"));
    assert!(sent.all("P-Asserted-Identity").is_empty() && sent.all("History-Info").is_empty());
    let back = stage.one(udp(20), &reply(&sent, 180, "P-Asserted-Identity: <sip:bob@example.test>\r\n"));
    assert!(!back.text.contains("bob"), "{}", back.text);
    DESK.registers(&mut stage, 2, 0, "");
    let gone = request("INVITE", &gruu, &format!("{more}Call-ID: late\r\n"));
    assert!(!stage.one(udp(10), &gone).text.contains("bob"));
}

/// RFC 5627 §5.1: these would lead in a circle.
#[test]
fn no_instance_is_where_it_is_looked_for() {
    let mut stage = open();
    let own = DESK.temporary(&mut stage, 1);
    for (n, (contact, status)) in [
        (own.as_str(), 403),
        ("sip:bob@example.test", 403),
        ("sip:%62ob@EXAMPLE.test", 403),
        ("sip:bob@example.test;gr=urn:uuid:desk", 403),
        ("tel:+15551234", 403),
        ("sip:bob@example.test:5070", 200),
        ("sip:bob@192.0.2.20;gr", 200),
        ("sip:carol@example.test", 200),
    ]
    .into_iter()
    .enumerate()
    {
        for (expires, status) in [(3600, status), (0, 200)] {
            let more = format!(
                "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKl{n}{expires}\r\nCSeq: {} REGISTER\r\nCall-ID: l\r\n\
                 Contact: <{contact}>;+sip.instance=\"<urn:uuid:l>\";expires={expires}\r\n",
                n * 2 + usize::from(expires == 0) + 1
            );
            let text = build("", "sip:bob@example.test", 20, "REGISTER", "sip:example.test", &more);
            assert_eq!(stage.one(udp(20), &text).status(), status, "{contact} for {expires}");
        }
    }
}

/// RFC 3261 §25.1: what a user part cannot hold as it stands is escaped wherever we write it.
#[test]
fn a_user_with_odd_letters_is_escaped() {
    let name = "b ob@<é>";
    let written = "b%20ob%40%3C%C3%A9%3E";
    let mut stage = stage(|settings| settings.auth.registers = false);
    let ha1 = Ha1::new(Algorithm::Md5, name, "example.test", "pw").reveal();
    let octet = |at: usize| u8::from_str_radix(&ha1.as_str()[2 * at..2 * at + 2], 16).expect("hexadecimal");
    let user = User {
        display_name: None,
        groups: Vec::new(),
        ha1_md5: Some(std::array::from_fn(octet)),
        ha1_sha256: None,
        ha1_sha512_256: None,
    };
    let mut directory = Directory::default();
    directory.users.insert(name.into(), user);
    stage.agent.handle(stage.now, Input::Command(CommandId(1), Command::UseDirectory(Arc::new(directory))));

    let aor = format!("sip:{written}@example.test");
    let more = format!(
        "To: <{aor}>\r\nCall-ID: odd\r\nSupported: gruu\r\n\
         Contact: <sip:x@192.0.2.20:5060>;+sip.instance=\"<urn:a\\\"b\\\\c>\"\r\n"
    );
    let listed = contacts(
        &stage.one(udp(20), &build("UDP 192.0.2.20:5060", &aor, 20, "REGISTER", "sip:example.test", &more)),
    );
    let [contact] = &listed[..] else { panic!("one contact") };
    assert_eq!(contact.instance.as_deref(), Some("urn:a\"b\\c"));
    assert_eq!(contact.pub_gruu.as_ref().expect("one").to_string(), format!("{aor};gr=urn:a%22b%5Cc"));

    let invite = |more: &str| {
        let target = contact.pub_gruu.as_ref().expect("one").to_string();
        (target.clone(), build("UDP 192.0.2.10:5060", &aor, 10, "INVITE", &target, more))
    };
    let (uri, first) = invite("Call-ID: p1\r\n");
    let challenged = stage.one(udp(10), &first);
    assert_eq!(challenged.status(), 407);
    let challenge = challenged.one("Proxy-Authenticate");
    let proof = with_password(challenge, name, "pw", "INVITE", &uri, 1);
    let (_, second) = invite(&format!("Call-ID: p2\r\nProxy-Authorization: {proof}\r\n"));
    let sent = stage.one(udp(10), &second);
    assert_eq!(sent.request_uri(), "sip:x@192.0.2.20:5060");
    assert_eq!(sent.one("P-Asserted-Identity"), format!("<{aor}>"));
}
